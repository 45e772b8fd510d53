//! `cortop watch`: the monitor's client, with lines of text instead of a screen. Before the first stream
//! flows it ends with an error that only the user can fix; after that it keeps trying, as the monitor does.

use std::{io, pin::pin, sync::atomic::Ordering, time::Duration};

use color_eyre::eyre::{Result, bail};
use tokio::sync::{mpsc, oneshot::error::RecvError};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::{
    client_state::ClientState,
    progress::{self, Progress},
    writers::{Csv, WriteError},
};
use crate::console::{print_error, wait_for_disk};
use crate::stage::{Failure, Stage};
use crate::{cli::OutputFormat, console::shutdown_signal};
use cortop_client::{Client, ClientConfig, Command, Event, Feed, Stream, feed};
use cortop_files::json_lines::JsonLines;
use cortop_protocol::values::Conformance;
use cortop_signal::sink::{FanOut, Sink};

/// How long signing in may take, including the user's approval.
const SIGN_IN: Duration = Duration::from_secs(60);

/// Maximum number of samples queued for a slow reader: two seconds of sixteen headsets.
const QUEUE: usize = 8192;

/// After this long without samples a headset was away, rather than its subscription just renewed.
const RENEWAL_LIMIT: Duration = Duration::from_secs(1);

/// Feed items handled at once.
const BATCH: usize = 256;

/// Checks that a format can hold the streams.
///
/// # Errors
/// One sentence with the next step.
pub(super) fn check(format: OutputFormat, streams: &[Stream]) -> Result<()> {
    if format == OutputFormat::Csv && streams.len() != 1 {
        bail!(
            "CSV holds a single stream, as each has columns of its own: choose one, such as \
             --streams eeg, or take --format jsonl"
        );
    }
    Ok(())
}

/// Why the command ends.
enum StopReason {
    /// The user interrupted it.
    Interrupted,
    /// The time is up.
    TimeUp,
    /// No more samples arrive, or nobody reads them.
    Unread,
    /// It cannot continue.
    Stuck(Failure),
    /// The samples cannot be written.
    Written(WriteError),
}

/// Prints samples; returns the exit status.
pub(super) async fn watch(
    config: ClientConfig,
    format: OutputFormat,
    duration: Option<Duration>,
) -> Result<u8> {
    match format {
        OutputFormat::Jsonl => {
            follow(config, JsonLines::new(io::stdout()), duration, &mut ()).await
        }
        OutputFormat::Csv => follow(config, Csv::new(io::stdout()), duration, &mut ()).await,
    }
}

/// What a command does besides passing samples to its sink.
pub(super) trait Companion {
    /// Handles an event of the client.
    fn on_event(&mut self, _event: &Event, _commands: &mpsc::Sender<Command>) {}

    /// Called twice a second; returns what the progress line says besides the samples.
    ///
    /// # Errors
    /// Its output cannot be printed.
    fn on_tick(&mut self) -> Result<String> {
        Ok(String::new())
    }

    /// Waits for items from elsewhere that go among the samples; pending forever if there can be none. Cancel
    /// safe.
    fn outside(
        &mut self,
        _commands: &mpsc::Sender<Command>,
    ) -> impl Future<Output = Vec<Feed>> + Send {
        std::future::pending()
    }

    /// What it means that samples flow again after the headset was away.
    fn on_return(&self, _away: Duration) -> String {
        String::new()
    }

    /// Whether the sink may process what is queued and end properly, although the user has interrupted.
    fn waits_for_sink(&self) -> bool {
        false
    }
}

impl Companion for () {}

