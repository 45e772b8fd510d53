//! Signals become input for the loop, and stopping for the shell's job control. Knows no terminal.

pub use imp::{stop, stoppable, watch};

#[cfg(unix)]
mod imp {
    use std::io;

    use rustix::process::{Signal, getpgrp, getsid, kill_current_process_group};
    use tokio::{
        signal::unix::{SignalKind, signal},
        sync::mpsc,
        task::JoinHandle,
    };

    use crate::terminal::{End, Input};

    /// Tells the loop of each signal. From now on none of them ends or stops the process by itself.
    ///
    /// # Errors
    /// The system refuses the handlers.
    pub fn watch(input: mpsc::Sender<Input>) -> io::Result<JoinHandle<()>> {
        let on = |number: Signal| signal(SignalKind::from_raw(number.as_raw()));
        let (mut hup, mut int) = (on(Signal::HUP)?, on(Signal::INT)?);
        let (mut quit, mut term) = (on(Signal::QUIT)?, on(Signal::TERM)?);
        let (mut stop, mut cont) = (on(Signal::TSTP)?, on(Signal::CONT)?);
        Ok(tokio::spawn(async move {
            loop {
                let leave = |signal: Signal| Input::Leave(End::Signal(signal.as_raw()));
                let told = tokio::select! {
                    _ = hup.recv() => leave(Signal::HUP),
                    _ = int.recv() => leave(Signal::INT),
                    _ = quit.recv() => leave(Signal::QUIT),
                    _ = term.recv() => leave(Signal::TERM),
                    _ = stop.recv() => Input::Stop,
                    _ = cont.recv() => Input::Continue,
                };
                if input.send(told).await.is_err() {
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
