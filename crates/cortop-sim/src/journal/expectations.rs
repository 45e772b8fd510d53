//! What clients are expected to do, read from a file, and which expectations they have not met.
//! Entries go in, sentences come out.

use std::{collections::BTreeSet, path::Path};

use color_eyre::Result;
use cortop_protocol::{Method, Stream, nearest_name::suggest};
use serde::{Deserialize, Deserializer, de::Error as _};
use strum::VariantArray as _;

use super::entry::{Entry, JournalEvent, SessionEnd};
use crate::toml_file;

/// The most sentences of one kind; the rest is only counted.
const MAX_LISTED: usize = 20;

/// What clients are expected to do, and their progress.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectations {
    /// Methods that are called in this order, possibly with others in between.
    #[serde(default)]
    calls: Vec<ExpectedMethod>,
    /// Methods that must not be called.
    #[serde(default)]
    never: Vec<ExpectedMethod>,
    /// Streams that are subscribed to.
    #[serde(default)]
    subscribed: Vec<ExpectedStream>,
    /// The most refused requests and streams.
    #[serde(default)]
    refused: Option<u64>,
    /// The most pieces of advice.
    #[serde(default)]
    advice: Option<u64>,
    /// The most samples dropped because a client did not read.
    #[serde(default)]
    dropped: Option<u64>,
    /// Whether each session is closed by `updateSession`.
    #[serde(default)]
    sessions_closed: bool,
    #[serde(skip)]
    seen: Seen,
}

/// What clients have done.
#[derive(Clone, Debug, Default, PartialEq)]
struct Seen {
    /// How many of the expected calls have been made.
    calls: usize,
    /// Calls that must not be made.
    unwanted: BTreeSet<Method>,
    subscribed: BTreeSet<String>,
    refused: Occurrences,
    advice: Occurrences,
    dropped: u64,
    /// Sessions that were not closed properly, and live ones.
    left: Vec<String>,
    open: BTreeSet<String>,
}

/// How often something occurred, and descriptions of the first occurrences.
#[derive(Clone, Debug, Default, PartialEq)]
struct Occurrences {
    count: u64,
    listed: Vec<String>,
}

impl Occurrences {
    fn add(&mut self, line: impl FnOnce() -> String) {
        self.count += 1;
        if self.listed.len() < MAX_LISTED {
            self.listed.push(line());
        }
    }

    /// The sentences if there are more than allowed.
    fn above(&self, most: Option<u64>, [one, many]: [&str; 2]) -> Vec<String> {
        let Some(most) = most.filter(|most| self.count > *most) else { return Vec::new() };
        let more = self.count - self.listed.len() as u64;
        let what = if self.count == 1 { one } else { many };
        let head = format!("{} {what}, at most {most} expected:", self.count);
        let lines = self.listed.iter().map(|line| format!("  {line}"));
        let rest = (more > 0).then(|| format!("  and {more} more"));
        [head].into_iter().chain(lines).chain(rest).collect()
    }
}

impl Expectations {
    /// Reads a file of expectations.
    ///
    /// # Errors
    /// It cannot be read or is not valid: toml's own text, which shows the position.
    pub fn read(path: &Path) -> Result<Self> {
        let hint =
            "there are calls, never, subscribed, refused, advice, dropped and sessions_closed";
        toml_file::read(path, "expectations", "--expect", hint)
    }

    /// Records an entry.
    pub fn observe(&mut self, entry: &Entry) {
        let seen = &mut self.seen;
        match &entry.event {
            JournalEvent::Request { method, .. } => {
                let Ok(method) = method.parse::<Method>() else { return };
                if self.calls.get(seen.calls).is_some_and(|next| next.0 == method) {
                    seen.calls += 1;
                }
                if self.never.iter().any(|own| own.0 == method) {
                    seen.unwanted.insert(method);
                }
            }
            JournalEvent::Answer { method, refusal: Some(refusal), .. } => {
                seen.refused.add(|| format!("{method}: {} {}", refusal.code, refusal.message));
            }
            JournalEvent::StreamRefused { stream, refusal } => {
                let line = || format!("stream {stream}: {} {}", refusal.code, refusal.message);
                seen.refused.add(line);
            }
            JournalEvent::Subscribed { streams, .. } => {
                seen.subscribed.extend(streams.iter().take(64).cloned());
            }
            JournalEvent::Advice(advice) => {
                let place = advice.mistake.reference();
                seen.advice.add(|| format!("{} (docs/protocol.md {place})", advice.text));
            }
            JournalEvent::Samples { dropped, .. } => seen.dropped += dropped,
            JournalEvent::SessionOpened { session, .. } if seen.open.len() < 1024 => {
                seen.open.insert(session.to_string());
            }
            JournalEvent::SessionClosed { session, end } => {
                seen.open.remove(session.as_str());
                if *end == SessionEnd::Disconnected && seen.left.len() < MAX_LISTED {
                    seen.left.push(session.to_string());
                }
            }
            _ => {}
        }
    }

