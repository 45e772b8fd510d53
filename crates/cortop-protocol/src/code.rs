//! What the codes of Cortex mean and what to do about them: one table of errors (§6.1), one of
//! warnings (§6.2). Both lists are incomplete in EMOTIV's own documentation; a code that is not
//! here is shown with Cortex's text.

use crate::{Refusal, Stream};

/// What a refusal asks of the program; the rest is for the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Nothing the program could do by itself.
    User,
    /// Cortex or the cloud is busy or away: ask again later.
    Later,
    /// The token has run out: renew it.
    Expired,
    /// The token does not serve: authorize.
    Token,
    /// Nobody is logged in.
    Login,
    /// The application is not approved.
    Access,
    /// Client id or secret are wrong.
    Credentials,
    /// Licence or quota: an open session is still to be had.
    Licence,
    /// The headset is not there.
    Headset,
    /// The headset is there and not ready: ask again with growing pauses.
    NotReady,
    /// The session exists already.
    Exists,
    /// The session is gone.
    Gone,
}

impl Class {
    /// Whether signing in again leads to what is missing.
    #[must_use]
    pub const fn is_about_signing_in(self) -> bool {
        matches!(self, Self::Login | Self::Access | Self::Credentials)
    }
}

/// A row of the table of errors.
#[derive(Clone, Copy, Debug)]
pub struct ErrorCode {
    /// The code.
    pub code: i64,
    /// The method or the stream it has this meaning for; empty for all others.
    pub of: &'static str,
    /// What the program does about it.
    pub class: Class,
    /// What it means.
    pub meaning: &'static str,
    /// What the user does about it.
    pub next: &'static str,
}

/// A row of the table of warnings.
#[derive(Clone, Copy, Debug)]
pub struct WarningCode {
    /// The code.
    pub code: i64,
    /// What it means.
    pub meaning: &'static str,
    /// What the user does about it; empty where nothing is to be done.
    pub next: &'static str,
}

impl ErrorCode {
    const fn new(
        code: i64,
        of: &'static str,
        class: Class,
        meaning: &'static str,
        next: &'static str,
    ) -> Self {
        Self { code, of, class, meaning, next }
    }

    /// The refusal that this row makes of Cortex's answer, such as every screen has to show.
    #[must_use]
    pub fn refusal(&self, message: &str) -> Refusal {
        match (self.of, self.of.parse::<Stream>()) {
            ("", _) => refusal("request", None, self.code, message),
            (_, Ok(stream)) => refusal("subscribe", Some(stream), self.code, message),
            (method, Err(_)) => refusal(method, None, self.code, message),
        }
    }
}

impl WarningCode {
    const fn new(code: i64, meaning: &'static str, next: &'static str) -> Self {
        Self { code, meaning, next }
    }
}

/// The code of a stream that is not to be had, which does not say why: see
/// [`unavailable`](crate::unavailable).
pub const STREAM_UNAVAILABLE: i64 = -32016;

/// The code of a method that this Cortex does not know.
pub const UNKNOWN_METHOD: i64 = -32601;

/// No activation is left on this computer.
pub const NO_ACTIVATION: i64 = -32019;

/// The code of parameters that this Cortex does not take.
pub const BAD_PARAMS: i64 = -32602;

const REPORT: &str = "report it with the log as a fault of cortop";

