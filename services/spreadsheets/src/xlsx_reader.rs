//! XLSX: the first sheet whose first row is a header of people. Cells are read one by one: a sheet may claim to be huge.

use std::{collections::BTreeMap, io::Cursor};

use calamine::{DataRef, Reader, Xlsx, XlsxError};

use crate::{MAX_COLUMNS, PeopleTable, SpreadsheetError, columns::Header, table::Builder, unzipped};

pub(crate) fn read(bytes: &[u8]) -> Result<PeopleTable, SpreadsheetError> {
    unzipped::check(bytes)?;
    let mut book = Xlsx::new(Cursor::new(bytes)).map_err(|error| damaged(&error))?;
    let mut first = None;
    for name in book.sheet_names() {
        match sheet(&mut book, &name) {
            // Another sheet may be the one; what is wrong is told of the first.
            Err(error @ (SpreadsheetError::MissingColumns(_) | SpreadsheetError::Empty)) => {
                first = first.or(Some(error))
            }
            other => return other,
        }
    }
    Err(first.unwrap_or(SpreadsheetError::Empty))
}

fn damaged(error: &XlsxError) -> SpreadsheetError {
    match error {
        XlsxError::Password => SpreadsheetError::OldOrProtected,
        XlsxError::FileNotFound(_) => SpreadsheetError::NotASpreadsheet,
        _ => SpreadsheetError::Damaged,
    }
}

fn sheet(book: &mut Xlsx<Cursor<&[u8]>>, name: &str) -> Result<PeopleTable, SpreadsheetError> {
    let mut cells = book.worksheet_cells_reader(name).map_err(|error| damaged(&error))?;
    let (mut header, mut builder) = (BTreeMap::new(), None::<Builder>);
    let mut row = None;
    while let Some(cell) = cells.next_cell_with_formula_metadata().map_err(|error| damaged(&error))? {
        let (at, column) = cell.pos;
        if row != Some(at) {
            match (&mut builder, row) {
                (Some(builder), Some(ended)) => builder.end_row(line(ended))?,
                (None, _) if !header.is_empty() => builder = Some(begin(&header)?),
                _ => {}
            }
            row = Some(at);
        }
        let index = column as usize;
        if index >= MAX_COLUMNS {
            continue;
        }
        let text = if cell.formula.is_some() { String::new() } else { text(&cell.value) };
        match &mut builder {
            Some(builder) if cell.formula.is_some() => builder.formula(index),
            Some(builder) => builder.cell(index, &text),
            None if text.trim().is_empty() => {}
            None => drop(header.insert(index, text)),
        }
    }
    if builder.is_none() && !header.is_empty() {
        builder = Some(begin(&header)?);
        row = None;
    }
    let mut builder = builder.ok_or(SpreadsheetError::Empty)?;
    if let Some(last) = row {
        builder.end_row(line(last))?;
    }
    builder.finish()
}

fn begin(header: &BTreeMap<usize, String>) -> Result<Builder, SpreadsheetError> {
    let width = header.last_key_value().map_or(0, |(last, _)| last + 1);
    let names = (0..width).map(|index| header.get(&index).map_or("", String::as_str));
    Header::read(names).map(Builder::new)
}

/// Programs count rows from 1.
fn line(row: u32) -> u32 {
    row.saturating_add(1)
}

fn text(value: &DataRef<'_>) -> String {
    match value {
        DataRef::Empty | DataRef::Error(_) => String::new(),
        DataRef::String(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Int(number) => number.to_string(),
        // Phone numbers are numbers to these programs.
        DataRef::Float(number) => number.to_string(),
        DataRef::Bool(value) => value.to_string(),
        DataRef::DateTime(at) => at.as_datetime().map(|at| at.date().to_string()).unwrap_or_default(),
        DataRef::DateTimeIso(text) => text.split('T').next().unwrap_or_default().to_owned(),
        DataRef::DurationIso(text) => text.clone(),
    }
}
