//! Passwords and providers side by side: who may sign in how, what ends when that changes, and the way back in.

use serde_json::{Value, json};
use tests::{
    client::{Client, text},
    organization::PASSWORD,
    providers::Provider,
};

use super::stage::{ANNA, BEN, Stage};

const CARLA: &str = "carla@northwind.example";
const DAN: &str = "dan@partner.example";
const VIEWER: &str = "{ viewer { person { email } } }";

pub(crate) async fn all() {
    let stage = Stage::new().await;
    let provider = Provider::samlify().await;
    let metadata = provider.get("/metadata").await;
    let sso = stage.add("Samlify", json!({ "samlMetadata": metadata })).await;
    provider.serves(&sso.service("entityId")).await;
    stage.tested_by_saml(&provider, &sso).await;
    let admin = stage.admin();
    admin.mutate("addDomain", json!({ "domain": "partner.example" }), "").await;

    // An admin who sets an account up could use it before its person does, and is out once the person signs in elsewhere.
    let (ben, early) = set_up_by_link(&stage, BEN).await;
    let sso_for = |person: &str| json!({ "personId": person, "loginMethod": "SINGLE_SIGN_ON" });
    early.query(VIEWER, json!({})).await;
    admin.mutate("setLoginMethod", sso_for(&ben), "").await;
    stage.is_signed_out(&early).await;
    assert_eq!(sign_in(&stage, BEN).await, ["WRONG_CREDENTIALS"]);
    let (token, _) = stage.sign_in_by_saml(&provider, &sso, BEN).await;
    let signed_in = stage.client().with_token(&token);
    signed_in.query(VIEWER, json!({})).await;
    // They have no password that could be reset, and no address where nobody would let them in.
    let person = json!({ "personId": ben });
    assert_eq!(admin.refusal("forcePasswordReset", person.clone()).await, ["NO_PASSWORD"]);
    let elsewhere = json!({ "personId": ben, "email": "ben@partner.example" });
    assert_eq!(admin.refusal("editPerson", elsewhere).await, ["DOMAIN_NOT_VERIFIED"]);
    // Nor can others be given roles who could be somebody else.
    let link = admin.mutate("createAccount", new(CARLA), "person { id }").await;
    let carla = text(&link["person"]["id"]);
    admin.mutate("generateActivationLink", json!({ "personId": carla }), "link").await;
    let role = admin.mutate("createRole", json!({ "name": "Domains", "rights": ["MANAGE_DOMAINS"] }), "role { id }");
    let role = role.await["role"]["id"].take();
    let assign = |person: &str| json!({ "roleId": role, "personId": person });
    assert_eq!(admin.refusal("assignRole", assign(&carla)).await, ["ACCOUNT_NOT_ACTIVATED"]);

    // The password of a system admin is the way back in, and a forgotten one can be replaced.
    admin.mutate("setLoginMethod", sso_for(&stage.northwind.founder), "").await;
    assert_eq!(sign_in(&stage, ANNA).await, [""; 0]);
    stage.client().mutate("requestPasswordReset", json!({ "email": ANNA }), "").await;
    assert!(stage.mail(ANNA).await.contains("/reset-password"));

    // Everybody whom the provider serves has to sign in there; others cannot, and go on as before.
    let carla = set_up_again(&stage, &carla).await;
    let (_, dan) = set_up_by_link(&stage, DAN).await;
    let required = |way_back_in: Value| json!({ "required": !way_back_in.is_null(), "wayBackIn": way_back_in });
    admin.mutate("setSingleSignOn", required(json!(stage.northwind.founder)), "").await;
    assert_eq!(sign_in(&stage, CARLA).await, ["SINGLE_SIGN_ON_REQUIRED"]);
    assert_eq!(sign_in(&stage, DAN).await, [""; 0]);
    assert_eq!(sign_in(&stage, ANNA).await, [""; 0]);
    dan.query(VIEWER, json!({})).await;
    // The session that began with the password ends when the provider first vouches for its person, and no other does.
    carla.query(VIEWER, json!({})).await;
    let (first, _) = stage.sign_in_by_saml(&provider, &sso, CARLA).await;
    stage.is_signed_out(&carla).await;
    stage.sign_in_by_saml(&provider, &sso, CARLA).await;
    stage.client().with_token(&first).query(VIEWER, json!({})).await;

    // Nobody takes the provider from under them by the domain.
    let domains = admin.query("{ domains { id name } }", json!({})).await;
    let domains = domains["domains"].as_array().unwrap();
    let own = domains.iter().find(|domain| domain["name"] == "northwind.example").unwrap();
    let remove = json!({ "domainId": own["id"] });
    assert_eq!(admin.refusal("removeDomain", remove.clone()).await, ["SINGLE_SIGN_ON_REQUIRED"]);
    admin.mutate("setSingleSignOn", required(Value::Null), "").await;
    admin.mutate("assignRole", assign(&ben), "").await;
    assert_eq!(signed_in.refusal("removeDomain", remove).await, ["FORBIDDEN"]);

    // A provider that cannot even be asked has failed its test, and says why.
    let issuer = format!("http://127.0.0.1:{}", tests::process::free_port());
    let open_id = json!({ "issuer": issuer, "clientId": "us", "clientSecret": "s" });
    let gone = stage.add("Gone", json!({ "openIdConnect": open_id })).await;
    let test = admin.mutate("testSsoProvider", gone.input(), "testId testUrl").await;
    let asked = stage.http().get(text(&test["testUrl"])).header("sec-fetch-site", "same-origin").send().await.unwrap();
    assert!(asked.status().is_client_error(), "{}", asked.status());
    let ended = stage.test(&test["testId"]).await;
    assert_eq!(
        (&ended["status"], &ended["transcript"][0]["check"]),
        (&json!("FAILED"), &json!("DISCOVERY")),
        "{ended}"
    );
    stage.end();
}

fn new(email: &str) -> Value {
    json!({ "email": email, "givenName": "Ben", "familyName": "Okafor", "locale": "en" })
}

/// Creates an account and activates it with the link that the admin is shown. The person, and their session.
async fn set_up_by_link(stage: &Stage, email: &str) -> (String, Client) {
    let added = stage.admin().mutate("createAccount", new(email), "person { id }").await;
    let person = text(&added["person"]["id"]);
    let client = set_up_again(stage, &person).await;
    (person, client)
}

async fn set_up_again(stage: &Stage, person: &str) -> Client {
    let input = json!({ "personId": person });
    let link = text(&stage.admin().mutate("generateActivationLink", input, "link").await["link"]);
    let token = link.rsplit_once("token=").unwrap_or_else(|| panic!("{link}")).1;
    let activate = json!({ "token": token, "password": PASSWORD });
    let session = stage.client().mutate("activateAccount", activate, "session { token }").await;
    stage.client().with_token(&text(&session["session"]["token"]))
}

/// What is said to somebody who signs in with the password.
async fn sign_in(stage: &Stage, email: &str) -> Vec<String> {
    let input = json!({ "email": email, "password": PASSWORD });
    let answer = stage.client().try_mutate("signIn", input, "").await.unwrap();
    answer["userErrors"].as_array().unwrap().iter().map(|error| text(&error["code"])).collect()
}
