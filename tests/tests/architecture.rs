//! Holds the shape of the house: which crate may know which, and what stands where.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fs,
    path::Path,
    process::Command,
};

use cargo_metadata::{CargoOpt, DependencyKind, Metadata, MetadataCommand, Package, PackageId};
use tests::repository;

/// What each crate of ours may depend on among the crates of ours. What only tests of a crate use is its own affair.
/// Read from bottom to top this is the picture in the design: data goes up through the storeys and never back down.
const MAY_DEPEND_ON: &[(&str, &[&str])] = &[
    ("tests", EVERYTHING),
    ("work-accounts", EVERYTHING),
    ("dispatcher", &["schema", "domain", "eventlog", "commands", "identity", "graphql-ws-server"]),
    (
        "gateway",
        &[
            "schema",
            "domain",
            "eventlog",
            "files",
            "outbound",
            "spreadsheets",
            "commands",
            "identity",
            "engine",
            "directory",
            "devices",
            "history",
            "graphql-ws-server",
            "texts",
        ],
    ),
    ("commands", &["schema", "domain", "eventlog", "files", "identity", "outbound", "texts", "spreadsheets"]),
    ("directory", &["schema", "engine"]),
    ("devices", &["schema", "engine"]),
    ("history", &["schema", "engine"]),
    ("engine", &["schema", "eventlog"]),
    ("identity", &["schema", "outbound"]),
    ("eventlog", &["schema"]),
    ("files", &["schema"]),
    ("domain", &["schema"]),
    ("schema", &[]),
    ("texts", &[]),
    ("spreadsheets", &[]),
    ("outbound", &[]),
    // These two know a protocol and nothing of the platform.
    ("graphql-ws-server", &[]),
    ("portal", &[]),
];

/// For the crates on top.
const EVERYTHING: &[&str] = &[
    "schema",
    "texts",
    "spreadsheets",
    "domain",
    "eventlog",
    "files",
    "outbound",
    "identity",
    "commands",
    "engine",
    "directory",
    "devices",
    "history",
    "gateway",
    "dispatcher",
    "portal",
    "graphql-ws-server",
    "work-accounts",
];

/// Libraries that reach the outside world or wait for it: none of them may stand behind a pure crate, however far.
const OUTSIDE_WORLD: &[&str] = &[
    "tokio",
    "futures-executor",
    "async-trait",
    "rusqlite",
    "axum",
    "hyper",
    "reqwest",
    "lettre",
    "moka",
    "mio",
    "socket2",
];

/// Folders of the top level.
const FOLDERS: &[&str] = &[".ci", "docs", "k8s", "projections", "schema", "services", "tests"];

/// Longest source file, in lines; tests may be longer.
const LONGEST_FILE: usize = 500;

fn metadata() -> Metadata {
    let mut command = MetadataCommand::new();
    command.manifest_path(repository::root().join("Cargo.toml")).features(CargoOpt::AllFeatures);
    // For this kind of machine only: of what others need, the sources need not be here.
    command.other_options(["--offline".to_owned(), "--filter-platform".to_owned(), host()]);
    command.exec().unwrap()
}

fn host() -> String {
    let output = Command::new("rustc").arg("-vV").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_owned()
}

fn ours(metadata: &Metadata) -> BTreeMap<String, &Package> {
    metadata.workspace_packages().into_iter().map(|package| (package.name.to_string(), package)).collect()
}

#[test]
fn dependencies_point_downwards_only() {
    let metadata = metadata();
    let ours = ours(&metadata);
    let allowed: BTreeMap<_, BTreeSet<_>> =
        MAY_DEPEND_ON.iter().map(|(name, below)| ((*name).to_owned(), below.iter().copied().collect())).collect();
    let listed: BTreeSet<_> = allowed.keys().collect();
    assert_eq!(ours.keys().collect::<BTreeSet<_>>(), listed, "every crate of ours stands in the table, and no other");
    for (name, package) in &ours {
        for dependency in package.dependencies.iter().filter(|d| d.kind != DependencyKind::Development) {
            let below = dependency.name.as_str();
            let known = !ours.contains_key(below) || allowed[name].contains(below);
            assert!(known, "{name} must not depend on {below}");
        }
    }
}

/// The packages behind a package, as they are built for it: dependencies of tests and of build scripts left out.
fn behind<'a>(metadata: &'a Metadata, start: &'a PackageId) -> BTreeSet<&'a str> {
    let nodes: BTreeMap<_, _> = metadata.resolve.as_ref().unwrap().nodes.iter().map(|n| (&n.id, n)).collect();
    let (mut seen, mut queue) = (BTreeSet::from([start]), VecDeque::from([start]));
    while let Some(id) = queue.pop_front() {
        for dependency in &nodes[id].deps {
            let normal = dependency.dep_kinds.iter().any(|kind| kind.kind == DependencyKind::Normal);
            if normal && seen.insert(&dependency.pkg) {
                queue.push_back(&dependency.pkg);
            }
        }
    }
    seen.into_iter().map(|id| metadata[id].name.as_str()).collect()
}

#[test]
fn the_pure_core_cannot_reach_the_outside_world() {
    let metadata = metadata();
    for name in ["schema", "domain"] {
        let behind = behind(&metadata, &ours(&metadata)[name].id);
        assert!(behind.contains("serde"), "the packages behind {name} were not found");
        for library in OUTSIDE_WORLD {
            assert!(!behind.contains(library), "{name} must stay pure, but {library} stands behind it");
        }
    }
}

/// Rust files of the product: neither tests, examples nor benchmarks.
fn sources() -> Vec<std::path::PathBuf> {
    let is_source = |path: &Path| {
        let parts: Vec<_> = path.iter().map(|part| part.to_str().unwrap()).collect();
        path.extension().is_some_and(|extension| extension == "rs")
            && !parts.iter().any(|part| matches!(*part, "tests" | "examples" | "tests.rs"))
    };
    let sources: Vec<_> = repository::files().into_iter().filter(|path| is_source(path)).collect();
    assert!(sources.len() > 100, "the sources were not found: {}", sources.len());
    sources
}

#[test]
fn only_the_binary_knows_which_log_runs() {
    for path in sources() {
        let home = path.starts_with("services/eventlog") || path.starts_with("services/work-accounts");
        let text = fs::read_to_string(repository::root().join(&path)).unwrap();
        let product = text.split("#[cfg(test)]").next().unwrap();
        assert!(home || !product.contains("embedded::"), "{} must not know the embedded log", path.display());
    }
}

#[test]
fn no_source_file_is_too_long_to_read() {
    for path in sources() {
        let lines = fs::read_to_string(repository::root().join(&path)).unwrap().lines().count();
        assert!(lines <= LONGEST_FILE, "{} has {lines} lines", path.display());
    }
}

#[test]
fn every_folder_of_the_top_level_is_a_known_one() {
    for path in repository::files().iter().filter(|path| path.iter().count() > 1) {
        let folder = path.iter().next().unwrap().to_str().unwrap();
        assert!(FOLDERS.contains(&folder), "{folder}/ is not in the plan of the house");
    }
}
