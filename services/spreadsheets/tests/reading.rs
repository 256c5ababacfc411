//! Files as programs write them, and as those make them who mean harm.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use std::io::Write;

use proptest::prelude::*;
use rust_xlsxwriter::{ExcelDateTime, Format, Formula, Workbook};
use spreadsheets::{
    Column, CsvWriter, MAX_FILE_BYTES, MAX_ROWS, PeopleTable, SpreadsheetError, parse_date, people_template_csv,
    people_template_xlsx, read_people,
};

fn read(text: &str) -> PeopleTable {
    read_people(text.as_bytes()).unwrap()
}

fn cells(table: &PeopleTable, column: Column) -> Vec<&str> {
    table.rows().map(|row| row.cell(column)).collect()
}

#[test]
fn csv_as_the_programs_write_it() {
    let rows =
        "Email*,First Name*,Last Name*,Job Title\r\nanna@example.com,Änna,\"Berg, Dr.\",\"two\r\nlines \"\"x\"\"\"\r\n";
    let check = |bytes: &[u8], what: &str| {
        let table = read_people(bytes).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(table.len(), 1, "{what}");
        let row = table.row(0).unwrap();
        assert_eq!(row.cell(Column::FirstName), "Änna", "{what}");
        assert_eq!(row.cell(Column::LastName), "Berg, Dr.", "{what}");
        assert_eq!(row.cell(Column::JobTitle).replace('\r', ""), "two\nlines \"x\"", "{what}");
        assert_eq!(row.line(), 2, "{what}");
    };
    check(rows.as_bytes(), "UTF-8");
    check(format!("\u{FEFF}{rows}").as_bytes(), "with a byte order mark");
    check(rows.replace("\r\n", "\n").as_bytes(), "lines ended by LF");
    let semicolons =
        "Email*;First Name*;Last Name*;Job Title\r\nanna@example.com;Änna;\"Berg, Dr.\";\"two\r\nlines \"\"x\"\"\"\r\n";
    check(semicolons.as_bytes(), "semicolons");
    let tabs = semicolons.replace(';', "\t");
    check(tabs.as_bytes(), "tabs");
    let utf16 = |to: fn(u16) -> [u8; 2]| tabs.encode_utf16().flat_map(to).collect::<Vec<u8>>();
    check(&[vec![0xFF, 0xFE], utf16(u16::to_le_bytes)].concat(), "UTF-16, little end first");
    check(&[vec![0xFE, 0xFF], utf16(u16::to_be_bytes)].concat(), "UTF-16, big end first");
    let windows: Vec<u8> = rows.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    check(&windows, "Windows-1252");
    let named = read(&format!("sep=;\r\n{semicolons}"));
    assert_eq!((named.len(), named.row(0).unwrap().line()), (1, 3));
}

#[test]
fn blank_rows_other_columns_and_spellings_do_not_matter() {
    let table = read(
        "\n\nSurname, e-mail ,Shoe size,FIRST_NAME,,\n , ,\nBerg, anna@example.com ,42,Anna,,\n,,,,,\nRuiz,ben@example.com\n",
    );
    assert_eq!(cells(&table, Column::Email), ["anna@example.com", "ben@example.com"]);
    assert_eq!(cells(&table, Column::FirstName), ["Anna", ""]);
    assert_eq!(table.ignored_columns, ["Shoe size"]);
    assert_eq!(table.row(1).unwrap().line(), 7);
    assert!(table.row(2).is_none());
}

fn workbook(fill: impl FnOnce(&mut rust_xlsxwriter::Worksheet)) -> Vec<u8> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    for (index, column) in (0..).zip(Column::ALL) {
        sheet.write(0, index, column.header()).unwrap();
    }
    fill(sheet);
    book.save_to_buffer().unwrap()
}

