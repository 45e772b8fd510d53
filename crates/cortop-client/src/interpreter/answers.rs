//! What can be learned from an answer, by the method that it answers.

use serde_json::Value;

use super::{Interpreter, SentRequest, seconds, text_of};
use crate::{
    ClockOffset, ConnectionStep, Event, Moment, rpc::AnswerEffect, subscribe::SubscribeAnswer,
};
use cortop_protocol::{
    Headset, HeadsetId, Marker, Method, Profile, Record, RecordEvent, RecordId, Session, SessionId,
    account::{CortexInfo, Licence, UserLogin},
    profile::LoadedProfile,
    record::RecordList,
    tolerant::{self, Members},
};

/// Uncertainty of a clock measurement in seconds, in addition to half of its round trip: drift and
/// resolution.
const CLOCK_UNCERTAINTY: f64 = 0.004;

/// Seconds during which a clock measurement takes precedence over later ones with a longer round
/// trip.
const CLOCK_AGE: f64 = 30.0;

impl Interpreter {
    #[expect(clippy::too_many_lines, reason = "one arm a method")]
    pub(super) fn on_answer(&mut self, request: SentRequest, mut result: Value, at: Moment) {
        let SentRequest { method, params, sent } = request;
        let session = text_of(&params, "session").map(SessionId::from);
        let headset = text_of(&params, "headset").map(HeadsetId::from);
        self.refused.retain(|(own, _)| *own != method);
        match method {
            Method::GetCortexInfo => self.event(Event::Service(CortexInfo::from(result))),
            Method::GetUserLogin => {
                let users = tolerant::objects::<UserLogin>(method.name(), result);
                let user = users.into_iter().next();
                if user.is_none() {
                    self.progress(ConnectionStep::Login);
                }
                self.event(Event::User(user));
            }
            Method::HasAccessRight | Method::RequestAccess
                if !Members::of(method.name(), result.take()).flag("accessGranted") =>
            {
                self.progress(ConnectionStep::Approval);
            }
            Method::Authorize => self.progress(ConnectionStep::Listing),
            Method::GetLicenseInfo => {
                let licence = Licence::from_answer(result);
                self.licence = Some(licence.clone());
                self.event(Event::Licence(licence));
            }
            Method::QueryHeadsets => {
                let headsets = tolerant::objects::<Headset>(method.name(), result);
                self.on_headsets(headsets, params.get("id").is_some());
            }
            Method::QuerySessions => {
                let sessions = tolerant::objects::<Session>(method.name(), result);
                for session in &sessions {
                    self.on_session(session.clone());
                }
                self.event(Event::Sessions(sessions));
            }
            Method::CreateSession => {
                let session = Session::from(result);
                self.open(session, false);
            }
            Method::UpdateSession => {
                let Some(id) = session else { return };
                let session = Session::from(result);
                let closes = text_of(&params, "status") == Some("close");
                if text_of(&params, "status") == Some("active") {
                    self.activations += 1;
                    self.event(Event::Activated { used: self.activations });
                }
                self.on_session(Session { id: id.clone(), ..session });
                if closes {
                    let effect = AnswerEffect::Close { session: id.clone() };
                    self.apply(effect, &Value::Null);
                    self.close(&id, "closed by the client that was captured", true);
                    self.report_idle();
                }
            }
            Method::Subscribe => self.on_subscribed(session, &params, &result),
            Method::Unsubscribe => {
                let Some(session) = session else { return };
                let effect = AnswerEffect::Unsubscribe { session: session.clone() };
                self.apply(effect, &result);
                let gone = SubscribeAnswer::of(method, result).success;
                let streams: Vec<_> = gone.into_iter().map(|(stream, _)| stream).collect();
                if let Some(own) = self.sessions.get_mut(&session) {
                    own.subscribed.retain(|stream| !streams.contains(stream));
                }
                self.event(Event::Unsubscribed { session, streams });
            }
            Method::CreateRecord => {
                let (Some(session), record) = (session, record_of(&mut result)) else { return };
                if let Some(own) = self.sessions.get_mut(&session) {
                    own.record = Some(record.clone());
                }
                let started = RecordEvent::Started { session, record, foreign: false };
                self.event(Event::Record(started));
            }
            Method::StopRecord => {
                let (Some(session), record) = (session, record_of(&mut result)) else { return };
                let known = self.sessions.get_mut(&session).and_then(|own| own.record.take());
                let record = match known {
                    Some(known) if record.uuid.as_str().is_empty() => known,
                    _ => record,
                };
                let why = "stopped by the client that was captured".to_owned();
                let ended = RecordEvent::Ended { session, record, why, ordered: true };
                self.event(Event::Record(ended));
            }
            Method::InjectMarker | Method::UpdateMarker => {
                let Some(session) = session else { return };
                self.apply(AnswerEffect::Mark { session: session.clone() }, &result);
                let marker = result.get_mut("marker").map(Value::take).unwrap_or_default();
                let record = RecordId::from(Members::of(method.name(), result).text("recordId"));
                self.event(Event::Marker { session, record, marker: Marker::from(marker) });
            }
            Method::SyncWithHeadsetClock => {
                if let Some(headset) = headset {
                    self.on_clock(headset, &params, &result, (sent, seconds(at)));
                }
            }
            Method::GetCurrentProfile => {
                let Some(headset) = headset else { return };
                let by_us = result.get("loadedByThisApp").and_then(Value::as_bool);
                let name = Members::of(method.name(), result).text("name");
                let loaded = (!name.is_empty()).then_some(LoadedProfile { name, by_us });
                self.event(Event::Profile { headset, loaded });
            }
            Method::QueryProfile => {
                let profiles = tolerant::objects::<Profile>(method.name(), result);
                self.event(Event::Profiles(profiles));
            }
            Method::QueryRecords => self.event(Event::Records(RecordList::from(result))),
            Method::ControlDevice if text_of(&params, "command") == Some("refresh") => {
                self.event(Event::Scan(true));
            }
            _ => {}
        }
    }

    /// A clock was measured (§3.2): the recent answer with the shortest round trip counts.
    fn on_clock(&mut self, headset: HeadsetId, params: &Value, result: &Value, way: (f64, f64)) {
        let number = |value: &Value, name: &str| value.get(name).and_then(Value::as_f64);
        let (Some(adjustment), Some(monotonic), Some(system)) = (
            number(result, "adjustment"),
            number(params, "monotonicTime"),
            number(params, "systemTime"),
        ) else {
            return;
        };
        let round_trip = (way.1 - way.0).max(0.0);
        let is_better = self
            .clocks
            .get(&headset)
            .is_none_or(|(before, at)| round_trip <= *before || way.1 - at > CLOCK_AGE);
        if is_better {
            self.clocks.insert(headset.clone(), (round_trip, way.1));
            let half = round_trip / 2.0;
            let clock = ClockOffset {
                offset: adjustment - half + monotonic - system,
                uncertainty: half + CLOCK_UNCERTAINTY,
            };
            self.event(Event::Clock { headset, clock });
        }
    }
}

fn record_of(answer: &mut Value) -> Record {
    Record::from(answer.get_mut("record").map(Value::take).unwrap_or_default())
}
