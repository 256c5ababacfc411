//! A real name server (dnslib) that answers as it is told.

use std::{
    io::{BufRead, BufReader, Lines, Write},
    process::{ChildStdin, ChildStdout, Command, Stdio},
};

use serde_json::{Value, json};

use crate::{process::Process, repository};

const SCRIPT: &str = include_str!("../python/name_server.py");

/// A running name server. It ends when dropped.
pub struct NameServer {
    _process: Process,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    port: u16,
}

fn python() -> std::path::PathBuf {
    repository::root().join(".cache/python/bin/python")
}

/// Why no name server can be started; none if one can.
pub fn missing() -> Option<String> {
    let found = Command::new(python()).args(["-c", "import dnslib"]).stderr(Stdio::null()).status();
    let here = found.is_ok_and(|status| status.success());
    (!here).then(|| "the name server (dnslib) is not installed; `.ci/setup test` installs it".to_owned())
}

impl NameServer {
    /// Starts it and waits until it listens. Nothing exists there yet.
    pub fn start() -> Self {
        let mut command = Command::new(python());
        let mut child = command.args(["-c", SCRIPT]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut server = Self { _process: Process::new(child), input, output, port: 0 };
        server.port = server.said()["port"].as_u64().and_then(|port| port.try_into().ok()).unwrap();
        server
    }

    /// Where the platform reaches it.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// From now on it answers so to whoever asks for the name: records, the name of a response code, `silence` or
    /// `garbage`, as the script says.
    pub fn answers(&mut self, name: &str, answer: impl Into<Value>) {
        writeln!(self.input, "{}", json!({ "name": name, "answer": answer.into() })).unwrap();
        self.said();
    }

    fn said(&mut self) -> Value {
        let line = self.output.next().expect("the name server says something").unwrap();
        serde_json::from_str(&line).unwrap()
    }
}
