//! The record object (§4.3), and the requests about records (§3.4).

use std::{fmt, path::PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    RecordId, SessionId,
    sanitize::clean,
    tolerant::{self, Members},
};

/// A record as Cortex sends it; every member is optional on the wire.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", from = "Value")]
pub struct Record {
    /// Its id.
    pub uuid: RecordId,
    /// Its title.
    pub title: String,
    /// Its description.
    pub description: String,
    /// Its tags, for searching.
    pub tags: Vec<String>,
    /// When it started, ISO 8601 with microseconds.
    pub start_datetime: String,
    /// When it ended; empty while it is running.
    pub end_datetime: String,
    /// The application that created it.
    pub application_id: String,
    /// The scopes of the licence at the time, which determine what can be exported.
    pub license_scope: Vec<String>,
    /// Whether it is stored on this computer only.
    pub local_only: bool,
    /// Who was recorded.
    pub subject: Subject,
    /// Unknown members, kept as received.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// Who was recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", from = "Value")]
pub struct Subject {
    /// The name; empty if none was given.
    pub subject_name: String,
}

impl From<Value> for Subject {
    fn from(value: Value) -> Self {
        Self { subject_name: Members::of("subject", value).text("subjectName") }
    }
}

impl From<Value> for Record {
    fn from(value: Value) -> Self {
        let mut members = Members::of("record", value);
        Self {
            uuid: members.text("uuid").into(),
            title: members.text("title"),
            description: members.text("description"),
            tags: members.texts("tags"),
            start_datetime: members.text("startDatetime"),
            end_datetime: members.text("endDatetime"),
            application_id: members.text("applicationId"),
            license_scope: members.texts("licenseScope"),
            local_only: members.flag("localOnly"),
            subject: members.object("subject"),
            other: members.rest(),
        }
    }
}

/// The parameters of a new record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewRecord {
    /// Must not be empty.
    pub title: String,
    /// May be empty.
    pub description: String,
    /// Who is recorded, at most 30 characters; registered with Cortex if it does not know the name.
    pub subject: Option<String>,
    /// Tags, for searching.
    pub tags: Vec<String>,
}

/// Changes to a record; what is `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordChange {
    /// The new title.
    pub title: Option<String>,
    /// The new description.
    pub description: Option<String>,
    /// The new tags.
    pub tags: Option<Vec<String>>,
}

/// How to export a record to files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// An existing folder on the computer of the service.
    pub folder: PathBuf,
    /// The file format.
    pub format: ExportFormat,
    /// The data to export, out of what the format can hold.
    pub streams: Vec<ExportStream>,
}

/// The file formats of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// CSV, the newer layout.
    CsvV2,
    /// CSV, the older layout.
    CsvV1,
    /// European data format.
    Edf,
    /// EDF+ (3.7.5+).
    EdfPlus,
    /// BDF+, 24 bit (3.7.5+).
    BdfPlus,
}

impl ExportFormat {
    /// All formats.
    pub const ALL: [Self; 5] = [Self::CsvV2, Self::CsvV1, Self::Edf, Self::EdfPlus, Self::BdfPlus];

    /// The name for the user.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::CsvV2 => "CSV",
            Self::CsvV1 => "CSV (version 1)",
            Self::Edf => "EDF",
            Self::EdfPlus => "EDF+",
            Self::BdfPlus => "BDF+",
        }
    }

    /// The data that it can hold.
    #[must_use]
    pub const fn streams(self) -> &'static [ExportStream] {
        match self {
            Self::CsvV2 | Self::CsvV1 => &ExportStream::ALL,
            Self::Edf | Self::EdfPlus | Self::BdfPlus => &[ExportStream::Eeg, ExportStream::Motion],
        }
    }

    /// The parameters `format` and, for CSV, `version`.
    #[must_use]
    pub const fn names(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::CsvV2 => ("CSV", Some("V2")),
            Self::CsvV1 => ("CSV", Some("V1")),
            Self::Edf => ("EDF", None),
            Self::EdfPlus => ("EDFPLUS", None),
            Self::BdfPlus => ("BDFPLUS", None),
        }
    }
}

