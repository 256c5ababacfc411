//! What admins do with a person's account, through the API.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod support;

use eventlog::Clock;
use serde_json::{Value, json};
use support::{Client, Installation, ORIGIN, PASSWORD, Unit, form};

const BEN: &str = "ben@northwind.example";
/// Mutations that take a person and nothing else.
const ACTIONS: [&str; 6] = [
    "deactivateAccount",
    "reactivateAccount",
    "logOutEverywhere",
    "forcePasswordReset",
    "setAccountStatusToCreated",
    "generateActivationLink",
];

async fn refused(client: &Client<'_>, mutation: &str, input: Value) -> String {
    let (code, field) = client.refusal(mutation, input).await;
    if field.is_empty() { code } else { format!("{code} at {field}") }
}

async fn sign_in<'a>(client: &Client<'a>, email: &str, password: &str) -> Result<Client<'a>, String> {
    let nobody = client.installation.nobody();
    let input = json!({ "email": email, "password": password });
    let payload = nobody.attempt("signIn", input, "session { token }").await;
    match payload["session"]["token"].as_str() {
        Some(token) => Ok(client.installation.client(token)),
        None => Err(payload["userErrors"][0]["code"].as_str().unwrap().to_owned()),
    }
}

async fn is_signed_in(client: &Client<'_>) -> bool {
    client.send("{ viewer { isSystemAdmin } }", json!({})).await["errors"].is_null()
}

/// A person with a role that has these rights.
async fn with_role<'a>(admin: &Client<'a>, email: &str, rights: &[&str]) -> (String, Client<'a>) {
    let (id, client) = admin.add_person(email).await;
    let role = json!({ "name": format!("Role of {email}"), "rights": rights });
    let role = admin.mutate("createRole", role, "role { id }").await["role"]["id"].take();
    admin.mutate("assignRole", json!({ "roleId": role, "personId": id }), "").await;
    (id, client)
}

#[tokio::test]
async fn details_change_field_by_field() {
    let installation = Installation::start().await;
    let admin = installation.found("anna@northwind.example").await;
    let (ben, member) = admin.add_person(BEN).await;
    let shown = "person { email displayName jobTitle department startDate locale }";
    let changes = json!({
        "personId": ben, "jobTitle": "Pilot", "department": "Flight", "startDate": "2026-02-01", "locale": "de-AT",
        "familyName": "Okafor-Lind", "email": "B.Okafor@northwind.example",
    });
    let edited = admin.mutate("editPerson", changes.clone(), shown).await;
    let expected = json!({
        "email": "b.okafor@northwind.example", "displayName": "Ben Okafor-Lind", "jobTitle": "Pilot",
        "department": "Flight", "startDate": "2026-02-01", "locale": "de-AT",
    });
    assert_eq!(edited["person"], expected);
    let again = admin.mutate("editPerson", changes, shown).await;
    assert_eq!((&again["person"], &again["position"]), (&expected, &Value::Null), "it was so already");
    let cleared = json!({ "personId": ben, "department": null, "startDate": null });
    let cleared = admin.mutate("editPerson", cleared, shown).await;
    assert_eq!((&cleared["person"]["department"], &cleared["person"]["jobTitle"]), (&Value::Null, &json!("Pilot")));
    assert!(is_signed_in(&member).await, "nobody is logged out by it");
    assert_eq!(sign_in(&admin, BEN, PASSWORD).await.err().unwrap(), "WRONG_CREDENTIALS");
    assert!(sign_in(&admin, "b.okafor@northwind.example", PASSWORD).await.is_ok());

    let long = "x".repeat(10_000);
    for (field, value, expected) in [
        ("email", json!(null), "REQUIRED at email"),
        ("email", json!("nonsense"), "INVALID_EMAIL at email"),
        ("email", json!("ben@other.example"), "DOMAIN_NOT_ALLOWED at email"),
        ("email", json!("anna@northwind.example"), "EMAIL_TAKEN at email"),
        ("givenName", json!(null), "REQUIRED at givenName"),
        ("familyName", json!(" "), "REQUIRED at familyName"),
        ("jobTitle", json!(long), "TOO_LONG at jobTitle"),
        ("phone", json!("a\u{202e}b"), "INVALID_CHARACTERS at phone"),
        ("managerEmail", json!("nobody"), "INVALID_EMAIL at managerEmail"),
        ("locale", json!("klingon"), "INVALID_VALUE at locale"),
        ("locale", json!(null), "INVALID_VALUE at locale"),
    ] {
        let mut input = json!({ "personId": ben, "division": "South" });
        input[field] = value;
        assert_eq!(refused(&admin, "editPerson", input).await, expected, "{field}");
    }
    let after = admin.query(&format!("{{ person(id: \"{ben}\") {{ division email }} }}")).await;
    assert_eq!(after["person"], json!({ "division": null, "email": "b.okafor@northwind.example" }));
}

