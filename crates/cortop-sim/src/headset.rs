//! A simulated headset: what it is, what it measures with, and its object (§4.1). Knows no call.

use std::{collections::VecDeque, sync::Arc};

use serde_json::{Value, json};

use super::{
    headset_config::InitialState,
    mappings,
    model::Spec,
    noise::slot,
    profile::LoadedProfile,
    source::{SampleContext, SampleSource},
};
use cortop_protocol::{
    HeadsetId, Stream,
    headset::HeadsetStatus,
    mapping::Mapping,
    metric::{IS_ACTIVE, MetricName},
    model::Model,
};

/// Markers on their way into a stream.
const MAX_PENDING_MARKERS: usize = 64;

/// A headset.
pub(super) struct SimulatedHeadset {
    pub(super) id: HeadsetId,
    pub(super) status: HeadsetStatus,
    /// Seconds after a connection until a session can be created (-32152 before, §2.6).
    pub(super) warm_up: f64,
    /// Service time from which a session can be created.
    pub(super) ready_at: f64,
    /// Service time of sample 0: when the headset was connected, or of a recording when the first
    /// stream since then was subscribed to.
    pub(super) origin: Option<f64>,
    /// The loaded profile.
    pub(super) profile: Option<LoadedProfile>,
    pub(super) source: Arc<dyn SampleSource>,
    pub(super) spec: Spec,
    /// Markers on their way into `eeg`: the sample's index and their text.
    markers: VecDeque<(u64, String)>,
    /// Made in Launcher: there is no warning 103 for it (§2.12).
    pub(super) is_virtual: bool,
    /// What the user calls it.
    pub(super) custom_name: String,
    /// Where its headband sits.
    pub(super) headband: String,
    /// Service time from which the metrics have values (§5.7).
    pub(super) metrics: f64,
    /// Which electrode sits where, Flex only.
    pub(super) mapping: Mapping,
    /// Switched off or too far away.
    pub(super) gone: bool,
}

impl SimulatedHeadset {
    /// A headset that is switched on and, if `warm`, connected for long with that profile loaded.
    pub(super) fn new(
        id: HeadsetId,
        spec: Spec,
        source: Arc<dyn SampleSource>,
        warm: Option<LoadedProfile>,
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

    /// Shows a marker in `eeg` at a sample.
    pub(super) fn push_marker(&mut self, index: u64, marker: String) {
        if self.markers.len() == MAX_PENDING_MARKERS {
            self.markers.pop_front();
        }
        self.markers.push_back((index, marker));
    }

    /// The inside of the array of a sample's markers.
    pub(super) fn markers_at(&self, index: u64) -> String {
        let own = self.markers.iter().filter(|(at, _)| *at == index).map(|(_, text)| text.as_str());
        own.collect::<Vec<_>>().join(",")
    }

    /// It is connected again.
    pub(super) fn start_measuring(&mut self, now: f64, metrics_delay: f64) {
        self.status = HeadsetStatus::Connected;
        self.ready_at = now + self.warm_up;
        self.metrics = now + metrics_delay;
        self.origin = origin(&*self.source, now);
        self.markers.clear();
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
    pub(super) fn sample_context(&self, now: f64) -> SampleContext<'_> {
        let commands = self.profile.as_ref().map_or(&[][..], |loaded| loaded.profile.commands());
        SampleContext { interpolated: false, commands, metrics: now >= self.metrics, markers: "" }
    }

    /// The `performanceMetrics` of a session object: what names the columns of `met` (§4.2).
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

    /// The headset object (§4.1); only that of a connected one has sensors and settings.
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

    /// Out of reach and no longer missed: not in the list.
    pub(super) fn is_off(&self) -> bool {
        self.gone && self.status == HeadsetStatus::Discovered
    }

    /// On a USB cable it looks connected and never measures (§2.7).
    pub(super) fn on_cable(&self) -> bool {
        self.spec.connected_by == "usb cable"
    }
}

/// Service time of the first sample of a headset that is connected now, if it is known yet.
fn origin(source: &dyn SampleSource, now: f64) -> Option<f64> {
    (!source.begins_with_subscription()).then_some(now)
}

/// A rate as Cortex prints it: without a point where it is whole.
fn rate(hz: f64) -> Value {
    let (whole, part) = slot(hz);
    if part > 0.0 { json!(hz) } else { json!(whole) }
}
