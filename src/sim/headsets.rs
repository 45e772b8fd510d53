//! The simulated headsets: what they are, and how they connect, disconnect and get lost (§2.5,
//! §2.6, §2.12, §3.2, §4.1).

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    dispatch::Call,
    model::{Motion, Spec},
    noise::slot,
    refusal::{Answer, BAD_PARAMS, HEADSET_UNAVAILABLE, Refusal},
    service::{Happening, Service},
    source::{Live, Source},
    spec::State,
};
use crate::cortex::{HeadsetId, Stream, headset::HeadsetStatus, model::Model};

/// After a disconnect the status changes only some moments later (§3.2).
const DISCONNECT: f64 = 0.05;

/// A headset.
pub(super) struct Device {
    pub(super) id: HeadsetId,
    pub(super) status: HeadsetStatus,
    /// Service time of the last connection.
    pub(super) since: f64,
    /// Service time of sample 0: when the first stream since the connection was subscribed to.
    pub(super) origin: Option<f64>,
    /// The loaded profile.
    pub(super) profile: Option<&'static str>,
    pub(super) source: Arc<dyn Source>,
    /// Switched off or too far away.
    gone: bool,
    /// Service time from which the metrics have values (§5.7).
    metrics: f64,
    spec: Spec,
}

impl Device {
    /// A headset that is switched on and, if `warm`, connected for long with a profile loaded.
    pub(super) fn new(id: HeadsetId, spec: Spec, source: Arc<dyn Source>, warm: bool) -> Self {
        Self {
            id,
            status: if warm { HeadsetStatus::Connected } else { HeadsetStatus::Discovered },
            since: if warm { f64::NEG_INFINITY } else { 0.0 },
            origin: None,
            profile: (warm && spec.bci).then_some("demo"),
            source,
            gone: false,
            metrics: f64::NEG_INFINITY,
            spec,
        }
    }

    /// Has it found in another state at first.
    pub(super) fn start_as(&mut self, state: State) {
        self.gone = state == State::Off;
        self.status = match state {
            State::Off | State::Discovered => HeadsetStatus::Discovered,
            State::Connecting => HeadsetStatus::Connecting,
            State::Connected => HeadsetStatus::Connected,
        };
        if self.status != HeadsetStatus::Connected {
            self.profile = None;
        }
    }

    /// Whether it is connected and measuring.
    pub(super) fn streams(&self) -> bool {
        !self.gone && self.status == HeadsetStatus::Connected
    }

    /// What the service decides about its samples at a service time.
    pub(super) fn live(&self, now: f64) -> Live {
        Live { interpolated: false, profile: self.profile.is_some(), metrics: now >= self.metrics }
    }

    /// The `performanceMetrics` of a session object: what names the columns of `met` (§4.2).
    pub(super) fn metrics_json(&self) -> Vec<Value> {
        let columns = self.source.columns(Stream::Met).unwrap_or_default();
        let names = columns.labels().filter(|label| !label.ends_with(".isActive"));
        names
            .map(|name| {
                let (displayed, short) = match name {
                    "attention" => ("Attention", "At"),
                    "cognitiveStress" => ("Cognitive Stress", "CS"),
                    "eng" => ("Engagement", "En"),
                    "exc" => ("Excitement", "Ex"),
                    "lex" => ("Long term excitement", "LE"),
                    "str" => ("Stress", "St"),
                    "rel" => ("Relaxation", "Re"),
                    "int" => ("Interest", "In"),
                    other => (other, other),
                };
                json!({
                    "apiName": name,
                    "displayedName": displayed,
                    "name": displayed.to_lowercase(),
                    "shortDisplayedName": short,
                })
            })
            .collect()
    }

    /// The headset object (§4.1); only a connected one tells its sensors and settings.
    pub(super) fn to_json(&self) -> Value {
        let spec = &self.spec;
        let known = self.status != HeadsetStatus::Discovered;
        let settings = if known {
            json!({
                "eegRate": spec.eeg_rate,
                "eegRes": spec.eeg_bits,
                "memsRate": rate(spec.mems_rate),
                "memsRes": if spec.motion == Motion::None { 0 } else { spec.eeg_bits },
                "mode": spec.mode,
            })
        } else {
            json!({ "eegRate": 0, "eegRes": 0, "memsRate": 0, "memsRes": 0, "mode": "UNKNOWN" })
        };
        json!({
            "connectedBy": spec.connected_by,
            "customName": "",
            "dfuTypes": [],
            "dongle": if spec.connected_by == "dongle" { "6ff" } else { "0" },
            "firmware": spec.firmware,
            "firmwareDisplay": format!("0x{}", spec.firmware),
            "headbandPosition": (spec.model == Model::EpocX).then_some("back"),
            "id": self.id,
            "isDfuMode": false,
            "isVirtual": false,
            "motionSensors": if known { spec.motion_sensors() } else { Vec::new() },
            "sensors": if known { spec.sensors.as_slice() } else { &[] },
            "settings": settings,
            "status": self.status,
            "virtualHeadsetId": "",
        })
    }
}

/// A rate as Cortex prints it: without a point where it is whole.
fn rate(hz: f64) -> Value {
    let (whole, part) = slot(hz);
    if part > 0.0 { json!(hz) } else { json!(whole) }
}

