//! The headset object (§4.1).

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{HeadsetId, mapping::Mapping, model::Model, tolerant::Members};

/// A headset as `queryHeadsets` and a session object describe it (§4.1). Every member is optional
/// on the wire; a discovered headset has empty sensor lists and zero settings.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", from = "Value")]
pub struct Headset {
    /// `PREFIX-` and eight hex digits.
    pub id: HeadsetId,
    /// Discovered, connecting or connected.
    pub status: HeadsetStatus,
    /// `bluetooth`, `dongle`, `usb cable`, `extender`; empty when unknown.
    pub connected_by: String,
    /// Dongle firmware in hex; `0` when there is none.
    pub dongle: String,
    /// Firmware version in hex.
    pub firmware: String,
    /// The name its owner gave it, or empty.
    pub custom_name: String,
    /// EEG positions; empty unless connected.
    pub sensors: Vec<String>,
    /// `Q0`..`Q3` or `GYROX`..`GYROZ`, `ACCX`.., `MAGX`...
    pub motion_sensors: Vec<String>,
    /// Sampling rates and resolutions.
    pub settings: Settings,
    /// Where the electrodes of an EPOC Flex sit; `None` in a session object and for other models.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flex_mappings: Option<Mapping>,
    /// `back` or `top` on an EPOC X, else `None`.
    pub headband_position: Option<String>,
    /// A virtual headset, created in EMOTIV Launcher.
    pub is_virtual: bool,
    /// Whether it is in firmware update mode.
    pub is_dfu_mode: bool,
    /// Unknown members, kept as received.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Headset {
    /// The model, which the id's prefix determines, never `settings.mode` (§4.1).
    #[must_use]
    pub fn model(&self) -> Model {
        Model::from_id(&self.id)
    }

    /// Whether it can carry a session immediately (§2.7).
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.status == HeadsetStatus::Connected
    }

    /// Says where a headset on a USB cable is; follows "is" in a sentence.
    pub const ON_USB_CABLE: &str = "on a USB cable, over which it cannot stream";

    /// What to do about that.
    pub const OFF_USB_CABLE: &str = "unplug the cable and use the dongle or Bluetooth";

    /// Whether it is on a USB cable: it appears connected but cannot carry a session (§2.7).
    #[must_use]
    pub fn is_on_usb_cable(&self) -> bool {
        self.connected_by == "usb cable"
    }
}

/// The rates and resolutions at which a headset runs; absent or zero while it is only discovered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", from = "Value")]
pub struct Settings {
    /// `EPOC`, `EPOCPLUS`, `INSIGHT`, `UNKNOWN`…; not a reliable indication of the model.
    pub mode: String,
    /// EEG samples per second.
    pub eeg_rate: Option<f64>,
    /// EEG resolution in bits.
    pub eeg_res: Option<f64>,
    /// Motion samples per second; 0 when motion is off.
    pub mems_rate: Option<f64>,
    /// Motion resolution in bits.
    pub mems_res: Option<f64>,
}

impl From<Value> for Headset {
    fn from(value: Value) -> Self {
        let mut members = Members::of("headset", value);
        Self {
            id: members.text("id").into(),
            status: members.optional_text("status").map_or_else(HeadsetStatus::default, Into::into),
            connected_by: members.text("connectedBy"),
            dongle: members.text("dongle"),
            firmware: members.text("firmware"),
            custom_name: members.text("customName"),
            sensors: members.texts("sensors"),
            motion_sensors: members.texts("motionSensors"),
            settings: members.object("settings"),
            flex_mappings: members.optional_object("flexMappings"),
            headband_position: members.optional_text("headbandPosition"),
            is_virtual: members.flag("isVirtual"),
            is_dfu_mode: members.flag("isDfuMode"),
            other: members.rest(),
        }
    }
}

impl From<Value> for Settings {
    fn from(value: Value) -> Self {
        let mut members = Members::of("headset settings", value);
        Self {
            mode: members.text("mode"),
            eeg_rate: members.rate("eegRate"),
            eeg_res: members.number("eegRes"),
            mems_rate: members.rate("memsRate"),
            mems_res: members.number("memsRes"),
        }
    }
}

/// A headset's connection to the Cortex service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum HeadsetStatus {
    /// Seen, not connected: `controlDevice connect` comes next.
    #[default]
    Discovered,
    /// Being connected.
    Connecting,
    /// Connected; ready for a session moments later.
    Connected,
    /// A status unknown to this program.
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_discovered_headset_has_no_sensors_and_no_rates() {
        let headset = Headset::from(json!({
            "connectedBy": "bluetooth", "firmware": 930, "headbandPosition": null,
            "id": "INSIGHT-0A1B2C3D", "isVirtual": "no", "sensors": null, "motionSensors": {},
            "settings": {"eegRate": 0, "memsRate": 64.0, "mode": "UNKNOWN"},
            "status": "discovered", "virtualHeadsetId": ""
        }));
        assert_eq!(headset.model(), Model::Insight);
        assert_eq!(headset.status, HeadsetStatus::Discovered);
        assert_eq!(headset.firmware, "930");
        assert_eq!(headset.settings.eeg_rate, Some(0.0));
        assert_eq!(headset.settings.mems_rate, Some(64.0));
        assert!(headset.sensors.is_empty() && headset.motion_sensors.is_empty());
        assert!(!headset.is_virtual);
        assert_eq!(headset.other.get("virtualHeadsetId"), Some(&json!("")));
    }

    #[test]
    fn a_rate_that_no_headset_has_is_none() {
        for (rate, expected) in [
            (json!(256), Some(256.0)),
            (json!(2560), Some(2560.0)),
            (json!(2561), None),
            (json!(2_000_000), None),
            (json!(-128), None),
            (json!("128"), None),
        ] {
            let headset = Headset::from(json!({"settings": {"eegRate": rate, "memsRate": rate}}));
            assert_eq!(headset.settings.eeg_rate, expected, "{rate}");
            assert_eq!(headset.settings.mems_rate, expected, "{rate}");
        }
    }

    #[test]
    fn nothing_in_place_of_an_object_can_refuse_it() {
        for malformed in [json!(null), json!(3), json!("x"), json!([1]), json!({"settings": 1})] {
            assert_eq!(Headset::from(malformed), Headset::default());
        }
    }

    #[test]
    fn it_comes_back_from_its_own_json() {
        let headset = Headset::from(json!({
            "id": "EPOCX-1A2B3C4D", "status": "connected", "sensors": ["AF3"], "dfuTypes": ["dfuOta"]
        }));
        let json = serde_json::to_value(&headset).unwrap();
        assert_eq!(serde_json::from_value::<Headset>(json).unwrap(), headset);
    }
}
