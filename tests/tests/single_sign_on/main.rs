//! Signing in at identity providers of others, from the email field to `viewer`, in a real browser; and what attackers
//! would send instead.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod attacks;
mod false_provider;
mod processes;
mod stage;
mod ways_in;

use serde_json::json;
use tests::{
    harness::{self, Need, Test},
    providers::{Provider, browse},
};

use self::stage::{ANNA, BEN, Stage};

const BROWSER: [Need; 2] = [Need::Node, Need::Browser];

fn main() {
    harness::main(vec![
        Test::new("people_sign_in_with_samlify_and_out_in_both_directions", &BROWSER, samlify),
        Test::new(
            "people_sign_in_with_simplesamlphp_whatever_it_signs",
            &[Need::Node, Need::Browser, Need::SimpleSamlPhp],
            simplesamlphp,
        ),
        Test::new("people_sign_in_with_openid_connect", &BROWSER, openid),
        Test::new("who_may_sign_in_how_leaves_nobody_in_or_out_by_mistake", &[Need::Node], ways_in::all),
        Test::new("forged_and_stale_answers_by_saml_sign_nobody_in", &[Need::Node], attacks::saml),
        Test::new("an_answer_counts_once_whichever_process_gets_it", &[], processes::once),
        Test::new("false_answers_by_openid_connect_sign_nobody_in", &[], attacks::openid),
    ]);
}

async fn samlify() {
    let stage = Stage::new().await;
    let mut provider = Provider::samlify().await;
    let metadata = provider.get("/metadata").await;
    let sso = stage.add("Samlify", json!({ "samlMetadata": metadata })).await;
    provider.serves(&sso.service("entityId")).await;
    assert_eq!(stage.admin().refusal("activateSsoProvider", sso.input()).await, ["NOT_TESTED"]);

    // Somebody else's address does not pass; one's own does.
    for (email, status) in [(BEN, "FAILED"), (ANNA, "PASSED")] {
        let test = stage.admin().mutate("testSsoProvider", sso.input(), "testId testUrl").await;
        let steps = json!([
            { "goto": test["testUrl"] }, { "fill": ["Email", email] }, { "press": "Sign in" }, { "wait": "/saml/" },
            { "look": true }, stage.ask(),
        ]);
        let told = browse(true, steps).await;
        assert_eq!(told[0]["heading"], "Test of the identity provider", "{told:#?}");
        assert_eq!(told[1]["errors"][0]["extensions"]["code"], "NOT_SIGNED_IN", "a test signs nobody in");
        let ended = stage.test(&test["testId"]).await;
        assert_eq!(ended["status"], status, "{ended:#}");
        let failed: Vec<_> = ended["transcript"].as_array().unwrap().iter().filter(|c| c["passed"] == false).collect();
        assert!(failed.iter().all(|check| check["check"] == "ACCOUNT"), "{failed:?}");
    }
    stage.admin().mutate("activateSsoProvider", sso.input(), "").await;
    stage.admin().mutate("setDefaultLoginMethod", json!({ "loginMethod": "SINGLE_SIGN_ON" }), "").await;
    stage.create(BEN).await;
    let mail = stage.mail(BEN).await;
    assert!(mail.contains("Sign in with your organization’s login") && mail.contains("/sign-in"), "{mail}");

    // From the email field to `viewer`, with scripts and without.
    for scripts in [true, false] {
        let again = if scripts { json!({ "wait": "/account" }) } else { json!({ "press": "Continue" }) };
        let continued = if scripts { json!({}) } else { json!({ "press": "Continue" }) };
        let told = browse(
            scripts,
            json!([
                { "goto": stage.url("/sign-in") }, { "fill": ["Work email", BEN] }, { "press": "Continue" },
                { "follow": "Sign in with Samlify" }, { "fill": ["Email", BEN] }, { "press": "Sign in" },
                continued, again, { "wait": "/account" }, { "look": true }, stage.ask(),
                { "press": "Sign out" }, { "follow": "Sign out there too" }, { "look": true }, stage.ask(),
            ]),
        )
        .await;
        assert!(told[0]["text"].as_str().unwrap().contains(BEN), "{told:#?}");
        let viewer = &told[1]["data"]["viewer"];
        assert_eq!(viewer["person"]["email"], BEN, "{viewer:#}");
        assert_eq!(viewer["person"]["status"], "ACTIVATED");
        let session = &viewer["session"];
        assert_eq!((&session["loginMethod"], &session["network"]), (&json!("SINGLE_SIGN_ON"), &json!("127.0.0.0/24")));
        assert!(session["device"].as_str().unwrap().starts_with("Chrome on "), "{session}");
        assert_eq!(told[2]["heading"], "You are signed out", "{told:#?}");
        assert_eq!(told[3]["errors"][0]["extensions"]["code"], "NOT_SIGNED_IN");
        let asked = provider.next_of("logoutRequested").await;
        assert_eq!(asked["email"], BEN);
    }

    // The provider ends a session: it ends here, with no browser of the person's there.
    let (token, signed_in) = stage.sign_in_by_saml(&provider, &sso, BEN).await;
    let ben = stage.client().with_token(&token);
    ben.query("{ viewer { person { id } } }", json!({})).await;
    let query = format!("/logout?email={BEN}&sessionIndex={signed_in}");
    let told = browse(true, json!([{ "goto": format!("{}{query}", provider.origin()) }, { "look": true }])).await;
    assert!(told[0]["text"].as_str().unwrap().contains("Signed out: Success"), "{told:#?}");
    stage.is_signed_out(&ben).await;

    // A password is no way in any more, and everybody has to come this way once it is required.
    let admin = stage.admin();
    admin.mutate("setSingleSignOn", json!({ "required": true, "wayBackIn": stage.northwind.founder }), "").await;
    let options = stage
        .client()
        .query(
            "query($e: String!) { signInOptions(email: $e) { password preferred providerName } }",
            json!({ "e": BEN }),
        )
        .await;
    assert_eq!(
        options["signInOptions"],
        json!({ "password": false, "preferred": "SINGLE_SIGN_ON", "providerName": "Samlify" })
    );
    let password = json!({ "email": ANNA, "password": tests::organization::PASSWORD });
    stage.client().mutate("signIn", password, "").await;
    assert_eq!(admin.refusal("removeSsoProvider", sso.input()).await, ["SINGLE_SIGN_ON_REQUIRED"]);
    // Refused at the callback too, not only at the start.
    admin.mutate("setSingleSignOn", json!({ "required": false }), "").await;
    let begun = stage.begin(&sso).await;
    admin.mutate("deactivateSsoProvider", sso.input(), "").await;
    let response = stage.respond(&provider, &sso, &begun, json!({ "email": BEN })).await;
    stage.refused(&begun, &sso, &response, "PROVIDER").await;
    stage.end();
}

