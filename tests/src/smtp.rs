//! A real mail server (aiosmtpd) that keeps what it takes.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use serde::Deserialize;

use crate::{process::Process, repository};

const SCRIPT: &str = include_str!("../python/smtp_sink.py");

/// A mail, as the mail server took it.
#[derive(Debug, Clone, Deserialize)]
pub struct Mail {
    /// Receivers of the envelope.
    pub to: Vec<String>,
    /// The `To` header.
    pub header_to: String,
    /// The `From` header.
    pub from: String,
    /// The `Subject` header.
    pub subject: String,
    /// The `Message-ID` header.
    pub message_id: String,
    /// The `Content-Language` header.
    pub language: String,
    /// The part in plain text.
    pub text: String,
    /// The part in HTML.
    pub html: String,
}

impl Mail {
    /// The code of six digits in it.
    pub fn code(&self) -> String {
        let digits = |word: &&str| word.len() == 6 && word.bytes().all(|b| b.is_ascii_digit());
        self.text.split(|c: char| !c.is_ascii_alphanumeric()).find(digits).expect("the mail has a code").to_owned()
    }

    /// The link in it.
    pub fn link(&self) -> &str {
        self.text.split_whitespace().find(|word| word.starts_with("http")).expect("the mail has a link")
    }
}

#[derive(Deserialize)]
struct Listening {
    port: u16,
}

/// A running mail server. It ends when dropped.
pub struct MailServer {
    _process: Process,
    port: u16,
    mails: Arc<Mutex<Vec<Mail>>>,
}

fn python() -> std::path::PathBuf {
    repository::root().join(".cache/python/bin/python")
}

/// Why no mail server can be started; none if one can.
pub fn missing() -> Option<String> {
    let found = Command::new(python()).args(["-c", "import aiosmtpd"]).stderr(Stdio::null()).status();
    let here = found.is_ok_and(|status| status.success());
    (!here).then(|| "the mail server (aiosmtpd) is not installed; `.ci/setup test` installs it".to_owned())
}

impl MailServer {
    /// Starts it and waits until it listens.
    pub fn start() -> Self {
        Self::start_at(0)
    }

    /// The same at a port of one's choice.
    pub fn start_at(port: u16) -> Self {
        let mut command = Command::new(python());
        // Held open as long as the process: should the test be killed, the mail server ends too.
        command.args(["-c", SCRIPT, &port.to_string()]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let process = Process::new(child);
        let first = lines.next().expect("the mail server says where it listens").unwrap();
        let Listening { port } = serde_json::from_str(&first).unwrap();
        let mails = Arc::new(Mutex::new(Vec::new()));
        let taken = mails.clone();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                taken.lock().unwrap().push(serde_json::from_str(&line).expect("a mail with all its parts"));
            }
        });
        Self { _process: process, port, mails }
    }

    /// Where the platform reaches it.
    pub fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}", self.port)
    }

    /// All mails so far, oldest first.
    pub fn mails(&self) -> Vec<Mail> {
        self.mails.lock().unwrap().clone()
    }

    /// The latest mail to an address, once there is one.
    pub async fn mail_to(&self, address: &str) -> Mail {
        let deadline = Instant::now() + Duration::from_secs(20);
        while Instant::now() < deadline {
            if let Some(mail) = self.mails.lock().unwrap().iter().rev().find(|mail| mail.to == [address]) {
                return mail.clone();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("no mail to {address} within 20 seconds");
    }
}
