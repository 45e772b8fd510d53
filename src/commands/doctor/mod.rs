//! `cortop doctor`: goes the way from the terminal to the samples, with the same client as the
//! monitor, and says of each thing on it how it is and what to do. It changes as little as it can:
//! its session is an open one, unless one lives already, and is closed afterwards.
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
use secrecy::SecretString;
use tokio::time::Instant;

use self::{
    headset::Choice,
    report::{Finding, Report, Style, Verdict},
    terminal::Terminal,
};
use crate::check::{Check, Trouble};
use crate::{
    cli,
    commands::{self, Visit, Walk},
    config::{self, Config, Credentials, Sources},
    console::{self, print_error, shutdown_signal},
    terminal::probe,
};
use cortop_client::{Command, Headset, HeadsetId, SessionMode, Stream, client::SessionPolicy};

/// How long signing in may take, the user's approval included.
const SIGN_IN: Duration = Duration::from_secs(20);
/// How long a headset is looked for: a scan, and a little more.
const SEARCH: Duration = Duration::from_secs(30);
/// How long connecting the headset and opening a session may take.
const OPEN: Duration = Duration::from_secs(45);
/// How long the list of live sessions is waited for.
const SESSIONS: Duration = Duration::from_secs(5);
/// Between two looks at the streams.
const LOOK: Duration = Duration::from_millis(250);
/// The exit status after Ctrl-C, as of a program that it has ended.
const INTERRUPTED: u8 = 130;

/// What the client walks through before there is a headset, in order.
const SIGNING_IN: [Check; 8] = [
    Check::Service,
    Check::Tls,
    Check::Version,
    Check::Login,
    Check::Approval,
    Check::Credentials,
    Check::Token,
    Check::Licence,
];

/// Checks everything; gives the exit status.
///
/// # Errors
/// It cannot start, or what is found cannot be printed.
pub fn run(args: &cli::Doctor, display: &cli::Display) -> Result<u8> {
    console::report_panics()?;
    let env = |name: &str| std::env::var(name).ok();
    let size = io::stdout().is_terminal().then(|| crossterm::terminal::size().ok()).flatten();
    let mut report = Report::new(Style::choose(args.json), size.map(|(columns, _)| columns));
    let seen = (io::stdin().is_terminal() && io::stdout().is_terminal())
        .then(|| Terminal { size, synchronized: probe::synchronized() });
    for finding in terminal::terminal(seen.as_ref(), &env) {
        report.add(finding)?;
    }

    let file = config::file_path();
    let place = display.config.clone().or_else(|| file.clone());
    let service = cli::Service { connection: args.connection.clone(), ..cli::Service::default() };
    let settings = config::load(&service, display, &Sources { env: &env, file });
    let checked = settings.and_then(|settings| {
        commands::start_log(display, settings.log_file.as_deref())?;
        Ok((client(&settings)?, settings))
    });
    match checked {
        Err(error) => report.add(Finding::new(
            Check::Config,
            Verdict::Fail,
            &format!("{error:#}").replace('\n', " "),
            "mend it, or compare with cortop print config",
        ))?,
        Ok((client, settings)) => {
            for finding in terminal::settings(&settings, place.as_deref()) {
                report.add(finding)?;
            }
            let headset = args.headset.clone().or(settings.headset);
            let missing = settings.credentials.err();
            let url = client.url.clone();
            let exam = Exam { url, missing, headset, adopted: false, report: &mut report };
            if console::block_on(examine(exam, client))? {
                return Ok(INTERRUPTED);
            }
        }
    }
    report.finish()
}

/// The client's settings for looking around; without credentials it gets as far as the login.
fn client(settings: &Config) -> Result<cortop_client::Config> {
    let nobody = || Credentials { id: SecretString::default(), secret: SecretString::default() };
    let credentials = settings.credentials.clone().unwrap_or_else(|_| nobody());
    let asked = cortop_client::Config {
        url: settings.url.clone(),
        ca_file: settings.ca_file.clone(),
        insecure: settings.insecure,
        client_id: credentials.id,
        client_secret: credentials.secret,
        headset: None,
        session: SessionPolicy::Open,
        debit: None,
        streams: Stream::ALL.to_vec(),
    };
    asked.check()?;
    Ok(asked)
}

/// Goes the way; true if the user has ended it.
async fn examine(mut exam: Exam<'_>, client: cortop_client::Config) -> Result<bool> {
    let told = shutdown_signal()?;
    let mut visit = Visit::new(client);
    let done = tokio::select! {
        done = exam.go(&mut visit) => done.map(|()| false),
        () = told => Ok(true),
    };
    visit.end().await;
    done
}

struct Exam<'a> {
    url: String,
    /// Why there are no credentials.
    missing: Option<String>,
    headset: Option<HeadsetId>,
    /// The session was there before, and belongs to another program.
    adopted: bool,
    report: &'a mut Report,
}

