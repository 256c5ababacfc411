//! Files that programs wrote, see `data/README.md`.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

use std::{fs, path::Path};

use spreadsheets::{Column, PeopleTable, SpreadsheetError, read_people};

/// What stands in the first three rows, in the order of the template.
const PEOPLE: [[&str; 11]; 3] = [
    [
        "ada@acme.example",
        "Ada",
        "Lovelace",
        "Engineer, chief",
        "Engines",
        "Research",
        "London",
        "+44 20 7946 0001",
        "en",
        "",
        "2026-12-31",
    ],
    [
        "jose@acme.example",
        "José",
        "Núñez",
        "The \"boss\"",
        "",
        "",
        "Málaga",
        "34911234567",
        "es",
        "ada@acme.example",
        "2024-02-29",
    ],
    [
        "yuki@acme.example",
        "雪",
        "山田",
        "Line one\nline two",
        "営業",
        "",
        "東京",
        "03-1234-5678",
        "ja",
        "ada@acme.example",
        "",
    ],
];

fn read(name: &str) -> Result<PeopleTable, SpreadsheetError> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name);
    read_people(&fs::read(path).unwrap())
}

fn rows(table: &PeopleTable) -> Vec<[&str; 11]> {
    table.rows().map(|row| Column::ALL.map(|column| row.cell(column))).collect()
}

#[test]
fn every_program_gives_the_same_people() {
    for name in [
        "openpyxl.xlsx",
        "openpyxl-1904.xlsx",
        "openpyxl-second-sheet.xlsx",
        "xlsxwriter.xlsx",
        "libreoffice.xlsx",
        "libreoffice-1904.xlsx",
        "libreoffice-utf8.csv",
        "libreoffice-utf16-tabs.csv",
    ] {
        let table = read(name).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(rows(&table)[..3], PEOPLE, "{name}");
        let lines: Vec<_> = table.rows().take(3).map(|row| row.line()).collect();
        assert_eq!(lines, [2, 3, 4], "{name}");
        assert!(table.ignored_columns.is_empty(), "{name}");
        assert!(table.rows().take(3).all(|row| !Column::ALL.iter().any(|column| row.has_formula(*column))), "{name}");
    }
    assert_eq!(rows(&read("libreoffice-windows-1252-semicolons.csv").unwrap()), PEOPLE[..2]);
}

#[test]
fn formatting_falls_away_and_truth_is_a_word() {
    let table = read("xlsxwriter.xlsx").unwrap();
    let row = table.row(3).unwrap();
    assert_eq!([Column::FirstName, Column::JobTitle].map(|column| row.cell(column)), ["Grace", "TRUE"]);
    // There is an empty row before it.
    assert_eq!((table.len(), row.line()), (4, 6));
}

#[test]
fn formulas_are_told_and_their_results_left_alone() {
    let table = read("openpyxl-formulas.xlsx").unwrap();
    let (first, second) = (table.row(0).unwrap(), table.row(1).unwrap());
    assert_eq!([Column::Email, Column::FirstName, Column::JobTitle].map(|column| first.cell(column)), ["", "Ada", ""]);
    assert!(first.has_formula(Column::Email) && first.has_formula(Column::JobTitle));
    assert_eq!(second.cell(Column::Email), "bob@acme.example");
    assert!(!second.has_formula(Column::Email));
    let inline = read("xlsxwriter-inline.xlsx").unwrap();
    let (first, second) = (inline.row(0).unwrap(), inline.row(1).unwrap());
    assert_eq!(first.cell(Column::Email), "ada@acme.example");
    assert_eq!((second.cell(Column::Email), second.has_formula(Column::Email)), ("", true));
}

#[test]
fn other_formats_are_refused() {
    assert_eq!(read("libreoffice-97.xls").unwrap_err(), SpreadsheetError::OldOrProtected);
    assert_eq!(read("msoffcrypto-encrypted.xlsx").unwrap_err(), SpreadsheetError::OldOrProtected);
    assert_eq!(read("libreoffice.ods").unwrap_err(), SpreadsheetError::NotASpreadsheet);
}
