//! Live data over WebSockets, and that it ends when the right to it does.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod support;

use std::time::Duration;

use serde_json::{Value, json};
use support::{Client, Heard, Installation, Live, ORIGIN, PASSWORD};
use tokio::time::timeout;

const DIRECTORY: &str = "subscription { directoryChanged { kind id position person { email } role { name } } }";
const DEVICES: &str = "subscription { deviceChanged { kind deviceId position device { name } command { state } } }";

#[tokio::test]
async fn changes_are_told_to_their_organization() {
    let installation = Installation::start().await;
    let admin = installation.found("anna@northwind.example").await;
    let stranger = installation.found("zoe@tailspin.example").await;
    let mut live = Live::of(&admin).await;
    live.subscribe("directory", DIRECTORY).await;
    live.settle().await;
    let mut foreign = Live::of(&stranger).await;
    foreign.subscribe("directory", DIRECTORY).await;
    foreign.subscribe("devices", DEVICES).await;
    foreign.settle().await;

    let input = json!({ "email": "ben@northwind.example", "givenName": "Ben", "familyName": "Okafor" });
    let ben = admin.mutate("createAccount", input, "person { id }").await["person"]["id"].take();
    let update = live.payload().await["data"]["directoryChanged"].take();
    assert_eq!(
        (&update["kind"], &update["id"], &update["person"]),
        (&json!("PERSON_ADDED"), &ben, &json!({ "email": "ben@northwind.example" }))
    );
    let role = json!({ "name": "Caretaker", "rights": ["MANAGE_DEVICES"] });
    admin.mutate("createRole", role, "").await;
    let update = live.payload().await["data"]["directoryChanged"].take();
    assert_eq!(
        (&update["kind"], &update["role"], &update["person"]),
        (&json!("ROLE_CHANGED"), &json!({ "name": "Caretaker" }), &Value::Null)
    );

    live.send(json!({ "id": "directory", "type": "complete" })).await;
    live.subscribe("devices", DEVICES).await;
    live.settle().await;
    let device = json!(admin.add_device("SN-1").await);
    let update = live.payload().await["data"]["deviceChanged"].take();
    assert_eq!(
        (&update["kind"], &update["deviceId"], &update["device"]),
        (&json!("DEVICE_ADDED"), &device, &json!({ "name": "SN-1" }))
    );
    admin.mutate("rebootDevice", json!({ "deviceId": device }), "").await;
    for _ in 0..2 {
        let update = live.payload().await["data"]["deviceChanged"].take();
        assert_eq!((&update["kind"], &update["command"]), (&json!("COMMAND_CHANGED"), &json!({ "state": "QUEUED" })));
    }
    // Nothing of all that was told to the other organization.
    foreign.settle().await;
}

#[tokio::test]
async fn a_member_hears_of_their_own_devices_only() {
    let installation = Installation::start().await;
    let admin = installation.found("anna@northwind.example").await;
    let (_, member) = admin.add_person("ben@northwind.example").await;
    let mut live = Live::of(&member).await;
    live.subscribe("directory", DIRECTORY).await;
    assert_eq!(live.payload().await["errors"][0]["extensions"]["code"], "FORBIDDEN");
    assert_eq!(live.next().await, Heard::Message(json!({ "id": "directory", "type": "complete" })));
    live.subscribe("devices", DEVICES).await;
    live.settle().await;
    admin.add_device("SN-1").await;
    let own = member.add_device("SN-2").await;
    assert_eq!(live.payload().await["data"]["deviceChanged"]["deviceId"], json!(own));
    let seen = member.query("{ devices { totalCount nodes { name } } }").await;
    assert_eq!(seen["devices"], json!({ "totalCount": 1, "nodes": [{ "name": "SN-2" }] }));
    assert_eq!(member.refusal("renameDevice", json!({ "deviceId": own, "name": "x" })).await.0, "FORBIDDEN");
}

