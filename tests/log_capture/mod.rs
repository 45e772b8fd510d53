//! Captures what is logged.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use tracing::{Dispatch, subscriber::NoSubscriber};
use tracing_subscriber::fmt::MakeWriter;

/// The log so far; all clones share it.
#[derive(Clone)]
pub(crate) struct LogCapture {
    text: Arc<Mutex<Vec<u8>>>,
    /// Where there is but one subscriber, tracing asks that of the thread which reaches an event first:
    /// another test has none, and the event would be silent from then on.
    _second: Dispatch,
}

impl Default for LogCapture {
    fn default() -> Self {
        Self { text: Arc::default(), _second: Dispatch::new(NoSubscriber::new()) }
    }
}

impl LogCapture {
    /// All of it.
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.text.lock().unwrap().clone()).unwrap()
    }
}

impl Write for LogCapture {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for LogCapture {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
