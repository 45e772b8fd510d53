//! A record and its markers (§4.3, §4.4). Samples are not stored: the source is a pure function of
//! the index, so they are generated again for an export.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    account::USER_ID, clock::Clock, licence::LICENSE_ID, model::Spec, source::SampleSource,
};
use cortop_protocol::HeadsetId;

/// What was measured, in enough detail to measure it again.
#[derive(Clone)]
pub(super) struct Measurement {
    pub(super) headset: HeadsetId,
    pub(super) source: Arc<dyn SampleSource>,
    pub(super) spec: Spec,
    /// Service time of the source's sample 0.
    pub(super) origin: f64,
    /// Service time from which the metrics have values.
    pub(super) metrics: f64,
}

/// A record.
#[derive(Clone)]
pub(super) struct StoredRecord {
    pub(super) uuid: String,
    /// The client id of the application that owns it.
    pub(super) app: String,
    /// The `appId` of that application.
    pub(super) app_id: String,
    pub(super) title: String,
    pub(super) description: String,
    pub(super) tags: Vec<String>,
    pub(super) subject: Option<String>,
    pub(super) experiment: u32,
    /// Scopes of the licence at the time.
    pub(super) scopes: Vec<String>,
    /// The position of the headband; EPOC X only.
    pub(super) headband: Option<String>,
    /// Service time of its start, its end, and its last change.
    pub(super) start: f64,
    pub(super) end: Option<f64>,
    pub(super) modified: f64,
    /// Whether post-processing has finished, so that it can be exported.
    pub(super) ready: bool,
    pub(super) measurement: Measurement,
    pub(super) markers: Vec<StoredMarker>,
}

impl StoredRecord {
    /// Whether it may contain data that needs a scope of the licence.
    pub(super) fn has(&self, scope: &str) -> bool {
        self.scopes.iter().any(|own| own == scope)
    }

    /// Its duration in seconds, until now while it is running.
    pub(super) fn duration(&self, now: f64) -> f64 {
        self.end.unwrap_or(now) - self.start
    }

    pub(super) fn to_json(&self, clock: &Clock) -> Value {
        json!({
            "applicationId": self.app_id,
            "applicationVersion": "1.0",
            "description": self.description,
            "endDatetime": self.end.map_or_else(String::new, |end| clock.iso_micros(end)),
            "experimentId": self.experiment,
            "headbandPosition": self.headband,
            "licenseId": LICENSE_ID,
            "licenseScope": self.scopes,
            "localOnly": false,
            "ownerId": USER_ID,
            "startDatetime": clock.iso_micros(self.start),
            "subject": self.subject.as_ref().map(|name| json!({ "subjectName": name })),
            "tags": self.tags,
            "title": self.title,
            "uuid": self.uuid,
        })
    }
}

/// A marker.
#[derive(Clone)]
pub(super) struct StoredMarker {
    pub(super) uuid: String,
    /// A text or a whole number.
    pub(super) value: Value,
    pub(super) label: String,
    pub(super) port: String,
    /// Service times of its start and its end, which are equal for an instance.
    pub(super) start: f64,
    pub(super) end: f64,
    pub(super) extras: Value,
}

impl StoredMarker {
    pub(super) fn kind(&self) -> &'static str {
        if self.end > self.start { "interval" } else { "instance" }
    }

    pub(super) fn to_json(&self, clock: &Clock) -> Value {
        json!({
            "endDatetime": clock.iso_micros(self.end),
            "extras": self.extras,
            "label": self.label,
            "port": self.port,
            "startDatetime": clock.iso_micros(self.start),
            "type": self.kind(),
            "uuid": self.uuid,
            "value": self.value,
        })
    }
}
