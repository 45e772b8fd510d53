//! Looks at headsets and sessions from time to time: Cortex does not tell when they change (§2.5).

use std::time::Duration;

use serde_json::json;
use tokio::time::timeout;

use super::{
    Event, Headset, Session,
    context::{Context, Report},
    lenient,
    rpc::{Effect, Failure},
};

/// While no stream flows, and while one does: polling costs the service little, a sample nothing.
const IDLE: Duration = Duration::from_secs(1);
const STREAMING: Duration = Duration::from_secs(5);

/// Looks until the connection is over. It also keeps the socket busy enough to notice its death.
pub(super) async fn poll(context: Context, flowing: tokio::sync::watch::Receiver<bool>) {
    let mut refused = false;
    loop {
        match context.ask("queryHeadsets", json!({})).await {
            Ok(answer) => {
                refused = false;
                let headsets = lenient::objects::<Headset>("queryHeadsets", answer);
                let changed = context.headsets.send_if_modified(|known| {
                    let changed = *known != headsets;
                    known.clone_from(&headsets);
                    changed
                });
                if changed {
                    context.outbox.tell(Event::Headsets(headsets)).await;
                }
            }
            Err(Failure::Down) => return,
            Err(failure) if !refused => {
                refused = true;
                context.outbox.refused(failure.refusal("queryHeadsets")).await;
            }
            Err(_) => {}
        }
        // Sent even if unchanged: who waits for a session to be missed counts the looks.
        match context.ask_as_user("querySessions", json!({}), Effect::None).await {
            Ok(answer) => {
                context.sessions.send_replace(lenient::objects::<Session>("querySessions", answer));
            }
            Err(failure) => tracing::debug!("{}", failure.refusal("querySessions")),
        }
        context.report(Report::Looked).await;
        let pause = if *flowing.borrow() { STREAMING } else { IDLE };
        // Whichever comes first.
        let _ = timeout(pause, context.look.notified()).await;
    }
}
