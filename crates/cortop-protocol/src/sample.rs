//! What the task that reads the socket hands to the decoder and the other sinks: first the columns
//! of each subscription, then its samples.

use std::{collections::VecDeque, sync::Arc, time::Instant};

use bytestring::ByteString;
use serde_json::value::RawValue;

use crate::{
    HeadsetId, MarkerId, SessionId, Stream,
    columns::LabelledValue,
    envelope::{self, SampleMessage, ServerMessage},
    marker::MarkerText,
    values::Values,
};

pub use crate::columns::{Column, Columns};

/// How many samples a [`SamplePool`] lends before it checks whether the first has been returned.
const POOL: usize = 64;

/// A stream of a session that Cortex has agreed to send.
#[derive(Clone, Debug, PartialEq)]
pub struct Subscription {
    /// The session.
    pub session: SessionId,
    /// The headset behind the session.
    pub headset: HeadsetId,
    /// The stream.
    pub stream: Stream,
    /// Its columns.
    pub columns: Columns,
    /// Expected samples per second (§5.1); `None` for events, and if Cortex does not say.
    pub nominal_rate: Option<f64>,
}

/// One sample: its values, and the message from which they were read.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The subscription that it belongs to, with its columns.
    pub subscription: Arc<Subscription>,
    /// Its values by label.
    pub values: Values,
    /// The whole message as received: `{"eeg":[…],"sid":"…","time":…}`.
    pub text: ByteString,
    /// When it was read from the socket.
    pub received: Instant,
}

impl Sample {
    /// Parses a message as a sample of a subscription. One that is not a sample has no values
    /// ([`Conformance::None`](crate::values::Conformance)).
    #[must_use]
    pub fn new(subscription: Arc<Subscription>, text: ByteString, received: Instant) -> Self {
        let mut numbers = Vec::new();
        let mut values = Values::none();
        if let Ok(ServerMessage::Sample(message)) = ServerMessage::parse(&text, &mut numbers)
            && message.stream == Some(subscription.stream)
        {
            values.read(&subscription.columns, &message, &text, &mut numbers);
        }
        Self { subscription, values, text, received }
    }

    /// The members of the message in their original order, as written; `None` if it is not a JSON
    /// object.
    #[must_use]
    pub fn members(&self) -> Option<Vec<(String, &RawValue)>> {
        envelope::members(&self.text)
    }

    /// Pairs values of its message, such as those under its stream's name, with their labels;
    /// `None` if they are not an array.
    #[must_use]
    pub fn pair<'a>(&'a self, values: &'a RawValue) -> Option<Vec<LabelledValue<'a>>> {
        self.subscription.columns.pair(values)
    }
}

/// Creates samples that are reused once nobody holds them any more, so that in the long run a
/// sample costs no allocation.
#[derive(Debug, Default)]
pub struct SamplePool {
    /// Samples on loan, oldest first.
    lent: VecDeque<Arc<Sample>>,
    /// The numbers of the message being read.
    numbers: Vec<f64>,
}

impl SamplePool {
    /// Classifies a text (see [`ServerMessage::parse`]); keeps the numbers of a sample for
    /// [`SamplePool::sample`].
    ///
    /// # Errors
    /// The text is not JSON.
    pub fn parse<'a>(&mut self, text: &'a str) -> Result<ServerMessage<'a>, serde_json::Error> {
        ServerMessage::parse(text, &mut self.numbers)
    }

    /// Creates the sample of the message parsed last; `text` is the whole message.
    pub fn sample(
        &mut self,
        subscription: Arc<Subscription>,
        message: &SampleMessage<'_>,
        text: ByteString,
        received: Instant,
    ) -> Arc<Sample> {
        let oldest = if self.lent.len() < POOL { None } else { self.lent.pop_front() };
        // A sample that is still held, such as the last one of a slow stream, leaves the pool.
        let free = oldest.filter(|oldest| Arc::strong_count(oldest) == 1);
        let numbers = &mut self.numbers;
        let sample = if let Some(mut sample) = free {
            let own = Arc::make_mut(&mut sample);
            own.values.read(&subscription.columns, message, &text, numbers);
            (own.subscription, own.text, own.received) = (subscription, text, received);
            sample
        } else {
            let mut values = Values::default();
            values.read(&subscription.columns, message, &text, numbers);
            Arc::new(Sample { subscription, values, text, received })
        };
        self.lent.push_back(Arc::clone(&sample));
        sample
    }
}

/// A marker of ours in a session. Sent when it is set, and again when it becomes an interval.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionMarker {
    /// The session.
    pub session: SessionId,
    /// Its id in the session's record; such a marker also comes with the samples of `eeg`, if that
    /// is subscribed (§5.2). `None` if Cortex does not know the marker.
    pub id: Option<MarkerId>,
    /// Epoch seconds, on the time scale of samples.
    pub time: f64,
    /// Epoch seconds of its end, once it is an interval.
    pub end: Option<f64>,
    /// Its label and value.
    pub text: MarkerText,
}

/// The items that go from the socket's reader to the sinks, in order.
#[derive(Clone, Debug)]
pub enum Feed {
    /// A subscription started, or its columns were replaced.
    Subscribed(Arc<Subscription>),
    /// A sample of a running subscription.
    Sample(Arc<Sample>),
    /// A marker of ours was set, or has become an interval.
    Marker(SessionMarker),
    /// A stream of a session was unsubscribed.
    Unsubscribed(SessionId, Stream),
    /// A session ended with all its streams (closed, or the socket was lost).
    Ended(SessionId),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_that_nobody_holds_is_used_again() {
        let subscription = Arc::new(Subscription {
            session: "s".into(),
            headset: "h".into(),
            stream: Stream::Eeg,
            columns: Columns(vec![Column::One("COUNTER".to_owned())]),
            nominal_rate: None,
        });
        let mut pool = SamplePool::default();
        let mut next = |counter: usize| {
            let text = ByteString::from(format!(r#"{{"eeg":[{counter}],"sid":"s","time":1}}"#));
            let Ok(ServerMessage::Sample(message)) = pool.parse(&text) else { panic!("{text}") };
            pool.sample(Arc::clone(&subscription), &message, text.clone(), Instant::now())
        };
        let held = next(0);
        let places: Vec<_> = (1..3 * POOL).map(|counter| Arc::as_ptr(&next(counter))).collect();
        assert_eq!(
            (held.values.numbers[0], held.text.as_ref()),
            (0.0, r#"{"eeg":[0],"sid":"s","time":1}"#)
        );
        for (at, place) in places.iter().enumerate().skip(POOL) {
            // The one that is held has left the pool, and another has replaced it.
            assert_eq!(places[at - POOL], *place, "{at}");
        }
    }
}