#[tokio::test]
async fn each_action_in_each_state() {
    let installation = Installation::start().await;
    let admin = installation.found("anna@northwind.example").await;
    let input = json!({ "email": BEN, "givenName": "Ben", "familyName": "Okafor" });
    let ben = admin.mutate("createAccount", input, "person { id }").await["person"]["id"].take();
    let ben = || json!({ "personId": ben });
    let status = async |mutation: &str| {
        let payload = admin.mutate(mutation, ben(), "person { status }").await;
        payload["person"]["status"].as_str().unwrap().to_owned()
    };

    // Added.
    assert_eq!(status("reactivateAccount").await, "ADDED");
    assert_eq!(status("logOutEverywhere").await, "ADDED");
    assert_eq!(status("setAccountStatusToCreated").await, "ADDED");
    assert_eq!(refused(&admin, "forcePasswordReset", ben()).await, "ACCOUNT_NOT_ACTIVATED at personId");
    assert_eq!(status("deactivateAccount").await, "DEACTIVATED");
    assert_eq!(refused(&admin, "generateActivationLink", ben()).await, "ACCOUNT_DEACTIVATED at personId");
    assert_eq!(status("reactivateAccount").await, "ADDED");
    let made = admin.mutate("generateActivationLink", ben(), "link expiresAt person { status }").await;
    let link = made["link"].as_str().unwrap();
    let token = link.strip_prefix(&format!("{ORIGIN}/activate?token=")).unwrap();
    assert_eq!(made["expiresAt"], "2026-01-04T00:00:00+00:00");
    let mailed = json!({ "personId": ben()["personId"], "mail": true });
    let mailed = admin.mutate("generateActivationLink", mailed, "link").await;
    assert_eq!(mailed["link"], Value::Null, "what is mailed is not shown");
    let activate = |token: &str| json!({ "token": token, "password": PASSWORD });
    assert_eq!(refused(&installation.nobody(), "activateAccount", activate(token)).await, "LINK_INVALID at token");
    let token = installation.mail(BEN, 1).await;
    let token = token.split_once("?token=").unwrap().1.split_whitespace().next().unwrap();
    installation.nobody().mutate("activateAccount", activate(token), "").await;

    // Activated.
    let member = sign_in(&admin, BEN, PASSWORD).await.unwrap();
    assert_eq!(status("reactivateAccount").await, "ACTIVATED");
    assert!(is_signed_in(&member).await);
    assert_eq!(refused(&admin, "generateActivationLink", ben()).await, "ALREADY_ACTIVATED at personId");
    assert_eq!(status("logOutEverywhere").await, "ACTIVATED");
    assert!(!is_signed_in(&member).await, "at the next request");
    let member = sign_in(&admin, BEN, PASSWORD).await.unwrap();
    assert_eq!(status("deactivateAccount").await, "DEACTIVATED");
    assert!(!is_signed_in(&member).await, "at the next request");

    // Deactivated.
    installation.advance(10);
    assert_eq!(sign_in(&admin, BEN, PASSWORD).await.err().unwrap(), "WRONG_CREDENTIALS");
    assert_eq!(status("deactivateAccount").await, "DEACTIVATED");
    assert_eq!(status("logOutEverywhere").await, "DEACTIVATED");
    assert_eq!(refused(&admin, "forcePasswordReset", ben()).await, "ACCOUNT_DEACTIVATED at personId");
    assert_eq!(refused(&admin, "setAccountStatusToCreated", ben()).await, "ACCOUNT_DEACTIVATED at personId");
    assert_eq!(status("reactivateAccount").await, "ACTIVATED");
    assert!(!is_signed_in(&member).await, "the session does not come back");
    installation.advance(10);
    let member = sign_in(&admin, BEN, PASSWORD).await.unwrap();

    // Forced, then set back.
    assert_eq!(status("forcePasswordReset").await, "ACTIVATED");
    assert!(!is_signed_in(&member).await, "at the next request");
    assert_eq!(sign_in(&admin, BEN, PASSWORD).await.err().unwrap(), "PASSWORD_RESET_REQUIRED");
    assert_eq!(status("setAccountStatusToCreated").await, "ADDED");
    installation.advance(10);
    assert_eq!(sign_in(&admin, BEN, PASSWORD).await.err().unwrap(), "WRONG_CREDENTIALS");
}

