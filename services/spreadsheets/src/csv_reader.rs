//! CSV as Excel, LibreOffice and Google Sheets write it.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

use crate::{PeopleTable, SpreadsheetError, columns::Header, table::Builder};

pub(crate) fn read(bytes: &[u8]) -> Result<PeopleTable, SpreadsheetError> {
    let text = decode(bytes)?;
    // No text has it, in whatever encoding.
    if text.contains('\0') {
        return Err(SpreadsheetError::NotASpreadsheet);
    }
    let (separator, rest, skipped) = separator(&text);
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(separator).from_reader(rest.as_bytes());
    let mut record = csv::StringRecord::new();
    let mut builder: Option<Builder> = None;
    let mut lines = Lines { text: rest, at: 0, line: skipped + 1 };
    while reader.read_record(&mut record).map_err(|_| SpreadsheetError::Damaged)? {
        let line = lines.of(record.position().map_or(0, csv::Position::byte));
        let blank = record.iter().all(|cell| cell.trim().is_empty());
        match &mut builder {
            _ if blank => {}
            None => builder = Some(Builder::new(Header::read(record.iter())?)),
            Some(builder) => {
                record.iter().enumerate().for_each(|(index, cell)| builder.cell(index, cell));
                builder.end_row(line)?;
            }
        }
    }
    builder.ok_or(SpreadsheetError::Empty)?.finish()
}

/// Counts lines. The library's own count is behind where lines end with CR and LF.
struct Lines<'a> {
    text: &'a str,
    at: usize,
    line: u32,
}

impl Lines<'_> {
    /// The line of the record that begins at this byte, or after the ends of lines that stand there.
    fn of(&mut self, byte: u64) -> u32 {
        let bytes = self.text.as_bytes();
        let mut start = usize::try_from(byte).unwrap_or(usize::MAX).min(bytes.len());
        while bytes.get(start).is_some_and(|byte| matches!(byte, b'\r' | b'\n')) {
            start += 1;
        }
        let passed = bytes.get(self.at..start).unwrap_or_default();
        let ends = passed.iter().zip(passed.iter().skip(1).chain([&0]));
        // CR and LF together end one line; so does either alone.
        let ended = ends.filter(|(byte, next)| **byte == b'\n' || (**byte == b'\r' && **next != b'\n')).count();
        self.line = self.line.saturating_add(u32::try_from(ended).unwrap_or(u32::MAX));
        self.at = start;
        self.line
    }
}

/// By the byte order mark if there is one; else UTF-8 if it is that, and otherwise what Excel writes on Windows in
/// western languages.
fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, SpreadsheetError> {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        let rest = bytes.get(mark..).unwrap_or_default();
        // Nobody should get a name with characters replaced.
        return encoding.decode_without_bom_handling_and_without_replacement(rest).ok_or(SpreadsheetError::Damaged);
    }
    let text = UTF_8.decode_without_bom_handling_and_without_replacement(bytes);
    Ok(text.unwrap_or_else(|| WINDOWS_1252.decode_without_bom_handling(bytes).0))
}

/// The separator, what follows the line that may name it, and how many lines that is.
fn separator(text: &str) -> (u8, &str, u32) {
    // Excel's own way to name it.
    let named = text.strip_prefix("sep=").and_then(|rest| rest.split_once('\n'));
    if let Some(([separator @ (b',' | b';' | b'\t')], rest)) =
        named.map(|(name, rest)| (name.trim_end_matches('\r').as_bytes(), rest))
    {
        return (*separator, rest, 1);
    }
    let header = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    // What stands between quotes separates nothing.
    let outside = || header.split('"').step_by(2).flat_map(str::bytes);
    let count = |separator: u8| outside().filter(|byte| *byte == separator).count();
    let most = [b',', b';', b'\t'].into_iter().rev().max_by_key(|separator| count(*separator));
    (most.unwrap_or(b','), text, 0)
}
