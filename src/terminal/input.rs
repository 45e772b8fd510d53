//! The loop's input: keys, pastes and sizes from the terminal, signals and panics, all through one bounded
//! queue.

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

/// Maximum number of queued inputs.
const QUEUE: usize = 256;

/// An input of the loop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A key was pressed or repeated, and when: a marker is set at that moment.
    Key(Key, Moment),
    /// A mouse event in a cell: its column and row.
    Mouse(MouseInput, u16, u16),
    /// Text was pasted. Not sent as keys, which would trigger shortcuts.
    Paste(String),
    /// The new size of the terminal in columns and rows.
    Resize(u16, u16),
    /// The terminal's answers to a [`Probe`].
    Answers(Answers),
    /// The process has to be stopped (`SIGTSTP`).
    Suspend,
    /// The process continues after a stop (`SIGCONT`).
    Resume,
    /// The loop has to end.
    Exit(Exit),
}

/// Creates the queue to the loop.
#[must_use]
pub fn queue() -> (mpsc::Sender<Input>, mpsc::Receiver<Input>) {
    mpsc::channel(QUEUE)
}

/// Forwards the answers to a probe, then the terminal's events until the loop or the terminal ends. `read`
/// waits for the next event ([`crossterm::event::read`]), which would take answers for keys.
///
/// It runs on its own thread instead of polling crossterm's `EventStream`: once the terminal is gone,
/// crossterm reads its end over and over without returning, which would block the runtime's thread with the
/// loop, the signals and all other tasks.
///
/// # Errors
/// The system cannot create a thread.
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
                // A terminal that is gone keeps failing.
                Err(_) => Input::Exit(Exit::TerminalGone),
            };
            let last = next == Input::Exit(Exit::TerminalGone);
            if input.blocking_send(next).is_err() || last {
                return;
            }
        }
    })
}

/// Ignores key releases (Windows sends them), focus, and mouse events other than click and wheel.
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
        // The time of a key is not known in advance.
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
