//! The contract: what is published matches the schema, and the manual documents all of it.

use serde_json::{Value, json};

use crate::broker::{Message, Mosquitto, service};

/// Panics if a value does not match its schema, or the schema uses an unsupported keyword.
fn validate(value: &Value, schema: &Value, place: &str) {
    let rules = schema.as_object().expect("a schema");
    for (rule, wanted) in rules {
        let holds = match rule.as_str() {
            "title" | "description" | "default" | "format" => true,
            "type" => match wanted {
                Value::Array(any) => any.iter().any(|own| is_of(value, own)),
                one => is_of(value, one),
            },
            "const" => value == wanted,
            "oneOf" => {
                let all = wanted.as_array().expect("a list");
                all.iter().filter(|one| one.get("const") == Some(value)).count() == 1
            }
            "required" => {
                let names = wanted.as_array().expect("a list").iter();
                names.filter_map(Value::as_str).all(|name| value.get(name).is_some())
            }
            "properties" => {
                for (name, value) in value.as_object().expect("an object") {
                    let schema = wanted.get(name);
                    let schema = schema.unwrap_or_else(|| panic!("{place}: {name} is not in it"));
                    validate(value, schema, &format!("{place}.{name}"));
                }
                true
            }
            "items" => {
                for value in value.as_array().expect("a list") {
                    validate(value, wanted, &format!("{place}[]"));
                }
                true
            }
            "maxItems" => value.as_array().is_none_or(|own| own.len() as u64 <= number(wanted)),
            "maxLength" => value.as_str().is_none_or(|own| own.len() as u64 <= number(wanted)),
            "minLength" => value.as_str().is_none_or(|own| own.len() as u64 >= number(wanted)),
            "maximum" => value.as_f64() <= wanted.as_f64() || value.is_null(),
            "minimum" => value.as_f64() >= wanted.as_f64() || value.is_null(),
            rule => panic!("{place}: the rule {rule} is not known here"),
        };
        assert!(holds, "{place}: {value} is not {rule} {wanted}");
    }
}

fn number(value: &Value) -> u64 {
    value.as_u64().expect("a number")
}

fn is_of(value: &Value, kind: &Value) -> bool {
    match kind.as_str() {
        Some("string") => value.is_string(),
        Some("number") => value.is_number(),
        Some("integer") => value.is_u64() || value.is_i64(),
        Some("boolean") => value.is_boolean(),
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        Some("null") => value.is_null(),
        kind => panic!("the type {kind:?} is not known here"),
    }
}

/// The topic with placeholders, as in the contract.
fn general(topic: &str) -> String {
    let mut levels: Vec<_> = topic.split('/').collect();
    if levels[2] != "command" {
        levels[2] = "STATION";
    }
    if levels[3] == "headset" {
        levels[4] = "HEADSET";
    }
    levels.join("/")
}

/// Panics if a message violates the contract.
pub(crate) fn check(message: &Message) {
    let schema = cortop_mqtt::schema();
    let reference = &schema["topics"][general(&message.topic)]["$ref"];
    let name = reference.as_str().unwrap_or_else(|| panic!("no such topic: {}", message.topic));
    // Empty: the headset is gone.
    if name != "#/$defs/HeadsetState" || !message.payload.is_null() {
        let schema = schema.pointer(name.trim_start_matches('#')).expect("defined");
        validate(&message.payload, schema, name);
    }
}

#[test]
fn a_late_reader_gets_the_state_and_then_changes_as_the_schema_says() {
    let Some(broker) = Mosquitto::start() else { return };
    let sim = service();
    let _station = broker.station(&sim, "PC-03", &[]).ready();
    let mut first = broker.read();
    first.wait("a headset that streams", |message| message.is_headset("PC-03", "streaming"));
    // A late reader has not seen any of it.
    let mut late = broker.read();
    let state = late.wait("the station", |message| message.is_station("PC-03", "online"));
    assert!(state.retained);
    let headset = late.wait("the headset", |message| message.is_headset("PC-03", "streaming"));
    assert!(headset.retained);
    assert_eq!(headset.topic, "cortop/v1/PC-03/headset/EPOCX-0A1B2C3D/state");
    assert_eq!(headset.payload["model"], "EPOC X");
    assert_eq!(headset.payload["session"]["status"], "activated");
    let is_heard = |message: &Message| !message.retained && message.is_station("PC-03", "online");
    let states = [(); 2].map(|()| late.wait("the station, without a change", is_heard));
    assert_eq!(states[1].payload["headsets"], json!(["EPOCX-0A1B2C3D"]));
    let seen = [&first.seen[..], &late.seen].concat();
    assert!(seen.len() > 8);
    for message in &seen {
        check(message);
        assert!(!message.payload.to_string().contains("the-client"), "{message:?}");
    }
    let states: Vec<_> =
        late.seen.iter().filter(|message| message.topic == headset.topic).collect();
    for pair in states.windows(2) {
        let (before, after) = (pair[0], pair[1]);
        let sent = |message: &Message| message.payload["sent"].as_f64().expect("a time");
        assert!(sent(after) - sent(before) > 0.999, "{before:?} {after:?}");
        let mut repeated = before.payload.clone();
        repeated["sent"] = after.payload["sent"].clone();
        assert_ne!(repeated, after.payload);
    }
}

/// Collects the names of all members, and their possible words.
fn members(schema: &Value, found: &mut Vec<String>) {
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        found.push(name.clone());
        members(member, found);
        members(&member["items"], found);
    }
    for one in schema["oneOf"].as_array().into_iter().flatten() {
        found.extend(one["const"].as_str().map(str::to_owned));
    }
}

#[test]
fn the_manual_has_every_topic_and_every_member() {
    let book = include_str!("../../docs/mqtt.md");
    let schema = cortop_mqtt::schema();
    for topic in schema["topics"].as_object().expect("topics").keys() {
        assert!(book.contains(&format!("`{topic}`")), "{topic}");
    }
    let mut all = Vec::new();
    for payload in schema["$defs"].as_object().expect("payloads").values() {
        members(payload, &mut all);
    }
    assert!(all.len() > 50, "{all:?}");
    for name in all {
        assert!(book.contains(&format!("`{name}`")), "the manual has no {name}");
    }
}
