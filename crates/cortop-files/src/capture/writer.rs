//! Writes a capture. A thread of its own removes the secrets, compresses and writes: a slow disk
//! costs lines, which are counted, but never delays the reader of the socket.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use cortop_protocol::{
    secrets::Secrets,
    wire::{WireEvent, WireEventKind, WireMessage},
};
use jiff::Timestamp;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use serde_json::{Value, json};

use super::FORMAT;

/// How many lines, and how many bytes of messages, may wait for the disk.
const LINES: usize = 16 << 10;
const BYTES: usize = 32 << 20;

/// Compressed lines are written in separate frames, each after this time or this many bytes at the
/// latest, so that a file is complete up to there whatever happens.
const FRAME_TIME: Duration = Duration::from_secs(1);
const FRAME_BYTES: usize = 512 << 10;

/// How long the disk may accept nothing while a capture ends.
const PATIENCE: Duration = Duration::from_secs(10);

/// A handle on a capture in progress; cheap to clone.
#[derive(Clone, Debug)]
pub struct CaptureFile {
    /// `None` ends the capture.
    lines: SyncSender<Option<WaitingLine>>,
    shared: Arc<Shared>,
    writer: Arc<Mutex<Option<JoinHandle<()>>>>,
}

/// The state of a capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaptureState {
    /// The file.
    pub path: PathBuf,
    /// Bytes written.
    pub bytes: u64,
    /// Lines left out because the disk was too slow.
    pub lost: u64,
    /// Why it ended prematurely. If nothing had been written by then, the file is removed.
    pub error: Option<String>,
}

/// State shared by both threads.
#[derive(Debug)]
struct Shared {
    path: PathBuf,
    written: AtomicU64,
    lost: AtomicU64,
    /// Bytes of messages waiting.
    waiting: AtomicUsize,
    error: Mutex<Option<String>>,
}

/// A line whose message still contains its secrets, hence without `Debug`.
struct WaitingLine {
    at: Timestamp,
    recalled: bool,
    /// Its other members.
    line: Value,
    text: Option<String>,
}

impl CaptureFile {
    /// Creates a file, compressed if its name ends with `.zst`. Only the user can access it, and an
    /// existing file is never overwritten.
    ///
    /// # Errors
    /// It cannot be created.
    pub fn create(path: &Path, service: &str) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        Self::begin(options.open(path)?, path, service)
    }

    /// Writes to an open file.
    pub(super) fn begin(file: File, path: &Path, service: &str) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            path: path.to_owned(),
            written: AtomicU64::default(),
            lost: AtomicU64::default(),
            waiting: AtomicUsize::default(),
            error: Mutex::default(),
        });
        let is_compressed = path.extension().is_some_and(|own| own.eq_ignore_ascii_case("zst"));
        let output = CaptureOutput {
            file,
            is_compressed,
            pending: Vec::new(),
            since: Instant::now(),
            shared: Arc::clone(&shared),
        };
        let (lines, waiting) = sync_channel(LINES);
        let writer = thread::Builder::new().name("capture".to_owned()).spawn(move || {
            let shared = Arc::clone(&output.shared);
            if let Err(error) = write_lines(output, &waiting) {
                tracing::warn!("the capture ends here, as it cannot be written: {error}");
                *lock(&shared.error) = Some(error.to_string());
            }
        })?;
        let capture = Self { lines, shared, writer: Arc::new(Mutex::new(Some(writer))) };
        let first =
            json!({ "event": "capture", "format": FORMAT, "service": service, "version": 1 });
        capture.send(WaitingLine {
            at: Timestamp::now(),
            recalled: false,
            line: first,
            text: None,
        });
        Ok(capture)
    }

    /// Writes a line about what has crossed.
    pub fn write(&self, event: &WireEvent<'_>) {
        let mut line = json!({ "connection": event.connection });
        let mut text = None;
        match &event.kind {
            WireEventKind::Connected => line["event"] = "connected".into(),
            WireEventKind::Disconnected { by } => {
                line["event"] = "disconnected".into();
                line["by"] = by.name().into();
            }
            WireEventKind::Message { from, message } => {
                line["from"] = from.name().into();
                text = describe(&mut line, message);
            }
        }
        self.send(WaitingLine { at: event.at, recalled: event.recalled, line, text });
    }

    /// Its current state.
    #[must_use]
    pub fn state(&self) -> CaptureState {
        CaptureState {
            path: self.shared.path.clone(),
            bytes: self.shared.written.load(Ordering::Relaxed),
            lost: self.shared.lost.load(Ordering::Relaxed),
            error: lock(&self.shared.error).clone(),
        }
    }

    /// Whether it ended prematurely: nothing more is written.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        lock(&self.shared.error).is_some()
    }

    /// Ends the file and waits until everything is written, as long as the disk accepts anything.
    /// Returns the final state.
    #[must_use]
    pub fn finish(&self) -> CaptureState {
        self.finish_within(PATIENCE)
    }

    /// Like [`finish`](Self::finish), for a disk that may accept nothing for this long.
    pub(super) fn finish_within(&self, patience: Duration) -> CaptureState {
        let Some(writer) = lock(&self.writer).take() else { return self.state() };
        let (mut is_told, mut written, mut since) = (false, 0, Instant::now());
        while !writer.is_finished() {
            // There may be no room for it yet.
            is_told = is_told || self.lines.try_send(None).is_ok();
            let now = self.shared.written.load(Ordering::Relaxed);
            if now != written {
                (written, since) = (now, Instant::now());
            }
            if since.elapsed() > patience {
                // Its thread ends with the disk or with the program.
                let seconds = patience.as_secs();
                let error = format!("the disk has accepted no data for {seconds} s");
                *lock(&self.shared.error) = Some(error);
                return self.state();
            }
            thread::sleep(Duration::from_millis(2));
        }
        // A panic there was already reported.
        let _ = writer.join();
        self.state()
    }

    fn send(&self, line: WaitingLine) {
        let bytes = line.text.as_ref().map_or(0, String::len);
        let waiting = self.shared.waiting.fetch_add(bytes, Ordering::Relaxed);
        if waiting + bytes > BYTES || self.lines.try_send(Some(line)).is_err() {
            self.shared.waiting.fetch_sub(bytes, Ordering::Relaxed);
            // What comes after the end was not too fast for the disk.
            let lost = u64::from(!self.has_failed());
            self.shared.lost.fetch_add(lost, Ordering::Relaxed);
        }
    }
}