impl Exam<'_> {
    async fn go(&mut self, visit: &mut Visit) -> Result<()> {
        if !self.sign_in(visit).await? {
            return Ok(());
        }
        let Some(headset) = self.find(visit).await? else { return Ok(()) };
        if self.open(visit, &headset).await? {
            self.watch(visit, &headset).await?;
        }
        Ok(())
    }

    /// As far as there is a token; false if there is none.
    async fn sign_in(&mut self, visit: &mut Visit) -> Result<bool> {
        let limit = match &self.missing {
            None => Check::Headset,
            Some(_) => Check::Approval,
        };
        let mut told = false;
        let reached = visit
            .until(SIGN_IN, |walk| {
                if walk.is_waiting_for_approval() && !std::mem::replace(&mut told, true) {
                    tell(&format!("{}; waiting {} s", walk.waiting_for(), SIGN_IN.as_secs()));
                }
                let logged_in = limit == Check::Approval && is_logged_in(walk);
                (logged_in || walk.is_signed_in()).then_some(())
            })
            .await;
        let stuck = match (reached, &self.missing) {
            (Err(trouble), None) => Some(trouble),
            (Err(trouble), Some(_)) if trouble.check <= Check::Login => Some(trouble),
            (_, Some(why)) => {
                let (found, next) = why.split_once(": ").unwrap_or((why, ""));
                Some(Trouble::new(Check::Credentials, found, next))
            }
            (Ok(()), None) => None,
        };
        for check in SIGNING_IN {
            match &stuck {
                Some(trouble) if trouble.check == check => break,
                // Cortex asks for the credentials before it tells of an approval.
                Some(trouble)
                    if check == Check::Approval && trouble.check == Check::Credentials =>
                {
                    self.report.add(Finding::skipped(check, "asked after the credentials"))?;
                }
                _ => self.report.add(service::passed(check, &self.url, &visit.walk))?,
            }
        }
        let signed_in = stuck.is_none();
        if let Some(trouble) = stuck {
            self.report.add(trouble.into())?;
        }
        Ok(signed_in)
    }

    /// The headset to try.
    async fn find(&mut self, visit: &mut Visit) -> Result<Option<HeadsetId>> {
        let wanted = self.headset.clone();
        let mut told = false;
        let found = visit
            .until(SEARCH, |walk| {
                let headsets = walk.headsets.as_ref()?;
                let there = match &wanted {
                    Some(wanted) => headsets.iter().any(|headset| headset.id == *wanted),
                    None => !headsets.is_empty(),
                };
                // The client scans by itself as long as nothing is connected.
                let scanning = !walk.scanned && !headsets.iter().any(Headset::is_connected);
                if !there && scanning && !std::mem::replace(&mut told, true) {
                    tell("looking for headsets, which takes about 20 s");
                }
                (there || !scanning).then(|| headsets.clone())
            })
            .await;
        let headsets = match found {
            Ok(headsets) => headsets,
            Err(trouble) if trouble.check < Check::Headset => {
                self.report.add(trouble.into())?;
                return Ok(None);
            }
            Err(_) => visit.walk.headsets.clone().unwrap_or_default(),
        };
        let (choice, findings) = headset::choose(&headsets, wanted.as_ref());
        for finding in findings {
            self.report.add(finding)?;
        }
        Ok(match choice {
            Choice::This(headset) => Some(headset),
            Choice::None => None,
        })
    }

    /// A session on the headset, with its streams; false if there is none.
    async fn open(&mut self, visit: &mut Visit, headset: &HeadsetId) -> Result<bool> {
        tell(&format!("opening a session on {headset}"));
        // Nothing hangs on the answer but whose session it will be.
        let _ = visit.until(SESSIONS, |walk| walk.sessions.as_ref().map(|_| ())).await;
        let before = visit.walk.sessions.clone().unwrap_or_default();
        let mode = Some(SessionMode::Open);
        visit.order(Command::Open { headset: headset.clone(), mode }).await;
        let opened = visit
            .until(OPEN, |walk| {
                let opened = walk.session.as_ref()?;
                opened.subscribed.as_ref().map(|_| opened.clone())
            })
            .await;
        match opened {
            Ok(opened) => {
                self.adopted = before.iter().any(|session| session.id == opened.id);
                let found = format!("{} ({})", opened.mode, opened.why);
                self.report.add(Finding::pass(Check::Session, &found))?;
            }
            Err(trouble) => {
                if trouble.check > Check::Session {
                    self.report.add(Finding::pass(Check::Session, "opened"))?;
                }
                self.report.add(trouble.into())?;
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The first samples, and what is lost.
    async fn watch(&mut self, visit: &mut Visit, headset: &HeadsetId) -> Result<()> {
        tell(&format!("watching the streams for {} s", streams::WATCHED.as_secs()));
        let started = Instant::now();
        loop {
            if let Err(trouble) = visit.rest(LOOK).await {
                return self.report.add(trouble.into());
            }
            let Some(opened) = &visit.walk.session else {
                let next = "look at the log of EMOTIV Launcher, and try again";
                let found = "the session was closed while its streams were watched";
                return self.report.add(Trouble::new(Check::Session, found, next).into());
            };
            let snapshot = visit.snapshot();
            let enough = started.elapsed() >= streams::WATCHED
                && (streams::all_seen(opened, &snapshot) || started.elapsed() >= streams::SLOWEST);
            if enough {
                let licence = visit.walk.licence.as_ref();
                for finding in streams::samples(opened, headset, licence, &snapshot) {
                    let finding = self.of_another(finding);
                    self.report.add(finding)?;
                }
                self.report.add(streams::loss(&snapshot))?;
                return self.report.add(headset::clock(visit.walk.clocks.get(headset)));
            }
        }
    }

    /// Cortex may send the samples of another program's session to that program alone.
    fn of_another(&self, finding: Finding) -> Finding {
        if !(self.adopted && finding.verdict == Verdict::Fail) {
            return finding;
        }
        let next = "close the program that opened the session, then ask the doctor again";
        Finding { verdict: Verdict::Unsure, next: next.to_owned(), ..finding }
    }
}

fn is_logged_in(walk: &Walk) -> bool {
    walk.user.as_ref().is_some_and(|user| !user.is_other_os_user())
}

/// What is waited for, where a person is watching.
fn tell(line: &str) {
    if io::stderr().is_terminal() {
        print_error(line);
    }
}
