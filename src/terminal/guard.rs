//! Takes the terminal over and restores it on every way out: quitting, suspending, an error, a panic in any
//! thread or task. It manages the process's only terminal, so its state is global: entering or leaving twice
//! does nothing.

use std::{
    io::{self, Write as _},
    panic,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::channel,
    },
    thread,
    time::Duration,
};

use crossterm::{
    cursor::{Hide, Show},
    event::{DisableBracketedPaste, EnableBracketedPaste},
    queue,
    style::{Print, ResetColor},
    terminal::{
        EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode,
        enable_raw_mode,
    },
};
use tokio::sync::mpsc;

use super::{device, exit::Exit, input::Input};

/// How long to wait for a terminal that does not accept the last bytes.
const LAST_WRITE: Duration = Duration::from_secs(1);

/// Reports clicks and the wheel, with unlimited cell coordinates; crossterm's own mode would also report
/// every move.
pub(super) const MOUSE_ON: &str = "\x1b[?1000h\x1b[?1006h";
/// Undoes [`MOUSE_ON`].
pub(super) const MOUSE_OFF: &str = "\x1b[?1006l\x1b[?1000l";

static ENTERED: AtomicBool = AtomicBool::new(false);
/// Held during each write, so that no frame follows the last bytes.
static WRITING: Mutex<()> = Mutex::new(());

/// Restores the terminal when dropped.
#[derive(Debug)]
pub struct TerminalGuard(());

impl TerminalGuard {
    /// Takes the terminal over and installs a hook that restores it before a panic is reported; a panic in
    /// any task or thread also ends the loop that reads `input`. Call it once, after the hooks that report a
    /// panic are installed.
    ///
    /// # Errors
    /// The terminal cannot be set up.
    pub fn new(input: mpsc::Sender<Input>) -> io::Result<Self> {
        let report = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            leave(true);
            report(info);
            // After the report: the code that panicked may hold the log's locks.
            tracing::error!("{info}");
            // The loop drains a full queue, unless it panicked itself, which ends it anyway.
            let _ = input.try_send(Input::Exit(Exit::Panicked));
        }));
        let guard = Self(());
        enter()?;
        Ok(guard)
    }
}

impl Drop for TerminalGuard {
    fn drop(&mut self) {
        leave(true);
    }
}

/// Raw mode, alternate screen, bracketed paste, no cursor.
pub(super) fn enter() -> io::Result<()> {
    if ENTERED.swap(true, Ordering::SeqCst) {
        // The process was stopped without restoring the terminal (`kill -STOP`), and crossterm still believes
        // that raw mode is on.
        disable_raw_mode()?;
    }
    enable_raw_mode()?;
    let mut bytes = Vec::new();
    queue!(bytes, EnterAlternateScreen, EnableBracketedPaste, Hide)?;
    device::stdout()?.write_all(&bytes)
}

/// Undoes all of it. `writable`: whether the terminal still accepts bytes; a stalling one is awaited for at
/// most [`LAST_WRITE`].
pub(super) fn leave(writable: bool) {
    if !ENTERED.swap(false, Ordering::SeqCst) {
        return;
    }
    if writable {
        let (done, wait) = channel();
        // The thread may outlive this call only in a write that blocks until the process ends.
        let writing = thread::Builder::new().spawn(move || done.send(restore()));
        if writing.is_ok() {
            // Nothing can be done about a terminal that does not accept them.
            let _ = wait.recv_timeout(LAST_WRITE);
        }
    }
    let _ = disable_raw_mode();
}

/// Standard output for frames. Discards what is written after the terminal was restored, such as a frame that
/// was being written when another thread panicked.
#[derive(Debug)]
pub(super) struct GuardedOutput<W>(pub(super) W);

impl<W: io::Write> io::Write for GuardedOutput<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _writing = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
        if ENTERED.load(Ordering::SeqCst) { self.0.write(bytes) } else { Ok(bytes.len()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

fn restore() -> io::Result<()> {
    let _writing = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
    let mut bytes = Vec::new();
    queue!(
        bytes,
        EndSynchronizedUpdate,
        Print(MOUSE_OFF),
        ResetColor,
        DisableBracketedPaste,
        LeaveAlternateScreen,
        Show
    )?;
    device::stdout()?.write_all(&bytes)
}
