//! The commands without a screen: lists, and samples on standard output. They drive the same client
//! as the monitor and interpret what it tells; nothing here speaks to the service itself.
//!
//! `check` names what lies between the user and the samples, `walk` tells how far the client has
//! come, `visit` runs one until it is far enough. `list` and `watch` are the commands, `table`,
//! `rows`, `json` and `output` what they write.

pub mod check;
mod json;
mod list;
mod output;
mod progress;
mod rows;
mod table;
mod visit;
mod walk;
mod watch;

use std::{
    io::{self, Write as _},
    path::Path,
};

use color_eyre::eyre::Result;

pub use self::list::Subject;
pub(crate) use self::{
    json::pretty,
    visit::Visit,
    walk::{Opened, Walk},
};
use crate::{
    cli,
    config::{self, Config, Sources},
    cortex::sanitize,
    logging,
    run::{print, report_panics, service},
};

/// Prints a list and ends.
///
/// # Errors
/// It cannot start as asked; the text says what to do.
pub fn list(subject: Subject, args: &cli::List, display: &cli::Display) -> Result<u8> {
    let only = cli::Service { connection: args.connection.clone(), ..cli::Service::default() };
    // Whatever the file says: looking costs nothing.
    let config = Config { debit: None, ..settings(&only, display)? };
    let service = service(&config)?;
    block_on(async {
        Ok(match list::read(subject, service).await {
            Ok(found) => {
                let text = if args.json { found.json()? } else { found.table() };
                print(&text)?;
                0
            }
            Err(trouble) => {
                say(&trouble.to_string());
                trouble.check.exit_code()
            }
        })
    })
}

/// Prints samples until told to end.
///
/// # Errors
/// It cannot start as asked; the text says what to do.
pub fn watch(args: &cli::Watch, display: &cli::Display) -> Result<u8> {
    let config = settings(&args.service, display)?;
    watch::check(args.format, &config.streams)?;
    let service = service(&config)?;
    block_on(watch::watch(service, args.format, args.duration))
}

/// The settings in force, with the log started.
fn settings(service: &cli::Service, display: &cli::Display) -> Result<Config> {
    report_panics()?;
    let env = |name: &str| std::env::var(name).ok();
    let file = config::file_path();
    let config = config::load(service, display, &Sources { env: &env, file })?;
    start_log(display, config.log_file.as_deref())?;
    for warning in &config.warnings {
        say(warning);
        tracing::warn!("{warning}");
    }
    Ok(config)
}

/// Starts the log.
pub(crate) fn start_log(display: &cli::Display, file: Option<&Path>) -> Result<()> {
    logging::init(display.verbose, file).map(drop)
}

/// Runs a command on a runtime of its own.
pub(crate) fn block_on<T>(command: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let done = runtime.block_on(command);
    // A name that is still being looked up does not hold the exit back.
    runtime.shutdown_background();
    done
}

/// A line on standard error. Nobody may be listening there, which is no failure.
pub(crate) fn say(line: &str) {
    let _ = writeln!(io::stderr(), "cortop: {}", sanitize::clean(line));
}
