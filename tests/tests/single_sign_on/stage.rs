//! An organization with a verified domain, and what its people and others send to identity providers and back.

use std::time::Duration;

use data_encoding::BASE64;
use identity::saml::SignedQuery;
use reqwest::{Response, header, redirect::Policy};
use serde_json::{Value, json};
use tests::{
    bench::seed::Town,
    client::{Client, text},
    organization::{Organization, sign_up_in_development},
    platform::Installation,
    process::Process,
    providers::{Provider, browse},
};
use url::Url;

pub(crate) const ANNA: &str = "anna@northwind.example";
pub(crate) const BEN: &str = "ben@northwind.example";
const VIEWER: &str = "{ viewer { person { email status } session { loginMethod network device } } }";

pub(crate) struct Stage {
    pub(crate) installation: Installation,
    pub(crate) northwind: Organization,
    platform: Process,
    /// Follows nothing and keeps no cookies.
    http: reqwest::Client,
}

/// A provider as an admin has added it.
pub(crate) struct Sso {
    pub(crate) id: String,
    service: Value,
}

impl Sso {
    /// What has to be entered at the provider.
    pub(crate) fn service(&self, field: &str) -> String {
        text(&self.service[field])
    }
    pub(crate) fn input(&self) -> Value {
        json!({ "providerId": self.id })
    }
}

/// A request that a browser was sent to a provider with.
pub(crate) struct Begun {
    pub(crate) cookie: String,
    /// Where the browser was sent.
    pub(crate) to: Url,
}

impl Begun {
    pub(crate) fn query(&self, name: &str) -> String {
        let found = self.to.query_pairs().find(|(key, _)| key == name);
        found.unwrap_or_else(|| panic!("{name} in {}", self.to)).1.into_owned()
    }
    /// The id of a SAML request.
    pub(crate) fn request(&self) -> String {
        let message = SignedQuery::parse(self.to.query().unwrap()).unwrap().message;
        message.split(" ID=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
    }
}

impl Stage {
    pub(crate) async fn new() -> Self {
        let options = ["--development", "--private-websites", "80:443"];
        let installation = Installation::new(&[env!("CARGO_BIN_EXE_platform")]).with(&options);
        let platform = installation.start().await;
        let northwind = sign_up_in_development(&installation.client(), ANNA).await;
        let http = reqwest::Client::builder().redirect(Policy::none()).build().unwrap();
        let stage = Self { installation, northwind, platform, http };
        let domains = stage.admin().query("{ domains { id } }", json!({})).await;
        let domain = &domains["domains"][0]["id"];
        let begin = json!({ "domainId": domain, "method": "EMAIL", "mailbox": "postmaster" });
        stage.admin().mutate("beginDomainVerification", begin, "").await;
        let mail = stage.mail("postmaster@northwind.example").await;
        let digits = |word: &&str| word.len() == 6 && word.bytes().all(|b| b.is_ascii_digit());
        let code = mail.split(|c: char| !c.is_ascii_alphanumeric()).find(digits).unwrap();
        stage.admin().mutate("verifyDomain", json!({ "domainId": domain, "code": code }), "").await;
        stage
    }

