//! Writes `schema/graphql/*.graphql`. With `--check` it writes nothing and fails if they are not up to date.

use std::process::ExitCode;

use tests::sdl;

fn main() -> ExitCode {
    if std::env::args().any(|argument| argument == "--check") {
        let outdated = sdl::outdated();
        outdated.iter().for_each(|path| eprintln!("{} is not up to date: run `make schema`", path.display()));
        return if outdated.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    match sdl::write() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
