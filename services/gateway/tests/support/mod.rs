//! An installation on the embedded log with a real server in front, and clients of it.
#![allow(dead_code, unreachable_pub, unused_imports, reason = "each test uses a part of it")]

mod live;
mod unit;

use std::{net::SocketAddr, sync::Arc};

use commands::{
    Platform, PlatformParts,
    mail::{Links, Mailbox},
    reactors::{self, importer::Importer, mailer::Mailer, recovery::Recovery},
};
use engine::View;
use eventlog::{
    EventLog, ManualClock, Vault,
    embedded::{Embedded, EmbeddedConfig},
};
use files::Files;
use gateway::{Gateway, GatewayConfig, Views};
use identity::{OsEntropy, PasswordHasher, ServerKeys};
use prometheus_client::registry::Registry;
use reqwest::{RequestBuilder, Response};
use schema::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

pub use live::{Heard, Live};
pub use unit::{Unit, form};

pub const PASSWORD: &str = "a rather long pass phrase";
/// The origin that the installation believes to have.
pub const ORIGIN: &str = "http://accounts.example.com";

pub struct Installation {
    pub address: SocketAddr,
    pub clock: ManualClock,
    pub log: Arc<dyn EventLog>,
    pub registry: Registry,
    pub stop: CancellationToken,
    /// Ends once the gateway has.
    pub running: tokio::task::JoinHandle<()>,
    mailbox: Mailbox,
    http: reqwest::Client,
    _folder: TempDir,
}

impl Drop for Installation {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Installation {
    pub async fn start() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut GatewayConfig)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = ManualClock::new(Timestamp::from_timestamp(1_767_225_600, 0).unwrap());
        let keys = ServerKeys::from_master(&[7; 32]);
        let config = EmbeddedConfig::new(folder.path().join("log"), *keys.vault_key(), Arc::new(clock.clone()));
        let embedded = Arc::new(Embedded::open(config).unwrap());
        let (log, vault): (Arc<dyn EventLog>, Arc<dyn Vault>) = (embedded.clone(), embedded);
        let views_folder = folder.path().join("views");
        let views = Views {
            directory: Arc::new(View::start(&views_folder, log.clone(), vault.clone()).await.unwrap()),
            devices: Arc::new(View::start(&views_folder, log.clone(), vault.clone()).await.unwrap()),
            history: Arc::new(View::start(&views_folder, log.clone(), vault.clone()).await.unwrap()),
        };
        let platform = Arc::new(Platform::new(PlatformParts {
            log: log.clone(),
            vault,
            clock: Arc::new(clock.clone()),
            entropy: Arc::new(OsEntropy),
            keys,
            passwords: PasswordHasher::default(),
            files: Files::folder(&folder.path().join("files")).unwrap(),
            outbound: commands::domain_proof::Outbound::new(
                &["127.0.0.1:9".parse().unwrap()],
                outbound::http::Reach::Public,
            )
            .unwrap(),
        }));
        let (stop, mailbox) = (CancellationToken::new(), Mailbox::new(Arc::new(clock.clone())));
        let links = Links::at(ORIGIN);
        let support = Some("support@example.com".to_owned());
        let mailer = Mailer { outbox: Arc::new(mailbox.clone()), links: links.clone(), support };
        tokio::spawn(reactors::run(platform.clone(), mailer, stop.clone()));
        tokio::spawn(reactors::run(platform.clone(), Recovery, stop.clone()));
        tokio::spawn(reactors::run(platform.clone(), Importer, stop.clone()));
        let mut config = GatewayConfig {
            public_origin: ORIGIN.into(),
            dispatcher_url: "ws://devices.example.com/graphql".into(),
            development: false,
            trusted_proxies: 0,
            links,
            own_pages: true,
            plain_http_providers: true,
        };
        change(&mut config);
        let mut registry = Registry::default();
        let gateway = Gateway::new(config, platform, views, Some(mailbox.clone()), &mut registry);
        let running = tokio::spawn(gateway.clone().run(stop.clone()));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = gateway.router().into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
        Self { address, clock, log, registry, stop, running, mailbox, http: reqwest::Client::new(), _folder: folder }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn post(&self, path: &str) -> RequestBuilder {
        self.http.post(self.url(path))
    }

    pub fn get(&self, path: &str) -> RequestBuilder {
        self.http.get(self.url(path))
    }

