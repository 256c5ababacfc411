//! Importing files of people on a real log: review, mending, creation in the background, crashes, deletion.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod support;

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering},
};

use bytes::Bytes;
use commands::{
    Failure, Platform, Request,
    processes::imports::{RowFilter, imported_account},
    reactors::{self, importer::Importer},
};
use domain::{Account, AccountStatus, Code, Import, ImportStatus};
use schema::{ImportId, OrganizationId};
use spreadsheets::Column;
use support::{World, eventually, faulty::Faulty, person};
use tokio_util::sync::CancellationToken;

const HEADER: &str = "Email*;First Name*;Last Name*;Job Title;Locale;Start Date\r\n";

fn file(rows: &str) -> Bytes {
    Bytes::from(format!("\u{FEFF}{HEADER}{rows}"))
}

fn people(count: usize) -> Bytes {
    file(&(0..count).map(|n| format!("p{n}@northwind.example;P{n};Ruiz;;;\r\n")).collect::<String>())
}

fn code<T>(result: Result<T, Failure>) -> Code {
    result.err().unwrap().code().unwrap()
}

async fn problems(
    platform: &Platform,
    admin: &Request,
    organization: OrganizationId,
    import: ImportId,
) -> Vec<(u32, Vec<Code>)> {
    let loaded = platform.import(admin, organization, import).await.unwrap();
    let review = platform.review_import(import, &loaded).await.unwrap().unwrap();
    let rows = review.rows(RowFilter::WithProblems, 0);
    rows.map(|row| (row, review.problems(row).into_iter().map(|problem| problem.code).collect())).collect()
}

async fn status(platform: &Platform, import: ImportId) -> ImportStatus {
    platform.load::<Import>(&import).await.unwrap().state.status()
}

fn start_importer(platform: &Arc<Platform>) -> CancellationToken {
    let stop = CancellationToken::new();
    tokio::spawn(reactors::run(platform.clone(), Importer, stop.clone()));
    stop
}

#[tokio::test]
async fn every_problem_of_every_row_is_named_and_can_be_mended() {
    let world = World::new();
    let (founded, admin) = world.found("anna@northwind.example").await;
    let (platform, organization) = (&world.platform, founded.organization);
    let rows = "ben@northwind.example;Ben;Ruiz;;de-AT;31.12.2026\r\n\
        ;;\u{200B};;klingon!;someday\r\n\
        BEN@northwind.example;Ben;Again;;;\r\n\
        anna@northwind.example;Anna;Berg;;;\r\n\
        eve@elsewhere.example;Eve;Long;;;\r\n";
    let (import, _) = platform.import_people(&admin, organization, file(rows)).await.unwrap();
    let expected = vec![
        (1, vec![Code::Required, Code::InvalidValue, Code::InvalidValue, Code::Required, Code::InvalidCharacters]),
        (2, vec![Code::DuplicateRow]),
        (3, vec![Code::EmailTaken]),
        (4, vec![Code::DomainNotAllowed]),
    ];
    assert_eq!(problems(platform, &admin, organization, import).await, expected);
    // The same from the file, in another process.
    let other = world.another(world.embedded.clone(), 5);
    assert_eq!(problems(&other, &admin, organization, import).await, expected);
    let mend = |row, email: &'static str| {
        platform.edit_import_row(&admin, organization, import, row, move |entry| entry.set(Column::Email, email.into()))
    };
    mend(2, "carla@northwind.example").await.unwrap();
    mend(3, "ben@northwind.example").await.unwrap();
    platform.remove_import_row(&admin, organization, import, 1).await.unwrap();
    platform.remove_import_row(&admin, organization, import, 1).await.unwrap();
    assert_eq!(code(mend(1, "x@northwind.example").await), Code::NotFound);
    assert_eq!(code(mend(99, "x@northwind.example").await), Code::NotFound);
    let expected = vec![(3, vec![Code::DuplicateRow]), (4, vec![Code::DomainNotAllowed])];
    assert_eq!(problems(platform, &admin, organization, import).await, expected);
    assert_eq!(problems(&other, &admin, organization, import).await, expected);
    let events = world.log().await;
    let shown: Vec<_> = events.iter().filter(|e| e.event_type.starts_with("import")).collect();
    assert!(shown.iter().all(|e| !String::from_utf8_lossy(&e.payload).contains("northwind")));

    start_importer(platform);
    platform.confirm_import(&admin, organization, import, "fr", true).await.unwrap();
    eventually(|| async { (status(platform, import).await == ImportStatus::Finished).then_some(()) }).await;
    let done = platform.load::<Import>(&import).await.unwrap();
    assert_eq!(done.state.created(), 2);
    let refused: BTreeMap<_, _> = done.state.refused().iter().map(|r| (r.row, r.code.as_str())).collect();
    assert_eq!(refused, BTreeMap::from([(3, "DUPLICATE_ROW"), (4, "DOMAIN_NOT_ALLOWED")]));
    let ben = platform.load::<Account>(&imported_account(import, 0)).await.unwrap();
    assert_eq!((ben.state.status(), ben.state.details().unwrap().locale.as_str()), (AccountStatus::Added, "de-AT"));
    let carla = platform.load::<Account>(&imported_account(import, 2)).await.unwrap();
    assert_eq!(carla.state.details().unwrap().locale, "fr");
    world.mail_to("ben@northwind.example").await;
    world.mail_to("carla@northwind.example").await;
    assert_eq!(code(mend(0, "x@northwind.example").await), Code::WrongState);
    assert_eq!(code(platform.confirm_import(&admin, organization, import, "fr", true).await), Code::WrongState);
    assert_eq!(code(platform.cancel_import(&admin, organization, import).await), Code::WrongState);
}

