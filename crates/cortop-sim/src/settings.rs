//! What can be changed on a headset: rates and mode (`updateHeadset`), name and headband
//! (`updateHeadsetCustomInfo`, §3.2).

use std::iter::once;

use serde_json::{Value, json};

use super::{
    api_error::{ApiError, CallResult},
    call::Call,
    environment::{Environment, ScheduledEvent},
    headsets::{Headsets, behavior},
};
use cortop_protocol::{
    code::{
        error::{HEADSET_UNAVAILABLE, INVALID_PARAMS},
        warning,
    },
    model::Model,
    settings::{EegRate, MotionRate, Setting},
};

/// The longest name of a headset, in characters.
const LONGEST_NAME: usize = 64;

/// The setting that a parameter requests; `None` if no headset supports it.
fn read(value: &Value) -> Option<Setting> {
    let plus = EegRate::ALL
        .into_iter()
        .flat_map(|eeg| MotionRate::ALL.map(|motion| Setting::EpocPlus { eeg, motion }));
    once(Setting::Epoc).chain(plus).find(|setting| setting.to_json() == *value)
}

impl Headsets {
    /// `updateHeadset`: the answer means "started"; a warning reports how it ended.
    pub(super) fn update(&self, call: &Call<'_>, env: &mut Environment) -> CallResult {
        let id = call.text("headset");
        let place = self.connected_place(id)?;
        let headset = self.get(place).filter(|headset| headset.spec.adjustable());
        let headset =
            headset.ok_or_else(|| ApiError::invalid("The headset has no such settings."))?;
        let setting = call.get("setting").and_then(read);
        let setting = setting.ok_or_else(|| ApiError::new(INVALID_PARAMS))?;
        let plain = headset.spec.with_setting(setting);
        let outcome = match headset.spec.connected_by {
            "usb cable" => Ok(setting),
            "bluetooth" if !plain.fits_bluetooth() => Err(warning::SETTING_NOT_FOR_BLUETOOTH),
            _ => Err(warning::HEADSET_UPDATE_FAILED),
        };
        let end = call.now + env.delays.update.as_secs_f64();
        env.schedule(end, ScheduledEvent::SettingsUpdated(place, outcome));
        let message = "The headset's setting is being updated";
        Ok(json!({ "headsetId": id, "message": message }))
    }

    /// An update has ended.
    pub(super) fn update_done(
        &mut self,
        place: usize,
        outcome: Result<Setting, i64>,
        env: &mut Environment,
    ) {
        let Some(headset) = self.get_mut(place) else { return };
        let (code, text) = match outcome {
            Ok(setting) => {
                headset.refit(headset.spec.with_setting(setting));
                (warning::HEADSET_UPDATED, "The headset's setting has been updated.")
            }
            Err(code) if code == warning::SETTING_NOT_FOR_BLUETOOTH => {
                (code, "The setting cannot be used over Bluetooth.")
            }
            Err(code) => (code, "The setting can only be updated on a USB cable."),
        };
        env.warn(code, &behavior(text, &headset.id));
    }

    /// `updateHeadsetCustomInfo`.
    pub(super) fn update_custom_info(&mut self, call: &Call<'_>) -> CallResult {
        let id = call.text("headsetId");
        let headset = self.place_of(id).and_then(|place| self.get_mut(place));
        let headset = headset.ok_or_else(|| ApiError::new(HEADSET_UNAVAILABLE))?;
        let has_band = headset.spec.model == Model::EpocX;
        let band = call.optional_text("headbandPosition");
        let name = call.optional_text("customName");
        let long = name.is_some_and(|name| name.chars().count() > LONGEST_NAME);
        if long || band.is_some() && !has_band || band.is_none() && name.is_none() {
            return Err(ApiError::new(INVALID_PARAMS));
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
