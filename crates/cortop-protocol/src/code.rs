//! The meaning of Cortex's codes and what to do about them: one table of errors (§6.1) and one of
//! warnings (§6.2), each with a named constant per row. EMOTIV's own documentation of both is
//! incomplete; a code that is not listed here is shown with Cortex's text.

use crate::Method;

/// The kind of failure that an [`Error`](crate::Error) is, as far as the program has to act on it.
/// The rest is for the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// Only the user can resolve it.
    User,
    /// Cortex or the cloud is busy or unreachable: ask again later.
    Busy,
    /// The token has expired: renew it.
    TokenExpired,
    /// The token is not accepted: authorize again.
    TokenInvalid,
    /// Nobody is logged in.
    NotLoggedIn,
    /// The application is not approved.
    NotApproved,
    /// Client id or secret is wrong.
    WrongCredentials,
    /// Licence or quota is insufficient: an open session is still possible.
    Licence,
    /// The headset is not available.
    HeadsetUnavailable,
    /// The headset is available but not ready: ask again with growing pauses.
    HeadsetNotReady,
    /// The session exists already.
    SessionExists,
    /// The session is gone.
    SessionGone,
    /// Cortex did not answer in time.
    NoAnswer,
    /// The connection was lost.
    ConnectionLost,
    /// Nothing listens at the address, or it is not a Cortex service.
    Unreachable,
    /// The service answers, but TLS fails: usually because of its certificate.
    Tls,
    /// TLS fails only because the certificate leads to no known root: the user may decide to trust it.
    Untrusted,
    /// Not requested: a limit of this client was reached.
    Limit,
    /// The client's configuration cannot be used.
    Configuration,
}

impl ErrorKind {
    /// Whether signing in again may provide what is missing.
    #[must_use]
    pub const fn needs_sign_in(self) -> bool {
        matches!(self, Self::NotLoggedIn | Self::NotApproved | Self::WrongCredentials)
    }

    /// Whether it may resolve itself without the user.
    #[must_use]
    pub const fn is_transient(self) -> bool {
        !matches!(self, Self::User | Self::Licence | Self::Configuration) && !self.needs_sign_in()
    }
}

/// A row of the table of errors.
#[derive(Clone, Copy, Debug)]
pub struct ErrorCode {
    /// The code.
    pub code: i64,
    /// The only method for which it has this meaning; `None`: all others.
    pub method: Option<Method>,
    /// What the program does about it.
    pub kind: ErrorKind,
    /// What it means.
    pub meaning: &'static str,
    /// What the user can do about it.
    pub next: &'static str,
}

/// A row of the table of warnings.
#[derive(Clone, Copy, Debug)]
pub struct WarningCode {
    /// The code.
    pub code: i64,
    /// What it means.
    pub meaning: &'static str,
    /// What the user can do about it; empty if nothing has to be done.
    pub next: &'static str,
}

impl ErrorCode {
    /// All rows; those for one method come before the general ones.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        OF_A_METHOD.iter().chain(OF_ANY_METHOD)
    }

    /// The meaning of a code in the answer to a method.
    #[must_use]
    pub fn find(method: Method, code: i64) -> Option<&'static Self> {
        let is_for = |row: &&Self| row.method.is_none_or(|own| own == method);
        Self::all().filter(|row| row.code == code).find(is_for)
    }
}

impl WarningCode {
    /// The meaning of a warning's code.
    #[must_use]
    pub fn find(code: i64) -> Option<&'static Self> {
        WARNINGS.iter().find(|row| row.code == code)
    }
}

