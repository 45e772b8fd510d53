//! Service, user, access right, token and licence (§2.1 to §2.4, §3.1).

use std::fmt::Write as _;

use serde_json::json;

use super::{
    dispatch::Call,
    refusal::{Answer, NO_ACCESS, Refusal, TOKEN_OF_ANOTHER},
    service::{Happening, Service},
};

/// The user of the simulated computer.
pub(super) const USER: &str = "sim.user";
/// The licence.
pub(super) const LICENSE_ID: &str = "5e0c7a3e-0000-4000-8000-51b1a7ed0001";
/// Tokens kept; an application that asks for more loses its oldest.
const TOKENS: usize = 64;

/// What can change of the licence (§4.6).
#[derive(Clone, Debug)]
pub(super) struct Licence {
    /// `eeg`, `pm`, or nothing.
    pub(super) scopes: Vec<String>,
    /// Activations left on this computer.
    pub(super) quota: u32,
    /// Activations moved to this computer so far.
    pub(super) debited: u32,
    /// Sessions activated so far.
    pub(super) sessions: u32,
}

impl Licence {
    pub(super) fn has(&self, scope: &str) -> bool {
        self.scopes.iter().any(|own| own == scope)
    }
}

#[expect(clippy::unnecessary_wraps, reason = "every method of the table may refuse")]
impl Service {
    pub(super) fn cortex_info(_: &mut Self, _: &Call<'_>) -> Answer {
        Ok(json!({
            "buildDate": "2025-10-30T09:12:44",
            "buildNumber": concat!("cortop-sim-", env!("CARGO_PKG_VERSION")),
            "version": "4.8.32",
        }))
    }

    pub(super) fn user_login(&mut self, _: &Call<'_>) -> Answer {
        Ok(json!([{
            "currentOSUId": "501",
            "currentOSUsername": "sim",
            "lastLoginTime": self.clock.iso(0.0),
            "loggedInOSUId": "501",
            "loggedInOSUsername": "sim",
            "username": USER,
        }]))
    }

    pub(super) fn has_access_right(&mut self, call: &Call<'_>) -> Answer {
        let granted = self.may(call.text("clientId"));
        let message = if granted {
            "The user has granted access right to this application."
        } else {
            "The User has not granted access right to this application. Please use Emotiv App to proceed."
        };
        Ok(json!({ "accessGranted": granted, "message": message }))
    }

    pub(super) fn request_access(&mut self, call: &Call<'_>) -> Answer {
        let app = call.text("clientId");
        if let (false, Some(wait)) = (self.may(app), self.delays.approval) {
            self.plan(call.now + wait.as_secs_f64(), Happening::Approval(app.to_owned()));
        }
        self.has_access_right(call)
    }

    pub(super) fn access_granted(&mut self, app: String) {
        self.approved.insert(app);
        self.warn(9, &json!("The access right to the application has been granted"));
    }

    pub(super) fn authorize(&mut self, call: &Call<'_>) -> Answer {
        let app = call.text("clientId");
        if !self.may(app) {
            return Err(Refusal::new(NO_ACCESS));
        }
        let debit = call.count("debit");
        self.licence.quota = self.licence.quota.saturating_add(debit);
        self.licence.debited = self.licence.debited.saturating_add(debit);
        Ok(json!({ "cortexToken": self.issue(app, call.now) }))
    }

    pub(super) fn new_token(&mut self, call: &Call<'_>) -> Answer {
        if call.app != call.text("clientId") {
            return Err(Refusal::new(TOKEN_OF_ANOTHER));
        }
        Ok(json!({ "cortexToken": self.issue(&call.app, call.now) }))
    }

    pub(super) fn user_information(_: &mut Self, _: &Call<'_>) -> Answer {
        Ok(json!({
            "firstName": "Sim",
            "lastName": "User",
            "licenseAgreement": { "accepted": true, "licenseUrl": "https://www.emotiv.com" },
            "username": USER,
        }))
    }

