//! What can be changed about a headset: rates and mode (`updateHeadset`), name and headband
//! (`updateHeadsetCustomInfo`, §3.2).

use serde_json::{Map, Value, json};

use super::{
    dispatch::Call,
    headsets::behavior,
    model::{MotionFormat, Spec},
    refusal::{ApiError, BAD_PARAMS, CallResult, HEADSET_UNAVAILABLE},
    service::{ScheduledEvent, Service},
};
use cortop_protocol::model::Model;

/// The settings of a headset (§4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Setting {
    mode: &'static str,
    eeg_rate: u32,
    mems_rate: u32,
}

impl Setting {
    /// The setting a parameter asks for, or `None` if no headset can have it.
    fn read(setting: &Map<String, Value>) -> Option<Self> {
        let number = |name: &str| setting.get(name)?.as_u64().and_then(|it| u32::try_from(it).ok());
        let (eeg_rate, mems_rate) = (number("eegRate")?, number("memsRate")?);
        let mode = match (setting.get("mode")?.as_str()?, eeg_rate, mems_rate) {
            ("EPOC", 128, 0) => "EPOC",
            ("EPOCPLUS", 128 | 256, 0 | 32 | 64 | 128) => "EPOCPLUS",
            _ => return None,
        };
        (setting.len() == 3).then_some(Self { mode, eeg_rate, mems_rate })
    }

    fn apply(self, spec: &Spec) -> Spec {
        let bits = if self.mode == "EPOC" { 14 } else { 16 };
        let usual = Spec::of(spec.model).map_or(MotionFormat::Quaternion, |spec| spec.motion);
        Spec {
            mode: self.mode,
            eeg_rate: self.eeg_rate,
            eeg_bits: bits,
            lsb: Spec::step(bits),
            mems_rate: f64::from(self.mems_rate),
            motion: if self.mems_rate == 0 { MotionFormat::None } else { usual },
            ..spec.clone()
        }
    }
}

impl Service {
    /// The answer means "started"; 110 or 111 tells the end, 112 that Bluetooth cannot carry it.
    pub(super) fn update_headset(&mut self, call: &Call<'_>) -> CallResult {
        let id = call.text("headset");
        let place = self.connected_place(id)?;
        let headset = self.headsets.get(place).filter(|headset| headset.spec.adjustable());
        let headset = headset.ok_or_else(|| ApiError::bad("The headset has no such settings."))?;
        let setting = call.get("setting").and_then(Value::as_object).and_then(Setting::read);
        let setting = setting.ok_or_else(|| ApiError::new(BAD_PARAMS))?;
        let slow = setting.eeg_rate == 128 && setting.mems_rate == 0;
        let outcome = match headset.spec.connected_by {
            "usb cable" => Ok(setting),
            "bluetooth" if !slow => Err(112),
            _ => Err(111),
        };
        let end = call.now + self.delays.update.as_secs_f64();
        self.plan(end, ScheduledEvent::Adjusted(place, outcome));
        let message = "The headset's setting is being updated";
        Ok(json!({ "headsetId": id, "message": message }))
    }

    pub(super) fn adjusted(&mut self, place: usize, outcome: Result<Setting, i64>) {
        let Some(headset) = self.headsets.get_mut(place) else { return };
        let (code, text) = match outcome {
            Ok(setting) => {
                let spec = setting.apply(&headset.spec);
                headset.refit(spec);
                (110, "The headset's setting has been updated.")
            }
            Err(112) => (112, "The setting cannot be used over Bluetooth."),
            Err(code) => (code, "The setting can only be updated on a USB cable."),
        };
        let message = behavior(text, &headset.id);
        self.warn(code, &message);
    }

    pub(super) fn update_custom_info(&mut self, call: &Call<'_>) -> CallResult {
        const LONGEST: usize = 64;
        let id = call.text("headsetId");
        let place = self.place_of(id).ok_or_else(|| ApiError::new(HEADSET_UNAVAILABLE))?;
        let headset = self.headsets.get_mut(place);
        let headset = headset.ok_or_else(|| ApiError::new(HEADSET_UNAVAILABLE))?;
        let has_band = headset.spec.model == Model::EpocX;
        let band = call.maybe_text("headbandPosition");
        let name = call.maybe_text("customName");
        let long = name.is_some_and(|name| name.chars().count() > LONGEST);
        if long || band.is_some() && !has_band || band.is_none() && name.is_none() {
            return Err(ApiError::new(BAD_PARAMS));
        }
        if let Some(band) = band {
            band.clone_into(&mut headset.headband);
        }
        if let Some(name) = name {
            name.clone_into(&mut headset.custom_name);
        }
        Ok(json!({
            "customName": headset.custom_name,
            "headbandPosition": has_band.then_some(&headset.headband),
            "headsetId": id,
            "message": "The headset's information has been updated",
        }))
    }
}
