//! Builds and parses the topics of the contract (docs/mqtt.md).

use std::{fmt, str::FromStr};

use cortop_protocol::sanitize::is_harmful;

/// The first levels of every topic; the number is the version of the payloads.
const ROOT: &str = "cortop/v1/";

/// Maximum length of a level in bytes.
const LONGEST: usize = 64;

/// The level of a lab's commands. It is in the place of a station's name, so no station can have this name.
const COMMAND: &str = "command";

/// The filter of a lab's subscription.
pub(crate) const EVERYTHING: &str = "cortop/v1/#";

/// The name of a station: a level of a topic.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StationName(String);

/// Why a text cannot be the name of a station.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" cannot be a station's name: it is 1 to 64 bytes without / + # and not \"command\""
)]
pub struct BadName(String);

impl StationName {
    /// Makes a name from any text, such as the host name of this machine. Characters that a name cannot
    /// contain are replaced.
    #[must_use]
    pub fn from_host(host: &str) -> Self {
        let level = level(host);
        Self(if level == COMMAND { "station".to_owned() } else { level })
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for StationName {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        if is_level(text) && text != COMMAND {
            Ok(Self(text.to_owned()))
        } else {
            Err(BadName(cortop_protocol::sanitize::clean_bounded(text)))
        }
    }
}

impl fmt::Display for StationName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Whether a text can be a level of a topic.
fn is_level(text: &str) -> bool {
    let is_foreign = |char: char| {
        matches!(char, '/' | '+' | '#') || is_harmful(char) || char == char::REPLACEMENT_CHARACTER
    };
    !text.is_empty() && text.len() <= LONGEST && text.trim() == text && !text.contains(is_foreign)
}

/// Makes a level from any text.
fn level(text: &str) -> String {
    let text = text.trim();
    let mut level: String = text
        .chars()
        .map(|char| if is_level(char.encode_utf8(&mut [0; 4])) { char } else { '_' })
        .collect();
    level.truncate(cortop_protocol::sanitize::floor_char_boundary(&level, LONGEST));
    if level.is_empty() { "unknown".to_owned() } else { level }
}

/// A topic of the contract.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Topic {
    /// `cortop/v1/STATION/state`, retained: [`StationState`](crate::payload::StationState).
    State(StationName),
    /// `cortop/v1/STATION/headset/HEADSET/state`, retained:
    /// [`HeadsetState`](crate::payload::HeadsetState).
    Headset(StationName, String),
    /// `cortop/v1/STATION/event`: [`StationEvent`](crate::payload::StationEvent).
    Event(StationName),
    /// `cortop/v1/STATION/acknowledgement`:
    /// [`Acknowledgement`](crate::payload::Acknowledgement).
    Acknowledgement(StationName),
    /// `cortop/v1/command/marker`: [`LabMarker`](crate::payload::LabMarker).
    Marker,
}

impl Topic {
    /// The topic of a headset, whose id may be any text.
    #[must_use]
    pub fn of_headset(station: &StationName, headset: &str) -> Self {
        Self::Headset(station.clone(), level(headset))
    }

    /// Parses a topic; `None` if it is not in the contract.
    #[must_use]
    pub fn parse(topic: &str) -> Option<Self> {
        let path = topic.strip_prefix(ROOT)?;
        let mut levels = path.split('/');
        let first = levels.next()?;
        let rest: Vec<_> = levels.take(4).collect();
        if first == COMMAND {
            return (rest == ["marker"]).then_some(Self::Marker);
        }
        let station = first.parse().ok()?;
        match rest[..] {
            ["state"] => Some(Self::State(station)),
            ["event"] => Some(Self::Event(station)),
            ["acknowledgement"] => Some(Self::Acknowledgement(station)),
            ["headset", headset, "state"] if is_level(headset) => {
                Some(Self::Headset(station, headset.to_owned()))
            }
            _ => None,
        }
    }

    /// The station that publishes there.
    pub(crate) fn into_station(self) -> Option<StationName> {
        match self {
            Self::State(name)
            | Self::Headset(name, _)
            | Self::Event(name)
            | Self::Acknowledgement(name) => Some(name),
            Self::Marker => None,
        }
    }

    /// The filter for the states of all of a station's headsets.
    pub(crate) fn all_headsets(station: &StationName) -> String {
        format!("{ROOT}{station}/headset/+/state")
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::State(station) => write!(f, "{ROOT}{station}/state"),
            Self::Headset(station, headset) => write!(f, "{ROOT}{station}/headset/{headset}/state"),
            Self::Event(station) => write!(f, "{ROOT}{station}/event"),
            Self::Acknowledgement(station) => write!(f, "{ROOT}{station}/acknowledgement"),
            Self::Marker => write!(f, "{ROOT}{COMMAND}/marker"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn topics_are_read_as_they_are_built_and_no_others() {
        let station: StationName = "PC-03".parse().unwrap();
        for (topic, text) in [
            (Topic::State(station.clone()), "cortop/v1/PC-03/state"),
            (Topic::of_headset(&station, "EPOCX-1"), "cortop/v1/PC-03/headset/EPOCX-1/state"),
            (Topic::Event(station.clone()), "cortop/v1/PC-03/event"),
            (Topic::Acknowledgement(station.clone()), "cortop/v1/PC-03/acknowledgement"),
            (Topic::Marker, "cortop/v1/command/marker"),
        ] {
            assert_eq!(topic.to_string(), text);
            assert_eq!(Topic::parse(text), Some(topic));
        }
        for text in [
            "",
            "cortop",
            "cortop/v1/",
            "cortop/v1//state",
            "cortop/v2/PC-03/state",
            "cortop/v1/PC-03/state/x",
            "cortop/v1/PC-03/headset//state",
            "cortop/v1/command/state",
            "cortop/v1/PC-03/command/marker",
            "cortop/v1/a\u{1b}b/state",
            "$SYS/broker/load",
        ] {
            assert_eq!(Topic::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_name_is_one_level_and_a_host_gives_one() {
        for bad in ["", "a/b", "+", "#", "command", " a", "a\nb", "a\u{202e}b", &"x".repeat(65)] {
            assert!(bad.parse::<StationName>().is_err(), "{bad:?}");
        }
        for (host, name) in
            [("lab-pc", "lab-pc"), ("a/b#\u{1b}", "a_b__"), ("", "unknown"), ("command", "station")]
        {
            assert_eq!(StationName::from_host(host).as_str(), name);
        }
    }

    proptest! {
        #[test]
        fn any_text_gives_a_name_and_any_headset_a_topic_that_can_be_read(text in any::<String>()) {
            let name = StationName::from_host(&text);
            prop_assert_eq!(name.as_str().parse::<StationName>(), Ok(name.clone()));
            let topic = Topic::of_headset(&name, &text);
            prop_assert_eq!(Topic::parse(&topic.to_string()), Some(topic));
        }

        #[test]
        fn what_is_read_is_written_as_it_was(text in "(cortop/v1/)?[a-z/+#]{0,20}(/state)?") {
            if let Some(topic) = Topic::parse(&text) {
                prop_assert_eq!(topic.to_string(), text);
            }
        }
    }
}
