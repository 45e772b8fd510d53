//! Records: started and stopped in an activated session, kept while the service runs, changed and
//! deleted by the application that made them (§2.9, §3.4). What another application has made is as
//! unknown here as what never was.

use serde_json::{Value, json};

use super::{
    dispatch::Call,
    record::{Measurement, StoredRecord},
    refusal::{
        ApiError, BAD_PARAMS, CallResult, HEADSET_UNAVAILABLE, NO_DOWNLOAD, NO_SESSION,
        NOT_ACTIVATED,
    },
    service::{ScheduledEvent, Service},
    sessions::LiveSession,
};
use cortop_protocol::model::Model;

/// Records that are kept; the oldest makes room.
const MOST: usize = 1000;

#[expect(clippy::unnecessary_wraps, reason = "every method of the table may refuse")]
impl Service {
    pub(super) fn create_record(&mut self, call: &Call<'_>) -> CallResult {
        let at = self.session_of(call)?;
        let session = self.sessions.get(at).ok_or_else(|| ApiError::new(NO_SESSION))?;
        let (title, subject) = (call.text("title"), call.maybe_text("subjectName"));
        if !session.active {
            return Err(ApiError::new(NOT_ACTIVATED));
        }
        if self.running(session).is_some() {
            return Err(ApiError::bad("A record is running already."));
        }
        if title.is_empty() {
            return Err(ApiError::new(BAD_PARAMS));
        }
        if subject.is_some_and(|name| !self.subjects.contains_key(name)) {
            return Err(ApiError::bad("The subject does not exist."));
        }
        let app_id = self.app_id(&call.app).to_owned();
        let headset = self.headsets.get_mut(session.place);
        let headset = headset.ok_or_else(|| ApiError::new(HEADSET_UNAVAILABLE))?;
        let take = Measurement {
            headset: headset.id.clone(),
            source: headset.source.clone(),
            spec: headset.spec.clone(),
            origin: *headset.origin.get_or_insert(call.now),
            metrics: headset.metrics,
        };
        let record = StoredRecord {
            uuid: self.ids.uuid(),
            app: call.app.clone(),
            app_id,
            title: title.to_owned(),
            description: call.text("description").to_owned(),
            tags: call.texts("tags").map(str::to_owned).collect(),
            subject: subject.map(str::to_owned),
            experiment: call.count("experimentId"),
            scopes: self.licence.told_scopes().into_iter().map(str::to_owned).collect(),
            headband: (take.spec.model == Model::EpocX).then(|| headset.headband.clone()),
            start: call.now,
            end: None,
            modified: call.now,
            ready: false,
            take,
            markers: Vec::new(),
        };
        let object = record.to_json(&self.clock);
        if let Some(session) = self.sessions.get_mut(at) {
            if session.records.len() == MOST {
                session.records.remove(0);
            }
            session.records.push(record.uuid.clone());
        }
        if self.records.len() == MOST {
            self.records.remove(0);
        }
        self.records.push(record);
        Ok(json!({ "record": object, "sessionId": call.text("session") }))
    }

    pub(super) fn stop_record(&mut self, call: &Call<'_>) -> CallResult {
        let at = self.session_of(call)?;
        let session = self.sessions.get(at).ok_or_else(|| ApiError::new(NO_SESSION))?;
        let place = self.running(session).ok_or_else(|| ApiError::bad("No record is running."))?;
        let record = self.finish_record(place, call.now);
        Ok(json!({ "record": record, "sessionId": call.text("session") }))
    }

    /// Ends a running record; its object.
    pub(super) fn finish_record(&mut self, place: usize, now: f64) -> Option<Value> {
        let done = now + self.delays.processing.as_secs_f64();
        let record = self.records.get_mut(place)?;
        record.end = Some(now);
        record.modified = now;
        let (uuid, object) = (record.uuid.clone(), record.to_json(&self.clock));
        self.plan(done, ScheduledEvent::Processed(uuid));
        Some(object)
    }

    /// The post-processing of a record is over: it can be exported (warning 30).
    pub(super) fn processed(&mut self, uuid: &str) {
        if let Some(record) = self.records.iter_mut().find(|record| record.uuid == uuid) {
            record.ready = true;
            self.warn(30, &json!({ "recordId": uuid }));
        }
    }

    pub(super) fn update_record(&mut self, call: &Call<'_>) -> CallResult {
        let place = self.record_of(call.text("record"), &call.app)?;
        let title = call.maybe_text("title");
        if title == Some("") {
            return Err(ApiError::new(BAD_PARAMS));
        }
        let record = self.records.get_mut(place).ok_or_else(unknown_record)?;
        if let Some(title) = title {
            title.clone_into(&mut record.title);
        }
        if let Some(description) = call.maybe_text("description") {
            description.clone_into(&mut record.description);
        }
        if call.get("tags").is_some() {
            record.tags = call.texts("tags").map(str::to_owned).collect();
        }
        record.modified = call.now;
        Ok(record.to_json(&self.clock))
    }

    pub(super) fn delete_records(&mut self, call: &Call<'_>) -> CallResult {
        Ok(each(call, "records", |uuid| {
            let place = self.record_of(uuid, &call.app)?;
            if self.records.get(place).is_some_and(|record| record.end.is_none()) {
                return Err(ApiError::bad("The record is running."));
            }
            self.records.remove(place);
            Ok(())
        }))
    }

    /// Unknown ids are left out.
    pub(super) fn record_infos(&mut self, call: &Call<'_>) -> CallResult {
        let own = call.texts("recordIds").filter_map(|uuid| self.record_of(uuid, &call.app).ok());
        let own = own.filter_map(|place| self.records.get(place));
        Ok(own.map(|record| record.to_json(&self.clock)).collect())
    }

    /// All records are on this computer: there is nothing to download, or nothing to be had.
    pub(super) fn download_records(&mut self, call: &Call<'_>) -> CallResult {
        Ok(each(call, "recordIds", |uuid| {
            let known = self.record_of(uuid, &call.app);
            known.map(|_| ()).map_err(|_| ApiError::new(NO_DOWNLOAD))
        }))
    }

    /// The place in the list of a record of an application.
    pub(super) fn record_of(&self, uuid: &str, app: &str) -> Result<usize, ApiError> {
        let own = |record: &StoredRecord| record.uuid == uuid && record.app == app;
        self.records.iter().position(own).ok_or_else(unknown_record)
    }

    /// The place in the list of the running record of a session.
    pub(super) fn running(&self, session: &LiveSession) -> Option<usize> {
        let last = session.records.last()?;
        self.records.iter().position(|record| record.uuid == *last && record.end.is_none())
    }
}

/// Does something with every record that a request names: what became of each.
pub(super) fn each(
    call: &Call<'_>,
    list: &str,
    mut act: impl FnMut(&str) -> Result<(), ApiError>,
) -> Value {
    outcomes(call.texts(list).map(|uuid| (uuid, act(uuid))))
}

/// What became of records.
pub(super) fn outcomes<'a>(all: impl Iterator<Item = (&'a str, Result<(), ApiError>)>) -> Value {
    let (mut success, mut failure) = (Vec::new(), Vec::new());
    for (uuid, outcome) in all {
        match outcome {
            Ok(()) => success.push(json!({ "recordId": uuid })),
            Err(refusal) => failure.push(refusal.of("recordId", uuid)),
        }
    }
    json!({ "failure": failure, "success": success })
}

fn unknown_record() -> ApiError {
    ApiError::bad("The record does not exist.")
}
