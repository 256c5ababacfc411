//! XLSX: the first sheet whose first row is a header of people. Read as a stream of cells with a reader of our own, since
//! a file says itself how many strings, formats and cells it has, and those who mean harm say so much that a reader which
//! makes room for it brings the process down. Here memory grows with what has really been read, and that is bounded.

mod package;
mod part;
mod sheet;
mod strings;
mod values;
mod workbook;

use package::Package;

use crate::{PeopleTable, SpreadsheetError};

pub(crate) fn read(bytes: &[u8]) -> Result<PeopleTable, SpreadsheetError> {
    let mut package = Package::open(bytes)?;
    let workbook = workbook::read(&mut package)?;
    let mut first = None;
    for path in &workbook.sheets {
        match sheet::read(&mut package, path, &workbook) {
            // Another sheet may be the one; what is wrong is told of the first.
            Err(error @ (SpreadsheetError::MissingColumns(_) | SpreadsheetError::Empty)) => {
                first = first.or(Some(error))
            }
            other => return other,
        }
    }
    Err(first.unwrap_or(SpreadsheetError::NotASpreadsheet))
}
