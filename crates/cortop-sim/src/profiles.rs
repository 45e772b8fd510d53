//! The user's profiles, and which headset uses which (§2.10, §3.7). All applications see all
//! profiles; one cannot unload what another has loaded.

use serde_json::{Value, json};

use super::{
    api_error::{ApiError, CallResult},
    call::Call,
    detection::Detection,
    environment::Environment,
    headset::SimulatedHeadset,
    headsets::Headsets,
    profile::{ActiveProfile, StoredProfile},
};
use cortop_protocol::code::{
    error::{PROFILE_LOADED, PROFILE_OF_OTHER_APP, PROFILE_OF_OTHER_MODEL},
    warning::PROFILE_UNLOADED,
};

/// The most profiles that can be stored.
const MAX_PROFILES: usize = 256;
/// The name of the profile that is never stored.
const GUEST: &str = "Guest";

/// `getDetectionInfo`.
pub(super) fn detection_info(call: &Call<'_>) -> Value {
    Detection::named(call.text("detection")).info()
}

/// The stored profiles.
#[derive(Default)]
pub(super) struct Profiles(pub(super) Vec<StoredProfile>);

impl Profiles {
    /// `queryProfile`.
    pub(super) fn query(&self) -> Value {
        self.0.iter().map(StoredProfile::to_json).collect()
    }

    /// `getCurrentProfile`.
    pub(super) fn current(call: &Call<'_>, headsets: &Headsets) -> CallResult {
        let headset = headsets.connected(call.text("headset"))?;
        Ok(match &headset.profile {
            Some(loaded) => json!({
                "loadedByThisApp": loaded.app == call.app,
                "name": loaded.profile.name,
            }),
            None => json!({ "name": null }),
        })
    }

    /// `setupProfile`.
    pub(super) fn setup(
        &mut self,
        call: &Call<'_>,
        env: &mut Environment,
        headsets: &mut Headsets,
    ) -> CallResult {
        let (action, name) = (call.text("status"), call.text("profile"));
        if name.is_empty() && action != "unload" {
            return Err(ApiError::invalid("The profile has no name."));
        }
        let past = match action {
            "create" => self.create(call, env, headsets).map(|()| "created"),
            "load" => self.load(call, env, headsets).map(|()| "loaded"),
            "unload" => Self::unload(call, env, headsets).map(|()| "unloaded"),
            "save" => self.save(call, headsets).map(|()| "saved"),
            "rename" => self.rename(call, headsets).map(|()| "renamed"),
            _ => self.delete(call, env, headsets).map(|()| "deleted"),
        }?;
        let message = format!("The profile is {past}");
        Ok(json!({ "action": action, "message": message, "name": name }))
    }

    /// `loadGuestProfile`.
    pub(super) fn load_guest(
        call: &Call<'_>,
        env: &mut Environment,
        headsets: &mut Headsets,
    ) -> CallResult {
        let channels = headsets.connected(call.text("headset"))?.spec.sensors.clone();
        let guest = StoredProfile::new(GUEST, env.ids.uuid(), channels);
        headsets.load_profile(call.text("headset"), loaded_by(call, guest), env)?;
        Ok(json!({ "message": "The guest profile is loaded" }))
    }

    fn create(
        &mut self,
        call: &Call<'_>,
        env: &mut Environment,
        headsets: &Headsets,
    ) -> Result<(), ApiError> {
        let name = call.text("profile");
        if self.place_of(name).is_some() {
            return Err(ApiError::invalid("The profile already exists."));
        }
        if self.0.len() == MAX_PROFILES {
            return Err(ApiError::invalid("No more profiles can be stored."));
        }
        let uuid = env.ids.uuid();
        let profile = if let Some(id) = call.optional_text("headset") {
            let headset = headsets.connected(id)?;
            match &headset.profile {
                Some(loaded) => loaded.profile.copy(name, uuid),
                None => StoredProfile::new(name, uuid, headset.spec.sensors.clone()),
            }
        } else {
            let first = headsets.0.iter().find(|headset| headset.streams());
            let channels = first.map(|own| own.spec.sensors.clone()).unwrap_or_default();
            StoredProfile::new(name, uuid, channels)
        };
        self.0.push(profile);
        Ok(())
    }

