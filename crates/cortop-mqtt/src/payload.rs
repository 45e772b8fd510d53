//! What is published (docs/mqtt.md): JSON of version 1, whose unknown members are ignored. Whoever may
//! write to the broker is not trusted: sizes are bounded, and texts are made harmless as they are read.

use std::{fmt, ops::Deref};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeOwned, Error as _, SeqAccess, Visitor},
};

use cortop_protocol::sanitize::{clean, floor_char_boundary};

/// The version of all payloads; another is not read.
pub const VERSION: u32 = 1;

/// Bytes of the longest payload that is read, and more than any that is written.
pub const LONGEST: usize = 32 << 10;

/// Why a station is gone by its last will.
pub const LOST: &str = "lost";

/// Bytes of the longest text.
const LONGEST_TEXT: usize = 200;

/// Headsets of a station at most.
pub const MOST_HEADSETS: usize = 64;

/// Sensors of a headset at most.
pub const MOST_SENSORS: usize = 128;

/// Bytes of a marker's label, and of its value, at most.
pub const LONGEST_LABEL: usize = 64;

/// Samples a second at most.
const MOST_RATE: u16 = 10_000;

const MOST_STREAMS: usize = 16;
const MOST_ALERTS: usize = 16;

/// A text that cannot drive a terminal, of 200 bytes at most; the rest is cut off.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Text(String);

impl Text {
    /// Of any text.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let cut = |text: &str| floor_char_boundary(text, LONGEST_TEXT);
        let mut clean = clean(&text[..cut(text)]);
        // Replacements are longer than what they stand for.
        clean.truncate(cut(&clean));
        Self(clean)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from).map(|text| Self::new(&text))
    }
}

impl JsonSchema for Text {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Text".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "maxLength": LONGEST_TEXT })
    }
}

/// What every payload has, and what it says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StationMessage<T> {
    /// Version of the contract: 1.
    #[schemars(extend("const" = VERSION))]
    pub version: u32,
    /// The run of the program that sent it: an id of its own for each start.
    pub instance: Text,
    /// When it was sent, in seconds since 1970 by the sender's clock.
    #[serde(deserialize_with = "not_negative")]
    #[schemars(range(min = 0.0))]
    pub sent: f64,
    /// What it says.
    #[serde(flatten)]
    pub body: T,
}

impl<T> StationMessage<T> {
    /// One of this version.
    #[must_use]
    pub fn new(instance: &Text, sent: f64, body: T) -> Self {
        Self { version: VERSION, instance: instance.clone(), sent, body }
    }
}

impl<T: Serialize> StationMessage<T> {
    /// As it is published.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        // Neither maps with other keys than texts nor a failing writer are in it.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// What has become of a station.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Asks whether another station has its name; not retained. Whoever is online keeps it, and repeats
    /// its state.
    Joining,
    /// It publishes.
    #[default]
    Online,
    /// It has ended, or the broker lost it: the last will. Of another `instance` than the one that is
    /// online it means nothing: that of a station that was refused the name.
    Gone,
}

/// The state of a station: retained, after each change and every 5 s, so that its silence is noticed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StationState {
    /// What has become of it.
    pub status: Status,
    /// Why it is gone: `stopped`, or `lost` in the last will.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<Text>,
    /// When it was started, in seconds since 1970 by its clock.
    #[serde(deserialize_with = "not_negative")]
    #[schemars(range(min = 0.0))]
    pub since: f64,
    /// The computer's name.
    pub host: Text,
    /// The program and its version.
    pub program: Text,
    /// How far the connection to Cortex is, in words; why, where it is not reached.
    pub cortex: Text,
    /// Since when Cortex is not reached, in seconds since 1970 by its clock; absent while it is, and
    /// before the first try has failed.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "absent_or_not_negative"
    )]
    #[schemars(range(min = 0.0))]
    pub cortex_down_since: Option<f64>,
    /// Whether it takes markers of a lab.
    #[serde(default)]
    pub accepts_markers: bool,
    /// The ids of its headsets, whose states have topics of their own.
    #[serde(deserialize_with = "bounded::<_, _, MOST_HEADSETS>")]
    #[schemars(length(max = MOST_HEADSETS))]
    pub headsets: Vec<Text>,
}

/// How a headset is, the worst first.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum HeadsetCondition {
    /// Cortex is not reached, or has not listed it again: nothing else is known of it.
    NoService,
    /// A stream has stopped.
    Stale,
    /// The rate is more than 3 % beside the nominal one.
    RateOff,
    /// On a USB cable, over which nothing streams.
    UsbCable,
    /// It has a session, and no sample has come yet.
    NoData,
    /// On its way to Cortex.
    Connecting,
    /// Without a session.
    Connected,
    /// Seen, not connected.
    Discovered,
    /// Its streams flow.
    Streaming,
    /// A word of a later version.
    #[default]
    #[serde(other)]
    Unknown,
}

