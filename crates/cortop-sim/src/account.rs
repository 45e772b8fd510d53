//! Service, user, access right and licence agreement (§2.1 to §2.4, §3.1).

use std::collections::BTreeMap;

use serde_json::{Value, json};

pub(super) use super::token::TokenUse;
use super::{
    dispatch::Call,
    refusal::{
        ApiError, BAD_KEYS, BAD_PARAMS, CallResult, LICENCE_EXPIRED, NO_ACCESS, NO_LOGIN,
        TOKEN_OF_ANOTHER, UNKNOWN_LICENCE,
    },
    service::{ScheduledEvent, Service},
};

/// The user of the simulated computer.
pub(super) const USER: &str = "sim.user";
/// The user's id.
pub(super) const USER_ID: &str = "51b1a7ed-0000-4000-8000-000000000001";
/// The licence.
pub(super) const LICENSE_ID: &str = "5e0c7a3e-0000-4000-8000-51b1a7ed0001";
/// Where the licence agreement can be read.
const EULA: &str = "https://id.emotivcloud.com/eoidc/privacy/privacy_eula/";
/// Apps that can be known; no more are let in.
const APPS: usize = 64;

/// Who is logged in with EMOTIV Launcher (§2.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Login {
    /// Nobody.
    None,
    /// The user of this computer.
    #[default]
    Same,
    /// Another account of this computer holds the service.
    Other,
}

impl Login {
    pub(super) fn usable(self) -> bool {
        self == Self::Same
    }
}

/// What is known of an application.
pub(super) struct Application {
    /// Its secret: the first one it came with.
    secret: String,
    /// Its name in the objects of the API.
    id: String,
    /// What the user has answered, if the user has.
    pub(super) granted: Option<bool>,
    /// Whether the user has been asked.
    asked: bool,
    /// Whether its user's data stay out of the cloud.
    opt_out: bool,
}

/// Apps by client id.
pub(super) type Applications = BTreeMap<String, Application>;

#[expect(clippy::unnecessary_wraps, reason = "every method of the table may refuse")]
impl Service {
    pub(super) fn cortex_info(_: &mut Self, _: &Call<'_>) -> CallResult {
        Ok(json!({
            "buildDate": "2025-10-30T09:12:44",
            "buildNumber": concat!("cortop-sim-", env!("CARGO_PKG_VERSION")),
            "version": "4.8.32",
        }))
    }

    pub(super) fn user_login(&mut self, _: &Call<'_>) -> CallResult {
        let (id, name) = match self.login {
            Login::None => return Ok(json!([])),
            Login::Same => ("501", "sim"),
            Login::Other => ("502", "other"),
        };
        Ok(json!([{
            "currentOSUId": "501",
            "currentOSUsername": "sim",
            "lastLoginTime": self.clock.iso(self.logged_in_at),
            "loggedInOSUId": id,
            "loggedInOSUsername": name,
            "username": self.user,
        }]))
    }

    pub(super) fn has_access_right(&mut self, call: &Call<'_>) -> CallResult {
        let app = self.known(call)?;
        let granted = self.may(&app);
        let message = if granted {
            "The user has granted access right to this application."
        } else {
            "The User has not granted access right to this application. Please use Emotiv App to proceed."
        };
        Ok(json!({ "accessGranted": granted, "message": message }))
    }

    /// The user is asked only once, whatever the answer (§2.3).
    pub(super) fn request_access(&mut self, call: &Call<'_>) -> CallResult {
        let id = self.known(call)?;
        let granted = self.may(&id);
        if let Some(app) = self.apps.get_mut(&id).filter(|app| !granted && !app.asked) {
            app.asked = true;
            if let Some(wait) = self.delays.approval {
                self.plan(call.now + wait.as_secs_f64(), ScheduledEvent::Approval(id));
            }
        }
        self.has_access_right(call)
    }

    /// The user answers whether an application may use the service; it may be taken back later.
    pub(super) fn answer_access(&mut self, id: &str, granted: bool) {
        let Some(app) = self.apps.get_mut(id) else { return };
        app.granted = Some(granted);
        let (code, verb) = if granted { (9, "granted") } else { (10, "rejected") };
        let message = json!(format!("The access right to the {} has been {verb}", app.id));
        self.warn(code, &message);
    }

