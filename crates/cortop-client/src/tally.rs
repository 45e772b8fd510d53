//! Counts what may come in any number, so that it cannot flood the log.

use std::{collections::BTreeMap, time::Duration};

use tokio::time::Instant;

use cortop_protocol::Warning;

/// Odd things of one kind: the first is logged aloud, then each doubling of their number.
pub(super) struct Tally {
    what: &'static str,
    count: u64,
}

impl Tally {
    pub(super) const fn new(what: &'static str) -> Self {
        Self { what, count: 0 }
    }

    pub(super) fn add(&mut self, detail: &str) {
        self.count += 1;
        if self.count == 1 {
            tracing::warn!(detail, "{}", self.what);
        } else if self.count.is_power_of_two() {
            tracing::debug!(detail, count = self.count, "{}", self.what);
        }
    }
}

/// Between two lines on warnings of the same code.
const PERIOD: Duration = Duration::from_secs(10);

/// Codes told apart; all beyond share one.
const CODES: usize = 64;
const ANY: i64 = i64::MIN;

/// Warnings by code: one is logged, and those of the next seconds are counted.
#[derive(Default)]
pub(super) struct Warnings(BTreeMap<i64, Heard>);

struct Heard {
    logged: Instant,
    unlogged: u64,
}

impl Warnings {
    /// Logs a warning, or counts it.
    pub(super) fn add(&mut self, warning: &Warning) {
        let full = self.0.len() >= CODES && !self.0.contains_key(&warning.code);
        let code = if full { ANY } else { warning.code };
        if let Some(heard) = self.0.get_mut(&code)
            && heard.logged.elapsed() < PERIOD
        {
            heard.unlogged += 1;
            return;
        }
        let heard = Heard { logged: Instant::now(), unlogged: 0 };
        let more = match self.0.insert(code, heard) {
            Some(Heard { unlogged: unlogged @ 1.., .. }) => format!(" ({unlogged} more before)"),
            _ => String::new(),
        };
        tracing::info!("Cortex says {}: {}{more}", warning.code, warning.text());
    }
}
