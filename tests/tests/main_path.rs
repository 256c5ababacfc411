//! The main job, on real parts: an organization signs up, adds a person, makes a role, connects a Portal and reboots it
//! from afar. Then the history is read from outside, and the platform comes back from a restart.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::{collections::BTreeSet, fs, os::unix::fs::MetadataExt, path::Path, time::Duration};

use portal::ScreenEvent;
use serde_json::{Value, json};
use tests::{
    client::{Client, text},
    harness::{self, Need, Test},
    log::{self, LogRow},
    organization::{FOUNDER, Organization, PASSWORD, sign_up, sign_up_in_development},
    platform::Installation,
    smtp::MailServer,
    unit::Unit,
};

const ANNEGRET: &str = "anna.secretive@northwind.example";
const BENEDIKT: &str = "ben.clandestine@northwind.example";
const BENEDIKTS_NAME: (&str, &str) = ("Benedikt", "Okaforov");
const BENEDIKTS_PHONE: &str = "+49 30 90182076";
const BENEDIKTS_PASSWORD: &str = "quartz umbrellas borrow the evening";

fn main() {
    harness::main(vec![
        Test::new("from_sign_up_to_reboot_and_over_a_restart", &[Need::Mail], run),
        Test::new("a_portal_is_logged_out_with_its_account_and_set_up_again", &[], logged_out),
    ]);
}

async fn logged_out() {
    let installation = Installation::new(&[env!("CARGO_BIN_EXE_platform")]).with(&["--development"]);
    let platform = installation.start().await;
    let northwind = sign_up_in_development(&installation.client(), ANNEGRET).await;
    let mut unit = Unit::start(&installation.origin(), &installation.beside("unit"), "NW-0001");
    let connect = async |client: &Client, unit: &mut Unit| {
        let input = json!({ "userCode": unit.code().await });
        let connected = client.mutate("connectDevice", input, "deviceId").await;
        unit.connected().await;
        text(&connected["deviceId"])
    };
    let first = connect(&northwind.admin, &mut unit).await;
    northwind.admin.mutate("logOutEverywhere", json!({ "personId": northwind.founder }), "person { id }").await;
    assert_eq!(northwind.admin.refusal("rebootDevice", json!({ "deviceId": first })).await, ["NOT_SIGNED_IN"]);
    unit.see("that it is logged out", |event| matches!(event, ScreenEvent::Revoked { .. }).then_some(())).await;
    // It shows a code by itself, and is connected as it was before: the same hardware, another device.
    let nobody = installation.client();
    let input = json!({ "email": ANNEGRET, "password": PASSWORD });
    let signed_in = nobody.mutate("signIn", input, "session { token }").await;
    let admin = nobody.with_token(&text(&signed_in["session"]["token"]));
    let second = connect(&admin, &mut unit).await;
    reboot(&admin, &second).await;
    assert_eq!(admin.refusal("rebootDevice", json!({ "deviceId": first })).await, ["UNIT_LOGGED_OUT"]);
    let query = "{ devices(sort: { field: SET_UP }) { nodes { id serial loggedOut } } }";
    let devices = admin.query(query, json!({})).await;
    let expected = json!([
        { "id": first, "serial": "NW-0001", "loggedOut": true },
        { "id": second, "serial": "NW-0001", "loggedOut": false },
    ]);
    assert_eq!(devices["devices"]["nodes"], expected);
    unit.stop().await;
    installation.stop(platform);
}

async fn run() {
    let mail = MailServer::start();
    let sender = "Northwind IT <no-reply@northwind.example>";
    let installation = Installation::new(&[env!("CARGO_BIN_EXE_platform")]);
    let installation = installation.with(&["--smtp-url", &mail.url(), "--mail-from", sender]);
    let platform = installation.start().await;

    let northwind = sign_up(&installation.client(), ANNEGRET, async || mail.mail_to(ANNEGRET).await.code()).await;
    let benedikt = Person::add(&northwind.admin, &mail).await;
    let mut unit = Unit::start(&installation.origin(), &installation.beside("unit"), "NW-0001");
    let device = benedikt.connect(&mut unit).await;
    benedikt.is_given_the_role(&northwind, &device).await;
    let command = reboot(&benedikt.client, &device).await;
    assert_eq!(reboots(&unit), 1);

    let story = Story { northwind, benedikt, device, command, history: log::read(&installation.log_file(), 0) };
    story.is_told_by_the_history();

    let before = story.what_people_see().await;
    let files = identities(&installation);
    installation.stop(platform);
    let platform = installation.start().await;
    assert_eq!(identities(&installation), files, "the views go on where they were; they are not built anew");
    assert_eq!(story.what_people_see().await, before, "sessions and views are as they were");
    unit.reconnected().await;
    reboot(&story.benedikt.client, &story.device).await;
    assert_eq!(reboots(&unit), 2, "the unit goes on too");
    assert_eq!(mail.mails().len(), 2, "no mail leaves twice");

    let secrets = story.secrets(&mail, &unit);
    unit.stop().await;
    // With all that has not yet been written back to the main files, as a thief would find it.
    nothing_stands_in_the_clear(&installation, &secrets);
    installation.stop(platform);
    nothing_stands_in_the_clear(&installation, &secrets);
    let trace = installation.trace();
    assert!(trace.contains("listening") && !trace.contains("ERROR"), "{trace}");
}

