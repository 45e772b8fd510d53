//! The headsets and what can happen to them: discovered, connected, disconnected, lost and found
//! again (§2.5, §2.6, §2.12, §3.2). Independent of sessions.

use serde_json::{Value, json};

use super::{
    api_error::{ApiError, CallResult},
    call::Call,
    environment::{Environment, ScheduledEvent},
    headset::SimulatedHeadset,
    mappings,
    profile::ActiveProfile,
};
use cortop_protocol::{
    HeadsetId,
    code::{
        error::{HEADSET_UNAVAILABLE, INVALID_PARAMS, PROFILE_LOADED},
        warning,
    },
    headset::HeadsetStatus,
};

/// After a disconnect, the status changes a moment later (§3.2).
const DISCONNECT_SECONDS: f64 = 0.05;

/// All headsets, whether in range or not.
pub(super) struct Headsets(pub(super) Vec<SimulatedHeadset>);

impl Headsets {
    /// `controlDevice`.
    pub(super) fn control_device(&mut self, call: &Call<'_>, env: &mut Environment) -> CallResult {
        let command = call.text("command");
        let message = if command == "refresh" {
            let end = call.now + env.delays.scan.as_secs_f64();
            env.schedule(end, ScheduledEvent::ScanEnd);
            "Start discovering headsets".to_owned()
        } else {
            let id = call.text("headset");
            let place = self.place_of(id).ok_or_else(|| ApiError::new(HEADSET_UNAVAILABLE))?;
            if command == "connect" {
                self.connect(place, call, env)?;
                format!("Start connecting to headset {id}")
            } else {
                let end = call.now + DISCONNECT_SECONDS;
                env.schedule(end, ScheduledEvent::Disconnected(place));
                format!("Start disconnecting from headset {id}")
            }
        };
        Ok(json!({ "command": command, "message": message }))
    }

    /// `queryHeadsets`.
    pub(super) fn query(&self, call: &Call<'_>) -> Value {
        let wanted = call.text("id");
        let fits = |id: &str| match wanted.strip_suffix('*') {
            Some(prefix) => id.starts_with(prefix),
            None => wanted.is_empty() || id == wanted,
        };
        let mapped = call.flag("includeFlexMappings");
        let seen = self.0.iter().filter(|headset| !headset.is_off());
        let objects = seen.filter(|headset| fits(headset.id.as_str())).map(|headset| {
            let mut object = headset.to_json();
            if mapped && headset.spec.flex() {
                object["flexMappings"] = json!(headset.mapping);
            }
            object
        });
        objects.collect()
    }

    /// `syncWithHeadsetClock`.
    pub(super) fn sync_clock(&self, call: &Call<'_>, env: &Environment) -> CallResult {
        let headset = call.text("headset");
        self.connected(headset)?;
        // Relative to the clock that stamps the samples, compared when the request arrives.
        let adjustment = env.clock.epoch(call.now) - call.number("monotonicTime");
        Ok(json!({ "adjustment": adjustment, "headset": headset }))
    }

    pub(super) fn get(&self, place: usize) -> Option<&SimulatedHeadset> {
        self.0.get(place)
    }

    pub(super) fn get_mut(&mut self, place: usize) -> Option<&mut SimulatedHeadset> {
        self.0.get_mut(place)
    }

    /// The index in the list of a headset that is in range.
    pub(super) fn place_of(&self, id: &str) -> Option<usize> {
        self.0.iter().position(|own| own.id.as_str() == id && !own.is_off())
    }

    /// A connected headset.
    pub(super) fn connected(&self, id: &str) -> Result<&SimulatedHeadset, ApiError> {
        let place = self.connected_place(id)?;
        self.get(place).ok_or_else(|| ApiError::new(HEADSET_UNAVAILABLE))
    }

    /// Like [`connected`](Self::connected), mutable.
    pub(super) fn connected_mut(&mut self, id: &str) -> Result<&mut SimulatedHeadset, ApiError> {
        let place = self.connected_place(id)?;
        self.get_mut(place).ok_or_else(|| ApiError::new(HEADSET_UNAVAILABLE))
    }

    /// The index of a connected headset in the list.
    pub(super) fn connected_place(&self, id: &str) -> Result<usize, ApiError> {
        let connected = |own: &SimulatedHeadset| {
            own.id.as_str() == id && own.status == HeadsetStatus::Connected
        };
        let place = self.0.iter().position(connected);
        place.ok_or_else(|| ApiError::new(HEADSET_UNAVAILABLE))
    }

    fn connect(
        &mut self,
        place: usize,
        call: &Call<'_>,
        env: &mut Environment,
    ) -> Result<(), ApiError> {
        let Some(headset) = self.0.get_mut(place) else { return Ok(()) };
        let mapping = match call.get("mappings") {
            None => None,
            Some(value) => {
                let read = mappings::read(value).filter(|_| headset.spec.flex());
                Some(read.ok_or_else(|| ApiError::new(INVALID_PARAMS))?)
            }
        };
        if headset.status == HeadsetStatus::Connected {
            // Neither link nor sensors change while others are streaming.
            env.schedule(call.now, ScheduledEvent::Connected(place));
            return Ok(());
        }
        let mut spec = headset.spec.clone();
        if let Some(mapping) = mapping {
            spec.set_flex_sensors(mappings::sensors(&mapping));
            headset.mapping = mapping;
        }
        spec.connected_by = match call.text("connectionType") {
            "" => spec.connected_by,
            "usb cable" => "usb cable",
            "dongle" => "dongle",
            _ => "bluetooth",
        };
        let outcome = match spec.obstacle() {
            Some(code) => ScheduledEvent::ConnectionFailed(place, code),
            None => ScheduledEvent::Connected(place),
        };
        headset.refit(spec);
        headset.status = HeadsetStatus::Connecting;
        env.schedule(call.now + env.delays.connect.as_secs_f64(), outcome);
        Ok(())
    }