/// The errors of §6.1; of rows with the same code the one for the method or stream counts.
#[rustfmt::skip]
pub const ERRORS: &[ErrorCode] = &[
    ErrorCode::new(-32700, "", Class::User, "Cortex could not read the request", REPORT),
    ErrorCode::new(-32600, "", Class::User, "the request lacks members", REPORT),
    ErrorCode::new(UNKNOWN_METHOD, "", Class::User, "this Cortex does not know the method", "update EMOTIV Launcher"),
    ErrorCode::new(BAD_PARAMS, "", Class::User, "a parameter is missing, misnamed or bad", REPORT),
    ErrorCode::new(BAD_PARAMS, "controlDevice", Class::User, "the headset cannot be connected like that", "choose another connection type or Flex mapping"),
    ErrorCode::new(BAD_PARAMS, "updateHeadset", Class::User, "the headset has no such settings", "only EPOC+ and EPOC X have them, on a USB cable"),
    ErrorCode::new(BAD_PARAMS, "updateHeadsetCustomInfo", Class::User, "the headset takes no such name or headband position", "choose a shorter name; only EPOC X has a headband position"),
    ErrorCode::new(BAD_PARAMS, "createRecord", Class::User, "a record runs already, or its title or subject is not taken", "stop the running record, or change title or subject"),
    ErrorCode::new(BAD_PARAMS, "stopRecord", Class::User, "no record runs in this session", "nothing is left to stop"),
    ErrorCode::new(BAD_PARAMS, "updateRecord", Class::User, "the record is unknown, or takes no such title", "list the records again; a title must not be empty"),
    ErrorCode::new(BAD_PARAMS, "deleteRecord", Class::User, "the record is unknown, or still runs", "stop it first, or list the records again"),
    ErrorCode::new(BAD_PARAMS, "exportRecord", Class::User, "the record is unknown, or the folder does not exist", "choose a folder that exists on the computer of the service"),
    ErrorCode::new(BAD_PARAMS, "injectMarker", Class::User, "no record runs that could be marked", "start a record first"),
    ErrorCode::new(BAD_PARAMS, "updateMarker", Class::User, "the marker is unknown, or would end before it begins", "set a new marker"),
    ErrorCode::new(BAD_PARAMS, "setupProfile", Class::User, "the profile is unknown, or none is loaded", "list the profiles again"),
    ErrorCode::new(-32603, "", Class::Later, "internal error of Cortex", "try again; if it stays, restart the Cortex service"),
    ErrorCode::new(-32000, "", Class::Later, "the EMOTIV cloud failed", "try again later"),
    ErrorCode::new(-32001, "", Class::Headset, "no headset is connected", "connect a headset first"),
    ErrorCode::new(-32002, "", Class::Licence, "the licence id is unknown", "check the licence of the EMOTIV account"),
    ErrorCode::new(-32003, "", Class::Later, "no internet connection", "connect this computer to the internet and try again"),
    ErrorCode::new(-32004, "", Class::Headset, "the headset is not found, off, only discovered, or its link is weak", "switch it on, bring it closer, and connect it"),
    ErrorCode::new(-32005, "", Class::Exists, "this application has a session on this headset already", "close the other program that uses this application's credentials"),
    ErrorCode::new(-32006, "", Class::Licence, "activating needs a paid licence", "use an open session (--session open), or a licence"),
    ErrorCode::new(-32006, "createRecord", Class::Licence, "recording needs a paid licence", "use an account with a licence"),
    ErrorCode::new(-32007, "", Class::Gone, "the session is unknown or closed", "open the headset again"),
    ErrorCode::new(-32007, "mentalCommandActionSensitivity", Class::User, "setting the sensitivity needs a session", "open the headset first"),
    ErrorCode::new(-32012, "", Class::Licence, "the session must be activated", "activate the session, which debits the licence"),
    ErrorCode::new(-32012, "createRecord", Class::Licence, "only an activated session can record", "activate the session, which debits the licence"),
    ErrorCode::new(-32012, "injectMarker", Class::Licence, "only an activated session can be marked", "activate the session, and start a record"),
    ErrorCode::new(-32014, "", Class::Token, "the token is not valid", "cortop authorizes again by itself; if it stays, check the credentials"),
    ErrorCode::new(-32015, "", Class::Expired, "the token has expired", "cortop renews it by itself; if it stays, log in again with EMOTIV Launcher"),
    ErrorCode::new(STREAM_UNAVAILABLE, "", Class::User, "the stream is unavailable or unsupported", "the headset, the licence or this Cortex does not offer it; the other streams go on"),
    ErrorCode::new(-32019, "", Class::Licence, "no activation is left on this computer", "--debit N moves N sessions from the licence to this computer"),
    ErrorCode::new(-32021, "", Class::Credentials, "the client id or secret is wrong", "check EMOTIV_CLIENT_ID and EMOTIV_CLIENT_SECRET against the application in your EMOTIV account"),
    ErrorCode::new(-32022, "", Class::Licence, "the licence is used on too many computers", "ask EMOTIV support to reset its computers"),
    ErrorCode::new(-32024, "", Class::Licence, "the licence has expired", "renew the licence in the EMOTIV account"),
    ErrorCode::new(-32027, "", Class::Licence, "this application may not use that licence", "check the licence of the EMOTIV account"),
    ErrorCode::new(-32033, "", Class::Login, "nobody is logged in", "log in with EMOTIV Launcher"),
    ErrorCode::new(-32034, "", Class::Token, "the token belongs to another application or user", "cortop authorizes again by itself; if it stays, check the credentials"),
    ErrorCode::new(-32046, "", Class::User, "the profile is loaded by another application", "unload it there first"),
    ErrorCode::new(-32102, "", Class::Access, "the application is not approved, or unknown", "approve it in EMOTIV Launcher"),
    ErrorCode::new(-32108, "", Class::Token, "the login token is in error", "log out and in again with EMOTIV Launcher"),
    ErrorCode::new(-32109, "", Class::Token, "the authorize token is in error", "log out and in again with EMOTIV Launcher"),
    ErrorCode::new(-32122, "", Class::Later, "Cortex is starting", "wait a moment"),
    ErrorCode::new(-32127, "", Class::User, "a profile is loaded already for this headset", "unload it first"),
    ErrorCode::new(-32130, "", Class::Later, "the cloud's token is being refreshed", "wait a moment"),
    ErrorCode::new(-32135, "", Class::Token, "the token belongs to another application", "cortop authorizes again by itself; if it stays, check the credentials"),
    ErrorCode::new(-32138, "", Class::User, "the record has no data of this stream", "choose other streams for the export; right after a record's end wait until it is ready"),
    ErrorCode::new(-32142, "", Class::User, "the application is unpublished and not your own", "log in with the EmotivID that owns the application, or publish it"),
    ErrorCode::new(-32147, "", Class::User, "the record is corrupted", "it cannot be exported"),
    ErrorCode::new(-32152, "", Class::NotReady, "the headset is not ready", "wait a moment; on a USB cable it never is: use the dongle or Bluetooth"),
    ErrorCode::new(-32170, "", Class::Token, "the application must authorize again", "cortop does so by itself; if it stays, log in again with EMOTIV Launcher"),
    ErrorCode::new(-32186, "", Class::User, "the record cannot be downloaded", "look for it in EMOTIV Launcher"),
    ErrorCode::new(-32226, "", Class::User, "the profile was trained on another headset model", "choose another profile"),
    ErrorCode::new(-32230, "", Class::Licence, "the licence does not cover this type of headset", "use an open session (--session open), or another licence"),
    ErrorCode::new(-32232, "", Class::User, "EEG of professional headsets needs a licence", "EEG needs a licence with scope eeg"),
];

