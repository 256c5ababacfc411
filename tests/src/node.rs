//! Clients of others, run by Node.

use std::{
    io::{BufRead, BufReader, Write},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::Value;
use tokio::{sync::mpsc, time::timeout};

use crate::{process::Process, repository};

/// Oldest version of Node on which all clients run.
const OLDEST: u32 = 20;

/// How long a script may be silent when something is expected of it.
const PATIENCE: Duration = Duration::from_secs(30);

fn folder() -> PathBuf {
    repository::root().join(".cache/node")
}

/// Why the clients cannot be run; none if they can.
pub fn missing() -> Option<String> {
    let version = Command::new("node").args(["-p", "parseInt(process.versions.node)"]).output().ok();
    let version = version.and_then(|output| String::from_utf8(output.stdout).ok()?.trim().parse::<u32>().ok());
    match version {
        None => Some("Node is not installed".to_owned()),
        Some(version) if version < OLDEST => Some(format!("Node {version} is too old; {OLDEST} is needed")),
        Some(_) if !folder().join("node_modules/graphql-ws").exists() => {
            Some("the clients are not installed; `.ci/setup test` installs them".to_owned())
        }
        Some(_) => None,
    }
}

/// The browser; none if it is not installed.
pub fn browser() -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    let names = ["chromium", "chromium-browser", "google-chrome"];
    std::env::split_paths(&folders).flat_map(|folder| names.map(|name| folder.join(name))).find(|file| file.is_file())
}

/// A running script. It prints a line of JSON for each thing that happens to it.
pub struct Script {
    process: Process,
    lines: mpsc::UnboundedReceiver<Value>,
}

impl Script {
    /// Starts a module whose imports are found among the clients.
    pub fn start(source: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new("node");
        command.current_dir(folder()).args(["--input-type=module", "-"]).args(arguments).stdin(Stdio::piped());
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(source.as_bytes()).unwrap();
        Self::listen(child)
    }

    /// Starts another program that prints such lines.
    pub fn of(mut command: Command) -> Self {
        Self::listen(command.stdout(Stdio::piped()).spawn().unwrap())
    }

    fn listen(mut child: Child) -> Self {
        let output = BufReader::new(child.stdout.take().unwrap()).lines();
        let (sender, lines) = mpsc::unbounded_channel();
        std::thread::spawn(move || {
            for line in output.map_while(Result::ok) {
                let value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("the script printed {line:?}"));
                if sender.send(value).is_err() {
                    return;
                }
            }
        });
        Self { process: Process::new(child), lines }
    }

    /// What it says next.
    pub async fn next(&mut self) -> Value {
        let line = timeout(PATIENCE, self.lines.recv()).await.expect("the script should have said something by now");
        line.expect("the script has ended")
    }

    /// What it says next under the name `what`: the value of that member. Anything else is passed over.
    pub async fn next_of(&mut self, what: &str) -> Value {
        loop {
            let mut line = self.next().await;
            if let Some(value) = line.get_mut(what) {
                return value.take();
            }
        }
    }

    /// Waits until it has ended by itself, and fails if that was not in good order.
    pub async fn end(mut self) {
        while timeout(PATIENCE, self.lines.recv()).await.expect("the script should have ended by now").is_some() {}
        for _ in 0..200 {
            if let Some(status) = self.process.ended() {
                assert!(status.success(), "the script failed, {status}");
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the script closed its output and goes on");
    }
}
