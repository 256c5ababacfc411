//! A table of people in memory: one text and where in it each cell ends.

use serde::{Deserialize, Serialize};

use crate::{Column, MAX_CELL_CHARACTERS, MAX_ROWS, SpreadsheetError, columns::Header};

const WIDTH: usize = Column::ALL.len();
/// Most bytes of text in a table: more than a file of people fills, and far less than one short text makes that is meant
/// by every cell.
const MAX_TABLE_BYTES: usize = 24 * 1024 * 1024;

/// A table of people. Personal data: `Debug` hides it.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct PeopleTable {
    text: String,
    /// Where in the text each cell ends, row by row.
    ends: Vec<u32>,
    /// Line or row of each row, as programs for spreadsheets count them.
    lines: Vec<u32>,
    /// Rows that have a formula, and in which columns, a bit each.
    formulas: Vec<(u32, u16)>,
    /// Names of columns that are not known and were left out.
    pub ignored_columns: Vec<String>,
}

impl std::fmt::Debug for PeopleTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PeopleTable({} rows)", self.len())
    }
}

/// A row.
#[derive(Clone, Copy)]
pub struct PersonRow<'a> {
    table: &'a PeopleTable,
    index: usize,
}

impl PeopleTable {
    /// How many rows it has, the header aside.
    pub fn len(&self) -> usize {
        self.lines.len()
    }
    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }
    /// Bytes that it takes in memory.
    pub fn size(&self) -> usize {
        self.text.capacity() + 4 * (self.ends.capacity() + self.lines.capacity()) + 8 * self.formulas.capacity()
    }
    /// A row, counted from 0.
    pub fn row(&self, index: usize) -> Option<PersonRow<'_>> {
        (index < self.len()).then_some(PersonRow { table: self, index })
    }
    /// All rows.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = PersonRow<'_>> {
        (0..self.len()).map(|index| PersonRow { table: self, index })
    }
}

impl<'a> PersonRow<'a> {
    /// Its line or row in the file, as programs for spreadsheets count them: from 1, with the header.
    pub fn line(&self) -> u32 {
        self.table.lines.get(self.index).copied().unwrap_or_default()
    }
    /// What stands in a column, without spaces around it.
    pub fn cell(&self, column: Column) -> &'a str {
        let cell = self.index * WIDTH + column as usize;
        let end_of = |cell: usize| self.table.ends.get(cell).map_or(0, |end| *end as usize);
        let start = cell.checked_sub(1).map_or(0, end_of);
        self.table.text.get(start..end_of(cell)).unwrap_or_default()
    }
    /// Whether there is a formula in the column: it is not calculated, and the cell counts as empty.
    pub fn has_formula(&self, column: Column) -> bool {
        let row = u32::try_from(self.index).unwrap_or(u32::MAX);
        let found = self.table.formulas.binary_search_by_key(&row, |(row, _)| *row).ok();
        found.and_then(|place| self.table.formulas.get(place)).is_some_and(|(_, bits)| bits & (1 << column as u16) != 0)
    }
}

/// Puts a table together, row by row.
pub(crate) struct Builder {
    table: PeopleTable,
    header: Header,
    cells: [String; WIDTH],
    formulas: u16,
}

impl Builder {
    pub(crate) fn new(mut header: Header) -> Self {
        let table = PeopleTable { ignored_columns: std::mem::take(&mut header.ignored), ..PeopleTable::default() };
        Self { table, header, cells: Default::default(), formulas: 0 }
    }

    /// Fills a cell of the row at hand, by its column in the file.
    pub(crate) fn cell(&mut self, index: usize, text: &str) {
        let Some(column) = self.header.column(index) else { return };
        if let Some(cell) = self.cells.get_mut(column as usize) {
            cell.clear();
            cell.extend(text.trim().chars().take(MAX_CELL_CHARACTERS));
        }
    }

    /// Notes a formula in the row at hand.
    pub(crate) fn formula(&mut self, index: usize) {
        if let Some(column) = self.header.column(index) {
            self.formulas |= 1 << column as u16;
        }
    }

    /// Ends the row at hand. One without anything in it does not count.
    pub(crate) fn end_row(&mut self, line: u32) -> Result<(), SpreadsheetError> {
        if self.formulas == 0 && self.cells.iter().all(String::is_empty) {
            return Ok(());
        }
        if self.table.len() == MAX_ROWS {
            return Err(SpreadsheetError::TooManyRows);
        }
        if self.formulas != 0 {
            let row = u32::try_from(self.table.len()).unwrap_or(u32::MAX);
            self.table.formulas.push((row, std::mem::take(&mut self.formulas)));
        }
        for cell in &mut self.cells {
            if self.table.text.len() + cell.len() > MAX_TABLE_BYTES {
                return Err(SpreadsheetError::UnpackedTooLarge);
            }
            self.table.text.push_str(cell);
            cell.clear();
            self.table.ends.push(u32::try_from(self.table.text.len()).map_err(|_| SpreadsheetError::TooLarge)?);
        }
        self.table.lines.push(line);
        Ok(())
    }

    pub(crate) fn finish(mut self) -> Result<PeopleTable, SpreadsheetError> {
        if self.table.is_empty() {
            return Err(SpreadsheetError::Empty);
        }
        self.table.text.shrink_to_fit();
        self.table.ends.shrink_to_fit();
        Ok(self.table)
    }
}