/// The data of a record that can be exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the titles say it")]
pub enum ExportStream {
    Eeg,
    Motion,
    Metrics,
    BandPower,
}

impl ExportStream {
    /// All four.
    pub const ALL: [Self; 4] = [Self::Eeg, Self::Motion, Self::Metrics, Self::BandPower];

    /// The name for the user.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Eeg => "EEG",
            Self::Motion => "motion",
            Self::Metrics => "performance metrics",
            Self::BandPower => "band power",
        }
    }

    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Eeg => "EEG",
            Self::Motion => "MOTION",
            Self::Metrics => "PM",
            Self::BandPower => "BP",
        }
    }
}

/// The newest records known to Cortex.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RecordList {
    /// The total number of records.
    pub count: u64,
    /// The newest records, newest first.
    pub records: Vec<Record>,
}

impl RecordList {
    /// The most records in a list.
    pub const MOST: usize = 100;
}

impl From<Value> for RecordList {
    fn from(mut value: Value) -> Self {
        let list = value.get_mut("records").map(Value::take).unwrap_or_default();
        let records = tolerant::objects::<Record>(crate::Method::QueryRecords.name(), list);
        let count = value.get("count").and_then(Value::as_u64);
        Self { count: count.unwrap_or(records.len() as u64), records }
    }
}

/// A record by the name that people use for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordName {
    /// Its id.
    pub id: RecordId,
    /// Its title; empty if unknown.
    pub title: String,
}

/// The title, or the id if there is none.
impl fmt::Display for RecordName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.title.is_empty() { self.id.fmt(f) } else { f.write_str(&self.title) }
    }
}

/// What happened to a record.
#[derive(Clone, Debug, PartialEq)]
pub enum RecordEvent {
    /// It is running.
    Started {
        /// The session.
        session: SessionId,
        /// The record, including its start.
        record: Record,
        /// Whether another program started it.
        foreign: bool,
    },
    /// cortop no longer follows the session, in which the record continues.
    OutOfSight {
        /// The session.
        session: SessionId,
        /// The record as Cortex last sent it.
        record: Record,
    },
    /// It has stopped; until [`Self::Ready`] Cortex is processing it.
    Ended {
        /// The session.
        session: SessionId,
        /// The record as Cortex last sent it.
        record: Record,
        /// Why, in one sentence: stopped by us, with its session, or with the connection.
        why: String,
        /// Whether the user ordered this, or whatever ended it.
        ordered: bool,
    },
    /// It can be exported (warning 30; older versions of Cortex: 18).
    Ready(RecordName),
    /// Its title, description or tags were changed.
    Updated(Record),
    /// It was deleted.
    Deleted(RecordName),
    /// It was exported to files.
    Exported {
        /// The record.
        record: RecordName,
        /// The folder.
        folder: PathBuf,
    },
}

/// As a sentence.
impl fmt::Display for RecordEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Started { record, foreign: false, .. } => {
                write!(f, "record {} has begun", record.title)
            }
            Self::Started { record, .. } => {
                write!(f, "record {} is running, started by another program", record.title)
            }
            Self::OutOfSight { record, .. } => {
                write!(f, "record {} continues without cortop", record.title)
            }
            Self::Ended { record, why, .. } => {
                write!(f, "record {} has ended: {why}", record.title)
            }
            Self::Ready(record) => write!(f, "record {record} is ready for export"),
            Self::Updated(record) => write!(f, "record {} has been changed", record.title),
            Self::Deleted(record) => write!(f, "record {record} has been deleted"),
            Self::Exported { record, folder } => {
                let folder = clean(&folder.to_string_lossy());
                write!(f, "record {record} has been written to {folder}")
            }
        }
    }
}