#[tokio::test]
async fn who_signs_out_or_loses_the_right_hears_nothing_more() {
    let installation = Installation::start().await;
    let admin = installation.found("anna@northwind.example").await;
    let (ben, member) = admin.add_person("ben@northwind.example").await;
    let role = json!({ "name": "Caretaker", "rights": ["MANAGE_ACCOUNTS"] });
    let role = admin.mutate("createRole", role, "role { id }").await["role"]["id"].take();
    admin.mutate("assignRole", json!({ "roleId": role, "personId": ben }), "").await;
    let mut live = Live::of(&member).await;
    live.subscribe("directory", DIRECTORY).await;
    live.settle().await;
    admin.mutate("unassignRole", json!({ "roleId": role, "personId": ben }), "").await;
    // The updates of the change itself may come before its consequence.
    let code = loop {
        let payload = live.payload().await;
        if !payload["errors"].is_null() {
            break payload["errors"][0]["extensions"]["code"].clone();
        }
    };
    assert_eq!(code, "FORBIDDEN");
    assert_eq!(live.next().await, Heard::Message(json!({ "id": "directory", "type": "complete" })));

    let mut live = Live::of(&admin).await;
    live.subscribe("directory", DIRECTORY).await;
    live.settle().await;
    admin.mutate("signOut", json!({}), "").await;
    assert_eq!(live.payload().await["errors"][0]["extensions"]["code"], "NOT_SIGNED_IN");
    assert_eq!(live.next().await, Heard::Message(json!({ "id": "directory", "type": "complete" })));
    assert_eq!(live.next().await, Heard::Closed(4401));
    let mut again = Live::open(&installation, &[]).await;
    let authorization = format!("Bearer {}", admin.token.unwrap());
    again.send(json!({ "type": "connection_init", "payload": { "authorization": authorization } })).await;
    assert_eq!(again.next().await, Heard::Closed(4401));
}

#[tokio::test]
async fn what_ends_the_sessions_of_a_person_ends_what_they_follow() {
    let installation = Installation::start().await;
    let admin = installation.found("anna@northwind.example").await;
    let (ben, mut member) = admin.add_person("ben@northwind.example").await;
    let ben = || json!({ "personId": ben });
    let mut own = Live::of(&admin).await;
    own.subscribe("devices", DEVICES).await;
    own.settle().await;
    let reset = json!({ "currentPassword": PASSWORD, "newPassword": "copper moons over the seventh lake" });
    for (mutation, by_ben) in [
        ("logOutEverywhere", false),
        ("deactivateAccount", false),
        ("setAccountStatusToCreated", false),
        ("changePassword", true),
        ("forcePasswordReset", false),
    ] {
        let mut live = Live::of(&member).await;
        live.subscribe("devices", DEVICES).await;
        live.settle().await;
        if by_ben {
            member.mutate(mutation, reset.clone(), "").await;
        } else {
            admin.mutate(mutation, ben(), "").await;
        }
        assert_eq!(live.payload().await["errors"][0]["extensions"]["code"], "NOT_SIGNED_IN", "{mutation}");
        assert_eq!(live.next().await, Heard::Message(json!({ "id": "devices", "type": "complete" })));
        assert_eq!(live.next().await, Heard::Closed(4401), "{mutation}");
        // Signed in again for the next round.
        match mutation {
            "deactivateAccount" => drop(admin.mutate("reactivateAccount", ben(), "").await),
            "setAccountStatusToCreated" => {
                let link = admin.mutate("generateActivationLink", ben(), "link").await["link"].take();
                let token = link.as_str().unwrap().split_once("token=").unwrap().1.to_owned();
                let input = json!({ "token": token, "password": PASSWORD });
                installation.nobody().mutate("activateAccount", input, "").await;
            }
            _ => {}
        }
        let password = if by_ben { &reset["newPassword"] } else { &json!(PASSWORD) };
        let input = json!({ "email": "ben@northwind.example", "password": password });
        let again = installation.nobody().attempt("signIn", input, "session { token }").await;
        member.token = again["session"]["token"].as_str().map(str::to_owned);
    }
    // Those of others go on.
    own.settle().await;
}

#[tokio::test]
async fn browsers_are_known_by_their_cookie_on_pages_of_the_own_origin() {
    let installation = Installation::start().await;
    let admin = installation.found("anna@northwind.example").await;
    let cookie = ("cookie", format!("session={}", admin.token.as_ref().unwrap()));
    for (origin, expected) in
        [(ORIGIN, Heard::Message(json!({ "type": "connection_ack" }))), ("https://evil.example", Heard::Closed(4401))]
    {
        let mut live = Live::open(&installation, &[cookie.clone(), ("origin", origin.to_owned())]).await;
        live.send(json!({ "type": "connection_init" })).await;
        assert_eq!(live.next().await, expected, "{origin}");
    }
    let mut nobody = Live::open(&installation, &[]).await;
    nobody.send(json!({ "type": "connection_init" })).await;
    assert_eq!(nobody.next().await, Heard::Closed(4401));
    // Each operation is authenticated by itself; a WebSocket left open from before is nobody after signing out.
    let mut live = Live::of(&admin).await;
    live.subscribe("1", "mutation { signOut { sessionId } }").await;
    assert!(live.payload().await["data"]["signOut"]["sessionId"].is_string());
    live.next().await;
    live.subscribe("2", "{ viewer { isSystemAdmin } }").await;
    assert_eq!(live.payload().await["errors"][0]["extensions"]["code"], "NOT_SIGNED_IN");
    installation.stop.cancel();
    live.next().await;
    assert_eq!(live.next().await, Heard::Closed(1001));
}

