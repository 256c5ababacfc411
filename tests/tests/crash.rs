//! Kills the platform in the middle of its work, again and again, as a power cut would, and proves that nothing which it
//! had acknowledged is lost or done twice: not in the log, not in the views, not among the mails, not on the unit.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::MetadataExt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use portal::ScreenEvent;
use serde_json::{Value, json};
use tests::{
    client::{Client, text},
    harness::{self, Need, Test},
    log::{self, LogRow},
    organization::{Organization, sign_up},
    platform::Installation,
    smtp::MailServer,
    unit::Unit,
};
use tokio::task::JoinSet;

/// How often the platform is killed.
const ROUNDS: u32 = 5;
/// Connections that add people, and people per request.
const WORKERS: u64 = 6;
const PEOPLE: u64 = 3;
/// Pause between two requests of a connection: the mail server has to keep up.
const PAUSE: Duration = Duration::from_millis(30);
/// How long to wait at the end for what is put off: the platform gives whoever has reserved an address 60 s.
const PATIENCE: Duration = Duration::from_secs(120);

const ANNA: &str = "anna@northwind.example";

fn main() {
    harness::main(vec![Test::new("what_was_acknowledged_survives_any_kill", &[Need::Mail], run)]);
}

async fn run() {
    let mail = MailServer::start();
    let installation = Installation::new(&[env!("CARGO_BIN_EXE_platform")]).with(&["--smtp-url", &mail.url()]).quiet();
    let mut platform = installation.start().await;
    let northwind = sign_up(&installation.client(), ANNA, async || mail.mail_to(ANNA).await.code()).await;
    let mut unit = Unit::start(&installation.origin(), &installation.beside("unit"), "CRASH-1");
    let device = connect(&northwind.admin, &mut unit).await;
    let load = Arc::new(Load::new(&northwind, device));
    let seed = u64::from(std::process::id());
    println!("seed {seed}");
    for round in 0..ROUNDS {
        let before = load.acknowledged();
        let running = load.start();
        // Anywhere between the start of the load and well into it.
        tokio::time::sleep(Duration::from_millis(600 + (seed * 7_919 + u64::from(round) * 104_729) % 1_400)).await;
        platform.kill();
        running.join_all().await;
        assert!(load.acknowledged() > before, "the platform should have done something");
        let views = identities(&installation);
        platform = installation.start().await;
        assert_eq!(identities(&installation), views, "the views go on from where they were; they are not built anew");
        check(&installation, &northwind, &load).await;
    }
    load.settle().await;
    check(&installation, &northwind, &load).await;
    every_mail_has_left(&installation, &mail).await;
    every_command_was_done_once(&installation, &load, &unit).await;
    unit.stop().await;
    installation.stop(platform);
    println!("{} people and {} commands acknowledged over {ROUNDS} kills", load.acknowledged(), load.commands().len());
}

async fn connect(admin: &Client, unit: &mut Unit) -> String {
    let code = unit.code().await;
    let connected = admin.mutate("connectDevice", json!({ "userCode": code }), "deviceId").await;
    unit.connected().await;
    text(&connected["deviceId"])
}

fn identities(installation: &Installation) -> Vec<u64> {
    let files = installation.view_files();
    assert_eq!(files.len(), 3, "{files:?}");
    files.iter().map(|file| fs::metadata(file).unwrap().ino()).collect()
}

/// What admins ask for while the platform is being killed, and what they were told.
struct Load {
    admin: Client,
    device: String,
    next: AtomicU64,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// Who was added for certain, by address.
    people: BTreeMap<String, String>,
    /// Whom nobody knows about: the answer never came.
    unknown: Vec<String>,
    /// Commands that were taken for certain.
    commands: Vec<String>,
}

impl Load {
    fn new(northwind: &Organization, device: String) -> Self {
        Self { admin: northwind.admin.clone(), device, next: AtomicU64::new(0), known: Mutex::default() }
    }

    fn acknowledged(&self) -> usize {
        self.known.lock().unwrap().people.len()
    }

    fn commands(&self) -> Vec<String> {
        self.known.lock().unwrap().commands.clone()
    }

    /// Goes on until the platform dies.
    fn start(self: &Arc<Self>) -> JoinSet<()> {
        let mut running = JoinSet::new();
        for _ in 0..WORKERS {
            let load = self.clone();
            running.spawn(async move { while load.add_some().await.is_ok() {} });
        }
        let load = self.clone();
        running.spawn(async move { while load.reboot().await.is_ok() {} });
        running
    }

