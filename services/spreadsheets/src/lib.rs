//! Tables of people, as programs for spreadsheets write them: CSV and XLSX in, templates and results out. Bytes in, rows
//! out: nothing here stores or asks for anything.

mod columns;
mod csv_reader;
mod error;
mod table;
mod template;
mod writer;
mod xlsx;

pub use columns::Column;
pub use error::SpreadsheetError;
pub use table::{PeopleTable, PersonRow};
pub use template::{people_template_csv, people_template_xlsx};
pub use writer::CsvWriter;

/// Most bytes of a file.
pub const MAX_FILE_BYTES: usize = 10 * 1024 * 1024;
/// Most rows of a file, the header aside.
pub const MAX_ROWS: usize = 100_000;
/// Most characters of a cell that are kept; more than any field takes, so that what is cut is still found too long.
pub const MAX_CELL_CHARACTERS: usize = 1_001;
/// Most columns that are looked at.
pub(crate) const MAX_COLUMNS: usize = 100;

/// Reads a table of people. Whether it is CSV or XLSX is told by its content.
///
/// # Errors
/// See [`SpreadsheetError`].
pub fn read_people(bytes: &[u8]) -> Result<PeopleTable, SpreadsheetError> {
    if bytes.len() > MAX_FILE_BYTES {
        return Err(SpreadsheetError::TooLarge);
    }
    match bytes {
        [b'P', b'K', 3, 4, ..] => xlsx::read(bytes),
        // What Office wrote before 2007, and what it writes when a file is protected by a password.
        [0xD0, 0xCF, 0x11, 0xE0, ..] => Err(SpreadsheetError::OldOrProtected),
        [0x89, b'P', b'N', b'G', ..] | [0xFF, 0xD8, 0xFF, ..] | [b'%', b'P', b'D', b'F', ..] => {
            Err(SpreadsheetError::NotASpreadsheet)
        }
        _ => csv_reader::read(bytes),
    }
}

/// Reads a date as people write it: `2026-12-31`, and `31.12.2026`, `31/12/2026` or `12/31/2026` where only one reading is
/// possible. Years have four digits: nobody can tell which century `26` means.
pub fn parse_date(text: &str) -> Option<chrono::NaiveDate> {
    use chrono::NaiveDate;
    let text = text.trim();
    let digits = text.split(|c: char| !c.is_ascii_digit()).map(str::len);
    if !text.bytes().all(|byte| byte.is_ascii_digit() || b"-./".contains(&byte)) || digits.max() != Some(4) {
        return None;
    }
    let read = |format: &str| NaiveDate::parse_from_str(text, format).ok();
    match (read("%d/%m/%Y"), read("%m/%d/%Y")) {
        (Some(one), Some(other)) => (one == other).then_some(one),
        (one, other) => one.or(other).or_else(|| read("%Y-%m-%d")).or_else(|| read("%d.%m.%Y")),
    }
}