/// The state of a headset: retained, after a change, at most once a second.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HeadsetState {
    /// Its id.
    pub headset: Text,
    /// Its name, if it was given one.
    #[serde(default, skip_serializing_if = "str_is_empty")]
    pub name: Text,
    /// Its model, such as `EPOC X`.
    #[serde(default, skip_serializing_if = "str_is_empty")]
    pub model: Text,
    /// Its firmware.
    #[serde(default, skip_serializing_if = "str_is_empty")]
    pub firmware: Text,
    /// How it is.
    pub condition: HeadsetCondition,
    /// What is left in the battery, in per cent; of two, the emptier.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "absent_or_at_most::<_, _, 100>"
    )]
    #[schemars(range(max = 100))]
    pub battery: Option<u8>,
    /// Overall contact, in per cent.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "absent_or_at_most::<_, _, 100>"
    )]
    #[schemars(range(max = 100))]
    pub contact: Option<u8>,
    /// Contact of each sensor, in Cortex's order.
    #[serde(default, deserialize_with = "bounded::<_, _, MOST_SENSORS>")]
    #[schemars(length(max = MOST_SENSORS))]
    pub sensors: Vec<SensorState>,
    /// Its streams.
    #[serde(default, deserialize_with = "bounded::<_, _, MOST_STREAMS>")]
    #[schemars(length(max = MOST_STREAMS))]
    pub streams: Vec<StreamReport>,
    /// Its session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionState>,
    /// What is wrong with it, by the station's own thresholds.
    #[serde(default, deserialize_with = "bounded::<_, _, MOST_ALERTS>")]
    #[schemars(length(max = MOST_ALERTS))]
    pub alerts: Vec<StationAlert>,
}

/// The contact of a sensor.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SensorState {
    /// Its name, such as `AF3`.
    pub name: Text,
    /// 0 none, 1 very bad, 2 poor, 3 fair, 4 good; absent if unknown.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "absent_or_at_most::<_, _, 4>"
    )]
    #[schemars(range(max = 4))]
    pub level: Option<u8>,
    /// Why its raw signal cannot be EEG: `railed`, `flat`, `off level`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub defect: Option<Text>,
}

/// How a stream flows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StreamReport {
    /// Its name, such as `eeg`.
    pub name: Text,
    /// Samples a second that it should have.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "absent_or_at_most::<_, _, MOST_RATE>"
    )]
    #[schemars(range(min = 0.0, max = MOST_RATE))]
    pub nominal: Option<f32>,
    /// Samples a second, whole ones; absent while it is stale.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "absent_or_at_most::<_, _, MOST_RATE>"
    )]
    #[schemars(range(min = 0.0, max = MOST_RATE))]
    pub rate: Option<f32>,
    /// Samples of the last 10 s that were lost, in per cent; of `eeg` and `mot` only.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "absent_or_at_most::<_, _, 100>"
    )]
    #[schemars(range(min = 0.0, max = 100))]
    pub loss: Option<f32>,
    /// Samples lost since the subscription; of `eeg` and `mot` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost: Option<u64>,
    /// When the last sample came, in seconds since 1970 by the station's clock; only while it is
    /// stale.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "absent_or_not_negative"
    )]
    #[schemars(range(min = 0.0))]
    pub stale_since: Option<f64>,
}

/// A session, without any id.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SessionState {
    /// `opened` or `activated`.
    pub status: Text,
    /// When it was created, ISO 8601.
    #[serde(default, skip_serializing_if = "str_is_empty")]
    pub started: Text,
    /// Whether a record of Cortex runs in it.
    pub recording: bool,
}

/// Something that is wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StationAlert {
    /// `stale`, `loss`, `contact`, `rail`, `battery`.
    pub kind: Text,
    /// In words.
    pub text: Text,
}

/// Something that happened: not retained.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StationEvent {
    /// When, in seconds since 1970 by the station's clock.
    #[serde(deserialize_with = "not_negative")]
    #[schemars(range(min = 0.0))]
    pub at: f64,
    /// `marker`, `session`, `headset`, `record`, `service`, `name`.
    pub kind: Text,
    /// Which headset, if one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub headset: Option<Text>,
    /// In words.
    pub text: Text,
}

/// A marker for every station that accepts markers and records.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LabMarker {
    /// Which command of this `instance`, each its own; acknowledgements repeat it.
    pub id: Text,
    /// The marker's label.
    #[schemars(length(max = LONGEST_LABEL))]
    pub label: Text,
    /// Its value; the label again if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = LONGEST_LABEL))]
    pub value: Option<Text>,
}

