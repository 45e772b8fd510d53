//! `cortop watch`: the monitor's client, with lines of text in place of a screen. Before the first
//! stream flows it ends with what only the user can mend; from then on it holds on as the monitor
//! does.

use std::{pin::pin, sync::atomic::Ordering, time::Duration};

use color_eyre::eyre::{Result, bail};
use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};

use super::{
    client_state::ClientState,
    output::{self, Written},
    progress::{self, Progress},
    rows::Rows,
};
use crate::console::print_error;
use crate::stage::{Failure, Stage};
use crate::{cli::Format, console::shutdown_signal};
use cortop_client::{Client, Config, Event, Feed, Stream, feed};

/// How long signing in may take, the user's approval included.
const SIGN_IN: Duration = Duration::from_mins(1);

/// Items of the feed that are written at once.
const BATCH: usize = 256;

/// What a form of samples cannot do.
///
/// # Errors
/// One sentence with the next step.
pub(super) fn check(format: Format, streams: &[Stream]) -> Result<()> {
    if format == Format::Csv && streams.len() != 1 {
        bail!(
            "CSV holds a single stream, as each has columns of its own: choose one, such as \
             --streams eeg, or take --format jsonl"
        );
    }
    Ok(())
}

/// Why it ends.
enum End {
    /// The user says so.
    Told,
    /// The time is over.
    Over,
    /// Nobody takes the samples any more.
    Unread,
    /// It cannot go on.
    Stuck(Failure),
    /// The samples cannot be written as asked.
    Failed(String),
}

/// Prints samples; gives the exit status.
pub(super) async fn watch(
    config: Config,
    format: Format,
    duration: Option<Duration>,
) -> Result<u8> {
    // Before anything can be ended.
    let mut told = pin!(shutdown_signal()?);
    let only_events = config.streams == [Stream::Sys];
    let (samples, mut feed) = feed();
    let mut client = Client::spawn(config, samples);
    let (out, mut written) = output::spawn();
    let mut watch = Watch::new(format);
    let mut ticks = interval(progress::TURN);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let signed_in = Instant::now() + SIGN_IN;
    let mut over: Option<Instant> = None;

    let mut end = loop {
        let until = over.unwrap_or(signed_in);
        tokio::select! {
            () = &mut told => break End::Told,
            () = out.closed() => break End::Unread,
            event = client.events.recv() => {
                let Some(event) = event else {
                    let next = "look into the log (--log-file FILE)";
                    break End::Stuck(Failure::new(Stage::Service, "the client has ended", next));
                };
                if let Some(failure) = watch.on_event(event) {
                    break End::Stuck(failure);
                }
                if watch.flows {
                    over = over.or_else(|| duration.map(|duration| Instant::now() + duration));
                }
            }
            taken = take(&out, &mut feed.queue) => match taken {
                Some((room, first)) => {
                    let more = std::iter::from_fn(|| feed.queue.try_recv().ok()).take(BATCH);
                    match watch.lines(std::iter::once(first).chain(more)) {
                        Ok(lines) if lines.is_empty() => {}
                        Ok(lines) => room.send(lines),
                        Err(error) => break End::Failed(error.to_string()),
                    }
                }
                None => break End::Unread,
            },
            () = sleep_until(until), if over.is_some() => break End::Over,
            () = sleep_until(until), if !watch.flows && !watch.state.is_signed_in() => {
                break End::Stuck(watch.state.waiting_for());
            }
            _ = ticks.tick(), if watch.progress.shown => watch.progress.show(),
        }
    };
    watch.progress.clear();
    let dropped = feed.dropped.load(Ordering::Relaxed);
    // The client must not wait for room in a feed that nobody reads.
    drop((feed, out));
    client.quit().await;
    if matches!(end, End::Over | End::Failed(_)) {
        // A reader that is slow may have the rest, unless the user will not wait for it.
        tokio::select! {
            () = &mut told => {}
            how = &mut written => if let Ok(how) = how { end = how.unless(end) },
        }
    } else if let End::Unread = end
        && let Ok(how) = written.await
    {
        end = how.unless(end);
    }
    if dropped > 0 {
        print_error(&format!("{dropped} samples are missing: they were not read fast enough"));
    }
    if watch.rows.odd > 0 {
        print_error(&format!("{} samples were not as their columns say", watch.rows.odd));
    }
    let stuck = match end {
        End::Stuck(failure) => failure,
        End::Failed(why) => {
            print_error(&why);
            return Ok(1);
        }
        End::Told | End::Over if watch.progress.samples == 0 && !(watch.flows && only_events) => {
            watch.state.waiting_for()
        }
        End::Told | End::Over | End::Unread => return Ok(0),
    };
    print_error(&stuck.to_string());
    Ok(stuck.stage.exit_code())
}