    pub(super) fn authorize(&mut self, call: &Call<'_>) -> CallResult {
        let app = self.known(call)?;
        if !self.may(&app) {
            return Err(ApiError::new(NO_ACCESS));
        }
        match call.text("license") {
            // EMOTIV's own example sends an empty one.
            "" | LICENSE_ID => {}
            // An id has 36 characters; a name is no id.
            other if other.len() == 36 => return Err(ApiError::new(UNKNOWN_LICENCE)),
            _ => return Err(ApiError::new(BAD_PARAMS)),
        }
        if self.licence.expired(call.now) {
            return Err(ApiError::new(LICENCE_EXPIRED));
        }
        self.licence.debit(call.count("debit"));
        let token = self.issue(&app, call.now);
        Ok(if self.eula {
            json!({ "cortexToken": token })
        } else {
            let message = "The licence agreement has not been accepted.";
            let warning = json!({ "code": 6, "licenseUrl": EULA, "message": message });
            json!({ "cortexToken": token, "warning": warning })
        })
    }

    pub(super) fn new_token(&mut self, call: &Call<'_>) -> CallResult {
        if call.app != call.text("clientId") {
            return Err(ApiError::new(TOKEN_OF_ANOTHER));
        }
        let app = self.known(call)?;
        Ok(json!({ "cortexToken": self.issue(&app, call.now) }))
    }

    pub(super) fn user_information(&mut self, _: &Call<'_>) -> CallResult {
        Ok(json!({
            "firstName": "Sim",
            "lastName": "User",
            "licenseAgreement": { "accepted": self.eula, "licenseUrl": EULA },
            "username": self.user,
        }))
    }

    pub(super) fn license_info(&mut self, call: &Call<'_>) -> CallResult {
        Ok(json!({ "isOnline": true, "license": self.licence.to_json(&self.clock, call.now) }))
    }

    /// Member names inferred: nobody has published them.
    pub(super) fn config_opt_out(&mut self, call: &Call<'_>) -> CallResult {
        let app = self.apps.get_mut(&call.app).ok_or_else(|| ApiError::new(NO_ACCESS))?;
        if call.text("status") == "get" {
            return Ok(json!({ "currentOptOut": app.opt_out }));
        }
        let new = call.get("newOptOut").and_then(Value::as_bool);
        app.opt_out = new.ok_or_else(|| ApiError::new(BAD_PARAMS))?;
        Ok(json!({ "message": "The opt-out has been set.", "newOptOut": app.opt_out }))
    }

    /// The client id of a request, after a look at who is logged in and at the secret: which one is
    /// right nobody here can know, so an application is held to its first.
    fn known(&mut self, call: &Call<'_>) -> Result<String, ApiError> {
        if !self.login.usable() {
            return Err(ApiError::new(NO_LOGIN));
        }
        let (id, secret) = (call.text("clientId"), call.text("clientSecret"));
        if id.is_empty() || secret.is_empty() {
            return Err(ApiError::new(BAD_KEYS));
        }
        let known = self.apps.len();
        match self.apps.get(id) {
            Some(app) if app.secret == secret => {}
            None if known < APPS => {
                let number = if known == 0 { String::new() } else { (known + 1).to_string() };
                let app = Application {
                    secret: secret.to_owned(),
                    id: format!("com.{USER}.app{number}"),
                    granted: self.approve_all.then_some(true),
                    asked: false,
                    opt_out: false,
                };
                self.apps.insert(id.to_owned(), app);
            }
            _ => return Err(ApiError::new(BAD_KEYS)),
        }
        Ok(id.to_owned())
    }

    /// Whether the user has let an application in.
    pub(super) fn may(&self, id: &str) -> bool {
        self.apps.get(id).and_then(|app| app.granted) == Some(true)
    }

    /// The `appId` of a client id: made up, the name behind it cannot be known.
    pub(super) fn app_id(&self, id: &str) -> &str {
        self.apps.get(id).map_or("", |app| &app.id)
    }

    /// Somebody logs in or out with EMOTIV Launcher: warnings 2, 3 and 16 (§6.2). With the user go
    /// the sessions.
    pub(super) fn log_in(&mut self, login: Login, now: f64) {
        self.login = login;
        let message = match login {
            Login::None => (3, "The user has logged out."),
            Login::Same => (2, "The user has logged in."),
            Login::Other => (16, "Another user of this computer has logged in."),
        };
        if login == Login::Same {
            self.logged_in_at = now;
        } else {
            self.close_sessions(now, |_| true);
        }
        self.warn(message.0, &json!(message.1));
    }

    /// The user accepts the licence agreement, or there is a new one to accept.
    pub(super) fn set_eula(&mut self, accepted: bool) {
        self.eula = accepted;
        if accepted {
            self.warn(17, &json!("The licence agreement has been accepted."));
        }
    }

    /// The user lets all applications in, or takes the right back from all.
    pub(super) fn answer_all(&mut self, granted: bool) {
        self.approve_all = granted;
        for id in self.apps.keys().cloned().collect::<Vec<_>>() {
            self.answer_access(&id, granted);
        }
    }

    /// All tokens have run out.
    pub(super) fn expire_tokens(&mut self, now: f64) {
        self.tokens.iter_mut().for_each(|token| token.expires = now);
    }
}
