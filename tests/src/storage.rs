//! Real storage that speaks the protocol of S3 (moto) and takes signed requests only.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use serde::Deserialize;

use crate::{
    process::{Process, free_port},
    repository,
};

const SCRIPT: &str = include_str!("../python/s3_storage.py");

#[derive(Deserialize)]
struct Listening {
    key: String,
    secret: String,
}

/// Running storage with the bucket `files`. It ends when dropped.
pub struct Storage {
    process: Process,
    port: u16,
    key: String,
    secret: String,
}

fn python() -> std::path::PathBuf {
    repository::root().join(".cache/python/bin/python")
}

/// Why no storage can be started; none if it can.
pub fn missing() -> Option<String> {
    let found = Command::new(python()).args(["-c", "import boto3, moto.server"]).stderr(Stdio::null()).status();
    let here = found.is_ok_and(|status| status.success());
    (!here).then(|| "the storage (moto) is not installed; `.ci/setup test` installs it".to_owned())
}

impl Storage {
    /// Starts it and waits until it listens.
    pub fn start() -> Self {
        let port = free_port();
        let mut command = Command::new(python());
        // Held open as long as the process: should the test be killed, the storage ends too.
        command.args(["-c", SCRIPT, &port.to_string()]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let process = Process::new(child);
        let first = lines.next().expect("the storage says that it listens").unwrap();
        let Listening { key, secret } = serde_json::from_str(&first).unwrap();
        Self { process, port, key, secret }
    }

    /// The variables that tell the platform where it is and how to sign.
    pub fn variables(&self) -> Vec<(String, String)> {
        let endpoint = format!("http://127.0.0.1:{}", self.port);
        let variables = [
            ("AWS_ENDPOINT_URL", endpoint.as_str()),
            ("AWS_ALLOW_HTTP", "true"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", &self.key),
            ("AWS_SECRET_ACCESS_KEY", &self.secret),
        ];
        variables.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
    }

    /// Ends it, as when it breaks down.
    pub fn kill(self) {
        self.process.kill();
    }
}