    /// The unmet expectations, one line each.
    #[must_use]
    pub fn unmet(&self) -> Vec<String> {
        let seen = &self.seen;
        let mut unmet = Vec::new();
        if let Some(missing) = self.calls.get(seen.calls) {
            let after = match seen.calls.checked_sub(1).and_then(|at| self.calls.get(at)) {
                Some(before) => format!(" after {}", before.0),
                None => String::new(),
            };
            let rest = self.calls.len() - seen.calls - 1;
            let rest = match rest {
                0 => String::new(),
                1 => ", nor the call that follows it".to_owned(),
                rest => format!(", nor the {rest} calls that follow it"),
            };
            unmet.push(format!("{} was not called{after}{rest}", missing.0));
        }
        unmet.extend(seen.unwanted.iter().map(|method| format!("{method} was called")));
        let subscribed = self.subscribed.iter().map(|own| own.0.name());
        let missing = subscribed.filter(|name| !seen.subscribed.contains(*name));
        unmet.extend(missing.map(|name| format!("the stream {name} was not subscribed")));
        unmet.extend(seen.refused.above(
            self.refused,
            ["request or stream was refused", "requests or streams were refused"],
        ));
        unmet.extend(
            seen.advice
                .above(self.advice, ["piece of advice was given", "pieces of advice were given"]),
        );
        if let Some(most) = self.dropped.filter(|most| seen.dropped > *most) {
            unmet.push(format!(
                "samples dropped because a client did not read: {}, at most {most} expected",
                seen.dropped
            ));
        }
        if self.sessions_closed {
            let open = seen.left.iter().chain(&seen.open).take(MAX_LISTED);
            unmet.extend(open.map(|id| format!("the session {id} was not closed")));
        }
        unmet
    }
}

/// An existing API method.
#[derive(Clone, Copy, Debug, PartialEq)]
struct ExpectedMethod(Method);

impl<'de> Deserialize<'de> for ExpectedMethod {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let name = String::deserialize(from)?;
        let method = name.parse();
        method.map(Self).map_err(|_| {
            let meant = suggest(Method::VARIANTS.iter().map(|own| own.name()), &name);
            D::Error::custom(format!("there is no method {name}: {meant}"))
        })
    }
}

/// An existing stream.
#[derive(Clone, Copy, Debug, PartialEq)]
struct ExpectedStream(Stream);

impl<'de> Deserialize<'de> for ExpectedStream {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map(Self).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{Advice, Mistake, Refusal};

    fn seen(text: &str, events: Vec<JournalEvent>) -> Vec<String> {
        let mut expected: Expectations = toml::from_str(text).unwrap();
        for (number, event) in (1..).zip(events) {
            expected.observe(&Entry { number, at: 0.0, client: 1, event });
        }
        expected.unmet()
    }

    fn call(method: &str) -> JournalEvent {
        JournalEvent::Request { request: 1, method: method.to_owned(), subject: String::new() }
    }

    #[test]
    fn what_is_not_done_is_listed() {
        let calls = "calls = [\"authorize\", \"createSession\", \"subscribe\"]";
        let order = || ["authorize", "queryHeadsets", "createSession", "subscribe"].map(call);
        assert_eq!(seen(calls, order().into()), [""; 0]);
        assert_eq!(
            seen(calls, vec![call("createSession"), call("authorize")]),
            ["createSession was not called after authorize, nor the call that follows it"]
        );
        assert_eq!(seen("never = [\"subscribe\"]", order().into()), ["subscribe was called"]);
        let refusal = Refusal { code: -32004, message: "no".to_owned() };
        let refused = || JournalEvent::Answer {
            request: 1,
            method: "createSession".to_owned(),
            subject: String::new(),
            refusal: Some(refusal.clone()),
            took: 0.0,
        };
        assert_eq!(
            seen("refused = 0", vec![refused()]),
            ["1 request or stream was refused, at most 0 expected:", "  createSession: -32004 no"]
        );
        assert_eq!(seen("refused = 1", vec![refused()]), [""; 0]);
        let advice = Advice { mistake: Mistake::IdReused, text: "an id".to_owned() };
        assert_eq!(
            seen("advice = 0", vec![JournalEvent::Advice(advice)]),
            ["1 piece of advice was given, at most 0 expected:", "  an id (docs/protocol.md §1.3)"]
        );
        let session = || "S".into();
        let opened = JournalEvent::SessionOpened {
            session: session(),
            headset: "H".into(),
            status: "opened".to_owned(),
        };
        let closed = |end| JournalEvent::SessionClosed { session: session(), end };
        for (end, count) in
            [(SessionEnd::Closed, 0), (SessionEnd::ByService, 0), (SessionEnd::Disconnected, 1)]
        {
            let unmet = seen("sessions_closed = true", vec![opened.clone(), closed(end)]);
            assert_eq!(unmet.len(), count, "{unmet:?}");
        }
        let unmet = seen("sessions_closed = true", vec![opened]);
        assert_eq!(unmet, ["the session S was not closed"]);
        let subscribed =
            JournalEvent::Subscribed { session: session(), streams: vec!["mot".to_owned()] };
        assert_eq!(
            seen("subscribed = [\"mot\", \"eeg\"]", vec![subscribed]),
            ["the stream eeg was not subscribed"]
        );
        let dropped = JournalEvent::Samples { sent: [].into(), dropped: 3 };
        assert_eq!(
            seen("dropped = 0", vec![dropped]),
            ["samples dropped because a client did not read: 3, at most 0 expected"]
        );
    }

    #[test]
    fn a_mistake_in_the_file_is_shown_with_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("e.toml");
        for (text, said) in [
            ("calls = [\"authorise\"]", "no method authorise: did you mean authorize?"),
            ("refused = 0\ncals = []", "unknown field `cals`"),
            ("subscribed = [\"egg\"]", "eeg mot dev"),
            ("refused = -1", "invalid value"),
        ] {
            std::fs::write(&path, text).unwrap();
            let error = Expectations::read(&path).unwrap_err().to_string();
            for part in [said, "line ", "e.toml", "sessions_closed"] {
                assert!(error.contains(part), "{error}");
            }
        }
        let error = Expectations::read(Path::new("/nowhere/e.toml")).unwrap_err();
        assert!(format!("{error:#}").contains("--expect"), "{error:#}");
    }
}
