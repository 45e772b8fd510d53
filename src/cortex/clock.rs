//! The clocks of headsets (§2.9, §3.2): compared with ours after each connection, so that a marker
//! stands at the sample of the key press.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Event, HeadsetId, Moment, context::Context};

/// What is known of the headsets' clocks.
pub(super) struct Clocks {
    /// From which our monotonic time counts.
    origin: Instant,
    /// What to add to it, in seconds, by headset.
    adjustments: Mutex<BTreeMap<HeadsetId, f64>>,
}

impl Default for Clocks {
    fn default() -> Self {
        Self { origin: Instant::now(), adjustments: Mutex::default() }
    }
}

impl Clocks {
    /// Monotonic seconds of a moment.
    fn monotonic(&self, instant: Instant) -> f64 {
        instant.saturating_duration_since(self.origin).as_secs_f64()
    }

    /// Epoch seconds of a moment, as the samples of a headset count them; by the calendar as long as
    /// its clock is not known.
    pub(super) fn epoch(&self, headset: Option<&HeadsetId>, at: Moment) -> f64 {
        let adjustment = headset.and_then(|headset| self.lock().get(headset).copied());
        match adjustment {
            Some(adjustment) => self.monotonic(at.instant) + adjustment,
            None => at.wall.as_duration().as_secs_f64(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<HeadsetId, f64>> {
        self.adjustments.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Compares the clock of a headset that has just been connected with ours.
pub(super) async fn synchronise(context: Context, headset: HeadsetId) {
    // That of the connection before: its clock has started anew.
    context.clocks.lock().remove(&headset);
    let params = json!({
        "headset": headset.as_str(),
        "systemTime": Timestamp::now().as_duration().as_secs_f64(),
        "monotonicTime": context.clocks.monotonic(Instant::now()),
    });
    match context.ask("syncWithHeadsetClock", params).await {
        Ok(answer) => {
            if let Some(adjustment) = answer.get("adjustment").and_then(Value::as_f64) {
                context.clocks.lock().insert(headset.clone(), adjustment);
                context.outbox.tell(Event::Clock { headset, adjustment }).await;
            }
        }
        // Older ones cannot (2.1+): markers go by the calendar.
        Err(failure) => tracing::info!("{}", failure.refusal("syncWithHeadsetClock")),
    }
}