#[tokio::test]
async fn the_same_file_again_says_so_and_makes_nobody_twice() {
    let world = World::new();
    let (founded, admin) = world.found("anna@northwind.example").await;
    let (other, zoe) = world.found("zoe@tailspin.example").await;
    let platform = &world.platform;
    start_importer(platform);
    let upload = |admin: Request, organization| async move {
        platform.import_people(&admin, organization, people(30)).await.unwrap().0
    };
    let again = || platform.request(admin.principal.clone());
    let (first, second) = (upload(again(), founded.organization).await, upload(again(), founded.organization).await);
    let duplicate =
        |import| async move { platform.load::<Import>(&import).await.unwrap().state.uploaded().unwrap().duplicate_of };
    assert_eq!((duplicate(first).await, duplicate(second).await), (None, Some(first)));
    let theirs = upload(zoe.clone(), other.organization).await;
    assert_eq!(duplicate(theirs).await, None);
    // Both at once: whoever is there first has each person.
    for import in [first, second] {
        platform.confirm_import(&again(), founded.organization, import, "en", false).await.unwrap();
    }
    for import in [first, second] {
        eventually(|| async { (status(platform, import).await == ImportStatus::Finished).then_some(()) }).await;
    }
    let count = |import| async move {
        let loaded = platform.load::<Import>(&import).await.unwrap();
        (loaded.state.created() as usize, loaded.state.refused().len())
    };
    let ((a, b), (c, d)) = (count(first).await, count(second).await);
    assert_eq!((a + c, b + d, a + b), (30, 30, 30));
    let created = world.types().await.iter().filter(|name| *name == "account.created").count();
    assert_eq!(created, 30 + 2);
    assert_eq!(code(platform.import(&zoe, other.organization, first).await), Code::NotFound);
    assert_eq!(code(platform.cancel_import(&zoe, other.organization, first).await), Code::NotFound);
    assert_eq!(
        code(platform.import_people(&world.anonymous(), founded.organization, people(1)).await),
        Code::NotSignedIn
    );
}

/// The importer breaks off at every kind of append it makes, and another process goes on.
#[tokio::test]
async fn a_crash_anywhere_neither_doubles_nor_loses_anybody() {
    // Appends that it tries: 40 reservations, 39 accounts, the progress, 39 links, their progress, the end.
    for appends in [0, 1, 25, 40, 41, 60, 79, 80, 81, 100, 119, 120] {
        let world = World::new();
        let (founded, admin) = world.found("anna@northwind.example").await;
        let platform = &world.platform;
        // Somebody in the file is added by hand before.
        platform.create_account(&admin, founded.organization, person("p7@northwind.example")).await.unwrap();
        let (import, _) = platform
            .import_people(&platform.request(admin.principal.clone()), founded.organization, people(40))
            .await
            .unwrap();
        platform.confirm_import(&admin, founded.organization, import, "en", true).await.unwrap();
        let faulty = Faulty::new(world.embedded.clone());
        faulty.left.store(appends, Ordering::SeqCst);
        let dying = world.another(faulty.clone(), 77);
        let stop = start_importer(&dying);
        eventually(|| async { (faulty.left.load(Ordering::SeqCst) < 0).then_some(()) }).await;
        stop.cancel();
        world.clock.advance(chrono::Duration::seconds(600));
        start_importer(platform);
        eventually(|| async {
            world.clock.advance(chrono::Duration::seconds(5));
            (status(platform, import).await == ImportStatus::Finished).then_some(())
        })
        .await;
        let done = platform.load::<Import>(&import).await.unwrap();
        assert_eq!((done.state.created(), done.state.refused().len()), (39, 1), "{appends}");
        let types = world.types().await;
        let count = |name: &str| types.iter().filter(|other| *other == name).count();
        assert_eq!((count("account.created"), count("account.activation_link_issued")), (41, 40), "{appends}");
    }
}

