//! Follows a journal: writes it as JSON lines, and holds it against what is expected of the clients.

use std::cell::RefCell;

use color_eyre::eyre::Result;
use cortop_sim::journal::{Entry, Expectations, Journal, JournalReader};
use serde_json::{Value, json};

use crate::{
    cli::LogForm,
    console::print_error,
    logging::{self, Requests},
};

/// What there is to say beside the journal, and the form in which all of it is said.
pub(super) struct LogOutput {
    form: LogForm,
    lines: Requests,
    /// What was said so far beside the journal.
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

    /// Says something that is not about a client.
    pub(super) fn note(&self, text: &str) {
        self.notes.borrow_mut().push(text.to_owned());
        match self.form {
            LogForm::Text => eprintln!("{text}"),
            LogForm::Json => self.lines.write(&note(text)),
        }
    }

    /// What was said so far, for a screen that is about to hide it.
    pub(super) fn notes(&self) -> Vec<String> {
        self.notes.borrow().clone()
    }

    /// Writes what is still to be written.
    pub(super) fn finish(self) {
        self.lines.finish();
    }
}

/// A line of JSON for what is not about a client.
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

    /// Follows for ever.
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

    /// Takes what has come last, and says what the clients have not done; whether they did all.
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