/// The person who was added.
struct Person {
    id: String,
    client: Client,
}

impl Person {
    async fn add(admin: &Client, mail: &MailServer) -> Self {
        let (given, family) = BENEDIKTS_NAME;
        let input = json!({ "email": BENEDIKT, "givenName": given, "familyName": family, "phone": BENEDIKTS_PHONE });
        let added = admin.mutate("createAccount", input, "person { id displayName email status }").await;
        let id = text(&added["person"]["id"]);
        let expected = json!({
            "id": id, "displayName": format!("{given} {family}"), "email": BENEDIKT, "status": "ADDED",
        });
        assert_eq!(added["person"], expected, "the answer is read from the view");

        let token = activation_token(mail).await;
        let nobody = admin.signed_out();
        let input = json!({ "token": token, "password": BENEDIKTS_PASSWORD });
        let selection = "viewer { person { id status } isSystemAdmin rights } session { token }";
        let activated = nobody.mutate("activateAccount", input.clone(), selection).await;
        let viewer = json!({ "person": { "id": id, "status": "ACTIVATED" }, "isSystemAdmin": false, "rights": [] });
        assert_eq!(activated["viewer"], viewer);
        assert_eq!(nobody.refusal("activateAccount", input).await, ["LINK_INVALID"], "a link works once");
        Self { id, client: nobody.with_token(&text(&activated["session"]["token"])) }
    }

    /// Everybody may set a unit up.
    async fn connect(&self, unit: &mut Unit) -> String {
        let code = unit.code().await;
        let pairing = "query Look($code: String!) { pairing(userCode: $code) { model serialEnding } }";
        let shown = self.client.query(pairing, json!({ "code": code })).await;
        assert_eq!(shown["pairing"], json!({ "model": "Virtual Portal", "serialEnding": "0001" }));
        let input = json!({ "userCode": code, "name": "Reception" });
        let connected = self.client.mutate("connectDevice", input, "deviceId").await;
        unit.connected().await;
        text(&connected["deviceId"])
    }

    /// Only those who look after the units may reboot them.
    async fn is_given_the_role(&self, northwind: &Organization, device: &str) {
        let reboot = json!({ "deviceId": device });
        assert_eq!(self.client.refusal("rebootDevice", reboot).await, ["FORBIDDEN"]);
        let input = json!({ "name": "Portal caretaker", "rights": ["MANAGE_DEVICES"] });
        let role = northwind.admin.mutate("createRole", input, "role { id }").await;
        let input = json!({ "roleId": role["role"]["id"], "personId": self.id });
        let assigned = northwind.admin.mutate("assignRole", input, "person { roles { name rights } }").await;
        let roles = json!([{ "name": "Portal caretaker", "rights": ["MANAGE_DEVICES"] }]);
        assert_eq!(assigned["person"]["roles"], roles);
    }
}

async fn activation_token(mail: &MailServer) -> String {
    mail.mail_to(BENEDIKT).await.link().split_once("/activate?token=").unwrap().1.to_owned()
}