/// Adds the description of a message to its line. Returns its text.
fn describe(line: &mut Value, message: &WireMessage<'_>) -> Option<String> {
    let (event, bytes) = match message {
        WireMessage::Text(text) => {
            line["event"] = "text".into();
            return Some((*text).to_owned());
        }
        WireMessage::Close { code, reason } => {
            line["event"] = "close".into();
            line["code"] = json!(code);
            line["reason"] = (*reason).into();
            return None;
        }
        WireMessage::Unreadable => {
            line["event"] = "unreadable".into();
            return None;
        }
        WireMessage::Binary(bytes) => ("binary", *bytes as u64),
        WireMessage::Ping(bytes) => ("ping", *bytes as u64),
        WireMessage::Pong(bytes) => ("pong", *bytes as u64),
        WireMessage::TooLong(bytes) => ("too-long", *bytes),
    };
    line["event"] = event.into();
    line["bytes"] = bytes.into();
    None
}

/// The file, and what waits for its next frame.
struct CaptureOutput {
    file: File,
    is_compressed: bool,
    pending: Vec<u8>,
    /// When the oldest of it arrived.
    since: Instant,
    shared: Arc<Shared>,
}

impl CaptureOutput {
    fn line(&mut self, line: &Value) -> io::Result<()> {
        if self.pending.is_empty() {
            self.since = Instant::now();
        }
        writeln!(self.pending, "{line}")?;
        if self.pending.len() >= FRAME_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let compressed;
        let bytes = if self.is_compressed {
            compressed = compress_to_vec(self.pending.as_slice(), CompressionLevel::Fastest);
            &compressed
        } else {
            &self.pending
        };
        let written = self.shared.written.load(Ordering::Relaxed);
        if let Err(error) = self.file.write_all(bytes) {
            // The part that was written would be half a line or half a frame.
            let _ = self.file.set_len(written);
            if written == 0 {
                let _ = fs::remove_file(&self.shared.path);
            }
            return Err(error);
        }
        self.shared.written.store(written + bytes.len() as u64, Ordering::Relaxed);
        self.pending.clear();
        Ok(())
    }
}

/// Writes lines until it receives `None`.
fn write_lines(
    mut output: CaptureOutput,
    waiting: &Receiver<Option<WaitingLine>>,
) -> io::Result<()> {
    let secrets = Secrets::default();
    let mut lost = 0;
    loop {
        // The last line for now must not be delayed: plain lines are written at once, compressed
        // ones when their frame is due.
        let next = match waiting.try_recv() {
            Ok(next) => Ok(next),
            Err(_) if !output.is_compressed || output.pending.is_empty() => {
                output.flush()?;
                waiting.recv().map_err(|_| RecvTimeoutError::Disconnected)
            }
            Err(_) => waiting.recv_timeout(FRAME_TIME.saturating_sub(output.since.elapsed())),
        };
        let now_lost = output.shared.lost.load(Ordering::Relaxed);
        match next {
            Ok(Some(WaitingLine { at, recalled, mut line, text })) => {
                line["at"] = seconds(at).into();
                if recalled {
                    line["recalled"] = true.into();
                }
                if let Some(text) = text {
                    output.shared.waiting.fetch_sub(text.len(), Ordering::Relaxed);
                    line["text"] = secrets.redact_text(&text).into();
                }
                if now_lost > lost {
                    let lines = now_lost - lost;
                    output.line(&json!({ "at": line["at"], "event": "lost", "lines": lines }))?;
                    lost = now_lost;
                }
                output.line(&line)?;
            }
            Err(RecvTimeoutError::Timeout) => output.flush()?,
            Ok(None) | Err(RecvTimeoutError::Disconnected) => {
                if now_lost > lost {
                    let (at, lines) = (seconds(Timestamp::now()), now_lost - lost);
                    output.line(&json!({ "at": at, "event": "lost", "lines": lines }))?;
                }
                output.flush()?;
                return output.file.sync_all();
            }
        }
        if output.is_compressed && output.since.elapsed() >= FRAME_TIME {
            output.flush()?;
        }
    }
}

/// Seconds since 1970.
fn seconds(at: Timestamp) -> f64 {
    at.as_microsecond() as f64 / 1e6
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