#[tokio::test]
async fn nobody_reaches_above_themselves_or_into_another_organization() {
    let installation = Installation::start().await;
    let admin = installation.found("anna@northwind.example").await;
    let stranger = installation.found("zoe@tailspin.example").await;
    let anna = admin.query("{ viewer { person { id } } }").await["viewer"]["person"]["id"].take();
    let (dora, _) = with_role(&admin, "dora@northwind.example", &["MANAGE_ACCOUNTS", "READ_HISTORY"]).await;
    let (ben, help_desk) = with_role(&admin, BEN, &["MANAGE_ACCOUNTS"]).await;
    let (eve, member) = admin.add_person("eve@northwind.example").await;
    let events = installation.events().await;
    for mutation in ACTIONS.into_iter().chain(["editPerson"]) {
        for (client, target, expected) in [
            (&help_desk, &anna, "MORE_POWERFUL at personId"),
            (&help_desk, &json!(dora), "MORE_POWERFUL at personId"),
            (&member, &anna, "FORBIDDEN"),
            (&member, &json!(eve), "FORBIDDEN"),
            (&stranger, &anna, "NOT_FOUND at personId"),
            (&stranger, &json!(eve), "NOT_FOUND at personId"),
            (&admin, &json!("acc_00000000000000000000000000000001"), "NOT_FOUND at personId"),
            (&admin, &json!("role_00000000000000000000000000000001"), "INVALID_ID at personId"),
            (&installation.nobody(), &anna, "NOT_SIGNED_IN"),
        ] {
            let refusal = refused(client, mutation, json!({ "personId": target })).await;
            assert_eq!(refusal, expected, "{mutation} {target}");
        }
    }
    for mutation in ["deactivateAccount", "setAccountStatusToCreated"] {
        assert_eq!(refused(&help_desk, mutation, json!({ "personId": ben })).await, "NOT_YOURSELF at personId");
        assert_eq!(refused(&admin, mutation, json!({ "personId": anna })).await, "NOT_YOURSELF at personId");
    }
    // Nor does the help desk give itself rights.
    let role = admin.query("{ roles { id } }").await["roles"][0]["id"].take();
    let assign = json!({ "roleId": role, "personId": ben });
    assert_eq!(refused(&help_desk, "assignRole", assign).await, "FORBIDDEN");
    assert_eq!(installation.events().await, events, "nothing was written");
    help_desk.mutate("editPerson", json!({ "personId": eve, "jobTitle": "Guest" }), "").await;
}

