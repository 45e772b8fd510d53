//! Follows a journal: writes it as JSON lines, and checks the clients against expectations.

use std::cell::RefCell;

use color_eyre::eyre::Result;
use cortop_sim::journal::{Entry, Expectations, Journal, JournalReader};
use serde_json::{Value, json};

use crate::{
    cli::LogForm,
    console::print_error,
    logging::{self, Requests},
};

/// Output besides the journal, and the format of both.
pub(super) struct LogOutput {
    form: LogForm,
    lines: Requests,
    /// The notes so far.
    notes: RefCell<Vec<String>>,
}

impl LogOutput {
    /// Starts the log.
    ///
    /// # Errors
    /// It was started before.
    pub(super) fn start(form: LogForm, level: logging::RequestLevel) -> Result<Self> {
        let lines = logging::init_requests(form == LogForm::Json, level)?;
        Ok(Self { form, lines, notes: RefCell::default() })
    }

    /// Writes a note that is not about a client.
    pub(super) fn note(&self, text: &str) {
        self.notes.borrow_mut().push(text.to_owned());
        match self.form {
            LogForm::Text => eprintln!("{text}"),
            LogForm::Json => self.lines.write(&note(text)),
        }
    }

    /// The notes so far, for a screen that is about to hide them.
    pub(super) fn notes(&self) -> Vec<String> {
        self.notes.borrow().clone()
    }

    /// Flushes the output.
    pub(super) fn finish(self) {
        self.lines.finish();
    }
}

/// A note as a JSON line.
fn note(text: &str) -> Value {
    json!({ "event": "note", "text": text })
}

/// Follows a journal.
pub(super) struct Follower<'a> {
    journal: Journal,
    reader: JournalReader,
    output: &'a LogOutput,
    expected: Option<Expectations>,
}

impl<'a> Follower<'a> {
    pub(super) fn new(
        journal: Journal,
        output: &'a LogOutput,
        expected: Option<Expectations>,
    ) -> Self {
        Self { reader: journal.reader(), journal, output, expected }
    }

    /// Follows the journal for ever.
    pub(super) async fn follow<T>(&mut self) -> T {
        loop {
            let entries = self.reader.next().await;
            self.take(entries);
        }
    }

    fn take(&mut self, entries: Vec<Entry>) {
        for entry in entries {
            if let Some(expected) = &mut self.expected {
                expected.observe(&entry);
            }
            if self.output.form == LogForm::Json {
                self.output.lines.write(&self.journal.json(&entry));
            }
        }
    }

    /// Handles the last entries, and reports the unmet expectations; returns whether all are met.
    pub(super) fn finish(mut self) -> bool {
        let rest = self.reader.take();
        self.take(rest);
        let unmet = self.expected.map(|expected| expected.unmet()).unwrap_or_default();
        for line in &unmet {
            match self.output.form {
                LogForm::Text => print_error(&format!("not as expected: {line}")),
                LogForm::Json => {
                    self.output.lines.write(&json!({ "event": "unmet", "text": line }));
                }
            }
        }
        unmet.is_empty()
    }
}
