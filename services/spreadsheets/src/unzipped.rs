//! How large an archive really is, before anything is done with it.

use std::io::{Cursor, Read};

use zip::ZipArchive;

use crate::SpreadsheetError;

/// Most bytes of all files in an archive. A sheet with 100,000 full rows has about 80 MB.
const MAX_UNPACKED_BYTES: u64 = 160 * 1024 * 1024;
/// Most files in an archive: Office writes about a dozen, and one for each sheet.
const MAX_FILES: usize = 1_000;

/// Unpacks everything without keeping it: what the archive says of its sizes can be a lie.
pub(crate) fn check(bytes: &[u8]) -> Result<(), SpreadsheetError> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|_| SpreadsheetError::Damaged)?;
    if archive.len() > MAX_FILES {
        return Err(SpreadsheetError::UnpackedTooLarge);
    }
    let mut room = MAX_UNPACKED_BYTES;
    for index in 0..archive.len() {
        let file = archive.by_index(index).map_err(|_| SpreadsheetError::Damaged)?;
        let read = std::io::copy(&mut file.take(room + 1), &mut std::io::sink());
        let read = read.map_err(|_| SpreadsheetError::Damaged)?;
        room = room.checked_sub(read).ok_or(SpreadsheetError::UnpackedTooLarge)?;
    }
    Ok(())
}