#[tokio::test]
async fn the_gateway_ends_after_its_sockets() {
    let mut installation = Installation::start().await;
    let admin = installation.found("ada@acme.example").await;
    let mut live = Live::of(&admin).await;
    live.settle().await;
    installation.stop.cancel();
    timeout(Duration::from_secs(10), &mut installation.running).await.expect("it ends").unwrap();
    let mut metrics = String::new();
    prometheus_client::encoding::text::encode(&mut metrics, &installation.registry).unwrap();
    assert!(metrics.contains("gateway_websockets_open 0"), "{metrics}");
    assert_eq!(live.next().await, Heard::Closed(1001));
}

const HISTORY: &str = "subscription($after: Position, $filter: HistoryFilter) { \
    historyAppended(after: $after, filter: $filter) { position summary } }";

#[tokio::test]
async fn the_history_is_followed_without_a_gap() {
    let installation = Installation::start().await;
    let admin = installation.found("anna@northwind.example").await;
    let stranger = installation.found("zoe@tailspin.example").await;
    let rename = async |client: &Client<'_>, name: &str| {
        client.mutate("renameOrganization", json!({ "name": name }), "").await["position"].as_str().unwrap().to_owned()
    };
    let follow = async |live: &mut Live, variables: Value| {
        let payload = json!({ "query": HISTORY, "variables": variables });
        live.send(json!({ "id": "history", "type": "subscribe", "payload": payload })).await;
    };
    let filter = json!({ "types": ["organization.renamed"] });
    let first = rename(&admin, "Northwind 0").await;
    // Who follows hears of what comes after that.
    let seen = "query($p: Position) { history(first: 1, afterPosition: $p) { nodes { position } } }";
    admin.send(seen, json!({ "p": first })).await;
    let mut live = Live::of(&admin).await;
    follow(&mut live, json!({ "filter": filter })).await;
    live.settle().await;
    rename(&stranger, "Tailspin").await;
    // A burst, of which many come while earlier ones are told, between others that are not asked for.
    let mut positions = Vec::new();
    for number in 1..=30 {
        positions.push(rename(&admin, &format!("Northwind {number}")).await);
        let role = json!({ "name": format!("Role {number}"), "rights": ["CONTACT_SUPPORT"] });
        admin.mutate("createRole", role, "").await;
    }
    for (number, position) in (1..).zip(&positions) {
        let entry = live.payload().await["data"]["historyAppended"].take();
        let before = number - 1;
        let summary = format!("Anna Berg renamed the organization from Northwind {before} to Northwind {number}.");
        assert_eq!(entry, json!({ "position": position, "summary": summary }));
    }
    // Somebody who was away goes on from where they were.
    let mut back = Live::of(&admin).await;
    follow(&mut back, json!({ "filter": filter, "after": first })).await;
    for position in &positions {
        assert_eq!(back.payload().await["data"]["historyAppended"]["position"], json!(position));
    }
    let next = rename(&admin, "Northwind").await;
    assert_eq!(back.payload().await["data"]["historyAppended"]["position"], json!(next));
    admin.mutate("signOut", json!({}), "").await;
    assert_eq!(back.payload().await["errors"][0]["extensions"]["code"], "NOT_SIGNED_IN");
}

#[tokio::test]
async fn the_history_is_told_for_as_long_as_the_right_to_it_lasts() {
    let installation = Installation::start().await;
    let admin = installation.found("anna@northwind.example").await;
    let (ben, member) = admin.add_person("ben@northwind.example").await;
    let mut live = Live::of(&member).await;
    let history = "subscription { historyAppended { summary } }";
    live.subscribe("1", history).await;
    assert_eq!(live.payload().await["errors"][0]["extensions"]["code"], "FORBIDDEN");
    live.next().await;
    let role = json!({ "name": "Auditor", "rights": ["READ_HISTORY"] });
    let role = admin.mutate("createRole", role, "role { id }").await["role"]["id"].take();
    admin.mutate("assignRole", json!({ "roleId": role, "personId": ben }), "").await;
    live.subscribe("2", history).await;
    live.settle().await;
    admin.mutate("unassignRole", json!({ "roleId": role, "personId": ben }), "").await;
    // What took the right away may be told before it is gone.
    let mut payload = live.payload().await;
    if payload["errors"].is_null() {
        payload = live.payload().await;
    }
    assert_eq!(payload["errors"][0]["extensions"]["code"], "FORBIDDEN");
}
