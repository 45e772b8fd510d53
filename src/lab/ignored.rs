//! Limits the log lines about ignored messages: one for each topic and reason, and only a few a minute.
//! The header counts all of the messages.

use std::{
    collections::HashSet,
    mem::{Discriminant, discriminant},
    time::Duration,
};

use tokio::time::Instant;

use cortop_mqtt::payload::Malformed;

/// Maximum number of lines in each [`STRETCH`].
const MOST_LINES: usize = 6;
const STRETCH: Duration = Duration::from_secs(60);

/// Maximum number of topics and reasons that are remembered.
const MOST_KINDS: usize = 1024;

/// The topics and reasons that have been logged.
#[derive(Debug, Default)]
pub(super) struct IgnoredMessages {
    said: HashSet<(String, Discriminant<Malformed>)>,
    /// When the current [`STRETCH`] began, and how many lines it has.
    lines: Option<(Instant, usize)>,
}

impl IgnoredMessages {
    /// Whether a message about a topic or station gets a line. If so, counts the line.
    pub(super) fn is_news(&mut self, subject: &str, why: &Malformed, now: Instant) -> bool {
        let kind = (subject.to_owned(), discriminant(why));
        if self.said.contains(&kind) {
            return false;
        }
        let is_now = |began: Instant| now.saturating_duration_since(began) < STRETCH;
        let (began, lines) = self.lines.filter(|(began, _)| is_now(*began)).unwrap_or((now, 0));
        if lines == MOST_LINES {
            return false;
        }
        self.lines = Some((began, lines + 1));
        if self.said.len() == MOST_KINDS {
            self.said.clear();
        }
        self.said.insert(kind);
        true
    }
}
