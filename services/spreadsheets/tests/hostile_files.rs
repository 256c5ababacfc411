//! Small files that ask a reader for much: each is an ordinary one with a part changed.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use std::io::{Cursor, Read, Write};

use proptest::{prelude::*, sample::Index};
use spreadsheets::{Column, MAX_FILE_BYTES, PeopleTable, SpreadsheetError as E, read_people};
use zip::{ZipArchive, ZipWriter, write::SimpleFileOptions};

const ORDINARY: &[u8] = include_bytes!("data/xlsxwriter.xlsx");
const SHEET: &str = "xl/worksheets/sheet1.xml";
const STRINGS: &str = "xl/sharedStrings.xml";
const STYLES: &str = "xl/styles.xml";
const BOOK: &str = "xl/workbook.xml";

/// An ordinary file with `old` replaced by `new` in one of its parts.
fn changed(part: &str, old: &str, new: &str) -> Vec<u8> {
    edited(part, |content| {
        let text = String::from_utf8(content).unwrap();
        assert!(text.contains(old), "{old} is not in {part}");
        text.replacen(old, new, 1).into_bytes()
    })
}

fn edited(part: &str, edit: impl Fn(Vec<u8>) -> Vec<u8>) -> Vec<u8> {
    edited_of(ORDINARY, part, edit)
}

fn edited_of(file: &[u8], part: &str, edit: impl Fn(Vec<u8>) -> Vec<u8>) -> Vec<u8> {
    let mut archive = ZipArchive::new(Cursor::new(file)).unwrap();
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for index in 0..archive.len() {
        let mut file = archive.by_index(index).unwrap();
        let name = file.name().unwrap().into_owned();
        let mut content = Vec::new();
        file.read_to_end(&mut content).unwrap();
        if name == part {
            content = edit(content);
        }
        writer.start_file(name, SimpleFileOptions::default().compression_level(Some(1))).unwrap();
        writer.write_all(&content).unwrap();
    }
    let bytes = writer.finish().unwrap().into_inner();
    assert!(bytes.len() < MAX_FILE_BYTES);
    bytes
}

fn with(part: &str, old: &str, new: &str) -> Result<PeopleTable, E> {
    read_people(&changed(part, old, new))
}

#[test]
fn one_long_text_that_every_cell_means_is_too_much() {
    let long = changed(STRINGS, "</sst>", &format!("<si><t>{}</t></si></sst>", "x".repeat(1_000)));
    let read = |rows: std::ops::Range<u32>| {
        let file = edited_of(&long, SHEET, |sheet| {
            let (sheet, texts) =
                (String::from_utf8(sheet).unwrap(), String::from_utf8(part_of(&long, STRINGS)).unwrap());
            let last = texts.matches("<si>").count() - 1;
            let cell = |column: char, row: u32| format!("<c r=\"{column}{row}\" t=\"s\"><v>{last}</v></c>");
            let row =
                |row: u32| format!("<row r=\"{row}\">{}</row>", ('A'..='K').map(|c| cell(c, row)).collect::<String>());
            let rows: String = rows.clone().map(row).collect();
            sheet.replace("</sheetData>", &format!("{rows}</sheetData>")).into_bytes()
        });
        read_people(&file)
    };
    assert!(read(10..100).is_ok());
    assert_eq!(read(10..10_000).unwrap_err(), E::UnpackedTooLarge);
}

fn part_of(file: &[u8], part: &str) -> Vec<u8> {
    let mut content = Vec::new();
    ZipArchive::new(Cursor::new(file)).unwrap().by_name(part).unwrap().read_to_end(&mut content).unwrap();
    content
}

#[test]
fn no_room_is_made_for_what_a_file_only_announces() {
    for count in ["100000000000000", "18446744073709551615", "-1", "many"] {
        let table = with(STRINGS, "uniqueCount=\"", &format!("uniqueCount=\"{count}\" was=\"")).unwrap();
        assert_eq!(table.row(0).unwrap().cell(Column::FirstName), "Ada");
    }
    let shared =
        "<row r=\"9\"><c r=\"A9\"><f t=\"shared\" si=\"99999999999999\" ref=\"A9:XFD99\">1</f></c></row></sheetData>";
    let table = with(SHEET, "</sheetData>", shared).unwrap();
    assert!(table.row(4).unwrap().has_formula(Column::Email));
    let far = "<row r=\"1048576\"><c r=\"XFD1048576\"><v>1</v></c></row></sheetData>";
    assert_eq!(with(SHEET, "</sheetData>", far).unwrap().len(), 4);
}

#[test]
fn what_no_program_writes_is_refused() {
    let cells = |row: &str, cell: &str| format!("<row r=\"{row}\"><c {cell}</c></row></sheetData>");
    for (row, cell) in [
        ("0", "r=\"A0\"><v>1</v>"),
        ("1048577", "r=\"A1048577\"><v>1</v>"),
        ("4294967296", "r=\"A1\"><v>1</v>"),
        ("-1", "r=\"A1\"><v>1</v>"),
        ("9", "r=\"AAAA9\"><v>1</v>"),
        ("9", "r=\"9\"><v>1</v>"),
        ("9", "r=\"A9\" t=\"s\"><v>100000</v>"),
        ("9", "r=\"A9\" t=\"s\"><v>-1</v>"),
        ("9", "r=\"A9\" s=\"-1\"><v>1</v>"),
        ("9", "r=\"A9\" t=\"str\"><v>&unknown;</v>"),
    ] {
        assert_eq!(with(SHEET, "</sheetData>", &cells(row, cell)).unwrap_err(), E::Damaged, "{row} {cell}");
    }
    assert_eq!(with(SHEET, "</sheetData>", "</sheetDat>").unwrap_err(), E::Damaged);
    let deep = "<x>".repeat(1_000);
    assert_eq!(with(SHEET, "<sheetData>", &format!("{deep}<sheetData>")).unwrap_err(), E::Damaged);
}

