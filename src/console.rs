//! Shared by all commands: standard output and standard error, panics, and the signals that end a command.
//! Knows no other room.

use std::{
    io::{self, Write as _},
    pin::pin,
    time::Duration,
};

use color_eyre::{
    config::{HookBuilder, Theme},
    eyre::Result,
};
use tokio::time::timeout;

/// Whether all output is discarded. This includes a closed standard output: Rust opens the null device in its
/// place.
#[cfg(unix)]
pub(crate) fn discards_output() -> bool {
    use std::{
        fs::{self, File},
        os::{
            fd::AsFd as _,
            unix::fs::{FileTypeExt as _, MetadataExt as _},
        },
    };

    let stdout = io::stdout().as_fd().try_clone_to_owned().map(File::from);
    let metadata = [stdout.and_then(|file| file.metadata()), fs::metadata("/dev/null")];
    let devices = metadata.map(|metadata| {
        metadata.ok().filter(|one| one.file_type().is_char_device()).map(|one| one.rdev())
    });
    devices[0].is_some() && devices[0] == devices[1]
}

/// Unknown on this system.
#[cfg(not(unix))]
pub(crate) fn discards_output() -> bool {
    false
}

/// Prints to standard output; a reader that has seen enough (`| head`) is not an error.
pub(crate) fn print(text: &str) -> Result<()> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Installs the reports of errors and panics. Call it once, before the terminal's guard, which wraps the
/// panic hook. The reports have no theme, so that no escape sequence is left behind, not even in a file.
///
/// # Errors
/// Other hooks are installed already.
pub fn report_panics() -> Result<()> {
    HookBuilder::default().theme(Theme::new()).display_env_section(false).install()
}

/// Prints a line to standard error. Nobody may be reading, which is not an error.
pub(crate) fn print_error(line: &str) {
    let _ = writeln!(io::stderr(), "cortop: {}", cortop_protocol::sanitize::clean(line));
}

/// How long the disk may take for the end of a recording, and when the user is told about the wait.
const PATIENCE: Duration = Duration::from_secs(60);
const SAID_AFTER: Duration = Duration::from_secs(3);

/// Waits until files are written, for a minute at most, so that a hanging disk does not block the exit.
/// `None` if they were not written.
pub(crate) async fn wait_for_disk<T>(written: impl Future<Output = T>) -> Option<T> {
    let mut written = pin!(written);
    if let Ok(done) = timeout(SAID_AFTER, &mut written).await {
        return Some(done);
    }
    print_error("waiting for the disk to take the end of the recording, for a minute at most");
    timeout(PATIENCE.saturating_sub(SAID_AFTER), written).await.ok()
}

/// The message if they were not written.
pub(crate) const DISK_HANGS: &str = "the disk has not taken the end of the recording within a minute: what it took \
                                     before is whole; check the disk";

/// Joins the lines of a report, without lines that only draw a caret below another.
pub(crate) fn one_line(report: &str) -> String {
    let lines = report.lines().map(str::trim).filter(|line| !line.is_empty());
    let lines: Vec<_> = lines.filter(|line| !line.starts_with('|')).collect();
    cortop_protocol::sanitize::clean(&lines.join(" "))
}

/// Runs a command on its own runtime.
pub(crate) fn block_on<T>(command: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let done = runtime.block_on(command);
    // A pending name lookup does not delay the exit.
    runtime.shutdown_background();
    done
}

/// Waits for a [`Shutdown`]. Once this has returned, none of these signals ends the process directly.
pub(crate) fn shutdown_signal() -> Result<impl Future<Output = ()>> {
    let mut signals = ShutdownSignals::new()?;
    Ok(async move {
        signals.recv().await;
    })
}

/// A signal that asks the process to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shutdown {
    /// Ctrl-C.
    Interrupt,
    /// SIGTERM, or the shutdown of Windows.
    Terminate,
    /// SIGHUP, or a closed console: the terminal is gone.
    Hangup,
}

/// Ctrl-C, SIGTERM, and SIGHUP unless it is ignored, as under `nohup`. Once this exists, none of them ends
/// the process directly.
#[cfg(unix)]
pub(crate) struct ShutdownSignals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hangup: Option<tokio::signal::unix::Signal>,
}

/// Whether SIGHUP should be ignored. Only Linux reports that; elsewhere a process whose standard error is no
/// terminal may run under `nohup`.
#[cfg(unix)]
fn ignores_hangup() -> bool {
    use std::io::IsTerminal as _;

    const HANGUP: u64 = 1;
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    ignored.map_or_else(|| !io::stderr().is_terminal(), |mask| mask & HANGUP != 0)
}

#[cfg(unix)]
impl ShutdownSignals {
    pub(crate) fn new() -> Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let hangup = (!ignores_hangup()).then(|| signal(SignalKind::hangup())).transpose()?;
        let interrupt = signal(SignalKind::interrupt())?;
        Ok(Self { interrupt, terminate: signal(SignalKind::terminate())?, hangup })
    }

    /// Waits for the next one.
    pub(crate) async fn recv(&mut self) -> Shutdown {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => drop(hangup.recv().await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => Shutdown::Interrupt,
            _ = self.terminate.recv() => Shutdown::Terminate,
            () = hangup => Shutdown::Hangup,
        }
    }
}

/// Ctrl-C, Ctrl-Break, a closed console, and the shutdown of Windows, which waits some seconds for processes
/// that handle it. Once this exists, none of them ends the process directly.
#[cfg(windows)]
pub(crate) struct ShutdownSignals {
    interrupt: tokio::signal::windows::CtrlC,
    interrupt_hard: tokio::signal::windows::CtrlBreak,
    close: tokio::signal::windows::CtrlClose,
    shutdown: tokio::signal::windows::CtrlShutdown,
}

#[cfg(windows)]
impl ShutdownSignals {
    pub(crate) fn new() -> Result<Self> {
        use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close, ctrl_shutdown};
        let (interrupt, interrupt_hard) = (ctrl_c()?, ctrl_break()?);
        Ok(Self { interrupt, interrupt_hard, close: ctrl_close()?, shutdown: ctrl_shutdown()? })
    }

    /// Waits for the next one.
    pub(crate) async fn recv(&mut self) -> Shutdown {
        tokio::select! {
            _ = self.interrupt.recv() => Shutdown::Interrupt,
            _ = self.interrupt_hard.recv() => Shutdown::Interrupt,
            _ = self.close.recv() => Shutdown::Hangup,
            _ = self.shutdown.recv() => Shutdown::Terminate,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_disk_is_waited_for_but_not_for_ever() {
        assert_eq!(wait_for_disk(ready(1)).await, Some(1));
        let begun = tokio::time::Instant::now();
        let slow = async {
            tokio::time::sleep(Duration::from_secs(50)).await;
            2
        };
        assert_eq!(wait_for_disk(slow).await, Some(2));
        assert_eq!(wait_for_disk(pending::<u8>()).await, None);
        assert!(begun.elapsed() <= Duration::from_secs(111), "{:?}", begun.elapsed());
    }
}