/// Turns each row into a constant with its name and a row of the table.
macro_rules! errors {
    ($($name:ident = $code:literal, $kind:ident, $meaning:literal, $next:expr;)*) => {
        /// The codes of errors (§6.1).
        pub mod error {
            $(#[doc = concat!("`", $code, "`: ", $meaning, ".")] pub const $name: i64 = $code;)*
        }

        const OF_ANY_METHOD: &[ErrorCode] = &[$(ErrorCode {
            code: $code, method: None, kind: ErrorKind::$kind, meaning: $meaning, next: $next,
        }),*];
    };
}

/// The same for rows that apply to one method only, named by the constants of the general rows.
macro_rules! errors_of {
    ($($method:ident, $name:ident, $kind:ident, $meaning:literal, $next:expr;)*) => {
        const OF_A_METHOD: &[ErrorCode] = &[$(ErrorCode {
            code: error::$name, method: Some(Method::$method), kind: ErrorKind::$kind, meaning: $meaning, next: $next,
        }),*];
    };
}

/// The same for warnings.
macro_rules! warnings {
    ($($name:ident = $code:literal, $meaning:literal, $next:literal;)*) => {
        /// The codes of warnings (§6.2).
        pub mod warning {
            $(#[doc = concat!("`", $code, "`: ", $meaning, ".")] pub const $name: i64 = $code;)*
        }

        /// The warnings of §6.2.
        pub const WARNINGS: &[WarningCode] =
            &[$(WarningCode { code: $code, meaning: $meaning, next: $next }),*];
    };
}

const REPORT: &str = "report it with the log as a fault of cortop";

errors! {
    PARSE_ERROR = -32700, User, "Cortex could not read the request", REPORT;
    INVALID_REQUEST = -32600, User, "the request lacks members", REPORT;
    METHOD_NOT_FOUND = -32601, User, "this Cortex does not know the method", "update EMOTIV Launcher";
    INVALID_PARAMS = -32602, User, "a parameter is missing, misnamed or bad", REPORT;
    INTERNAL_ERROR = -32603, Busy, "internal error of Cortex", "try again; if this persists, restart the Cortex service";
    CLOUD_FAILED = -32000, Busy, "the EMOTIV cloud failed", "try again later";
    NO_HEADSET = -32001, HeadsetUnavailable, "no headset is connected", "connect a headset first";
    UNKNOWN_LICENCE = -32002, Licence, "the licence id is unknown", "check the licence of the EMOTIV account";
    NO_INTERNET = -32003, Busy, "no internet connection", "connect this computer to the internet and try again";
    HEADSET_UNAVAILABLE = -32004, HeadsetUnavailable, "the headset is not found, off, only discovered, or its link is weak", "switch it on, bring it closer, and connect it";
    SESSION_EXISTS = -32005, SessionExists, "this application has a session on this headset already", "close the other program that uses this application's credentials";
    LICENCE_NEEDED = -32006, Licence, "activating needs a paid licence", "use an open session (--session open), or a licence";
    NO_SESSION = -32007, SessionGone, "the session is unknown or closed", "open the headset again";
    NOT_ACTIVATED = -32012, Licence, "the session must be activated", "activate the session, which debits the licence";
    INVALID_TOKEN = -32014, TokenInvalid, "the token is not valid", "cortop authorizes again automatically; if this persists, check the credentials";
    TOKEN_EXPIRED = -32015, TokenExpired, "the token has expired", "cortop renews it automatically; if this persists, log in again with EMOTIV Launcher";
    STREAM_UNAVAILABLE = -32016, User, "the stream is unavailable or unsupported", "the headset, the licence or this Cortex does not offer it; the other streams keep running";
    NO_ACTIVATION = -32019, Licence, "no activation is left on this computer", "--debit N moves N sessions from the licence to this computer";
    WRONG_CREDENTIALS = -32021, WrongCredentials, "the client id or the client secret is wrong", "compare both with those of the application in your EMOTIV account";
    TOO_MANY_COMPUTERS = -32022, Licence, "the licence is used on too many computers", "ask EMOTIV support to reset its computers";
    LICENCE_EXPIRED = -32024, Licence, "the licence has expired", "renew the licence in the EMOTIV account";
    LICENCE_OF_OTHER_APP = -32027, Licence, "this application may not use that licence", "check the licence of the EMOTIV account";
    NOT_LOGGED_IN = -32033, NotLoggedIn, "nobody is logged in", "log in with EMOTIV Launcher";
    TOKEN_OF_OTHER_USER = -32034, TokenInvalid, "the token belongs to another application or user", "cortop authorizes again automatically; if this persists, check the credentials";
    PROFILE_OF_OTHER_APP = -32046, User, "the profile is loaded by another application", "unload it there first";
    NOT_APPROVED = -32102, NotApproved, "the application is not approved, or unknown", "approve it in EMOTIV Launcher";
    LOGIN_TOKEN_ERROR = -32108, TokenInvalid, "the login token is invalid", "log out and in again with EMOTIV Launcher";
    AUTHORIZE_TOKEN_ERROR = -32109, TokenInvalid, "the authorize token is invalid", "log out and in again with EMOTIV Launcher";
    CORTEX_STARTING = -32122, Busy, "Cortex is starting", "wait a moment";
    PROFILE_LOADED = -32127, User, "a profile is loaded already for this headset", "unload it first";
    CLOUD_TOKEN_REFRESHING = -32130, Busy, "the cloud's token is being refreshed", "wait a moment";
    TOKEN_OF_OTHER_APP = -32135, TokenInvalid, "the token belongs to another application", "cortop authorizes again automatically; if this persists, check the credentials";
    NO_STREAM_DATA = -32138, User, "the record has no data of this stream", "choose other streams for the export; right after a record's end wait until it is ready";
    UNPUBLISHED_APP = -32142, User, "the application is unpublished and not your own", "log in with the EmotivID that owns the application, or publish it";
    RECORD_CORRUPTED = -32147, User, "the record is corrupted", "it cannot be exported";
    HEADSET_NOT_READY = -32152, HeadsetNotReady, "the headset is not ready", "wait a moment; on a USB cable it never is: use the dongle or Bluetooth";
    AUTHORIZE_AGAIN = -32170, TokenInvalid, "the application must authorize again", "cortop does so automatically; if this persists, log in again with EMOTIV Launcher";
    NO_DOWNLOAD = -32186, User, "the record cannot be downloaded", "look for it in EMOTIV Launcher";
    PROFILE_OF_OTHER_MODEL = -32226, User, "the profile was trained on another headset model", "choose another profile";
    HEADSET_NOT_LICENSED = -32230, Licence, "the licence does not cover this type of headset", "use an open session (--session open), or another licence";
    EEG_NOT_LICENSED = -32232, User, "EEG of professional headsets needs a licence", "EEG needs a licence with scope eeg";
}

errors_of! {
    ControlDevice, INVALID_PARAMS, User, "the headset cannot be connected like that", "choose another connection type or Flex mapping";
    UpdateHeadset, INVALID_PARAMS, User, "the headset has no such settings", "only EPOC+ and EPOC X have them, on a USB cable";
    UpdateHeadsetCustomInfo, INVALID_PARAMS, User, "the headset takes no such name or headband position", "choose a shorter name; only EPOC X has a headband position";
    CreateRecord, INVALID_PARAMS, User, "a record runs already, or its title or subject is not accepted", "stop the running record, or change title or subject";
    StopRecord, INVALID_PARAMS, User, "no record runs in this session", "nothing is left to stop";
    UpdateRecord, INVALID_PARAMS, User, "the record is unknown, or takes no such title", "list the records again; a title must not be empty";
    DeleteRecord, INVALID_PARAMS, User, "the record is unknown, or still runs", "stop it first, or list the records again";
    ExportRecord, INVALID_PARAMS, User, "the record is unknown, or the folder does not exist", "choose a folder that exists on the computer of the service";
    InjectMarker, INVALID_PARAMS, User, "no record runs that could be marked", "start a record first";
    UpdateMarker, INVALID_PARAMS, User, "the marker is unknown, or would end before it begins", "set a new marker";
    SetupProfile, INVALID_PARAMS, User, "the profile is unknown, or none is loaded", "list the profiles again";
    CreateRecord, LICENCE_NEEDED, Licence, "recording needs a paid licence", "use an account with a licence";
    MentalCommandActionSensitivity, NO_SESSION, User, "setting the sensitivity needs a session", "open the headset first";
    CreateRecord, NOT_ACTIVATED, Licence, "only an activated session can record", "activate the session, which debits the licence";
    InjectMarker, NOT_ACTIVATED, Licence, "only an activated session can be marked", "activate the session, and start a record";
}

warnings! {
    STREAMS_STOPPED = 0, "all subscriptions of a session have stopped", "";
    SESSION_CLOSED = 1, "Cortex has closed a session", "";
    LOGGED_IN = 2, "the user has logged in", "";
    LOGGED_OUT = 3, "the user has logged out", "log in with EMOTIV Launcher";
    EXTENDER_EXPORTED = 4, "the extender's export is done", "";
    EXTENDER_EXPORT_FAILED = 5, "the extender's export has failed", "try it again in EMOTIV Launcher";
    EULA_NOT_ACCEPTED = 6, "the licence agreement has not been accepted", "accept it in EMOTIV Launcher";
    NO_ACCESS_RIGHT = 7, "the application has no access right", "approve it in EMOTIV Launcher";
    ACCESS_REQUESTED = 8, "an application asks for access", "answer it in EMOTIV Launcher";
    ACCESS_GRANTED = 9, "access has been granted", "";
    ACCESS_REJECTED = 10, "access has been rejected", "approve the application in EMOTIV Launcher";
    UNKNOWN_CALLER = 11, "the service does not know who is calling; this connection is unusable", "if it comes again, restart the Cortex service";
    OS_USER_NOT_FOUND = 12, "the name of this computer's user was not found", "log in to the computer with a named account";
    PROFILE_LOADED = 13, "a profile has been loaded", "";
    PROFILE_UNLOADED = 14, "a profile has been unloaded", "";
    PROFILE_UNLOADED_BY_CORTEX = 15, "Cortex has unloaded a profile: its headset or application is gone", "load it again";
    OTHER_OS_USER = 16, "a user of another account of this computer is logged in", "log out there, and in here, with EMOTIV Launcher";
    EULA_ACCEPTED = 17, "the licence agreement has been accepted", "";
    RECORD_SAVED = 18, "the data of a record are saved", "";
    DISK_LOW = 19, "less than 1 GB is free on the disk", "free some space";
    DISK_FULL = 20, "less than 300 MB are free on the disk: Cortex disconnects all headsets", "free some space";
    OPT_OUT_OR_DISK = 21, "about opting out or the disk (not confirmed)", "";
    DISK_OR_OPT_OUT = 22, "about opting out or the disk (not confirmed)", "";
    CORTEX_READY = 23, "Cortex is ready", "";
    LICENCE_EXPIRES_SOON = 26, "the licence is about to expire", "renew it in the EMOTIV account";
    PRIVATE_EULA_NOT_ACCEPTED = 28, "the private licence agreement has not been accepted", "accept it in EMOTIV Launcher";
    RECORD_READY = 30, "a record is ready for export", "";
    NO_BLUETOOTH_PERMISSION = 31, "Cortex lacks the permission to use Bluetooth", "grant it in the system's privacy settings";
    HEADSET_INFO_WRONG = 100, "the headset's information is wrong", "switch the headset off and on";
    CONNECTION_FAILED = 101, "the headset cannot be connected", "switch it off and on, bring it closer, and try again";
    CONNECTION_TIMEOUT = 102, "connecting the headset took too long", "bring it closer and try again";
    HEADSET_LOST = 103, "no data for 30 s: the headset has been disconnected", "check that it is on, charged and near";
    HEADSET_CONNECTED = 104, "the headset is connected", "";
    HEADSET_UPDATED = 110, "the headset's settings have been updated", "";
    HEADSET_UPDATE_FAILED = 111, "the headset's settings could not be updated", "connect it by USB cable and try again";
    SETTING_NOT_FOR_BLUETOOTH = 112, "the headset's setting cannot be used over Bluetooth", "set it to 128 Hz with motion off, or use the dongle";
    MOTION_TOO_MUCH = 113, "the headset cannot be connected with motion on", "switch motion off in its settings, or use the dongle";
    SCAN_DONE = 142, "the scan for headsets is done", "";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{Error, Warning};

    #[test]
    fn no_row_hides_another() {
        let errors: BTreeSet<_> = ErrorCode::all().map(|row| (row.code, row.method)).collect();
        assert_eq!(errors.len(), ErrorCode::all().count());
        let warnings: BTreeSet<_> = WARNINGS.iter().map(|row| row.code).collect();
        assert_eq!(warnings.len(), WARNINGS.len());
    }

    #[test]
    fn every_error_says_what_to_do_next() {
        for row in ErrorCode::all() {
            assert!(!row.meaning.is_empty() && !row.next.is_empty(), "{}", row.code);
        }
        let method_of = |asked| ErrorCode::find(asked, error::INVALID_PARAMS).map(|row| row.method);
        assert_eq!(method_of(Method::CreateRecord), Some(Some(Method::CreateRecord)));
        assert_eq!(method_of(Method::CreateSession), Some(None));
    }

    /// The lists of §6.1 and §6.2.
    #[test]
    fn every_code_of_the_reference_has_its_sentence() {
        let errors = [
            -32700, -32600, -32601, -32602, -32603, -32000, -32001, -32002, -32003, -32004, -32005,
            -32006, -32007, -32012, -32014, -32015, -32016, -32019, -32021, -32022, -32024, -32027,
            -32033, -32034, -32046, -32102, -32108, -32109, -32122, -32127, -32130, -32135, -32138,
            -32142, -32147, -32152, -32170, -32186, -32226, -32230, -32232,
        ];
        let warnings = [
            0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23,
            26, 28, 30, 31, 100, 101, 102, 103, 104, 110, 111, 112, 113, 142,
        ];
        let known: BTreeSet<_> = OF_ANY_METHOD.iter().map(|row| row.code).collect();
        assert_eq!(known, errors.into());
        let known: BTreeSet<_> = WARNINGS.iter().map(|row| row.code).collect();
        assert_eq!(known, warnings.into());
        for row in ErrorCode::all() {
            let method = row.method.unwrap_or(Method::CreateSession);
            let shown = Error::refused(method, row.code, "").to_string();
            assert!(shown.contains(row.meaning) && shown.ends_with(row.next), "{shown}");
        }
        for row in WARNINGS {
            let shown = Warning { code: row.code, message: "anything".into() }.sentence();
            assert!(shown.starts_with(row.meaning) && shown.ends_with(row.next), "{shown}");
        }
    }
}
