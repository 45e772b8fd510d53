//! The simulated headsets: what they are, and how they connect, disconnect and get lost (§2.5,
//! §2.6, §2.12, §3.2, §4.1).

use std::{collections::VecDeque, sync::Arc};

use serde_json::{Value, json};

use super::{
    dispatch::Call,
    headset_config::InitialState,
    mappings::{self, Mapping},
    model::{MotionFormat, Spec},
    noise::slot,
    profiles::LoadedProfile,
    refusal::{ApiError, BAD_PARAMS, CallResult, HEADSET_UNAVAILABLE},
    service::{ScheduledEvent, Service},
    source::{SampleContext, SampleSource},
};
use cortop_protocol::{HeadsetId, Stream, headset::HeadsetStatus, model::Model};

/// After a disconnect the status changes only some moments later (§3.2).
const DISCONNECT: f64 = 0.05;

/// A headset.
pub(super) struct SimulatedHeadset {
    pub(super) id: HeadsetId,
    pub(super) status: HeadsetStatus,
    /// Seconds after a connection until a session can be created (-32152 before, §2.6).
    pub(super) warm_up: f64,
    /// Service time from which a session can be created.
    pub(super) ready_at: f64,
    /// Service time of sample 0: when the first stream since the connection was subscribed to.
    pub(super) origin: Option<f64>,
    /// The loaded profile.
    pub(super) profile: Option<LoadedProfile>,
    pub(super) source: Arc<dyn SampleSource>,
    pub(super) spec: Spec,
    /// Markers on their way into `eeg`: the sample's index and their text.
    pub(super) markers: VecDeque<(u64, String)>,
    /// Made in Launcher: there is no warning 103 for it (§2.12).
    pub(super) is_virtual: bool,
    /// What the user calls it.
    pub(super) custom_name: String,
    /// Where its headband sits.
    pub(super) headband: String,
    /// Service time from which the metrics have values (§5.7).
    pub(super) metrics: f64,
    /// Sensor by electrode, Flex only.
    mapping: Mapping,
    /// Switched off or too far away.
    gone: bool,
}

impl SimulatedHeadset {
    /// A headset that is switched on and, if `warm`, connected for long with a profile loaded.
    pub(super) fn new(
        id: HeadsetId,
        spec: Spec,
        source: Arc<dyn SampleSource>,
        warm: bool,
    ) -> Self {
        Self {
            id,
            status: if warm { HeadsetStatus::Connected } else { HeadsetStatus::Discovered },
            warm_up: 0.0,
            ready_at: f64::NEG_INFINITY,
            origin: None,
            profile: (warm && spec.bci).then(LoadedProfile::demo),
            source,
            markers: VecDeque::new(),
            is_virtual: false,
            custom_name: String::new(),
            headband: "back".to_owned(),
            metrics: f64::NEG_INFINITY,
            mapping: mappings::usual(&spec),
            gone: false,
            spec,
        }
    }

    /// Measures as another specification says from now on, if its source can.
    pub(super) fn refit(&mut self, spec: Spec) {
        if let Some(source) = self.source.refit(&spec) {
            self.source = source;
            self.spec = spec;
        } else {
            // A recording stays as it is, whatever it is connected by.
            self.spec.connected_by = spec.connected_by;
        }
    }

    /// The sample of `eeg` that a moment of service time belongs to.
    pub(super) fn sample_at(&self, time: f64) -> Option<u64> {
        Some(self.source.index_at(Stream::Eeg, time - self.origin?))
    }

    /// Has it found in another state at first.
    pub(super) fn start_as(&mut self, state: InitialState) {
        self.gone = state == InitialState::Off;
        self.status = match state {
            InitialState::Off | InitialState::Discovered | InitialState::Virtual => {
                HeadsetStatus::Discovered
            }
            InitialState::Connecting => HeadsetStatus::Connecting,
            InitialState::Connected | InitialState::Usb => HeadsetStatus::Connected,
        };
        self.is_virtual = state == InitialState::Virtual;
        if state == InitialState::Usb {
            self.spec.connected_by = "usb cable";
        }
        if self.status != HeadsetStatus::Connected {
            self.profile = None;
        }
    }

    /// Whether it is connected and measuring.
    pub(super) fn streams(&self) -> bool {
        !self.gone && self.status == HeadsetStatus::Connected
    }

