//! Lets an observer see what crosses the sockets of a client, starting at any moment. An observer
//! that starts late first receives what it has to know: the last lasting answer about each subject,
//! with its request. While nobody observes, only those answers are kept, and samples pass at the
//! cost of checking a flag.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use cortop_protocol::{
    Method,
    wire::{Side, WireEvent, WireEventKind, WireMessage},
};
use jiff::Timestamp;
use serde_json::Value;

/// How many answers are kept, and the longest message among them in bytes.
const ANSWERS: usize = 256;
const LONGEST: usize = 256 << 10;

/// The observer's callback. It must not wait: the socket waits for it.
type Observer = Box<dyn FnMut(&WireEvent<'_>) + Send>;

/// A place to observe from; its clones are the same place.
#[derive(Clone, Default)]
pub struct Tap(Arc<TapState>);

#[derive(Default)]
struct TapState {
    /// Whether somebody is observing.
    is_on: AtomicBool,
    inner: Mutex<Observation>,
}

#[derive(Default)]
struct Observation {
    observer: Option<Observer>,
    /// Connections so far.
    connections: u64,
    /// When the current connection began, if there is one.
    connected: Option<Timestamp>,
    kept: BTreeMap<AnswerSubject, KeptAnswer>,
    /// Answers kept so far.
    answers: u64,
}

/// The subject of an answer: its method, and its session, headset and streams.
pub(super) type AnswerSubject = (Method, String);

/// A request and its answer.
struct KeptAnswer {
    /// Its position among all answers.
    place: u64,
    asked: (Timestamp, String),
    answered: (Timestamp, String),
}

/// Hides the messages: they contain secrets.
impl fmt::Debug for Tap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tap").field("is_on", &self.is_on()).finish_non_exhaustive()
    }
}

