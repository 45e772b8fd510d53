//! Trial: started, some seconds later succeeded or failed, then accepted or rejected. Its
//! progress is told on the stream `sys` of the session that trains (§3.7, §5.10).

use serde_json::{Value, json};

use super::{
    detection::Detection,
    dispatch::Call,
    refusal::{ApiError, BAD_PARAMS, CallResult, NO_SESSION},
    sample_writer::SampleWriter,
    service::{ScheduledEvent, Service},
};
use cortop_protocol::{SessionId, Stream, sample::Column};

/// Contact quality in per cent below which a training fails.
const POOR: f64 = 50.0;
/// Events that wait for a session.
const EVENTS: usize = 64;

/// A training that is not over.
#[derive(Clone, Debug)]
pub(super) struct Training {
    detection: Detection,
    action: &'static str,
    /// It has succeeded, and waits to be accepted or rejected.
    succeeded: bool,
}

impl Service {
    pub(super) fn training(&mut self, call: &Call<'_>) -> CallResult {
        let at = self.session_of(call)?;
        let (status, action) = (call.text("status"), call.text("action"));
        let detection = Detection::named(call.text("detection"));
        let action = detection.trainable(action).ok_or_else(|| ApiError::new(BAD_PARAMS))?;
        let session = self.sessions.get_mut(at).ok_or_else(|| ApiError::new(NO_SESSION))?;
        let (place, id) = (session.place, session.id.clone());
        let running = session.trial.as_ref();
        let running =
            running.filter(|trial| trial.detection == detection && trial.action == action);
        let succeeded = running.map(|trial| trial.succeeded);
        if self.own_profile(place, call)?.profile.read_only {
            return Err(ApiError::bad("The profile can only be read."));
        }
        let end = call.now + self.delays.training.as_secs_f64();
        let event = match (status, succeeded) {
            ("start", _) => {
                self.plan(end, ScheduledEvent::Trained(id));
                self.try_again(at, Some(Training { detection, action, succeeded: false }));
                "Started"
            }
            ("accept", Some(true)) => {
                let score = self.clock.now().rem_euclid(1.0);
                let profile = &mut self.own_profile(place, call)?.profile;
                profile.learn(detection, action);
                profile.last_score = Some(score.mul_add(0.3, 0.6));
                self.try_again(at, None);
                "Completed"
            }
            ("reject", Some(true)) => {
                self.try_again(at, None);
                "Rejected"
            }
            ("reset", Some(_)) => {
                self.cancel(&ScheduledEvent::Trained(id));
                self.try_again(at, None);
                "Reset"
            }
            ("erase", _) => {
                self.own_profile(place, call)?.profile.forget(detection, action);
                "DataErased"
            }
            _ => return Err(ApiError::bad("There is no such training.")),
        };
        self.tell_sys(at, detection, event, call.now);
        let message = format!("Set up training successfully for {action}");
        Ok(json!({ "action": action, "message": message, "status": status }))
    }

    fn try_again(&mut self, at: usize, trial: Option<Training>) {
        if let Some(session) = self.sessions.get_mut(at) {
            session.trial = trial;
        }
    }

    /// The time of a training is over: contact decides.
    pub(super) fn trained(&mut self, id: &SessionId, now: f64) {
        let Some(at) = self.sessions.iter().position(|session| session.id == *id) else { return };
        let good = self.contact(at, now) >= POOR;
        let Some(session) = self.sessions.get_mut(at) else { return };
        let Some(trial) = &mut session.trial else { return };
        trial.succeeded = good;
        let detection = trial.detection;
        if !good {
            session.trial = None;
        }
        self.tell_sys(at, detection, if good { "Succeeded" } else { "Failed" }, now);
    }

    /// Overall contact quality in per cent as `dev` tells it; full where a headset does not tell.
    fn contact(&self, at: usize, now: f64) -> f64 {
        let overall = || {
            let headset = self.headsets.get(self.sessions.get(at)?.place)?;
            if !headset.streams() {
                return Some(0.0);
            }
            let column = headset.source.columns(Stream::Dev)?.0.iter().position(|column| {
                matches!(column, Column::Group(labels) if labels.iter().any(|it| it == "OVERALL"))
            })?;
            let index = headset.source.index_at(Stream::Dev, now - headset.origin.unwrap_or(now));
            let mut row = SampleWriter::new(Stream::Dev);
            headset.source.write(Stream::Dev, index, headset.live(now), &mut row);
            row.values().get(column)?.as_array()?.last()?.as_f64()
        };
        overall().unwrap_or(100.0)
    }

    /// Puts an event on `sys`, if the session listens. Members in alphabetical order (§1.3).
    fn tell_sys(&mut self, at: usize, detection: Detection, event: &str, now: f64) {
        let time = (self.clock.epoch(now) * 1e4).round() / 1e4;
        let Some(session) = self.sessions.get_mut(at) else { return };
        let listens = session.streams.iter().any(|own| own.stream == Stream::Sys);
        if listens && session.events.len() < EVENTS {
            let sys: [Value; 2] = [detection.name().into(), detection.event(event).into()];
            session.events.push(json!({ "sid": session.id, "sys": sys, "time": time }).to_string());
        }
    }
}
