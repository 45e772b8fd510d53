//! Annotations of EDF+ and BDF+ as time-stamped lists: `+onset`, an optional duration, the texts,
//! and a zero byte.

use cortop_protocol::sanitize::floor_char_boundary;

/// Terminates an onset with its duration, and each text.
const SEPARATOR: u8 = 0x14;
/// Precedes a duration.
const BEFORE_DURATION: u8 = 0x15;
/// Width in characters of the time of a data record, fixed so that it can be overwritten in place.
const TIME_WIDTH: usize = 16;

/// Onsets are written with a resolution of a millionth of a second.
const SAME_ONSET: f64 = 1e-6;

/// Marks a gap: tells MNE that the data there are not real.
pub const NO_DATA: &str = "BAD_ACQ_SKIP";
/// Marks what fills up the last data record: nothing was lost there, but nothing was measured,
/// either. MNE rejects whatever begins with `BAD`.
pub const PADDING: &str = "BAD_PADDING";

/// Marks where motion is missing but EEG is not.
pub const MOTION_LOST: &str = "motion lost";

/// The measured rate in samples per second, as an annotation.
#[must_use]
pub fn pace(rate: f64) -> String {
    format!("pace {rate:.4} Hz")
}

/// An annotation.
#[derive(Clone, Debug, PartialEq)]
pub struct Annotation {
    /// Seconds since the start in the header.
    pub onset: f64,
    /// Its duration in seconds, if it has one.
    pub duration: Option<f64>,
    /// What it says.
    pub text: String,
}

/// The time of a data record, with a fixed width.
pub(super) fn record_time(onset: f64) -> Vec<u8> {
    let whole = format!("{:+}", onset.max(0.0).trunc()).len();
    let places = TIME_WIDTH.saturating_sub(whole + 1);
    let mut bytes = format!("{:+.places$}", onset.max(0.0)).into_bytes();
    bytes.extend([SEPARATOR, SEPARATOR, 0]);
    bytes
}

impl Annotation {
    /// Encodes the annotation in at most `room` bytes; truncates a text that is too long.
    pub(super) fn encode(&self, room: usize) -> Vec<u8> {
        let mut bytes = format!("{:+.6}", self.onset).into_bytes();
        if let Some(duration) = self.duration {
            bytes.push(BEFORE_DURATION);
            bytes.extend(format!("{duration:.6}").bytes());
        }
        bytes.push(SEPARATOR);
        let text = plain(&self.text);
        let left = room.saturating_sub(bytes.len() + 2);
        bytes.extend(text.get(..floor_char_boundary(&text, left)).unwrap_or_default().bytes());
        bytes.extend([SEPARATOR, 0]);
        bytes
    }

    /// Whether it marks samples that were not measured.
    pub(super) fn has_no_data(&self) -> bool {
        [NO_DATA, PADDING].contains(&&*self.text)
    }

    /// Whether it is a note of the recorder rather than a marker.
    pub(super) fn is_note(&self) -> bool {
        let rate = self.text.strip_prefix("pace ").and_then(|text| text.strip_suffix(" Hz"));
        self.text == MOTION_LOST || rate.is_some_and(|rate| rate.parse::<f64>().is_ok())
    }

    /// Whether this annotation, read from a file, is the one with this onset and text.
    pub(super) fn is(&self, onset: f64, text: &str) -> bool {
        (self.onset - onset).abs() < SAME_ONSET && plain(text).starts_with(&*self.text)
    }

    /// The annotations in the bytes of a data record, and the time of the record if the first list
    /// gives it. Malformed ones are left out.
    pub(super) fn decode(bytes: &[u8]) -> (Option<f64>, Vec<Self>) {
        let (mut time, mut found) = (None, Vec::new());
        let lists = bytes.split(|byte| *byte == 0).filter(|list| !list.is_empty());
        for (place, list) in lists.enumerate() {
            let mut parts = list.split(|byte| *byte == SEPARATOR);
            let stamp = parts.next().unwrap_or_default();
            let mut stamp = stamp.split(|byte| *byte == BEFORE_DURATION).map(number);
            let Some(onset) = stamp.next().flatten() else { continue };
            let duration = stamp.next().flatten().filter(|duration| *duration > 0.0);
            let texts: Vec<_> = parts.collect();
            if place == 0 && texts.first().is_some_and(|text| text.is_empty()) {
                time = Some(onset);
            }
            let texts = texts.into_iter().filter(|text| !text.is_empty());
            found.extend(texts.map(|text| Self {
                onset,
                duration,
                text: String::from_utf8_lossy(text).into_owned(),
            }));
        }
        (time, found)
    }
}

/// A text without the format's separators.
fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

fn number(bytes: &[u8]) -> Option<f64> {
    let number: f64 = str::from_utf8(bytes).ok()?.trim().parse().ok()?;
    number.is_finite().then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn annotations_are_read_as_they_were_written() {
        let marker =
            Annotation { onset: 1.25, duration: Some(0.5), text: "Augen zu – é".into() };
        let plain = Annotation { onset: 2.0, duration: None, text: "a\u{14}b\0c".into() };
        let mut bytes = record_time(0.123_456);
        let length = bytes.len();
        bytes.extend(marker.encode(100));
        bytes.extend(plain.encode(100));
        bytes.extend([0; 20]);
        let (time, found) = Annotation::decode(&bytes);
        assert!((time.unwrap() - 0.123_456).abs() < 1e-9);
        assert_eq!(found, [marker, Annotation { text: "abc".into(), ..plain }]);
        for onset in [0.0, 9.999_999, 123_456.5, 3e7] {
            assert_eq!(record_time(onset).len(), length, "{onset}");
        }
    }

    #[test]
    fn a_long_text_is_cut_between_characters_and_nonsense_is_left_out() {
        let long = Annotation { onset: 0.0, duration: None, text: "é".repeat(100) };
        let bytes = long.encode(21);
        assert!(bytes.len() <= 21);
        assert_eq!(Annotation::decode(&bytes).1[0].text, "é".repeat(4));
        assert_eq!(Annotation::decode(b"\0\0x\x14y\x14\0+1\x15?\x14ok\x14\0+\x14\x14").1.len(), 1);
    }
}
