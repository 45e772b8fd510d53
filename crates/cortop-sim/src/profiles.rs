//! The user's profiles and which headset uses which (§2.10, §3.7). All applications see all
//! profiles; what one has loaded, another cannot take away.

use serde_json::{Value, json};

pub(super) use super::profile::LoadedProfile;
use super::{
    detection::Detection,
    dispatch::Call,
    headsets::SimulatedHeadset,
    profile::StoredProfile,
    refusal::{
        ApiError, CallResult, HEADSET_UNAVAILABLE, PROFILE_LOADED, PROFILE_MISFIT,
        PROFILE_OF_ANOTHER,
    },
    service::{ScheduledEvent, Service},
};

/// Profiles that can be stored.
const MOST: usize = 256;
/// The name of the profile that is never stored.
const GUEST: &str = "Guest";

#[expect(clippy::unnecessary_wraps, reason = "every method of the table may refuse")]
impl Service {
    pub(super) fn query_profile(&mut self, _: &Call<'_>) -> CallResult {
        Ok(self.profiles.iter().map(StoredProfile::to_json).collect())
    }

    pub(super) fn current_profile(&mut self, call: &Call<'_>) -> CallResult {
        let headset = self.device(call)?;
        Ok(match &headset.profile {
            Some(loaded) => json!({
                "loadedByThisApp": loaded.app == call.app,
                "name": loaded.profile.name,
            }),
            None => json!({ "name": null }),
        })
    }

    pub(super) fn detection_info(_: &mut Self, call: &Call<'_>) -> CallResult {
        Ok(Detection::named(call.text("detection")).info())
    }

    pub(super) fn setup_profile(&mut self, call: &Call<'_>) -> CallResult {
        let (action, name) = (call.text("status"), call.text("profile"));
        if name.is_empty() && action != "unload" {
            return Err(ApiError::bad("The profile has no name."));
        }
        match action {
            "create" => self.create_profile(call, name)?,
            "load" => self.load_profile(call, name)?,
            "unload" => self.unload_profile(call, name)?,
            "save" => self.save_profile(call, name)?,
            "rename" => self.rename_profile(call, name)?,
            _ => self.delete_profile(call, name)?,
        }
        let message = format!("The profile is {}", past(action));
        Ok(json!({ "action": action, "message": message, "name": name }))
    }

    pub(super) fn load_guest_profile(&mut self, call: &Call<'_>) -> CallResult {
        let channels = self.device(call)?.spec.sensors.clone();
        let guest = StoredProfile::new(GUEST, self.ids.uuid(), channels);
        self.put(call, guest)?;
        Ok(json!({ "message": "The guest profile is loaded" }))
    }

    fn create_profile(&mut self, call: &Call<'_>, name: &str) -> Result<(), ApiError> {
        if self.stored(name).is_some() {
            return Err(ApiError::bad("The profile already exists."));
        }
        if self.profiles.len() == MOST {
            return Err(ApiError::bad("No more profiles can be stored."));
        }
        let uuid = self.ids.uuid();
        let profile = if call.get("headset").is_some() {
            let headset = self.device(call)?;
            match &headset.profile {
                Some(loaded) => loaded.profile.copy(name, uuid),
                None => StoredProfile::new(name, uuid, headset.spec.sensors.clone()),
            }
        } else {
            let first = self.headsets.iter().find(|headset| headset.streams());
            StoredProfile::new(
                name,
                uuid,
                first.map(|own| own.spec.sensors.clone()).unwrap_or_default(),
            )
        };
        self.profiles.push(profile);
        Ok(())
    }

    fn load_profile(&mut self, call: &Call<'_>, name: &str) -> Result<(), ApiError> {
        let headset = self.device(call)?;
        let stored = self.stored(name).and_then(|place| self.profiles.get(place));
        let stored = stored.ok_or_else(unknown_profile)?;
        // Older profiles are of the headsets with 14 channels.
        let fits = match stored {
            StoredProfile { read_only: true, .. } => headset.spec.sensors.len() == 14,
            StoredProfile { channels, .. } => {
                channels.is_empty() || *channels == headset.spec.sensors
            }
        };
        let elsewhere = |own: &SimulatedHeadset| {
            let loaded = own.profile.as_ref();
            loaded.is_some_and(|it| it.profile.name == name && it.app != call.app)
        };
        if headset.profile.is_some() {
            Err(ApiError::new(PROFILE_LOADED))
        } else if self.headsets.iter().any(elsewhere) {
            Err(ApiError::new(PROFILE_OF_ANOTHER))
        } else if fits {
            self.put(call, stored.clone())
        } else {
            Err(ApiError::new(PROFILE_MISFIT))
        }
    }

    /// A name that is not the loaded one's changes nothing and is no error (§2.10).
    fn unload_profile(&mut self, call: &Call<'_>, name: &str) -> Result<(), ApiError> {
        let place = self.connected_place(call.text("headset"))?;
        let loaded = self.own_profile(place, call)?;
        if name.is_empty() || loaded.profile.name == name {
            self.take(place, 14);
        }
        Ok(())
    }

    fn save_profile(&mut self, call: &Call<'_>, name: &str) -> Result<(), ApiError> {
        let place = self.connected_place(call.text("headset"))?;
        let profile = self.own_profile(place, call)?.profile.clone();
        if profile.name != name || profile.read_only {
            return Err(ApiError::bad("The profile cannot be saved."));
        }
        match self.stored(name).and_then(|place| self.profiles.get_mut(place)) {
            Some(stored) => *stored = profile,
            // A guest's is not kept.
            None => return Err(unknown_profile()),
        }
        Ok(())
    }

