//! What a fault makes of a sample's text. Knows neither when nor for whom.

use serde_json::{Map, Value, json};

use super::{
    fault::Fault,
    noise::Noise,
    outgoing::{Delivery, Outgoing, Payload},
};

/// The stream that nobody knows.
const UNKNOWN: &str = "eye";

/// A member that nobody knows, before all streams in the alphabet.
const MEMBER: &str = "aux";

/// Hands on what leaves in place of a sample. `now` is service time.
pub(super) fn corrupt(
    text: String,
    fault: Option<Fault>,
    now: f64,
    mut send: impl FnMut(Outgoing),
) {
    let Some(fault) = fault else { return send(Outgoing::now(text)) };
    match fault {
        Fault::Lose { .. } | Fault::Stall { .. } => {}
        Fault::Repeat { .. } => {
            send(Outgoing::now(text.clone()));
            send(Outgoing::now(text));
        }
        Fault::Delay { seconds, .. } => {
            send(Outgoing { body: Payload::Text(text), when: Delivery::At(now + seconds.get()) });
        }
        Fault::Malformed { .. } => send(Outgoing::now(text.chars().take(text.len() / 2).collect())),
        Fault::Nan { .. } => {
            let (head, values) = text.split_once('[').unwrap_or_default();
            let end = values.find([',', ']']).unwrap_or_default();
            send(Outgoing::now(format!("{head}[NaN{}", &values[end..])));
        }
        Fault::WrongTypes { .. } => send(changed(&text, |_, values| {
            let odd = [json!("1"), json!({ "value": 1 }), Value::Null, json!(true)];
            for (value, odd) in values.iter_mut().zip(odd.iter().cycle()) {
                value.clone_from(odd);
            }
        })),
        Fault::TooShort { .. } => send(changed(&text, |_, values| values.truncate(1))),
        Fault::TooLong { .. } => {
            send(changed(&text, |_, values| values.extend([json!(1), json!(2), json!([3])])));
        }
        Fault::WrongTime { seconds, .. } => send(stamped(&text, seconds.get())),
        Fault::ShuffledTimes { seconds, .. } => {
            let share = Noise::new(now.to_bits()).signed(text.len() as u64);
            send(stamped(&text, seconds.get() * share));
        }
        Fault::UnknownMember { .. } => {
            send(Outgoing::now(text.replacen('{', &format!("{{\"{MEMBER}\":1,"), 1)));
        }
        Fault::UnknownStream { .. } => send(changed(&text, |name, _| UNKNOWN.clone_into(name))),
        // The others do not concern samples, or have been seen to before it was written.
        _ => send(Outgoing::now(text)),
    }
}

/// A sample with another name or other values.
fn changed(text: &str, change: impl FnOnce(&mut String, &mut Vec<Value>)) -> Outgoing {
    let mut sample: Map<String, Value> = serde_json::from_str(text).unwrap_or_default();
    let name = sample.iter().find(|(_, value)| value.is_array()).map(|(name, _)| name.clone());
    if let Some(mut name) = name
        && let Some(Value::Array(mut values)) = sample.remove(&name)
    {
        change(&mut name, &mut values);
        sample.insert(name, Value::Array(values));
    }
    Outgoing::now(Value::Object(sample).to_string())
}

/// A sample with a time so many seconds later.
fn stamped(text: &str, seconds: f64) -> Outgoing {
    let mut sample: Map<String, Value> = serde_json::from_str(text).unwrap_or_default();
    if let Some(time) = sample.get_mut("time") {
        let wrong = time.as_f64().unwrap_or_default() + seconds;
        *time = json!((wrong * 1e4).round() / 1e4);
    }
    Outgoing::now(Value::Object(sample).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = r#"{"eeg":[17,0,4211.905,[]],"sid":"s","time":1767942612.4421}"#;

    fn spoiled(fault: Fault) -> Vec<String> {
        let mut sent = Vec::new();
        corrupt(SAMPLE.to_owned(), Some(fault), 0.0, |out| sent.push(out.text().to_owned()));
        sent
    }

    #[test]
    fn a_sample_is_spoiled_as_told_and_stays_itself_otherwise() {
        let sid = r#""sid":"s","time":1767942612.4421}"#;
        for (fault, values) in [
            (Fault::Nan { count: 1 }, r#""eeg":[NaN,0,4211.905,[]]"#),
            (Fault::WrongTypes { count: 1 }, r#""eeg":["1",{"value":1},null,true]"#),
            (Fault::TooShort { count: 1 }, r#""eeg":[17]"#),
            (Fault::TooLong { count: 1 }, r#""eeg":[17,0,4211.905,[],1,2,[3]]"#),
            (Fault::UnknownStream { count: 1 }, r#""eye":[17,0,4211.905,[]]"#),
        ] {
            assert_eq!(spoiled(fault), [format!("{{{values},{sid}")]);
        }
        let late = r#"{"eeg":[17,0,4211.905,[]],"sid":"s","time":1767942552.4421}"#;
        let wrong = Fault::WrongTime { seconds: (-60.0).into(), count: 1 };
        assert_eq!(spoiled(wrong), [late]);
        let more = r#"{"aux":1,"eeg":[17,0,4211.905,[]],"sid":"s","time":1767942612.4421}"#;
        assert_eq!(spoiled(Fault::UnknownMember { count: 1 }), [more]);
        let shuffled = Fault::ShuffledTimes { seconds: 2.0.into(), count: 1 };
        let time = serde_json::from_str::<Value>(&spoiled(shuffled)[0]).unwrap()["time"].as_f64();
        let off = (time.unwrap() - 1_767_942_612.442_1).abs();
        assert!(off > 1e-4 && off <= 2.0, "{off}");
        assert_eq!(spoiled(Fault::Repeat { count: 1 }), [SAMPLE, SAMPLE]);
        assert_eq!(spoiled(Fault::Lose { count: 1 }), [""; 0]);
        let half = spoiled(Fault::Malformed { count: 1 }).remove(0);
        assert!(SAMPLE.starts_with(&half) && serde_json::from_str::<Value>(&half).is_err());
    }
}