/// The warnings of §6.2.
#[rustfmt::skip]
pub const WARNINGS: &[WarningCode] = &[
    WarningCode::new(0, "all subscriptions of a session have stopped", ""),
    WarningCode::new(1, "Cortex has closed a session", ""),
    WarningCode::new(2, "the user has logged in", ""),
    WarningCode::new(3, "the user has logged out", "log in with EMOTIV Launcher"),
    WarningCode::new(4, "the extender's export is done", ""),
    WarningCode::new(5, "the extender's export has failed", "try it again in EMOTIV Launcher"),
    WarningCode::new(6, "the licence agreement has not been accepted", "accept it in EMOTIV Launcher"),
    WarningCode::new(7, "the application has no access right", "approve it in EMOTIV Launcher"),
    WarningCode::new(8, "an application asks for access", "answer it in EMOTIV Launcher"),
    WarningCode::new(9, "access has been granted", ""),
    WarningCode::new(10, "access has been rejected", "approve the application in EMOTIV Launcher"),
    WarningCode::new(11, "the service cannot tell who is calling; this connection is unusable", "if it comes again, restart the Cortex service"),
    WarningCode::new(12, "the name of this computer's user was not found", "log in to the computer with a named account"),
    WarningCode::new(13, "a profile has been loaded", ""),
    WarningCode::new(14, "a profile has been unloaded", ""),
    WarningCode::new(15, "Cortex has unloaded a profile: its headset or application is gone", "load it again"),
    WarningCode::new(16, "a user of another account of this computer is logged in", "log out there, and in here, with EMOTIV Launcher"),
    WarningCode::new(17, "the licence agreement has been accepted", ""),
    WarningCode::new(18, "the data of a record are saved", ""),
    WarningCode::new(19, "less than 1 GB is free on the disk", "free some space"),
    WarningCode::new(20, "less than 300 MB are free on the disk: Cortex disconnects all headsets", "free some space"),
    WarningCode::new(21, "about opting out or the disk (not confirmed)", ""),
    WarningCode::new(22, "about opting out or the disk (not confirmed)", ""),
    WarningCode::new(23, "Cortex is ready", ""),
    WarningCode::new(26, "the licence is about to expire", "renew it in the EMOTIV account"),
    WarningCode::new(28, "the private licence agreement has not been accepted", "accept it in EMOTIV Launcher"),
    WarningCode::new(30, "a record is ready for export", ""),
    WarningCode::new(31, "Cortex lacks the permission to use Bluetooth", "grant it in the system's privacy settings"),
    WarningCode::new(100, "the headset's information is wrong", "switch the headset off and on"),
    WarningCode::new(101, "the headset cannot be connected", "switch it off and on, bring it closer, and try again"),
    WarningCode::new(102, "connecting the headset took too long", "bring it closer and try again"),
    WarningCode::new(103, "no data for 30 s: the headset has been disconnected", "check that it is on, charged and near"),
    WarningCode::new(104, "the headset is connected", ""),
    WarningCode::new(110, "the headset's settings have been updated", ""),
    WarningCode::new(111, "the headset's settings could not be updated", "connect it by USB cable and try again"),
    WarningCode::new(112, "the headset's setting cannot be used over Bluetooth", "set it to 128 Hz with motion off, or use the dongle"),
    WarningCode::new(113, "the headset cannot be connected with motion on", "switch motion off in its settings, or use the dongle"),
    WarningCode::new(142, "the scan for headsets is done", ""),
];