    fn rename_profile(&mut self, call: &Call<'_>, name: &str) -> Result<(), ApiError> {
        let new = call.text("newProfileName");
        let place = self.stored(name).ok_or_else(unknown_profile)?;
        self.no_other_has(name, &call.app)?;
        if new.is_empty() || self.stored(new).is_some() {
            return Err(ApiError::bad("The new name is empty or taken."));
        }
        let stored = self.profiles.get_mut(place).into_iter();
        let loaded = self.headsets.iter_mut().filter_map(|own| own.profile.as_mut());
        let loaded = loaded.map(|loaded| &mut loaded.profile);
        for profile in stored.chain(loaded).filter(|profile| profile.name == name) {
            new.clone_into(&mut profile.name);
        }
        Ok(())
    }

    fn delete_profile(&mut self, call: &Call<'_>, name: &str) -> Result<(), ApiError> {
        let stored = self.stored(name).ok_or_else(unknown_profile)?;
        self.no_other_has(name, &call.app)?;
        for place in 0..self.headsets.len() {
            let loaded = self.headsets.get(place).and_then(|own| own.profile.as_ref());
            if loaded.is_some_and(|loaded| loaded.profile.name == name) {
                self.take(place, 14);
            }
        }
        self.profiles.remove(stored);
        Ok(())
    }

    /// The headset of a request, which has to be connected.
    fn device(&self, call: &Call<'_>) -> Result<&SimulatedHeadset, ApiError> {
        let place = self.connected_place(call.text("headset"))?;
        self.headsets.get(place).ok_or_else(|| ApiError::new(HEADSET_UNAVAILABLE))
    }

    /// The place in the list of the profile of a name.
    pub(super) fn stored(&self, name: &str) -> Option<usize> {
        self.profiles.iter().position(|profile| profile.name == name)
    }

    /// What the asking application has loaded on a headset.
    pub(super) fn own_profile(
        &mut self,
        place: usize,
        call: &Call<'_>,
    ) -> Result<&mut LoadedProfile, ApiError> {
        let loaded = self.headsets.get_mut(place).and_then(|headset| headset.profile.as_mut());
        let loaded =
            loaded.ok_or_else(|| ApiError::bad("No profile is loaded for this headset."))?;
        if loaded.app == call.app { Ok(loaded) } else { Err(ApiError::new(PROFILE_OF_ANOTHER)) }
    }

    fn no_other_has(&self, name: &str, app: &str) -> Result<(), ApiError> {
        let mut loaded = self.headsets.iter().filter_map(|headset| headset.profile.as_ref());
        if loaded.any(|loaded| loaded.profile.name == name && loaded.app != app) {
            return Err(ApiError::new(PROFILE_OF_ANOTHER));
        }
        Ok(())
    }

    fn put(&mut self, call: &Call<'_>, profile: StoredProfile) -> Result<(), ApiError> {
        let place = self.connected_place(call.text("headset"))?;
        let Some(headset) = self.headsets.get_mut(place) else { return Ok(()) };
        if headset.profile.is_some() {
            return Err(ApiError::new(PROFILE_LOADED));
        }
        let message = told("Profile is loaded", headset, &profile.name);
        let app = call.app.clone();
        headset.profile = Some(LoadedProfile { profile, app, connection: Some(call.connection) });
        self.warn(13, &message);
        Ok(())
    }

    /// Unloads whatever profile a headset has; the code says who wanted it.
    fn take(&mut self, place: usize, code: i64) {
        let Some(headset) = self.headsets.get_mut(place) else { return };
        let Some(LoadedProfile { profile, .. }) = headset.profile.take() else { return };
        let message = told("Profile is unloaded", headset, &profile.name);
        self.warn(code, &message);
    }

    /// Cortex unloads the profile of a headset that is gone.
    pub(super) fn profile_lost(&mut self, place: usize) {
        self.take(place, 15);
    }

    /// Cortex unloads the profiles of a client that is gone, after a while (§1.5).
    pub(super) fn leave_profiles(&mut self, connection: u64, now: f64) {
        let end = now + self.delays.linger.as_secs_f64();
        let left = |own: &SimulatedHeadset| {
            own.profile.as_ref().is_some_and(|it| it.connection == Some(connection))
        };
        if self.headsets.iter().any(left) {
            self.plan(end, ScheduledEvent::ProfilesLeft(connection));
        }
    }

    pub(super) fn profiles_left(&mut self, connection: u64) {
        for place in 0..self.headsets.len() {
            let loaded = self.headsets.get(place).and_then(|own| own.profile.as_ref());
            if loaded.is_some_and(|loaded| loaded.connection == Some(connection)) {
                self.take(place, 15);
            }
        }
    }
}

pub(super) fn unknown_profile() -> ApiError {
    ApiError::bad("The profile does not exist.")
}

fn told(behavior: &str, headset: &SimulatedHeadset, profile: &str) -> Value {
    json!({ "behavior": behavior, "headset": headset.id, "profile": profile })
}

fn past(action: &str) -> &'static str {
    match action {
        "create" => "created",
        "load" => "loaded",
        "unload" => "unloaded",
        "save" => "saved",
        "rename" => "renamed",
        _ => "deleted",
    }
}
