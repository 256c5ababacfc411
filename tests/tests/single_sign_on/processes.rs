//! The same answer at two processes on one log, at the same moment.

use std::sync::Arc;

use commands::{
    SingleSignOnService,
    single_sign_on::{Answered, Begin, SamlAnswer},
};
use data_encoding::BASE64;
use domain::Principal;
use eventlog::{Clock, SystemClock};
use schema::SessionOrigin;
use serde_json::json;
use tests::{client::text, saml::Signer};

use super::stage::{ANNA, Begun, Stage};

pub(crate) async fn once() {
    let (stage, signer) = (Stage::new().await, Signer::new());
    let saml = json!({
        "issuer": signer.issuer(), "ssoUrl": "https://idp.example/sso", "certificates": [signer.certificate().base64()],
    });
    let sso = stage.add("Signer", json!({ "saml": saml })).await;
    let test = stage.admin().mutate("testSsoProvider", sso.input(), "testId testUrl").await;
    let begun = stage.begin_at(&text(&test["testUrl"])).await;
    let provider = sso.id.parse().unwrap();
    let service = identity::saml::ServiceProvider {
        entity_id: sso.service("entityId"),
        acs_url: sso.service("acsUrl"),
        slo_url: sso.service("sloUrl"),
    };
    let now = || SystemClock.now();
    let response = signer.response(&service, &begun.request(), ANNA, "_test", now());
    stage.answer(&begun, &sso, &response).await;
    stage.admin().mutate("activateSsoProvider", sso.input(), "").await;
    let anna = json!({ "personId": stage.northwind.founder, "loginMethod": "SINGLE_SIGN_ON" });
    stage.admin().mutate("setLoginMethod", anna, "").await;

    let town = stage.leave();
    let log = Arc::new(town.open_log());
    let process = || {
        let platform = Arc::new(town.platform_on(log.clone()));
        (SingleSignOnService::new(platform.clone(), town.installation.origin(), true), platform)
    };
    let processes = [process(), process()];
    for round in 0..10 {
        let began = processes[round % 2].0.begin(provider, Begin::default()).await.unwrap();
        let to = Begun { cookie: String::new(), to: began.to.unwrap() };
        let assertion = format!("_round{round}");
        let response = signer.response(&service, &to.request(), ANNA, &assertion, now());
        let response = BASE64.encode(response.as_bytes());
        let answers = processes.iter().map(|(sso, platform)| {
            let (pending, response) = (sso.open_pending(&began.sealed), response.clone());
            async move {
                let request = platform.request(Principal::Anonymous);
                let asked = (pending, SessionOrigin::default());
                sso.saml_answer(&request, provider, asked, SamlAnswer { response }).await.unwrap()
            }
        });
        let answers = futures::future::join_all(answers).await;
        let signed_in = answers.iter().filter(|answer| matches!(answer, Answered::SignedIn { .. })).count();
        assert_eq!(signed_in, 1, "round {round}");
    }
}
