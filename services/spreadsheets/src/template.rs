//! Templates to fill in.

use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, FormatBorder, Workbook, XlsxError};

use crate::{Column, CsvWriter, SpreadsheetError};

/// Rows of the template whose cells are formatted.
const FORMATTED_ROWS: u32 = 1_000;

/// The template as CSV: the header.
pub fn people_template_csv() -> String {
    let mut writer = CsvWriter::new();
    let headers = Column::ALL.map(Column::header);
    writer.row(headers.iter().map(String::as_str));
    writer.take()
}

/// The template as XLSX: a sheet to fill in, whose cells are text so that phone numbers and dates stay as typed, and one
/// that explains the columns.
///
/// # Errors
/// Never in practice; the library that writes it may fail.
pub fn people_template_xlsx() -> Result<Vec<u8>, SpreadsheetError> {
    write().map_err(|_| SpreadsheetError::Damaged)
}

fn write() -> Result<Vec<u8>, XlsxError> {
    let mut book = Workbook::new();
    // The library would ask the clock; the same bytes each time can be cached.
    let created = ExcelDateTime::from_ymd(2026, 1, 1)?;
    book.set_properties(&DocProperties::new().set_creation_datetime(&created));
    let bold = Format::new().set_bold().set_border_bottom(FormatBorder::Thin);
    let (as_text, as_date) = (Format::new().set_num_format("@"), Format::new().set_num_format("yyyy-mm-dd"));
    let people = book.add_worksheet().set_name("People")?;
    people.set_freeze_panes(1, 0)?;
    for (index, column) in (0..).zip(Column::ALL) {
        people.set_column_width(index, 22)?;
        let format = if column == Column::StartDate { &as_date } else { &as_text };
        for row in 1..=FORMATTED_ROWS {
            people.write_blank(row, index, format)?;
        }
        people.write_with_format(0, index, column.header(), &bold)?;
    }
    let notes = book.add_worksheet().set_name("Notes")?;
    notes.set_column_width(0, 22)?;
    notes.set_column_width(1, 90)?;
    for (row, column) in (0..).zip(Column::ALL) {
        notes.write_with_format(row, 0, column.name(), &bold)?;
        notes.write(row, 1, column.note())?;
    }
    book.save_to_buffer()
}
