//! The log: `tracing` into tui-logger's buffer for the log pane and, on request, into a file. No message from
//! the wire and no verbosity may put an escape sequence, a forged line or a token into it.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    path::Path,
    sync::{Mutex, mpsc},
    thread,
    time::Duration,
};

use color_eyre::eyre::{Result, WrapErr as _};
use tracing::{Metadata, Subscriber, level_filters::LevelFilter, subscriber::Interest};
use tracing_subscriber::{
    Layer as _, filter::Targets, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};
use tui_logger::TuiTracingSubscriberLayer;

use crate::app::LogTargets;

/// Starts the log; call it once. `verbose` counts the `-v` flags.
///
/// # Errors
/// The file cannot be opened; the text says what to do.
pub fn init(verbose: u8, file: Option<&Path>) -> Result<LogTargets> {
    let file = file.map(open).transpose()?;
    let targets = LogTargets::start(match verbose {
        0 => log::LevelFilter::Info,
        1 => log::LevelFilter::Debug,
        _ => log::LevelFilter::Trace,
    });
    // Everything that could ever be shown: the pane's own levels select from it.
    let pane = targets.clone().and_then(TuiTracingSubscriberLayer).with_filter(levels(u8::MAX));
    let file = file.map(|file| {
        fmt::layer()
            .with_ansi(false)
            .with_writer(Mutex::new(LineSanitizer(file)))
            .with_filter(levels(verbose))
    });
    tracing_subscriber::registry()
        .with(pane)
        .with(file)
        .try_init()
        .wrap_err("the log was started twice")?;
    // Some crates emit TRACE through `log` several times per message; this drops it at once.
    log::set_max_level(log::LevelFilter::Debug);
    Ok(targets)
}

impl<S: Subscriber> tracing_subscriber::Layer<S> for LogTargets {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        self.register(metadata.target());
        Interest::always()
    }
}

/// How much of the clients' activity is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestLevel {
    /// Nothing: a screen shows it.
    Off,
    /// Only warnings.
    Quiet,
    /// Also advice.
    Advice,
    /// Also each request.
    Requests,
}

/// Starts a log of the simulator's messages on standard error, one per line. Call it once, instead of
/// [`init`]. As JSON, it contains only warnings: the rest is written by the follower of the journal.
///
/// A reader that has stopped reading costs lines, never time.
///
/// # Errors
/// The log was started before.
pub fn init_requests(as_json: bool, level: RequestLevel) -> Result<Requests> {
    let level = match (as_json, level) {
        (_, RequestLevel::Off) => LevelFilter::OFF,
        (true, _) | (_, RequestLevel::Quiet) => LevelFilter::WARN,
        (_, RequestLevel::Advice) => LevelFilter::INFO,
        (_, RequestLevel::Requests) => LevelFilter::DEBUG,
    };
    let others = level.min(LevelFilter::WARN);
    let levels = Targets::new().with_default(others).with_target("cortop_sim", level);
    let (lines, waiting) = mpsc::sync_channel::<Vec<u8>>(LINES);
    let (end, written) = mpsc::sync_channel(1);
    let requests = Requests { lines: lines.clone(), written };
    thread::spawn(move || {
        while let Ok(line) = waiting.recv() {
            if line.is_empty() {
                let _ = end.try_send(());
            } else {
                // Nobody reads standard error, so this cannot be reported.
                let _ = io::stderr().write_all(&line);
            }
        }
    });
    let layer = fmt::layer().with_ansi(false).with_target(false);
    let registry = tracing_subscriber::registry();
    let started = if as_json {
        let writer = Mutex::new(NoteWriter(LineQueue(lines)));
        let layer = layer.without_time().with_level(false);
        registry.with(layer.with_writer(writer).with_filter(levels)).try_init()
    } else {
        let writer = Mutex::new(LineSanitizer(LineQueue(lines)));
        registry.with(layer.with_writer(writer).with_filter(levels)).try_init()
    };
    started.wrap_err("the log was started twice")?;
    Ok(requests)
}

/// The log on standard error, written by its own thread.
pub struct Requests {
    lines: mpsc::SyncSender<Vec<u8>>,
    written: mpsc::Receiver<()>,
}

impl Requests {
    /// Writes an object as a line; it is dropped if the queue is full.
    pub fn write(&self, object: &serde_json::Value) {
        let _ = self.lines.try_send(format!("{object}\n").into_bytes());
    }

    /// Flushes the log, for a second at most, as the process is about to end.
    pub fn finish(self) {
        // An empty line requests an acknowledgement.
        if self.lines.try_send(Vec::new()).is_ok() {
            let _ = self.written.recv_timeout(Duration::from_secs(1));
        }
    }
}

/// Maximum number of lines queued for standard error.
const LINES: usize = 1024;

/// Passes whole lines to the thread that writes them; a line is dropped if the queue is full.
struct LineQueue(mpsc::SyncSender<Vec<u8>>);

