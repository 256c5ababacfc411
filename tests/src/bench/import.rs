//! Importing a file of a hundred thousand people: upload to review, and confirmation to everybody in the directory.

use std::{
    pin::pin,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{
    Bound, Figure,
    append::bare_sqlite,
    seed::{Town, name},
};
use crate::{
    client::{Client, text},
    process::Process,
};

/// Rows of the file: as many as are allowed.
const PEOPLE: u64 = 100_000;
/// How often the directory is asked whether all are there.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Rows that the bare loop writes at once, as the importer does.
const AT_ONCE: u64 = 500;
const IS: &str = "bare SQLite, two rows each, as many at once";

const UPLOAD: &str = "mutation($input: ImportPeopleInput!) { importPeople(input: $input) { \
    peopleImport { id counts { ready withProblems } } userErrors { code } } }";

/// Measures on a platform of its own.
pub async fn run() -> Vec<Figure> {
    let (town, platform) = Town::found().await;
    let admin = &town.organization.admin;
    let (before, file) = (platform.resident_kib(), file());
    let started = Instant::now();
    let upload = admin.upload(UPLOAD, json!({ "input": { "file": null } }), "input.file", &file);
    let (mut uploaded, most) = watch(upload, &platform).await;
    let (reviewed, memory) = (started.elapsed(), most.saturating_sub(before));
    let import = uploaded["data"]["importPeople"]["peopleImport"].take();
    assert_eq!(import["counts"], json!({ "ready": PEOPLE, "withProblems": 0 }), "{uploaded}");
    let used = platform.processor_time();

    let confirm = json!({ "importId": text(&import["id"]), "locale": "en", "sendInvitations": false });
    let started = Instant::now();
    admin.mutate("confirmImport", confirm, "").await;
    let created = until_created(admin, &import["id"], started).await;
    while people(admin).await < PEOPLE {
        tokio::time::sleep(LOOK_EVERY).await;
    }
    let all = started.elapsed();
    let used = (platform.processor_time() - used).as_micros() as f64 / PEOPLE as f64;
    town.installation.stop(platform);
    // An address that is reserved and an account that is created are two rows.
    let folder = town.installation.data().join("log");
    let bare = tokio::task::spawn_blocking(move || bare_sqlite(&folder, AT_ONCE)).await.unwrap() / 2.0;
    let figure = |name: &str, value, unit, bound, floor, floor_is| Figure {
        benchmark: "import",
        name: format!("{name}, {PEOPLE} rows"),
        value,
        unit,
        bound,
        floor,
        floor_is,
    };
    let rate = |time: Duration| PEOPLE as f64 / time.as_secs_f64();
    vec![
        figure("CSV from upload to review", reviewed.as_secs_f64(), "s", Bound::AtMost(3.0), None, ""),
        figure("memory for it at most", memory as f64 / 1024.0, "MiB", Bound::AtMost(300.0), None, ""),
        figure("accounts created and durable", rate(created), "/s", Bound::None, Some(bare), IS),
        figure("confirmation to all in the directory", rate(all), "/s", Bound::AtLeast(15_000.0), Some(bare), IS),
        figure("processor time per account", used, "µs", Bound::None, None, ""),
    ]
}

async fn until_created(admin: &Client, import: &Value, started: Instant) -> Duration {
    let query = "query($id: ID!) { peopleImport(id: $id) { progress { created status } } }";
    loop {
        let shown = admin.query(query, json!({ "id": import })).await;
        let progress = &shown["peopleImport"]["progress"];
        if progress["status"] == "FINISHED" {
            assert_eq!(progress["created"], PEOPLE);
            return started.elapsed();
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// What comes of it, and the most memory that the process had meanwhile, in KiB.
async fn watch<T>(work: impl Future<Output = T>, process: &Process) -> (T, u64) {
    let mut most = 0;
    let mut work = pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return (done, most.max(process.resident_kib())),
            () = tokio::time::sleep(Duration::from_millis(5)) => most = most.max(process.resident_kib()),
        }
    }
}

/// Everybody but the admin.
async fn people(admin: &Client) -> u64 {
    let count = admin.query("{ people(first: 1) { totalCount } }", json!({})).await;
    count["people"]["totalCount"].as_u64().unwrap() - 1
}

fn file() -> Vec<u8> {
    let header = "Email*,First Name*,Last Name*,Job Title,Department,Location,Phone,Start Date\r\n".to_owned();
    let row = |number: u64| {
        let (given, family) = name(number);
        let phone = 1_000_000 + number;
        format!("imported.{number}@northwind.example,{given},{family},Clerk,Sales,London,+44 20 {phone},2026-12-31\r\n")
    };
    std::iter::once(header).chain((0..PEOPLE).map(row)).collect::<String>().into_bytes()
}
