//! How much is taken of the markers of other programs. What is not is counted by its cause, said in a sentence
//! when it first happens and in numbers at the end.

use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes of the longest line; what is longer is no marker.
pub(super) const LONGEST_LINE: usize = 1024;
/// Bytes kept of a label and of a value.
pub(super) const LONGEST_TEXT: usize = 64;
/// Markers taken in a second.
pub(super) const MOST_A_SECOND: u32 = 50;
/// Connections at a time; more are closed at once.
pub(super) const MOST_CONNECTIONS: usize = 16;

/// Why a marker was not taken, or not as it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarkerLoss {
    /// Its line is too long.
    TooLong,
    /// Its line is no text.
    NoText,
    /// Its label or value was cut.
    Cut,
    /// Too many came in a second.
    TooMany,
    /// Too many wait to be set.
    Busy,
    /// A connection too many was refused.
    Connection,
}

/// Counts them.
#[derive(Debug, Default)]
pub struct MarkerLosses([AtomicU64; MarkerLoss::ALL.len()]);

impl MarkerLoss {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::TooLong, Self::NoText, Self::Cut, Self::TooMany, Self::Busy, Self::Connection];

    /// What is said when it first happens.
    #[must_use]
    pub fn sentence(self) -> String {
        match self {
            Self::TooLong => {
                format!("a line of more than {LONGEST_LINE} bytes came, which is no marker")
            }
            Self::NoText => {
                "a line came that is no marker: it is no text in UTF-8, or has control \
                             characters"
                    .to_owned()
            }
            Self::Cut => format!(
                "a marker's label or value of more than {LONGEST_TEXT} bytes came: its end is cut off"
            ),
            Self::TooMany => format!(
                "more than {MOST_A_SECOND} markers came in a second: the rest of them is lost"
            ),
            Self::Busy => "a marker is lost: too many wait to be set".to_owned(),
            Self::Connection => format!(
                "more than {MOST_CONNECTIONS} connections for markers: those above are refused"
            ),
        }
    }

    /// What is counted at the end.
    const fn counted(self) -> &'static str {
        match self {
            Self::TooLong => "lines too long",
            Self::NoText => "lines without text",
            Self::Cut => "cut",
            Self::TooMany => "too many in a second",
            Self::Busy => "lost as too many waited",
            Self::Connection => "connections refused",
        }
    }
}

impl MarkerLosses {
    /// Counts one; the log has the first of its cause.
    pub fn count(&self, loss: MarkerLoss) {
        let count = self.0.get(loss as usize);
        if count.is_some_and(|count| count.fetch_add(1, Ordering::Relaxed) == 0) {
            tracing::warn!("{}", loss.sentence());
        }
    }

    /// How many there were of a cause.
    #[must_use]
    pub fn of(&self, loss: MarkerLoss) -> u64 {
        self.0.get(loss as usize).map_or(0, |count| count.load(Ordering::Relaxed))
    }

    /// All of them in a sentence; `None` where there was none.
    #[must_use]
    pub fn total(&self) -> Option<String> {
        let counts = MarkerLoss::ALL.map(|loss| (self.of(loss), loss.counted()));
        let counts = counts.into_iter().filter(|(count, _)| *count > 0);
        let counts: Vec<_> = counts.map(|(count, what)| format!("{count} {what}")).collect();
        (!counts.is_empty()).then(|| {
            format!("markers from outside that were not taken as sent: {}", counts.join(", "))
        })
    }
}
