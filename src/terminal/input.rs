//! What reaches the loop from outside: keys, pastes and sizes from the terminal, signals, panics, all
//! through one bounded queue.

use std::{
    io,
    thread::{self, JoinHandle},
};

use crossterm::event::{Event, KeyEventKind, MouseButton, MouseEventKind};
use tokio::sync::mpsc;

use super::{
    exit::Exit,
    probe::{Answers, Probe},
};
use crate::app::{Key, MouseInput};
use cortop_client::Moment;

/// Inputs that may wait for the loop.
const QUEUE: usize = 256;

/// What reaches the loop from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A key was pressed or repeats, and when: a marker is set at that moment.
    Key(Key, Moment),
    /// The mouse was used in a cell: its column and row.
    Mouse(MouseInput, u16, u16),
    /// Text was pasted. Not keys, which would fire shortcuts.
    Paste(String),
    /// The terminal has this many columns and rows now.
    Resize(u16, u16),
    /// The terminal has answered the questions of a [`Probe`].
    Answers(Answers),
    /// The process is to be stopped (`SIGTSTP`).
    Suspend,
    /// The process goes on after it was stopped (`SIGCONT`).
    Resume,
    /// The loop is to end.
    Exit(Exit),
}

/// The queue to the loop.
#[must_use]
pub fn queue() -> (mpsc::Sender<Input>, mpsc::Receiver<Input>) {
    mpsc::channel(QUEUE)
}

/// Forwards the answers to a probe, then the terminal's events until the loop or the terminal ends.
/// `read` waits for the next one ([`crossterm::event::read`]), which would take answers for keys.
///
/// It runs on a thread of its own rather than polling crossterm's `EventStream`: once the terminal is
/// gone, crossterm reads its end over and over without returning, which on the runtime's thread would
/// block the loop, the signals and all other tasks.
///
/// # Errors
/// The system gives no thread.
pub fn forward(
    probe: Option<Probe>,
    mut read: impl FnMut() -> io::Result<Event> + Send + 'static,
    input: mpsc::Sender<Input>,
) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name("terminal reader".to_owned()).spawn(move || {
        if let Some(probe) = probe {
            let send = |key| input.blocking_send(Input::Key(key, Moment::now())).is_ok();
            // The next read fails if the terminal is gone.
            if let Some(answers) = probe.read(send) {
                let _ = input.blocking_send(Input::Answers(answers));
            }
        }
        loop {
            let next = match read() {
                Ok(event) => match translate(event) {
                    Some(next) => next,
                    None => continue,
                },
                // A terminal that is gone fails again and again.
                Err(_) => Input::Exit(Exit::TerminalGone),
            };
            let last = next == Input::Exit(Exit::TerminalGone);
            if input.blocking_send(next).is_err() || last {
                return;
            }
        }
    })
}

/// Key releases (Windows sends them), focus, and the mouse but for click and wheel mean nothing here.
fn translate(event: Event) -> Option<Input> {
    match event {
        Event::Key(key) if key.kind != KeyEventKind::Release => {
            Some(Input::Key(key.into(), Moment::now()))
        }
        Event::Mouse(event) => {
            let input = match event.kind {
                MouseEventKind::Down(MouseButton::Left) => MouseInput::Click,
                MouseEventKind::ScrollUp => MouseInput::WheelUp,
                MouseEventKind::ScrollDown => MouseInput::WheelDown,
                _ => return None,
            };
            Some(Input::Mouse(input, event.column, event.row))
        }
        Event::Paste(text) => Some(Input::Paste(text)),
        Event::Resize(columns, rows) => Some(Input::Resize(columns, rows)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

    use super::*;

    #[test]
    fn keys_and_sizes_come_through_and_the_end_is_reported_once() {
        let key = |kind| {
            Ok(Event::Key(KeyEvent::new_with_kind(KeyCode::Char('z'), KeyModifiers::NONE, kind)))
        };
        let mut events = [
            key(KeyEventKind::Press),
            key(KeyEventKind::Release),
            Ok(Event::Paste("q".to_owned())),
            Ok(Event::FocusGained),
            key(KeyEventKind::Repeat),
            Ok(Event::Resize(1, 2)),
            Err(io::ErrorKind::BrokenPipe.into()),
            Err(io::ErrorKind::BrokenPipe.into()),
        ]
        .into_iter();
        let (sender, mut input) = queue();
        let read = move || events.next().expect("no more is read");
        forward(None, read, sender).expect("a thread").join().expect("no panic");
        let mut received = Vec::new();
        while let Some(input) = input.blocking_recv() {
            received.push(input);
        }
        // The time of a key is not known beforehand.
        let received: Vec<_> = received
            .into_iter()
            .map(|input| match input {
                Input::Key(key, _) => format!("{key}"),
                other => format!("{other:?}"),
            })
            .collect();
        assert_eq!(received, ["z", "Paste(\"q\")", "z", "Resize(1, 2)", "Exit(TerminalGone)"]);
    }
}
