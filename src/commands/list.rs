//! The lists: headsets, sessions, licence or records, queried once. Opens no session and connects no headset.

use std::time::Duration;

use color_eyre::eyre::Result;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::{ProbeSession, client_state::ClientState, json, table};
use crate::console::print_error;
use crate::stage::{Failure, Stage};
use cortop_client::{
    ClientConfig, Command, Headset, Method, Record, RecordCommand, Session, account::Licence,
    datetime::local, record::RecordList,
};

/// How long signing in may take, including the user's approval.
const SIGN_IN: Duration = Duration::from_secs(60);

/// How long the answer itself may take: a second longer than a request.
const ANSWER: Duration = Duration::from_secs(31);

/// What to list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listing {
    /// The headsets that the service sees.
    Headsets,
    /// The live sessions of this application.
    Sessions,
    /// The licence.
    Licence,
    /// The newest records.
    Records,
}

/// The result of a query.
#[derive(Debug)]
pub(super) enum ListedObjects {
    Headsets(Vec<Headset>),
    Sessions(Vec<Session>),
    Licence(Licence),
    Records(RecordList),
}

/// Signs in and queries it.
pub(super) async fn fetch(
    subject: Listing,
    config: ClientConfig,
) -> Result<ListedObjects, Failure> {
    let mut probe = ProbeSession::new(config);
    let found = find(subject, &mut probe).await;
    probe.close().await;
    found
}

async fn find(subject: Listing, probe: &mut ProbeSession) -> Result<ListedObjects, Failure> {
    sign_in(probe).await?;
    if subject == Listing::Records {
        probe.send(Command::Record(RecordCommand::List)).await;
    }
    let (method, stage) = match subject {
        Listing::Headsets => (Method::QueryHeadsets, Stage::Headset),
        Listing::Sessions => (Method::QuerySessions, Stage::Session),
        Listing::Licence => (Method::GetLicenseInfo, Stage::Licence),
        Listing::Records => (Method::QueryRecords, Stage::Token),
    };
    let found = |state: &ClientState| {
        let found = match subject {
            Listing::Headsets => state.headsets.clone().map(ListedObjects::Headsets),
            Listing::Sessions => state.sessions.clone().map(ListedObjects::Sessions),
            Listing::Licence => state.licence.clone().map(ListedObjects::Licence),
            Listing::Records => state.records.clone().map(ListedObjects::Records),
        };
        let refused = || state.refused(method).map(|why| Err(Failure::refused(stage, why)));
        found.map(Ok).or_else(refused)
    };
    match probe.wait_until(ANSWER, found).await {
        Ok(answer) => answer,
        // All earlier stages are done: only the answer is missing.
        Err(failure) if failure.stage >= Stage::Headset => {
            let found = format!("{method} has not been answered");
            Err(Failure::new(stage, &found, "restart the Cortex service"))
        }
        Err(failure) => Err(failure),
    }
}

/// Waits for a token; notifies the user if approval is needed.
async fn sign_in(probe: &mut ProbeSession) -> Result<(), Failure> {
    let mut reported = false;
    probe
        .wait_until(SIGN_IN, |state| {
            if state.is_waiting_for_approval() && !std::mem::replace(&mut reported, true) {
                print_error(&format!(
                    "{}; waiting {} s for it",
                    state.waiting_for(),
                    SIGN_IN.as_secs()
                ));
            }
            state.is_signed_in().then_some(())
        })
        .await
}

impl ListedObjects {
    /// JSON as Cortex sent it, including unknown members.
    pub(super) fn json(&self) -> Result<String> {
        fn list<T: Serialize>(list: &T) -> Result<String> {
            json::pretty(list)
        }
        match self {
            Self::Headsets(headsets) => list(headsets),
            Self::Sessions(sessions) => list(sessions),
            Self::Licence(licence) => list(licence),
            Self::Records(records) => list(&records.records),
        }
    }

    /// A text table.
    pub(super) fn table(&self, zone: &TimeZone) -> String {
        match self {
            Self::Headsets(headsets) => {
                let names = ["ID", "MODEL", "STATUS", "BY", "EEG", "MOTION", "FIRMWARE", "MARKS"];
                table::table(names, &headsets.iter().map(headset).collect::<Vec<_>>())
            }
            Self::Sessions(sessions) => {
                let names = ["ID", "STATUS", "HEADSET", "STARTED", "RECORDING", "STREAMS", "APP"];
                table::table(
                    names,
                    &sessions.iter().map(|own| session(own, zone)).collect::<Vec<_>>(),
                )
            }
            Self::Licence(own) => table::lines(&licence(own, zone)),
            Self::Records(records) => {
                let names = ["ID", "STARTED", "ENDED", "TITLE", "SUBJECT", "TAGS"];
                table::table(
                    names,
                    &records.records.iter().map(|own| record(own, zone)).collect::<Vec<_>>(),
                )
            }
        }
    }
}

fn headset(headset: &Headset) -> [String; 8] {
    let rate =
        |hz: Option<f64>| hz.filter(|&hz| hz > 0.0).map(|hz| format!("{hz}")).unwrap_or_default();
    [
        headset.id.to_string(),
        headset.model().name().to_owned(),
        headset.status.to_string(),
        headset.connected_by.clone(),
        rate(headset.settings.eeg_rate),
        rate(headset.settings.mems_rate),
        headset.firmware.clone(),
        marks(headset),
    ]
}

/// What prevents a headset from streaming, and its model.
fn marks(headset: &Headset) -> String {
    let marks = [
        (headset.is_on_usb_cable(), "usb-cable:cannot-stream"),
        (headset.is_dfu_mode, "firmware-update"),
        (headset.is_virtual, "virtual"),
    ];
    marks.iter().filter(|(is, _)| *is).map(|(_, mark)| *mark).collect::<Vec<_>>().join(",")
}

fn session(session: &Session, zone: &TimeZone) -> [String; 7] {
    [
        session.id.to_string(),
        session.status.to_string(),
        session.headset.id.to_string(),
        session.started.as_deref().map(|iso| local(iso, zone)).unwrap_or_default(),
        session.recording.map(|on| if on { "yes" } else { "no" }).unwrap_or_default().to_owned(),
        session.streams.iter().flatten().map(String::as_str).collect::<Vec<_>>().join(","),
        session.app_id.clone().unwrap_or_default(),
    ]
}

fn licence(licence: &Licence, zone: &TimeZone) -> Vec<[String; 2]> {
    let yes_no = |yes: bool| if yes { "yes" } else { "no" }.to_owned();
    let scopes: Vec<_> =
        licence.scopes.iter().filter(|scope| !scope.is_empty()).map(String::as_str).collect();
    [
        ("name", licence.license_name.clone()),
        ("id", licence.license_id.clone()),
        ("scopes", scopes.join(" ")),
        ("left here", licence.local_quota.map(|left| left.to_string()).unwrap_or_default()),
        ("expired", yes_no(licence.expired)),
        ("valid to", local(&licence.valid_to, zone)),
        ("offline warning from", local(&licence.soft_limit_time, zone)),
        ("offline use ends", local(&licence.hard_limit_time, zone)),
        ("online", yes_no(licence.is_online)),
    ]
    .into_iter()
    .map(|(name, value)| [name.to_owned(), value])
    .collect()
}

fn record(record: &Record, zone: &TimeZone) -> [String; 6] {
    [
        record.uuid.to_string(),
        local(&record.start_datetime, zone),
        local(&record.end_datetime, zone),
        record.title.clone(),
        record.subject.subject_name.clone(),
        record.tags.join(","),
    ]
}
