//! What is generated is as the code would generate it now. Event schemas and goldens are held by the tests of the crate
//! `schema`; here is the SDL, and that no file knows the machine that it was written on.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::fs;

use tests::{repository, sdl};

#[test]
fn the_sdl_is_what_the_code_serves() {
    assert!(sdl::files().iter().all(|(_, sdl)| sdl.contains("schema {")), "the code serves schemas");
    assert_eq!(sdl::outdated(), Vec::<std::path::PathBuf>::new(), "run `make schema`");
}

#[test]
fn no_file_knows_the_machine_that_it_was_written_on() {
    for path in repository::files().into_iter().filter(|path| !path.ends_with("tests/tests/drift.rs")) {
        // Files that are not text have no paths to give away.
        let Ok(text) = fs::read_to_string(repository::root().join(&path)) else { continue };
        for (index, line) in text.lines().enumerate() {
            let at = format!("{}:{}: {line}", path.display(), index + 1);
            assert!(!["/root/", "/home/", "/work/"].iter().any(|folder| starts_a_path(line, folder)), "{at}");
        }
    }
}

/// Whether an absolute path in the line begins with `folder`.
fn starts_a_path(line: &str, folder: &str) -> bool {
    let continues = |before: char| before.is_alphanumeric() || "-_./*}".contains(before);
    line.match_indices(folder).any(|(at, _)| !line[..at].chars().next_back().is_some_and(continues))
}

#[test]
fn a_path_is_told_from_a_part_of_one() {
    assert!(starts_a_path("see /root/x", "/root/") && starts_a_path("\"/root/x\"", "/root/"));
    assert!(!starts_a_path("https://example.com/root/x", "/root/") && !starts_a_path("a/root/x", "/root/"));
}
