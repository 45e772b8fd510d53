//! Service, user and licence (§2.1, §2.2, §4.6, §4.8).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Method, tolerant::Members};

/// `getCortexInfo` (§2.1).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", from = "Value")]
pub struct CortexInfo {
    /// When the service was built.
    pub build_date: String,
    /// Its build.
    pub build_number: String,
    /// Its version, such as `4.8.32`.
    pub version: String,
}

impl From<Value> for CortexInfo {
    fn from(value: Value) -> Self {
        let mut members = Members::of(Method::GetCortexInfo.name(), value);
        // Version 2.0.2 misspelt it.
        let misspelt = members.text("buidDate");
        Self {
            build_date: members.optional_text("buildDate").unwrap_or(misspelt),
            build_number: members.text("buildNumber"),
            version: members.text("version"),
        }
    }
}

/// The user logged in with EMOTIV Launcher (§4.8).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Value")]
pub struct UserLogin {
    /// The `EmotivID`.
    pub username: String,
    /// The OS user that is asking.
    #[serde(rename = "currentOSUId")]
    pub current_os_uid: String,
    /// That user's name.
    #[serde(rename = "currentOSUsername")]
    pub current_os_username: String,
    /// The OS user that logged in.
    #[serde(rename = "loggedInOSUId")]
    pub logged_in_os_uid: String,
    /// That user's name.
    #[serde(rename = "loggedInOSUsername")]
    pub logged_in_os_username: String,
    /// When the user last logged in.
    #[serde(rename = "lastLoginTime")]
    pub last_login_time: String,
}

impl From<Value> for UserLogin {
    fn from(value: Value) -> Self {
        let mut members = Members::of(Method::GetUserLogin.name(), value);
        Self {
            username: members.text("username"),
            current_os_uid: members.text("currentOSUId"),
            current_os_username: members.text("currentOSUsername"),
            logged_in_os_uid: members.text("loggedInOSUId"),
            logged_in_os_username: members.text("loggedInOSUsername"),
            last_login_time: members.text("lastLoginTime"),
        }
    }
}

impl UserLogin {
    /// Whether another account of this computer holds the service (§2.2), so that this one cannot
    /// use it.
    #[must_use]
    pub fn is_other_os_user(&self) -> bool {
        !self.current_os_uid.is_empty()
            && !self.logged_in_os_uid.is_empty()
            && self.current_os_uid != self.logged_in_os_uid
    }
}

/// The licence as `getLicenseInfo` reports it (§4.6).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", from = "Value")]
pub struct Licence {
    /// Its id.
    pub license_id: String,
    /// Its name, such as `Basic License`.
    pub license_name: String,
    /// `eeg`, `pm`, or a single empty string for none.
    pub scopes: Vec<String>,
    /// Activations left on this computer.
    pub local_quota: Option<f64>,
    /// Whether it has expired.
    pub expired: bool,
    /// ISO time until which it is valid.
    pub valid_to: String,
    /// ISO time from which Cortex warns that the licence has been used offline for a long time.
    pub soft_limit_time: String,
    /// ISO time from which it can no longer be used offline.
    pub hard_limit_time: String,
    /// Whether this comes from EMOTIV's cloud; otherwise it was cached on this computer.
    pub is_online: bool,
}

impl From<Value> for Licence {
    fn from(value: Value) -> Self {
        let mut members = Members::of("licence", value);
        Self {
            license_id: members.text("licenseId"),
            license_name: members.text("licenseName"),
            scopes: members.texts("scopes"),
            local_quota: members.number("localQuota"),
            expired: members.flag("expired"),
            valid_to: members.text("validTo"),
            soft_limit_time: members.text("softLimitTime"),
            hard_limit_time: members.text("hardLimitTime"),
            is_online: members.flag("isOnline"),
        }
    }
}

impl Licence {
    /// Parses the answer of `getLicenseInfo`.
    pub fn from_answer(mut answer: Value) -> Self {
        let is_online = answer.get("isOnline").and_then(Value::as_bool).unwrap_or_default();
        let licence = answer.get_mut("license").map(Value::take).unwrap_or_default();
        Self { is_online, ..licence.into() }
    }