/// Between reservation and creation a process dies, and the import is cancelled before another goes on.
#[tokio::test]
async fn what_is_cancelled_after_a_crash_leaves_no_address_without_an_account() {
    // Before anything is reserved, after some reservations, after all, after some accounts, before the progress is noted.
    for (appends, created) in [(0, 0), (7, 20), (20, 20), (31, 20), (40, 20)] {
        // Invitations were wanted; nobody gets one from an import that was stopped.
        let world = World::new();
        let (founded, admin) = world.found("anna@northwind.example").await;
        let (platform, organization) = (&world.platform, founded.organization);
        let request = platform.request(admin.principal.clone());
        let (import, _) = platform.import_people(&request, organization, people(20)).await.unwrap();
        platform.confirm_import(&admin, organization, import, "en", true).await.unwrap();
        let faulty = Faulty::new(world.embedded.clone());
        faulty.left.store(appends, Ordering::SeqCst);
        let stop = start_importer(&world.another(faulty.clone(), 77));
        eventually(|| async { (faulty.left.load(Ordering::SeqCst) < 0).then_some(()) }).await;
        stop.cancel();
        platform.cancel_import(&admin, organization, import).await.unwrap();
        world.clock.advance(chrono::Duration::seconds(600));
        start_importer(platform);
        eventually(|| async {
            world.clock.advance(chrono::Duration::seconds(5));
            let types = world.types().await;
            let count = |name: &str| types.iter().filter(|other| *other == name).count();
            let state = &platform.load::<Import>(&import).await.unwrap().state;
            let counts = (count("account.created") - 1, count("email.reserved_for_import"), state.created());
            (counts == (created, created, created.try_into().unwrap())).then_some(())
        })
        .await;
        assert_eq!(status(platform, import).await, ImportStatus::Cancelled);
        let types = world.types().await;
        assert_eq!(types.iter().filter(|name| *name == "account.activation_link_issued").count(), 0);
    }
}

#[tokio::test]
async fn a_review_knows_what_domains_are_allowed_now() {
    let world = World::new();
    let (founded, admin) = world.found("anna@northwind.example").await;
    let (platform, organization) = (&world.platform, founded.organization);
    let rows = file("zoe@fabrikam.example;Zoe;Ruiz;;;\r\n");
    let request = platform.request(admin.principal.clone());
    let (import, _) = platform.import_people(&request, organization, rows).await.unwrap();
    assert_eq!(problems(platform, &admin, organization, import).await, [(0, vec![Code::DomainNotAllowed])]);
    platform.add_domain(&admin, organization, "fabrikam.example").await.unwrap();
    assert!(problems(platform, &admin, organization, import).await.is_empty());
}

/// Somebody looked at the review just before a row was taken out, and what was shown then is not what is created.
#[tokio::test]
async fn a_row_that_is_taken_out_becomes_no_account_whatever_was_shown_before() {
    let world = World::new();
    let (founded, admin) = world.found("anna@northwind.example").await;
    let (platform, organization) = (&world.platform, founded.organization);
    let (import, _) = platform.import_people(&admin, organization, people(5)).await.unwrap();
    let before = platform.import(&admin, organization, import).await.unwrap();
    platform.remove_import_row(&admin, organization, import, 3).await.unwrap();
    platform.confirm_import(&admin, organization, import, "en", false).await.unwrap();
    assert_eq!(platform.review_import(import, &before).await.unwrap().unwrap().counts().ready, 5);
    start_importer(platform);
    eventually(|| async { (status(platform, import).await == ImportStatus::Finished).then_some(()) }).await;
    let done = platform.import(&admin, organization, import).await.unwrap();
    let review = platform.review_import(import, &done).await.unwrap().unwrap();
    assert_eq!((done.state.created(), review.is_removed(3), review.counts().removed), (4, true, 1));
}

