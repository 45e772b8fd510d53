//! A capture in place of a client and its decoder (docs/capture.md). Time is that of the capture: it
//! goes on in steps of a fixed length, at the speed that is asked for, and each step is computed
//! whole, whatever the speed. So the same file gives the same pictures, whether a place was played to
//! or sought. Knows no screen and no key.
//!
//! ```text
//! mod        the player: time, steps, seeking
//!  ├─ index     what is in a file: from when to when, markers
//!  └─ foreign   samples of other clients' captures → the messages they stand for
//! ```

mod foreign;
mod index;
#[cfg(test)]
mod tests;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

use self::{foreign::ForeignSession, index::CaptureIndex};
use cortop_client::{Event, Interpreted, Interpreter, Moment, wire::Side};
use cortop_files::{
    capture::{CaptureEvent, CaptureLine, CaptureReader, LineTally},
    recording::OpenError,
};
use cortop_signal::{Snapshot, View, decoder::Decoder};

/// The length of a step.
const STEP: Duration = Duration::from_millis(100);

/// Times of the capture that pass in a time.
pub const SPEEDS: [f64; 7] = [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0];

/// The place of the usual one.
const USUAL: usize = 2;

/// By how much a step may be late before time is let go.
const LATE: Duration = Duration::from_millis(500);

/// How a capture is being played.
#[derive(Clone, Debug, PartialEq)]
pub struct PlaybackState {
    /// The file's name.
    pub name: String,
    /// How far from its start.
    pub position: Duration,
    /// How long it is.
    pub length: Duration,
    /// Times of it that pass in a time.
    pub speed: f64,
    /// Time stands still at the user's word.
    pub is_paused: bool,
    /// It runs to a place that was asked for.
    pub is_seeking: bool,
    /// Where its markers are.
    pub markers: Arc<[Duration]>,
    /// What could not be read of it, a sentence each.
    pub problems: Vec<String>,
}

impl PlaybackState {
    /// Whether it is over.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.position >= self.length
    }
}

/// What is asked of a player.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlaybackCommand {
    /// Stand still, or go on.
    Pause(bool),
    /// The next speed, or the one before.
    Faster,
    /// See above.
    Slower,
    /// Run to this place, counted from the start.
    Seek(Duration),
}

/// What a step brought.
#[derive(Debug)]
pub struct PlaybackStep {
    /// It begins anew: what was known before is void.
    pub restarted: bool,
    /// What the client that was captured knew, and when.
    pub events: Vec<(Moment, Event)>,
    /// The moment of the picture.
    pub now: Moment,
    /// The picture.
    pub snapshot: Arc<Snapshot>,
}

/// Plays a capture.
pub struct Player {
    path: PathBuf,
    index: CaptureIndex,
    /// The moment of its start on this machine's monotonic clock.
    base: Instant,
    run: Run,
    view: watch::Receiver<View>,
    /// Bytes of history for all headsets together.
    history: usize,
    /// Steps from the start.
    steps: u64,
    /// The step that is run to.
    sought: Option<u64>,
    restarted: bool,
    speed: usize,
    is_paused: bool,
    /// When the next step is due.
    due: Instant,
}

/// What goes through the file once.
struct Run {
    reader: CaptureReader,
    /// The next line, which belongs to a later step.
    next: Option<CaptureLine>,
    interpreter: Interpreter,
    decoder: Decoder,
    foreign: ForeignSession,
    /// The latest time of a line so far.
    latest: f64,
}

impl std::fmt::Debug for Player {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Player").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Run {
    fn start(path: &Path, view: View, history: usize, url: &str) -> Result<Self, OpenError> {
        Ok(Self {
            reader: CaptureReader::open(path)?,
            next: None,
            interpreter: Interpreter::new(url),
            decoder: Decoder::new(view, history),
            foreign: ForeignSession::default(),
            latest: 0.0,
        })
    }
}

impl Player {
    /// Opens a capture and looks through it. `view`: what is looked at.
    ///
    /// # Errors
    /// It cannot be read, or is no capture.
    pub fn open(
        path: &Path,
        view: watch::Receiver<View>,
        history: usize,
    ) -> Result<Self, OpenError> {
        let index = CaptureIndex::read(path)?;
        let run = Run::start(path, view.borrow().clone(), history, &index.service)?;
        Ok(Self {
            path: path.to_owned(),
            index,
            base: Instant::now(),
            run,
            view,
            history,
            steps: 0,
            sought: Some(0),
            restarted: false,
            speed: USUAL,
            is_paused: false,
            due: Instant::now(),
        })
    }