    pub(super) fn license_info(&mut self, _: &Call<'_>) -> Answer {
        let none = vec![String::new()];
        let licence = &self.licence;
        let name = if licence.scopes.is_empty() { "Basic License" } else { "Simulated License" };
        Ok(json!({
            "isOnline": true,
            "license": {
                "applications": ["com.emotiv.sdk.basic"],
                "billingFrom": "2026-01-01T00:00:00.000+00:00",
                "billingTo": "2036-01-01T00:00:00.000+00:00",
                "deviceInfo": {
                    "deviceLimit": 3,
                    "devicesPerSeat": 3,
                    "sessionLimit": { "day": null, "month": null, "year": null },
                },
                "expired": false,
                "extenderLimit": 0,
                "hardLimitTime": self.clock.iso(60.0 * 86_400.0),
                "isCommercial": false,
                "licenseId": LICENSE_ID,
                "licenseName": name,
                "localQuota": licence.quota,
                "maxDebit": null,
                "scopes": if licence.scopes.is_empty() { &none } else { &licence.scopes },
                "seatCount": 1,
                "sessionCount": licence.sessions,
                "softLimitTime": self.clock.iso(53.0 * 86_400.0),
                "totalDebit": licence.debited,
                "totalRegisteredDevices": 1,
                "validFrom": "2026-01-01T00:00:00.000+00:00",
                "validTo": "2036-01-01T23:59:59.999+00:00",
            },
        }))
    }

    /// The application a token was given to.
    pub(super) fn owner_of(&self, token: &str) -> Option<String> {
        self.tokens.iter().find(|(known, _)| known == token).map(|(_, app)| app.clone())
    }

    fn may(&self, app: &str) -> bool {
        self.approve_all || self.approved.contains(app)
    }

    /// A new token: a JWT in standard base64, valid for three days (§2.4).
    fn issue(&mut self, app: &str, now: f64) -> String {
        let from = self.clock.epoch(now).floor();
        let claims = json!({
            "appId": app_id(),
            "appVersion": "1.0",
            "exp": from + 259_200.0,
            "licenseId": LICENSE_ID,
            "nbf": from,
            "userId": "51b1a7ed-0000-4000-8000-000000000001",
            "username": USER,
            "version": "2.0",
        });
        let header = json!({ "alg": "HS256", "typ": "JWT" });
        let signature: [u8; 32] = rand::random();
        let token = [header.to_string().as_bytes(), claims.to_string().as_bytes(), &signature]
            .map(base64)
            .join(".");
        if self.tokens.len() == TOKENS {
            self.tokens.remove(0);
        }
        self.tokens.push((token.clone(), app.to_owned()));
        token
    }
}

/// The `appId` of whoever asks: the simulator cannot know the name behind a client id.
pub(super) fn app_id() -> String {
    format!("com.{USER}.app")
}

/// A UUID of version 4.
pub(super) fn uuid() -> String {
    let bits: u128 = rand::random();
    let bits = bits & !(0xF << 76) | 4 << 76;
    let bits = bits & !(3 << 62) | 2 << 62;
    let hex = format!("{bits:032x}");
    let mut text = String::with_capacity(36);
    for (place, digit) in hex.char_indices() {
        let dash = if matches!(place, 8 | 12 | 16 | 20) { "-" } else { "" };
        // Writing to a `String` cannot fail.
        let _ = write!(text, "{dash}{digit}");
    }
    text
}

/// Standard base64 with padding (RFC 4648 §4).
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let digit = (bits >> (18 - 6 * place)) & 63;
            let known = place <= chunk.len();
            text.push(if known { char::from(DIGITS[digit as usize]) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_pads_as_the_standard_says() {
        let cases = ["", "f", "fo", "foo", "foob"].map(|text| base64(text.as_bytes()));
        assert_eq!(cases, ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg=="]);
    }

    #[test]
    fn uuids_are_of_version_four() {
        let id = uuid();
        assert_eq!(id.len(), 36);
        assert_eq!(id.as_bytes()[14], b'4');
        assert!(b"89ab".contains(&id.as_bytes()[19]));
    }
}