    pub(crate) fn admin(&self) -> &Client {
        &self.northwind.admin
    }
    pub(crate) fn client(&self) -> Client {
        self.installation.client()
    }
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.installation.origin())
    }
    /// A step in which the browser asks who it is.
    pub(crate) fn ask(&self) -> Value {
        json!({ "ask": { "origin": self.installation.origin(), "query": VIEWER } })
    }
    pub(crate) async fn mail(&self, to: &str) -> String {
        self.client().mail_in_development(to).await
    }
    /// Ends the platform and leaves its data to whoever opens it.
    pub(crate) fn leave(self) -> Town {
        self.installation.stop(self.platform);
        Town { installation: self.installation, organization: self.northwind }
    }
    pub(crate) fn end(self) {
        self.installation.stop(self.platform);
    }

    pub(crate) async fn add(&self, name: &str, configuration: Value) -> Sso {
        let selection =
            "ssoProvider { id serviceProvider { entityId acsUrl sloUrl redirectUri postLogoutRedirectUri } }";
        let input = json!({ "name": name, "configuration": configuration });
        let added = self.admin().mutate("addSsoProvider", input, selection).await["ssoProvider"].take();
        Sso { id: text(&added["id"]), service: added["serviceProvider"].clone() }
    }

    pub(crate) async fn create(&self, email: &str) {
        let input = json!({ "email": email, "givenName": "Ben", "familyName": "Okafor", "locale": "en" });
        self.admin().mutate("createAccount", input, "").await;
    }

    pub(crate) async fn test(&self, id: &Value) -> Value {
        let query = "query($id: ID!) { ssoTest(id: $id) { status transcript { check passed expected actual } } }";
        self.admin().query(query, json!({ "id": id })).await["ssoTest"].take()
    }

    /// Anna signs in for a test in a browser, which passes, and the provider is activated.
    pub(crate) async fn tested_and_active(&self, sso: &Sso) {
        let test = self.admin().mutate("testSsoProvider", sso.input(), "testId testUrl").await;
        let steps =
            json!([{ "goto": test["testUrl"] }, { "fill": ["Email", ANNA] }, { "press": "Sign in" }, { "look": true }]);
        browse(true, steps).await;
        let ended = self.test(&test["testId"]).await;
        assert_eq!(ended["status"], "PASSED", "{ended:#}");
        self.admin().mutate("activateSsoProvider", sso.input(), "").await;
    }

    /// The same without a browser, at a SAML provider.
    pub(crate) async fn tested_by_saml(&self, provider: &Provider, sso: &Sso) {
        let test = self.admin().mutate("testSsoProvider", sso.input(), "testId testUrl").await;
        let begun = self.begin_at(&text(&test["testUrl"])).await;
        let response = self.respond(provider, sso, &begun, json!({ "email": ANNA })).await;
        self.answer(&begun, sso, &response).await;
        let ended = self.test(&test["testId"]).await;
        assert_eq!(ended["status"], "PASSED", "{ended:#}");
        self.admin().mutate("activateSsoProvider", sso.input(), "").await;
    }

    /// A browser begins to sign in.
    pub(crate) async fn begin(&self, sso: &Sso) -> Begun {
        self.begin_at(&self.url(&format!("/sso/{}/start", sso.id))).await
    }

    /// The same at an address of one's choice.
    pub(crate) async fn begin_at(&self, url: &str) -> Begun {
        let answer = self.http.get(url).header("sec-fetch-site", "same-origin").send().await.unwrap();
        assert_eq!(answer.status(), 303, "{}", answer.text().await.unwrap());
        let cookie = set_cookies(&answer).into_iter().next().unwrap();
        Begun { cookie, to: answer.headers()[header::LOCATION].to_str().unwrap().parse().unwrap() }
    }

    /// What samlify says to a request. `other` names the person and whatever is to be out of the ordinary.
    pub(crate) async fn respond(&self, provider: &Provider, sso: &Sso, begun: &Begun, other: Value) -> String {
        let mut asked = json!({
            "acs": sso.service("acsUrl"), "audience": sso.service("entityId"), "inResponseTo": begun.request(),
        });
        asked.as_object_mut().unwrap().extend(other.as_object().unwrap().clone());
        text(&provider.post("/respond", asked).await["xml"])
    }

    /// The browser brings a response; the platform answers.
    pub(crate) async fn answer(&self, begun: &Begun, sso: &Sso, response: &str) -> Response {
        self.answer_encoded(begun, sso, &BASE64.encode(response.as_bytes())).await
    }

    pub(crate) async fn answer_encoded(&self, begun: &Begun, sso: &Sso, response: &str) -> Response {
        self.send_encoded(begun, sso, response).await.unwrap()
    }

    /// The same; none if the connection broke off.
    pub(crate) async fn send_encoded(&self, begun: &Begun, sso: &Sso, response: &str) -> Option<Response> {
        let relay_state = begun.query("RelayState");
        let fields = [("SAMLResponse", response), ("RelayState", &relay_state), ("again", "1")];
        let request = self.http.post(sso.service("acsUrl")).header("cookie", &begun.cookie).form(&fields);
        request.send().await.ok()
    }

    /// Somebody signs in at samlify. The session here and the one there.
    pub(crate) async fn sign_in_by_saml(&self, provider: &Provider, sso: &Sso, email: &str) -> (String, String) {
        let begun = self.begin(sso).await;
        let response = self.respond(provider, sso, &begun, json!({ "email": email, "sessionIndex": "_theirs" })).await;
        let answer = self.answer(&begun, sso, &response).await;
        let token = session(&answer).unwrap_or_else(|| panic!("{}: not signed in", answer.status()));
        (token, "_theirs".to_owned())
    }

    /// The response signs nobody in, and the history says why.
    pub(crate) async fn refused(&self, begun: &Begun, sso: &Sso, response: &str, check: &str) {
        let before = self.latest_position().await;
        let answer = self.answer(begun, sso, response).await;
        self.is_refusal(answer, &before, check).await;
    }

    pub(crate) async fn is_refusal(&self, answer: Response, before: &Value, check: &str) {
        assert_eq!((answer.status().as_u16(), session(&answer)), (403, None), "{check}");
        let page = answer.text().await.unwrap();
        assert!(!page.contains("panicked") && !page.contains("Error("), "{page}");
        let refusal = self.latest_refusal().await;
        assert_ne!(refusal["position"], *before, "{check}: nothing stands in the history");
        assert_eq!(refusal["check"], check.to_lowercase(), "{refusal:#}");
    }

    pub(crate) async fn latest_position(&self) -> Value {
        self.latest_refusal().await["position"].take()
    }

    /// What the history says of the latest answer that was refused.
    pub(crate) async fn latest_refusal(&self) -> Value {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let query =
            "{ history(filter: { types: [\"sso_answer.refused\"] }, first: 1) { nodes { position summary details } } }";
        let found = self.admin().query(query, json!({})).await;
        let mut found = found.pointer("/history/nodes/0").cloned().unwrap_or_else(|| json!({ "details": {} }));
        let mut details = found["details"].take();
        details["position"] = found["position"].take();
        details["summary"] = found["summary"].take();
        details
    }

    pub(crate) async fn is_signed_out(&self, client: &Client) {
        let answer = client.send("{ viewer { person { id } } }", json!({})).await.unwrap();
        assert_eq!(answer["errors"][0]["extensions"]["code"], "NOT_SIGNED_IN", "{answer}");
    }

    /// Until keys that are not known are looked for anew.
    pub(crate) async fn wait_for_keys(&self) {
        tokio::time::sleep(Duration::from_secs(6)).await;
    }

    pub(crate) fn http(&self) -> &reqwest::Client {
        &self.http
    }
}

fn set_cookies(answer: &Response) -> Vec<String> {
    let headers = answer.headers().get_all(header::SET_COOKIE).iter();
    let kept = headers.map(|header| header.to_str().unwrap()).filter(|cookie| !cookie.contains("Max-Age=0"));
    kept.map(|cookie| cookie.split(';').next().unwrap().to_owned()).collect()
}

/// The token of the session that begins with this answer.
pub(crate) fn session(answer: &Response) -> Option<String> {
    set_cookies(answer).iter().find_map(|cookie| cookie.strip_prefix("session=").map(str::to_owned))
}