#[test]
fn document_types_are_refused_wherever_they_stand() {
    for (part, root) in [(SHEET, "<worksheet"), (STRINGS, "<sst"), (STYLES, "<styleSheet"), (BOOK, "<workbook ")] {
        let declared = format!("<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]>{root}");
        assert_eq!(with(part, root, &declared).unwrap_err(), E::Damaged, "{part}");
    }
}

#[test]
fn long_texts_many_formats_and_many_sheets_cost_little() {
    let long = "x".repeat(2 << 20);
    let string = format!("<si><t>{long}</t></si></sst>");
    assert_eq!(with(STRINGS, "</sst>", &string).unwrap_err(), E::UnpackedTooLarge);
    assert_eq!(with(SHEET, "<sheetData>", &format!("<sheetData a=\"{long}\">")).unwrap_err(), E::UnpackedTooLarge);
    let formats = "<xf/>".repeat(100_000) + "</cellXfs>";
    assert_eq!(with(STYLES, "</cellXfs>", &formats).unwrap_err(), E::Damaged);
    // The same sheet under many names is read once.
    let sheets: String =
        (2..50_000).map(|id| format!("<sheet name=\"{id}\" sheetId=\"{id}\" r:id=\"rId1\"/>")).collect();
    assert_eq!(with(BOOK, "</sheets>", &(sheets + "</sheets>")).unwrap().len(), 4);
    let cell = "y".repeat(5_000);
    let string = format!("<row r=\"9\"><c r=\"A9\" t=\"str\"><v>{cell}</v></c></row></sheetData>");
    let table = with(SHEET, "</sheetData>", &string).unwrap();
    assert_eq!(table.row(4).unwrap().cell(Column::Email).len(), spreadsheets::MAX_CELL_CHARACTERS);
}

#[test]
fn an_archive_that_lies_about_its_size_is_found_out() {
    let comment = format!("<!--{}-->", " ".repeat(1_000_000));
    let mut bytes = changed(SHEET, "<sheetData>", &(comment.repeat(170) + "<sheetData>"));
    assert_eq!(read_people(&bytes).unwrap_err(), E::UnpackedTooLarge);
    // The size stands before the name: 8 bytes in front of the content, 22 bytes in the directory at the end.
    let names = bytes.windows(SHEET.len()).enumerate().filter(|(_, window)| *window == SHEET.as_bytes());
    let names: Vec<_> = names.map(|(place, _)| place).collect();
    for size in [names[0] - 8, names[1] - 22] {
        let declared = u32::from_le_bytes(bytes[size..size + 4].try_into().unwrap());
        assert!(declared > 170_000_000);
        bytes[size..size + 4].copy_from_slice(&1_000_u32.to_le_bytes());
    }
    assert_eq!(read_people(&bytes).unwrap_err(), E::Damaged);
}

#[test]
fn hidden_sheets_are_not_read() {
    let hidden = with(BOOK, "<sheet name=\"People\"", "<sheet name=\"People\" state=\"veryHidden\"");
    assert_eq!(hidden.unwrap_err(), E::NotASpreadsheet);
}

#[test]
fn what_other_writers_do_differently_is_understood() {
    // No places, names with a prefix, dates in words, how a name is read aloud, escaped characters, exponents.
    let sheet = "<x:sheetData><x:row><x:c t=\"str\"><x:v>Email</x:v></x:c><x:c t=\"str\"><x:v>First Name</x:v></x:c>\
        <x:c t=\"str\"><x:v>Last Name</x:v></x:c><x:c t=\"str\"><x:v>Start Date</x:v></x:c><x:c t=\"str\"><x:v>Phone</x:v></x:c>\
        </x:row><x:row><x:c t=\"inlineStr\"><x:is><x:t>a@b.example</x:t></x:is></x:c><x:c t=\"inlineStr\"><x:is><x:r><x:t>山</x:t></x:r>\
        <x:rPh sb=\"0\" eb=\"1\"><x:t>ヤマ</x:t></x:rPh><x:r><x:t>田</x:t></x:r></x:is></x:c><x:c t=\"str\"><x:v>x_x0041_ &amp; &#228;<![CDATA[<]]>\
        </x:v></x:c><x:c t=\"d\"><x:v>2026-12-31T00:00:00</x:v></x:c><x:c><x:v>4.915123456789E12</x:v></x:c></x:row></x:sheetData><sheetData>";
    let table = with(SHEET, "<sheetData>", sheet).unwrap();
    let row = table.row(0).unwrap();
    let columns = [Column::Email, Column::FirstName, Column::LastName, Column::StartDate, Column::Phone];
    assert_eq!(
        columns.map(|column| row.cell(column)),
        ["a@b.example", "山田", "xA & ä<", "2026-12-31", "4915123456789"]
    );
    assert_eq!((table.len(), row.line()), (1, 2));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damage_anywhere_breaks_nothing(
        part in prop::sample::select(vec![SHEET, STRINGS, STYLES, BOOK, "_rels/.rels", "xl/_rels/workbook.xml.rels"]),
        changes in prop::collection::vec((any::<Index>(), any::<u8>()), 1..4),
        kept in any::<Index>(),
        cut: bool,
    ) {
        let bytes = edited(part, |mut content| {
            for (place, byte) in &changes {
                let place = place.index(content.len());
                content[place] = *byte;
            }
            content.truncate(if cut { kept.index(content.len()) } else { content.len() });
            content
        });
        if let Ok(table) = read_people(&bytes) {
            prop_assert!(table.rows().all(|row| row.line() > 0 && row.cell(Column::StartDate).len() <= 4_004));
        }
    }
}
