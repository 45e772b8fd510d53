//! `cortop doctor`: checks every stage from the terminal to the samples, with the same client as the monitor,
//! and reports its state and what to do. It changes as little as possible: it opens a session without
//! activating it, unless there is one already, and closes it afterwards.
//!
//! `terminal`, `service`, `headset` and `streams` judge what is found, `report` prints it.

mod headset;
mod report;
mod service;
mod streams;
mod terminal;

use std::{
    io::{self, IsTerminal as _},
    time::Duration,
};

use color_eyre::eyre::Result;
use tokio::time::Instant;

use self::{
    headset::Choice,
    report::{Diagnosis, Report, Style},
    terminal::Terminal,
};
use crate::stage::{Failure, Stage};
use crate::{
    cli,
    commands::{self, ProbeSession},
    config::{self, Keyring, MissingCredentials, Sources},
    console::{self, print_error, shutdown_signal},
    terminal::probe,
};
use cortop_client::{Command, ErrorKind, Headset, HeadsetId, SessionMode, transport::local_port};

/// How long signing in may take, including the user's approval.
const SIGN_IN: Duration = Duration::from_secs(20);
/// How long to search for a headset: a scan, and a little more.
const SEARCH: Duration = Duration::from_secs(30);
/// How long connecting the headset and opening a session may take.
const OPEN: Duration = Duration::from_secs(45);
/// How long to wait for the list of live sessions.
const SESSIONS: Duration = Duration::from_secs(5);
/// How often to look at the streams.
const LOOK: Duration = Duration::from_millis(250);
/// The exit status after Ctrl-C, the same as of a program killed by it.
const INTERRUPTED: u8 = 130;

/// The stages before there is a headset, in order.
const SIGNING_IN: [Stage; 8] = [
    Stage::Service,
    Stage::Tls,
    Stage::Version,
    Stage::Login,
    Stage::Approval,
    Stage::Credentials,
    Stage::Token,
    Stage::Licence,
];

/// Checks everything; returns the exit status.
///
/// # Errors
/// It cannot start, or cannot print the report.
pub fn run(args: &cli::DoctorArgs, display: &cli::DisplayArgs) -> Result<u8> {
    console::report_panics()?;
    let env = |name: &str| std::env::var(name).ok();
    let size = io::stdout().is_terminal().then(|| crossterm::terminal::size().ok()).flatten();
    let mut report = Report::new(Style::choose(args.json), size.map(|(columns, _)| columns));
    let seen = (io::stdin().is_terminal() && io::stdout().is_terminal())
        .then(|| Terminal { size, answers: probe::ask_without_screen(config::utf8(&env)) });
    for diagnosis in terminal::terminal(seen.as_ref(), &env) {
        report.add(diagnosis)?;
    }

    let file = config::file_path();
    let place = display.common.config.clone().or_else(|| file.clone());
    let service = cli::ServiceArgs::from(&args.connection);
    let settings =
        config::load(&service, display, &Sources { env: &env, file, keyring: &Keyring::read });
    let checked = settings.and_then(|settings| {
        commands::start_log(display, settings.log_file.as_deref())?;
        Ok((settings.probe(settings.credentials.clone().ok())?, settings))
    });
    match checked {
        Err(error) => report.add(terminal::invalid(&error))?,
        Ok((client, settings)) => {
            for diagnosis in terminal::settings(&settings, place.as_deref()) {
                report.add(diagnosis)?;
            }
            let headset = args.headset.clone().or(settings.headset);
            let missing = settings.credentials.err();
            let url = client.url.clone();
            let overridden = !settings.overriding.is_empty();
            let report = &mut report;
            let examination =
                Examination { url, missing, overridden, headset, adopted: false, report };
            if console::block_on(examine(examination, client))? {
                return Ok(INTERRUPTED);
            }
        }
    }
    report.finish()
}

