//! The record object (§4.3), and what can be asked about records (§3.4).

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
    /// What it is called.
    pub title: String,
    /// What was said of it.
    pub description: String,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// When it began, ISO 8601 with microseconds.
    pub start_datetime: String,
    /// When it ended; empty while it runs.
    pub end_datetime: String,
    /// The application that made it.
    pub application_id: String,
    /// The scopes of the licence it was made with: what can be exported of it.
    pub license_scope: Vec<String>,
    /// Whether it stays on this computer.
    pub local_only: bool,
    /// Who was recorded.
    pub subject: Subject,
    /// Members this program does not know, kept as they came.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// Who was recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", from = "Value")]
pub struct Subject {
    /// Empty if nobody was named.
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

/// What a record is started with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewRecord {
    /// Must not be empty.
    pub title: String,
    /// May be empty.
    pub description: String,
    /// Who is recorded, 30 characters at most; made known to Cortex if it does not know the name.
    pub subject: Option<String>,
    /// Words to find it by.
    pub tags: Vec<String>,
}

/// What to change of a record; what is not given stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordChange {
    /// The new title.
    pub title: Option<String>,
    /// The new description.
    pub description: Option<String>,
    /// The new tags.
    pub tags: Option<Vec<String>>,
}

/// How to write a record to files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// Where to, a folder that exists on the computer of the service.
    pub folder: PathBuf,
    /// As what.
    pub format: ExportFormat,
    /// Which data, of those that the format can hold.
    pub streams: Vec<ExportStream>,
}

/// The files a record can become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// Text, the newer layout.
    CsvV2,
    /// Text, the older layout.
    CsvV1,
    /// European data format.
    Edf,
    /// EDF+ (3.7.5+).
    EdfPlus,
    /// BDF+, 24 bit (3.7.5+).
    BdfPlus,
}

impl ExportFormat {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::CsvV2, Self::CsvV1, Self::Edf, Self::EdfPlus, Self::BdfPlus];

    /// What it is called.
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

    /// What it can hold.
    #[must_use]
    pub const fn streams(self) -> &'static [ExportStream] {
        match self {
            Self::CsvV2 | Self::CsvV1 => &ExportStream::ALL,
            Self::Edf | Self::EdfPlus | Self::BdfPlus => &[ExportStream::Eeg, ExportStream::Motion],
        }
    }

    /// `format` and, for CSV, `version`.
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

    /// What it is.
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

/// The newest records that Cortex knows of.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RecordList {
    /// How many there are in all.
    pub count: u64,
    /// The newest, the very newest first.
    pub records: Vec<Record>,
}

impl RecordList {
    /// Most records that are listed.
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

/// A record as people call it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordName {
    /// Its id.
    pub id: RecordId,
    /// Its title; empty where that is not known.
    pub title: String,
}

/// The title, else the id.
impl fmt::Display for RecordName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.title.is_empty() { self.id.fmt(f) } else { f.write_str(&self.title) }
    }
}

/// What became of a record.
#[derive(Clone, Debug, PartialEq)]
pub enum RecordEvent {
    /// It runs.
    Started {
        /// In which session.
        session: SessionId,
        /// The record; its start is in it.
        record: Record,
        /// Another program started it.
        foreign: bool,
    },
    /// cortop no longer looks at the session, in which the record goes on.
    OutOfSight {
        /// Which session.
        session: SessionId,
        /// The record as Cortex last sent it.
        record: Record,
    },
    /// It runs no more; until [`Self::Ready`] Cortex works on it.
    Ended {
        /// In which session.
        session: SessionId,
        /// The record as Cortex last sent it.
        record: Record,
        /// One sentence: by us, with its session, with the connection.
        why: String,
        /// Whether the user ordered it, or what ended it.
        ordered: bool,
    },
    /// It can be exported (warning 30, older Cortex 18).
    Ready(RecordName),
    /// Its title, description or tags were changed.
    Updated(Record),
    /// It is gone.
    Deleted(RecordName),
    /// It was written to files.
    Exported {
        /// Which.
        record: RecordName,
        /// Where.
        folder: PathBuf,
    },
}

/// In a sentence.
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
                write!(f, "record {} goes on without cortop", record.title)
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
