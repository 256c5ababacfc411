//! A frontend's eye view: sends GraphQL over HTTP and shows what goes and what comes.

use serde_json::{Value, json};

/// Why the tour cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum TourError {
    /// The platform could not be reached.
    #[error("the platform does not answer: {0}")]
    Http(#[from] reqwest::Error),
    /// The answer was not the expected one.
    #[error("{0}")]
    Unexpected(String),
    /// The virtual Portal could not go on.
    #[error("the virtual Portal: {0}")]
    Portal(#[from] portal::PortalError),
}

/// A client with or without a session.
#[derive(Clone)]
pub(super) struct Client {
    http: reqwest::Client,
    origin: String,
    token: Option<String>,
}

impl Client {
    /// Not signed in.
    pub(super) fn new(origin: &str) -> Self {
        Self { http: reqwest::Client::new(), origin: origin.to_owned(), token: None }
    }

    /// Signed in with a session's token.
    pub(super) fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// Sends an operation and returns its `data`, or what went wrong.
    pub(super) async fn send(&self, query: &str, variables: &Value) -> Result<Value, TourError> {
        let mut request =
            self.http.post(format!("{}/graphql", self.origin)).json(&json!({ "query": query, "variables": variables }));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let mut answer: Value = request.send().await?.json().await?;
        match answer.get("errors") {
            Some(errors) => Err(TourError::Unexpected(format!("errors: {errors}"))),
            None => Ok(answer.get_mut("data").map(Value::take).unwrap_or_default()),
        }
    }

    /// Sends an operation in front of the reader.
    pub(super) async fn show(&self, query: &str, variables: Value) -> Result<Value, TourError> {
        print_indented("→", &dedent(query));
        if variables != json!({}) {
            print_indented(" ", &pretty(&masked(&variables)));
        }
        let data = self.send(query, &variables).await?;
        print_indented("←", &pretty(&masked(&data)));
        let errors =
            data.as_object().into_iter().flatten().filter_map(|(_, payload)| payload.get("userErrors")?.as_array());
        if let Some(error) = errors.flatten().next() {
            return Err(TourError::Unexpected(format!("userErrors: {error}")));
        }
        Ok(data)
    }

    /// The newest mail to an address, once it has arrived.
    pub(super) async fn mail_to(&self, address: &str) -> Result<String, TourError> {
        for _ in 0..100 {
            let mails: Value = self.http.get(format!("{}/dev/mailbox.json", self.origin)).send().await?.json().await?;
            let mail = mails.as_array().into_iter().flatten().find(|mail| mail["to"] == address);
            if let Some(text) = mail.and_then(|mail| mail["text"].as_str()) {
                return Ok(text.to_owned());
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        Err(TourError::Unexpected("the mail did not arrive within 10 seconds".to_owned()))
    }
}

/// Looks a text up in an answer.
pub(super) fn text<'a>(data: &'a Value, pointer: &str) -> Result<&'a str, TourError> {
    let found = data.pointer(pointer).and_then(Value::as_str);
    found.ok_or_else(|| TourError::Unexpected(format!("the answer has no {pointer}")))
}

/// Prints text with a mark before its first line.
pub(super) fn print_indented(mark: &str, text: &str) {
    for (index, line) in text.lines().enumerate() {
        println!("  {} {line}", if index == 0 { mark } else { " " });
    }
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

fn dedent(query: &str) -> String {
    let lines: Vec<_> = query.trim_matches('\n').lines().collect();
    let margin =
        lines.iter().filter(|l| !l.trim().is_empty()).map(|l| l.len() - l.trim_start().len()).min().unwrap_or(0);
    lines.iter().map(|l| l.get(margin..).unwrap_or_default()).collect::<Vec<_>>().join("\n").trim_end().to_owned()
}

/// The same with passwords and tokens blotted out.
fn masked(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mask = |(key, value): (&String, &Value)| match (key.as_str(), value) {
                ("password" | "token", Value::String(_)) => (key.clone(), json!("••••••••")),
                _ => (key.clone(), masked(value)),
            };
            Value::Object(members.iter().map(mask).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(masked).collect()),
        other => other.clone(),
    }
}
