//! What a profile has learnt and how that is used (§3.8). Each method takes either a stored
//! profile, which can only be read, or a session, whose loaded profile can be changed as well.

use serde_json::{Value, json};

use super::{
    api_error::{ApiError, CallResult},
    call::Call,
    detection::Detection,
    headsets::Headsets,
    profile::{ACTIVE, StoredProfile},
    profiles::{Profiles, loaded, unknown_profile},
    sessions::Sessions,
};
use cortop_protocol::code::error::INVALID_PARAMS;

/// The threshold of a facial expression unless it was changed.
const THRESHOLD: u64 = 500;

/// The profiles: those stored, and those loaded on the headsets of sessions.
pub(super) struct BciContext<'a> {
    pub(super) profiles: &'a Profiles,
    pub(super) sessions: &'a Sessions,
    pub(super) headsets: &'a mut Headsets,
}

impl BciContext<'_> {
    /// `getTrainedSignatureActions`.
    pub(super) fn trained_actions(&self, call: &Call<'_>) -> CallResult {
        let detection = Detection::named(call.text("detection"));
        Ok(self.profile(call)?.skill(detection).to_json())
    }

    /// `facialExpressionSignatureType`.
    pub(super) fn signature_type(&mut self, call: &Call<'_>) -> CallResult {
        if call.text("status") == "get" {
            let profile = self.profile(call)?;
            return Ok(json!({
                "availableSig": if profile.facial.times("neutral") > 0 { vec!["universal", "trained"] } else { vec!["universal"] },
                "currentSig": profile.signature,
            }));
        }
        let signature = if call.text("signature") == "trained" { "trained" } else { "universal" };
        self.profile_mut(call)?.signature = signature;
        Ok(json!({ "currentSig": signature, "message": "The signature has been set" }))
    }

    /// `facialExpressionThreshold`.
    pub(super) fn facial_threshold(&mut self, call: &Call<'_>) -> CallResult {
        const MOST: u64 = 1000;
        let action = Detection::Facial.action(call.text("action"));
        let action = action.ok_or_else(|| ApiError::new(INVALID_PARAMS))?;
        if call.text("status") == "get" {
            let value = self.profile(call)?.thresholds.get(action).copied();
            return Ok(json!(value.unwrap_or(THRESHOLD)));
        }
        let value = u64::from(call.count("value"));
        if value > MOST {
            return Err(ApiError::new(INVALID_PARAMS));
        }
        self.profile_mut(call)?.thresholds.insert(action, value);
        Ok(json!("success"))
    }

    /// `mentalCommandActiveAction`.
    pub(super) fn active_action(&mut self, call: &Call<'_>) -> CallResult {
        if call.text("status") == "get" {
            let active = self.profile(call)?.active().iter();
            return Ok(["neutral"].iter().chain(active).copied().collect());
        }
        let known = call.texts("actions").map(|name| Detection::Mental.action(name));
        let mut actions =
            known.collect::<Option<Vec<_>>>().ok_or_else(|| ApiError::new(INVALID_PARAMS))?;
        actions.retain(|action| *action != "neutral");
        if actions.len() > ACTIVE {
            return Err(ApiError::invalid("Too many actions."));
        }
        self.profile_mut(call)?.activate(actions.clone());
        Ok(json!({ "actions": actions, "message": "The active actions have been set" }))
    }

    /// `mentalCommandBrainMap`.
    pub(super) fn brain_map(&self, call: &Call<'_>) -> CallResult {
        let profile = self.profile(call)?;
        let trained = ["neutral"].iter().chain(profile.active());
        let trained = trained.filter(|action| profile.mental.times(action) > 0);
        // Neutral in the middle, the others around it; the better trained, the further out.
        let places = trained.zip(0..).map(|(action, place)| {
            let angle = f64::from(place) * std::f64::consts::TAU / 5.0;
            let far = if *action == "neutral" { 0.0 } else { skill(profile, action) };
            let [x, y] = [angle.cos(), angle.sin()].map(|it| (it * far * 1e4).round() / 1e4);
            json!({ "action": action, "coordinates": [x, y] })
        });
        Ok(places.collect())
    }

    /// `mentalCommandGetSkillRating`.
    pub(super) fn skill_rating(&self, call: &Call<'_>) -> CallResult {
        let profile = self.profile(call)?;
        let rating = if let Some(name) = call.optional_text("action") {
            let action = Detection::Mental.action(name);
            skill(profile, action.ok_or_else(|| ApiError::new(INVALID_PARAMS))?)
        } else {
            let all = profile.active().iter().map(|action| skill(profile, action));
            all.sum::<f64>() / profile.active().len().max(1) as f64
        };
        Ok(json!((rating * 1e4).round() / 1e4))
    }

    /// `mentalCommandTrainingThreshold`.
    pub(super) fn training_threshold(&self, call: &Call<'_>) -> CallResult {
        let score = self.profile(call)?.last_score.unwrap_or_default();
        Ok(json!({ "currentThreshold": 0.5, "lastTrainingScore": (score * 1e4).round() / 1e4 }))
    }

    /// `mentalCommandActionSensitivity`.
    pub(super) fn action_sensitivity(&mut self, call: &Call<'_>) -> CallResult {
        if call.text("status") == "get" {
            return Ok(json!(self.profile(call)?.sensitivity));
        }
        let values = call.get("values").and_then(Value::as_array).into_iter().flatten();
        let values: Vec<u64> = values.filter_map(Value::as_u64).collect();
        let values: Option<[u64; ACTIVE]> = values.try_into().ok();
        let values = values.filter(|values| values.iter().all(|value| (1..=10).contains(value)));
        let values = values.ok_or_else(|| ApiError::new(INVALID_PARAMS))?;
        self.profile_mut(call)?.sensitivity = values;
        Ok(json!("success"))
    }

    /// The profile to read: the one loaded in a session, or a stored one.
    fn profile(&self, call: &Call<'_>) -> Result<&StoredProfile, ApiError> {
        if call.get("session").is_some() {
            let headset = self.headsets.get(self.sessions.find(call)?.place);
            let loaded = headset.and_then(|headset| headset.profile.as_ref());
            return loaded.map(|loaded| &loaded.profile).ok_or_else(unknown_profile);
        }
        self.profiles.find(call.text("profile"))
    }

    /// The profile to change, which must be one loaded in a session.
    fn profile_mut(&mut self, call: &Call<'_>) -> Result<&mut StoredProfile, ApiError> {
        let place = self.sessions.find(call)?.place;
        let headset = self.headsets.get_mut(place).ok_or_else(unknown_profile)?;
        let profile = &mut loaded(headset, call)?.profile;
        if profile.read_only {
            Err(ApiError::invalid("The profile can only be read."))
        } else {
            Ok(profile)
        }
    }
}

/// How well an action is trained, 0..1: each training halves the distance to 1.
fn skill(profile: &StoredProfile, action: &str) -> f64 {
    let times = profile.mental.times(action);
    if times == 0 { 0.0 } else { 1.0 - 0.5_f64.powi(times.min(32).cast_signed()) }
}
