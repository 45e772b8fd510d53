//! Queries the terminal's capabilities. The last query is DA1, which every terminal answers, so that queries
//! it does not know cause no wait. Nothing else may read the terminal until it has answered.

use std::{io, time::Duration};

use tokio::sync::oneshot;

pub use super::answers::Answers;
use crate::app::Key;

/// How long the monitor waits for answers; keys are handled meanwhile.
const LIMIT: Duration = Duration::from_secs(1);

/// How long the doctor waits, including slow connections. A later answer would appear at the shell's prompt
/// as if it had been typed.
const PATIENT_LIMIT: Duration = Duration::from_secs(5);

/// The monitor's queries: the width of a character of ambiguous width, from the cursor's position after it,
/// on a screen that is then cleared; and the background (OSC 11).
const WIDTH: &str = "\x1b[H●\x1b[6n\x1b[2J\x1b[H";
const BACKGROUND: &str = "\x1b]11;?\x1b\\";

/// The doctor's queries: the same width in the cursor's line, and DECRQM for mode 2026.
const WIDTH_IN_LINE: &str = "\r●\x1b[6n\r\x1b[K";
const SYNCHRONIZED: &str = "\x1b[?2026$p";

/// DA1.
const END: &str = "\x1b[c";

/// Queries that the terminal has not answered yet.
#[derive(Debug)]
pub struct Probe {
    /// Dropped once the answers have been read.
    pending: oneshot::Sender<()>,
}

impl Probe {
    /// Queries a terminal that the monitor has taken over; `width`: also the width of ambiguous characters.
    /// The receiver ends once the answers have been read. `None` if the terminal, by its `TERM`, does not
    /// answer.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn ask(term: &str, width: bool) -> io::Result<Option<(Self, oneshot::Receiver<()>)>> {
        if !cfg!(unix) || matches!(term, "" | "dumb" | "unknown" | "linux") {
            return Ok(None);
        }
        let width = if width { WIDTH } else { "" };
        io::Write::write_all(
            &mut super::device::stdout()?,
            [width, BACKGROUND, END].concat().as_bytes(),
        )?;
        let (pending, answered) = oneshot::channel();
        Ok(Some((Self { pending }, answered)))
    }

    /// Reads the answers. `on_key` gets the keys typed meanwhile, and returns whether to continue.
    pub(super) fn read(self, on_key: impl FnMut(Key) -> bool) -> Option<Answers> {
        let answers = listen(LIMIT, on_key);
        drop(self.pending);
        answers
    }
}

/// The doctor's queries, without a screen; `width`: also the width of ambiguous characters.
#[must_use]
pub fn ask_without_screen(width: bool) -> Answers {
    use crossterm::terminal::{disable_raw_mode, enable_raw_mode};

    /// Restores the terminal on every way out and discards the rest of its answers.
    struct Raw;
    impl Drop for Raw {
        fn drop(&mut self) {
            #[cfg(unix)]
            let _ = rustix::termios::tcflush(io::stdin(), rustix::termios::QueueSelector::IFlush);
            let _ = disable_raw_mode();
        }
    }

    let ask = || {
        enable_raw_mode().ok()?;
        let raw = Raw;
        let mut stdout = io::stdout();
        let width = if width { WIDTH_IN_LINE } else { "" };
        let question = [width, SYNCHRONIZED, END].concat();
        io::Write::write_all(&mut stdout, question.as_bytes()).ok()?;
        io::Write::flush(&mut stdout).ok()?;
        // In raw mode Ctrl-C is an ordinary key.
        let answers = listen(PATIENT_LIMIT, |key| key != Key::ctrl('c'));
        drop(raw);
        answers
    };
    if cfg!(unix) { ask().unwrap_or_default() } else { Answers::default() }
}

/// Reads the terminal's input until it has answered DA1, the time is up or `on_key` returns false; `None` if
/// the terminal is gone.
#[cfg(unix)]
fn listen(limit: Duration, mut on_key: impl FnMut(Key) -> bool) -> Option<Answers> {
    use std::time::Instant;

    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    use super::answers::AnswerParser;

    let stdin = io::stdin();
    let deadline = Instant::now() + limit;
    let mut parser = AnswerParser::default();
    while !parser.complete {
        let left = deadline.saturating_duration_since(Instant::now());
        let left = Timespec::try_from(left).ok()?;
        let mut ready = [PollFd::new(&stdin, PollFlags::IN)];
        match poll(&mut ready, Some(&left)) {
            Ok(0) => break,
            Err(rustix::io::Errno::INTR) => continue,
            other => other.ok()?,
        };
        let mut bytes = [0; 64];
        let count = rustix::io::read(&stdin, &mut bytes).ok().filter(|&count| count > 0)?;
        if !parser.push(&bytes[..count]).into_iter().all(&mut on_key) {
            return Some(parser.answers);
        }
    }
    parser.rest().map(on_key);
    Some(parser.answers)
}

/// This system is not queried.
#[cfg(not(unix))]
fn listen(_: Duration, _: impl FnMut(Key) -> bool) -> Option<Answers> {
    None
}