/// The row for a code, as a method or for a stream.
#[must_use]
pub fn error(method: &str, stream: Option<Stream>, code: i64) -> Option<&'static ErrorCode> {
    let of: &str = match stream {
        Some(stream) => stream.name(),
        None => method,
    };
    ERRORS
        .iter()
        .find(|row| row.code == code && row.of == of)
        .or_else(|| ERRORS.iter().find(|row| row.code == code && row.of.is_empty()))
}

/// The row for a warning's code.
#[must_use]
pub fn warning(code: i64) -> Option<&'static WarningCode> {
    WARNINGS.iter().find(|row| row.code == code)
}

/// What a refusal asks of the program; an unknown code asks nothing of it.
#[must_use]
pub fn class(code: i64) -> Class {
    error("", None, code).map_or(Class::User, |row| row.class)
}

/// A refusal with its next step. Where Cortex sent no text, ours stands in.
#[must_use]
pub fn refusal(method: &str, stream: Option<Stream>, code: i64, message: &str) -> Refusal {
    let row = error(method, stream, code);
    Refusal {
        method: method.to_owned(),
        code: Some(code),
        message: match (message, row) {
            ("", Some(row)) => row.meaning.to_owned(),
            (text, _) => text.to_owned(),
        },
        next: row.map_or("look the code up in the Cortex documentation", |row| row.next).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::Warning;

    #[test]
    fn no_row_hides_another() {
        let errors: BTreeSet<_> = ERRORS.iter().map(|row| (row.code, row.of)).collect();
        assert_eq!(errors.len(), ERRORS.len());
        let warnings: BTreeSet<_> = WARNINGS.iter().map(|row| row.code).collect();
        assert_eq!(warnings.len(), WARNINGS.len());
    }

    #[test]
    fn every_error_says_what_to_do_next() {
        for row in ERRORS {
            assert!(!row.meaning.is_empty() && !row.next.is_empty(), "{}", row.code);
            assert!(error("", None, row.code).is_some(), "{} has no general row", row.code);
        }
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
        let general: BTreeSet<_> =
            ERRORS.iter().filter(|row| row.of.is_empty()).map(|row| row.code).collect();
        assert_eq!(general, errors.into());
        let known: BTreeSet<_> = WARNINGS.iter().map(|row| row.code).collect();
        assert_eq!(known, warnings.into());
        for row in ERRORS {
            let shown = row.refusal("").to_string();
            assert!(shown.contains(row.meaning) && shown.ends_with(row.next), "{shown}");
        }
        for row in WARNINGS {
            let shown = Warning { code: row.code, message: "anything".into() }.sentence();
            assert!(shown.starts_with(row.meaning) && shown.ends_with(row.next), "{shown}");
        }
    }

    #[test]
    fn an_unknown_code_shows_code_and_message() {
        let refusal = refusal("subscribe", None, -31999, "Surprise.");
        assert!(refusal.to_string().starts_with("subscribe -31999: Surprise."));
    }
}
