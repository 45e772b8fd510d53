//! A capture instead of a client and its decoder (docs/capture.md). Time is that of the capture: it advances
//! in steps of a fixed length, at the requested speed, and each step is computed whole, whatever the speed.
//! So the same file gives the same pictures, whether a position was reached by playing or by seeking. Knows
//! no screen and no keys.
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

/// The available speeds, relative to real time.
pub const SPEEDS: [f64; 7] = [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0];

/// The index of the default speed.
const USUAL: usize = 2;

/// A step that is later than this is not caught up with.
const LATE: Duration = Duration::from_millis(500);

/// The state of the playback.
#[derive(Clone, Debug, PartialEq)]
pub struct PlaybackState {
    /// The file's name.
    pub name: String,
    /// The position from the start.
    pub position: Duration,
    /// The length of the capture.
    pub length: Duration,
    /// The speed relative to real time.
    pub speed: f64,
    /// Whether the user paused it.
    pub is_paused: bool,
    /// Whether it is on its way to a requested position.
    pub is_seeking: bool,
    /// The positions of its markers.
    pub markers: Arc<[Duration]>,
    /// What could not be read, one sentence each.
    pub problems: Vec<String>,
}

impl PlaybackState {
    /// Whether it has reached its end.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.position >= self.length
    }
}

/// A command to the player.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlaybackCommand {
    /// Pause, or resume.
    Pause(bool),
    /// Use the next higher speed.
    Faster,
    /// Use the next lower speed.
    Slower,
    /// Go to this position from the start.
    Seek(Duration),
}

/// The result of a step.
#[derive(Debug)]
pub struct PlaybackStep {
    /// Whether the capture starts over: what was known before is void.
    pub restarted: bool,
    /// The events of the captured client, with their times.
    pub events: Vec<(Moment, Event)>,
    /// The moment of the snapshot.
    pub now: Moment,
    /// The snapshot.
    pub snapshot: Arc<Snapshot>,
}

/// Plays a capture.
pub struct Player {
    path: PathBuf,
    index: CaptureIndex,
    /// The capture's start on this machine's monotonic clock.
    base: Instant,
    run: Run,
    view: watch::Receiver<View>,
    /// Bytes of history for all headsets together.
    history: usize,
    /// Steps since the start.
    steps: u64,
    /// The step to reach, while seeking.
    sought: Option<u64>,
    restarted: bool,
    speed: usize,
    is_paused: bool,
    /// When the next step is due.
    due: Instant,
}

/// One pass through the file.
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
    /// Opens a capture and indexes it. `view`: what is being looked at.
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

    /// The URL of the captured service; empty if the file does not have it.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.index.service
    }

    /// The current moment in the capture.
    #[must_use]
    pub fn now(&self) -> Moment {
        self.moment(self.index.start + self.position().as_secs_f64())
    }

    /// The state of the playback.
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

    /// Executes a command.
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

    /// Waits until the next step is due, or the view of the current one changes. Cancel safe.
    pub async fn next(&mut self) -> PlaybackStep {
        if self.view.has_changed().unwrap_or(false) {
            return self.refresh();
        }
        if self.sought.is_some() {
            // Let frames and keys have their turn meanwhile.
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

    /// The next step of the capture, without waiting.
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
            // Clocks may be set back, but time must not go backwards.
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

    /// The current moment in the current view.
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

    /// A moment of the capture, given in epoch seconds.
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

/// The number of steps to a position.
#[expect(clippy::cast_possible_truncation, reason = "no capture is that long")]
fn steps(place: Duration) -> u64 {
    (place.as_millis() / STEP.as_millis()) as u64
}