impl LabMarker {
    /// Why a station refuses it, if it does.
    ///
    /// # Errors
    /// Label or value cannot be those of a marker.
    pub fn check(&self) -> Result<(), BadLabel> {
        check_label(&self.label)?;
        self.value.as_deref().map_or(Ok(()), check_label)
    }
}

/// Why a text cannot be a marker's label or value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadLabel {
    /// Nothing is in it.
    #[error("a marker needs a label")]
    Empty,
    /// It is longer than [`LONGEST_LABEL`].
    #[error("a marker's label and value have at most {LONGEST_LABEL} bytes, this one has {0}")]
    Long(usize),
}

/// Checks a marker's label or value as it was typed.
///
/// # Errors
/// It is empty, or too long.
pub fn check_label(text: &str) -> Result<(), BadLabel> {
    match text.trim().len() {
        0 => Err(BadLabel::Empty),
        1..=LONGEST_LABEL => Ok(()),
        length => Err(BadLabel::Long(length)),
    }
}

/// What a station did with a command.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Acknowledgement {
    /// Which command.
    pub id: Text,
    /// The headsets in whose record Cortex has set the marker.
    #[serde(deserialize_with = "bounded::<_, _, MOST_HEADSETS>")]
    #[schemars(length(max = MOST_HEADSETS))]
    pub headsets: Vec<Text>,
    /// Why it stands in no record, or not in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Text>,
    /// When the command came, in seconds since 1970 by the station's clock: the time of the marker.
    #[serde(deserialize_with = "not_negative")]
    #[schemars(range(min = 0.0))]
    pub received: f64,
    /// Seconds from then to this acknowledgement.
    #[serde(deserialize_with = "not_negative")]
    #[schemars(range(min = 0.0))]
    pub took: f64,
}

/// Seconds: of a time before 1970 nobody here speaks.
fn not_negative<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    let seconds = f64::deserialize(from)?;
    if seconds >= 0.0 { Ok(seconds) } else { Err(D::Error::custom("a negative number of seconds")) }
}

fn absent_or_not_negative<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    match Option::<f64>::deserialize(from)? {
        Some(seconds) if seconds < 0.0 => Err(D::Error::custom("a negative number of seconds")),
        seconds => Ok(seconds),
    }
}

/// A number from 0 to `MOST`, if there is one.
fn absent_or_at_most<'de, D, T, const MOST: u16>(from: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Copy + Into<f64>,
{
    match Option::<T>::deserialize(from)? {
        Some(number) if !(0.0..=f64::from(MOST)).contains(&number.into()) => {
            Err(D::Error::custom(format!("a number that is not of 0 to {MOST}")))
        }
        number => Ok(number),
    }
}

fn str_is_empty(text: &Text) -> bool {
    text.is_empty()
}

/// A list of at most `MOST` items.
fn bounded<'de, D, T, const MOST: usize>(from: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    struct List<T, const MOST: usize>(std::marker::PhantomData<T>);

    impl<'de, T: Deserialize<'de>, const MOST: usize> Visitor<'de> for List<T, MOST> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a list of at most {MOST}")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<T>, A::Error> {
            let mut list = Vec::new();
            while let Some(item) = items.next_element()? {
                if list.len() == MOST {
                    return Err(A::Error::custom(format!("a list of more than {MOST}")));
                }
                list.push(item);
            }
            Ok(list)
        }
    }

    from.deserialize_seq(List::<T, MOST>(std::marker::PhantomData))
}

/// Why a payload was not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// The topic is none of the contract.
    #[error("no such topic")]
    Topic,
    /// Longer than [`LONGEST`].
    #[error("{0} bytes, of which {LONGEST} are allowed")]
    Size(usize),
    /// Another version.
    #[error("version {0}, where this program reads {VERSION}")]
    Version(u32),
    /// Not the JSON that the contract has for the topic.
    #[error("{0}")]
    Json(String),
}

/// Reads a payload.
///
/// # Errors
/// It is too long, of another version, or not what the topic has.
pub fn read<T: DeserializeOwned>(payload: &[u8]) -> Result<StationMessage<T>, Malformed> {
    #[derive(Deserialize)]
    struct Version {
        version: u32,
    }

    if payload.len() > LONGEST {
        return Err(Malformed::Size(payload.len()));
    }
    let read = serde_json::from_slice::<StationMessage<T>>(payload);
    let version = match &read {
        Ok(envelope) => Some(envelope.version),
        // What a later version says may not fit.
        Err(_) => serde_json::from_slice::<Version>(payload).ok().map(|own| own.version),
    };
    match (read, version) {
        (_, Some(version)) if version != VERSION => Err(Malformed::Version(version)),
        (Ok(envelope), _) => Ok(envelope),
        (Err(error), _) => Err(Malformed::Json(Text::new(&error.to_string()).0)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

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
}
