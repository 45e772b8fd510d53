//! `cortop login`: asks for client id and secret, has Cortex check them, and stores them in the system's
//! keyring or in the config file.

use std::{
    io::{self, IsTerminal as _, Write as _},
    time::Duration,
};

use color_eyre::eyre::{Result, WrapErr as _, bail, eyre};

use super::{ProbeSession, load, report_warnings};
use crate::{
    cli::{self, SecretStore},
    config::{self, Credentials, CredentialsFile, Keyring},
    console::{block_on, print, print_error, shutdown_signal},
    stage::{Failure, Stage},
};
use cortop_client::ClientConfig;

/// How long Cortex may take to check them.
const CHECK: Duration = Duration::from_secs(20);
/// The exit status if they cannot be stored.
const NOT_KEPT: u8 = 1;
/// The exit status after Ctrl-C, the same as of a program killed by it.
const INTERRUPTED: u8 = 130;

/// Asks for, checks and stores the credentials; returns the exit status.
///
/// # Errors
/// It cannot start as asked; the text says what to do.
pub fn run(args: &cli::LoginArgs, display: &cli::DisplayArgs) -> Result<u8> {
    let service = cli::ServiceArgs::from(&args.connection);
    let config = load(&service, display, || None).inspect(report_warnings)?;
    let place = display.common.config.clone().or_else(config::file_path);
    let place = place.ok_or_else(|| eyre!("this system has no place for a config file"))?;
    if args.forget {
        return forget(CredentialsFile::open(&place)?);
    }
    // Before the questions: whatever prevents the login anyway fails before anything is typed.
    let file = CredentialsFile::open(&place)?;
    if args.store == Some(SecretStore::File) || (args.store.is_none() && Keyring::open().is_err()) {
        file.check_writable()?;
    }
    match block_on(reach(config.probe(None)?))? {
        None => return Ok(INTERRUPTED),
        Some(Err(failure)) => return Ok(refuse(&failure)),
        Some(Ok(())) => {}
    }
    let overriding = config.overriding.join(" and ");
    if !overriding.is_empty() {
        print_error(&format!(
            "{overriding} in the environment will override what is kept now: unset them first, \
             or correct them there"
        ));
    }
    let Some(credentials) = ask()? else {
        return Ok(INTERRUPTED);
    };
    match block_on(check(config.probe(Some(credentials.clone()))?))? {
        None => return Ok(INTERRUPTED),
        Some(Err(failure)) => return Ok(refuse(&failure)),
        Some(Ok(note)) => print(note)?,
    }
    if let Err(error) = keep(args.store, file, &credentials) {
        print_error(&format!("{error:#}"));
        return Ok(NOT_KEPT);
    }
    if !overriding.is_empty() {
        print_error(&format!(
            "cortop goes on using {overriding} of the environment: unset them to use what is kept"
        ));
    }
    Ok(0)
}

/// Reports why nothing is kept; returns the exit status.
fn refuse(failure: &Failure) -> u8 {
    print_error(&format!("{failure}; nothing is kept"));
    failure.stage.exit_code()
}

/// Waits until the service is reached and a user is logged in to it, which needs no credentials; `None` if
/// the user interrupted it.
async fn reach(service: ClientConfig) -> Result<Option<Result<(), Failure>>> {
    let interrupted = shutdown_signal()?;
    let mut probe = ProbeSession::new(service);
    let reached = tokio::select! {
        reached = probe.wait_until(CHECK, |state| state.is_logged_in().then_some(())) => {
            // A later failure is one of the credentials, of which there are none yet.
            Some(reached.or_else(|failure| {
                if failure.stage <= Stage::Login { Err(failure) } else { Ok(()) }
            }))
        }
        () = interrupted => None,
    };
    probe.close().await;
    Ok(reached)
}

