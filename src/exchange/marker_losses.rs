//! Counts which markers of other programs are not taken, by cause: reported in a sentence when a cause first
//! occurs, and in numbers at the end.

use std::sync::atomic::{AtomicU64, Ordering};

/// Maximum bytes of a line; a longer one is no marker.
pub(super) const LONGEST_LINE: usize = 1024;
/// Maximum bytes kept of a label and of a value.
pub(super) const LONGEST_TEXT: usize = 64;
/// Maximum markers per second.
pub(super) const MOST_A_SECOND: u32 = 50;
/// Maximum concurrent connections; more are closed at once.
pub(super) const MOST_CONNECTIONS: usize = 16;

/// Why a marker was not taken, or not as it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarkerLoss {
    /// Its line is too long.
    TooLong,
    /// Its line is not text.
    NoText,
    /// Its label or value was cut.
    Cut,
    /// Too many arrived within a second.
    TooMany,
    /// Too many are waiting to be set.
    Busy,
    /// Its connection was refused, as there were too many.
    Connection,
    /// No session was open.
    NoSession,
}

/// A counter for each cause.
#[derive(Debug, Default)]
pub struct MarkerLosses([AtomicU64; MarkerLoss::ALL.len()]);

impl MarkerLoss {
    /// All causes.
    pub const ALL: [Self; 7] = [
        Self::TooLong,
        Self::NoText,
        Self::Cut,
        Self::TooMany,
        Self::Busy,
        Self::Connection,
        Self::NoSession,
    ];

    /// The sentence when it first occurs.
    #[must_use]
    pub fn sentence(self) -> String {
        match self {
            Self::TooLong => {
                format!("a line of more than {LONGEST_LINE} bytes came, which is no marker")
            }
            Self::NoText => {
                "a line that is no marker came: no text in UTF-8, or control characters".to_owned()
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
            Self::NoSession => "a marker came while no session was open: it is lost".to_owned(),
        }
    }

    /// The words after its number at the end.
    const fn counted(self) -> &'static str {
        match self {
            Self::TooLong => "lines too long",
            Self::NoText => "lines without text",
            Self::Cut => "cut",
            Self::TooMany => "too many in a second",
            Self::Busy => "lost as too many waited",
            Self::Connection => "connections refused",
            Self::NoSession => "without a session",
        }
    }
}

impl MarkerLosses {
    /// Counts one; logs the first of its cause.
    pub fn count(&self, loss: MarkerLoss) {
        let count = self.0.get(loss as usize);
        if count.is_some_and(|count| count.fetch_add(1, Ordering::Relaxed) == 0) {
            tracing::warn!("{}", loss.sentence());
        }
    }

    /// The number of losses of a cause.
    #[must_use]
    pub fn of(&self, loss: MarkerLoss) -> u64 {
        self.0.get(loss as usize).map_or(0, |count| count.load(Ordering::Relaxed))
    }

    /// A sentence with all of them; `None` if there are none.
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
