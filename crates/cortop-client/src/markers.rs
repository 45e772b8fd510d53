//! Markers: put into the running record of a session at the time of a key press (§2.9, §3.5).

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    Event, HeadsetId, MarkerCommand, MarkerId, RecordId, clock,
    context::Context,
    lenient::{self, Members},
    rpc::Effect,
};

/// Where markers come from, for those who read the record.
const PORT: &str = "cortop";

/// A marker.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Marker {
    /// Its id.
    pub uuid: MarkerId,
    /// What it is.
    pub label: String,
    /// Its value.
    pub value: MarkerValue,
    /// When it is, in epoch seconds as the `time` of samples.
    pub start: f64,
    /// When it ends: for an instance, at its start.
    pub end: f64,
}

/// A text or a whole number from 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum MarkerValue {
    /// A number.
    Number(u64),
    /// A text.
    Text(String),
}

impl From<Value> for MarkerValue {
    fn from(value: Value) -> Self {
        match value.as_u64() {
            Some(number) => Self::Number(number),
            None => Self::Text(value.as_str().map_or_else(|| value.to_string(), lenient::tame)),
        }
    }
}

impl Default for MarkerValue {
    fn default() -> Self {
        Self::Number(0)
    }
}

impl Marker {
    /// Whether it has a length.
    #[must_use]
    pub fn is_interval(&self) -> bool {
        self.end > self.start
    }
}

/// As the `MARKERS` of a sample say it: the label, and the value where that says more.
impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = match &self.value {
            MarkerValue::Number(number) => number.to_string(),
            MarkerValue::Text(text) => text.clone(),
        };
        f.write_str(&self.label)?;
        if value == self.label { Ok(()) } else { write!(f, " {value}") }
    }
}

impl From<Value> for Marker {
    fn from(mut value: Value) -> Self {
        let own = value.get_mut("value").map(Value::take).unwrap_or_default();
        let mut members = Members::of("marker", value);
        let mut time = |name| {
            let stamp = members.text(name).parse::<Timestamp>();
            stamp.map(|stamp| stamp.as_duration().as_secs_f64()).unwrap_or_default()
        };
        let (start, end) = (time("startDatetime"), time("endDatetime"));
        Self {
            uuid: members.text("uuid").into(),
            label: members.text("label"),
            value: own.into(),
            start,
            end,
        }
    }
}

/// Carries out a command. `headset`: that of the session, if it is known.
pub(super) async fn carry_out(
    context: Context,
    command: MarkerCommand,
    headset: Option<HeadsetId>,
) {
    let (MarkerCommand::Mark { at, .. } | MarkerCommand::End { at, .. }) = command;
    if let Some(headset) = &headset
        && context.clocks.is_outdated(headset, at)
    {
        clock::measure(context.clone(), headset.clone()).await;
    }
    let time = context.clocks.epoch(headset.as_ref(), at);
    let (method, session, mut params, effect) = match command {
        MarkerCommand::Mark { session, label, value, .. } => {
            let params = json!({"label": label, "value": value, "port": PORT});
            let effect = Effect::Mark { session: session.clone() };
            ("injectMarker", session, params, effect)
        }
        MarkerCommand::End { session, marker, .. } => {
            let params = json!({"markerId": marker.as_str()});
            ("updateMarker", session, params, Effect::None)
        }
    };
    params["session"] = session.as_str().into();
    params["time"] = milliseconds(time).into();
    match context.ask_as_user(method, params, effect).await {
        Ok(mut answer) => {
            let marker =
                Marker::from(answer.get_mut("marker").map(Value::take).unwrap_or_default());
            let record = RecordId::from(Members::of(method, answer).text("recordId"));
            context.outbox.tell(Event::Marker { session, record, marker }).await;
        }
        Err(failure) => context.outbox.refused(failure.refusal(method)).await,
    }
}

/// Unlike the `time` of samples, that of markers is in milliseconds (§2.9).
#[expect(clippy::cast_possible_truncation, reason = "no clock shows a time that far away")]
fn milliseconds(seconds: f64) -> i64 {
    (seconds * 1000.0).round() as i64
}
