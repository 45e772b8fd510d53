//! Captures that contain only samples: synthesizes the missing messages around them, so that they are
//! processed like all others. Columns are those named by the line, else those that Cortex sends for this
//! number of values.

use serde_json::{Value, json};

use cortop_client::{
    Interpreter, Method, Moment, Stream,
    model::{EPOC_SENSORS, INSIGHT_SENSORS, MN8_SENSORS},
};
use cortop_files::capture::{ForeignSample, ForeignValues};

/// The headset of a file that does not name one.
const HEADSET: &str = "CAPTURE-00000000";
const SESSION: &str = "capture";

/// The synthesized connection.
const CONNECTION: u64 = 1;

/// What has been synthesized so far.
#[derive(Default)]
pub(super) struct ForeignSession {
    is_connected: bool,
    /// Sessions and their streams, with the number of columns.
    known: Vec<(String, Vec<(Stream, usize)>)>,
    requests: u64,
}

impl ForeignSession {
    /// Plays a sample.
    pub(super) fn play(&mut self, sample: &ForeignSample, into: &mut Interpreter, at: Moment) {
        let headset = sample.headset.as_deref().unwrap_or(HEADSET);
        let session = sample.session.as_deref().unwrap_or(SESSION);
        let (labels, values) = labelled(sample);
        if !std::mem::replace(&mut self.is_connected, true) {
            into.connected(CONNECTION);
        }
        let object = json!({
            "id": session,
            "status": "activated",
            "headset": { "id": headset, "status": "connected", "sensors": sensors(&labels) },
        });
        if self.known.iter().all(|(own, _)| own != session) {
            self.answer(into, at, Method::QueryHeadsets, &json!({}), &json!([object["headset"]]));
            self.answer(into, at, Method::CreateSession, &json!({ "headset": headset }), &object);
            self.known.push((session.to_owned(), Vec::new()));
        }
        let subscribed = self.known.iter_mut().find(|(own, _)| own == session);
        let Some((_, streams)) = subscribed else { return };
        let own = (sample.stream, values.len());
        if !streams.contains(&own) {
            streams.retain(|(stream, _)| *stream != sample.stream);
            streams.push(own);
            let name = sample.stream.name();
            let granted = json!({ "success": [{ "streamName": name, "sid": session, "cols": labels }], "failure": [] });
            let params = json!({ "session": session, "streams": [name] });
            self.answer(into, at, Method::Subscribe, &params, &granted);
        }
        let mut message = json!({ "sid": session, "time": sample.time });
        message[sample.stream.name()] = values.into();
        into.received(CONNECTION, &message.to_string(), at);
    }

    fn answer(
        &mut self,
        into: &mut Interpreter,
        at: Moment,
        method: Method,
        params: &Value,
        result: &Value,
    ) {
        self.requests += 1;
        let id = self.requests;
        let request =
            json!({ "id": id, "jsonrpc": "2.0", "method": method.name(), "params": params });
        into.sent(CONNECTION, &request.to_string(), at);
        let answer = json!({ "id": id, "jsonrpc": "2.0", "result": result });
        into.received(CONNECTION, &answer.to_string(), at);
    }
}

/// The sensors among the labels of a stream.
fn sensors(labels: &[Value]) -> Vec<&str> {
    let flat = labels.iter().flat_map(|label| match label {
        Value::Array(group) => group.iter().collect::<Vec<_>>(),
        one => vec![one],
    });
    flat.filter_map(Value::as_str).filter(|own| cortop_client::model::is_sensor(own)).collect()
}

/// The columns and values of a sample.
fn labelled(sample: &ForeignSample) -> (Vec<Value>, Vec<Value>) {
    match &sample.values {
        ForeignValues::Named(named) => (
            named.keys().map(|name| name.as_str().into()).collect(),
            named.values().cloned().collect(),
        ),
        ForeignValues::List(values) => (columns(sample.stream, values), values.clone()),
    }
}

/// The columns that Cortex sends for this number of values (§5.2 to §5.5), otherwise numbers.
fn columns(stream: Stream, values: &[Value]) -> Vec<Value> {
    let texts = |labels: &[&str]| labels.iter().map(|label| json!(label)).collect::<Vec<_>>();
    let models: [&[&str]; 3] = [&EPOC_SENSORS, &INSIGHT_SENSORS, &MN8_SENSORS];
    let known = match stream {
        Stream::Eeg => models.into_iter().find_map(|sensors| {
            let ends: [(&[&str], &[&str]); 4] = [
                (&["COUNTER", "INTERPOLATED"], &["RAW_CQ", "MARKER_HARDWARE", "MARKERS"]),
                (&["COUNTER", "INTERPOLATED"], &["RAW_CQ", "MARKER_HARDWARE"]),
                (&["COUNTER", "INTERPOLATED"], &["RAW_CQ"]),
                (&[], &[]),
            ];
            let own = ends.iter().map(|(start, end)| [start, sensors, end].concat());
            own.into_iter().find(|own| own.len() == values.len())
        }),
        Stream::Mot => [
            &[
                "COUNTER_MEMS",
                "INTERPOLATED_MEMS",
                "Q0",
                "Q1",
                "Q2",
                "Q3",
                "ACCX",
                "ACCY",
                "ACCZ",
                "MAGX",
                "MAGY",
                "MAGZ",
            ][..],
            &[
                "COUNTER_MEMS",
                "INTERPOLATED_MEMS",
                "GYROX",
                "GYROY",
                "GYROZ",
                "ACCX",
                "ACCY",
                "ACCZ",
                "MAGX",
                "MAGY",
                "MAGZ",
            ][..],
        ]
        .into_iter()
        .find(|own| own.len() == values.len())
        .map(<[&str]>::to_vec),
        Stream::Com => Some(vec!["act", "pow"]),
        Stream::Fac => Some(vec!["eyeAct", "uAct", "uPow", "lAct", "lPow"]),
        Stream::Sys => Some(vec!["event", "msg"]),
        _ => None,
    };
    if let Some(known) = known.filter(|own| own.len() == values.len()) {
        return texts(&known);
    }
    // Contact is a group of the sensors and the overall value.
    if let (Stream::Dev, Some(Value::Array(group))) = (stream, values.get(2)) {
        let sensors = models.into_iter().find(|own| own.len() + 1 == group.len());
        if let Some(sensors) = sensors {
            let group = [sensors, &["OVERALL"]].concat();
            let mut labels = texts(&["Battery", "Signal"]);
            labels.push(json!(group));
            labels.extend(texts(&["BatteryPercent"]));
            labels.truncate(values.len());
            return labels;
        }
    }
    let labels = values.iter().enumerate().map(|(place, value)| match value {
        Value::Array(group) => {
            json!((0..group.len()).map(|own| format!("{place}.{own}")).collect::<Vec<_>>())
        }
        _ => json!(format!("{place}")),
    });
    labels.collect()
}
