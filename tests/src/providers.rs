//! Identity providers of others: samlify and SimpleSAMLphp for SAML, oidc-provider for OpenID Connect; and a person with a
//! browser who signs in at them.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use crate::{
    node::{self, Script},
    process::free_port,
    repository,
};

/// A running provider. It ends when dropped.
pub struct Provider {
    script: Script,
    origin: String,
    http: reqwest::Client,
}

impl Provider {
    /// A SAML provider of samlify.
    pub async fn samlify() -> Self {
        let port = free_port();
        let script = Script::start(include_str!("../node/saml_provider.mjs"), &[&port.to_string(), "none"]);
        Self::of(script, port).await
    }

    /// A SAML provider of SimpleSAMLphp. `signed` is what it signs: `both`, `assertion` or `response`.
    pub async fn simplesamlphp(signed: &str) -> Self {
        let port = free_port();
        let mut command = Command::new("bash");
        command.arg(repository::root().join("tests/simplesamlphp/start.sh"));
        command.args([&port.to_string(), "none", signed]).stdin(Stdio::null()).stderr(Stdio::null());
        Self::of(Script::of(command), port).await
    }

    /// An OpenID provider whose one client comes back to `redirect_uri`, and after logging out to `signed_out_uri`.
    pub async fn openid(port: u16, redirect_uri: &str, signed_out_uri: &str, secret: &str) -> Self {
        let source = include_str!("../node/openid_provider.mjs");
        let script = Script::start(source, &[&port.to_string(), redirect_uri, signed_out_uri, secret]);
        Self::of(script, port).await
    }

    async fn of(mut script: Script, port: u16) -> Self {
        script.next_of("listening").await;
        Self { script, origin: format!("http://127.0.0.1:{port}"), http: reqwest::Client::new() }
    }

    /// Where it is.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The text at a path.
    pub async fn get(&self, path: &str) -> String {
        self.http.get(format!("{}{path}", self.origin)).send().await.unwrap().text().await.unwrap()
    }

    /// What it answers to JSON.
    pub async fn post(&self, path: &str, body: Value) -> Value {
        let answer = self.http.post(format!("{}{path}", self.origin)).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap());
        answer.json().await.unwrap()
    }

    /// Tells it where the platform's metadata is.
    pub async fn serves(&self, metadata: &str) {
        self.post("/control/service", json!({ "metadata": metadata })).await;
    }

    /// What happens there next, by name.
    pub async fn next_of(&mut self, what: &str) -> Value {
        self.script.next_of(what).await
    }
}

/// Why SimpleSAMLphp cannot be run; none if it can.
pub fn simplesamlphp_missing() -> Option<String> {
    let php = Command::new("php").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    let here = php.is_ok_and(|status| status.success()) && Path::new("/usr/share/simplesamlphp").is_dir();
    (!here).then(|| "SimpleSAMLphp is not installed; `.ci/setup test` installs it where there is apt-get".to_owned())
}

/// A person with a browser does these steps (see `steps.mjs`). What the browser tells: pages that were looked at and
/// answers of the platform, in order.
pub async fn browse(scripts: bool, steps: Value) -> Vec<Value> {
    let (chromium, steps) = (node::browser().unwrap(), steps.to_string());
    let arguments = [chromium.to_str().unwrap(), if scripts { "true" } else { "false" }, &steps];
    let mut script = Script::start(include_str!("../node/steps.mjs"), &arguments);
    let mut told = Vec::new();
    loop {
        let mut line = script.next().await;
        if line["done"] == true {
            script.end().await;
            return told;
        }
        assert!(line["failed"].is_null(), "{:#}", line["failed"]);
        for name in ["page", "answer"] {
            if let Some(value) = line.get_mut(name) {
                told.push(value.take());
            }
        }
    }
}