    /// Somebody who has not signed in.
    pub fn nobody(&self) -> Client<'_> {
        Client { installation: self, token: None }
    }

    pub fn client(&self, token: &str) -> Client<'_> {
        Client { installation: self, token: Some(token.to_owned()) }
    }

    pub fn advance(&self, seconds: i64) {
        self.clock.advance(chrono::Duration::seconds(seconds));
    }

    /// The newest mail to an address, once there is one more than `seen`.
    pub async fn mail(&self, to: &str, seen: usize) -> String {
        for _ in 0..500 {
            let mails: Vec<_> = self.mailbox.latest().into_iter().filter(|received| received.mail.to == to).collect();
            if mails.len() > seen {
                return mails[0].mail.text.clone();
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("no mail to {to}");
    }

    /// Proves that a domain is the organization's, by mail. Its id.
    pub async fn verify_domain(&self, admin: &Client<'_>, domain: &str) -> String {
        let domains = admin.query("{ domains { id name } }").await["domains"].take();
        let mut known = domains.as_array().unwrap().iter().filter(|known| known["name"] == domain);
        let id = match known.next() {
            Some(known) => known["id"].clone(),
            None => {
                admin.mutate("addDomain", json!({ "domain": domain }), "domain { id }").await["domain"]["id"].clone()
            }
        };
        let begin = json!({ "domainId": id, "method": "EMAIL", "mailbox": "postmaster" });
        admin.mutate("beginDomainVerification", begin, "").await;
        let code = self.code(&format!("postmaster@{domain}")).await;
        admin.mutate("verifyDomain", json!({ "domainId": id, "code": code }), "").await;
        id.as_str().unwrap().to_owned()
    }

    /// Adds a SAML provider to the organization of the admin, whose domain it verifies first.
    pub async fn add_provider(&self, admin: &Client<'_>) -> Value {
        self.verify_domain(admin, "northwind.example").await;
        let saml = json!({ "issuer": "https://idp.example", "ssoUrl": "https://idp.example/sso", "certificates": [certificate(1)] });
        let input = json!({ "name": "Northwind login", "configuration": { "saml": saml } });
        admin.mutate("addSsoProvider", input, "ssoProvider { id }").await["ssoProvider"].take()
    }

    pub async fn code(&self, to: &str) -> String {
        let mail = self.mail(to, 0).await;
        let mut words = mail.split(|c: char| !c.is_ascii_alphanumeric());
        words.find(|word| word.len() == 6 && word.bytes().all(|b| b.is_ascii_digit())).unwrap().to_owned()
    }

    pub async fn link_token(&self, to: &str) -> String {
        let mail = self.mail(to, 0).await;
        mail.split_once("?token=").unwrap().1.split_whitespace().next().unwrap().to_owned()
    }

    /// An organization and its system admin.
    pub async fn found(&self, email: &str) -> Client<'_> {
        let nobody = self.nobody();
        let begun = nobody.mutate("beginSignup", json!({ "email": email }), "signupId").await;
        let code = self.code(email).await;
        let input = json!({ "signupId": begun["signupId"], "code": code });
        nobody.mutate("confirmSignup", input, "signupId").await;
        let input = json!({
            "signupId": begun["signupId"], "organizationName": "Northwind", "givenName": "Anna", "familyName": "Berg",
            "password": PASSWORD,
        });
        let completed = nobody.mutate("completeSignup", input, "session { token }").await;
        self.client(completed["session"]["token"].as_str().unwrap())
    }

    /// How many events the log holds.
    pub async fn events(&self) -> u64 {
        self.log.head().await.unwrap().map_or(0, |position| position.commit)
    }
}

pub const MULTIPART: &str = "multipart/form-data; boundary=a-line-between";

/// A body of named parts.
pub fn multipart(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, content) in parts {
        let file = if *name == "operations" || *name == "map" { "" } else { "; filename=\"a file.png\"" };
        body.extend(
            format!("--a-line-between\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n").bytes(),
        );
        body.extend_from_slice(content);
        body.extend(b"\r\n");
    }
    body.extend(b"--a-line-between--\r\n");
    body
}

/// A client of the API.
#[derive(Clone)]
pub struct Client<'a> {
    pub installation: &'a Installation,
    pub token: Option<String>,
}

