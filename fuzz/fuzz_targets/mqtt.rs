//! A message from a broker: its topic, a line break, and its payload.

#![no_main]

use cortop_mqtt::{
    Topic,
    payload::{Acknowledgement, HeadsetState, LabMarker, StationEvent, StationState, read},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|message: &[u8]| {
    let mut parts = message.splitn(2, |byte| *byte == b'\n');
    let topic = parts.next().and_then(|topic| str::from_utf8(topic).ok());
    let payload = parts.next().unwrap_or_default();
    let Some(topic) = topic.and_then(Topic::parse) else { return };
    // Everything accepted must be harmless when shown.
    let shown = match topic {
        Topic::State(_) => read::<StationState>(payload).map(|own| own.to_json()),
        Topic::Headset(..) => read::<HeadsetState>(payload).map(|own| own.to_json()),
        Topic::Event(_) => read::<StationEvent>(payload).map(|own| own.to_json()),
        Topic::Acknowledgement(_) => read::<Acknowledgement>(payload).map(|own| own.to_json()),
        Topic::Marker => read::<LabMarker>(payload).map(|own| own.to_json()),
    };
    if let Ok(json) = shown {
        let json = String::from_utf8(json).expect("JSON");
        assert!(!json.contains(cortop_protocol::sanitize::is_harmful), "{json}");
    }
});
