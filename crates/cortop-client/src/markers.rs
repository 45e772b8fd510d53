//! Markers, placed in the running record of a session at the time of a key press (§2.9, §3.5).

use serde_json::{Value, json};

use super::{Event, MarkerCommand, clock_sync, context::Context, rpc::AnswerEffect};
use cortop_protocol::{Error, HeadsetId, Marker, Method, RecordId, tolerant::Members};

/// The `port` of our markers, which tells readers of the record where they come from.
const PORT: &str = "cortop";

/// Carries out a command. `headset`: that of the session, if known.
pub(super) async fn execute(
    context: Context,
    command: MarkerCommand,
    headset: Option<HeadsetId>,
) -> Result<(), Error> {
    let (MarkerCommand::Mark { at, .. } | MarkerCommand::End { at, .. }) = command;
    if let Some(headset) = &headset
        && context.clocks.is_outdated(headset, at)
    {
        clock_sync::measure(context.clone(), headset.clone()).await;
    }
    let time = context.clocks.epoch(headset.as_ref(), at);
    let (method, session, mut params) = match command {
        MarkerCommand::Mark { session, label, value, .. } => {
            let params = json!({"label": label, "value": value, "port": PORT});
            (Method::InjectMarker, session, params)
        }
        MarkerCommand::End { session, marker, .. } => {
            (Method::UpdateMarker, session, json!({"markerId": marker.as_str()}))
        }
    };
    params["session"] = session.as_str().into();
    params["time"] = milliseconds(time).into();
    let effect = AnswerEffect::Mark { session: session.clone() };
    let mut answer = context.ask_with_effect(method, params, effect).await?;
    let marker = Marker::from(answer.get_mut("marker").map(Value::take).unwrap_or_default());
    let record = RecordId::from(Members::of(method.name(), answer).text("recordId"));
    context.events.send(Event::Marker { session, record, marker }).await;
    Ok(())
}

/// Seconds to milliseconds: unlike that of samples, the `time` of markers is in milliseconds
/// (§2.9).
#[expect(clippy::cast_possible_truncation, reason = "no clock shows a time that far away")]
fn milliseconds(seconds: f64) -> i64 {
    (seconds * 1000.0).round() as i64
}
