//! A shell command that runs beside the simulator (`cortop sim --exec`): started, awaited, and ended with the
//! simulator. Knows processes and signals, but not what is served.

use std::{ffi::OsStr, io, process::ExitStatus, time::Duration};

use color_eyre::eyre::{Result, WrapErr as _};
use tokio::{
    task::{JoinHandle, spawn_blocking},
    time::{Instant, sleep_until},
};

use crate::console::{Shutdown, ShutdownSignals};

/// How long the command may take to end after it was asked to.
const GRACE: Duration = Duration::from_secs(10);

/// A running command.
pub(super) struct RunningCommand {
    ended: JoinHandle<io::Result<ExitStatus>>,
    processes: imp::Processes,
}

/// Starts a command through the shell, with our standard input, output and error. A variable without a value
/// is removed from its environment.
///
/// # Errors
/// There is no shell.
pub(super) fn start(command: &str, variables: &[(&str, Option<&OsStr>)]) -> Result<RunningCommand> {
    let mut shell = imp::shell(command);
    for (name, value) in variables {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    let (mut child, processes) =
        imp::spawn(&mut shell).wrap_err("the shell for --exec cannot be started")?;
    Ok(RunningCommand { ended: spawn_blocking(move || child.wait()), processes })
}

impl RunningCommand {
    /// Waits for its end and returns its exit status; for a signal, 128 plus its number. Forwards signals to
    /// it; if it does not end then, kills it and all its child processes.
    pub(super) async fn wait(mut self, signals: &mut ShutdownSignals) -> Result<u8> {
        let mut deadline = None;
        loop {
            let patience = deadline.unwrap_or_else(Instant::now);
            tokio::select! {
                ended = &mut self.ended => {
                    if deadline.is_some() {
                        self.processes.kill();
                    }
                    return Ok(imp::code(ended??));
                }
                signal = signals.recv() => {
                    self.processes.pass_on(signal);
                    deadline.get_or_insert_with(|| Instant::now() + GRACE);
                }
                () = sleep_until(patience), if deadline.is_some() => {
                    self.processes.kill();
                    deadline = Some(Instant::now() + GRACE);
                }
            }
        }
    }
}

#[cfg(unix)]
mod imp {
    use std::{
        fs::File,
        io::{self, IsTerminal as _},
        os::unix::process::{CommandExt as _, ExitStatusExt as _},
        process::{Child, Command, ExitStatus},
    };

    use rustix::{
        process::{Pid, Signal, getpgrp, kill_process, kill_process_group},
        termios::tcgetpgrp,
    };

    use super::Shutdown;

    pub(super) fn shell(command: &str) -> Command {
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(command);
        shell
    }

    /// The processes of the command.
    pub(super) struct Processes {
        shell: Pid,
        /// Whether they have their own process group.
        are_grouped: bool,
    }

    /// A command that reads from the terminal stays in our process group, as only the foreground group may
    /// read; Ctrl-C and Ctrl-Z then reach it directly. Any other command gets its own group, so that all its
    /// child processes can be ended with it.
    pub(super) fn spawn(shell: &mut Command) -> io::Result<(Child, Processes)> {
        let are_grouped = !(io::stdin().is_terminal() && is_in_foreground());
        if are_grouped {
            shell.process_group(0);
        }
        let child = shell.spawn()?;
        let processes = Processes { shell: Pid::from_child(&child), are_grouped };
        Ok((child, processes))
    }

    /// Whether our process group owns the terminal.
    fn is_in_foreground() -> bool {
        let terminal = File::open("/dev/tty");
        terminal.is_ok_and(|terminal| tcgetpgrp(terminal).is_ok_and(|group| group == getpgrp()))
    }

    impl Processes {
        pub(super) fn pass_on(&self, signal: Shutdown) {
            let signal = match signal {
                // The terminal has sent the signal to the whole group.
                Shutdown::Interrupt if !self.are_grouped => return,
                Shutdown::Interrupt => Signal::INT,
                Shutdown::Terminate => Signal::TERM,
                Shutdown::Hangup => Signal::HUP,
            };
            self.send(signal);
        }

        pub(super) fn kill(&self) {
            self.send(Signal::KILL);
        }

        fn send(&self, signal: Signal) {
            // They may have ended already.
            let _ = if self.are_grouped {
                kill_process_group(self.shell, signal)
            } else {
                kill_process(self.shell, signal)
            };
        }
    }

    pub(super) fn code(status: ExitStatus) -> u8 {
        let signal = status.signal().map(|signal| 128 + signal);
        status.code().or(signal).and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
    }
}

#[cfg(not(unix))]
mod imp {
    use std::{
        io,
        process::{Child, Command, ExitStatus},
    };

    use super::Shutdown;

    pub(super) fn shell(command: &str) -> Command {
        let mut shell = Command::new("cmd");
        shell.arg("/C").arg(command);
        shell
    }

    /// Ctrl-C reaches the command directly.
    pub(super) struct Processes;

    pub(super) fn spawn(shell: &mut Command) -> io::Result<(Child, Processes)> {
        shell.spawn().map(|child| (child, Processes))
    }

    impl Processes {
        pub(super) fn pass_on(&self, _: Shutdown) {}

        pub(super) fn kill(&self) {}
    }

    pub(super) fn code(status: ExitStatus) -> u8 {
        status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
    }
}
