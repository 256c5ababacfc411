//! A part of an XLSX file: XML, read event by event within limits.

use std::{
    borrow::Cow,
    cell::Cell,
    io::{self, BufRead, BufReader, Read},
};

use quick_xml::{
    Reader,
    escape::{resolve_predefined_entity, unescape},
    events::{BytesRef, BytesStart, Event},
};

use crate::SpreadsheetError;

/// Most bytes of a tag, or of a text between tags. A cell has at most 32,767 characters, which is Excel's own limit.
const MAX_EVENT_BYTES: usize = 1024 * 1024;
/// Most tags inside each other. Sheets have about ten.
const MAX_DEPTH: usize = 64;
/// Most bytes of a text that are kept: what is beyond is cut from a cell in any case.
const MAX_TEXT_BYTES: usize = 64 * 1024;

/// Counts what is unpacked: of the whole file, and for the event at hand.
struct Limited<'a> {
    inner: BufReader<Box<dyn Read + 'a>>,
    room: &'a Cell<u64>,
    event_room: usize,
    exceeded: bool,
}

impl Read for Limited<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

impl BufRead for Limited<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.room.get() == 0 || self.event_room == 0 {
            self.exceeded = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.room.set(self.room.get().saturating_sub(amount as u64));
        self.event_room = self.event_room.saturating_sub(amount);
        self.inner.consume(amount);
    }
}

/// A part that is being read.
pub(super) struct Part<'a> {
    xml: Reader<Limited<'a>>,
    buffer: Vec<u8>,
    depth: usize,
}

impl<'a> Part<'a> {
    /// `room` is how many bytes may still be unpacked; what is read is taken from it.
    pub(super) fn new(unpacked: Box<dyn Read + 'a>, room: &'a Cell<u64>) -> Self {
        let inner = BufReader::with_capacity(32 * 1024, unpacked);
        let mut xml = Reader::from_reader(Limited { inner, room, event_room: MAX_EVENT_BYTES, exceeded: false });
        xml.config_mut().expand_empty_elements = true;
        Self { xml, buffer: Vec::new(), depth: 0 }
    }

    /// The next event. Document types are refused: nothing that writes tables needs one, and they define entities.
    pub(super) fn next(&mut self) -> Result<Event<'_>, SpreadsheetError> {
        self.buffer.clear();
        self.xml.get_mut().event_room = MAX_EVENT_BYTES;
        let Ok(event) = self.xml.read_event_into(&mut self.buffer) else {
            let exceeded = self.xml.get_ref().exceeded;
            return Err(if exceeded { SpreadsheetError::UnpackedTooLarge } else { SpreadsheetError::Damaged });
        };
        match event {
            Event::Start(_) => self.depth += 1,
            Event::End(_) => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        let broken = match event {
            Event::DocType(_) => true,
            Event::Eof => self.depth > 0,
            _ => self.depth > MAX_DEPTH,
        };
        if broken { Err(SpreadsheetError::Damaged) } else { Ok(event) }
    }
}

/// An attribute of a tag by its name without prefix.
pub(super) fn attribute<'a>(tag: &'a BytesStart<'_>, name: &str) -> Result<Option<Cow<'a, str>>, SpreadsheetError> {
    for attribute in attributes(tag) {
        let (found, value) = attribute?;
        if found == name.as_bytes() {
            return unescape(value).map(|value| Some(value.into_owned().into())).map_err(|_| SpreadsheetError::Damaged);
        }
    }
    Ok(None)
}

/// Names without prefix and raw values of the attributes of a tag.
pub(super) fn attributes<'a>(
    tag: &'a BytesStart<'_>,
) -> impl Iterator<Item = Result<(&'a [u8], &'a str), SpreadsheetError>> {
    // Looking for duplicates takes time squared, and which of two counts does not matter here.
    let mut attributes = tag.attributes();
    attributes.with_checks(false);
    attributes.map(|attribute| {
        let attribute = attribute.map_err(|_| SpreadsheetError::Damaged)?;
        let Cow::Borrowed(value) = attribute.value else { return Err(SpreadsheetError::Damaged) };
        Ok((attribute.key.local_name().into_inner(), utf8(value)?))
    })
}

/// Collects the text of a cell or string. Formatting falls away, and so does how Japanese names are read aloud.
#[derive(Default)]
pub(super) struct Text {
    text: String,
    in_text: bool,
    in_reading: bool,
}

impl Text {
    pub(super) fn clear(&mut self) {
        self.text.clear();
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    pub(super) fn see(&mut self, event: &Event<'_>) -> Result<(), SpreadsheetError> {
        match event {
            Event::Start(tag) => self.enter(tag.local_name().as_ref(), true),
            Event::End(tag) => self.enter(tag.local_name().as_ref(), false),
            Event::Text(text) if self.in_text => self.push(utf8(text)?),
            Event::CData(text) if self.in_text => self.push(utf8(text)?),
            Event::GeneralRef(reference) if self.in_text => self.refer(reference)?,
            _ => {}
        }
        Ok(())
    }

    fn enter(&mut self, name: &[u8], inside: bool) {
        match name {
            b"t" | b"v" => self.in_text = inside && !self.in_reading,
            b"rPh" => self.in_reading = inside,
            _ => {}
        }
    }

    fn push(&mut self, text: &str) {
        if self.text.len() < MAX_TEXT_BYTES {
            self.text.push_str(text);
        }
    }

    fn refer(&mut self, reference: &BytesRef<'_>) -> Result<(), SpreadsheetError> {
        if let Some(character) = reference.resolve_char_ref().map_err(|_| SpreadsheetError::Damaged)? {
            self.push(character.encode_utf8(&mut [0; 4]));
            return Ok(());
        }
        self.push(resolve_predefined_entity(utf8(reference)?).ok_or(SpreadsheetError::Damaged)?);
        Ok(())
    }
}

fn utf8(bytes: &[u8]) -> Result<&str, SpreadsheetError> {
    std::str::from_utf8(bytes).map_err(|_| SpreadsheetError::Damaged)
}