    async fn add_some(&self) -> reqwest::Result<()> {
        tokio::time::sleep(PAUSE).await;
        let number = self.next.fetch_add(PEOPLE, Ordering::Relaxed);
        let emails: Vec<_> = (number..number + PEOPLE).map(|n| format!("crash.{n}@northwind.example")).collect();
        let people: Vec<_> = emails.iter().map(|email| person(email)).collect();
        let answer = self.admin.try_mutate("createAccounts", json!({ "people": people }), "people { id email }").await;
        let mut known = self.known.lock().unwrap();
        match &answer {
            Ok(payload) => {
                assert_eq!(payload["userErrors"], json!([]));
                for person in payload["people"].as_array().unwrap() {
                    known.people.insert(text(&person["email"]), text(&person["id"]));
                }
            }
            Err(_) => known.unknown.extend(emails),
        }
        answer.map(drop)
    }

    async fn reboot(&self) -> reqwest::Result<()> {
        tokio::time::sleep(10 * PAUSE).await;
        let input = json!({ "deviceId": self.device });
        let payload = self.admin.try_mutate("rebootDevice", input, "command { id }").await?;
        assert_eq!(payload["userErrors"], json!([]));
        self.known.lock().unwrap().commands.push(text(&payload["command"]["id"]));
        Ok(())
    }

    /// Asks again for everybody whom nobody knows about. Whoever was added before is refused as taken. So is, for a
    /// while, whose address was reserved when the platform died, but who was not added: until the platform has given
    /// the address back.
    async fn settle(&self) {
        let mut unknown = std::mem::take(&mut self.known.lock().unwrap().unknown);
        println!("nobody knows about {} people", unknown.len());
        let started = Instant::now();
        loop {
            let mut still = Vec::new();
            for email in unknown {
                let payload = self.admin.try_mutate("createAccount", person(&email), "person { id }").await.unwrap();
                match payload["userErrors"].as_array().unwrap().as_slice() {
                    [] => drop(self.known.lock().unwrap().people.insert(email, text(&payload["person"]["id"]))),
                    [error] if error["code"] == "EMAIL_TAKEN" => match self.find(&email).await {
                        Some(id) => drop(self.known.lock().unwrap().people.insert(email, id)),
                        None => still.push(email),
                    },
                    errors => panic!("{errors:?}"),
                }
            }
            if still.is_empty() {
                println!("all of them are added {} s after the last kill", started.elapsed().as_secs());
                return;
            }
            assert!(started.elapsed() < PATIENCE, "reserved for nobody, and not given back: {still:?}");
            tokio::time::sleep(Duration::from_secs(3)).await;
            unknown = still;
        }
    }

    async fn find(&self, email: &str) -> Option<String> {
        let query = "query Find($email: String!) { people(search: $email) { nodes { id email } } }";
        let data = self.admin.query(query, json!({ "email": email })).await;
        let people = data["people"]["nodes"].as_array().unwrap();
        people.iter().find(|person| person["email"] == *email).map(|person| text(&person["id"]))
    }
}

fn person(email: &str) -> Value {
    json!({ "email": email, "givenName": "Carla", "familyName": "Díaz" })
}

/// Everything that must hold after a crash.
async fn check(installation: &Installation, northwind: &Organization, load: &Load) {
    let history = log::read(&installation.log_file(), 0);
    is_whole(&history);
    let created = history.iter().filter(|row| row.event_type == "account.created");
    let created: Vec<_> = created.map(|row| (text(&row.payload["account"]), text(&row.payload["email_key"]))).collect();
    let addresses: BTreeSet<_> = created.iter().map(|(_, email)| email).collect();
    assert_eq!(addresses.len(), created.len(), "an address has two accounts");

    let listed = everybody(&northwind.admin, history.last().unwrap().position).await;
    let ids: BTreeSet<_> = listed.iter().map(|(id, _)| id).collect();
    assert_eq!(
        ids,
        created.iter().map(|(id, _)| id).collect(),
        "the directory lists whom the log has, and no one else"
    );
    let by_address: BTreeMap<_, _> = listed.iter().map(|(id, email)| (email, id)).collect();
    assert_eq!(by_address.len(), listed.len(), "an address is listed twice");
    for (email, id) in &load.known.lock().unwrap().people {
        assert_eq!(by_address.get(email), Some(&id), "{email} was acknowledged");
    }
    let requested: BTreeSet<_> = of_type(&history, "device.command_requested").collect();
    for command in load.commands() {
        assert!(requested.contains(&command), "{command} was acknowledged");
    }
}

