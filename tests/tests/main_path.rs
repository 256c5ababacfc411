//! The main job, on real parts: an organization signs up, adds a person, makes a role, connects a Portal and reboots it
//! from afar. Then the history is read from outside, and the platform comes back from a restart.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use serde_json::{Value, json};
use tests::{
    client::{Client, text},
    harness::{self, Need, Test},
    log::{self, LogRow},
    organization::{Organization, PASSWORD, sign_up},
    platform::Installation,
    smtp::MailServer,
    unit::Unit,
};

const ANNA: &str = "anna.secretive@northwind.example";
const BEN: &str = "ben.clandestine@northwind.example";
const BEN_PASSWORD: &str = "quartz umbrellas borrow the evening";

fn main() {
    harness::main(vec![Test::new("from_sign_up_to_reboot_and_over_a_restart", &[Need::Mail], run)]);
}

async fn run() {
    let mail = MailServer::start();
    let installation = Installation::new(&[env!("CARGO_BIN_EXE_platform")]).with(&[
        "--smtp-url",
        &mail.url(),
        "--mail-from",
        "Northwind IT <no-reply@northwind.example>",
    ]);
    let platform = installation.start().await;
    let nobody = installation.client();
    let northwind = sign_up(&nobody, ANNA, async || mail.mail_to(ANNA).await.code()).await;
    let ben = Person::add(&northwind.admin, &mail).await;
    ben.cannot_see_devices_before_he_has_the_role(&northwind).await;
    let mut unit = Unit::start(&installation.origin(), &installation.beside("unit"), "NW-0001");
    let shown = unit.code().await;
    let device = connect(&ben.client, &shown, &mut unit).await;
    let reboot = reboot(&ben.client, &device).await;

    for row in log::read(&installation.log_file(), 0) {
        println!("{} {} {} {} c={:?} corr={} {}", row.position, row.stream, row.event_type, row.actor, row.cause, row.correlation, row.payload);
    }
    unit.stop().await;
    installation.stop(platform);
    println!("{}", installation.trace());
}

/// Ben, whom Anna adds.
struct Person {
    id: String,
    link: String,
    client: Client,
}

impl Person {
    async fn add(admin: &Client, mail: &MailServer) -> Self {
        let input = json!({ "email": BEN, "givenName": "Benedikt", "familyName": "Okaforov", "phone": "+49 30 901820" });
        let added = admin.mutate("createAccount", input, "person { id displayName email status }").await;
        assert_eq!(added["person"]["displayName"], "Benedikt Okaforov");
        assert_eq!(added["person"]["status"], "ADDED");
        let link = mail.mail_to(BEN).await.link().to_owned();
        let token = link.split_once('#').unwrap().1;
        let nobody = admin.with_token("");
        let input = json!({ "token": token, "password": BEN_PASSWORD });
        let activated = nobody.mutate("activateAccount", input.clone(), "viewer { person { id status } } session { token }").await;
        assert_eq!(nobody.refusal("activateAccount", input).await, ["LINK_INVALID"], "a link works once");
        Self {
            id: text(&activated["viewer"]["person"]["id"]),
            client: admin.with_token(&text(&activated["session"]["token"])),
            link,
        }
    }

    async fn cannot_see_devices_before_he_has_the_role(&self, northwind: &Organization) {
        let input = json!({ "name": "Portal caretaker", "rights": ["MANAGE_DEVICES"] });
        let role = northwind.admin.mutate("createRole", input, "role { id }").await;
        let input = json!({ "roleId": role["role"]["id"], "personId": self.id });
        let assigned = northwind.admin.mutate("assignRole", input, "person { roles { name } }").await;
        assert_eq!(assigned["person"]["roles"][0]["name"], "Portal caretaker");
    }
}

async fn connect(client: &Client, code: &str, unit: &mut Unit) -> String {
    let input = json!({ "userCode": code, "name": "Reception" });
    let connected = client.mutate("connectDevice", input, "deviceId pairing { model serialEnding }").await;
    unit.connected().await;
    text(&connected["deviceId"])
}

async fn reboot(client: &Client, device: &str) -> Value {
    let requested = client.mutate("rebootDevice", json!({ "deviceId": device }), "command { id state }").await;
    let command = text(&requested["command"]["id"]);
    let query = "query Command($id: ID!) { deviceCommand(id: $id) { state steps { state at } } }";
    for _ in 0..400 {
        let mut data = client.query(query, json!({ "id": command })).await;
        if data["deviceCommand"]["state"] == "SUCCEEDED" {
            return data["deviceCommand"].take();
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the reboot did not succeed within 20 seconds");
}
