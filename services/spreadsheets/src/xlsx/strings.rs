//! The texts that cells share.

use quick_xml::events::Event;

use super::{
    part::{Part, Text},
    values::unescaped,
};
use crate::{MAX_CELL_CHARACTERS, SpreadsheetError};

/// The texts, one after the other, and where each ends.
#[derive(Default)]
pub(super) struct SharedStrings {
    text: String,
    ends: Vec<u32>,
}

impl SharedStrings {
    pub(super) fn read(mut part: Part<'_>) -> Result<Self, SpreadsheetError> {
        let (mut strings, mut text) = (Self::default(), Text::default());
        loop {
            let event = part.next()?;
            match &event {
                Event::Start(tag) if tag.local_name().as_ref() == b"si" => text.clear(),
                Event::End(tag) if tag.local_name().as_ref() == b"si" => strings.push(text.as_str())?,
                Event::Eof => return Ok(strings),
                _ => text.see(&event)?,
            }
        }
    }

    fn push(&mut self, text: &str) -> Result<(), SpreadsheetError> {
        self.text.extend(unescaped(text).chars().take(MAX_CELL_CHARACTERS));
        self.ends.push(u32::try_from(self.text.len()).map_err(|_| SpreadsheetError::UnpackedTooLarge)?);
        Ok(())
    }

    pub(super) fn get(&self, index: usize) -> Option<&str> {
        let end = *self.ends.get(index)? as usize;
        let start = index.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |start| *start as usize);
        self.text.get(start..end)
    }
}
