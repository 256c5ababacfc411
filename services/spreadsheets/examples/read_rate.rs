//! How fast tables of 100,000 people are read: `cargo run --release -p spreadsheets --example read_rate`.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::disallowed_methods)]

use std::{fmt::Write, time::Instant};

use rust_xlsxwriter::Workbook;
use spreadsheets::{Column, MAX_ROWS, read_people};

fn cell(column: usize, row: usize) -> String {
    match column {
        0 => format!("p{row}@example.com"),
        9 => format!("p{}@example.com", row / 10),
        10 => "2026-12-31".to_owned(),
        _ => format!("value{column}{row:02}"),
    }
}

fn main() {
    let mut csv = Column::ALL.map(Column::header).join(",") + "\n";
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    for (index, column) in (0..).zip(Column::ALL) {
        sheet.write(0, index, column.header()).unwrap();
    }
    for row in 1..=MAX_ROWS {
        for column in 0..Column::ALL.len() {
            let text = cell(column, row);
            // Columns that a file of 10 MiB has room for.
            write!(csv, "{}{}", if column > 0 { "," } else { "" }, if column % 2 == 0 { &text } else { "x" }).unwrap();
            sheet.write(u32::try_from(row).unwrap(), u16::try_from(column).unwrap(), text).unwrap();
        }
        csv.push('\n');
    }
    for (name, bytes) in [("CSV", csv.into_bytes()), ("XLSX", book.save_to_buffer().unwrap())] {
        let begun = Instant::now();
        let result = read_people(&bytes).map(|table| (table.len(), table.size()));
        println!("{name}: {} bytes, {result:?} rows and bytes in memory, {:?}", bytes.len(), begun.elapsed());
    }
}
