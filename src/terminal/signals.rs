//! Signals become input for the loop, and stopping for the shell's job control. Knows no terminal.

pub use imp::{stop, stoppable, watch};

#[cfg(unix)]
mod imp {
    use std::{future::poll_fn, io, task::Poll};

    use rustix::process::{Signal, getpgrp, getsid, kill_current_process_group};
    use tokio::{
        signal::unix::{SignalKind, signal},
        sync::mpsc,
        task::JoinHandle,
    };

    use crate::terminal::{End, Input};

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

    /// Tells the loop of each signal. From now on none of them ends or stops the process by itself.
    ///
    /// # Errors
    /// The system refuses the handlers.
    pub fn watch(input: mpsc::Sender<Input>) -> io::Result<JoinHandle<()>> {
        let leaving = LEAVING.map(|one| (one, Input::Leave(End::Signal(one.as_raw()))));
        let others = [(Signal::TSTP, Input::Stop), (Signal::CONT, Input::Continue)];
        let mut watched = Vec::new();
        for (number, told) in leaving.into_iter().chain(others) {
            watched.push((signal(SignalKind::from_raw(number.as_raw()))?, told));
        }
        Ok(tokio::spawn(async move {
            loop {
                let any = poll_fn(|cx| {
                    let arrived = watched
                        .iter_mut()
                        .find_map(|(on, told)| on.poll_recv(cx).is_ready().then(|| told.clone()));
                    arrived.map_or(Poll::Pending, Poll::Ready)
                });
                if input.send(any.await).await.is_err() {
                    return;
                }
            }
        }))
    }

    /// Whether somebody would let the process go on once it is stopped.
    ///
    /// # Errors
    /// A sentence saying why not.
    pub fn stoppable() -> Result<(), String> {
        // Only a shell with job control puts its jobs into groups of their own. In the session
        // leader's own group (`ssh -t host cortop`) a stopped process would stay so for ever.
        match getsid(None) {
            Ok(session) if session != getpgrp() => Ok(()),
            _ => {
                Err("cannot suspend: there is no shell here that could bring cortop back"
                    .to_owned())
            }
        }
    }

    /// Stops the process with its whole group, so that a wrapper such as a script stops too;
    /// returns when it goes on. `SIGSTOP`, because `SIGTSTP` only calls our own handler.
    ///
    /// # Errors
    /// The system refuses.
    pub fn stop() -> io::Result<()> {
        Ok(kill_current_process_group(Signal::STOP)?)
    }
}

#[cfg(not(unix))]
mod imp {
    use std::io;

    use tokio::{sync::mpsc, task::JoinHandle};

    use crate::terminal::{End, Input};

    /// `SIGINT`, whose number the exit code is made of.
    const INTERRUPT: i32 = 2;

    /// Tells the loop of Ctrl-C and Ctrl-Break.
    ///
    /// # Errors
    /// The system refuses the handler.
    pub fn watch(input: mpsc::Sender<Input>) -> io::Result<JoinHandle<()>> {
        Ok(tokio::spawn(async move {
            while tokio::signal::ctrl_c().await.is_ok() {
                if input.send(Input::Leave(End::Signal(INTERRUPT))).await.is_err() {
                    return;
                }
            }
        }))
    }

    /// There is no job control.
    ///
    /// # Errors
    /// Always, with a sentence saying so.
    pub fn stoppable() -> Result<(), String> {
        Err("cannot suspend on this system".to_owned())
    }

    /// There is no job control.
    ///
    /// # Errors
    /// Always.
    pub fn stop() -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
