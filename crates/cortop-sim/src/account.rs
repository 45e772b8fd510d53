//! The account: user, applications, access right, licence agreement, tokens and licence (§2.1 to
//! §2.4, §3.1). Independent of headsets and sessions.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    api_error::{ApiError, CallResult},
    call::Call,
    environment::{Environment, ScheduledEvent},
    licence::{LICENSE_ID, LicenceState},
    noise::slot,
    token::{CLAIMED_LIFE, TokenUse, Tokens},
};
use cortop_protocol::code::{
    error::{
        INVALID_PARAMS, INVALID_TOKEN, LICENCE_EXPIRED, NOT_APPROVED, NOT_LOGGED_IN, TOKEN_EXPIRED,
        TOKEN_OF_OTHER_APP, TOKEN_OF_OTHER_USER, UNKNOWN_LICENCE, WRONG_CREDENTIALS,
    },
    warning,
};

/// The user of the simulated computer.
pub(super) const USER: &str = "sim.user";
/// The user's id.
pub(super) const USER_ID: &str = "51b1a7ed-0000-4000-8000-000000000001";
/// The address of the licence agreement.
const EULA_URL: &str = "https://id.emotivcloud.com/eoidc/privacy/privacy_eula/";
/// The highest number of known applications; further ones are rejected.
const MAX_APPS: usize = 64;

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

/// What is known about an application.
struct Application {
    /// Its secret: the first one that it used.
    secret: String,
    /// Its `appId` in API objects.
    id: String,
    /// The user's answer, if there is one.
    granted: Option<bool>,
    /// Whether the user has been asked.
    asked: bool,
    /// Whether its user's data stays out of the cloud.
    opt_out: bool,
}

/// The account of the user of this computer.
pub(super) struct Account {
    login: Login,
    /// The user's name.
    pub(super) user: String,
    logged_in_at: f64,
    /// Whether the licence agreement has been accepted.
    eula: bool,
    /// By client id.
    apps: BTreeMap<String, Application>,
    /// Whether applications are approved without asking the user.
    approve_all: bool,
    tokens: Tokens,
    pub(super) licence: LicenceState,
}

/// `getCortexInfo`.
pub(super) fn cortex_info() -> Value {
    json!({
        "buildDate": "2025-10-30T09:12:44",
        "buildNumber": concat!("cortop-sim-", env!("CARGO_PKG_VERSION")),
        "version": "4.8.32",
    })
}

impl Account {
    pub(super) fn new(licence: LicenceState, approve_all: bool) -> Self {
        Self {
            login: Login::Same,
            user: USER.to_owned(),
            logged_in_at: 0.0,
            eula: true,
            apps: BTreeMap::new(),
            approve_all,
            tokens: Tokens::default(),
            licence,
        }
    }

    /// `getUserLogin`.
    pub(super) fn user_login(&self, env: &Environment) -> Value {
        let (id, name) = match self.login {
            Login::None => return json!([]),
            Login::Same => ("501", "sim"),
            Login::Other => ("502", "other"),
        };
        json!([{
            "currentOSUId": "501",
            "currentOSUsername": "sim",
            "lastLoginTime": env.clock.iso(self.logged_in_at),
            "loggedInOSUId": id,
            "loggedInOSUsername": name,
            "username": self.user,
        }])
    }

    /// `hasAccessRight`.
    pub(super) fn has_access_right(&mut self, call: &Call<'_>) -> CallResult {
        let app = self.identify(call)?;
        let granted = self.is_approved(&app);
        let message = if granted {
            "The user has granted access right to this application."
        } else {
            "The User has not granted access right to this application. Please use Emotiv App to proceed."
        };
        Ok(json!({ "accessGranted": granted, "message": message }))
    }

    /// `requestAccess`: the user is asked only once, whatever the answer (§2.3).
    pub(super) fn request_access(&mut self, call: &Call<'_>, env: &mut Environment) -> CallResult {
        let id = self.identify(call)?;
        let granted = self.is_approved(&id);
        if let Some(app) = self.apps.get_mut(&id).filter(|app| !granted && !app.asked) {
            app.asked = true;
            if let Some(wait) = env.delays.approval {
                env.schedule(call.now + wait.as_secs_f64(), ScheduledEvent::Approval(id));
            }
        }
        self.has_access_right(call)
    }

    /// `authorize`.
    pub(super) fn authorize(&mut self, call: &Call<'_>, env: &Environment) -> CallResult {
        let app = self.identify(call)?;
        if !self.is_approved(&app) {
            return Err(ApiError::new(NOT_APPROVED));
        }
        match call.text("license") {
            // EMOTIV's own example sends an empty one.
            "" | LICENSE_ID => {}
            // An id has 36 characters; a name is not an id.
            other if other.len() == 36 => return Err(ApiError::new(UNKNOWN_LICENCE)),
            _ => return Err(ApiError::new(INVALID_PARAMS)),
        }
        if self.licence.expired(call.now) {
            return Err(ApiError::new(LICENCE_EXPIRED));
        }
        self.licence.debit(call.count("debit"));
        let token = self.issue_token(&app, call.now, env);
        Ok(if self.eula {
            json!({ "cortexToken": token })
        } else {
            let message = "The licence agreement has not been accepted.";
            let code = warning::EULA_NOT_ACCEPTED;
            let warning = json!({ "code": code, "licenseUrl": EULA_URL, "message": message });
            json!({ "cortexToken": token, "warning": warning })
        })
    }

    /// `generateNewToken`.
    pub(super) fn renew_token(&mut self, call: &Call<'_>, env: &Environment) -> CallResult {
        if call.app != call.text("clientId") {
            return Err(ApiError::new(TOKEN_OF_OTHER_APP));
        }
        let app = self.identify(call)?;
        Ok(json!({ "cortexToken": self.issue_token(&app, call.now, env) }))
    }

