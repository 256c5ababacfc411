//! What attackers and broken providers send: real answers of a real provider, altered, and answers that a provider signs
//! which should not.

use std::time::{Duration, Instant};

use data_encoding::BASE64;
use eventlog::{Clock, SystemClock};
use serde_json::{Value, json};
use tests::{client::text, providers::Provider};

use super::{
    false_provider::{self, FalseProvider},
    stage::{ANNA, BEN, Begun, Sso, Stage, session},
};

struct Attack<'a> {
    stage: &'a Stage,
    provider: &'a Provider,
    sso: &'a Sso,
}

impl Attack<'_> {
    /// What samlify says, changed afterwards.
    async fn altered(&self, check: &str, change: impl AsyncFn(String) -> String) {
        let begun = self.stage.begin(self.sso).await;
        let response = self.stage.respond(self.provider, self.sso, &begun, json!({ "email": BEN })).await;
        let altered = change(response.clone()).await;
        assert_ne!(altered, response, "nothing was altered");
        self.stage.refused(&begun, self.sso, &altered, check).await;
    }

    /// What samlify says if it is told to say something out of the ordinary, well signed.
    async fn said(&self, check: &str, other: Value) {
        let begun = self.stage.begin(self.sso).await;
        let mut all = json!({ "email": BEN });
        all.as_object_mut().unwrap().extend(other.as_object().unwrap().clone());
        let response = self.stage.respond(self.provider, self.sso, &begun, all).await;
        self.stage.refused(&begun, self.sso, &response, check).await;
    }

    async fn sign(&self, xml: &str, sign: Value) -> String {
        text(&self.provider.post("/sign", json!({ "xml": xml, "sign": sign })).await["xml"])
    }
}

/// The element of this name with everything in it, the first one.
fn element(xml: &str, name: &str) -> String {
    let start = xml.find(&format!("<{name} ")).or_else(|| xml.find(&format!("<{name}>"))).unwrap();
    let end = format!("</{name}>");
    xml[start..start + xml[start..].find(&end).unwrap() + end.len()].to_owned()
}