impl Client<'_> {
    pub async fn respond(&self, query: &str, variables: Value) -> Response {
        let mut request = self.installation.post("/graphql").json(&json!({ "query": query, "variables": variables }));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        request.send().await.unwrap()
    }

    /// A request with a file in place of the variable at `path`.
    pub fn upload(&self, query: &str, variables: Value, path: &str, file: &[u8]) -> RequestBuilder {
        let operations = json!({ "query": query, "variables": variables }).to_string();
        let map = json!({ "0": [format!("variables.{path}")] }).to_string();
        let parts = [("operations", operations.as_bytes()), ("map", map.as_bytes()), ("0", file)];
        let request = self.installation.post("/graphql").header("content-type", MULTIPART).body(multipart(&parts));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// The whole answer.
    pub async fn send(&self, query: &str, variables: Value) -> Value {
        self.respond(query, variables).await.json().await.unwrap()
    }

    /// The data of a query that succeeds.
    pub async fn query(&self, query: &str) -> Value {
        let mut answer = self.send(query, json!({})).await;
        assert_eq!(answer["errors"], Value::Null, "{query}");
        answer["data"].take()
    }

    /// The code of the one error of a query.
    pub async fn error(&self, query: &str) -> String {
        let answer = self.send(query, json!({})).await;
        assert_eq!(answer["errors"].as_array().map(Vec::len), Some(1), "{query}: {answer}");
        answer["errors"][0]["extensions"]["code"].as_str().unwrap().to_owned()
    }

    /// The payload of a mutation, refused or not.
    pub async fn attempt(&self, mutation: &str, input: Value, selection: &str) -> Value {
        let input_type = format!("{}{}Input", mutation[..1].to_uppercase(), &mutation[1..]);
        let query = format!(
            "mutation($input: {input_type}!) {{ {mutation}(input: $input) {{ {selection} position userErrors {{ code field message }} }} }}"
        );
        let mut answer = self.send(&query, json!({ "input": input })).await;
        assert_eq!(answer["errors"], Value::Null, "{mutation}");
        answer["data"][mutation].take()
    }

    /// The payload of a mutation that is not refused.
    pub async fn mutate(&self, mutation: &str, input: Value, selection: &str) -> Value {
        let payload = self.attempt(mutation, input, selection).await;
        assert_eq!(payload["userErrors"], json!([]), "{mutation}");
        payload
    }

    /// Code and field of the first reason why a mutation is refused, having changed nothing.
    pub async fn refusal(&self, mutation: &str, input: Value) -> (String, String) {
        let payload = self.attempt(mutation, input.clone(), "").await;
        let error = &payload["userErrors"][0];
        let shown: String = input.to_string().chars().take(200).collect();
        assert!(error["code"].is_string() && payload["position"].is_null(), "{mutation} {shown}: {payload}");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        (text(&error["code"]), text(&error["field"]))
    }

    /// Adds a person and activates the account; the id and a client of the new person.
    pub async fn add_person(&self, email: &str) -> (String, Self) {
        let input = json!({ "email": email, "givenName": "Ben", "familyName": "Okafor" });
        let person = self.mutate("createAccount", input, "person { id }").await["person"]["id"].take();
        let token = self.installation.link_token(email).await;
        let input = json!({ "token": token, "password": PASSWORD });
        let activated = self.installation.nobody().mutate("activateAccount", input, "session { token }").await;
        let token = activated["session"]["token"].as_str().map(str::to_owned);
        (person.as_str().unwrap().to_owned(), Self { installation: self.installation, token })
    }

    /// Connects a new unit; the id of the device.
    pub async fn add_device(&self, serial: &str) -> String {
        let unit = Unit::new(serial);
        let (code, user_code) = unit.authorize(self.installation).await;
        self.mutate("connectDevice", json!({ "userCode": user_code, "name": serial }), "").await;
        let granted = unit.poll(self.installation, &code).await;
        assert_eq!(granted.0, 200, "{}", granted.1);
        granted.1["device_id"].as_str().unwrap().to_owned()
    }
}

/// A certificate in base64, another one for each number.
pub fn certificate(number: u8) -> String {
    let start = schema::Timestamp::from_timestamp(1_800_000_000, 0).unwrap();
    identity::saml::SigningKey::generate(start, [number; 16]).unwrap().certificate().base64()
}
