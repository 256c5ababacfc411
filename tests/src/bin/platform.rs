//! The platform, exactly as its own binary runs it: here, so that cargo builds it for the tests of this crate.

use std::process::ExitCode;

fn main() -> ExitCode {
    work_accounts::main(std::env::args_os())
}
