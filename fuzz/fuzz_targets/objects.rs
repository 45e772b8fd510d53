//! Each object of the protocol, from any JSON.

#![no_main]

use std::hint::black_box;

use cortop_protocol::{
    Error, Headset, Marker, Method, Profile, Record, Session, Warning,
    account::{CortexInfo, Licence, UserLogin},
    headset::Settings,
    mapping::{Mapping, StoredMapping},
    record::{RecordList, Subject},
    secrets::Secrets,
};
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

/// Parses an object and formats it, as when it is shown.
fn shown<T: From<Value> + std::fmt::Debug>(value: &Value) -> T {
    let object = T::from(value.clone());
    black_box(format!("{object:?}"));
    object
}

fuzz_target!(|text: &str| {
    let Ok(mut value) = serde_json::from_str::<Value>(text) else { return };

    let headset: Headset = shown(&value);
    let _ = (headset.model(), headset.is_connected(), headset.is_on_usb_cable());
    let mut session: Session = shown(&value);
    session.end_with(shown(&value));
    let licence: Licence = shown(&value);
    let _ = licence.problem(Timestamp::UNIX_EPOCH);
    let _ = Licence::from_answer(value.clone()).problem(Timestamp::MAX);
    let user: UserLogin = shown(&value);
    let _ = user.is_other_os_user();
    let marker: Marker = shown(&value);
    let _ = marker.is_interval();
    let warning: Warning = shown(&value);
    let _ = (warning.sentence(), warning.line(), warning.subject());
    black_box(warning.error(Method::CreateSession).to_string());
    let _ = (warning.session(), warning.record(), warning.headset());
    black_box(Error::from_answer(Method::Subscribe, value.clone()).to_string());
    shown::<CortexInfo>(&value);
    shown::<Mapping>(&value);
    shown::<Profile>(&value);
    shown::<Record>(&value);
    shown::<RecordList>(&value);
    shown::<Settings>(&value);
    shown::<StoredMapping>(&value);
    shown::<Subject>(&value);

    let secrets = Secrets::default();
    secrets.learn(&value);
    secrets.redact_result(&mut value);
    secrets.redact(&mut value);
    black_box(secrets.redact_text(text));
});