#[tokio::test]
async fn formulas_stay_a_problem_until_something_is_put_in_their_place() {
    let world = World::new();
    let (founded, admin) = world.found("anna@northwind.example").await;
    let (platform, organization) = (&world.platform, founded.organization);
    let bytes = include_bytes!("../../spreadsheets/tests/data/openpyxl-formulas.xlsx");
    let (import, _) = platform.import_people(&admin, organization, Bytes::from_static(bytes)).await.unwrap();
    let with_formula = async || {
        let all = problems(platform, &admin, organization, import).await;
        let rows = all.into_iter().filter(|(_, codes)| codes.contains(&Code::FormulaIgnored));
        rows.map(|(row, _)| row).collect::<Vec<_>>()
    };
    let row = with_formula().await[0];
    let edit = async |column: Column, text: &str| {
        let text = text.to_owned();
        platform.edit_import_row(&admin, organization, import, row, move |entry| entry.set(column, text)).await.unwrap()
    };
    edit(Column::Phone, "+49 30 1").await;
    assert_eq!(with_formula().await.first(), Some(&row), "something else was mended");
    for column in Column::ALL {
        edit(column, "").await;
    }
    assert_ne!(with_formula().await.first(), Some(&row));
    let long = |entry: &mut commands::processes::imports::Entry| {
        Column::ALL.into_iter().for_each(|column| entry.set(column, "x".repeat(900)));
    };
    let long = platform.edit_import_row(&admin, organization, import, row, long).await;
    assert_eq!(code(long), Code::TooLong);
}

#[tokio::test]
async fn what_nobody_needs_any_more_is_deleted() {
    let world = World::new();
    let (founded, admin) = world.found("anna@northwind.example").await;
    let (platform, organization) = (&world.platform, founded.organization);
    let upload = || async {
        platform.import_people(&platform.request(admin.principal.clone()), organization, people(3)).await.unwrap().0
    };
    let (forgotten, finished, cancelled) = (upload().await, upload().await, upload().await);
    platform
        .edit_import_row(&admin, organization, forgotten, 0, |entry| entry.set(Column::Phone, "+49 30 1".into()))
        .await
        .unwrap();
    platform.cancel_import(&admin, organization, cancelled).await.unwrap();
    platform.confirm_import(&admin, organization, finished, "en", false).await.unwrap();
    start_importer(platform);
    eventually(|| async { (status(platform, finished).await == ImportStatus::Finished).then_some(()) }).await;
    let gone = |import| discarded(&world, import);
    // Nothing came of it.
    eventually(|| gone(cancelled)).await;
    let day = chrono::Duration::days(1);
    world.clock.advance(day * 6);
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    for import in [forgotten, finished] {
        assert!(gone(import).await.is_none());
    }
    world.clock.advance(day * 2);
    eventually(|| gone(forgotten)).await;
    assert!(gone(finished).await.is_none());
    assert_eq!(status(platform, forgotten).await, ImportStatus::Expired);
    assert_eq!(code(platform.confirm_import(&admin, organization, forgotten, "en", false).await), Code::Expired);
    world.clock.advance(day * 30);
    eventually(|| gone(finished)).await;
    let loaded = platform.import(&admin, organization, forgotten).await.unwrap();
    assert!(platform.review_import(forgotten, &loaded).await.unwrap().is_none());
}

/// Whether the rows of an import are deleted, which the log has to know.
async fn discarded(world: &World, import: ImportId) -> Option<()> {
    let loaded = world.platform.load::<Import>(&import).await.unwrap();
    let left = walk(&world.folder.path().join("files")).into_iter().any(|name| name.contains(&import.to_string()));
    assert!(!(loaded.state.is_discarded() && left));
    loaded.state.is_discarded().then_some(())
}

fn walk(folder: &std::path::Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .flat_map(|entry| match entry.file_type() {
            Ok(kind) if kind.is_dir() => walk(&entry.path()),
            _ => vec![entry.path().display().to_string()],
        })
        .collect()
}
