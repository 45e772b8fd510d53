//! Standard output and standard error, panics and the signals that end a command: what every command
//! shares. Knows no other room.

use std::io::{self, Write as _};

use color_eyre::{
    config::{HookBuilder, Theme},
    eyre::Result,
};

/// Whether all that is printed is thrown away. A standard output that is closed is this too: Rust
/// opens the null device in its place.
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

/// There is no telling.
#[cfg(not(unix))]
pub(crate) fn discards_output() -> bool {
    false
}

/// Prints to standard output; a reader that has seen enough (`| head`) is no failure.
pub(crate) fn print(text: &str) -> Result<()> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Installs the reports of errors and panics; to be called once, before the terminal's guard, which
/// wraps the panic hook. Without a theme: no escape sequence is to be left behind, nor in a file.
///
/// # Errors
/// Other hooks are installed.
pub fn report_panics() -> Result<()> {
    HookBuilder::default().theme(Theme::new()).display_env_section(false).install()
}

/// A line on standard error. Nobody may be listening there, which is no failure.
pub(crate) fn print_error(line: &str) {
    let _ = writeln!(io::stderr(), "cortop: {}", cortop_protocol::sanitize::clean(line));
}

/// A report of several lines in one, without the lines that only draw a caret below another.
pub(crate) fn one_line(report: &str) -> String {
    let lines = report.lines().map(str::trim).filter(|line| !line.is_empty());
    let lines: Vec<_> = lines.filter(|line| !line.starts_with('|')).collect();
    cortop_protocol::sanitize::clean(&lines.join(" "))
}

/// Runs a command on a runtime of its own.
pub(crate) fn block_on<T>(command: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let done = runtime.block_on(command);
    // A name that is still being looked up does not hold the exit back.
    runtime.shutdown_background();
    done
}

/// Waits for Ctrl-C or SIGTERM. Once this has returned, neither ends the process by itself.
pub(crate) fn shutdown_signal() -> Result<impl Future<Output = ()>> {
    let mut signals = ShutdownSignals::new()?;
    Ok(async move {
        signals.recv().await;
    })
}

/// A signal that asks for the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shutdown {
    /// Ctrl-C.
    Interrupt,
    /// SIGTERM.
    #[cfg_attr(not(unix), expect(dead_code, reason = "there is none"))]
    Terminate,
}

/// Ctrl-C and SIGTERM. Once this exists, neither ends the process by itself.
#[cfg(unix)]
pub(crate) struct ShutdownSignals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl ShutdownSignals {
    pub(crate) fn new() -> Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let interrupt = signal(SignalKind::interrupt())?;
        Ok(Self { interrupt, terminate: signal(SignalKind::terminate())? })
    }

    /// Waits for the next one.
    pub(crate) async fn recv(&mut self) -> Shutdown {
        tokio::select! {
            _ = self.interrupt.recv() => Shutdown::Interrupt,
            _ = self.terminate.recv() => Shutdown::Terminate,
        }
    }
}

/// Ctrl-C.
#[cfg(not(unix))]
pub(crate) struct ShutdownSignals;

#[cfg(not(unix))]
impl ShutdownSignals {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self)
    }

    /// Waits for the next one.
    pub(crate) async fn recv(&mut self) -> Shutdown {
        // If the system gives no handler, Ctrl-C ends the process by itself.
        let _ = tokio::signal::ctrl_c().await;
        Shutdown::Interrupt
    }
}
