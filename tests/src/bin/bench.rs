//! `make bench`: measures, prints a table and writes `target/bench.json`. With names of benchmarks as arguments it runs
//! only these. It starts itself again as the platform and as the floor, each a process of its own.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a measurement, not a part of the product")]

use std::process::ExitCode;

use rustix::process::{Resource, Rlimit};
use tests::{
    bench::{
        Figure, accounts, append, floor, history, import, machine, memory, million, people, reboot, rebuild, report,
        saml, seed, sessions,
    },
    repository,
};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).peekable();
    match arguments.peek().map(String::as_str) {
        Some(seed::PLATFORM) => platform(),
        Some(floor::ARGUMENT) => {
            runtime().block_on(floor::serve());
            ExitCode::SUCCESS
        }
        _ => {
            allow_many_files();
            let chosen: Vec<_> = arguments.collect();
            runtime().block_on(run(&chosen))
        }
    }
}

/// A thousand units are two thousand sockets, here and, with what it inherits, in the platform.
fn allow_many_files() {
    let limit = rustix::process::getrlimit(Resource::Nofile);
    rustix::process::setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).unwrap();
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap()
}

fn platform() -> ExitCode {
    // The first argument is the word that led here.
    let arguments = std::env::args_os().enumerate().filter(|(index, _)| *index != 1).map(|(_, argument)| argument);
    work_accounts::main(arguments)
}

async fn run(chosen: &[String]) -> ExitCode {
    let watch = machine::Watch::start();
    let wanted = |name: &str| chosen.is_empty() || chosen.iter().any(|chosen| chosen == name);
    let mut figures: Vec<Figure> = Vec::new();
    let mut take = |new: Vec<Figure>| {
        eprint!("{}", report::table(&new));
        figures.extend(new);
    };
    if wanted("append") {
        take(append::run().await);
    }
    if wanted("memory") {
        take(memory::run().await);
    }
    if ["accounts", "viewer", "people", "sign_ins", "rebuild", "reboot"].into_iter().any(wanted) {
        let (town, platform) = seed::Town::found().await;
        if wanted("accounts") {
            take(accounts::run(&town, &platform).await);
        }
        if wanted("viewer") {
            take(sessions::viewer(&town).await);
        }
        if ["people", "sign_ins", "rebuild"].into_iter().any(wanted) {
            town.fill().await;
        }
        if wanted("people") {
            take(people::run(&town).await);
        }
        if wanted("sign_ins") {
            take(sessions::sign_ins(&town).await);
        }
        town.installation.stop(platform);
        if wanted("rebuild") {
            take(rebuild::run(&town).await);
        }
        if wanted("reboot") {
            take(reboot::run(&town).await);
        }
    }
    if wanted("saml") {
        take(saml::run().await);
    }
    if wanted("sessions") {
        take(sessions::live().await);
    }
    if wanted("import") {
        take(import::run().await);
    }
    if wanted("million") {
        take(million::run().await);
    }
    if wanted("history") {
        take(history::run().await);
    }
    figures.splice(..0, watch.end());
    println!("\n{}", report::table(&figures));
    report::write_json(&repository::root().join("target/bench.json"), &figures).unwrap();
    // A missed target is for people to weigh; on a busy or small machine it says little.
    ExitCode::SUCCESS
}