/// Passes samples to a sink until a signal ends it; returns the exit status.
pub(super) async fn follow<S>(
    config: ClientConfig,
    sink: S,
    duration: Option<Duration>,
    companion: &mut impl Companion,
) -> Result<u8>
where
    S: Sink + Send + 'static,
    S::Error: Send + 'static,
    WriteError: From<S::Error>,
{
    // Before there is anything to end.
    let mut interrupted = pin!(shutdown_signal()?);
    let only_events = config.streams == [Stream::Sys];
    let (samples, mut feed) = feed();
    let mut client = Client::spawn(config, samples);
    let mut sinks = FanOut::default();
    let mut sink = sinks.add(sink, QUEUE)?;
    let mut watch = Watch::new();
    let mut batch = Vec::with_capacity(BATCH);
    let mut ticks = interval(progress::REFRESH_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let signed_in = Instant::now() + SIGN_IN;
    let mut over: Option<Instant> = None;

    let mut end = loop {
        let until = over.unwrap_or(signed_in);
        tokio::select! {
            () = &mut interrupted => break StopReason::Interrupted,
            error = &mut sink.ended => break StopReason::of(error),
            event = client.events.recv() => {
                let Some(event) = event else {
                    let next = "look into the log (--log-file FILE)";
                    break StopReason::Stuck(Failure::new(Stage::Service, "the client has ended", next));
                };
                companion.on_event(&event, &client.commands);
                if let Some(failure) = watch.on_event(event) {
                    break StopReason::Stuck(failure);
                }
                if watch.flows {
                    over = over.or_else(|| duration.map(|duration| Instant::now() + duration));
                }
            }
            count = feed.queue.recv_many(&mut batch, BATCH) => {
                if count == 0 {
                    break StopReason::Unread;
                }
                for item in batch.drain(..) {
                    sinks.push(&item);
                    if let Some(away) = watch.count(&item) {
                        let then = companion.on_return(away);
                        let seconds = away.as_secs_f64();
                        let said = format!("samples flow again after {seconds:.1} s{then}");
                        watch.progress.problem(&said);
                    }
                }
            }
            items = companion.outside(&client.commands) => {
                for item in &items {
                    sinks.push(item);
                }
            }
            () = sleep_until(until), if over.is_some() => break StopReason::TimeUp,
            () = sleep_until(until), if !watch.flows && !watch.state.is_signed_in() => {
                break StopReason::Stuck(watch.state.waiting_for());
            }
            _ = ticks.tick() => {
                watch.progress.clear();
                let note = companion.on_tick()?;
                watch.progress.show(&note);
            }
        }
    };
    watch.progress.clear();
    let unread = feed.dropped.load(Ordering::Relaxed);
    // The client must not wait for room in a feed that nobody reads.
    drop((feed, sinks));
    client.quit().await;
    if let StopReason::Interrupted = end
        && companion.waits_for_sink()
    {
        interrupted.set(shutdown_signal()?);
    }
    if companion.waits_for_sink() && !sink.ended.is_terminated() {
        tokio::select! {
            () = &mut interrupted => {}
            ended = wait_for_disk(&mut sink.ended) => match ended {
                Some(Ok(Err(error))) => end = StopReason::Written(error.into()),
                Some(_) => {}
                None => end = StopReason::Written(WriteError::DiskHangs),
            },
        }
    } else if matches!(end, StopReason::TimeUp) {
        // A slow reader may have the rest, unless the user does not wait for it.
        tokio::select! {
            () = &mut interrupted => {}
            ended = &mut sink.ended => if let Ok(Err(error)) = ended { end = StopReason::Written(error.into()) },
        }
    }
    let dropped = unread + sink.dropped.load(Ordering::Relaxed);
    if dropped > 0 {
        print_error(&format!("{dropped} samples are missing: they were not read fast enough"));
    }
    if watch.malformed > 0 {
        print_error(&format!("{} samples do not match their columns", watch.malformed));
    }
    Ok(watch.exit_code(end, only_events))
}

impl StopReason {
    /// The reason from a sink that has ended while samples may still arrive.
    fn of<E>(ended: Result<Result<(), E>, RecvError>) -> Self
    where
        WriteError: From<E>,
    {
        match ended {
            Ok(Err(error)) => Self::Written(error.into()),
            // Its thread has panicked.
            Ok(Ok(())) | Err(_) => Self::Unread,
        }
    }
}

struct Watch {
    state: ClientState,
    progress: Progress,
    /// Samples that did not match their columns.
    malformed: u64,
    /// Whether a stream has been granted.
    flows: bool,
    /// Whether streams were granted again, and no sample has arrived since.
    resumes: bool,
    /// When the newest sample was received.
    newest: Option<std::time::Instant>,
    /// Refusals already printed.
    reported: Vec<String>,
}

impl Watch {
    fn new() -> Self {
        Self {
            state: ClientState::default(),
            progress: Progress::new(),
            malformed: 0,
            flows: false,
            resumes: false,
            newest: None,
            reported: Vec::new(),
        }
    }

    /// Prints why it has ended, if there is something to say, and returns the exit status.
    fn exit_code(&self, end: StopReason, only_events: bool) -> u8 {
        let stuck = match end {
            StopReason::Stuck(failure) => failure,
            StopReason::Written(WriteError::Closed) | StopReason::Unread => return 0,
            StopReason::Written(error) => {
                print_error(&error.to_string());
                return 1;
            }
            StopReason::Interrupted | StopReason::TimeUp
                if self.progress.samples == 0 && !(self.flows && only_events) =>
            {
                self.state.waiting_for()
            }
            StopReason::Interrupted | StopReason::TimeUp => return 0,
        };
        print_error(&stuck.to_string());
        stuck.stage.exit_code()
    }

    /// Handles an event; returns a failure that ends the command.
    fn on_event(&mut self, event: Event) -> Option<Failure> {
        let (mut granted, mut refused) = (None, Vec::new());
        let mut of_another = None;
        if let Event::Subscribed { streams, theirs, refused: own, .. } = &event {
            of_another = (!theirs.is_empty()).then(|| ClientState::streams_of_another(theirs));
            granted = Some(!streams.is_empty());
            refused = own
                .iter()
                .map(|(stream, why)| {
                    let failure = Failure::refused(Stage::Samples, why);
                    Failure { found: format!("{stream} is refused: {}", failure.found), ..failure }
                })
                .collect();
        }
        let closed = match &event {
            Event::Closed { session, why, .. } => Some(format!("session {session} ended: {why}")),
            Event::Released { session, why } => {
                Some(format!("session {session} continues without cortop: {why}"))
            }
            _ => None,
        };
        self.state.on_event(event);
        self.progress.step(&self.state);
        for failure in &refused {
            self.report(failure.to_string());
        }
        if granted == Some(true) {
            self.resumes = self.flows;
            self.flows = true;
            self.progress.start();
            if let Some(others) = &of_another {
                self.report(others.to_string());
            }
        }
        if self.flows {
            if let Some(why) = closed {
                self.progress.problem(&why);
            }
            if let Some(failure) = self.state.failure() {
                self.report(failure.to_string());
            }
            return None;
        }
        if let Some(waits) = self.state.waits_for_headset() {
            self.report(waits.to_string());
        }
        if granted == Some(false) {
            return Some(of_another.unwrap_or_else(|| {
                let next = "choose others with --streams, or fix what is named above";
                Failure::new(Stage::Samples, "every stream is refused", next)
            }));
        }
        self.stuck()
    }

    /// A failure that only the user can fix.
    fn stuck(&self) -> Option<Failure> {
        let state = &self.state;
        let alone = state.is_searching() && state.scanned;
        state.needs_user().or_else(|| alone.then(|| state.waiting_for()))
    }

    /// Prints a refusal, once.
    fn report(&mut self, line: String) {
        if !self.reported.contains(&line) {
            self.progress.problem(&line);
            self.reported.push(line);
        }
    }

    /// Counts a sample; if it is the first since a subscription was renewed, returns how long there was none.
    fn count(&mut self, item: &Feed) -> Option<Duration> {
        let Feed::Sample(sample) = item else { return None };
        self.progress.samples += 1;
        self.malformed += u64::from(sample.values.fit != Conformance::Complete);
        let before = self.newest.replace(sample.received);
        let is_first = std::mem::take(&mut self.resumes);
        let away = before.filter(|_| is_first).map(|before| sample.received - before);
        away.filter(|away| *away >= RENEWAL_LIMIT)
    }
}

#[cfg(test)]
mod tests {
    use cortop_client::{ConnectionStep, Headset, Link, Sample, Security, Subscription};

    use super::*;

    #[test]
    fn streams_of_another_program_are_named_with_what_to_do() {
        let subscribed = |streams: &[Stream], theirs: &[Stream]| Event::Subscribed {
            session: "s".into(),
            streams: streams.to_vec(),
            theirs: theirs.to_vec(),
            refused: Vec::new(),
        };
        let reason = "another program with this client id has the headset's session and has \
                      subscribed its streams: eeg mot → end that program, or give this one the \
                      client id of another application";
        let mut watch = Watch::new();
        let stuck = watch.on_event(subscribed(&[], &[Stream::Eeg, Stream::Mot]));
        assert_eq!(stuck.map(|own| own.to_string()).as_deref(), Some(reason));
        // Streams that go to another program are missing here, which is reported, too.
        let mut watch = Watch::new();
        let stuck = watch.on_event(subscribed(&[Stream::Dev], &[Stream::Eeg, Stream::Mot]));
        assert!(stuck.is_none() && watch.flows);
        assert_eq!(watch.reported, [reason]);
    }

    #[test]
    fn a_headset_that_is_not_there_is_waited_for_and_the_nearest_is_named() {
        let mut watch = Watch::new();
        let headset = Headset { id: "EPOCX-3B9ACA07".into(), ..Headset::default() };
        assert!(watch.on_event(Event::Headsets(vec![headset])).is_none());
        let step = ConnectionStep::Missing("EPOCX".into());
        let missing = Event::Link(Link::Up { security: Security::Plain, step });
        assert!(watch.on_event(missing.clone()).is_none() && watch.on_event(missing).is_none());
        assert_eq!(
            watch.reported,
            [
                "EPOCX is not in reach; in reach: EPOCX-3B9ACA07 → switch it on and bring it closer: it \
              is waited for until Ctrl-C, and --duration begins with its first stream; if \
              EPOCX-3B9ACA07 is meant, give that with --headset"
            ]
        );
    }

    #[test]
    fn the_return_of_samples_is_told_once_with_its_length() {
        let mut watch = Watch::new();
        let subscribed = || Event::Subscribed {
            session: "s".into(),
            streams: vec![Stream::Mot],
            theirs: Vec::new(),
            refused: Vec::new(),
        };
        let subscription = std::sync::Arc::new(Subscription {
            session: "s".into(),
            headset: "EPOCX-1".into(),
            stream: Stream::Mot,
            columns: serde_json::from_str(r#"["Q0"]"#).expect("columns"),
            nominal_rate: None,
        });
        let begun = std::time::Instant::now();
        let sample = |millis: u64| {
            let (text, at) = (r#"{"mot":[1],"sid":"s","time":1}"#, Duration::from_millis(millis));
            let subscription = std::sync::Arc::clone(&subscription);
            Feed::Sample(std::sync::Arc::new(Sample::new(subscription, text.into(), begun + at)))
        };
        watch.on_event(subscribed());
        assert_eq!([0, 5000].map(|at| watch.count(&sample(at))), [None, None]);
        watch.on_event(subscribed());
        let away = Some(Duration::from_millis(3300));
        assert_eq!([8300, 8400].map(|at| watch.count(&sample(at))), [away, None]);
        // The columns changed, but the headset was not away.
        watch.on_event(subscribed());
        assert_eq!(watch.count(&sample(8500)), None);
    }
}
