//! Counts events that may repeat without limit, so that they cannot flood the log.

use std::{collections::BTreeMap, time::Duration};

use tokio::time::Instant;

use cortop_protocol::Warning;

/// Counts repeated oddities of one kind: logs the first as a warning, then each time their number
/// has doubled, at debug level.
pub(super) struct RepeatCounter {
    what: &'static str,
    count: u64,
}

impl RepeatCounter {
    pub(super) const fn new(what: &'static str) -> Self {
        Self { what, count: 0 }
    }

    pub(super) fn add(&mut self, detail: &str) {
        self.count += 1;
        let Self { what, count } = self;
        let detail = if detail.is_empty() { String::new() } else { format!(" ({detail})") };
        if *count == 1 {
            tracing::warn!("{what}{detail}");
        } else if count.is_power_of_two() {
            tracing::debug!("{count} {what} so far{detail}");
        }
    }
}

/// Between two log lines on warnings with the same code about the same thing.
const PERIOD: Duration = Duration::from_secs(10);

/// How many kinds of warning are counted separately; the rest share one line.
const KINDS: usize = 64;

/// The key of a warning: its code, and what it is about.
type WarningKey = (i64, Vec<(&'static str, String)>);

/// Counts warnings by code and by headset, session, profile or record: logs one, and counts those
/// of the following seconds.
#[derive(Default)]
pub(super) struct WarningCounter(BTreeMap<Option<WarningKey>, WarningCount>);

struct WarningCount {
    logged: Instant,
    unlogged: u64,
}

impl WarningCounter {
    /// Logs a warning, or counts it.
    pub(super) fn add(&mut self, warning: &Warning) {
        let mut key = Some((warning.code, warning.subject()));
        if self.0.len() >= KINDS && !self.0.contains_key(&key) {
            self.0.retain(|_, count| count.logged.elapsed() < PERIOD || count.unlogged > 0);
            if self.0.len() >= KINDS {
                key = None;
            }
        }
        if let Some(count) = self.0.get_mut(&key)
            && count.logged.elapsed() < PERIOD
        {
            count.unlogged += 1;
            return;
        }
        let count = WarningCount { logged: Instant::now(), unlogged: 0 };
        let more = match self.0.insert(key, count) {
            Some(WarningCount { unlogged: unlogged @ 1.., .. }) => {
                format!(" ({unlogged} more before)")
            }
            _ => String::new(),
        };
        tracing::info!("Cortex says {}: {}{more}", warning.code, warning.line());
    }
}