impl Written {
    /// The end that counts, if the writing itself has failed.
    fn unless(self, end: End) -> End {
        match self {
            Self::Failed(error) => End::Failed(format!(
                "standard output cannot be written ({error}) → check the disk and the redirection"
            )),
            Self::All | Self::Enough => end,
        }
    }
}

/// The next item of the feed, and room for its line: nothing is taken that cannot be written.
async fn take<'a>(
    out: &'a mpsc::Sender<String>,
    feed: &mut mpsc::Receiver<Feed>,
) -> Option<(mpsc::Permit<'a, String>, Feed)> {
    let room = out.reserve().await.ok()?;
    Some((room, feed.recv().await?))
}

struct Watch {
    state: ClientState,
    rows: Rows,
    progress: Progress,
    /// At least one stream has been granted.
    flows: bool,
    /// Refusals that were told.
    told: Vec<String>,
}

impl Watch {
    fn new(format: Format) -> Self {
        Self {
            state: ClientState::default(),
            rows: Rows::new(format),
            progress: Progress::new(),
            flows: false,
            told: Vec::new(),
        }
    }

    /// Takes note of an event; gives what ends it all.
    fn on_event(&mut self, event: Event) -> Option<Failure> {
        let (mut granted, mut refused, mut looked_at) = (None, Vec::new(), false);
        if let Event::Subscribed { streams, theirs, refused: own, .. } = &event {
            looked_at = !theirs.is_empty() && own.is_empty();
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
            Event::Closed { session, why, .. } => Some(format!("session {session} is over: {why}")),
            Event::Released { session, why } => Some(format!("session {session} goes on: {why}")),
            _ => None,
        };
        self.state.on_event(event);
        self.progress.step(&self.state);
        for failure in &refused {
            self.tell(failure.to_string());
        }
        if granted == Some(true) {
            self.flows = true;
            self.progress.start();
        }
        if self.flows {
            if let Some(why) = closed {
                self.progress.problem(&why);
            }
            if let Some(failure) = self.state.failure() {
                self.tell(failure.to_string());
            }
            return None;
        }
        if granted == Some(false) {
            return Some(Failure::new(
                Stage::Samples,
                if looked_at {
                    "every stream is subscribed by the program that opened the session"
                } else {
                    "every stream is refused"
                },
                "choose others with --streams, or mend what is named above",
            ));
        }
        self.stuck()
    }

    /// What only the user can mend.
    fn stuck(&self) -> Option<Failure> {
        let state = &self.state;
        let unchosen = state.is_choosing() && state.headsets.is_some();
        let alone = state.is_searching() && state.scanned;
        state.failure().or_else(|| (unchosen || alone).then(|| state.waiting_for()))
    }

    /// Tells what is refused, once each.
    fn tell(&mut self, line: String) {
        if !self.told.contains(&line) {
            self.progress.problem(&line);
            self.told.push(line);
        }
    }

    fn lines(&mut self, items: impl Iterator<Item = Feed>) -> Result<String> {
        let mut lines = String::new();
        for item in items {
            if let Feed::Sample(sample) = item {
                self.rows.push(&sample, &mut lines)?;
                self.progress.samples += 1;
            }
        }
        Ok(lines)
    }
}
