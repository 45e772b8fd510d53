//! The commands without a screen: lists, samples on standard output, the doctor, and the simulator for
//! other clients. All but the last drive the same client as the monitor and interpret its events;
//! nothing here speaks to the service itself.
//!
//! `walk` follows how far the client has come, `visit` runs one until it is far enough. `list`,
//! `watch`, `doctor` and `sim` are the commands; `table`, `rows`, `json` and `output` what they write.

pub mod doctor;
mod json;
mod list;
mod output;
mod progress;
mod rows;
pub mod sim;
mod table;
mod visit;
mod walk;
mod watch;

use std::path::Path;

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
    console::{block_on, print, print_error, report_panics},
    logging,
};

/// Prints a list and ends.
///
/// # Errors
/// It cannot start as asked; the text says what to do.
pub fn list(subject: Subject, args: &cli::List, display: &cli::Display) -> Result<u8> {
    let only = cli::Service { connection: args.connection.clone(), ..cli::Service::default() };
    // Whatever the file says: looking costs nothing.
    let config = Config { debit: None, ..settings(&only, display)? };
    let service = config.client()?;
    block_on(async {
        Ok(match list::read(subject, service).await {
            Ok(found) => {
                let text = if args.json { found.json()? } else { found.table() };
                print(&text)?;
                0
            }
            Err(trouble) => {
                print_error(&trouble.to_string());
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
    let service = config.client()?;
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
        print_error(warning);
        tracing::warn!("{warning}");
    }
    Ok(config)
}

/// Starts the log.
pub(crate) fn start_log(display: &cli::Display, file: Option<&Path>) -> Result<()> {
    logging::init(display.verbose, file).map(drop)
}