#[tokio::test]
async fn a_unit_is_logged_out_with_its_account_and_can_be_set_up_again() {
    let installation = Installation::start().await;
    let admin = installation.found("anna@northwind.example").await;
    let (ben, member) = admin.add_person(BEN).await;
    let device = member.add_device("SN-1").await;
    let other = admin.add_device("SN-2").await;
    let unit = Unit::new("SN-1");
    let token = async |unit: &Unit, device: &str, name: &str| {
        let assertion = unit.assertion(device, name, installation.clock.now().timestamp());
        let grant = "urn:ietf:params:oauth:grant-type:jwt-bearer".to_owned();
        form(&installation, "/oauth/token", &[("grant_type", grant), ("assertion", assertion)]).await
    };
    assert_eq!(token(&unit, &device, "1").await.0, 200);
    let (status, in_use) = form(&installation, "/oauth/device_authorization", &unit.description()).await;
    assert_eq!((status, &in_use["error"]), (400, &json!("access_denied")));

    admin.mutate("logOutEverywhere", json!({ "personId": ben }), "").await;
    let (status, refused_token) = token(&unit, &device, "2").await;
    assert_eq!((status, &refused_token["error"]), (401, &json!("invalid_client")));
    assert_eq!(token(&Unit::new("SN-2"), &other, "3").await.0, 200, "the units of others stay");
    // Admins see it, and ask nothing more of it.
    let list = async || admin.query("{ devices(sort: { field: NAME }) { nodes { id loggedOut } } }").await;
    let mut shown = list().await;
    for _ in 0..500 {
        if shown["devices"]["nodes"][0]["loggedOut"] == json!(true) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        shown = list().await;
    }
    let expected = json!([{ "id": device, "loggedOut": true }, { "id": other, "loggedOut": false }]);
    assert_eq!(shown["devices"]["nodes"], expected);
    assert_eq!(refused(&admin, "rebootDevice", json!({ "deviceId": device })).await, "UNIT_LOGGED_OUT at deviceId");

    // Without a factory reset it shows a code again, and is a new device of a new epoch.
    let (code, user_code) = unit.authorize(&installation).await;
    let member = sign_in(&admin, BEN, PASSWORD).await.unwrap();
    member.mutate("connectDevice", json!({ "userCode": user_code }), "").await;
    let (status, granted) = unit.poll(&installation, &code).await;
    assert_eq!((status, &granted["epoch"]), (200, &json!(2)), "{granted}");
    assert_ne!(granted["device_id"], json!(device));
    assert_eq!(token(&unit, &device, "4").await.1["error"], "invalid_client", "the old enrollment stays over");
    // Connected in time, but logged out before the unit came for its token.
    let (code, user_code) = Unit::new("SN-3").authorize(&installation).await;
    member.mutate("connectDevice", json!({ "userCode": user_code }), "").await;
    admin.mutate("deactivateAccount", json!({ "personId": ben }), "").await;
    let (status, late) = Unit::new("SN-3").poll(&installation, &code).await;
    assert_eq!((status, &late["error"]), (400, &json!("expired_token")));
}

/// Who founds an organization may add any address, and must not flood it.
#[tokio::test]
async fn nobody_is_flooded_with_mails_by_an_admin() {
    let installation = Installation::start().await;
    let admin = installation.found("anna@northwind.example").await;
    let input = json!({ "email": "ben@northwind.example", "givenName": "Ben", "familyName": "Okafor" });
    let ben = admin.mutate("createAccount", input, "person { id }").await["person"]["id"].take();
    let link = |mail: bool| json!({ "personId": ben, "mail": mail });
    for _ in 0..5 {
        admin.mutate("generateActivationLink", link(true), "link").await;
    }
    assert_eq!(admin.refusal("generateActivationLink", link(true)).await.0, "RATE_LIMITED");
    let email = json!({ "personId": ben, "email": "benedikt@northwind.example" });
    assert_eq!(admin.refusal("editPerson", email).await.0, "RATE_LIMITED");
    admin.mutate("generateActivationLink", link(false), "link").await;
    admin.mutate("editPerson", json!({ "personId": ben, "department": "Sales" }), "").await;
    installation.advance(60 * 60);
    admin.mutate("generateActivationLink", link(true), "link").await;
}