fn id_of(element: &str) -> String {
    element.split(" ID=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

pub(crate) async fn saml() {
    let stage = Stage::new().await;
    let provider = Provider::samlify().await;
    let metadata = provider.get("/metadata").await;
    let sso = stage.add("Samlify", json!({ "samlMetadata": metadata })).await;
    provider.serves(&sso.service("entityId")).await;
    stage.tested_by_saml(&provider, &sso).await;
    stage.admin().mutate("setDefaultLoginMethod", json!({ "loginMethod": "SINGLE_SIGN_ON" }), "").await;
    stage.create(BEN).await;
    // The rest proves nothing unless this goes well.
    for signed in ["both", "assertion", "response"] {
        let begun = stage.begin(&sso).await;
        let response = stage.respond(&provider, &sso, &begun, json!({ "email": BEN, "signed": signed })).await;
        let answer = stage.answer(&begun, &sso, &response).await;
        assert!(session(&answer).is_some(), "{signed}: {}", answer.text().await.unwrap());
        // The same once more: the request was answered.
        stage.refused(&begun, &sso, &response, "REPLAY").await;
    }
    let attack = Attack { stage: &stage, provider: &provider, sso: &sso };
    said(&attack).await;
    altered(&attack).await;
    wrapped(&attack).await;
    bound_to_the_browser(&attack).await;
    heavy(&attack).await;
    logout(&attack).await;
    stage.end();
}

/// The provider itself says what it should not.
async fn said(attack: &Attack<'_>) {
    let at = |minutes: i64| {
        (SystemClock.now() + chrono::Duration::minutes(minutes)).to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
    };
    let other_acs = attack.sso.service("acsUrl").replace("/acs", "x/acs");
    for (check, other) in [
        ("TIMES", json!({ "notOnOrAfter": at(-5) })),
        ("TIMES", json!({ "notBefore": at(5), "notOnOrAfter": at(10) })),
        ("TIMES", json!({ "issueInstant": at(5) })),
        ("AUDIENCE", json!({ "audience": "https://accounts.other.example" })),
        ("DESTINATION", json!({ "recipient": other_acs })),
        ("DESTINATION", json!({ "destination": other_acs })),
        ("ISSUER", json!({ "issuer": "https://idp.other.example" })),
        ("REQUEST", json!({ "inResponseTo": "_another" })),
        ("REQUEST", json!({ "inResponseTo": null })),
        ("FORMAT", json!({ "signed": "none" })),
        ("DOMAIN", json!({ "email": "eve@tailspin.example" })),
        ("ACCOUNT", json!({ "email": "nobody@northwind.example" })),
        ("ACCOUNT", json!({ "email": ANNA })),
        ("EMAIL", json!({ "email": "no address" })),
        ("EMAIL", json!({ "nameIdFormat": "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent" })),
    ] {
        attack.said(check, other).await;
    }
    // An assertion is good once, also for another request.
    let begun = attack.stage.begin(attack.sso).await;
    let other = json!({ "email": BEN, "assertionId": "_twice" });
    let response = attack.stage.respond(attack.provider, attack.sso, &begun, other.clone()).await;
    assert!(session(&attack.stage.answer(&begun, attack.sso, &response).await).is_some());
    attack.said("REPLAY", other).await;
}

/// What was said is changed on the way.
async fn altered(attack: &Attack<'_>) {
    attack.altered("SIGNATURE", async |xml| xml.replace(BEN, "eve@northwind.example")).await;
    for signature in ["both", "foreign", "sha1", "with the key", "xslt", "fetching"] {
        attack
            .altered(if matches!(signature, "foreign" | "with the key") { "SIGNATURE" } else { "FORMAT" }, async |xml| {
                let bare = {
                    let mut bare = xml.clone();
                    while bare.contains("<ds:Signature ") {
                        bare = bare.replacen(&element(&bare, "ds:Signature"), "", 1);
                    }
                    bare
                };
                let id = id_of(&element(&bare, "saml:Assertion"));
                match signature {
                    "both" => bare,
                    "foreign" => attack.sign(&bare, json!([{ "id": id, "key": "foreign" }])).await,
                    "with the key" => attack.sign(&bare, json!([{ "id": id, "key": "foreign", "keyInfo": true }])).await,
                    "sha1" => attack.sign(&bare, json!([{ "id": id, "algorithm": "rsa-sha1", "digest": "sha1" }])).await,
                    other => {
                        let signed = attack.sign(&bare, json!([{ "id": id }])).await;
                        match other {
                            "xslt" => signed.replacen(
                                "</ds:Transforms>",
                                "<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xslt-19991116\"/></ds:Transforms>",
                                1,
                            ),
                            _ => signed.replace(&format!("URI=\"#{id}\""), "URI=\"http://127.0.0.1:1/x\""),
                        }
                    }
                }
            })
            .await;
    }
    for (from, to) in [
        (BEN, "ben@northwind.example<!-- -->.evil.example"),
        ("<samlp:Response", "<!DOCTYPE r [<!ENTITY a \"b\">]><samlp:Response"),
        ("<samlp:Response", "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><samlp:Response"),
        ("</samlp:Response>", "</samlp:Response><samlp:Response/>"),
        ("</samlp:Response>", ""),
        ("</saml:Assertion>", "</saml:Assertion><saml:Assertion ID=\"_x\"/>"),
    ] {
        attack.altered("FORMAT", async |xml| xml.replacen(from, to, 1)).await;
    }
}

/// The eight classic forms of signature wrapping, on an answer whose assertion is signed or that is signed as a whole.
async fn wrapped(attack: &Attack<'_>) {
    for form in 1..=8 {
        let signed = if form <= 2 { "response" } else { "assertion" };
        let begun = attack.stage.begin(attack.sso).await;
        let other = json!({ "email": BEN, "signed": signed });
        let xml = attack.stage.respond(attack.provider, attack.sso, &begun, other).await;
        let (assertion, signature) = (element(&xml, "saml:Assertion"), element(&xml, "ds:Signature"));
        let original = assertion.replace(&signature, "");
        let forge = |what: &str| what.replace(BEN, ANNA).replacen(&id_of(what), "_forged", 1);
        let forged = forge(&original);
        let within =
            |outer: &str, inner: &str| outer.replace("</saml:Assertion>", &format!("{inner}</saml:Assertion>"));
        let signed_as =
            |outer: &str, signature: &str| outer.replacen("</saml:Issuer>", &format!("</saml:Issuer>{signature}"), 1);
        let object = |inner: &str| {
            signature.replace("</ds:Signature>", &format!("<ds:Object>{inner}</ds:Object></ds:Signature>"))
        };
        let instead = |content: &str| xml.replace(&assertion, content);
        let whole = xml.replace(&signature, "");
        let wrapped = match form {
            1 => signed_as(&forge(&whole), &object(&whole)),
            2 => signed_as(&forge(&whole), &format!("{signature}{whole}")),
            3 => instead(&format!("{forged}{assertion}")),
            4 => instead(&within(&forged, &assertion)),
            5 => instead(&format!("{}{original}", signed_as(&forged, &signature))),
            6 => instead(&signed_as(
                &forged,
                &signature.replace("</ds:Signature>", &format!("{original}</ds:Signature>")),
            )),
            7 => instead(&format!("<samlp:Extensions>{forged}</samlp:Extensions>{assertion}")),
            _ => instead(&signed_as(&forged, &object(&original))),
        };
        attack.stage.refused(&begun, attack.sso, &wrapped, "FORMAT").await;
    }
}

/// An answer counts only in the browser that asked, for the provider that was asked.
async fn bound_to_the_browser(attack: &Attack<'_>) {
    let Attack { stage, provider, sso } = attack;
    let (ours, theirs) = (stage.begin(sso).await, stage.begin(sso).await);
    let response = stage.respond(provider, sso, &ours, json!({ "email": BEN })).await;
    let without = Begun { cookie: "x=y".to_owned(), to: ours.to.clone() };
    stage.refused(&without, sso, &response, "REQUEST").await;
    let swapped = Begun { cookie: theirs.cookie.clone(), to: ours.to.clone() };
    stage.refused(&swapped, sso, &response, "REQUEST").await;
    let (_, value) = ours.cookie.split_once('=').unwrap();
    let forged = Begun { cookie: ours.cookie.replace(value, &value.to_uppercase()), to: ours.to.clone() };
    stage.refused(&forged, sso, &response, "REQUEST").await;
    // Of another provider of the same organization, with the same key.
    let metadata = provider.get("/metadata").await;
    let other = stage.add("Another", json!({ "samlMetadata": metadata })).await;
    stage.refused(&ours, &other, &response, "REQUEST").await;
    // It is still good where it belongs.
    assert!(session(&stage.answer(&ours, sso, &response).await).is_some());
    // Without a cookie the form is shown again from here, once, and nothing is looked at.
    let position = stage.latest_position().await;
    let fields = [("SAMLResponse", "\"><script>"), ("RelayState", "x")];
    let shown = stage.http().post(sso.service("acsUrl")).form(&fields).send().await.unwrap();
    assert!(shown.headers()["content-security-policy"].to_str().unwrap().contains("script-src 'sha256-"));
    let page = shown.text().await.unwrap();
    assert!(page.contains("name=\"again\"") && !page.contains("\"><script>"), "{page}");
    assert_eq!(stage.latest_position().await, position);
}

/// What would cost much is refused at once.
async fn heavy(attack: &Attack<'_>) {
    let Attack { stage, provider, sso } = attack;
    let begun = stage.begin(sso).await;
    let response = stage.respond(provider, sso, &begun, json!({ "email": BEN })).await;
    let entities: String = (1..20).map(|n| format!("<!ENTITY e{n} \"&e{};&e{};\">", n - 1, n - 1)).collect();
    let bomb = format!("<!DOCTYPE r [<!ENTITY e0 \"x\">{entities}]>{}", response.replace(BEN, "&e19;"));
    let attributes = "<saml:AttributeValue>x</saml:AttributeValue>".repeat(10_000);
    let deep = format!("{}{}", "<a>".repeat(50_000), "</a>".repeat(50_000));
    for message in [bomb, response.replace("</saml:Assertion>", &format!("{attributes}</saml:Assertion>")), deep] {
        let begun = stage.begin(sso).await;
        let started = Instant::now();
        stage.refused(&begun, sso, &message, "FORMAT").await;
        assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    }
    for encoded in ["%", "AAAA", "", &BASE64.encode(&[0xff; 1000])] {
        let (begun, before) = (stage.begin(sso).await, stage.latest_position().await);
        let answer = stage.answer_encoded(&begun, sso, encoded).await;
        stage.is_refusal(answer, &before, "FORMAT").await;
    }
    let (begun, before) = (stage.begin(sso).await, stage.latest_position().await);
    // The platform hangs up on whoever goes on sending, who may not have heard the answer then.
    if let Some(answer) = stage.send_encoded(&begun, sso, &"A".repeat(10 << 20)).await {
        stage.is_refusal(answer, &before, "FORMAT").await;
    }
    let before = stage.latest_position().await;
    let twice = [("SAMLResponse", response.as_str()), ("SAMLResponse", response.as_str())];
    let answer = stage.http().post(sso.service("acsUrl")).form(&twice).send().await.unwrap();
    stage.is_refusal(answer, &before, "FORMAT").await;
}

/// Messages of single logout that nobody has signed end nothing.
async fn logout(attack: &Attack<'_>) {
    let Attack { stage, provider, sso } = attack;
    let (token, index) = stage.sign_in_by_saml(provider, sso, BEN).await;
    let ben = stage.client().with_token(&token);
    let no_redirects = stage.http();
    let path = format!("{}/logout?email={BEN}&sessionIndex={index}", provider.origin());
    let answer = no_redirects.get(path).send().await.unwrap();
    let url = answer.headers()["location"].to_str().unwrap().to_owned();
    let without = |name: &str| {
        let (base, query) = url.split_once('?').unwrap();
        let kept: Vec<_> = query.split('&').filter(|part| !part.starts_with(name)).collect();
        format!("{base}?{}", kept.join("&"))
    };
    for bad in [
        without("SigAlg="),
        without("Signature="),
        url.replace("rsa-sha256", "sha256-rsa-MGF1"),
        url.replace("&SigAlg=", "&RelayState=x&SigAlg="),
        format!("{}?SAMLRequest=x", sso.service("sloUrl")),
    ] {
        assert_eq!(no_redirects.get(&bad).send().await.unwrap().status(), 403, "{bad}");
    }
    ben.query("{ viewer { person { id } } }", json!({})).await;
    assert_eq!(no_redirects.get(&url).send().await.unwrap().status(), 303);
    stage.is_signed_out(&ben).await;
    // It was for the sessions that there were.
    let (token, _) = stage.sign_in_by_saml(provider, sso, BEN).await;
    let before = stage.latest_position().await;
    stage.is_refusal(no_redirects.get(&url).send().await.unwrap(), &before, "REPLAY").await;
    stage.client().with_token(&token).query("{ viewer { person { id } } }", json!({})).await;
}

/// What a provider of OpenID Connect answers that is false, or somebody in its place.
pub(crate) async fn openid() {
    let stage = Stage::new().await;
    let (provider, other) = (FalseProvider::start().await, FalseProvider::start().await);
    let configuration = |provider: &FalseProvider| json!({ "openIdConnect": { "issuer": provider.issuer, "clientId": "work-accounts", "clientSecret": "secret" } });
    let sso = stage.add("Theirs", configuration(&provider)).await;
    let elsewhere = stage.add("Another", configuration(&other)).await;
    let test = stage.admin().mutate("testSsoProvider", sso.input(), "testId testUrl").await;
    let begun = stage.begin_at(&text(&test["testUrl"])).await;
    provider.says(&begun, ANNA, |_| {});
    assert_eq!(false_provider::come_back(&stage, &sso, &begun, &[]).await.status(), 200);
    stage.admin().mutate("activateSsoProvider", sso.input(), "").await;
    stage.admin().mutate("setDefaultLoginMethod", json!({ "loginMethod": "SINGLE_SIGN_ON" }), "").await;
    stage.create(BEN).await;
    let begun = stage.begin(&sso).await;
    provider.says(&begun, BEN, |_| {});
    let answer = false_provider::come_back(&stage, &sso, &begun, &[]).await;
    assert!(session(&answer).is_some(), "{}", answer.text().await.unwrap());
    // The code is good once, and so is the state.
    let before = stage.latest_position().await;
    let answer = false_provider::come_back(&stage, &sso, &begun, &[]).await;
    stage.is_refusal(answer, &before, "REPLAY").await;

    for (check, change) in false_provider::lies() {
        let (begun, before) = (stage.begin(&sso).await, stage.latest_position().await);
        provider.says(&begun, BEN, change);
        let answer = false_provider::come_back(&stage, &sso, &begun, &[]).await;
        stage.is_refusal(answer, &before, check).await;
    }
    for (check, parameters) in [
        ("REQUEST", vec![("state", "another")]),
        ("ISSUER", vec![("iss", "https://idp.other.example")]),
        ("STATUS", vec![("error", "access_denied")]),
    ] {
        let (begun, before) = (stage.begin(&sso).await, stage.latest_position().await);
        provider.says(&begun, BEN, |_| {});
        let answer = false_provider::come_back(&stage, &sso, &begun, &parameters).await;
        stage.is_refusal(answer, &before, check).await;
    }
    // A mix-up: what was begun at one provider comes back as if from another.
    let (begun, before) = (stage.begin(&sso).await, stage.latest_position().await);
    other.says(&begun, BEN, |_| {});
    let answer = false_provider::come_back(&stage, &elsewhere, &begun, &[]).await;
    stage.is_refusal(answer, &before, "REQUEST").await;
    // Bad input of an admin.
    for (issuer, code) in
        [("ftp://idp.example", "INVALID_URL"), ("https://a:b@idp.example", "INVALID_URL"), ("", "REQUIRED")]
    {
        let configuration = json!({ "openIdConnect": { "issuer": issuer, "clientId": "x", "clientSecret": "y" } });
        let input = json!({ "name": "Bad", "configuration": configuration });
        assert_eq!(stage.admin().refusal("addSsoProvider", input).await, [code]);
    }
    stage.end();
}
