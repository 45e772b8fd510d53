//! What reaches the loop from outside: keys and sizes from the terminal, signals, a panic. All come
//! through one bounded queue, filled from elsewhere.

use std::{
    io,
    thread::{self, JoinHandle},
};

use crossterm::event::{Event, KeyEventKind};
use tokio::sync::mpsc;

use super::End;
use crate::app::Key;
use cortop_client::Moment;

/// Keys and the like that may wait for the loop.
const QUEUE: usize = 256;

/// What reaches the loop from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A key was pressed, or repeats, and when: a marker stands at that moment.
    Key(Key, Moment),
    /// Text was pasted: not keys, or it would fire shortcuts.
    Paste(String),
    /// The terminal has this many columns and rows now.
    Resize(u16, u16),
    /// The process is to be stopped (`SIGTSTP`).
    Stop,
    /// The process goes on after it was stopped (`SIGCONT`).
    Continue,
    /// Leave.
    Leave(End),
}

/// The queue to the loop.
#[must_use]
pub fn queue() -> (mpsc::Sender<Input>, mpsc::Receiver<Input>) {
    mpsc::channel(QUEUE)
}

/// Forwards what the terminal tells, until the loop or the terminal ends. `read` waits for the next
/// event ([`crossterm::event::read`]).
///
/// It has a thread of its own and crossterm's `EventStream` is not used: at a terminal that is gone
/// crossterm reads its end over and over and never returns, and polled by a task it would take the
/// loop, the signals and all other tasks with it.
///
/// # Errors
/// The system gives no thread.
pub fn forward(
    mut read: impl FnMut() -> io::Result<Event> + Send + 'static,
    input: mpsc::Sender<Input>,
) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name("terminal reader".to_owned()).spawn(move || {
        loop {
            let told = match read() {
                Ok(event) => match translate(event) {
                    Some(told) => told,
                    None => continue,
                },
                // A terminal that is gone would tell so again and again.
                Err(_) => Input::Leave(End::Gone),
            };
            let last = told == Input::Leave(End::Gone);
            if input.blocking_send(told).is_err() || last {
                return;
            }
        }
    })
}

/// Releases of keys (Windows tells them), focus and mouse mean nothing here.
fn translate(event: Event) -> Option<Input> {
    match event {
        Event::Key(key) if key.kind != KeyEventKind::Release => {
            Some(Input::Key(key.into(), Moment::now()))
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
    fn keys_and_sizes_come_through_and_the_end_is_told_once() {
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
        forward(read, sender).expect("a thread").join().expect("no panic");
        let mut told = Vec::new();
        while let Some(input) = input.blocking_recv() {
            told.push(input);
        }
        // When they were pressed is not known beforehand.
        let told: Vec<_> = told
            .into_iter()
            .map(|input| match input {
                Input::Key(key, _) => format!("{key}"),
                other => format!("{other:?}"),
            })
            .collect();
        assert_eq!(told, ["z", "Paste(\"q\")", "z", "Resize(1, 2)", "Leave(Gone)"]);
    }
}
