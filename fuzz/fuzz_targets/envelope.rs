//! A message of the service, as text.

#![no_main]

use cortop_protocol::{
    SamplePool,
    envelope::ServerMessage,
    sanitize::{clean_bounded, is_harmful, json_line},
};
use libfuzzer_sys::fuzz_target;
use serde_json::value::RawValue;

fuzz_target!(|text: &str| {
    let message = SamplePool::default().parse(text).map(|message| match message {
        ServerMessage::Answer { result, attention, .. } => {
            let _ = attention.map(|warning| (warning.sentence(), warning.subject()));
            let _ = result.map_err(|error| error.to_string());
        }
        ServerMessage::Warning(warning) => {
            let _ = (warning.sentence(), warning.line(), warning.subject());
            let _ = (warning.session(), warning.record(), warning.headset());
        }
        ServerMessage::Sample(_) | ServerMessage::Malformed => {}
    });
    assert!(message.is_err() || serde_json::from_str::<&RawValue>(text).is_ok());
    assert!(!clean_bounded(text).contains(is_harmful));
    let _ = json_line(text);
});