    /// The URL of the service that was captured; empty where the file does not say.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.index.service
    }

    /// The moment of the capture that is shown.
    #[must_use]
    pub fn now(&self) -> Moment {
        self.moment(self.index.start + self.position().as_secs_f64())
    }

    /// How it is being played.
    #[must_use]
    pub fn state(&self) -> PlaybackState {
        let tally = self.run.reader.tally();
        let tally = if tally.read > self.index.tally.read { tally } else { &self.index.tally };
        PlaybackState {
            name: self.path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            position: self.position().min(self.index.length),
            length: self.index.length,
            speed: SPEEDS[self.speed],
            is_paused: self.is_paused,
            is_seeking: self.sought.is_some(),
            markers: Arc::clone(&self.index.markers),
            problems: LineTally::sentences(tally).collect(),
        }
    }

    /// Does what is asked.
    ///
    /// # Errors
    /// The file cannot be read again.
    pub fn execute(&mut self, command: PlaybackCommand) -> Result<(), OpenError> {
        self.due = Instant::now();
        match command {
            PlaybackCommand::Pause(paused) => self.is_paused = paused,
            PlaybackCommand::Faster => self.speed = (self.speed + 1).min(SPEEDS.len() - 1),
            PlaybackCommand::Slower => self.speed = self.speed.saturating_sub(1),
            PlaybackCommand::Seek(place) => {
                let step = steps(place.min(self.index.length));
                if step < self.steps {
                    let view = self.view.borrow().clone();
                    self.run = Run::start(&self.path, view, self.history, &self.index.service)?;
                    self.steps = 0;
                    self.restarted = true;
                }
                self.sought = Some(step);
            }
        }
        Ok(())
    }

    /// Waits until the next step is due, or the same moment is to be seen otherwise. Called off at
    /// any time.
    pub async fn next(&mut self) -> PlaybackStep {
        if self.view.has_changed().unwrap_or(false) {
            return self.refresh();
        }
        if self.sought.is_some() {
            // Frames and keys get their turn meanwhile.
            tokio::task::yield_now().await;
            return self.step();
        }
        if self.is_paused || self.position() >= self.index.length {
            if self.view.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
            return self.refresh();
        }
        tokio::select! {
            changed = self.view.changed() => {
                if changed.is_err() {
                    std::future::pending::<()>().await;
                }
                self.refresh()
            }
            () = sleep_until(self.due) => {
                let length = STEP.div_f64(SPEEDS[self.speed]);
                self.due = (self.due + length).max(Instant::now() - LATE.min(length * 4));
                self.step()
            }
        }
    }

    /// The next step of the capture at once.
    pub fn step(&mut self) -> PlaybackStep {
        let is_first = self.steps == 0 && self.run.latest == 0.0;
        if !is_first {
            self.steps += 1;
        }
        if self.sought.is_some_and(|sought| self.steps >= sought) {
            self.sought = None;
            self.due = Instant::now() + STEP.div_f64(SPEEDS[self.speed]);
        }
        let view = self.view.borrow_and_update().clone();
        self.run.decoder.set_view(view);
        let end = self.index.start + self.position().as_secs_f64();
        let mut events = Vec::new();
        while let Some(line) = self.run.next.take().or_else(|| self.run.reader.next_line()) {
            let at = line.at.unwrap_or(self.run.latest);
            if !line.recalled && at > end {
                self.run.next = Some(line);
                break;
            }
            // Clocks may be set back, time does not.
            let at = if line.recalled { at } else { at.max(self.run.latest) };
            self.run.latest = self.run.latest.max(at).max(f64::MIN_POSITIVE);
            let moment = self.moment(at);
            self.run.play(line.event, moment);
            for interpreted in self.run.interpreter.take() {
                match interpreted {
                    Interpreted::Event(event) => events.push((moment, event)),
                    Interpreted::Feed(feed) => self.run.decoder.push(feed, moment.instant),
                }
            }
        }
        self.run.latest = self.run.latest.max(f64::MIN_POSITIVE);
        let restarted = std::mem::take(&mut self.restarted);
        PlaybackStep { restarted, events, ..self.picture() }
    }

    /// The same moment as it is looked at now.
    fn refresh(&mut self) -> PlaybackStep {
        let view = self.view.borrow_and_update().clone();
        self.run.decoder.set_view(view);
        self.picture()
    }

    fn picture(&self) -> PlaybackStep {
        let now = self.now();
        let snapshot = Arc::new(self.run.decoder.snapshot(now.instant));
        PlaybackStep { restarted: false, events: Vec::new(), now, snapshot }
    }

    fn position(&self) -> Duration {
        STEP * u32::try_from(self.steps).unwrap_or(u32::MAX)
    }

    /// A moment of the capture, in epoch seconds.
    fn moment(&self, at: f64) -> Moment {
        let since = at - self.index.start;
        let length = Duration::try_from_secs_f64(since.abs()).unwrap_or_default();
        let instant = if since < 0.0 {
            self.base.checked_sub(length).unwrap_or(self.base)
        } else {
            self.base + length
        };
        let wall = SignedDuration::try_from_secs_f64(at).unwrap_or_default();
        Moment { wall: Timestamp::from_duration(wall).unwrap_or(Timestamp::UNIX_EPOCH), instant }
    }
}

impl Run {
    fn play(&mut self, event: CaptureEvent, at: Moment) {
        match event {
            CaptureEvent::Connected(connection) => self.interpreter.connected(connection),
            CaptureEvent::Disconnected(connection, by) => {
                self.interpreter.disconnected(connection, by, at);
            }
            CaptureEvent::Text { connection, from: Side::Client, text } => {
                self.interpreter.sent(connection, &text, at);
            }
            CaptureEvent::Text { connection, from: Side::Service, text } => {
                self.interpreter.received(connection, &text, at);
            }
            CaptureEvent::Sample(sample) => {
                self.foreign.play(&sample, &mut self.interpreter, at);
            }
            CaptureEvent::Began(_)
            | CaptureEvent::Lost(_)
            | CaptureEvent::Marker(_)
            | CaptureEvent::Other => {}
        }
    }
}

/// The steps to a place.
#[expect(clippy::cast_possible_truncation, reason = "no capture is that long")]
fn steps(place: Duration) -> u64 {
    (place.as_millis() / STEP.as_millis()) as u64
}