/// Reads both, the secret without echo; `None` if the user interrupted it.
fn ask() -> Result<Option<Credentials>> {
    let line = || -> Result<String> {
        let mut line = String::new();
        io::stdin().read_line(&mut line).wrap_err("standard input cannot be read")?;
        Ok(line.trim().to_owned())
    };
    let (id, secret) = if io::stdin().is_terminal() {
        print("Client id: ")?;
        io::stdout().flush()?;
        let id = line()?;
        let Some(secret) = read_secret()? else { return Ok(None) };
        (id, secret.trim().to_owned())
    } else {
        (line()?, line()?)
    };
    if id.is_empty() || secret.is_empty() {
        bail!(
            "client id and secret are needed: an EMOTIV account gives them under \"Cortex Apps\""
        );
    }
    Ok(Some(Credentials::new(id, secret)))
}

/// Reads the secret without echo; `None` after a signal, with the terminal restored.
fn read_secret() -> Result<Option<String>> {
    #[cfg(unix)]
    let before = rustix::termios::tcgetattr(io::stdin()).ok();
    let secret = block_on(async {
        let interrupted = shutdown_signal()?;
        let read = || rpassword::prompt_password("Client secret (not shown): ");
        tokio::select! {
            secret = tokio::task::spawn_blocking(read) => match secret? {
                // Ctrl-C was read as a character before its signal was noticed.
                Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(None),
                secret => secret.map(Some).wrap_err("the secret cannot be read"),
            },
            () = interrupted => Ok(None),
        }
    })?;
    if secret.is_none() {
        #[cfg(unix)]
        if let Some(before) = before {
            let now = rustix::termios::OptionalActions::Now;
            let _ = rustix::termios::tcsetattr(io::stdin(), now, &before);
        }
        print("\n")?;
    }
    Ok(secret)
}

/// Has Cortex check them; `None` if the user interrupted it.
async fn check(service: ClientConfig) -> Result<Option<Result<&'static str, Failure>>> {
    let interrupted = shutdown_signal()?;
    let mut probe = ProbeSession::new(service);
    // Cortex checks the credentials before it asks the user for approval.
    let accepted = probe.wait_until(CHECK, |state| {
        let approval = state.is_waiting_for_approval();
        (approval || state.is_signed_in()).then_some(approval)
    });
    let checked = tokio::select! {
        checked = accepted => Some(match checked {
            Ok(true) => Ok("Cortex accepts them; approve the application in EMOTIV Launcher.\n"),
            Ok(false) => Ok("Cortex accepts them.\n"),
            // They are valid; the failure is at a later stage.
            Err(failure) if failure.stage > Stage::Credentials => Ok("Cortex accepts them.\n"),
            Err(failure) => Err(failure),
        }),
        () = interrupted => None,
    };
    probe.close().await;
    Ok(checked)
}

/// Stores them in one place, and reports which.
fn keep(
    store: Option<SecretStore>,
    file: CredentialsFile,
    credentials: &Credentials,
) -> Result<()> {
    let place = file.path().display().to_string();
    let in_keyring = || Keyring::open().and_then(|keyring| keyring.write(credentials));
    let kept = match store {
        Some(SecretStore::File) => Err(None),
        Some(SecretStore::Keyring) => Ok(in_keyring().map_err(|error| {
            eyre!("the system's keyring does not take them: {error}; `--store file` keeps them in {place}")
        })?),
        None => in_keyring().map_err(Some),
    };
    match kept {
        Ok(()) => {
            print("They are kept in the system's keyring.\n")?;
            if file.remove()? {
                print(&format!(
                    "Those in {place} were removed: they would have overridden the new ones.\n"
                ))?;
            }
        }
        Err(why) => {
            file.write(credentials)?;
            let why = why.map_or("", |error| {
                tracing::info!("the system's keyring cannot be used: {error}");
                " (no keyring answers here; --log-file FILE says why)"
            });
            print(&format!("They are kept in {place}, which only you can read{why}.\n"))?;
        }
    }
    Ok(())
}

fn forget(file: CredentialsFile) -> Result<u8> {
    let place = file.path().display().to_string();
    let mut from = Vec::new();
    if Keyring::open().and_then(|keyring| keyring.remove()).unwrap_or_default() {
        from.push("the system's keyring");
    }
    if file.remove()? {
        from.push(&place);
    }
    print(&match from.as_slice() {
        [] => "There were none to remove.\n".to_owned(),
        from => format!("Removed from {}.\n", from.join(" and ")),
    })?;
    Ok(0)
}