#[test]
fn xlsx_with_dates_numbers_and_formulas() {
    let date = Format::new().set_num_format("dd.mm.yyyy");
    let bytes = workbook(|sheet| {
        sheet.write(1, 0, "anna@example.com").unwrap();
        sheet.write(1, 1, "Änna").unwrap();
        sheet.write(1, 7, 491_512_345_678_u64).unwrap();
        sheet.write_with_format(1, 10, ExcelDateTime::from_ymd(2026, 12, 31).unwrap(), &date).unwrap();
        sheet.write(4, 0, "ben@example.com").unwrap();
        sheet.write_formula(4, 2, Formula::new("=HYPERLINK(\"http://evil.example\")").set_result("Ruiz")).unwrap();
        // Claims a sheet of 17 billion cells.
        sheet.write(1_048_575, 16_383, "far away").unwrap();
    });
    let table = read_people(&bytes).unwrap();
    assert_eq!(table.len(), 2);
    let (anna, ben) = (table.row(0).unwrap(), table.row(1).unwrap());
    assert_eq!((anna.cell(Column::Phone), anna.cell(Column::StartDate)), ("491512345678", "2026-12-31"));
    assert_eq!((anna.line(), ben.line()), (2, 5));
    assert_eq!((ben.cell(Column::LastName), ben.has_formula(Column::LastName)), ("", true));
    assert!(!ben.has_formula(Column::Email) && !anna.has_formula(Column::LastName));
}

#[test]
fn the_header_may_stand_in_another_sheet() {
    let mut book = Workbook::new();
    book.add_worksheet().write(0, 0, "Read me").unwrap();
    let people = book.add_worksheet();
    for (index, text) in (0..).zip(["Email", "First name", "Last name"]) {
        people.write(0, index, text).unwrap();
        people.write(1, index, text.len() as u32).unwrap();
    }
    let table = read_people(&book.save_to_buffer().unwrap()).unwrap();
    assert_eq!(cells(&table, Column::Email), ["5"]);
}

#[test]
fn templates_can_be_read_once_they_are_filled_in() {
    assert_eq!(read_people(people_template_csv().as_bytes()).unwrap_err(), SpreadsheetError::Empty);
    assert_eq!(read_people(&people_template_xlsx().unwrap()).unwrap_err(), SpreadsheetError::Empty);
    let filled = people_template_csv() + "anna@example.com,Anna,Berg,,,,,,,,\r\n";
    assert_eq!(cells(&read(&filled), Column::LastName), ["Berg"]);
}