fn of_type<'a>(history: &'a [LogRow], event_type: &'a str) -> impl Iterator<Item = String> + 'a {
    history.iter().filter(move |row| row.event_type == event_type).map(|row| text(&row.payload["command"]))
}

/// Positions and the revisions of each stream have no gaps, and no event stands there twice.
fn is_whole(history: &[LogRow]) {
    let mut next: BTreeMap<&str, u64> = BTreeMap::new();
    for (index, row) in history.iter().enumerate() {
        assert_eq!(row.position, index as u64 + 1);
        let revision = next.entry(&row.stream).or_default();
        assert_eq!(row.revision, *revision, "{}", row.stream);
        *revision += 1;
    }
    assert_eq!(history.iter().map(|row| &row.id).collect::<BTreeSet<_>>().len(), history.len());
}

/// Id and address of everybody in the directory, as it is at `position` or later.
async fn everybody(admin: &Client, position: u64) -> Vec<(String, String)> {
    let query = "query Page($after: String, $position: Position) {
        people(first: 200, after: $after, afterPosition: $position, sort: { field: CREATED }) {
            nodes { id email displayName } pageInfo { hasNextPage endCursor } } }";
    let (mut all, mut after) = (Vec::new(), Value::Null);
    loop {
        let data = admin.query(query, json!({ "after": after, "position": position.to_string() })).await;
        let page = &data["people"];
        for person in page["nodes"].as_array().unwrap() {
            assert!(person["displayName"].is_string(), "the key that opens the name is there: {person}");
            all.push((text(&person["id"]), text(&person["email"])));
        }
        if page["pageInfo"]["hasNextPage"] == false {
            return all;
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
}

/// One mail for each event that asks for one. The same one may come twice: it has the same id then, by which mail
/// programs know it.
async fn every_mail_has_left(installation: &Installation, mail: &MailServer) {
    let history = log::read(&installation.log_file(), 0);
    let asks = |row: &&LogRow| matches!(row.event_type.as_str(), "signup.begun" | "account.activation_link_issued");
    let due: BTreeSet<_> =
        history.iter().filter(asks).map(|row| format!("<{}@localhost.localdomain>", row.id)).collect();
    let started = Instant::now();
    loop {
        let mails = mail.mails();
        let sent: BTreeSet<_> = mails.iter().map(|mail| mail.message_id.clone()).collect();
        let lost = due.difference(&sent).count();
        if lost == 0 {
            assert_eq!(sent, due, "and no mail that nothing asks for");
            println!("{} mails, {} of them twice", due.len(), mails.len() - sent.len());
            let links: BTreeSet<_> = mails.iter().map(|mail| &mail.to).collect();
            assert_eq!(links.len(), due.len(), "each to somebody else");
            return;
        }
        assert!(started.elapsed() < PATIENCE, "{lost} of {} mails are lost", due.len());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Every command has succeeded, also those whose acknowledgement got lost. The unit has stored each once.
async fn every_command_was_done_once(installation: &Installation, load: &Load, unit: &Unit) {
    let started = Instant::now();
    let (requested, succeeded) = loop {
        let history = log::read(&installation.log_file(), 0);
        let [requested, succeeded] =
            ["device.command_requested", "device.command_succeeded"].map(|t| of_type(&history, t).collect::<Vec<_>>());
        if requested.len() <= succeeded.len() {
            break (requested, succeeded);
        }
        assert!(started.elapsed() < PATIENCE, "{} of {} commands are done", succeeded.len(), requested.len());
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    assert_eq!(succeeded.iter().collect::<BTreeSet<_>>(), requested.iter().collect(), "each has succeeded");
    assert_eq!(succeeded.len(), requested.len(), "each once");
    assert!(requested.len() >= load.commands().len());
    let stored = unit.seen().into_iter().filter_map(|event| match event {
        ScreenEvent::CommandReceived { sequence, .. } => Some(sequence),
        _ => None,
    });
    let stored: Vec<_> = stored.collect();
    assert!(stored.iter().copied().eq(1..=requested.len() as u64), "the unit has stored {stored:?}");
}
