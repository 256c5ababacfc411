//! What stands around the sheets: which there are, their shared texts, formats of dates, the calendar.

use std::collections::HashMap;

use quick_xml::events::{BytesStart, Event};

use super::{
    package::Package,
    part::{Part, attribute},
    strings::SharedStrings,
    values::{is_builtin_date, is_date_format},
};
use crate::SpreadsheetError;

/// Most sheets that are looked at for a header of people.
const MAX_SHEETS: usize = 20;
/// Most relationships of the workbook that are kept: one for each file there can be in the archive.
const MAX_RELATIONSHIPS: usize = 1_000;

/// Most formats of cells: Excel takes 65,490 in a workbook ("Excel specifications and limits").
const MAX_FORMATS: usize = 65_490;

/// A workbook without its sheets' contents.
pub(super) struct Workbook {
    /// Paths of the sheets that are shown, in their order, each once.
    pub(super) sheets: Vec<String>,
    pub(super) strings: SharedStrings,
    /// Whether cells of this format are dates.
    pub(super) dates: Vec<bool>,
    /// Whether days are counted from 1904 on, as old programs for the Mac did.
    pub(super) from_1904: bool,
}

/// What a part refers to: kind, id and path.
struct Relationship {
    kind: String,
    id: String,
    path: String,
}

pub(super) fn read(package: &mut Package<'_>) -> Result<Workbook, SpreadsheetError> {
    let whole = relationships(package, "")?;
    let book = whole.iter().find(|part| part.kind == "officeDocument").ok_or(SpreadsheetError::NotASpreadsheet)?;
    // Word's documents and Excel's binary form have the same shape so far.
    if !book.path.ends_with(".xml") {
        return Err(SpreadsheetError::NotASpreadsheet);
    }
    let parts = relationships(package, &book.path)?;
    let path_of = |kind: &str| parts.iter().find(|part| part.kind == kind).map_or("", |part| part.path.as_str());
    let part = package.part(&book.path)?.ok_or(SpreadsheetError::NotASpreadsheet)?;
    let (sheets, from_1904) = sheets(part, &parts)?;
    if sheets.is_empty() {
        return Err(SpreadsheetError::NotASpreadsheet);
    }
    let strings = package.part(path_of("sharedStrings"))?.map(SharedStrings::read).transpose()?.unwrap_or_default();
    let dates = package.part(path_of("styles"))?.map(dates).transpose()?.unwrap_or_default();
    Ok(Workbook { sheets, strings, dates, from_1904 })
}

/// What the part at a path refers to within the file. Links out of it are left alone.
fn relationships(package: &mut Package<'_>, path: &str) -> Result<Vec<Relationship>, SpreadsheetError> {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let Some(mut part) = package.part(&format!("{folder}/_rels/{name}.rels"))? else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    loop {
        match part.next()? {
            Event::Start(tag) if tag.local_name().as_ref() == b"Relationship" => {
                let inside = attribute(&tag, "TargetMode")?.is_none_or(|mode| mode != "External");
                if !inside || found.len() == MAX_RELATIONSHIPS {
                    continue;
                }
                let kind = attribute(&tag, "Type")?.unwrap_or_default();
                found.push(Relationship {
                    kind: kind.rsplit('/').next().unwrap_or_default().to_owned(),
                    id: attribute(&tag, "Id")?.unwrap_or_default().into_owned(),
                    path: resolved(folder, &attribute(&tag, "Target")?.unwrap_or_default()),
                });
            }
            Event::Eof => return Ok(found),
            _ => {}
        }
    }
}

/// A path that is absolute or seen from a folder.
fn resolved(folder: &str, target: &str) -> String {
    let base = if target.starts_with('/') { "" } else { folder };
    let mut steps = Vec::new();
    for step in base.split('/').chain(target.split(['/', '\\'])) {
        match step {
            "" | "." => {}
            ".." => drop(steps.pop()),
            step => steps.push(step),
        }
    }
    steps.join("/")
}

fn sheets(mut part: Part<'_>, parts: &[Relationship]) -> Result<(Vec<String>, bool), SpreadsheetError> {
    let paths: HashMap<_, _> =
        parts.iter().filter(|part| part.kind == "worksheet").map(|part| (part.id.as_str(), &part.path)).collect();
    let (mut sheets, mut from_1904) = (Vec::new(), false);
    loop {
        match part.next()? {
            Event::Start(tag) if tag.local_name().as_ref() == b"sheet" => {
                let shown = attribute(&tag, "state")?.is_none_or(|state| state == "visible");
                let path = attribute(&tag, "id")?.and_then(|id| paths.get(id.as_ref()).copied());
                if let Some(path) = path.filter(|path| shown && sheets.len() < MAX_SHEETS && !sheets.contains(*path)) {
                    sheets.push(path.clone());
                }
            }
            Event::Start(tag) if tag.local_name().as_ref() == b"workbookPr" => {
                from_1904 |= attribute(&tag, "date1904")?.is_some_and(|value| value == "1" || value == "true");
            }
            Event::Eof => return Ok((sheets, from_1904)),
            _ => {}
        }
    }
}

/// Which formats of cells are dates.
fn dates(mut part: Part<'_>) -> Result<Vec<bool>, SpreadsheetError> {
    let (mut named, mut dates, mut in_cells) = (HashMap::new(), Vec::new(), false);
    let id = |tag: &BytesStart<'_>| {
        let id = attribute(tag, "numFmtId")?;
        Ok::<u32, SpreadsheetError>(id.and_then(|id| id.parse().ok()).unwrap_or_default())
    };
    loop {
        match part.next()? {
            Event::Start(tag) => match tag.local_name().as_ref() {
                b"numFmt" => {
                    let code = attribute(&tag, "formatCode")?.unwrap_or_default();
                    named.insert(id(&tag)?, is_date_format(&code));
                }
                b"cellXfs" => in_cells = true,
                b"xf" if in_cells && dates.len() == MAX_FORMATS => return Err(SpreadsheetError::Damaged),
                b"xf" if in_cells => {
                    let format = id(&tag)?;
                    dates.push(named.get(&format).copied().unwrap_or_else(|| is_builtin_date(format)));
                }
                _ => {}
            },
            Event::End(tag) if tag.local_name().as_ref() == b"cellXfs" => in_cells = false,
            Event::Eof => return Ok(dates),
            _ => {}
        }
    }
}
