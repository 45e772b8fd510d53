//! Applies a fault to a sample. Independent of when and for whom.

use serde_json::{Map, Value, json};

use super::{
    fault::Fault,
    noise::Noise,
    outgoing::{Delivery, Outgoing, Payload},
};

/// A stream name that does not exist.
const UNKNOWN: &str = "eye";

/// A member name that does not exist; sorts before all streams.
const MEMBER: &str = "aux";

/// The seed of shuffled times.
const SHUFFLE: u64 = 1;

/// Sends what replaces a sample. `now` is service time.
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
            send(Outgoing {
                payload: Payload::Text(text),
                delivery: Delivery::At(now + seconds.get()),
            });
        }
        Fault::Malformed { .. } => send(Outgoing::now(text.chars().take(text.len() / 2).collect())),
        Fault::Nan { .. } => {
            let (head, values) = text.split_once('[').unwrap_or_default();
            let end = values.find([',', ']']).unwrap_or_default();
            send(Outgoing::now(format!("{head}[NaN{}", &values[end..])));
        }
        Fault::WrongTypes { .. } => send(changed(&text, |_, values| {
            let malformed = [json!("1"), json!({ "value": 1 }), Value::Null, json!(true)];
            for (value, malformed) in values.iter_mut().zip(malformed.iter().cycle()) {
                value.clone_from(malformed);
            }
        })),
        Fault::TooShort { .. } => send(changed(&text, |_, values| values.truncate(1))),
        Fault::TooLong { .. } => {
            send(changed(&text, |_, values| values.extend([json!(1), json!(2), json!([3])])));
        }
        Fault::UnknownMember { .. } => {
            send(Outgoing::now(text.replacen('{', &format!("{{\"{MEMBER}\":1,"), 1)));
        }
        Fault::UnknownStream { .. } => send(changed(&text, |name, _| UNKNOWN.clone_into(name))),
        // The others do not concern samples, or were applied before the sample was written.
        _ => send(Outgoing::now(text)),
    }
}

/// A sample with a changed name or changed values.
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

/// The seconds by which a fault delays the stamp of the sample with this index; negative if early.
pub(super) fn time_offset(fault: Option<&Fault>, index: u64) -> f64 {
    match fault {
        Some(Fault::WrongTime { seconds, .. }) => seconds.get(),
        Some(Fault::ShuffledTimes { seconds, .. }) => {
            seconds.get() * Noise::new(SHUFFLE).signed(index)
        }
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = r#"{"eeg":[17,0,4211.905,[]],"sid":"s","time":1767942612.4421}"#;

    fn corrupted(fault: Fault) -> Vec<String> {
        let mut sent = Vec::new();
        corrupt(SAMPLE.to_owned(), Some(fault), 0.0, |out| sent.push(out.text().to_owned()));
        sent
    }

    #[test]
    fn a_sample_is_corrupted_as_told_and_stays_itself_otherwise() {
        let sid = r#""sid":"s","time":1767942612.4421}"#;
        for (fault, values) in [
            (Fault::Nan { count: 1 }, r#""eeg":[NaN,0,4211.905,[]]"#),
            (Fault::WrongTypes { count: 1 }, r#""eeg":["1",{"value":1},null,true]"#),
            (Fault::TooShort { count: 1 }, r#""eeg":[17]"#),
            (Fault::TooLong { count: 1 }, r#""eeg":[17,0,4211.905,[],1,2,[3]]"#),
            (Fault::UnknownStream { count: 1 }, r#""eye":[17,0,4211.905,[]]"#),
        ] {
            assert_eq!(corrupted(fault), [format!("{{{values},{sid}")]);
        }
        let wrong = Fault::WrongTime { seconds: (-60.0).into(), count: 1 };
        assert!((time_offset(Some(&wrong), 0) + 60.0).abs() < f64::EPSILON);
        let more = r#"{"aux":1,"eeg":[17,0,4211.905,[]],"sid":"s","time":1767942612.4421}"#;
        assert_eq!(corrupted(Fault::UnknownMember { count: 1 }), [more]);
        let shuffled = Fault::ShuffledTimes { seconds: 2.0.into(), count: 1 };
        let offsets: Vec<f64> = (0..9).map(|index| time_offset(Some(&shuffled), index)).collect();
        assert!(offsets.iter().all(|offset| offset.abs() <= 2.0), "{offsets:?}");
        assert!(offsets.windows(2).all(|pair| (pair[0] - pair[1]).abs() > 1e-4), "{offsets:?}");
        assert_eq!(corrupted(Fault::Repeat { count: 1 }), [SAMPLE, SAMPLE]);
        assert_eq!(corrupted(Fault::Lose { count: 1 }), [""; 0]);
        let half = corrupted(Fault::Malformed { count: 1 }).remove(0);
        assert!(SAMPLE.starts_with(&half) && serde_json::from_str::<Value>(&half).is_err());
    }
}
