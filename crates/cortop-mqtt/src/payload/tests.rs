use proptest::prelude::*;
use serde_json::{Value, json};

use super::{text::LONGEST_TEXT, *};

fn state() -> Value {
    json!({
        "version": 1, "instance": "a", "sent": 1.5, "status": "online", "since": 1.0,
        "host": "h", "program": "p", "cortex": "c", "headsets": [],
    })
}

fn with(name: &str, value: Value) -> Vec<u8> {
    let mut state = state();
    state[name] = value;
    state.to_string().into_bytes()
}

#[test]
fn what_a_later_version_adds_is_ignored_and_another_version_is_named() {
    let read = read::<StationState>(&with("later", json!({ "a": [1, 2] }))).unwrap();
    assert_eq!((read.body.status, read.sent), (Status::Online, 1.5));
    let refused = super::read::<StationState>(&with("version", json!(2))).unwrap_err();
    assert_eq!(refused, Malformed::Version(2));
    let other = br#"{"version":7,"all":"is different"}"#;
    assert_eq!(super::read::<StationState>(other).unwrap_err(), Malformed::Version(7));
    let headset = json!({
        "version": 1, "instance": "a", "sent": 1, "headset": "E", "condition": "levitating",
    });
    let headset = super::read::<HeadsetState>(headset.to_string().as_bytes()).unwrap();
    assert_eq!(headset.body.condition, HeadsetCondition::Unknown);
}

#[test]
fn numbers_that_nothing_has_are_refused() {
    let read = |name: &str, value: &str| {
        let payload = format!(
            r#"{{"version":1,"instance":"a","sent":1,"headset":"E","condition":"stale",{}}}"#,
            name.replace('#', value)
        );
        super::read::<HeadsetState>(payload.as_bytes())
    };
    for (name, good, bad) in [
        (r#""battery":#"#, "100", "255"),
        (r#""contact":#"#, "0", "101"),
        (r#""sensors":[{"name":"T7","level":#}]"#, "4", "5"),
        (r#""streams":[{"name":"eeg","loss":#}]"#, "100", "1e200"),
        (r#""streams":[{"name":"eeg","rate":#}]"#, "256.5", "1e300"),
        (r#""streams":[{"name":"eeg","nominal":#}]"#, "256", "-1"),
    ] {
        assert!(read(name, good).is_ok(), "{name}");
        let refused = read(name, bad).unwrap_err().to_string();
        assert!(refused.contains("not of 0 to"), "{name}: {refused}");
    }
}

#[test]
fn a_count_that_no_reader_has_exactly_is_refused() {
    let read = |lost: u64| {
        let payload = format!(
            r#"{{"version":1,"instance":"a","sent":1,"headset":"E","condition":"stale",
            "streams":[{{"name":"eeg","lost":{lost}}}]}}"#
        );
        super::read::<HeadsetState>(payload.as_bytes())
    };
    assert!(read((1 << 53) - 1).is_ok());
    for lost in [1 << 53, u64::MAX] {
        let refused = read(lost).unwrap_err().to_string();
        assert!(refused.contains("a count of more than"), "{refused}");
    }
}

#[test]
fn a_label_is_refused_by_its_length_and_an_id_that_cannot_be_repeated_is_none() {
    let read = |id: &str, label: &str, value: Option<&str>| {
        let command = json!({
            "version": 1, "instance": "a", "sent": 1, "id": id, "label": label, "value": value,
        });
        super::read::<LabMarker>(command.to_string().as_bytes())
    };
    let texts = |label: &str, value: Option<&str>| {
        let command = read("1", label, value).unwrap().body;
        command.texts().map(|(label, value)| (label.to_string(), value.to_string()))
    };
    let pair = |label: &str, value: &str| Ok((label.to_owned(), value.to_owned()));
    assert_eq!(texts(" go ", None), pair("go", "go"));
    assert_eq!(texts("go", Some("7")), pair("go", "7"));
    assert_eq!(texts(&"x".repeat(300), None), Err(BadLabel::Long(300)));
    assert_eq!(texts("go", Some(&"é".repeat(33))), Err(BadLabel::Long(66)));
    assert_eq!(texts("go", Some(" ")), Err(BadLabel::Empty));
    assert_eq!(texts("", None), Err(BadLabel::Empty));
    assert_eq!(&*read(&"i".repeat(200), "go", None).unwrap().body.id, "i".repeat(200));
    for id in ["i".repeat(201), "a\u{1b}b".to_owned()] {
        let refused = read(&id, "go", None).unwrap_err().to_string();
        assert!(refused.contains("an id of more than 200 bytes"), "{refused}");
    }
}

#[test]
fn hostile_payloads_are_refused_by_name_or_made_harmless() {
    let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
    let deep = format!(r#"{{"version":1,"host":{deep}}}"#);
    let many: Vec<_> = (0..65).map(|number| number.to_string()).collect();
    for (payload, says) in [
        (Vec::new(), "EOF"),
        (b"null".to_vec(), "invalid type"),
        (b"\xff\xfe".to_vec(), "expected value"),
        (deep.into_bytes(), "recursion limit"),
        (with("status", json!("dancing")), "unknown variant"),
        (with("since", json!("yesterday")), "invalid type"),
        (with("since", json!(null)), "invalid type"),
        (with("since", json!(-1)), "negative number of seconds"),
        (with("sent", json!(-0.5)), "negative number of seconds"),
        (with("cortex_down_since", json!(-1e300)), "negative number of seconds"),
        (with("headsets", json!(many)), "more than 64"),
        (with("headsets", json!([[]])), "invalid type"),
        (with("host", json!("x".repeat(LONGEST))), "bytes, of which"),
        (with("version", json!(-1)), "invalid value"),
    ] {
        let refused = read::<StationState>(&payload).unwrap_err().to_string();
        assert!(refused.contains(says), "{says}: {refused}");
        assert!(refused.len() <= LONGEST_TEXT + 60, "{refused}");
    }
    let host = with("host", json!("\u{1b}]0;owned\u{7}\u{202e}\r\n"));
    let host = read::<StationState>(&host).unwrap().body.host;
    assert_eq!(host.as_str(), "\u{fffd}]0;owned\u{fffd}\u{fffd}\u{fffd}\u{fffd}");
    let long = read::<StationState>(&with("host", json!("é".repeat(5000)))).unwrap().body.host;
    assert_eq!(long.len(), LONGEST_TEXT);
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(payload in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = read::<HeadsetState>(&payload);
        let _ = read::<LabMarker>(&payload);
    }

    #[test]
    fn any_text_becomes_harmless_and_bounded(text in any::<String>()) {
        let text = Text::new(&text);
        prop_assert!(text.len() <= LONGEST_TEXT);
        prop_assert!(!text.chars().any(cortop_protocol::sanitize::is_harmful));
        let again = serde_json::to_vec(&text).unwrap();
        prop_assert_eq!(serde_json::from_slice::<Text>(&again).unwrap(), text);
    }
}
