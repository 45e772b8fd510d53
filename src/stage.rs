//! The stages between the user and the samples, in order. The doctor checks them one by one; every other
//! command without a screen exits with the status of the stage at which it failed.

use std::fmt;

use cortop_client::{Error, ErrorKind, Method, code};

/// A stage between the user and the samples.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, strum::Display, strum::VariantArray,
)]
#[strum(serialize_all = "lowercase")]
pub enum Stage {
    /// Size, colours, UTF-8, synchronized output.
    Terminal,
    /// The config file and its permissions.
    Config,
    /// A service listens at the address.
    Service,
    /// TLS and the certificate.
    Tls,
    /// Cortex reports its version.
    Version,
    /// A user is logged in.
    Login,
    /// The user has approved this application.
    Approval,
    /// Client id and secret.
    Credentials,
    /// `authorize` gives a token, and the agreement is accepted.
    Token,
    /// The licence and what it allows.
    Licence,
    /// A headset that can stream.
    Headset,
    /// A session on it.
    Session,
    /// The first samples of each stream.
    Samples,
    /// Loss over a few seconds.
    Loss,
    /// The clock of the samples against ours.
    Clock,
}

/// The exit statuses, for the help; a test compares them with [`Stage::exit_code`].
pub const LEGEND: &str = "\
Checks go on as far as they can; what depends on one that has failed is skipped. The doctor opens \
no session but an open one, which costs nothing, closes it afterwards, and disconnects nothing.

Exit status: the first check that has failed, or 0 · 10 terminal · 11 config · 12 service · 13 tls \
· 14 version · 15 login · 16 approval · 17 credentials · 18 token · 19 licence · 20 headset · 21 \
session · 22 samples · 23 loss · 24 clock · 2 could not start as asked · 130 interrupted";

impl Stage {
    /// The exit status of a process that failed at this stage.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        10 + self as u8
    }

    /// The stage that a refusal belongs to.
    #[must_use]
    pub fn of(refusal: &Error) -> Self {
        use Method as M;
        let kind = refusal.kind;
        let wrong = kind == ErrorKind::WrongCredentials
            || refusal.code == Some(code::error::UNPUBLISHED_APP);
        match refusal.method {
            Some(M::GetCortexInfo) => Self::Version,
            Some(M::GetUserLogin) => Self::Login,
            _ if kind == ErrorKind::NotLoggedIn => Self::Login,
            _ if wrong => Self::Credentials,
            _ if kind == ErrorKind::NotApproved => Self::Approval,
            Some(M::HasAccessRight | M::RequestAccess) => Self::Approval,
            Some(M::Authorize) if kind == ErrorKind::Licence => Self::Licence,
            Some(M::Authorize | M::GenerateNewToken | M::GetUserInformation) => Self::Token,
            Some(M::GetLicenseInfo) => Self::Licence,
            Some(M::ControlDevice | M::QueryHeadsets) => Self::Headset,
            Some(M::CreateSession | M::UpdateSession) if kind == ErrorKind::HeadsetUnavailable => {
                Self::Headset
            }
            Some(M::Subscribe) => Self::Samples,
            _ => Self::Session,
        }
    }
}

/// Why a command cannot continue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The stage at which it failed.
    pub stage: Stage,
    /// What is wrong.
    pub found: String,
    /// The next step for the user; may be empty.
    pub next: String,
    /// The kind of the refusal, if it was one.
    pub kind: Option<ErrorKind>,
}

impl Failure {
    /// A failure with a next step.
    #[must_use]
    pub fn new(stage: Stage, found: &str, next: &str) -> Self {
        Self { stage, found: found.to_owned(), next: next.to_owned(), kind: None }
    }

    /// A failure from a refusal.
    #[must_use]
    pub fn refused(stage: Stage, refusal: &Error) -> Self {
        let asked = refusal.method.zip(refusal.code);
        let asked = asked.map(|(method, code)| format!(" ({method} {code})")).unwrap_or_default();
        let found = format!("{}{asked}", refusal.message().trim_end_matches('.'));
        let next = match refusal.kind {
            // The client gets another one, but the command ends here.
            ErrorKind::TokenExpired | ErrorKind::TokenInvalid => {
                "try again; if this persists, log out and in again with EMOTIV Launcher".to_owned()
            }
            _ => refusal.next.clone().into_owned(),
        };
        Self { stage, found, next, kind: Some(refusal.kind) }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.found)?;
        if self.next.is_empty() { Ok(()) } else { write!(f, " → {}", self.next) }
    }
}

#[cfg(test)]
mod tests {
    use strum::VariantArray as _;

    use super::*;

    #[test]
    fn the_help_lists_the_exit_statuses_in_order() {
        for (at, stage) in Stage::VARIANTS.iter().enumerate() {
            assert_eq!(usize::from(stage.exit_code()), 10 + at);
            let line = format!("{} {stage} ", stage.exit_code());
            assert!(LEGEND.replace('\n', " ").contains(&line), "{line}");
        }
    }

    #[test]
    fn a_refusal_belongs_to_what_was_asked_for_and_to_its_code() {
        for (method, code, stage) in [
            (Method::GetCortexInfo, -32603, Stage::Version),
            (Method::HasAccessRight, -32021, Stage::Credentials),
            (Method::RequestAccess, -32142, Stage::Credentials),
            (Method::HasAccessRight, -32603, Stage::Approval),
            (Method::Authorize, -32021, Stage::Credentials),
            (Method::Authorize, -32019, Stage::Licence),
            (Method::Authorize, -32102, Stage::Approval),
            (Method::Authorize, -32033, Stage::Login),
            (Method::Authorize, -32000, Stage::Token),
            (Method::ControlDevice, 101, Stage::Headset),
            (Method::CreateSession, -32004, Stage::Headset),
            (Method::CreateSession, -32019, Stage::Session),
            (Method::Subscribe, -32016, Stage::Samples),
        ] {
            let refusal = Error::refused(method, code, "");
            assert_eq!(Stage::of(&refusal), stage, "{method} {code}");
        }
    }
}
