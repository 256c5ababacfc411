//! Screens made of text.

use std::{
    io::Write,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{Screen, ScreenEvent};

/// The screen of one unit, drawn anew at each change.
pub struct TextScreen<W> {
    drawing: Mutex<Drawing<W>>,
}

struct Drawing<W> {
    writer: W,
    serial: String,
    name: Option<String>,
    shown: Vec<String>,
}

impl<W: Write + Send + 'static> TextScreen<W> {
    /// Draws on `writer`, such as the standard output.
    pub fn new(writer: W) -> Self {
        let drawing = Drawing { writer, serial: String::new(), name: None, shown: Vec::new() };
        Self { drawing: Mutex::new(drawing) }
    }
}

impl<W: Write + Send + 'static> Screen for TextScreen<W> {
    fn show(&self, event: ScreenEvent) {
        let mut drawing = self.drawing.lock().unwrap_or_else(PoisonError::into_inner);
        match &event {
            ScreenEvent::BootedAs { serial, .. } => drawing.serial = printable(serial),
            ScreenEvent::Settings { name } => drawing.name = Some(printable(name)),
            ScreenEvent::Revoked { .. } => drawing.name = None,
            _ => {}
        }
        let lines = lines(&event);
        if drawing.shown != lines {
            drawing.shown = lines;
            drawing.draw();
        }
    }
}

impl<W: Write> Drawing<W> {
    fn draw(&mut self) {
        let title = match &self.name {
            Some(name) => format!("{name} · Portal {}", self.serial),
            None => format!("Portal {}", self.serial),
        };
        // Open on the right: names may hold characters of any width.
        let mut text = format!("\n  ┌─ {title} {}\n  │\n", "─".repeat(56_usize.saturating_sub(title.chars().count())));
        for line in &self.shown {
            text.push_str("  │   ");
            text.push_str(line);
            text.push('\n');
        }
        text.push_str("  │\n  └");
        text.push_str(&"─".repeat(60));
        text.push('\n');
        // A screen that cannot be written to must not stop the unit.
        let written = self.writer.write_all(text.as_bytes()).and_then(|()| self.writer.flush());
        if let Err(error) = written {
            tracing::debug!(%error, "the screen cannot be drawn");
        }
    }
}

/// One line per event of any of many units, each beginning with the unit's name.
#[derive(Clone)]
pub struct LineScreen<W> {
    unit: String,
    writer: Arc<Mutex<W>>,
}

impl<W: Write + Send + 'static> LineScreen<W> {
    /// Lines for the unit called `unit`, on a writer that all units share.
    pub fn new(unit: impl Into<String>, writer: Arc<Mutex<W>>) -> Self {
        Self { unit: unit.into(), writer }
    }
}

impl<W: Write + Send + 'static> Screen for LineScreen<W> {
    fn show(&self, event: ScreenEvent) {
        let text = lines(&event).into_iter().filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = writeln!(writer, "{}: {text}", self.unit) {
            tracing::debug!(%error, "the screen cannot be drawn");
        }
    }
}

fn lines(event: &ScreenEvent) -> Vec<String> {
    match event {
        ScreenEvent::BootedAs { serial, boot_id } => {
            vec![format!("Starting {}", printable(serial)), format!("(boot {boot_id})")]
        }
        ScreenEvent::ShowCode { code, uri, expires } => vec![
            "To set up this Portal, open".to_owned(),
            String::new(),
            format!("    {}", printable(uri)),
            String::new(),
            "on a computer and enter".to_owned(),
            String::new(),
            format!("    {}", printable(code)),
            String::new(),
            format!("The code is good until {} UTC.", expires.format("%H:%M")),
        ],
        ScreenEvent::Denied { reason } => {
            vec!["This Portal was not connected:".to_owned(), printable(reason)]
        }
        ScreenEvent::Paired { device_id } => vec!["Set up.".to_owned(), format!("Device {}", printable(device_id))],
        ScreenEvent::Connected => vec!["Ready.".to_owned()],
        ScreenEvent::Settings { name } => vec![format!("This is {}.", printable(name))],
        ScreenEvent::CommandReceived { kind, sequence } => vec![format!("Asked to {kind} (command {sequence}).")],
        ScreenEvent::Rebooting => vec!["Rebooting …".to_owned()],
        ScreenEvent::Offline { reason } => {
            vec!["Offline:".to_owned(), format!("{reason}."), "Trying again.".to_owned()]
        }
        ScreenEvent::Revoked { reason } => {
            vec!["This Portal is no longer set up:".to_owned(), printable(reason), "It shows a new code.".to_owned()]
        }
    }
}

/// Text from outside must not steer the terminal.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    #[derive(Clone, Default)]
    struct Paper(Arc<Mutex<Vec<u8>>>);

    impl Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn draws_the_code_in_a_frame() {
        let paper = Paper::default();
        let screen = TextScreen::new(paper.clone());
        let boot_id = uuid::Uuid::nil();
        screen.show(ScreenEvent::BootedAs { serial: "VP1".into(), boot_id });
        paper.0.lock().unwrap().clear();
        let expires = DateTime::from_timestamp(43_200, 0).unwrap();
        let event = ScreenEvent::ShowCode { code: "BCDF-GHJK".into(), uri: "https://x.test/device".into(), expires };
        screen.show(event.clone());
        let drawn = String::from_utf8(paper.0.lock().unwrap().clone()).unwrap();
        let frame = [
            "",
            "  ┌─ Portal VP1 ──────────────────────────────────────────────",
            "  │",
            "  │   To set up this Portal, open",
            "  │   ",
            "  │       https://x.test/device",
            "  │   ",
            "  │   on a computer and enter",
            "  │   ",
            "  │       BCDF-GHJK",
            "  │   ",
            "  │   The code is good until 12:00 UTC.",
            "  │",
            "  └────────────────────────────────────────────────────────────",
            "",
        ];
        assert_eq!(drawn, frame.join("\n"));
        screen.show(event);
        assert_eq!(paper.0.lock().unwrap().len(), drawn.len(), "the same picture is not drawn twice");
        screen.show(ScreenEvent::Settings { name: "Lobby\u{1b}[2J".into() });
        assert!(!paper.0.lock().unwrap().contains(&0x1b), "a name cannot steer the terminal");
    }
}
