//! The platform as a process of its own, on a data folder that outlives it.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, ExitStatus},
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::{
    client::Client,
    process::{Process, free_port},
};

/// How much the platform says of itself: more than in production, so that what must not be said has its chance.
const TRACE: &str = "info,commands=debug,devices=debug,directory=debug,dispatcher=debug,domain=debug,engine=debug,\
    eventlog=debug,gateway=debug,graphql_ws_server=debug,identity=debug,work_accounts=debug";

/// How long a start may take, in a debug build on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A place where the platform runs, again and again: folder, ports and settings stay the same.
#[derive(Debug)]
pub struct Installation {
    program: Vec<String>,
    folder: TempDir,
    gateway: u16,
    dispatcher: u16,
    operations: u16,
    options: Vec<String>,
    variables: Vec<(String, String)>,
    trace: String,
}

impl Installation {
    /// A new one. `program` is the command that runs the platform, without its arguments.
    pub fn new(program: &[&str]) -> Self {
        Self {
            program: program.iter().map(|&part| part.to_owned()).collect(),
            folder: tempfile::tempdir().unwrap(),
            gateway: free_port(),
            dispatcher: free_port(),
            operations: free_port(),
            options: Vec::new(),
            variables: Vec::new(),
            trace: TRACE.to_owned(),
        }
    }

    /// With more options on the command line.
    #[must_use]
    pub fn with(mut self, options: &[&str]) -> Self {
        self.options.extend(options.iter().map(|&option| option.to_owned()));
        self
    }

    /// With more variables in the environment.
    #[must_use]
    pub fn with_variables(mut self, variables: impl IntoIterator<Item = (String, String)>) -> Self {
        self.variables.extend(variables);
        self
    }

    /// With less said in the trace, as in production.
    #[must_use]
    pub fn quiet(mut self) -> Self {
        "warn".clone_into(&mut self.trace);
        self
    }

    /// The data folder.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A folder beside the data, for whatever else belongs to the test.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Everything that all processes so far have written to standard output and error.
    pub fn trace(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.trace_file()).unwrap()).into_owned()
    }

    fn trace_file(&self) -> PathBuf {
        self.folder.path().join("trace.log")
    }

    /// Origin of the gateway.
    pub fn origin(&self) -> String {
        format!("http://localhost:{}", self.gateway)
    }

    /// Address of the gateway, as a socket has it.
    pub fn gateway(&self) -> std::net::SocketAddr {
        (std::net::Ipv4Addr::LOCALHOST, self.gateway).into()
    }

    /// Where units reach the dispatcher.
    pub fn dispatcher_url(&self) -> String {
        format!("ws://localhost:{}/graphql", self.dispatcher)
    }

    /// A page of the port for operators.
    pub fn operations(&self, page: &str) -> String {
        format!("http://localhost:{}/{page}", self.operations)
    }

    /// A client of the gateway that has not signed in.
    pub fn client(&self) -> Client {
        Client::new(&self.origin())
    }

    /// Starts the platform and waits until it is ready.
    pub async fn start(&self) -> Process {
        let mut process = Process::new(self.command().spawn().expect("the platform can be started"));
        let (started, http) = (Instant::now(), reqwest::Client::new());
        loop {
            let answer = http.get(self.operations("readyz")).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return process;
            }
            if let Some(status) = process.ended() {
                panic!("the platform ended while starting, {status}:\n{}", self.last_words());
            }
            assert!(started.elapsed() < PATIENCE, "the platform does not get ready:\n{}", self.last_words());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Ends it in good order; fails if it did not.
    pub fn stop(&self, process: Process) {
        let status: ExitStatus = process.terminate();
        assert!(status.success(), "the platform did not end in good order, {status}:\n{}", self.last_words());
    }

    fn command(&self) -> Command {
        let trace = File::options().create(true).append(true).open(self.trace_file()).unwrap();
        let [program, arguments @ ..] = self.program.as_slice() else { panic!("the program has a name") };
        let mut command = Command::new(program);
        command.args(arguments).arg("serve");
        command.arg("--data").arg(self.data());
        let listen = |port: u16| format!("127.0.0.1:{port}");
        command.args(["--listen", &listen(self.gateway), "--dispatcher-listen", &listen(self.dispatcher)]);
        command.args(["--operations-listen", &listen(self.operations)]);
        command.args(["--public-origin", &self.origin(), "--dispatcher-url", &self.dispatcher_url()]);
        command.args(&self.options).envs(self.variables.iter().cloned()).env("RUST_LOG", &self.trace);
        command.stdout(trace.try_clone().unwrap()).stderr(trace);
        command
    }

    fn last_words(&self) -> String {
        let trace = self.trace();
        let lines: Vec<_> = trace.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }

    /// The file of the log.
    pub fn log_file(&self) -> PathBuf {
        self.data().join("log/log.db")
    }

    /// The file of each view.
    pub fn view_files(&self) -> Vec<PathBuf> {
        self.files_of_views().into_iter().filter(|file| file.extension().is_some_and(|e| e == "db")).collect()
    }

    /// Files of the views, with all that SQLite keeps beside them.
    pub fn files_of_views(&self) -> Vec<PathBuf> {
        files_in(&self.data().join("views"))
    }

    /// Files of the log and the vault, with all that SQLite keeps beside them.
    pub fn log_files(&self) -> Vec<PathBuf> {
        files_in(&self.data().join("log"))
    }
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}
