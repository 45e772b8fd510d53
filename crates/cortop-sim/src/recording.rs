//! What a session records: records are started and stopped in an activated session; markers are
//! added to the running record and shown to everybody who streams the headset's `eeg` (§2.9, §3.4,
//! §3.5, §5.2). Times of markers are in milliseconds, those of samples in seconds.

use serde_json::{Value, json};

use super::{
    account::Account,
    api_error::{ApiError, CallResult},
    call::Call,
    environment::Environment,
    headset::SimulatedHeadset,
    headsets::Headsets,
    record::{Measurement, StoredMarker, StoredRecord},
    records::{MAX_RECORDS, Records},
    sessions::Sessions,
    subjects::Subjects,
};
use cortop_protocol::{
    code::error::{HEADSET_UNAVAILABLE, INVALID_PARAMS, NOT_ACTIVATED},
    model::Model,
};

/// The most markers in a record.
const MAX_MARKERS: usize = 10_000;
/// Seconds after which the sample of a moment may already have been sent.
const EPSILON: f64 = 2e-6;

/// The areas that recording involves.
pub(super) struct RecordContext<'a> {
    pub(super) env: &'a mut Environment,
    pub(super) headsets: &'a mut Headsets,
    pub(super) sessions: &'a mut Sessions,
    pub(super) records: &'a mut Records,
}

impl RecordContext<'_> {
    /// `createRecord`.
    pub(super) fn create_record(
        self,
        call: &Call<'_>,
        account: &Account,
        subjects: &Subjects,
    ) -> CallResult {
        let session = self.sessions.find_mut(call)?;
        let (title, subject) = (call.text("title"), call.optional_text("subjectName"));
        if !session.active {
            return Err(ApiError::new(NOT_ACTIVATED));
        }
        if session.running_record.is_some() {
            return Err(ApiError::invalid("A record is running already."));
        }
        if title.is_empty() {
            return Err(ApiError::new(INVALID_PARAMS));
        }
        if subject.is_some_and(|name| !subjects.contains(name)) {
            return Err(ApiError::invalid("The subject does not exist."));
        }
        let headset = self.headsets.get_mut(session.place);
        let headset = headset.ok_or_else(|| ApiError::new(HEADSET_UNAVAILABLE))?;
        let measurement = Measurement {
            headset: headset.id.clone(),
            source: headset.source.clone(),
            spec: headset.spec.clone(),
            origin: *headset.origin.get_or_insert(call.now),
            metrics: headset.metrics,
        };
        let record = StoredRecord {
            uuid: self.env.ids.uuid(),
            app: call.app.clone(),
            app_id: account.app_id(&call.app).to_owned(),
            title: title.to_owned(),
            description: call.text("description").to_owned(),
            tags: call.texts("tags").map(str::to_owned).collect(),
            subject: subject.map(str::to_owned),
            experiment: call.count("experimentId"),
            scopes: account.licence.json_scopes().into_iter().map(str::to_owned).collect(),
            headband: (headset.spec.model == Model::EpocX).then(|| headset.headband.clone()),
            start: call.now,
            end: None,
            modified: call.now,
            ready: false,
            measurement,
            markers: Vec::new(),
        };
        let object = record.to_json(&self.env.clock);
        if session.records.len() == MAX_RECORDS {
            session.records.remove(0);
        }
        session.records.push(record.uuid.clone());
        session.running_record = Some(record.uuid.clone());
        self.records.push(record);
        Ok(json!({ "record": object, "sessionId": session.id }))
    }

    /// `stopRecord`.
    pub(super) fn stop_record(self, call: &Call<'_>) -> CallResult {
        let session = self.sessions.find_mut(call)?;
        let running = session.running_record.take().ok_or_else(no_record)?;
        let record = self.records.finish(&running, call.now, self.env);
        Ok(json!({ "record": record, "sessionId": session.id }))
    }

    /// `injectMarker`.
    pub(super) fn inject_marker(self, call: &Call<'_>) -> CallResult {
        let session = self.sessions.find(call)?;
        if !session.active {
            return Err(ApiError::new(NOT_ACTIVATED));
        }
        let running = session.running_record.as_deref().ok_or_else(no_record)?;
        let record = self.records.find_mut(running, &call.app)?;
        if record.markers.len() == MAX_MARKERS {
            return Err(ApiError::invalid("The record holds no more markers."));
        }
        let time = self.env.clock.service(call.number("time") / 1000.0);
        let marker = StoredMarker {
            uuid: self.env.ids.uuid(),
            value: call.get("value").cloned().unwrap_or_default(),
            label: call.text("label").to_owned(),
            port: call.optional_text("port").unwrap_or("Software").to_owned(),
            start: time,
            end: time,
            extras: call.get("extras").cloned().unwrap_or_else(|| json!({})),
        };
        record.markers.push(marker.clone());
        record.modified = call.now;
        let object = marker.to_json(&self.env.clock);
        show(self.headsets.get_mut(session.place), &object, marker.end, record, call.now);
        Ok(json!({ "marker": object, "recordId": running, "sessionId": session.id }))
    }

    /// `updateMarker`: turns an instance marker into an interval.
    pub(super) fn update_marker(self, call: &Call<'_>) -> CallResult {
        let session = self.sessions.find(call)?;
        let id = call.text("markerId");
        let has = |record: &StoredRecord| record.markers.iter().any(|marker| marker.uuid == id);
        let own = |uuid: &&String| self.records.find(uuid, &call.app).is_ok_and(has);
        let unknown = || ApiError::invalid("The marker does not exist.");
        let uuid = session.records.iter().find(own).ok_or_else(unknown)?;
        let record = self.records.find_mut(uuid, &call.app)?;
        let marker = record.markers.iter_mut().find(|marker| marker.uuid == id);
        let marker = marker.ok_or_else(unknown)?;
        let end = self.env.clock.service(call.number("time") / 1000.0);
        if end <= marker.start {
            return Err(ApiError::invalid("The end of a marker comes after its start."));
        }
        marker.end = end;
        if let Some(extras) = call.get("extras") {
            marker.extras = extras.clone();
        }
        let object = marker.to_json(&self.env.clock);
        record.modified = call.now;
        show(self.headsets.get_mut(session.place), &object, end, record, call.now);
        Ok(json!({ "marker": object, "recordId": uuid, "sessionId": session.id }))
    }
}

/// Adds a marker to the stream, an interval at its end: with its sample, or with the next one if
/// that has been sent.
fn show(
    headset: Option<&mut SimulatedHeadset>,
    marker: &Value,
    end: f64,
    record: &StoredRecord,
    now: f64,
) {
    let Some(headset) = headset else { return };
    let next = headset.sample_at(now + EPSILON).unwrap_or_default();
    let index = headset.sample_at(end).unwrap_or_default().max(next);
    let mut shown = marker.clone();
    shown["applicationId"] = json!(record.app_id);
    shown["recordId"] = json!(record.uuid);
    headset.push_marker(index, shown.to_string());
}

fn no_record() -> ApiError {
    ApiError::invalid("No record is running.")
}
