//! The licence: scopes, quota, expiry (§4.6).

use serde_json::{Value, json};

use super::{api_error::ApiError, clock::Clock};
use cortop_protocol::code::error::{LICENCE_EXPIRED, NO_ACTIVATION};

/// The id of the licence.
pub(super) const LICENSE_ID: &str = "5e0c7a3e-0000-4000-8000-51b1a7ed0001";

const DAY: f64 = 86_400.0;
/// Service seconds from the start of the service to the expiry of the licence.
const LIFE: f64 = 3650.0 * DAY;

/// The mutable state of the licence.
#[derive(Clone, Debug)]
pub(super) struct LicenceState {
    /// `eeg`, `pm`, or nothing.
    pub(super) scopes: Vec<String>,
    /// Activations left on this computer.
    pub(super) quota: u32,
    /// Service time of its expiry.
    pub(super) ends: f64,
    /// Activations moved to this computer so far.
    debited: u32,
    /// Sessions activated so far.
    sessions: u32,
}

impl LicenceState {
    pub(super) fn new(scopes: &[String], quota: u32) -> Self {
        Self { scopes: scopes.to_vec(), quota, ends: LIFE, debited: quota, sessions: 0 }
    }

    pub(super) fn has(&self, scope: &str) -> bool {
        self.scopes.iter().any(|own| own == scope)
    }

    pub(super) fn expired(&self, now: f64) -> bool {
        now >= self.ends
    }

    /// Moves sessions from the licence to this computer.
    pub(super) fn debit(&mut self, sessions: u32) {
        self.quota = self.quota.saturating_add(sessions);
        self.debited = self.debited.saturating_add(sessions);
    }

    /// Uses one activation of this computer's quota.
    pub(super) fn activate(&mut self, now: f64) -> Result<(), ApiError> {
        if self.expired(now) {
            return Err(ApiError::new(LICENCE_EXPIRED));
        }
        self.quota = self.quota.checked_sub(1).ok_or_else(|| ApiError::new(NO_ACTIVATION))?;
        self.sessions = self.sessions.saturating_add(1);
        Ok(())
    }

    /// The scopes as the API lists them: a basic licence has a single empty one.
    pub(super) fn json_scopes(&self) -> Vec<&str> {
        if self.scopes.is_empty() {
            vec![""]
        } else {
            self.scopes.iter().map(String::as_str).collect()
        }
    }

    /// The licence object.
    pub(super) fn to_json(&self, clock: &Clock, now: f64) -> Value {
        let name = if self.scopes.is_empty() { "Basic License" } else { "Simulated License" };
        json!({
            "applications": ["com.emotiv.sdk.basic"],
            "billingFrom": "2026-01-01T00:00:00.000+00:00",
            "billingTo": clock.iso(self.ends),
            "deviceInfo": {
                "deviceLimit": 3,
                "devicesPerSeat": 3,
                "sessionLimit": { "day": null, "month": null, "year": null },
            },
            "expired": self.expired(now),
            "extenderLimit": 0,
            "hardLimitTime": clock.iso(60.0 * DAY),
            "isCommercial": false,
            "licenseId": LICENSE_ID,
            "licenseName": name,
            "localQuota": self.quota,
            "maxDebit": null,
            "scopes": self.json_scopes(),
            "seatCount": 1,
            "sessionCount": self.sessions,
            "softLimitTime": clock.iso(53.0 * DAY),
            "totalDebit": self.debited,
            "totalRegisteredDevices": 1,
            "validFrom": "2026-01-01T00:00:00.000+00:00",
            "validTo": clock.iso(self.ends),
        })
    }
}