impl Write for LineQueue {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let _ = self.0.try_send(line.to_vec());
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes one event per line, as the text of a JSON object.
struct NoteWriter<W>(W);

impl<W: Write> Write for NoteWriter<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let line = serde_json::json!({ "event": "note", "text": text.trim() });
        self.0.write_all(format!("{line}\n").as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// The captured levels. Other crates always stay below TRACE: tungstenite's TRACE prints whole messages,
/// including the token.
fn levels(verbose: u8) -> Targets {
    let (ours, theirs) = match verbose {
        0 => (LevelFilter::INFO, LevelFilter::INFO),
        1 => (LevelFilter::DEBUG, LevelFilter::DEBUG),
        _ => (LevelFilter::TRACE, LevelFilter::DEBUG),
    };
    Targets::new().with_default(theirs).with_target(env!("CARGO_CRATE_NAME"), ours)
}

/// Opens the file for appending; a new one is readable for its owner only.
fn open(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).wrap_err_with(|| {
        format!("cannot write the log file {}; choose another with --log-file", path.display())
    })
}

/// Writes one event per line, with control characters replaced.
struct LineSanitizer<W>(W);

impl<W: Write> Write for LineSanitizer<W> {
    /// The subscriber passes one whole event, including the line end.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let text = text.strip_suffix('\n').unwrap_or(&text);
        let mut line = text.replace(char::is_control, "\u{fffd}");
        line.push('\n');
        self.0.write_all(line.as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tracing::{Level, debug, info, trace};

    use super::*;

    /// The content of the file after `logged` ran at a verbosity.
    fn file_of(verbose: u8, logged: impl FnOnce()) -> String {
        #[derive(Clone, Default)]
        struct SharedBuffer(Arc<Mutex<Vec<u8>>>);
        impl Write for SharedBuffer {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0.lock().expect("free").write(bytes)
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let shared = SharedBuffer::default();
        let file = fmt::layer()
            .with_ansi(false)
            .with_writer(Mutex::new(LineSanitizer(shared.clone())))
            .with_filter(levels(verbose));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(file), logged);
        let bytes = shared.0.lock().expect("free").clone();
        String::from_utf8(bytes).expect("UTF-8")
    }

    #[test]
    fn a_message_cannot_break_its_line_or_drive_a_terminal() {
        let text = file_of(0, || {
            info!(name = "a\nb\u{9b}2J", "one\r\n2026-01-01 ERROR forged \u{1b}[2J\u{7f}");
            info!("two");
        });
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(text.lines().all(|line| !line.contains(char::is_control)), "{text}");
    }

    #[test]
    fn each_v_shows_more_of_ours_and_never_the_wire() {
        let all = || {
            debug!("ours-debug");
            trace!("ours-trace");
            debug!(target: "tungstenite::protocol", "theirs-debug");
            for target in ["tungstenite::protocol", "tokio_tungstenite", "rustls::conn", "hyper"] {
                // The target of an event must be constant, so each crate's is spelled out below.
                assert!(!levels(u8::MAX).would_enable(target, &Level::TRACE), "{target}");
            }
            trace!(target: "tungstenite::protocol", "the-token");
        };
        let found = |verbose| {
            let text = file_of(verbose, all);
            ["ours-debug", "ours-trace", "theirs-debug", "the-token"]
                .map(|word| text.contains(word))
        };
        assert_eq!(found(0), [false, false, false, false]);
        assert_eq!(found(1), [true, false, true, false]);
        assert_eq!(found(2), [true, true, true, false]);
        assert_eq!(found(3), found(2));
    }

    /// People read these lines: each begins with words, which also name what it is about.
    #[test]
    fn no_line_begins_with_fields() {
        fn sources(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
            for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
                let path = entry.path();
                if path.is_dir() {
                    sources(&path, found);
                } else if path.extension().is_some_and(|own| own == "rs") {
                    found.push(path);
                }
            }
        }
        let mut found = Vec::new();
        for folder in ["src", "crates"] {
            sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut found);
        }
        let macros = ["error", "warn", "info", "debug", "trace"].map(|name| format!("{name}!("));
        for path in found.iter().filter(|path| !path.ends_with("logging.rs")) {
            let text = std::fs::read_to_string(path).expect("text");
            for call in macros.iter().flat_map(|name| text.split(name.as_str()).skip(1)) {
                let start: String = call.trim_start().chars().take(60).collect();
                assert!(start.starts_with('"'), "{}: {start}", path.display());
            }
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_new_file_belongs_to_the_user_alone_and_an_old_one_is_kept() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("log");
        open(&path).expect("opened").write_all(b"one\n").expect("written");
        open(&path).expect("opened").write_all(b"two\n").expect("written");
        assert_eq!(std::fs::read_to_string(&path).expect("read"), "one\ntwo\n");
        let mode = std::fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
