//! A sheet: its cells, one after the other. A sheet may say that it is huge, so nothing is made ready for its size.

use std::{borrow::Cow, collections::BTreeMap};

use quick_xml::events::{BytesStart, Event};

use super::{
    package::Package,
    part::{Part, Text, attribute, attributes},
    values::{date, number, unescaped},
    workbook::Workbook,
};
use crate::{MAX_COLUMNS, PeopleTable, SpreadsheetError, columns::Header, table::Builder};

/// Most rows of a sheet that a program can show.
const LAST_ROW: u32 = 1_048_576;

pub(super) fn read(
    package: &mut Package<'_>,
    path: &str,
    workbook: &Workbook,
) -> Result<PeopleTable, SpreadsheetError> {
    let mut part = package.part(path)?.ok_or(SpreadsheetError::Damaged)?;
    let (mut rows, mut text, mut in_data) = (Rows::default(), Text::default(), false);
    loop {
        match part.next()? {
            Event::Start(tag) => match tag.local_name().as_ref() {
                b"sheetData" => in_data = true,
                b"row" if in_data => rows.begin(attribute(&tag, "r")?.as_deref())?,
                b"c" if in_data => {
                    let cell = Cell::read(&tag, rows.next_column)?;
                    let formula = cell.content(&mut part, &mut text)?;
                    rows.put(&cell, formula, &text, workbook)?;
                }
                _ => {}
            },
            Event::End(tag) => match tag.local_name().as_ref() {
                b"row" if in_data => rows.end()?,
                b"sheetData" => return rows.finish(),
                _ => {}
            },
            Event::Eof => return Err(SpreadsheetError::Empty),
            _ => {}
        }
    }
}

/// How the value of a cell is to be taken.
enum Kind {
    Number,
    Shared,
    Text,
    IsoDate,
    Bool,
    Error,
}

/// Where a cell stands and what it is.
struct Cell {
    column: usize,
    style: usize,
    kind: Kind,
}

impl Cell {
    /// `next` is the column of a cell that does not say where it stands.
    fn read(tag: &BytesStart<'_>, next: usize) -> Result<Self, SpreadsheetError> {
        let mut cell = Self { column: next, style: 0, kind: Kind::Number };
        for attribute in attributes(tag) {
            let (name, value) = attribute?;
            match name {
                b"r" => cell.column = column(value)?,
                b"s" => cell.style = value.parse().map_err(|_| SpreadsheetError::Damaged)?,
                b"t" => {
                    cell.kind = match value {
                        "s" => Kind::Shared,
                        "str" | "inlineStr" => Kind::Text,
                        "d" => Kind::IsoDate,
                        "b" => Kind::Bool,
                        "e" => Kind::Error,
                        _ => Kind::Number,
                    }
                }
                _ => {}
            }
        }
        Ok(cell)
    }

    /// Reads what stands in the cell, and says whether there is a formula.
    fn content(&self, part: &mut Part<'_>, text: &mut Text) -> Result<bool, SpreadsheetError> {
        text.clear();
        let mut formula = false;
        loop {
            let event = part.next()?;
            match &event {
                Event::Start(tag) if tag.local_name().as_ref() == b"f" => formula = true,
                Event::End(tag) if tag.local_name().as_ref() == b"c" => return Ok(formula),
                Event::Eof => return Err(SpreadsheetError::Damaged),
                _ => text.see(&event)?,
            }
        }
    }

    /// The value as a person sees it. Dates come as `YYYY-MM-DD`, however they are shown.
    fn value<'a>(&self, text: &'a str, workbook: &'a Workbook) -> Result<Cow<'a, str>, SpreadsheetError> {
        Ok(match self.kind {
            Kind::Shared => {
                let index = text.trim().parse().map_err(|_| SpreadsheetError::Damaged)?;
                workbook.strings.get(index).ok_or(SpreadsheetError::Damaged)?.into()
            }
            Kind::Text => unescaped(text),
            Kind::IsoDate => text.split('T').next().unwrap_or_default().into(),
            Kind::Bool => if text.trim() == "1" { "TRUE" } else { "FALSE" }.into(),
            Kind::Error => "".into(),
            Kind::Number => {
                let is_date = workbook.dates.get(self.style).copied().unwrap_or_default();
                let date = is_date.then(|| date(text.trim(), workbook.from_1904)).flatten();
                date.map_or_else(|| number(text.trim()), |date| date.to_string().into())
            }
        })
    }
}

/// The column of a place such as `AB12`, from 0.
fn column(place: &str) -> Result<usize, SpreadsheetError> {
    // Three letters are all that programs write.
    let letters = place.bytes().take_while(u8::is_ascii_alphabetic).take(4);
    let (count, number) = letters.fold((0, 0), |(count, number), letter| {
        (count + 1, number * 26 + usize::from(letter.to_ascii_uppercase() - b'A') + 1)
    });
    if (1..=3).contains(&count) { Ok(number - 1) } else { Err(SpreadsheetError::Damaged) }
}

/// Rows as they come: first the header, then people.
#[derive(Default)]
struct Rows {
    header: BTreeMap<usize, String>,
    builder: Option<Builder>,
    /// The row at hand, from 1.
    row: u32,
    next_column: usize,
}

impl Rows {
    fn begin(&mut self, number: Option<&str>) -> Result<(), SpreadsheetError> {
        self.row = match number {
            Some(number) => number.parse().map_err(|_| SpreadsheetError::Damaged)?,
            None => self.row.saturating_add(1),
        };
        self.next_column = 0;
        if (1..=LAST_ROW).contains(&self.row) { Ok(()) } else { Err(SpreadsheetError::Damaged) }
    }

    fn put(&mut self, cell: &Cell, formula: bool, text: &Text, workbook: &Workbook) -> Result<(), SpreadsheetError> {
        self.next_column = cell.column.saturating_add(1);
        if cell.column >= MAX_COLUMNS || (text.as_str().is_empty() && !formula) {
            return Ok(());
        }
        match &mut self.builder {
            Some(builder) if formula => builder.formula(cell.column),
            Some(builder) => builder.cell(cell.column, &cell.value(text.as_str(), workbook)?),
            None if formula => {}
            None => {
                let value = cell.value(text.as_str(), workbook)?;
                if !value.trim().is_empty() {
                    self.header.insert(cell.column, value.into_owned());
                }
            }
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), SpreadsheetError> {
        match &mut self.builder {
            Some(builder) => builder.end_row(self.row),
            None if self.header.is_empty() => Ok(()),
            None => {
                let width = self.header.last_key_value().map_or(0, |(last, _)| last + 1);
                let names = (0..width).map(|index| self.header.get(&index).map_or("", String::as_str));
                self.builder = Some(Builder::new(Header::read(names)?));
                Ok(())
            }
        }
    }

    fn finish(self) -> Result<PeopleTable, SpreadsheetError> {
        self.builder.ok_or(SpreadsheetError::Empty)?.finish()
    }
}