    /// A connection attempt has failed, with the warning's code as the reason (§2.6).
    pub(super) fn connection_failed(&mut self, place: usize, code: i64, env: &mut Environment) {
        let Some(headset) = self.0.get_mut(place) else { return };
        headset.status = HeadsetStatus::Discovered;
        env.warn(code, &behavior("The headset cannot be connected.", &headset.id));
    }

    /// A connection attempt has succeeded, or has timed out because the headset is gone.
    pub(super) fn connection_done(&mut self, place: usize, now: f64, env: &mut Environment) {
        let Some(headset) = self.0.get_mut(place) else { return };
        if headset.gone {
            headset.status = HeadsetStatus::Discovered;
            let text = "Connecting to the headset took too long.";
            return env.warn(warning::CONNECTION_TIMEOUT, &behavior(text, &headset.id));
        }
        if headset.status != HeadsetStatus::Connected {
            headset.start_measuring(now, env.delays.metrics.as_secs_f64());
        }
        let message = behavior("The headset is connected.", &headset.id);
        env.warn(warning::HEADSET_CONNECTED, &message);
    }

    /// A headset was disconnected, which also unloads its profile.
    pub(super) fn disconnected(&mut self, place: usize, env: &mut Environment) {
        let Some(headset) = self.0.get_mut(place) else { return };
        headset.status = HeadsetStatus::Discovered;
        env.cancel(&ScheduledEvent::Connected(place));
        self.unload_profile(place, warning::PROFILE_UNLOADED_BY_CORTEX, env);
    }

    /// A scan has ended.
    pub(super) fn scan_done(env: &mut Environment) {
        let message = behavior("Headset discovering complete.", &HeadsetId::default());
        env.warn(warning::SCAN_DONE, &message);
    }

    /// A headset goes out of range (§2.12): first silence, then the warnings.
    pub(super) fn lose(&mut self, place: usize, now: f64, env: &mut Environment) {
        let Some(headset) = self.0.get_mut(place).filter(|headset| !headset.gone) else { return };
        headset.gone = true;
        if headset.status != HeadsetStatus::Discovered {
            headset.status = HeadsetStatus::Connecting;
            let end = now + env.delays.silence.as_secs_f64();
            env.schedule(end, ScheduledEvent::Silence(place));
        }
    }

    /// A headset is in range again; connected if it was away only briefly.
    pub(super) fn find_again(&mut self, place: usize, now: f64, env: &mut Environment) {
        env.cancel(&ScheduledEvent::Silence(place));
        let Some(headset) = self.0.get_mut(place).filter(|headset| headset.gone) else { return };
        headset.gone = false;
        if headset.status == HeadsetStatus::Connecting {
            headset.status = HeadsetStatus::Connected;
            headset.ready_at = now + headset.warm_up;
        }
    }

    /// Warns that a headset has sent nothing for too long; for a virtual one there is no warning.
    pub(super) fn warn_of_silence(&self, place: usize, env: &mut Environment) {
        let Some(headset) = self.0.get(place).filter(|headset| !headset.is_virtual) else { return };
        let message = behavior("No data from the headset, it is disconnected.", &headset.id);
        env.warn(warning::HEADSET_LOST, &message);
    }

    /// Loads a profile on a headset that has none.
    pub(super) fn load_profile(
        &mut self,
        id: &str,
        loaded: ActiveProfile,
        env: &mut Environment,
    ) -> Result<(), ApiError> {
        let headset = self.connected_mut(id)?;
        if headset.profile.is_some() {
            return Err(ApiError::new(PROFILE_LOADED));
        }
        let message = profile_message("Profile is loaded", &headset.id, &loaded);
        headset.profile = Some(loaded);
        env.warn(warning::PROFILE_LOADED, &message);
        Ok(())
    }

    /// Unloads the profile of a headset, if any; the code of the warning tells who unloaded it.
    pub(super) fn unload_profile(&mut self, place: usize, code: i64, env: &mut Environment) {
        let Some(headset) = self.0.get_mut(place) else { return };
        let Some(loaded) = headset.profile.take() else { return };
        env.warn(code, &profile_message("Profile is unloaded", &headset.id, &loaded));
    }

    /// Unloads the matching profiles.
    pub(super) fn unload_profiles(
        &mut self,
        code: i64,
        env: &mut Environment,
        fits: impl Fn(&ActiveProfile) -> bool,
    ) {
        for place in 0..self.0.len() {
            if self.get(place).and_then(|own| own.profile.as_ref()).is_some_and(&fits) {
                self.unload_profile(place, code, env);
            }
        }
    }

    /// Schedules the unloading of a closed client's profiles, which Cortex does after a while
    /// (§1.5).
    pub(super) fn abandon_profiles(&self, connection: u64, now: f64, env: &mut Environment) {
        let own = |loaded: &ActiveProfile| loaded.connection == Some(connection);
        if self.0.iter().any(|headset| headset.profile.as_ref().is_some_and(own)) {
            let end = now + env.delays.linger.as_secs_f64();
            env.schedule(end, ScheduledEvent::ProfilesAbandoned(connection));
        }
    }
}

/// The message of most warnings about headsets (§6.2).
pub(super) fn behavior(text: &str, id: &HeadsetId) -> Value {
    json!({ "behavior": text, "headsetId": id })
}

fn profile_message(behavior: &str, headset: &HeadsetId, loaded: &ActiveProfile) -> Value {
    json!({ "behavior": behavior, "headset": headset, "profile": loaded.profile.name })
}
