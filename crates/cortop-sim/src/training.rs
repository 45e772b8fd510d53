//! Training: started, a few seconds later succeeded or failed, then accepted or rejected. The
//! stream `sys` of the training session shows its progress (§3.7, §5.10).

use serde_json::{Value, json};

use super::{
    api_error::{ApiError, CallResult},
    call::Call,
    detection::{Detection, Training},
    environment::{Environment, ScheduledEvent},
    headset::SimulatedHeadset,
    headsets::Headsets,
    profiles::loaded,
    sessions::{LiveSession, Sessions},
    values::Numbers,
};
use cortop_protocol::{
    SessionId, Stream,
    code::error::{HEADSET_UNAVAILABLE, INVALID_PARAMS},
};

/// Contact quality in per cent below which a training fails.
const POOR_CONTACT: f64 = 50.0;
/// The most events that may wait for a session.
const MAX_EVENTS: usize = 64;

impl Sessions {
    /// `training`.
    pub(super) fn train(
        &mut self,
        call: &Call<'_>,
        env: &mut Environment,
        headsets: &mut Headsets,
    ) -> CallResult {
        let session = self.find_mut(call)?;
        let (status, action) = (call.text("status"), call.text("action"));
        let detection = Detection::named(call.text("detection"));
        let action = detection.trainable(action).ok_or_else(|| ApiError::new(INVALID_PARAMS))?;
        let running = session.training.as_ref();
        let running = running.filter(|own| own.detection == detection && own.action == action);
        let succeeded = running.map(|own| own.succeeded);
        let headset = headsets.get_mut(session.place);
        let headset = headset.ok_or_else(|| ApiError::new(HEADSET_UNAVAILABLE))?;
        let profile = &mut loaded(headset, call)?.profile;
        if profile.read_only {
            return Err(ApiError::invalid("The profile can only be read."));
        }
        let end = ScheduledEvent::TrainingEnd(session.id.clone());
        let event = match (status, succeeded) {
            ("start", _) => {
                env.schedule(call.now + env.delays.training.as_secs_f64(), end);
                session.training = Some(Training { detection, action, succeeded: false });
                "Started"
            }
            ("accept", Some(true)) => {
                let score = call.now.rem_euclid(1.0);
                profile.learn(detection, action);
                profile.last_score = Some(score.mul_add(0.3, 0.6));
                session.training = None;
                "Completed"
            }
            ("reject", Some(true)) => {
                session.training = None;
                "Rejected"
            }
            ("reset", Some(_)) => {
                env.cancel(&end);
                session.training = None;
                "Reset"
            }
            ("erase", _) => {
                profile.forget(detection, action);
                "DataErased"
            }
            _ => return Err(ApiError::invalid("There is no such training.")),
        };
        session.send_event(detection, event, call.now, env);
        let message = format!("Set up training successfully for {action}");
        Ok(json!({ "action": action, "message": message, "status": status }))
    }

    /// `getTrainingTime`.
    pub(super) fn training_time(&self, call: &Call<'_>, env: &Environment) -> CallResult {
        self.find(call)?;
        let seconds = env.delays.training.as_secs_f64();
        let time = if seconds.fract() == 0.0 {
            json!(env.delays.training.as_secs())
        } else {
            json!(seconds)
        };
        Ok(json!({ "detection": call.text("detection"), "time": time }))
    }

    /// The time of a training has elapsed: contact decides.
    pub(super) fn training_end(
        &mut self,
        id: &SessionId,
        now: f64,
        env: &Environment,
        headsets: &Headsets,
    ) {
        let Some(session) = self.0.iter_mut().find(|session| session.id == *id) else { return };
        let contact = headsets.get(session.place).and_then(|headset| contact(headset, now));
        // A headset that does not report its contact is assumed to fit well.
        let good = contact.unwrap_or(100.0) >= POOR_CONTACT;
        let Some(training) = &mut session.training else { return };
        training.succeeded = good;
        let detection = training.detection;
        if !good {
            session.training = None;
        }
        session.send_event(detection, if good { "Succeeded" } else { "Failed" }, now, env);
    }
}

/// Overall contact quality in per cent, as in `dev`; `None` if it has none.
fn contact(headset: &SimulatedHeadset, now: f64) -> Option<f64> {
    if !headset.streams() {
        return Some(0.0);
    }
    let labels = headset.source.columns(Stream::Dev)?;
    let place = labels.labels().position(|label| label == "OVERALL")?;
    let index = headset.source.index_at(Stream::Dev, now - headset.origin.unwrap_or(now));
    let mut numbers = Numbers::default();
    headset.source.write(Stream::Dev, index, headset.sample_context(now), &mut numbers);
    numbers.0.get(place).copied().flatten()
}

impl LiveSession {
    /// Adds an event to `sys`, if the session has subscribed to it. Members in alphabetical order
    /// (§1.3).
    fn send_event(&mut self, detection: Detection, event: &str, now: f64, env: &Environment) {
        let time = (env.clock.epoch(now) * 1e4).round() / 1e4;
        let listens = self.streams.iter().any(|own| own.stream == Stream::Sys);
        if listens && self.events.len() < MAX_EVENTS {
            let sys: [Value; 2] = [detection.name().into(), detection.event(event).into()];
            self.events.push(json!({ "sid": self.id, "sys": sys, "time": time }).to_string());
        }
    }
}
