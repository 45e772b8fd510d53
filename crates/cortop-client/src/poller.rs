//! Polls headsets and sessions, because Cortex does not report their changes (§2.5). Two tasks, so
//! that neither waits for an answer to the other. Polling also keeps the socket busy enough to
//! notice when it dies.

use std::{pin::pin, time::Duration};

use serde_json::json;
use tokio::{
    sync::watch,
    time::{Instant, sleep_until, timeout, timeout_at},
};

use super::{
    Event,
    context::{Context, TaskReport},
};
use crate::timer;
use cortop_protocol::{ErrorKind, Headset, Method, Session, code, tolerant};

/// Between two polls of the headsets while no stream is running: the user may be waiting for one.
const WAITING: Duration = Duration::from_secs(1);

/// The shortest time between two polls, however many warnings arrive.
const SHORTEST: Duration = Duration::from_millis(500);

/// Between two polls in all other cases.
const IDLE_INTERVAL: Duration = Duration::from_secs(5);

/// After so long without an answer, the display of sessions says how old it is.
const OUTDATED_AFTER: Duration = Duration::from_secs(2);

/// The longest time between two polls of sessions that Cortex refuses to list: each poll may cost
/// two tokens.
const REFUSED_INTERVAL: Duration = Duration::from_secs(5 * 60);

/// Polls the headsets until the connection ends.
pub(super) async fn headsets(context: Context, flowing: watch::Receiver<bool>) {
    let mut refresh = context.refresh.subscribe();
    let mut refused = None;
    let mut first = true;
    let mut params = json!({"includeFlexMappings": true});
    loop {
        match context.ask(Method::QueryHeadsets, params.clone()).await {
            Ok(answer) => {
                // After a refusal, the list shows that it is over.
                first |= refused.take().is_some();
                let headsets = tolerant::objects::<Headset>(Method::QueryHeadsets.name(), answer);
                let changed = context.headsets.send_if_modified(|known| {
                    let changed = *known != headsets;
                    log(known, &headsets);
                    known.clone_from(&headsets);
                    changed
                });
                // The first list is sent even if empty: the application may have an older one.
                if changed || std::mem::take(&mut first) {
                    context.events.send(Event::Headsets(headsets)).await;
                }
                context.report(TaskReport::Looked).await;
            }
            Err(error) if error.kind == ErrorKind::ConnectionLost => return,
            // Before 2.3 there were no mappings to query.
            Err(error)
                if error.code == Some(code::error::INVALID_PARAMS) && params != json!({}) =>
            {
                params = json!({});
                continue;
            }
            Err(failure) => {
                if refused.as_ref() != Some(&failure) {
                    context.events.send_error(failure.clone()).await;
                    refused = Some(failure);
                }
            }
        }
        let turn = if *flowing.borrow() { IDLE_INTERVAL } else { WAITING };
        pause(&mut refresh, turn).await;
    }
}

/// Logs which headsets appeared, changed their state, or disappeared.
fn log(before: &[Headset], now: &[Headset]) {
    for headset in now {
        let Headset { id, status, .. } = headset;
        match before.iter().find(|known| known.id == *id) {
            Some(known) if known.status == *status => {}
            Some(known) => tracing::info!("{id}: {status}, no longer {}", known.status),
            None => tracing::info!("{id}: found, {status}"),
        }
    }
    for gone in before.iter().filter(|known| now.iter().all(|headset| headset.id != known.id)) {
        tracing::warn!("{}: no longer found", gone.id);
    }
}

/// Polls our sessions until the connection ends.
pub(super) async fn sessions(context: Context) {
    let mut refresh = context.refresh.subscribe();
    let mut retry = context.retry.subscribe();
    // While Cortex refuses to list them: how long to wait before asking again.
    let mut refused: Option<Duration> = None;
    let mut first = true;
    let mut answered = Instant::now();
    loop {
        let mut ask = pin!(context.ask_as_user(Method::QuerySessions, json!({})));
        let answer = if let Ok(answer) = timeout(OUTDATED_AFTER, &mut ask).await {
            answer
        } else {
            context.events.send(Event::SessionsAsOf(answered)).await;
            first = true;
            ask.await
        };
        match answer {
            // Sent even if unchanged: it shows for how long a session has been missing.
            Ok(answer) => {
                answered = Instant::now();
                refused = None;
                let sessions = tolerant::objects::<Session>(Method::QuerySessions.name(), answer);
                // Another program may change an open session.
                let turn = if sessions.is_empty() { IDLE_INTERVAL } else { WAITING };
                let known = context.sessions.send_replace(sessions.clone());
                if sessions != known || std::mem::take(&mut first) {
                    context.events.send(Event::Sessions(sessions)).await;
                }
                pause(&mut refresh, turn).await;
            }
            Err(error) if error.kind == ErrorKind::ConnectionLost => return,
            Err(failure) => {
                if refused.is_none() {
                    context.events.send_error(failure).await;
                }
                let turn = (refused.unwrap_or(IDLE_INTERVAL) * 2).min(REFUSED_INTERVAL);
                refused = Some(turn);
                // The sender lives in the context.
                let _ = timeout(turn, retry.changed()).await;
            }
        }
    }
}

/// Waits for the next poll, or until somebody wants one now.
async fn pause(refresh: &mut watch::Receiver<()>, turn: Duration) {
    let soonest = Instant::now() + SHORTEST;
    // Whichever comes first.
    if let Ok(Ok(())) = timeout_at(timer::next_tick(turn), refresh.changed()).await {
        sleep_until(soonest).await;
        // The poll that follows answers this request.
        refresh.mark_unchanged();
    }
}
