//! Service, user and licence (§2.1, §2.2, §4.6, §4.8).

use serde::{Deserialize, Serialize};

/// `getCortexInfo` (§2.1).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CortexInfo {
    /// When the service was built.
    pub build_date: String,
    /// Its build.
    pub build_number: String,
    /// Its version, such as `4.8.32`.
    pub version: String,
}

/// The user logged in with EMOTIV Launcher (§4.8).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
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

/// The licence as `getLicenseInfo` tells it (§4.6).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
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
}

impl Licence {
    /// Whether it carries a scope (`eeg`, `pm`).
    #[must_use]
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes.iter().any(|own| own == scope)
    }
}
