//! Brings `schema/events` and `schema/golden` up to date: `cargo run -q -p schema --example generate`. With `--check` it
//! writes nothing. Either way it lists what is not as it should be and fails if there is anything.

use std::{collections::BTreeMap, error::Error, fs, io::ErrorKind, path::Path, process::ExitCode};

use schema::generate::{Files, differences, refresh};

const INDEX: &str = "INDEX";

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let check = match arguments.as_slice() {
        [] => false,
        [one] if one == "--check" => true,
        _ => return Err("the only argument is --check".into()),
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = read(root)?;
    if !check {
        let fresh = refresh(&files)?;
        write(root, &files, &fresh)?;
        files = fresh;
    }
    let found = differences(&files);
    for line in &found {
        eprintln!("schema/{line}");
    }
    if check && !found.is_empty() {
        eprintln!("Run `make schema`; what was recorded in schema/golden is never changed or deleted.");
    }
    Ok(if found.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn read(root: &Path) -> Result<Files, Box<dyn Error>> {
    let mut goldens = folder(&root.join("golden"))?;
    let index = goldens.remove(INDEX).unwrap_or_default();
    Ok(Files { schemas: folder(&root.join("events"))?, goldens, index })
}

fn folder(path: &Path) -> Result<BTreeMap<String, String>, Box<dyn Error>> {
    let entries = match fs::read_dir(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(BTreeMap::new()),
        entries => entries?,
    };
    let mut files = BTreeMap::new();
    for entry in entries {
        let entry = entry?;
        files.insert(entry.file_name().to_string_lossy().into_owned(), fs::read_to_string(entry.path())?);
    }
    Ok(files)
}

fn write(root: &Path, before: &Files, after: &Files) -> Result<(), Box<dyn Error>> {
    for (name, old, new) in [("events", &before.schemas, &after.schemas), ("golden", &before.goldens, &after.goldens)] {
        let folder = root.join(name);
        fs::create_dir_all(&folder)?;
        for (file, text) in new.iter().filter(|(file, text)| old.get(*file) != Some(text)) {
            fs::write(folder.join(file), text)?;
        }
    }
    if before.index != after.index {
        fs::write(root.join("golden").join(INDEX), &after.index)?;
    }
    Ok(())
}
