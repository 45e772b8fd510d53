//! Profiles and what the detections know (§2.10, §3.7).

use serde_json::json;

use super::{
    dispatch::Call,
    refusal::{Answer, BAD_PARAMS, HEADSET_UNAVAILABLE, Refusal},
    service::Service,
};

impl Service {
    pub(super) fn current_profile(&mut self, call: &Call<'_>) -> Answer {
        let place = self.place_of(call.text("headset"));
        let headset = place.and_then(|place| self.headsets.get(place));
        let headset = headset.ok_or_else(|| Refusal::new(HEADSET_UNAVAILABLE))?;
        Ok(match headset.profile {
            Some(name) => json!({ "loadedByThisApp": false, "name": name }),
            None => json!({ "name": null }),
        })
    }

    pub(super) fn detection_info(_: &mut Self, call: &Call<'_>) -> Answer {
        match call.text("detection") {
            "mentalCommand" => Ok(json!({
                "actions": [
                    "neutral", "push", "pull", "lift", "drop", "left", "right", "rotateLeft",
                    "rotateRight", "rotateClockwise", "rotateCounterClockwise", "rotateForwards",
                    "rotateReverse", "disappear",
                ],
                "controls": ["start", "accept", "reject", "erase", "reset"],
                "events": [
                    "MC_Started", "MC_Succeeded", "MC_Failed", "MC_Completed", "MC_DataErased",
                    "MC_Rejected", "MC_Reset", "MC_AutoSamplingNeutralCompleted",
                    "MC_SignatureUpdated",
                ],
                "signature": [],
            })),
            "facialExpression" => Ok(json!({
                "actions": [
                    "neutral", "blink", "winkL", "winkR", "horiEye", "surprise", "frown", "smile",
                    "clench", "laugh", "smirkLeft", "smirkRight",
                ],
                "controls": ["start", "accept", "reject", "erase", "reset"],
                "events": [
                    "FE_Started", "FE_Succeeded", "FE_Failed", "FE_Completed", "FE_DataErased",
                    "FE_Rejected", "FE_Reset",
                ],
                "signature": ["universal", "trained"],
            })),
            _ => Err(Refusal::new(BAD_PARAMS)),
        }
    }
}