    /// What the service decides about its samples at a service time.
    pub(super) fn live(&self, now: f64) -> SampleContext<'_> {
        let commands = self.profile.as_ref().map_or(&[][..], |loaded| loaded.profile.commands());
        SampleContext { interpolated: false, commands, metrics: now >= self.metrics, markers: "" }
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
        let measures = known && !self.on_cable();
        let settings = if known {
            json!({
                "eegRate": spec.eeg_rate,
                "eegRes": spec.eeg_bits,
                "memsRate": rate(spec.mems_rate),
                "memsRes": if spec.motion == MotionFormat::None { 0 } else { spec.eeg_bits },
                "mode": spec.mode,
            })
        } else {
            json!({ "eegRate": 0, "eegRes": 0, "memsRate": 0, "memsRes": 0, "mode": "UNKNOWN" })
        };
        json!({
            "connectedBy": spec.connected_by,
            "customName": self.custom_name,
            "dfuTypes": [],
            "dongle": if spec.connected_by == "dongle" { "6ff" } else { "0" },
            "firmware": spec.firmware,
            "firmwareDisplay": format!("0x{}", spec.firmware),
            "headbandPosition": (spec.model == Model::EpocX).then_some(&self.headband),
            "id": self.id,
            "isDfuMode": false,
            "isVirtual": self.is_virtual,
            "motionSensors": if measures { spec.motion_sensors() } else { Vec::new() },
            "sensors": if measures { spec.sensors.as_slice() } else { &[] },
            "settings": settings,
            "status": self.status,
            "virtualHeadsetId": if self.is_virtual { self.id.as_str() } else { "" },
        })
    }

    /// On a USB cable it looks connected and never measures (§2.7).
    pub(super) fn on_cable(&self) -> bool {
        self.spec.connected_by == "usb cable"
    }
}

/// A rate as Cortex prints it: without a point where it is whole.
fn rate(hz: f64) -> Value {
    let (whole, part) = slot(hz);
    if part > 0.0 { json!(hz) } else { json!(whole) }
}

#[expect(clippy::unnecessary_wraps, reason = "every method of the table may refuse")]
impl Service {
    pub(super) fn control_device(&mut self, call: &Call<'_>) -> CallResult {
        let command = call.text("command");
        let message = if command == "refresh" {
            let end = call.now + self.delays.scan.as_secs_f64();
            self.plan(end, ScheduledEvent::ScanEnd);
            "Start discovering headsets".to_owned()
        } else {
            let id = call.maybe_text("headset").ok_or_else(|| ApiError::new(BAD_PARAMS))?;
            let place = self.place_of(id).ok_or_else(|| ApiError::new(HEADSET_UNAVAILABLE))?;
            if command == "connect" {
                self.connect(place, call)?;
                format!("Start connecting to headset {id}")
            } else {
                self.plan(call.now + DISCONNECT, ScheduledEvent::Disconnected(place));
                format!("Start disconnecting from headset {id}")
            }
        };
        Ok(json!({ "command": command, "message": message }))
    }

    pub(super) fn query_headsets(&mut self, call: &Call<'_>) -> CallResult {
        let wanted = call.text("id");
        let fits = |id: &str| match wanted.strip_suffix('*') {
            Some(prefix) => id.starts_with(prefix),
            None => wanted.is_empty() || id == wanted,
        };
        let mapped = call.flag("includeFlexMappings");
        let seen = self.headsets.iter().filter(|headset| !headset.is_off());
        let objects = seen.filter(|headset| fits(headset.id.as_str())).map(|headset| {
            let mut object = headset.to_json();
            if mapped && headset.spec.flex() {
                object["flexMappings"] = json!({ "mappings": headset.mapping });
            }
            object
        });
        Ok(objects.collect())
    }

    pub(super) fn sync_clock(&mut self, call: &Call<'_>) -> CallResult {
        let headset = call.text("headset");
        self.connected_place(headset)?;
        // To the clock that stamps the samples, compared when the request arrives.
        let adjustment = self.clock.epoch(call.now) - call.number("monotonicTime");
        Ok(json!({ "adjustment": adjustment, "headset": headset }))
    }

    /// The place in the list of a headset that is in reach.
    pub(super) fn place_of(&self, id: &str) -> Option<usize> {
        self.headsets.iter().position(|own| own.id.as_str() == id && !own.is_off())
    }

