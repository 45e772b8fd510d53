//! Service, user and licence (§2.1, §2.2, §4.6, §4.8).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::lenient::Members;

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
        let mut members = Members::of("getCortexInfo", value);
        // 2.0.2 misspelt it.
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
    /// The OS user that asks.
    #[serde(rename = "currentOSUId")]
    pub current_os_uid: String,
    /// Its name.
    #[serde(rename = "currentOSUsername")]
    pub current_os_username: String,
    /// The OS user that logged in.
    #[serde(rename = "loggedInOSUId")]
    pub logged_in_os_uid: String,
    /// Its name.
    #[serde(rename = "loggedInOSUsername")]
    pub logged_in_os_username: String,
    /// When.
    #[serde(rename = "lastLoginTime")]
    pub last_login_time: String,
}

impl From<Value> for UserLogin {
    fn from(value: Value) -> Self {
        let mut members = Members::of("getUserLogin", value);
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
    /// Whether another account of this computer holds the service (§2.2): then this one cannot
    /// use it.
    #[must_use]
    pub fn is_other_os_user(&self) -> bool {
        !self.current_os_uid.is_empty()
            && !self.logged_in_os_uid.is_empty()
            && self.current_os_uid != self.logged_in_os_uid
    }
}

/// The licence as `getLicenseInfo` tells it (§4.6).
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
    /// Whether it has ended.
    pub expired: bool,
    /// ISO time until which it is valid.
    pub valid_to: String,
    /// ISO time from which Cortex warns that it has been used offline for long.
    pub soft_limit_time: String,
    /// ISO time from which it cannot be used offline.
    pub hard_limit_time: String,
    /// Whether EMOTIV's cloud has told this; else it comes from this computer's memory.
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
    /// Reads the answer of `getLicenseInfo`.
    pub(super) fn from_answer(mut answer: Value) -> Self {
        let is_online = answer.get("isOnline").and_then(Value::as_bool).unwrap_or_default();
        let licence = answer.get_mut("license").map(Value::take).unwrap_or_default();
        Self { is_online, ..licence.into() }
    }

    /// Whether it carries a scope (`eeg`, `pm`).
    #[must_use]
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes.iter().any(|own| own == scope)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

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
