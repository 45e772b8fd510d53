//! Captures log output.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use tracing::{Dispatch, subscriber::NoSubscriber};
use tracing_subscriber::fmt::MakeWriter;

/// The log so far; shared by all clones.
#[derive(Clone)]
pub(crate) struct LogCapture {
    text: Arc<Mutex<Vec<u8>>>,
    /// With a single subscriber, tracing asks the subscriber of the thread that reaches an event first: if
    /// that is a test without one, the event stays silent from then on.
    _second: Dispatch,
}

impl Default for LogCapture {
    fn default() -> Self {
        Self { text: Arc::default(), _second: Dispatch::new(NoSubscriber::new()) }
    }
}

impl LogCapture {
    /// The whole log.
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
