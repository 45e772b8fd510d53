//! The `cortop` program; all of it is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    cortop::commands::completion::complete();
    let cli = cortop::cli::Cli::read();
    cortop::run::main(&cli)
}