/// Checks what needs the service; true if the user interrupted it.
async fn examine(
    mut examination: Examination<'_>,
    client: cortop_client::ClientConfig,
) -> Result<bool> {
    let interrupted = shutdown_signal()?;
    let mut probe = ProbeSession::new(client);
    let done = tokio::select! {
        done = examination.run(&mut probe) => done.map(|()| false),
        () = interrupted => Ok(true),
    };
    probe.close().await;
    done
}

struct Examination<'a> {
    url: String,
    /// Why there are no credentials.
    missing: Option<MissingCredentials>,
    /// Whether the environment overrides stored credentials.
    overridden: bool,
    headset: Option<HeadsetId>,
    /// Whether the session existed before, and belongs to another program.
    adopted: bool,
    report: &'a mut Report,
}

impl Examination<'_> {
    async fn run(&mut self, probe: &mut ProbeSession) -> Result<()> {
        if !self.sign_in(probe).await? {
            return Ok(());
        }
        let Some(headset) = self.find(probe).await? else { return Ok(()) };
        if self.open(probe, &headset).await? {
            self.watch(probe, &headset).await?;
        }
        Ok(())
    }

    /// Waits for a token; false if there is none.
    async fn sign_in(&mut self, probe: &mut ProbeSession) -> Result<bool> {
        let limit = match &self.missing {
            None => Stage::Headset,
            Some(_) => Stage::Approval,
        };
        let mut reported = false;
        let reached = probe
            .wait_until(SIGN_IN, |state| {
                if state.is_waiting_for_approval() && !std::mem::replace(&mut reported, true) {
                    report_progress(&format!(
                        "{}; waiting {} s",
                        state.waiting_for(),
                        SIGN_IN.as_secs()
                    ));
                }
                let logged_in = limit == Stage::Approval && state.is_logged_in();
                (logged_in || state.is_signed_in()).then_some(())
            })
            .await;
        let stuck = match (reached, &self.missing) {
            (Err(failure), None) => Some(failure),
            (Err(failure), Some(_)) if failure.stage <= Stage::Login => Some(failure),
            (_, Some(why)) => Some(Failure::new(Stage::Credentials, &why.found, &why.next)),
            (Ok(()), None) => None,
        };
        for stage in SIGNING_IN {
            match &stuck {
                Some(failure) if failure.stage == stage => break,
                // Cortex checks the credentials before it reports an approval.
                Some(failure)
                    if stage == Stage::Approval && failure.stage == Stage::Credentials =>
                {
                    self.report.add(Diagnosis::skipped(stage, "asked after the credentials"))?;
                }
                _ => self.report.add(service::passed(stage, &self.url, &probe.state))?,
            }
        }
        let signed_in = stuck.is_none();
        if let Some(failure) = stuck {
            let command = self.remedy(&failure);
            self.report.add(Diagnosis::from(failure).fixed_by(command))?;
        }
        Ok(signed_in)
    }

    /// The command that fixes what prevents signing in.
    fn remedy(&self, failure: &Failure) -> Option<String> {
        let missing = failure.kind.is_none() && failure.stage == Stage::Credentials;
        match failure.kind {
            // What is stored would be overridden.
            _ if missing && self.overridden => None,
            _ if missing => Some(self.at_service("cortop login")),
            Some(ErrorKind::WrongCredentials) if !self.overridden => {
                Some(self.at_service("cortop login"))
            }
            Some(ErrorKind::Untrusted) if local_port(&self.url).is_some() => {
                Some(self.at_service("cortop trust"))
            }
            _ => None,
        }
    }

    /// A command for the service that is examined.
    fn at_service(&self, command: &str) -> String {
        if self.url == config::DEFAULT_URL {
            command.to_owned()
        } else {
            format!("{command} --url {}", self.url)
        }
    }

    /// Finds the headset to try.
    async fn find(&mut self, probe: &mut ProbeSession) -> Result<Option<HeadsetId>> {
        let wanted = self.headset.clone();
        let mut reported = false;
        let found = probe
            .wait_until(SEARCH, |state| {
                if state.cannot_list_headsets().is_some() {
                    return Some(());
                }
                let headsets = state.headsets.as_ref()?;
                let there = match &wanted {
                    Some(wanted) => headsets.iter().any(|headset| headset.id == *wanted),
                    None => !headsets.is_empty(),
                };
                // The client scans automatically as long as nothing is connected.
                let scanning = !state.scanned && !headsets.iter().any(Headset::is_connected);
                if !there && scanning && !std::mem::replace(&mut reported, true) {
                    report_progress("looking for headsets, which takes about 20 s");
                }
                (there || !scanning).then_some(())
            })
            .await;
        let failure = match (found, &probe.state.headsets, probe.state.cannot_list_headsets()) {
            (_, None, Some(refusal)) => Some(Failure::refused(Stage::Headset, refusal)),
            (Err(failure), headsets, _) if headsets.is_none() || failure.stage < Stage::Headset => {
                Some(failure)
            }
            _ => None,
        };
        if let Some(failure) = failure {
            self.report.add(failure.into())?;
            return Ok(None);
        }
        let headsets = probe.state.headsets.clone().unwrap_or_default();
        let (choice, diagnoses) = headset::choose(&headsets, wanted.as_ref());
        for diagnosis in diagnoses {
            self.report.add(diagnosis)?;
        }
        Ok(match choice {
            Choice::This(headset) => Some(headset),
            Choice::None => None,
        })
    }

    /// Opens a session on the headset, with its streams; false if that fails.
    async fn open(&mut self, probe: &mut ProbeSession, headset: &HeadsetId) -> Result<bool> {
        report_progress(&format!("opening a session on {headset}"));
        // The answer only decides whose session it will be.
        let _ = probe.wait_until(SESSIONS, |state| state.sessions.as_ref().map(|_| ())).await;
        let before = probe.state.sessions.clone().unwrap_or_default();
        let mode = Some(SessionMode::Open);
        probe.send(Command::Open { headset: headset.clone(), mode }).await;
        let opened = probe
            .wait_until(OPEN, |state| {
                let opened = state.session.as_ref()?;
                opened.subscribed.as_ref().map(|_| opened.clone())
            })
            .await;
        match opened {
            Ok(opened) => {
                self.adopted = before.iter().any(|session| session.id == opened.id);
                let found = format!("{} ({})", opened.mode, opened.why);
                self.report.add(Diagnosis::pass(Stage::Session, &found))?;
            }
            Err(failure) => {
                if failure.stage > Stage::Session {
                    self.report.add(Diagnosis::pass(Stage::Session, "opened"))?;
                }
                self.report.add(failure.into())?;
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Checks the first samples, and the losses.
    async fn watch(&mut self, probe: &mut ProbeSession, headset: &HeadsetId) -> Result<()> {
        report_progress(&format!("watching the streams for {} s", streams::WATCHED.as_secs()));
        let started = Instant::now();
        loop {
            if let Err(failure) = probe.listen(LOOK).await {
                return self.report.add(failure.into());
            }
            let Some(opened) = &probe.state.session else {
                let next = "look at the log of EMOTIV Launcher, and try again";
                let found = "the session was closed while its streams were watched";
                return self.report.add(Failure::new(Stage::Session, found, next).into());
            };
            let snapshot = probe.snapshot();
            let enough = started.elapsed() >= streams::WATCHED
                && (streams::all_seen(opened, &snapshot) || started.elapsed() >= streams::SLOWEST);
            if enough {
                let licence = probe.state.licence.as_ref();
                let adopted = self.adopted;
                for diagnosis in streams::samples(opened, headset, licence, adopted, &snapshot) {
                    self.report.add(diagnosis)?;
                }
                self.report.add(streams::loss(&snapshot))?;
                return self.report.add(headset::clock(probe.state.clocks.get(headset)));
            }
        }
    }
}

/// Reports progress if a person is watching.
fn report_progress(line: &str) {
    if io::stderr().is_terminal() {
        print_error(line);
    }
}