/// Reboots the unit, and returns the command when that has succeeded.
async fn reboot(client: &Client, device: &str) -> String {
    let requested = client.mutate("rebootDevice", json!({ "deviceId": device }), "command { id }").await;
    let command = text(&requested["command"]["id"]);
    let query = "query Command($id: ID!) { deviceCommand(id: $id) { state steps { state } } }";
    for _ in 0..400 {
        let data = client.query(query, json!({ "id": command })).await;
        if data["deviceCommand"]["state"] == "SUCCEEDED" {
            let steps = data["deviceCommand"]["steps"].as_array().unwrap();
            let states: Vec<_> = steps.iter().map(|step| text(&step["state"])).collect();
            assert_eq!(states, ["REQUESTED", "DISPATCHED", "RECEIVED", "SUCCEEDED"]);
            return command;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the reboot has not succeeded within 20 seconds");
}

fn reboots(unit: &Unit) -> usize {
    unit.seen().iter().filter(|event| **event == ScreenEvent::Rebooting).count()
}

/// Which file each view is kept in: another one has another number.
fn identities(installation: &Installation) -> Vec<(std::path::PathBuf, u64)> {
    let files = installation.view_files();
    assert_eq!(files.len(), 3, "{files:?}");
    files.into_iter().map(|file| (file.clone(), fs::metadata(file).unwrap().ino())).collect()
}

/// What has happened.
struct Story {
    northwind: Organization,
    benedikt: Person,
    device: String,
    command: String,
    history: Vec<LogRow>,
}

impl Story {
    /// Types and actors of the events of all streams of a category, in order.
    fn told(&self, category: &str) -> Vec<(&str, String)> {
        let of_category = self.history.iter().filter(|row| row.stream.split('-').next() == Some(category));
        of_category.map(|row| (row.event_type.as_str(), self.name_of(&row.actor))).collect()
    }

    fn name_of(&self, actor: &str) -> String {
        let names =
            [(&self.northwind.founder, "Annegret"), (&self.benedikt.id, "Benedikt"), (&self.device, "the unit")];
        let found = names.iter().find(|(id, _)| actor.split_once(':').is_some_and(|(_, actor)| actor == *id));
        found.map_or(actor, |(_, name)| name).to_owned()
    }

    fn expect(&self, category: &str, expected: &[(&str, &str)]) {
        let expected: Vec<_> = expected.iter().map(|(event_type, actor)| (*event_type, (*actor).to_owned())).collect();
        assert_eq!(self.told(category), expected, "{category}");
    }

    fn is_told_by_the_history(&self) {
        let anonymous = |event| (event, "anonymous");
        let sign_up = |event| (event, "system:sign-up");
        self.expect("signup", &["signup.begun", "signup.email_confirmed", "signup.completed"].map(anonymous));
        self.expect("email", &[sign_up("email.reserved"), ("email.reserved", "system:directory")]);
        self.expect("organization", &["organization.created", "organization.domain_allowed"].map(sign_up));
        self.expect(
            "account",
            &[
                sign_up("account.created"),
                sign_up("account.activated"),
                ("account.created", "Annegret"),
                ("account.activation_link_issued", "Annegret"),
                anonymous("account.activated"),
            ],
        );
        self.expect(
            "roles",
            &[
                sign_up("role.created"),
                sign_up("role.assigned"),
                ("role.created", "Annegret"),
                ("role.assigned", "Annegret"),
            ],
        );
        let signed_in = |who| [("session.started", who), ("session.opened_from", who)];
        self.expect("session", &[signed_in("Annegret"), signed_in("Benedikt")].concat());
        self.expect("user_code", &[("user_code.reserved", "system:pairing")]);
        self.expect(
            "pairing",
            &[
                anonymous("pairing.requested"),
                ("pairing.approved", "Benedikt"),
                ("pairing.completed", "system:pairing"),
            ],
        );
        self.expect("hardware", &[("hardware.enrolled", "system:pairing")]);
        self.the_reboot_is_proven();
        self.requests_hang_together();
    }

    /// The events of the command, and the status from another boot that proves it.
    fn the_reboot_is_proven(&self) {
        let of_device: Vec<_> = self.history.iter().filter(|row| row.stream.contains(&self.device)).collect();
        let of_command: Vec<_> = of_device.iter().filter(|row| row.payload["command"] == *self.command).collect();
        let told: Vec<_> = of_command.iter().map(|row| (row.event_type.as_str(), self.name_of(&row.actor))).collect();
        let expected = [
            ("device.command_requested", "Benedikt"),
            ("device.command_dispatched", "system:dispatcher"),
            ("device.command_received", "the unit"),
            ("device.command_succeeded", "the unit"),
        ];
        assert_eq!(told, expected.map(|(event_type, actor)| (event_type, actor.to_owned())));
        let [requested, dispatched, _, succeeded] = of_command[..] else { panic!("four events") };
        assert_eq!(dispatched.cause.as_ref(), Some(&requested.id), "it was dispatched because it was requested");
        assert_eq!(dispatched.correlation, requested.correlation);
        let proof = of_device.iter().find(|row| row.revision + 1 == succeeded.revision).unwrap();
        assert_eq!(proof.event_type, "device.status_reported");
        assert_eq!(proof.payload["last_sequence"], 1);
        assert_eq!(proof.payload["boot_id"], succeeded.payload["boot_id"]);
        assert_ne!(proof.payload["boot_id"], dispatched.payload["boot_id"], "only another boot proves it");
    }

    /// Every event has its request: what follows from one request shares its correlation, and nothing else does.
    fn requests_hang_together(&self) {
        let of = |event_type: &str| self.history.iter().find(|row| row.event_type == event_type).unwrap();
        let completed: BTreeSet<_> =
            ["signup.completed", "organization.created", "account.activated", "session.started"]
                .map(|event_type| &of(event_type).correlation)
                .into();
        assert_eq!(completed.len(), 1, "{completed:?}");
        assert!(!completed.contains(&of("signup.begun").correlation));
        let positions: Vec<_> = self.history.iter().map(|row| row.position).collect();
        assert!(positions.iter().copied().eq(1..=positions.len() as u64), "positions have no gaps: {positions:?}");
        let organization = Some(&self.northwind.id);
        let elsewhere = ["signup", "email", "user_code", "hardware", "pairing"];
        for row in self.history.iter().filter(|row| !elsewhere.contains(&row.stream.split('-').next().unwrap())) {
            assert_eq!(row.organization.as_ref(), organization, "{row:?}");
        }
    }

    /// The directory and the units, as the two see them.
    async fn what_people_see(&self) -> Value {
        let directory = "{ viewer { person { id displayName } organization { name } isSystemAdmin rights }
            people { nodes { id displayName email phone status roles { name } } } roles { name rights } }";
        let devices = "{ viewer { person { id } rights } devices { nodes { id name model serial setUpAt } } }";
        let directory = self.northwind.admin.query(directory, json!({})).await;
        let devices = self.benedikt.client.query(devices, json!({})).await;
        assert_eq!(directory["people"]["nodes"].as_array().unwrap().len(), 2);
        assert_eq!(devices["devices"]["nodes"][0]["name"], "Reception");
        json!([directory, devices])
    }

    /// What must not stand in the clear beside the views: personal data, and whatever opens a door.
    fn secrets(&self, mail: &MailServer, unit: &Unit) -> Vec<String> {
        let code = mail.mails().iter().find(|mail| mail.to == [ANNEGRET]).unwrap().code();
        let link = mail.mails().iter().find(|mail| mail.to == [BENEDIKT]).unwrap().link().to_owned();
        let shown = unit.seen().into_iter().find_map(|event| match event {
            ScreenEvent::ShowCode { code, .. } => Some(code),
            _ => None,
        });
        let shown = shown.unwrap();
        let mut secrets = vec![
            // Six digits alone stand in many a number.
            format!("\"{code}\""),
            format!(" {code}"),
            link.split_once("?token=").unwrap().1.to_owned(),
            shown.replace('-', ""),
            shown,
        ];
        for client in [&self.northwind.admin, &self.benedikt.client] {
            // The session's id stands before the dot and is no secret.
            secrets.push(client.token().split_once('.').unwrap().1.to_owned());
        }
        let personal = [
            ANNEGRET,
            "anna.secretive",
            FOUNDER.0,
            FOUNDER.1,
            PASSWORD,
            BENEDIKT,
            "ben.clandestine",
            BENEDIKTS_NAME.0,
            BENEDIKTS_NAME.1,
            BENEDIKTS_PHONE,
            BENEDIKTS_PASSWORD,
        ];
        secrets.extend(personal.map(str::to_owned));
        secrets
    }
}

fn nothing_stands_in_the_clear(installation: &Installation, secrets: &[String]) {
    let files = installation.log_files();
    for name in ["log.db", "vault.db"] {
        assert!(files.iter().any(|file| file.ends_with(name)), "{files:?}");
    }
    for file in &files {
        let content = content(file);
        let found = secrets.iter().find(|secret| content.contains(&secret.to_lowercase()));
        assert_eq!(found, None, "stands in {}", file.display());
    }
    let trace = installation.trace().to_lowercase();
    let found = secrets.iter().find(|secret| trace.contains(&secret.to_lowercase()));
    assert_eq!(found, None, "stands in the trace");
    // The search finds what is there: the views hold names and addresses, to be searched.
    let views: String = installation.files_of_views().iter().map(|file| content(file)).collect();
    assert!(views.contains(BENEDIKT) && views.contains(&BENEDIKTS_NAME.1.to_lowercase()));
}

/// The text in a file, in lower case, whatever else is in it.
fn content(file: &Path) -> String {
    String::from_utf8_lossy(&fs::read(file).unwrap()).to_lowercase()
}
