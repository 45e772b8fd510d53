//! A simulated headset: its properties, its signal source, and its API object (§4.1). Independent
//! of calls.

use std::{collections::VecDeque, sync::Arc};

use serde_json::{Value, json};

use super::{
    headset_config::InitialState,
    mappings,
    model::Spec,
    noise::slot,
    profile::ActiveProfile,
    source::{SampleContext, SampleSource},
};
use cortop_protocol::{
    HeadsetId, Stream,
    headset::HeadsetStatus,
    mapping::Mapping,
    metric::{IS_ACTIVE, MetricName},
    model::Model,
};

/// The most markers waiting to be placed into a stream.
const MAX_PENDING_MARKERS: usize = 64;

/// A simulated headset.
pub(super) struct SimulatedHeadset {
    pub(super) id: HeadsetId,
    pub(super) status: HeadsetStatus,
    /// Seconds from a connection until a session can be created (-32152 before that, §2.6).
    pub(super) warm_up: f64,
    /// Service time from which a session can be created.
    pub(super) ready_at: f64,
    /// Service time of sample 0: when the headset was connected or, for a recording, when the first
    /// stream was subscribed to after that.
    pub(super) origin: Option<f64>,
    /// The loaded profile.
    pub(super) profile: Option<ActiveProfile>,
    pub(super) source: Arc<dyn SampleSource>,
    pub(super) spec: Spec,
    /// Markers waiting to be placed into `eeg`: the index of the sample, and the text.
    markers: VecDeque<(u64, String)>,
    /// Whether it was created in Launcher: then there is no warning 103 for it (§2.12).
    pub(super) is_virtual: bool,
    /// The user's name for it.
    pub(super) custom_name: String,
    /// The position of its headband.
    pub(super) headband: String,
    /// Service time from which the metrics have values (§5.7).
    pub(super) metrics: f64,
    /// Where the electrodes sit; Flex only.
    pub(super) mapping: Mapping,
    /// Whether it is switched off or out of range.
    pub(super) gone: bool,
}

impl SimulatedHeadset {
    /// A headset that is switched on and, if `warm`, has been connected for a long time with that
    /// profile loaded.
    pub(super) fn new(
        id: HeadsetId,
        spec: Spec,
        source: Arc<dyn SampleSource>,
        warm: Option<ActiveProfile>,
    ) -> Self {
        Self {
            id,
            status: if warm.is_some() {
                HeadsetStatus::Connected
            } else {
                HeadsetStatus::Discovered
            },
            warm_up: 0.0,
            ready_at: f64::NEG_INFINITY,
            origin: origin(&*source, 0.0),
            profile: warm.filter(|_| spec.bci),
            source,
            markers: VecDeque::new(),
            is_virtual: false,
            custom_name: String::new(),
            headband: "back".to_owned(),
            metrics: f64::NEG_INFINITY,
            mapping: mappings::default_of(&spec),
            gone: false,
            spec,
        }
    }

    /// Applies another specification, if its source can.
    pub(super) fn refit(&mut self, spec: Spec) {
        if let Some(source) = self.source.refit(&spec) {
            self.source = source;
            self.spec = spec;
        } else {
            // A recording stays as it is, however it is connected.
            self.spec.connected_by = spec.connected_by;
        }
    }

    /// The sample of `eeg` at a moment of service time.
    pub(super) fn sample_at(&self, time: f64) -> Option<u64> {
        Some(self.source.index_at(Stream::Eeg, time - self.origin?))
    }

    /// Adds a marker to `eeg` at a sample.
    pub(super) fn push_marker(&mut self, index: u64, marker: String) {
        if self.markers.len() == MAX_PENDING_MARKERS {
            self.markers.pop_front();
        }
        self.markers.push_back((index, marker));
    }

    /// The content of the marker array of a sample.
    pub(super) fn markers_at(&self, index: u64) -> String {
        let own = self.markers.iter().filter(|(at, _)| *at == index).map(|(_, text)| text.as_str());
        own.collect::<Vec<_>>().join(",")
    }

    /// Starts measuring after it was connected.
    pub(super) fn start_measuring(&mut self, now: f64, metrics_delay: f64) {
        self.status = HeadsetStatus::Connected;
        self.ready_at = now + self.warm_up;
        self.metrics = now + metrics_delay;
        self.origin = origin(&*self.source, now);
        self.markers.clear();
    }

    /// Sets its initial state.
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

    /// What the service determines about its samples at a service time.
    pub(super) fn sample_context(&self, now: f64) -> SampleContext<'_> {
        let commands = self.profile.as_ref().map_or(&[][..], |loaded| loaded.profile.commands());
        SampleContext { interpolated: false, commands, metrics: now >= self.metrics, markers: "" }
    }

    /// The `performanceMetrics` of a session object, which name the columns of `met` (§4.2).
    pub(super) fn metrics_json(&self) -> Vec<Value> {
        let columns = self.source.columns(Stream::Met).unwrap_or_default();
        let names = columns.labels().filter(|label| !label.ends_with(IS_ACTIVE));
        names
            .map(|name| {
                let known = MetricName::of_label(name);
                let (displayed, short) = known.map_or((name, name), |own| (own.name, own.short));
                json!({
                    "apiName": name,
                    "displayedName": displayed,
                    "name": displayed.to_lowercase(),
                    "shortDisplayedName": short,
                })
            })
            .collect()
    }

    /// The headset object (§4.1); it has sensors and settings only if connected.
    pub(super) fn to_json(&self) -> Value {
        let spec = &self.spec;
        let known = self.status != HeadsetStatus::Discovered;
        let measures = known && !self.on_cable();
        let settings = if known {
            json!({
                "eegRate": spec.eeg_rate,
                "eegRes": spec.eeg_bits,
                "memsRate": rate(spec.mems_rate),
                "memsRes": spec.mems_bits,
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

    /// Whether it is out of range and no longer expected back: not in the list.
    pub(super) fn is_off(&self) -> bool {
        self.gone && self.status == HeadsetStatus::Discovered
    }

    /// Whether it is on a USB cable: it appears connected but never measures (§2.7).
    pub(super) fn on_cable(&self) -> bool {
        self.spec.connected_by == "usb cable"
    }
}

/// Service time of the first sample of a headset that is being connected now, if already known.
fn origin(source: &dyn SampleSource, now: f64) -> Option<f64> {
    (!source.begins_with_subscription()).then_some(now)
}

/// A rate as Cortex prints it: without a decimal point if it is whole.
fn rate(hz: f64) -> Value {
    let (whole, part) = slot(hz);
    if part > 0.0 { json!(hz) } else { json!(whole) }
}
