//! Which streams are running in which session, and with which columns. The answers to `subscribe`
//! are registered before the next message is read, so that each sample finds its subscription.
//! Knows neither socket nor queue: results are returned to the caller.

use std::{collections::HashMap, sync::Arc, time::Duration};

use bytestring::ByteString;
use serde_json::Value;
use tokio::time::Instant;

use super::{rpc::AnswerEffect, subscribe::SubscribeAnswer};
use cortop_protocol::{
    Feed, Marker, Method, Sample, SamplePool, SessionId, SessionMarker, Stream, Subscription,
    envelope::{SampleMessage, ServerMessage},
    marker::MarkerText,
};

/// Between two stamps of a session's samples that are compared with our clock.
const COMPARISONS: Duration = Duration::from_millis(62);

/// Sessions whose columns are remembered.
pub(super) const SESSIONS: usize = 64;

/// The streams of all sessions.
#[derive(Default)]
pub(super) struct StreamTable {
    sessions: HashMap<SessionId, SessionStreams>,
    samples: SamplePool,
}

/// What is known about a session's streams.
#[derive(Default)]
struct SessionStreams {
    subscriptions: Vec<Arc<Subscription>>,
    /// Cortex reported that they have stopped; kept, because they may resume (§2.12).
    ended: bool,
    /// When a sample's stamp was last compared with our clock.
    compared: Option<Instant>,
}

/// A sample that has found its subscription.
pub(super) struct FoundSample {
    /// The sample.
    pub(super) sample: Arc<Sample>,
    /// The streams of its session, if they had ended and are running again.
    pub(super) resumed: Vec<Arc<Subscription>>,
    /// Whether it is time to compare its stamp with our clock.
    pub(super) is_compared: bool,
}

impl StreamTable {
    /// Parses a message of the service.
    pub(super) fn parse<'a>(
        &mut self,
        text: &'a str,
    ) -> Result<ServerMessage<'a>, serde_json::Error> {
        self.samples.parse(text)
    }

    /// Makes room for the streams of a session. Returns whether there is room. An ended session
    /// that may resume gives way to one that begins.
    pub(super) fn make_room(&mut self, session: &SessionId) -> bool {
        if self.sessions.len() >= SESSIONS && !self.sessions.contains_key(session) {
            let ended = self.sessions.iter().find(|(_, streams)| streams.ended);
            let Some(ended) = ended.map(|(id, _)| id.clone()) else { return false };
            self.sessions.remove(&ended);
        }
        self.sessions.entry(session.clone()).or_default();
        true
    }

    /// Whether samples arrive several times within the period of silence that the link tolerates.
    pub(super) fn expects_samples(&self) -> bool {
        let is_steady = |one: &Arc<Subscription>| !matches!(one.stream, Stream::Met | Stream::Sys);
        self.sessions.values().any(|own| !own.ended && own.subscriptions.iter().any(is_steady))
    }

    /// Applies what an answer changes about the streams.
    pub(super) fn apply(&mut self, effect: AnswerEffect, result: &Value) -> Vec<Feed> {
        let answer = || SubscribeAnswer::of(Method::Subscribe, result.clone());
        let mut changes = Vec::new();
        match effect {
            AnswerEffect::None => {}
            AnswerEffect::Subscribe { session, headset, fast_met } => {
                // An older session of this headset can no longer resume.
                self.sessions.retain(|id, streams| {
                    *id == session
                        || !streams.ended
                        || streams.subscriptions.iter().any(|one| one.headset != headset.id)
                });
                let streams = self.sessions.entry(session.clone()).or_default();
                for (stream, columns) in answer().success {
                    let subscription = Arc::new(Subscription {
                        session: session.clone(),
                        headset: headset.id.clone(),
                        stream,
                        columns,
                        nominal_rate: stream.nominal_rate(&headset, fast_met),
                    });
                    // A second success replaces the columns (§2.8).
                    streams.subscriptions.retain(|one| one.stream != stream);
                    streams.subscriptions.push(Arc::clone(&subscription));
                    changes.push(Feed::Subscribed(subscription));
                }
            }
            AnswerEffect::Unsubscribe { session } => {
                for (stream, _) in answer().success {
                    if let Some(streams) = self.sessions.get_mut(&session) {
                        streams.subscriptions.retain(|one| one.stream != stream);
                    }
                    changes.push(Feed::Unsubscribed(session.clone(), stream));
                }
            }
            AnswerEffect::Mark { session } => {
                let marker = Marker::from(result.get("marker").cloned().unwrap_or_default());
                changes.push(Feed::Marker(SessionMarker {
                    session,
                    time: marker.start,
                    end: marker.is_interval().then_some(marker.end),
                    text: MarkerText::from(&marker),
                    id: Some(marker.uuid),
                }));
            }
            AnswerEffect::Close { session } => {
                if self.sessions.remove(&session).is_some_and(|streams| !streams.ended) {
                    changes.push(Feed::Ended(session));
                }
            }
        }
        changes
    }

    /// Assigns a sample to its subscription.
    ///
    /// # Errors
    /// There is no such subscription; the error says why.
    pub(super) fn find(
        &mut self,
        message: &SampleMessage<'_>,
        text: ByteString,
        received: Instant,
    ) -> Result<FoundSample, &'static str> {
        let streams = self.sessions.get_mut(&*message.sid).ok_or("unknown session")?;
        let subscription =
            streams.subscriptions.iter().find(|one| Some(one.stream) == message.stream);
        let subscription = subscription.cloned().ok_or("unknown stream")?;
        let is_due = |at: Instant| received.saturating_duration_since(at) >= COMPARISONS;
        let is_compared = streams.compared.is_none_or(is_due);
        if is_compared {
            streams.compared = Some(received);
        }
        let resumed = if std::mem::take(&mut streams.ended) {
            streams.subscriptions.clone()
        } else {
            Vec::new()
        };
        let sample = self.samples.sample(subscription, message, text, received.into_std());
        Ok(FoundSample { sample, resumed, is_compared })
    }

    /// Ends the streams of a session once, and keeps their columns in case they resume.
    pub(super) fn end(&mut self, session: &SessionId) -> Option<Feed> {
        let streams = self.sessions.get_mut(session)?;
        let was_over = std::mem::replace(&mut streams.ended, true);
        (!was_over).then(|| Feed::Ended(session.clone()))
    }

    /// Forgets all sessions. Returns those whose streams had not ended.
    pub(super) fn end_all(&mut self) -> Vec<Feed> {
        let live = self.sessions.drain().filter(|(_, streams)| !streams.ended);
        live.map(|(session, _)| Feed::Ended(session)).collect()
    }
}