fn zipped(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in files {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn what_is_no_table_of_people_is_refused_with_its_reason() {
    use SpreadsheetError as E;
    let refused = |bytes: &[u8]| read_people(bytes).unwrap_err();
    assert_eq!(refused(b""), E::Empty);
    assert_eq!(refused(b" \r\n \r\n"), E::Empty);
    assert_eq!(refused(b"Email,First Name,Last Name\r\n"), E::Empty);
    assert_eq!(refused(b"\x89PNG\r\n\x1a\n...."), E::NotASpreadsheet);
    assert_eq!(refused(b"Email\0,First Name,Last Name\n"), E::NotASpreadsheet);
    assert_eq!(refused(b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"), E::OldOrProtected);
    assert_eq!(refused(b"Name,Age\nAnna,3\n"), E::MissingColumns(vec!["Email", "First Name", "Last Name"]));
    assert_eq!(refused(b"Email,e-mail,First Name,Last Name\n"), E::DuplicateColumn("Email"));
    assert_eq!(refused(&vec![b'a'; MAX_FILE_BYTES + 1]), E::TooLarge);
    assert_eq!(refused(b"PK\x03\x04 and then nothing"), E::Damaged);
    assert_eq!(refused(&zipped(&[("readme.txt", b"hello")])), E::NotASpreadsheet);
    let mut whole = workbook(|sheet| {
        sheet.write(1, 0, "anna@example.com").unwrap();
    });
    whole.truncate(whole.len() / 2);
    assert_eq!(refused(&whole), E::Damaged);
    let bomb = zipped(&[("xl/worksheets/sheet1.xml", &vec![b' '; 200 << 20])]);
    assert!(bomb.len() < MAX_FILE_BYTES);
    assert_eq!(refused(&bomb), E::UnpackedTooLarge);
    let many = format!("Email,First Name,Last Name\n{}", "a@b.example,A,B\n".repeat(MAX_ROWS + 1));
    assert_eq!(refused(many.as_bytes()), E::TooManyRows);
    let just = format!("Email,First Name,Last Name\n{}", "a@b.example,A,B\n".repeat(MAX_ROWS));
    assert_eq!(read(&just).len(), MAX_ROWS);
}

#[test]
fn a_document_with_entities_does_not_grow() {
    let entities: String = (1..30).map(|n| format!("<!ENTITY e{n} \"&e{0};&e{0};\">", n - 1)).collect();
    let sheet = format!(
        "<?xml version=\"1.0\"?><!DOCTYPE w [<!ENTITY e0 \"ha\">{entities}]><worksheet><sheetData><row r=\"1\"><c r=\"A1\" \
         t=\"inlineStr\"><is><t>&e29;</t></is></c></row></sheetData></worksheet>"
    );
    let good = workbook(|_| {});
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(good)).unwrap();
    let mut files = Vec::new();
    for index in 0..archive.len() {
        let mut file = archive.by_index(index).unwrap();
        let mut content = Vec::new();
        std::io::copy(&mut file, &mut content).unwrap();
        let replaced = if file.name().unwrap().ends_with("sheet1.xml") { sheet.clone().into_bytes() } else { content };
        files.push((file.name().unwrap().into_owned(), replaced));
    }
    let files: Vec<_> = files.iter().map(|(name, content)| (name.as_str(), content.as_slice())).collect();
    assert!(read_people(&zipped(&files)).is_err());
}

#[test]
fn dates_are_read_where_only_one_reading_is_possible() {
    let date = |text: &str| parse_date(text).map(|date| date.to_string());
    for text in ["2026-12-31", "31.12.2026", "31/12/2026", "12/31/2026", " 2026-12-31 "] {
        assert_eq!(date(text).as_deref(), Some("2026-12-31"), "{text}");
    }
    assert_eq!(date("05/05/2026").as_deref(), Some("2026-05-05"));
    for text in [
        "04/05/2026",
        "2026-13-01",
        "31.02.2026",
        "31.12.26",
        "12/31/26",
        "26-12-31",
        "20261231",
        "tomorrow",
        "",
        "46022",
    ] {
        assert_eq!(date(text), None, "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_breaks_it(bytes: Vec<u8>) {
        drop(read_people(&bytes));
        drop(read_people(&[b"PK\x03\x04".as_slice(), &bytes].concat()));
    }

    #[test]
    fn what_is_written_is_read_and_no_formula(rows in prop::collection::vec(prop::array::uniform3("[ -~äß日\n\r\t]{0,12}"), 1..6)) {
        let mut writer = CsvWriter::new();
        writer.row(["Email", "First Name", "Last Name"]);
        for [a, b, c] in &rows {
            writer.row([a.as_str(), b, c]);
        }
        let text = writer.take();
        // A tab or line break alone gets its apostrophe, too.
        let is_something = |cell: &String| !cell.trim().is_empty() || cell.starts_with(['\t', '\r']);
        let kept: Vec<_> = rows.iter().filter(|cells| cells.iter().any(is_something)).collect();
        let Ok(table) = read_people(text.as_bytes()) else {
            prop_assert!(kept.is_empty());
            return Ok(());
        };
        prop_assert_eq!(table.len(), kept.len());
        for (row, [email, first, last]) in table.rows().zip(kept) {
            for (column, written) in [(Column::Email, email), (Column::FirstName, first), (Column::LastName, last)] {
                let read = row.cell(column);
                prop_assert!(!read.starts_with(['=', '+', '-', '@']));
                let guarded = format!("'{written}");
                prop_assert!(read == written.trim() || read == guarded.trim());
            }
        }
    }
}