    /// The place in the list of a headset that is connected.
    pub(super) fn connected_place(&self, id: &str) -> Result<usize, ApiError> {
        let connected = |own: &SimulatedHeadset| {
            own.id.as_str() == id && own.status == HeadsetStatus::Connected
        };
        let place = self.headsets.iter().position(connected);
        place.ok_or_else(|| ApiError::new(HEADSET_UNAVAILABLE))
    }

    fn connect(&mut self, place: usize, call: &Call<'_>) -> Result<(), ApiError> {
        let Some(headset) = self.headsets.get_mut(place) else { return Ok(()) };
        let mapping = match call.get("mappings") {
            None => None,
            Some(told) => {
                let read = mappings::read(told).filter(|_| headset.spec.flex());
                Some(read.ok_or_else(|| ApiError::new(BAD_PARAMS))?)
            }
        };
        if headset.status == HeadsetStatus::Connected {
            // Neither link nor sensors change under those who stream.
            self.plan(call.now, ScheduledEvent::Connected(place));
            return Ok(());
        }
        let mut spec = headset.spec.clone();
        if let Some(mapping) = mapping {
            spec.fit_flex(mappings::sensors(&mapping));
            headset.mapping = mapping;
        }
        spec.connected_by = match call.text("connectionType") {
            "" => spec.connected_by,
            "usb cable" => "usb cable",
            "dongle" => "dongle",
            _ => "bluetooth",
        };
        let outcome = match spec.obstacle() {
            Some(code) => ScheduledEvent::Unconnectable(place, code),
            None => ScheduledEvent::Connected(place),
        };
        headset.refit(spec);
        headset.status = HeadsetStatus::Connecting;
        self.plan(call.now + self.delays.connect.as_secs_f64(), outcome);
        Ok(())
    }

    /// A connection fails, for a reason that is a warning's code (§2.6).
    pub(super) fn unconnectable(&mut self, place: usize, code: i64) {
        let Some(headset) = self.headsets.get_mut(place) else { return };
        headset.status = HeadsetStatus::Discovered;
        let message = behavior("The headset cannot be connected.", &headset.id);
        self.warn(code, &message);
    }

    pub(super) fn connected(&mut self, place: usize, now: f64) {
        let metrics = now + self.delays.metrics.as_secs_f64();
        let Some(headset) = self.headsets.get_mut(place) else { return };
        if headset.gone {
            let message = behavior("Connecting to the headset took too long.", &headset.id);
            headset.status = HeadsetStatus::Discovered;
            return self.warn(102, &message);
        }
        if headset.status != HeadsetStatus::Connected {
            headset.status = HeadsetStatus::Connected;
            headset.ready_at = now + headset.warm_up;
            headset.metrics = metrics;
            headset.origin = None;
            headset.markers.clear();
        }
        let message = behavior("The headset is connected.", &headset.id);
        self.warn(104, &message);
    }

    pub(super) fn disconnected(&mut self, place: usize, now: f64) {
        let Some(headset) = self.headsets.get_mut(place) else { return };
        headset.status = HeadsetStatus::Discovered;
        self.cancel(&ScheduledEvent::Connected(place));
        self.close_sessions(now, |session| session.place == place);
        self.profile_lost(place);
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
            self.plan(end, ScheduledEvent::Silence(place));
        }
    }

    /// A headset is in reach again: connected if it was missed only for a while.
    pub(super) fn headset_back(&mut self, id: &HeadsetId, now: f64) {
        let Some(place) = self.headsets.iter().position(|own| own.id == *id) else { return };
        self.cancel(&ScheduledEvent::Silence(place));
        let Some(headset) = self.headsets.get_mut(place).filter(|headset| headset.gone) else {
            return;
        };
        headset.gone = false;
        if headset.status == HeadsetStatus::Connecting {
            headset.status = HeadsetStatus::Connected;
            headset.ready_at = now + headset.warm_up;
        }
    }

    pub(super) fn silent_too_long(&mut self, place: usize, now: f64) {
        let Some(headset) = self.headsets.get(place) else { return };
        let message = behavior("No data from the headset, it is disconnected.", &headset.id);
        if !headset.is_virtual {
            self.warn(103, &message);
        }
        self.disconnected(place, now);
    }
}

impl SimulatedHeadset {
    /// Out of reach and no longer missed: not in the list.
    fn is_off(&self) -> bool {
        self.gone && self.status == HeadsetStatus::Discovered
    }
}

/// What most warnings about headsets say (§6.2).
pub(super) fn behavior(text: &str, id: &HeadsetId) -> Value {
    json!({ "behavior": text, "headsetId": id })
}
