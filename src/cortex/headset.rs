//! The headset object (§4.1).

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{HeadsetId, model::Model};

/// A headset as `queryHeadsets` and a session object tell of it (§4.1). Every member is optional
/// on the wire; a discovered headset has empty sensor lists and zero settings.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Headset {
    /// `PREFIX-` and eight hex digits.
    pub id: HeadsetId,
    /// Discovered, connecting or connected.
    pub status: HeadsetStatus,
    /// `bluetooth`, `dongle`, `usb cable`, `extender`; empty when not told.
    pub connected_by: String,
    /// Dongle firmware in hex; `0` when there is none.
    pub dongle: String,
    /// Firmware in hex.
    pub firmware: String,
    /// The name its owner gave it, or empty.
    pub custom_name: String,
    /// EEG positions; empty unless connected.
    pub sensors: Vec<String>,
    /// `Q0`..`Q3` or `GYROX`..`GYROZ`, `ACCX`.., `MAGX`...
    pub motion_sensors: Vec<String>,
    /// Rates and resolutions.
    pub settings: Settings,
    /// `back` or `top` on an EPOC X, else `None`.
    pub headband_position: Option<String>,
    /// Made in EMOTIV Launcher, without hardware.
    pub is_virtual: bool,
    /// In firmware update mode.
    pub is_dfu_mode: bool,
    /// Members this program does not know, kept as they came.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Headset {
    /// The model, told by the id's prefix, never by `settings.mode` (§4.1).
    #[must_use]
    pub fn model(&self) -> Model {
        Model::from_id(&self.id)
    }

    /// On a USB cable a headset looks connected but cannot carry a session (§2.7).
    #[must_use]
    pub fn is_on_usb_cable(&self) -> bool {
        self.connected_by == "usb cable"
    }
}

/// The rates and resolutions a headset runs with; absent or zero while it is only discovered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Settings {
    /// `EPOC`, `EPOCPLUS`, `INSIGHT`, `UNKNOWN`…; says nothing reliable about the model.
    pub mode: String,
    /// EEG samples a second.
    pub eeg_rate: Option<f64>,
    /// EEG bits.
    pub eeg_res: Option<f64>,
    /// Motion samples a second; 0 when motion is off.
    pub mems_rate: Option<f64>,
    /// Motion bits.
    pub mems_res: Option<f64>,
}

/// A headset's connection to the Cortex service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum HeadsetStatus {
    /// Seen, not connected: `controlDevice connect` comes next.
    #[default]
    Discovered,
    /// On its way.
    Connecting,
    /// Ready for a session, moments later.
    Connected,
    /// A word this program does not know.
    Other(String),
}

impl From<String> for HeadsetStatus {
    fn from(text: String) -> Self {
        match text.as_str() {
            "discovered" => Self::Discovered,
            "connecting" => Self::Connecting,
            "connected" => Self::Connected,
            _ => Self::Other(text),
        }
    }
}

impl From<HeadsetStatus> for String {
    fn from(status: HeadsetStatus) -> Self {
        status.to_string()
    }
}

impl fmt::Display for HeadsetStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Discovered => "discovered",
            Self::Connecting => "connecting",
            Self::Connected => "connected",
            Self::Other(text) => text,
        })
    }
}
