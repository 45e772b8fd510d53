//! The user's records: kept while the service is running; changed, deleted and found by the
//! application that made them (§2.9, §3.4). A record of another application is treated like one
//! that never existed. Independent of sessions.

use serde_json::{Value, json};

use super::{
    api_error::{ApiError, CallResult},
    call::Call,
    environment::{Environment, ScheduledEvent},
    licence::LICENSE_ID,
    query::{PageQuery, RangeCondition, mentions, moment},
    record::StoredRecord,
};
use cortop_protocol::code::{
    error::{INVALID_PARAMS, NO_DOWNLOAD},
    warning,
};

/// The most records kept; the oldest is dropped.
pub(super) const MAX_RECORDS: usize = 1000;

/// All records, newest last.
#[derive(Default)]
pub(super) struct Records(pub(super) Vec<StoredRecord>);

impl Records {
    /// Adds a new record.
    pub(super) fn push(&mut self, record: StoredRecord) {
        if self.0.len() == MAX_RECORDS {
            let oldest = self.0.iter().position(|record| record.end.is_some());
            self.0.remove(oldest.unwrap_or_default());
        }
        self.0.push(record);
    }

    /// Ends a running record. Returns its object.
    pub(super) fn finish(&mut self, uuid: &str, now: f64, env: &mut Environment) -> Option<Value> {
        let record = self.0.iter_mut().find(|record| record.uuid == uuid)?;
        record.end = Some(now);
        record.modified = now;
        let done = now + env.delays.processing.as_secs_f64();
        env.schedule(done, ScheduledEvent::RecordProcessed(uuid.to_owned()));
        Some(record.to_json(&env.clock))
    }

    /// The post-processing of a record has finished: it can be exported.
    pub(super) fn processed(&mut self, uuid: &str, env: &mut Environment) {
        if let Some(record) = self.0.iter_mut().find(|record| record.uuid == uuid) {
            record.ready = true;
            env.warn(warning::RECORD_READY, &json!({ "recordId": uuid }));
        }
    }

    /// `updateRecord`.
    pub(super) fn update(&mut self, call: &Call<'_>, env: &Environment) -> CallResult {
        let record = self.find_mut(call.text("record"), &call.app)?;
        let title = call.optional_text("title");
        if title == Some("") {
            return Err(ApiError::new(INVALID_PARAMS));
        }
        if let Some(title) = title {
            title.clone_into(&mut record.title);
        }
        if let Some(description) = call.optional_text("description") {
            description.clone_into(&mut record.description);
        }
        if call.get("tags").is_some() {
            record.tags = call.texts("tags").map(str::to_owned).collect();
        }
        record.modified = call.now;
        Ok(record.to_json(&env.clock))
    }

    /// `deleteRecord`.
    pub(super) fn delete(&mut self, call: &Call<'_>) -> Value {
        outcomes(call.texts("records").map(|uuid| {
            let deleted = self.find(uuid, &call.app).and_then(|record| match record.end {
                None => Err(ApiError::invalid("The record is running.")),
                Some(_) => Ok(()),
            });
            if deleted.is_ok() {
                self.0.retain(|record| record.uuid != uuid);
            }
            (uuid, deleted)
        }))
    }

    /// `getRecordInfos`: unknown ids are left out.
    pub(super) fn infos(&self, call: &Call<'_>, env: &Environment) -> Value {
        let own = call.texts("recordIds").filter_map(|uuid| self.find(uuid, &call.app).ok());
        own.map(|record| record.to_json(&env.clock)).collect()
    }

    /// `requestToDownloadRecordData`: all records are on this computer, so there is nothing to
    /// download, or nothing at all.
    pub(super) fn download(&self, call: &Call<'_>) -> Value {
        outcomes(call.texts("recordIds").map(|uuid| {
            let known = self.find(uuid, &call.app);
            (uuid, known.map(|_| ()).map_err(|_| ApiError::new(NO_DOWNLOAD)))
        }))
    }