#[expect(clippy::unnecessary_wraps, reason = "every method of the table may refuse")]
impl Service {
    pub(super) fn control_device(&mut self, call: &Call<'_>) -> Answer {
        let id = call.text("headset");
        let place = self.place_of(id);
        let unavailable = || Refusal::new(HEADSET_UNAVAILABLE);
        let command = call.text("command");
        let message = match command {
            "refresh" => {
                let end = call.now + self.delays.scan.as_secs_f64();
                self.plan(end, Happening::ScanEnd);
                "Start discovering headsets".to_owned()
            }
            "connect" => {
                let place = place.ok_or_else(unavailable)?;
                self.connect(place, call.now);
                format!("Start connecting to headset {id}")
            }
            "disconnect" => {
                let place = place.ok_or_else(unavailable)?;
                self.plan(call.now + DISCONNECT, Happening::Disconnected(place));
                format!("Start disconnecting from headset {id}")
            }
            _ => return Err(Refusal::new(BAD_PARAMS)),
        };
        Ok(json!({ "command": command, "message": message }))
    }

    pub(super) fn query_headsets(&mut self, call: &Call<'_>) -> Answer {
        let wanted = call.text("id");
        let fits = |id: &str| match wanted.strip_suffix('*') {
            Some(prefix) => id.starts_with(prefix),
            None => wanted.is_empty() || id == wanted,
        };
        let seen = self.headsets.iter().filter(|headset| !headset.is_off());
        Ok(seen.filter(|headset| fits(headset.id.as_str())).map(Device::to_json).collect())
    }

    pub(super) fn sync_clock(&mut self, call: &Call<'_>) -> Answer {
        let headset = call.text("headset");
        if self.place_of(headset).is_none() {
            return Err(Refusal::new(HEADSET_UNAVAILABLE));
        }
        // Samples are stamped with system time, so that is what the adjustment leads to.
        let adjustment = call.number("systemTime") - call.number("monotonicTime");
        Ok(json!({ "adjustment": adjustment, "headset": headset }))
    }

    /// The place in the list of a headset that is in reach.
    pub(super) fn place_of(&self, id: &str) -> Option<usize> {
        self.headsets.iter().position(|own| own.id.as_str() == id && !own.is_off())
    }

    fn connect(&mut self, place: usize, now: f64) {
        let Some(headset) = self.headsets.get_mut(place) else { return };
        let mut wait = 0.0;
        if headset.status != HeadsetStatus::Connected {
            headset.status = HeadsetStatus::Connecting;
            wait = self.delays.connect.as_secs_f64();
        }
        self.plan(now + wait, Happening::Connected(place));
    }

    pub(super) fn connected(&mut self, place: usize, now: f64) {
        let metrics = now + self.delays.metrics.as_secs_f64();
        let Some(headset) = self.headsets.get_mut(place).filter(|headset| !headset.gone) else {
            return;
        };
        if headset.status != HeadsetStatus::Connected {
            headset.status = HeadsetStatus::Connected;
            headset.since = now;
            headset.metrics = metrics;
            headset.origin = None;
        }
        let message = behavior("The headset is connected.", &headset.id);
        self.warn(104, &message);
    }

    pub(super) fn disconnected(&mut self, place: usize) {
        let Some(headset) = self.headsets.get_mut(place) else { return };
        headset.status = HeadsetStatus::Discovered;
        headset.profile = None;
        self.cancel(&Happening::Connected(place));
        self.close_sessions(|session| session.place == place);
    }

    pub(super) fn scan_ended(&mut self) {
        let nobody = HeadsetId::default();
        self.warn(142, &behavior("Headset discovering complete.", &nobody));
    }

    /// A headset goes out of reach (§2.12): silence first, the warnings later.
    pub(super) fn headset_gone(&mut self, id: &HeadsetId, now: f64) {
        let end = now + self.delays.silence.as_secs_f64();
        let Some(place) = self.headsets.iter().position(|own| own.id == *id) else { return };
        let Some(headset) = self.headsets.get_mut(place).filter(|headset| !headset.gone) else {
            return;
        };
        headset.gone = true;
        if headset.status != HeadsetStatus::Discovered {
            headset.status = HeadsetStatus::Connecting;
            self.plan(end, Happening::Silence(place));
        }
    }

    /// A headset is in reach again: connected if it was missed only for a while.
    pub(super) fn headset_back(&mut self, id: &HeadsetId, now: f64) {
        let Some(place) = self.headsets.iter().position(|own| own.id == *id) else { return };
        self.cancel(&Happening::Silence(place));
        let Some(headset) = self.headsets.get_mut(place).filter(|headset| headset.gone) else {
            return;
        };
        headset.gone = false;
        if headset.status == HeadsetStatus::Connecting {
            headset.status = HeadsetStatus::Connected;
            headset.since = now;
        }
    }

    pub(super) fn silent_too_long(&mut self, place: usize) {
        let Some(headset) = self.headsets.get_mut(place) else { return };
        let message = behavior("No data from the headset, it is disconnected.", &headset.id);
        self.warn(103, &message);
        self.disconnected(place);
    }
}

impl Device {
    /// Out of reach and no longer missed: not in the list.
    fn is_off(&self) -> bool {
        self.gone && self.status == HeadsetStatus::Discovered
    }
}

fn behavior(text: &str, id: &HeadsetId) -> Value {
    json!({ "behavior": text, "headsetId": id })
}
