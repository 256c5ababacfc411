//! `work-accounts`: the command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    work_accounts::main(std::env::args_os())
}
