//! Measures the clocks of headsets (`syncWithHeadsetClock`, §3.2) and keeps the measurements fresh
//! while a record runs or the application needs them.

use std::{collections::BTreeSet, time::Duration};

use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until, timeout};

use super::{Event, Moment, clock::ClockMeasurement, context::Context, timer};
use cortop_protocol::{ErrorKind, HeadsetId, Method};

/// How many measurements to take, of which the one with the shortest round trip counts, and for how
/// long: over a slow line fewer have to do.
const TRIES: usize = 5;
const ENOUGH: Duration = Duration::from_secs(1);

/// How long starting a record waits for the measurement before it.
const BEFORE_RECORD: Duration = Duration::from_secs(2);

/// Between two periodic measurements.
const INTERVAL: Duration = Duration::from_secs(60);

/// Measures the clock of a headset.
pub(super) async fn measure(context: Context, headset: HeadsetId) {
    const METHOD: Method = Method::SyncWithHeadsetClock;
    let started = Instant::now();
    let mut best: Option<ClockMeasurement> = None;
    for _ in 0..TRIES {
        let sent = Moment::now();
        let params = json!({
            "headset": headset.as_str(),
            "systemTime": sent.wall.as_duration().as_secs_f64(),
            "monotonicTime": context.clocks.monotonic(sent.instant),
        });
        let answer = context.ask(METHOD, params).await;
        let round_trip = sent.instant.elapsed().as_secs_f64();
        let adjustment = match answer {
            Ok(answer) => answer.get("adjustment").and_then(Value::as_f64),
            Err(error) if error.kind == ErrorKind::ConnectionLost => return,
            // Versions before 2.1 do not support it.
            Err(failure) => {
                tracing::debug!("{}", failure);
                None
            }
        };
        let wall = context.clocks.wall(sent);
        if best.is_none_or(|best| round_trip < best.round_trip) {
            best = Some(ClockMeasurement { adjustment, round_trip, wall });
        }
        if adjustment.is_none() || started.elapsed() >= ENOUGH {
            break;
        }
    }
    let Some(best) = best else { return };
    if let Some(clock) = context.clocks.put(&headset, best) {
        context.events.send(Event::Clock { headset, clock }).await;
    }
}

/// Measures the clock of a headset before a record starts, unless that takes too long.
pub(super) async fn measure_before_record(context: &Context, headset: HeadsetId) {
    // Not cancelled when the wait times out: the result is useful for later markers. It ends with
    // its requests.
    let measuring = tokio::spawn(measure(context.clone(), headset));
    if timeout(BEFORE_RECORD, measuring).await.is_err() {
        tracing::info!("Cortex takes long to compare its clock: the record starts meanwhile");
    }
}

/// Keeps measuring the clocks of headsets that are being recorded or whose clock is always needed,
/// until the connection ends.
pub(super) async fn keep_measured(context: Context) {
    loop {
        sleep_until(timer::next_tick(INTERVAL)).await;
        let needed: BTreeSet<_> = context
            .sessions
            .borrow()
            .iter()
            .filter(|session| {
                context.record_log.is_running(&session.id)
                    || context.clocks.is_kept_measured(&session.headset.id)
            })
            .map(|session| session.headset.id.clone())
            .collect();
        for headset in needed {
            measure(context.clone(), headset).await;
        }
    }
}
