//! A frontend: sends GraphQL over HTTP.

use serde_json::{Value, json};

/// A client, signed in or not.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    origin: String,
    token: Option<String>,
}

impl Client {
    /// Not signed in.
    pub fn new(origin: &str) -> Self {
        Self { http: reqwest::Client::new(), origin: origin.to_owned(), token: None }
    }

    /// Signed in with the token of a session.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// The same client, not signed in.
    #[must_use]
    pub fn signed_out(&self) -> Self {
        Self { token: None, ..self.clone() }
    }

    /// The token of the session.
    pub fn token(&self) -> &str {
        self.token.as_deref().expect("signed in")
    }

    /// Sends an operation and returns the whole answer. An error is one of the connection: whether the platform did what
    /// was asked is then unknown.
    ///
    /// # Errors
    /// The platform did not answer.
    pub async fn send(&self, query: &str, variables: Value) -> reqwest::Result<Value> {
        let body = json!({ "query": query, "variables": variables });
        let mut request = self.http.post(format!("{}/graphql", self.origin)).json(&body);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        request.send().await?.json().await
    }

    /// Sends an operation with a file in place of the variable at `path`, and returns the whole answer.
    pub async fn upload(&self, query: &str, variables: Value, path: &str, file: &[u8]) -> Value {
        let operations = json!({ "query": query, "variables": variables }).to_string();
        let map = json!({ "0": [format!("variables.{path}")] }).to_string();
        let mut body = Vec::new();
        for (name, content) in [("operations", operations.as_bytes()), ("map", map.as_bytes()), ("0", file)] {
            let start =
                format!("--line\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{name}\"\r\n\r\n");
            body.extend([start.as_bytes(), content, b"\r\n"].concat());
        }
        body.extend(b"--line--\r\n");
        let request = self.http.post(format!("{}/graphql", self.origin)).bearer_auth(self.token()).body(body);
        let request = request.header("content-type", "multipart/form-data; boundary=line");
        request.send().await.unwrap().json().await.unwrap()
    }

    /// The data of an answer that must not have errors.
    pub async fn query(&self, query: &str, variables: Value) -> Value {
        let mut answer = self.send(query, variables).await.unwrap();
        assert!(answer["errors"].is_null(), "{query}\n{:#}", answer["errors"]);
        answer["data"].take()
    }

    /// The payload of a mutation, refused or not. `selection` is what to select beside `position` and `userErrors`.
    ///
    /// # Errors
    /// The platform did not answer.
    pub async fn try_mutate(&self, mutation: &str, input: Value, selection: &str) -> reqwest::Result<Value> {
        let input_type = format!("{}{}Input", mutation[..1].to_uppercase(), &mutation[1..]);
        let query = format!(
            "mutation Do($input: {input_type}!) {{ {mutation}(input: $input) {{ \
             {selection} position userErrors {{ code field message }} }} }}"
        );
        let mut answer = self.send(&query, json!({ "input": input })).await?;
        assert!(answer["errors"].is_null(), "{query}\n{:#}", answer["errors"]);
        Ok(answer["data"][mutation].take())
    }

    /// The payload of a mutation that must not be refused.
    pub async fn mutate(&self, mutation: &str, input: Value, selection: &str) -> Value {
        let payload = self.try_mutate(mutation, input, selection).await.unwrap();
        assert_eq!(payload["userErrors"], json!([]), "{mutation}");
        payload
    }

    /// The newest mail to an address, once it is there: of a platform in development mode.
    pub async fn mail_in_development(&self, address: &str) -> String {
        for _ in 0..500 {
            let answer = self.http.get(format!("{}/dev/mailbox.json", self.origin)).send().await.unwrap();
            let mails: Value = answer.json().await.unwrap();
            if let Some(mail) = mails.as_array().unwrap().iter().find(|mail| mail["to"] == address) {
                return text(&mail["text"]);
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        panic!("no mail to {address} within 10 seconds");
    }

    /// The codes with which a mutation is refused.
    pub async fn refusal(&self, mutation: &str, input: Value) -> Vec<String> {
        let payload = self.try_mutate(mutation, input, "").await.unwrap();
        let errors = payload["userErrors"].as_array().unwrap();
        errors.iter().map(|error| text(&error["code"])).collect()
    }
}

/// A value that must be text.
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} should be text")).to_owned()
}