    /// `getUserInformation`.
    pub(super) fn user_information(&self) -> Value {
        json!({
            "firstName": "Sim",
            "lastName": "User",
            "licenseAgreement": { "accepted": self.eula, "licenseUrl": EULA_URL },
            "username": self.user,
        })
    }

    /// `getLicenseInfo`.
    pub(super) fn license_info(&self, call: &Call<'_>, env: &Environment) -> Value {
        json!({ "isOnline": true, "license": self.licence.to_json(&env.clock, call.now) })
    }

    /// `configOptOut`. The member names are inferred: nobody has published them.
    pub(super) fn config_opt_out(&mut self, call: &Call<'_>) -> CallResult {
        let app = self.apps.get_mut(&call.app).ok_or_else(|| ApiError::new(NOT_APPROVED))?;
        if call.text("status") == "get" {
            return Ok(json!({ "currentOptOut": app.opt_out }));
        }
        app.opt_out = call.flag("newOptOut");
        Ok(json!({ "message": "The opt-out has been set.", "newOptOut": app.opt_out }))
    }

    /// The client id behind a token, if the token is sufficient for this use.
    pub(super) fn admit(&self, token: &str, usage: TokenUse, now: f64) -> Result<String, ApiError> {
        let token = self.tokens.find(token).ok_or_else(|| ApiError::new(INVALID_TOKEN))?;
        if !self.login.usable() {
            return Err(ApiError::new(NOT_LOGGED_IN));
        }
        if token.user != self.user {
            return Err(ApiError::new(TOKEN_OF_OTHER_USER));
        }
        if now >= token.expires && usage != TokenUse::Renewal {
            return Err(ApiError::new(TOKEN_EXPIRED));
        }
        if !self.is_approved(&token.app) {
            return Err(ApiError::new(NOT_APPROVED));
        }
        // The reference only says that the token cannot be used until then; the code is inferred.
        if !self.eula && usage == TokenUse::Any {
            let message = "The licence agreement has not been accepted.";
            return Err(ApiError::with_message(INVALID_TOKEN, message));
        }
        Ok(token.app.clone())
    }

    fn issue_token(&mut self, app: &str, now: f64, env: &Environment) -> String {
        let (from, _) = slot(env.clock.epoch(now));
        let claims = json!({
            "appId": self.app_id(app),
            "appVersion": "1.0",
            "exp": from + CLAIMED_LIFE,
            "licenseId": LICENSE_ID,
            "nbf": from,
            "userId": USER_ID,
            "username": self.user,
            "version": "2.0",
        });
        self.tokens.issue(app, &self.user, &claims, now)
    }

    /// The client id of a request, after checking the login and the secret. The simulator cannot
    /// know which secret is right, so an application must keep using its first one.
    fn identify(&mut self, call: &Call<'_>) -> Result<String, ApiError> {
        if !self.login.usable() {
            return Err(ApiError::new(NOT_LOGGED_IN));
        }
        let (id, secret) = (call.text("clientId"), call.text("clientSecret"));
        if id.is_empty() || secret.is_empty() {
            return Err(ApiError::new(WRONG_CREDENTIALS));
        }
        let known = self.apps.len();
        match self.apps.get(id) {
            Some(app) if app.secret == secret => {}
            None if known < MAX_APPS => {
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
            _ => return Err(ApiError::new(WRONG_CREDENTIALS)),
        }
        Ok(id.to_owned())
    }

    /// Whether the user has approved an application.
    fn is_approved(&self, id: &str) -> bool {
        self.apps.get(id).and_then(|app| app.granted) == Some(true)
    }

    /// The `appId` of a client id: made up, because the name behind it cannot be known.
    pub(super) fn app_id(&self, id: &str) -> &str {
        self.apps.get(id).map_or("", |app| &app.id)
    }

    /// The user decides whether an application may use the service; approval may be withdrawn
    /// later.
    pub(super) fn answer_access(&mut self, id: &str, granted: bool, env: &mut Environment) {
        let Some(app) = self.apps.get_mut(id) else { return };
        app.granted = Some(granted);
        let (code, verb) = if granted {
            (warning::ACCESS_GRANTED, "granted")
        } else {
            (warning::ACCESS_REJECTED, "rejected")
        };
        env.warn(code, &json!(format!("The access right to the {} has been {verb}", app.id)));
    }

    /// The user approves all applications, or withdraws the approval of all.
    pub(super) fn answer_all(&mut self, granted: bool, env: &mut Environment) {
        self.approve_all = granted;
        for id in self.apps.keys().cloned().collect::<Vec<_>>() {
            self.answer_access(&id, granted, env);
        }
    }

    /// Somebody logs in or out with EMOTIV Launcher (§6.2).
    pub(super) fn log_in(&mut self, login: Login, now: f64, env: &mut Environment) {
        self.login = login;
        let (code, message) = match login {
            Login::None => (warning::LOGGED_OUT, "The user has logged out."),
            Login::Same => (warning::LOGGED_IN, "The user has logged in."),
            Login::Other => {
                (warning::OTHER_OS_USER, "Another user of this computer has logged in.")
            }
        };
        if login == Login::Same {
            self.logged_in_at = now;
        }
        env.warn(code, &json!(message));
    }

    /// The user accepts the licence agreement, or there is a new one to accept.
    pub(super) fn set_eula(&mut self, accepted: bool, env: &mut Environment) {
        self.eula = accepted;
        if accepted {
            let message = "The licence agreement has been accepted.";
            env.warn(warning::EULA_ACCEPTED, &json!(message));
        }
    }

    /// Makes all tokens expire.
    pub(super) fn expire_tokens(&mut self, now: f64) {
        self.tokens.expire(now);
    }
}
