//! Turns signals into input for the loop, and stops the process for the shell's job control. Knows no
//! terminal.

pub use imp::{can_suspend, suspend, watch};

#[cfg(unix)]
mod imp {
    use std::{future::poll_fn, io, task::Poll};

    use rustix::process::{Signal, getpgrp, getsid, kill_current_process_group};
    use tokio::{
        signal::unix::{SignalKind, signal},
        sync::mpsc,
        task::JoinHandle,
    };

    use crate::terminal::{exit::Exit, input::Input};

    /// The signals that end a process unless it handles them.
    const LEAVING: [Signal; 10] = [
        Signal::HUP,
        Signal::INT,
        Signal::QUIT,
        Signal::TERM,
        Signal::USR1,
        Signal::USR2,
        Signal::ALARM,
        Signal::VTALARM,
        Signal::PROF,
        Signal::XCPU,
    ];

    /// Sends each signal to the loop. From now on none of them ends or stops the process directly.
    ///
    /// # Errors
    /// The system refuses the handlers.
    pub fn watch(input: mpsc::Sender<Input>) -> io::Result<JoinHandle<()>> {
        let leaving = LEAVING.map(|one| (one, Input::Exit(Exit::Signal(one.as_raw()))));
        let others = [(Signal::TSTP, Input::Suspend), (Signal::CONT, Input::Resume)];
        let mut watched = Vec::new();
        for (number, input) in leaving.into_iter().chain(others) {
            watched.push((signal(SignalKind::from_raw(number.as_raw()))?, input));
        }
        Ok(tokio::spawn(async move {
            loop {
                let any = poll_fn(|cx| {
                    let arrived = watched
                        .iter_mut()
                        .find_map(|(on, input)| on.poll_recv(cx).is_ready().then(|| input.clone()));
                    arrived.map_or(Poll::Pending, Poll::Ready)
                });
                if input.send(any.await).await.is_err() {
                    return;
                }
            }
        }))
    }

    /// Whether a shell can continue the process once it is stopped.
    ///
    /// # Errors
    /// A sentence that says why not.
    pub fn can_suspend() -> Result<(), String> {
        // Only a shell with job control gives its jobs their own process groups. In the group of the session
        // leader (`ssh -t host cortop`) a stopped process would stay stopped for ever.
        match getsid(None) {
            Ok(session) if session != getpgrp() => Ok(()),
            _ => {
                Err("cannot suspend: there is no shell here that could bring cortop back"
                    .to_owned())
            }
        }
    }

    /// Stops the whole process group, so that a wrapper script stops too; returns when the process
    /// continues. `SIGSTOP`, because `SIGTSTP` only calls our own handler.
    ///
    /// # Errors
    /// The system refuses.
    pub fn suspend() -> io::Result<()> {
        Ok(kill_current_process_group(Signal::STOP)?)
    }
}

#[cfg(windows)]
mod imp {
    use std::io;

    use tokio::{
        select,
        signal::windows::{ctrl_break, ctrl_c, ctrl_close, ctrl_shutdown},
        sync::mpsc,
        task::JoinHandle,
    };

    use crate::terminal::{exit::Exit, input::Input};

    /// The closest signal numbers, which determine the exit code.
    const HANGUP: i32 = 1;
    const INTERRUPT: i32 = 2;
    const TERMINATE: i32 = 15;

    /// Sends Ctrl-C, Ctrl-Break, a closed console and the shutdown of Windows to the loop. From now on none
    /// of them ends the process directly, except those after which Windows ends it within seconds.
    ///
    /// # Errors
    /// The system refuses the handlers.
    pub fn watch(input: mpsc::Sender<Input>) -> io::Result<JoinHandle<()>> {
        let (mut interrupt, mut interrupt_hard) = (ctrl_c()?, ctrl_break()?);
        let (mut close, mut shutdown) = (ctrl_close()?, ctrl_shutdown()?);
        Ok(tokio::spawn(async move {
            loop {
                let signal = select! {
                    _ = interrupt.recv() => INTERRUPT,
                    _ = interrupt_hard.recv() => INTERRUPT,
                    _ = close.recv() => HANGUP,
                    _ = shutdown.recv() => TERMINATE,
                };
                if input.send(Input::Exit(Exit::Signal(signal))).await.is_err() {
                    return;
                }
            }
        }))
    }

    /// Windows has no job control.
    ///
    /// # Errors
    /// Always, with a sentence that says so.
    pub fn can_suspend() -> Result<(), String> {
        Err("cannot suspend on this system".to_owned())
    }

    /// Windows has no job control.
    ///
    /// # Errors
    /// Always.
    pub fn suspend() -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
