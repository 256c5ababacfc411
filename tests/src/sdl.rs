//! The SDL files: written from the code, and compared with it.

use std::{fs, path::PathBuf};

use crate::repository;

/// Every file and what it must hold.
pub fn files() -> [(PathBuf, String); 2] {
    let folder = repository::root().join("schema/graphql");
    [
        (folder.join("gateway.graphql"), gateway::schema_sdl()),
        (folder.join("dispatcher.graphql"), dispatcher::schema_sdl()),
    ]
}

/// Writes them.
///
/// # Errors
/// A file cannot be written.
pub fn write() -> std::io::Result<()> {
    for (path, sdl) in files() {
        fs::create_dir_all(path.parent().unwrap_or(&path))?;
        fs::write(path, sdl)?;
    }
    Ok(())
}

/// Those that do not hold what they must.
pub fn outdated() -> Vec<PathBuf> {
    let differs = |(path, sdl): (PathBuf, String)| (fs::read_to_string(&path).ok() != Some(sdl)).then_some(path);
    files().into_iter().filter_map(differs).collect()
}
