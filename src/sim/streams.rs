//! Subscriptions and the schedule of their samples (§2.8, §5). A sample's time comes from its
//! absolute index, so nothing drifts; after a short stall the samples follow with their own
//! stamps, after a long one they are lost and the counters run on.

use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    dispatch::Call,
    refusal::{Answer, NO_SESSION, Refusal, STREAM_UNAVAILABLE},
    row::Row,
    service::Service,
};
use crate::cortex::{
    Stream,
    sample::{Column, Columns},
};

/// Samples of one instant leave in this order (§5.1).
const ORDER: [Stream; 8] = [
    Stream::Eeg,
    Stream::Fac,
    Stream::Com,
    Stream::Met,
    Stream::Pow,
    Stream::Eq,
    Stream::Dev,
    Stream::Mot,
];
/// Seconds after its tick with which a `dev` sample is stamped (§5.1).
const DEV_LATER: f64 = 0.0078;
/// Of the 2 Hz of `met`, one in so many comes without an activated session and scope `pm`.
const SLOW_MET: u64 = 20;
/// Real seconds behind schedule after which samples are lost instead of sent late.
const HOPELESS: f64 = 1.0;

/// A subscribed stream.
pub(super) struct Subscription {
    pub(super) stream: Stream,
    /// Index of the next sample.
    next: u64,
    /// Distance to the one after it.
    step: u64,
}

impl Service {
    pub(super) fn subscribe(&mut self, call: &Call<'_>) -> Answer {
        let at = self.session_of(call)?;
        let (mut success, mut failure) = (Vec::new(), Vec::new());
        for name in call.texts("streams") {
            match self.subscribe_one(at, name, call.now) {
                Ok(cols) => {
                    let sid = call.text("session");
                    success.push(json!({ "cols": cols, "sid": sid, "streamName": name }));
                }
                Err(refusal) => failure.push(failed(name, &refusal)),
            }
        }
        Ok(json!({ "failure": failure, "success": success }))
    }

    pub(super) fn unsubscribe(&mut self, call: &Call<'_>) -> Answer {
        let at = self.session_of(call)?;
        let session = self.sessions.get_mut(at).ok_or_else(|| Refusal::new(NO_SESSION))?;
        let (mut success, mut failure) = (Vec::new(), Vec::new());
        for name in call.texts("streams") {
            if let Some(own) = session.streams.iter().position(|own| own.stream.name() == name) {
                session.streams.remove(own);
                success.push(json!({ "streamName": name }));
            } else {
                failure.push(failed(name, &Refusal::new(STREAM_UNAVAILABLE)));
            }
        }
        Ok(json!({ "failure": failure, "success": success }))
    }

    fn subscribe_one(&mut self, at: usize, name: &str, now: f64) -> Result<Columns, Refusal> {
        let unavailable = || Refusal::new(STREAM_UNAVAILABLE);
        let stream = name.parse().map_err(|_| unavailable())?;
        let session = self.sessions.get_mut(at).ok_or_else(unavailable)?;
        let headset = self.headsets.get_mut(session.place).ok_or_else(unavailable)?;
        if stream == Stream::Eeg && !(session.active && self.licence.has("eeg")) {
            return Err(unavailable());
        }
        let columns = match stream {
            // Events of trainings come from the service, not from the headset.
            Stream::Sys => Columns(["event", "msg"].map(|name| Column::One(name.into())).into()),
            _ => headset.source.columns(stream).ok_or_else(unavailable)?,
        };
        if session.streams.iter().all(|own| own.stream != stream) {
            let origin = *headset.origin.get_or_insert(now);
            let fast = stream != Stream::Met || (session.active && self.licence.has("pm"));
            let step = if fast { 1 } else { SLOW_MET };
            let next = headset.source.index_at(stream, now - origin).next_multiple_of(step);
            session.streams.push(Subscription { stream, next, step });
        }
        Ok(columns)
    }

    /// When the next sample of a connection is due; `None` while nothing flows.
    pub(super) fn next_sample(&self, connection: u64) -> Option<Instant> {
        let sessions = self.sessions.iter().filter(|session| session.connection == connection);
        let due = sessions.filter_map(|session| {
            let headset = self.headsets.get(session.place).filter(|headset| headset.streams())?;
            let origin = headset.origin?;
            let due = session.streams.iter().filter(|own| own.stream != Stream::Sys);
            let due = due.map(|own| headset.source.time(own.stream, own.next));
            due.min_by(f64::total_cmp).map(|time| origin + time)
        });
        due.min_by(f64::total_cmp).map(|time| self.clock.instant(time))
    }

    /// Hands all samples of a connection that are due to `send`, in order of time.
    pub(super) fn send_samples(&mut self, connection: u64, now: f64, mut send: impl FnMut(String)) {
        let hopeless = self.clock.span(HOPELESS);
        let faults = &mut self.faults;
        for session in self.sessions.iter_mut().filter(|own| own.connection == connection) {
            let headset = self.headsets.get(session.place).filter(|headset| headset.streams());
            let Some((headset, origin)) = headset.and_then(|it| Some((it, it.origin?))) else {
                continue;
            };
            let source = &headset.source;
            // The clock's granularity must not make a sample wait for the next wake-up.
            let until = now - origin + 1e-6;
            for own in session.streams.iter_mut().filter(|own| own.stream != Stream::Sys) {
                if source.time(own.stream, own.next) < until - hopeless {
                    own.next = source.index_at(own.stream, until).next_multiple_of(own.step);
                }
            }
            let time = |own: &Subscription| source.time(own.stream, own.next);
            let rank = |own: &Subscription| ORDER.iter().position(|stream| *stream == own.stream);
            while let Some(own) = session
                .streams
                .iter_mut()
                .filter(|own| own.stream != Stream::Sys && time(own) <= until)
                .min_by(|a, b| time(a).total_cmp(&time(b)).then_with(|| rank(a).cmp(&rank(b))))
            {
                let at = origin + time(own);
                let index = own.next;
                own.next += own.step;
                let mut live = headset.live(at);
                if faults.swallow(own.stream, index) {
                    continue;
                }
                live.interpolated = faults.interpolates(index);
                let mut row = Row::new(own.stream);
                source.write(own.stream, index, live, &mut row);
                let later = if own.stream == Stream::Dev { DEV_LATER } else { 0.0 };
                send(row.finish(session.id.as_str(), self.clock.epoch(at + later)));
            }
        }
    }
}

fn failed(name: &str, refusal: &Refusal) -> Value {
    json!({ "code": refusal.code, "message": refusal.message, "streamName": name })
}