    /// `queryRecords`.
    pub(super) fn query(&self, call: &Call<'_>, env: &Environment) -> CallResult {
        const KEYS: [&str; 7] = [
            "title",
            "description",
            "startDatetime",
            "modifiedDatetime",
            "duration",
            "subjectName",
            "applicationId",
        ];
        let page = PageQuery::read(call, &KEYS)?;
        let mut found = Vec::new();
        for record in self.0.iter().filter(|record| record.app == call.app) {
            if matches(record, call, env)? {
                found.push(record);
            }
        }
        let count = found.len();
        let found = page.of(found, |record, key| match key {
            "title" => json!(record.title),
            "description" => json!(record.description),
            "startDatetime" => json!(record.start),
            "modifiedDatetime" => json!(record.modified),
            "duration" => json!(record.duration(call.now)),
            "subjectName" => json!(record.subject),
            _ => json!(record.app_id),
        });
        let objects = found.into_iter().map(|record| {
            let mut object = record.to_json(&env.clock);
            if call.flag("includeMarkers") {
                let markers = record.markers.iter().map(|marker| marker.to_json(&env.clock));
                object["markers"] = markers.collect();
            }
            if call.flag("includeSyncStatusInfo") {
                object["syncStatus"] = json!({ "status": "neverUploaded" });
            }
            object
        });
        Ok(page.to_json("records", count, &objects.collect::<Vec<_>>()))
    }

    /// The number of records of a subject.
    pub(super) fn count_of_subject(&self, name: &str) -> usize {
        self.0.iter().filter(|record| record.subject.as_deref() == Some(name)).count()
    }

    /// A record of an application.
    pub(super) fn find(&self, uuid: &str, app: &str) -> Result<&StoredRecord, ApiError> {
        let own = |record: &&StoredRecord| record.uuid == uuid && record.app == app;
        self.0.iter().find(own).ok_or_else(unknown_record)
    }

    /// Like [`find`](Self::find), mutable.
    pub(super) fn find_mut(
        &mut self,
        uuid: &str,
        app: &str,
    ) -> Result<&mut StoredRecord, ApiError> {
        let own = |record: &&mut StoredRecord| record.uuid == uuid && record.app == app;
        self.0.iter_mut().find(own).ok_or_else(unknown_record)
    }
}

/// Whether a record satisfies every condition of a query.
fn matches(record: &StoredRecord, call: &Call<'_>, env: &Environment) -> Result<bool, ApiError> {
    let conditions = call.get("query").and_then(Value::as_object).into_iter().flatten();
    for (name, condition) in conditions {
        let text = || condition.as_str().ok_or_else(|| ApiError::new(INVALID_PARAMS));
        let within = |time: f64| {
            RangeCondition::read(condition, moment).map(|range| range.holds(env.clock.epoch(time)))
        };
        let met = match name.as_str() {
            "licenseId" => text()? == LICENSE_ID,
            "applicationId" => text()? == record.app_id,
            "keyword" => {
                let subject = record.subject.as_deref().unwrap_or_default();
                mentions([record.title.as_str(), &record.description, subject], text()?)
            }
            "startDatetime" => within(record.start)?,
            "modifiedDatetime" => within(record.modified)?,
            "duration" => {
                let range = RangeCondition::read(condition, Value::as_f64)?;
                range.holds(record.duration(call.now))
            }
            _ => return Err(ApiError::new(INVALID_PARAMS)),
        };
        if !met {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The outcomes of a request about several records.
pub(super) fn outcomes<'a>(all: impl Iterator<Item = (&'a str, Result<(), ApiError>)>) -> Value {
    let (mut success, mut failure) = (Vec::new(), Vec::new());
    for (uuid, outcome) in all {
        match outcome {
            Ok(()) => success.push(json!({ "recordId": uuid })),
            Err(error) => failure.push(error.failure("recordId", uuid)),
        }
    }
    json!({ "failure": failure, "success": success })
}

fn unknown_record() -> ApiError {
    ApiError::invalid("The record does not exist.")
}