    fn load(
        &self,
        call: &Call<'_>,
        env: &mut Environment,
        headsets: &mut Headsets,
    ) -> Result<(), ApiError> {
        let name = call.text("profile");
        let headset = headsets.connected(call.text("headset"))?;
        let stored = self.find(name)?;
        // Older profiles belong to headsets with 14 channels.
        let fits = match stored {
            StoredProfile { read_only: true, .. } => headset.spec.sensors.len() == 14,
            StoredProfile { channels, .. } => {
                channels.is_empty() || *channels == headset.spec.sensors
            }
        };
        if headset.profile.is_some() {
            return Err(ApiError::new(PROFILE_LOADED));
        }
        check_ownership(name, call, headsets)?;
        if !fits {
            return Err(ApiError::new(PROFILE_OF_OTHER_MODEL));
        }
        headsets.load_profile(call.text("headset"), loaded_by(call, stored.clone()), env)
    }

    /// Any name but that of the loaded profile changes nothing and is not an error (§2.10).
    fn unload(
        call: &Call<'_>,
        env: &mut Environment,
        headsets: &mut Headsets,
    ) -> Result<(), ApiError> {
        let name = call.text("profile");
        let place = headsets.connected_place(call.text("headset"))?;
        let loaded =
            headsets.connected_mut(call.text("headset")).and_then(|own| loaded(own, call))?;
        if name.is_empty() || loaded.profile.name == name {
            headsets.unload_profile(place, PROFILE_UNLOADED, env);
        }
        Ok(())
    }

    fn save(&mut self, call: &Call<'_>, headsets: &mut Headsets) -> Result<(), ApiError> {
        let name = call.text("profile");
        let headset = headsets.connected_mut(call.text("headset"))?;
        let profile = &loaded(headset, call)?.profile;
        if profile.name != name || profile.read_only {
            return Err(ApiError::invalid("The profile cannot be saved."));
        }
        // A guest's profile is not kept.
        let stored = self.0.iter_mut().find(|own| own.name == name).ok_or_else(unknown_profile)?;
        stored.clone_from(profile);
        Ok(())
    }

    fn rename(&mut self, call: &Call<'_>, headsets: &mut Headsets) -> Result<(), ApiError> {
        let (name, new) = (call.text("profile"), call.text("newProfileName"));
        let place = self.place_of(name).ok_or_else(unknown_profile)?;
        check_ownership(name, call, headsets)?;
        if new.is_empty() || self.place_of(new).is_some() {
            return Err(ApiError::invalid("The new name is empty or taken."));
        }
        let stored = self.0.get_mut(place).into_iter();
        let loaded = headsets.0.iter_mut().filter_map(|own| own.profile.as_mut());
        let loaded = loaded.map(|loaded| &mut loaded.profile);
        for profile in stored.chain(loaded).filter(|profile| profile.name == name) {
            new.clone_into(&mut profile.name);
        }
        Ok(())
    }

    fn delete(
        &mut self,
        call: &Call<'_>,
        env: &mut Environment,
        headsets: &mut Headsets,
    ) -> Result<(), ApiError> {
        let name = call.text("profile");
        let place = self.place_of(name).ok_or_else(unknown_profile)?;
        check_ownership(name, call, headsets)?;
        headsets.unload_profiles(PROFILE_UNLOADED, env, |loaded| loaded.profile.name == name);
        self.0.remove(place);
        Ok(())
    }

    fn place_of(&self, name: &str) -> Option<usize> {
        self.0.iter().position(|profile| profile.name == name)
    }

    /// The stored profile with this name.
    pub(super) fn find(&self, name: &str) -> Result<&StoredProfile, ApiError> {
        self.0.iter().find(|profile| profile.name == name).ok_or_else(unknown_profile)
    }
}

/// The profile that the calling application has loaded on a headset.
pub(super) fn loaded<'a>(
    headset: &'a mut SimulatedHeadset,
    call: &Call<'_>,
) -> Result<&'a mut ActiveProfile, ApiError> {
    let loaded = headset.profile.as_mut();
    let loaded =
        loaded.ok_or_else(|| ApiError::invalid("No profile is loaded for this headset."))?;
    if loaded.app == call.app { Ok(loaded) } else { Err(ApiError::new(PROFILE_OF_OTHER_APP)) }
}

/// A profile may be taken unless another application has loaded it.
fn check_ownership(name: &str, call: &Call<'_>, headsets: &Headsets) -> Result<(), ApiError> {
    let mut loaded = headsets.0.iter().filter_map(|headset| headset.profile.as_ref());
    if loaded.any(|loaded| loaded.profile.name == name && loaded.app != call.app) {
        return Err(ApiError::new(PROFILE_OF_OTHER_APP));
    }
    Ok(())
}

fn loaded_by(call: &Call<'_>, profile: StoredProfile) -> ActiveProfile {
    ActiveProfile { profile, app: call.app.clone(), connection: Some(call.connection) }
}

pub(super) fn unknown_profile() -> ApiError {
    ApiError::invalid("The profile does not exist.")
}
