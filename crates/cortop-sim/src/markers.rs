//! Markers: put into the running record of a session, and shown to everybody who streams the
//! headset's `eeg` (§2.9, §3.5, §5.2). Their times are milliseconds, those of samples seconds.

use serde_json::json;

use super::{
    dispatch::Call,
    record::StoredMarker,
    refusal::{ApiError, BAD_PARAMS, CallResult, HEADSET_UNAVAILABLE, NO_SESSION, NOT_ACTIVATED},
    service::Service,
};

/// Markers of a record.
const MOST: usize = 10_000;
/// Markers on their way into a stream.
const WAITING: usize = 64;
/// A hair of service time: the sample of this very moment may have been sent.
const HAIR: f64 = 2e-6;

impl Service {
    pub(super) fn inject_marker(&mut self, call: &Call<'_>) -> CallResult {
        let at = self.session_of(call)?;
        let session = self.sessions.get(at).ok_or_else(|| ApiError::new(NO_SESSION))?;
        if !session.active {
            return Err(ApiError::new(NOT_ACTIVATED));
        }
        let running =
            self.running(session).ok_or_else(|| ApiError::bad("No record is running."))?;
        let time = self.clock.service(call.number("time") / 1000.0);
        let empty = json!({});
        let marker = StoredMarker {
            uuid: self.ids.uuid(),
            value: call.get("value").cloned().unwrap_or_default(),
            label: call.text("label").to_owned(),
            port: call.maybe_text("port").unwrap_or("Software").to_owned(),
            start: time,
            end: time,
            extras: call.get("extras").unwrap_or(&empty).clone(),
        };
        let place = session.place;
        let record = self.records.get_mut(running).ok_or_else(|| ApiError::new(BAD_PARAMS))?;
        if record.markers.len() == MOST {
            return Err(ApiError::bad("The record holds no more markers."));
        }
        record.markers.push(marker.clone());
        record.modified = call.now;
        self.marked(call, place, running, &marker)
    }

    /// Makes an interval of an instance.
    pub(super) fn update_marker(&mut self, call: &Call<'_>) -> CallResult {
        let at = self.session_of(call)?;
        let session = self.sessions.get(at).ok_or_else(|| ApiError::new(NO_SESSION))?;
        let (place, id) = (session.place, call.text("markerId"));
        let end = self.clock.service(call.number("time") / 1000.0);
        let own = session.records.iter().filter_map(|uuid| self.record_of(uuid, &call.app).ok());
        let has = |place: &usize| {
            let markers = self.records.get(*place).map(|record| record.markers.iter());
            markers.into_iter().flatten().any(|marker| marker.uuid == id)
        };
        let found = own.into_iter().find(has);
        let found = found.ok_or_else(|| ApiError::bad("The marker does not exist."))?;
        let record = self.records.get_mut(found).ok_or_else(|| ApiError::new(BAD_PARAMS))?;
        let marker = record.markers.iter_mut().find(|marker| marker.uuid == id);
        let marker = marker.ok_or_else(|| ApiError::new(BAD_PARAMS))?;
        if end <= marker.start {
            return Err(ApiError::bad("The end of a marker comes after its start."));
        }
        marker.end = end;
        if let Some(extras) = call.get("extras") {
            marker.extras = extras.clone();
        }
        let marker = marker.clone();
        record.modified = call.now;
        self.marked(call, place, found, &marker)
    }

    /// Sends a marker into the stream, at its sample or at the next one if that is gone: an
    /// interval at its end. The answer of both methods.
    fn marked(
        &mut self,
        call: &Call<'_>,
        place: usize,
        record: usize,
        marker: &StoredMarker,
    ) -> CallResult {
        let object = marker.to_json(&self.clock);
        let record = self.records.get(record).ok_or_else(|| ApiError::new(BAD_PARAMS))?;
        let headset = self.headsets.get_mut(place);
        let headset = headset.ok_or_else(|| ApiError::new(HEADSET_UNAVAILABLE))?;
        let next = headset.sample_at(call.now + HAIR).unwrap_or_default();
        let index = headset.sample_at(marker.end).unwrap_or_default().max(next);
        let mut shown = object.clone();
        shown["applicationId"] = json!(record.app_id);
        shown["recordId"] = json!(record.uuid);
        if headset.markers.len() == WAITING {
            headset.markers.pop_front();
        }
        headset.markers.push_back((index, shown.to_string()));
        Ok(json!({
            "marker": object,
            "recordId": record.uuid,
            "sessionId": call.text("session"),
        }))
    }
}

/// The inside of the array of a sample's markers.
pub(super) fn of_sample<'a>(
    waiting: impl Iterator<Item = &'a (u64, String)>,
    index: u64,
) -> String {
    let own = waiting.filter(|(at, _)| *at == index).map(|(_, text)| text.as_str());
    own.collect::<Vec<_>>().join(",")
}