    /// Whether it includes a scope (`eeg`, `pm`).
    #[must_use]
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes.iter().any(|own| own == scope)
    }

    /// What prevents its use now or soon. The limits of offline use count only if the cloud was not
    /// reached: each contact moves them forward.
    #[must_use]
    pub fn problem(&self, now: Timestamp) -> Option<LicenceProblem> {
        const RENEW: &str = "renew the licence in the EMOTIV account";
        const CONNECT: &str = "connect this computer to the internet, with EMOTIV Launcher running";
        let days = |iso: &str| {
            let left = iso.parse::<Timestamp>().ok()?.duration_since(now);
            Some(left.as_secs().div_euclid(86_400))
        };
        let problem = |what: String, next| Some(LicenceProblem { what, next });
        if self.expired {
            return problem("licence expired".to_owned(), RENEW);
        }
        match days(&self.valid_to) {
            Some(..0) => return problem("licence expired".to_owned(), RENEW),
            Some(left @ 0..WARNED) => {
                return problem(format!("licence ends {}", within(left)), RENEW);
            }
            _ => {}
        }
        if self.is_online {
            return None;
        }
        match (days(&self.soft_limit_time), days(&self.hard_limit_time)) {
            (_, Some(..0)) => problem("licence offline too long".to_owned(), CONNECT),
            (Some(..0), Some(left)) | (_, Some(left @ 0..WARNED)) => {
                problem(format!("offline use of the licence ends {}", within(left)), CONNECT)
            }
            (Some(..0), None) => problem("licence offline for long".to_owned(), CONNECT),
            _ => None,
        }
    }
}

/// How many days before its expiry a licence is worth a warning.
const WARNED: i64 = 14;

/// What prevents the use of a licence now or soon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LicenceProblem {
    /// In a few words, such as `licence ends in 5 d`.
    pub what: String,
    /// What to do.
    pub next: &'static str,
}

fn within(days: i64) -> String {
    if days == 0 { "within a day".to_owned() } else { format!("in {days} d") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_licence_warns_before_its_end_and_offline_before_its_limits() {
        let now = "2026-01-10T12:00:00Z".parse().unwrap();
        let what = |licence: Licence| licence.problem(now).map(|problem| problem.what);
        let until = |date: &str| format!("2026-01-{date}T23:59:59.999+00:00");
        let valid = |valid_to| Licence { valid_to, ..Licence::default() };
        let ends = |text: &str| Some(text.to_owned());
        assert_eq!(what(Licence::default()), None);
        assert_eq!(what(valid(until("30"))), None);
        assert_eq!(what(valid(until("15"))), ends("licence ends in 5 d"));
        assert_eq!(what(valid(until("10"))), ends("licence ends within a day"));
        assert_eq!(what(valid(until("09"))), ends("licence expired"));
        let offline = |soft, hard| Licence {
            soft_limit_time: until(soft),
            hard_limit_time: until(hard),
            ..Licence::default()
        };
        assert_eq!(what(offline("20", "30")), None);
        assert_eq!(what(offline("09", "30")), ends("offline use of the licence ends in 20 d"));
        assert_eq!(what(offline("11", "13")), ends("offline use of the licence ends in 3 d"));
        assert_eq!(what(offline("01", "09")), ends("licence offline too long"));
        assert_eq!(what(Licence { is_online: true, ..offline("01", "09") }), None);
    }

    #[test]
    fn the_first_release_misspelt_its_build_date() {
        let info = CortexInfo::from(json!({"buidDate": "2019-05-01", "version": 2.0}));
        assert_eq!(info.build_date, "2019-05-01");
        assert_eq!(info.version, "2.0");
    }

    #[test]
    fn another_os_user_is_told_by_the_two_ids_only_when_both_are_there() {
        let user = |current, logged_in| {
            UserLogin::from(json!({"currentOSUId": current, "loggedInOSUId": logged_in}))
        };
        assert!(user("501", "502").is_other_os_user());
        assert!(!user("501", "501").is_other_os_user());
        assert!(!user("501", "").is_other_os_user());
    }

    #[test]
    fn a_basic_licence_has_no_scope_and_nulls_are_normal() {
        let licence = Licence::from(json!({
            "licenseName": "Basic License", "scopes": [""], "localQuota": null, "expired": false
        }));
        assert!(!licence.has_scope("eeg"));
        assert_eq!(licence.local_quota, None);
    }
}