impl Tap {
    /// Starts to observe, in place of any previous observer. What an observer has to know about the
    /// time before comes first, marked as [recalled](WireEvent::recalled).
    pub fn start(&self, mut observer: impl FnMut(&WireEvent<'_>) + Send + 'static) {
        let mut inner = self.lock();
        if let Some(since) = inner.connected {
            let connection = inner.connections;
            let mut recall = |at, kind| {
                observer(&WireEvent { at, recalled: true, connection, kind });
            };
            recall(since, WireEventKind::Connected);
            let mut kept: Vec<_> = inner.kept.values().collect();
            kept.sort_unstable_by_key(|own| own.place);
            for KeptAnswer { asked, answered, .. } in kept {
                for (from, (at, text)) in [(Side::Client, asked), (Side::Service, answered)] {
                    recall(*at, WireEventKind::Message { from, message: WireMessage::Text(text) });
                }
            }
        }
        inner.observer = Some(Box::new(observer));
        self.0.is_on.store(true, Ordering::Relaxed);
    }

    /// Stops observing.
    pub fn stop(&self) {
        self.0.is_on.store(false, Ordering::Relaxed);
        self.lock().observer = None;
    }

    fn is_on(&self) -> bool {
        self.0.is_on.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, Observation> {
        self.0.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection has begun.
    pub(super) fn connected(&self) {
        let mut inner = self.lock();
        let now = Timestamp::now();
        inner.connections += 1;
        inner.connected = Some(now);
        inner.kept.clear();
        inner.observe(now, WireEventKind::Connected);
    }

    /// The connection has ended.
    pub(super) fn disconnected(&self, by: Side) {
        let mut inner = self.lock();
        inner.connected = None;
        inner.kept.clear();
        inner.observe(Timestamp::now(), WireEventKind::Disconnected { by });
    }

    /// A message has crossed the socket.
    pub(super) fn message(&self, from: Side, message: WireMessage<'_>) {
        if self.is_on() {
            self.lock().observe(Timestamp::now(), WireEventKind::Message { from, message });
        }
    }

    /// A request was answered. Of several answers about the same subject, the last one is kept.
    pub(super) fn answered(
        &self,
        subject: AnswerSubject,
        asked: (Timestamp, String),
        answer: &str,
    ) {
        if asked.1.len() > LONGEST || answer.len() > LONGEST {
            return;
        }
        let mut inner = self.lock();
        inner.answers += 1;
        let place = inner.answers;
        let answered = (Timestamp::now(), answer.to_owned());
        inner.kept.insert(subject, KeptAnswer { place, asked, answered });
        if inner.kept.len() > ANSWERS {
            let oldest = inner.kept.iter().min_by_key(|(_, own)| own.place);
            if let Some(oldest) = oldest.map(|(subject, _)| subject.clone()) {
                inner.kept.remove(&oldest);
            }
        }
    }
}

impl Observation {
    fn observe(&mut self, at: Timestamp, kind: WireEventKind<'_>) {
        let connection = self.connections;
        if let Some(observer) = &mut self.observer {
            observer(&WireEvent { at, recalled: false, connection, kind });
        }
    }
}

/// The subject of a request, if its answer is lasting.
pub(super) fn subject(method: Method, params: &Value) -> Option<AnswerSubject> {
    use Method as M;
    let lasts = matches!(
        method,
        M::GetCortexInfo
            | M::GetUserLogin
            | M::GetLicenseInfo
            | M::QueryHeadsets
            | M::QuerySessions
            | M::CreateSession
            | M::UpdateSession
            | M::Subscribe
            | M::Unsubscribe
            | M::CreateRecord
            | M::StopRecord
            | M::SyncWithHeadsetClock
            | M::GetCurrentProfile
    );
    let of = ["session", "headset", "streams"].into_iter().filter_map(|name| params.get(name));
    lasts.then(|| (method, of.map(Value::to_string).collect::<Vec<_>>().join(" ")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What an observer has seen: whether it was recalled, and the event.
    #[derive(Clone, Default)]
    struct Seen(Arc<Mutex<Vec<(bool, u64, String)>>>);

    impl Seen {
        fn observer(&self) -> impl FnMut(&WireEvent<'_>) + Send + use<> {
            let seen = self.clone();
            move |event| {
                let what = match &event.kind {
                    WireEventKind::Message { from, message: WireMessage::Text(text) } => {
                        format!("{} {text}", from.name())
                    }
                    other => format!("{other:?}"),
                };
                let line = (event.recalled, event.connection, what);
                seen.0.lock().expect("free").push(line);
            }
        }

        fn take(&self) -> Vec<(bool, u64, String)> {
            std::mem::take(&mut self.0.lock().expect("free"))
        }
    }

    fn answer(tap: &Tap, method: Method, params: &Value, text: &str) {
        let asked = (Timestamp::now(), format!("ask {text}"));
        if let Some(subject) = subject(method, params) {
            tap.answered(subject, asked, text);
        }
    }

    #[test]
    fn who_begins_late_is_told_the_last_word_on_each_thing() {
        let tap = Tap::default();
        tap.connected();
        let of =
            |session: &str| json!({"session": session, "streams": ["eeg"], "cortexToken": "t"});
        answer(&tap, Method::QueryHeadsets, &json!({}), "none");
        answer(&tap, Method::Subscribe, &of("a"), "a");
        answer(&tap, Method::QueryHeadsets, &json!({}), "one");
        answer(&tap, Method::Subscribe, &of("b"), "b");
        answer(&tap, Method::Authorize, &json!({}), "a token");
        tap.message(Side::Service, WireMessage::Text("a sample"));
        let seen = Seen::default();
        tap.start(seen.observer());
        tap.message(Side::Client, WireMessage::Text("now"));
        tap.disconnected(Side::Service);
        tap.connected();
        tap.stop();
        tap.message(Side::Client, WireMessage::Text("unseen"));
        let seen = seen.take();
        let texts: Vec<_> =
            seen.iter().map(|(recalled, _, what)| (*recalled, what.as_str())).collect();
        assert_eq!(
            texts,
            [
                (true, "Connected"),
                (true, "client ask a"),
                (true, "service a"),
                (true, "client ask one"),
                (true, "service one"),
                (true, "client ask b"),
                (true, "service b"),
                (false, "client now"),
                (false, "Disconnected { by: Service }"),
                (false, "Connected"),
            ]
        );
        assert_eq!(seen.last().map(|(_, connection, _)| *connection), Some(2));
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let tap = Tap::default();
        tap.connected();
        for session in 0..2 * ANSWERS {
            let params = json!({ "session": session });
            answer(&tap, Method::UpdateSession, &params, &session.to_string());
        }
        answer(&tap, Method::QueryHeadsets, &json!({}), &"x".repeat(LONGEST + 1));
        let seen = Seen::default();
        tap.start(seen.observer());
        let seen = seen.take();
        assert_eq!(seen.len(), 1 + 2 * ANSWERS);
        assert_eq!(seen.last().expect("one").2, format!("service {}", 2 * ANSWERS - 1));
    }
}
