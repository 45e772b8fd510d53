//! Messages that were ignored, in the log: once for each topic and reason, and few a minute, whatever
//! comes. The header counts them all.

use std::{
    collections::HashSet,
    mem::{Discriminant, discriminant},
    time::Duration,
};

use tokio::time::Instant;

use cortop_mqtt::payload::Malformed;

/// Lines within so much time at most.
const MOST_LINES: usize = 6;
const STRETCH: Duration = Duration::from_secs(60);

/// Topics and reasons that are remembered.
const MOST_KINDS: usize = 1024;

/// What was said of them.
#[derive(Debug, Default)]
pub(super) struct IgnoredMessages {
    said: HashSet<(String, Discriminant<Malformed>)>,
    /// When the stretch of time began, and its lines.
    lines: Option<(Instant, usize)>,
}

impl IgnoredMessages {
    /// Whether there is a line for one of them.
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