async fn simplesamlphp() {
    for signed in ["assertion", "response"] {
        let stage = Stage::new().await;
        let provider = Provider::simplesamlphp(signed).await;
        let metadata = provider.get("/saml2/idp/metadata.php").await;
        let sso = stage.add("SimpleSAMLphp", json!({ "samlMetadata": metadata })).await;
        provider.serves(&sso.service("entityId")).await;
        let sign_in =
            json!([{ "type": ["#username", "anna"] }, { "type": ["#password", "secret"] }, { "press": "Login" }]);
        let steps = |first: serde_json::Value, last: serde_json::Value| {
            let parts = [first, sign_in.clone(), last];
            json!(parts.iter().flat_map(|part| part.as_array().unwrap()).collect::<Vec<_>>())
        };
        let test = stage.admin().mutate("testSsoProvider", sso.input(), "testId testUrl").await;
        browse(true, steps(json!([{ "goto": test["testUrl"] }]), json!([{ "wait": "/acs" }, { "look": true }]))).await;
        let ended = stage.test(&test["testId"]).await;
        assert_eq!(ended["status"], "PASSED", "{signed}: {ended:#}");
        stage.admin().mutate("activateSsoProvider", sso.input(), "").await;
        let anna = json!({ "personId": stage.northwind.founder, "loginMethod": "SINGLE_SIGN_ON" });
        stage.admin().mutate("setLoginMethod", anna, "").await;
        let begin = json!([
            { "goto": stage.url("/sign-in") }, { "fill": ["Work email", ANNA] }, { "press": "Continue" },
            { "follow": "Sign in with SimpleSAMLphp" },
        ]);
        let end = json!([{ "wait": "/account" }, stage.ask(), { "press": "Sign out" }, { "follow": "Sign out there too" }, { "wait": "/slo" }, { "look": true }]);
        let told = browse(true, steps(begin, end)).await;
        assert_eq!(told[0]["data"]["viewer"]["person"]["email"], ANNA, "{signed}: {told:#?}");
        assert_eq!(told[1]["heading"], "You are signed out", "{signed}: {told:#?}");
        stage.end();
    }
}

async fn openid() {
    const SECRET: &str = "a secret that no trace may show";
    let stage = Stage::new().await;
    let port = tests::process::free_port();
    let issuer = format!("http://127.0.0.1:{port}");
    let configuration =
        json!({ "openIdConnect": { "issuer": issuer, "clientId": "work-accounts", "clientSecret": SECRET } });
    let sso = stage.add("OpenID", configuration).await;
    let provider =
        Provider::openid(port, &sso.service("redirectUri"), &sso.service("postLogoutRedirectUri"), SECRET).await;
    stage.tested_and_active(&sso).await;
    stage.admin().mutate("setDefaultLoginMethod", json!({ "loginMethod": "SINGLE_SIGN_ON" }), "").await;
    stage.create(BEN).await;
    stage.create("unverified.ben@northwind.example").await;
    let sign_in = |email: &str| {
        json!([
            { "goto": stage.url("/sign-in") }, { "fill": ["Work email", email] }, { "press": "Continue" },
            { "follow": "Sign in with OpenID" }, { "fill": ["Email", email] }, { "press": "Sign in" },
            { "look": true }, stage.ask(),
        ])
    };
    let told = browse(true, sign_in(BEN)).await;
    assert_eq!(told[1]["data"]["viewer"]["person"]["email"], BEN, "{told:#?}");
    let told = browse(true, sign_in("unverified.ben@northwind.example")).await;
    assert_eq!(told[0]["heading"], "Single sign-on", "{told:#?}");
    assert_eq!(told[1]["errors"][0]["extensions"]["code"], "NOT_SIGNED_IN");
    assert_eq!(stage.latest_refusal().await["check"], "email");
    // It signs with a key that nobody has seen, and signs out there too.
    provider.post("/control/rotate", json!({})).await;
    stage.wait_for_keys().await;
    let mut steps = sign_in(BEN).as_array().unwrap().clone();
    steps.extend(
        json!([{ "press": "Sign out" }, { "follow": "Sign out there too" }, { "press": "Sign out" }, { "wait": "signed-out" }, { "look": true }])
            .as_array()
            .unwrap()
            .clone(),
    );
    let told = browse(true, json!(steps)).await;
    assert_eq!(told[1]["data"]["viewer"]["person"]["email"], BEN, "{told:#?}");
    assert_eq!(told[2]["heading"], "You are signed out", "{told:#?}");
    assert!(!stage.installation.trace().contains(SECRET));
    stage.end();
}
