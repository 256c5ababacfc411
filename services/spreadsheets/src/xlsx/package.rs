//! The archive that an XLSX file is.

use std::{cell::Cell, collections::HashMap, io::Cursor};

use zip::ZipArchive;

use super::part::Part;
use crate::SpreadsheetError;

/// Most bytes of all parts together, unpacked. A sheet with 100,000 rows and every column filled has about 120 MB with its
/// strings.
const MAX_UNPACKED_BYTES: u64 = 160 * 1024 * 1024;
/// Most files in an archive: Office writes about a dozen, and one for each sheet.
const MAX_FILES: usize = 1_000;

/// An archive, and how much of it may still be unpacked.
pub(super) struct Package<'a> {
    archive: ZipArchive<Cursor<&'a [u8]>>,
    /// Index by path in lower case: some programs write other cases than they refer to.
    parts: HashMap<String, usize>,
    room: Cell<u64>,
}

impl<'a> Package<'a> {
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, SpreadsheetError> {
        let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|_| SpreadsheetError::Damaged)?;
        if archive.len() > MAX_FILES {
            return Err(SpreadsheetError::UnpackedTooLarge);
        }
        let (mut parts, mut declared) = (HashMap::new(), 0_u64);
        for index in 0..archive.len() {
            let file = archive.by_index_raw(index).map_err(|_| SpreadsheetError::Damaged)?;
            if file.encrypted() {
                return Err(SpreadsheetError::OldOrProtected);
            }
            declared = declared.saturating_add(file.size());
            parts.insert(normalised(&String::from_utf8_lossy(file.name_raw())), index);
        }
        // Parts are held to what they declare. The limit counts again while they are unpacked: a file can refer to one twice.
        if declared > MAX_UNPACKED_BYTES {
            return Err(SpreadsheetError::UnpackedTooLarge);
        }
        Ok(Self { archive, parts, room: Cell::new(MAX_UNPACKED_BYTES) })
    }

    /// A part by its path, if it is there. All parts share the room that is left.
    pub(super) fn part(&mut self, path: &str) -> Result<Option<Part<'_>>, SpreadsheetError> {
        let Some(index) = self.parts.get(&normalised(path)) else { return Ok(None) };
        let file = self.archive.by_index(*index).map_err(|_| SpreadsheetError::Damaged)?;
        Ok(Some(Part::new(Box::new(file), &self.room)))
    }
}

fn normalised(path: &str) -> String {
    path.replace('\\', "/").trim_start_matches('/').to_lowercase()
}
