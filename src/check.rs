//! What lies between the user and the samples, in the order in which it is met. The doctor checks
//! it one by one; every other command without a screen ends with the exit status of the one it
//! could not get past.

use std::fmt;

use cortop_client::{
    Refusal,
    code::{self, Class},
};

/// One thing between the user and the samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Check {
    /// Size, colours, UTF-8, synchronized output.
    Terminal,
    /// The config file and its permissions.
    Config,
    /// Somebody listens at the address.
    Service,
    /// TLS and the certificate.
    Tls,
    /// Cortex tells its version.
    Version,
    /// Somebody is logged in.
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

/// The exit statuses, for the help; a test compares it with [`Check::exit_code`].
pub const LEGEND: &str = "\
Checks go on as far as they can; what depends on one that has failed is skipped. The doctor opens \
no session but an open one, which costs nothing, closes it afterwards, and disconnects nothing.

Exit status: the first check that has failed, or 0 · 10 terminal · 11 config · 12 service · 13 tls \
· 14 version · 15 login · 16 approval · 17 credentials · 18 token · 19 licence · 20 headset · 21 \
session · 22 samples · 23 loss · 24 clock · 2 could not start as asked · 130 interrupted";

/// The code of wrong credentials, and of an application that is not the user's own (§6.1).
const WRONG: [i64; 2] = [-32021, -32142];

impl Check {
    /// All, in their order.
    pub const ALL: [Self; 15] = [
        Self::Terminal,
        Self::Config,
        Self::Service,
        Self::Tls,
        Self::Version,
        Self::Login,
        Self::Approval,
        Self::Credentials,
        Self::Token,
        Self::Licence,
        Self::Headset,
        Self::Session,
        Self::Samples,
        Self::Loss,
        Self::Clock,
    ];

    /// The exit status of the process that could not get past it.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        10 + self as u8
    }

    /// Which one a refusal belongs to.
    #[must_use]
    pub fn of(refusal: &Refusal) -> Self {
        let class = refusal.code.map_or(Class::User, code::class);
        let wrong = refusal.code.is_some_and(|code| WRONG.contains(&code));
        match refusal.method.as_str() {
            "getCortexInfo" => Self::Version,
            "getUserLogin" => Self::Login,
            _ if class == Class::Login => Self::Login,
            _ if wrong => Self::Credentials,
            _ if class == Class::Access => Self::Approval,
            "hasAccessRight" | "requestAccess" => Self::Approval,
            "authorize" if class == Class::Licence => Self::Licence,
            "authorize" | "generateNewToken" | "getUserInformation" => Self::Token,
            "getLicenseInfo" => Self::Licence,
            "controlDevice" | "queryHeadsets" => Self::Headset,
            "createSession" | "updateSession" if class == Class::Headset => Self::Headset,
            "subscribe" => Self::Samples,
            _ => Self::Session,
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Terminal => "terminal",
            Self::Config => "config",
            Self::Service => "service",
            Self::Tls => "tls",
            Self::Version => "version",
            Self::Login => "login",
            Self::Approval => "approval",
            Self::Credentials => "credentials",
            Self::Token => "token",
            Self::Licence => "licence",
            Self::Headset => "headset",
            Self::Session => "session",
            Self::Samples => "samples",
            Self::Loss => "loss",
            Self::Clock => "clock",
        })
    }
}

/// Why it does not go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// Where.
    pub check: Check,
    /// What was found.
    pub found: String,
    /// What the user does now; may be empty.
    pub next: String,
}

impl Trouble {
    /// With a next step.
    #[must_use]
    pub fn new(check: Check, found: &str, next: &str) -> Self {
        Self { check, found: found.to_owned(), next: next.to_owned() }
    }

    /// From one sentence of the form `what: next step`.
    #[must_use]
    pub fn sentence(check: Check, sentence: &str) -> Self {
        let (found, next) = sentence.rsplit_once(": ").unwrap_or((sentence, ""));
        Self::new(check, found, next)
    }

    /// A refusal, and where it belongs.
    #[must_use]
    pub fn refused(check: Check, refusal: &Refusal) -> Self {
        let code = refusal.code.map(|code| format!(" ({} {code})", refusal.method));
        let found =
            format!("{}{}", refusal.message.trim_end_matches('.'), code.unwrap_or_default());
        Self { check, found, next: refusal.next.clone() }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.found)?;
        if self.next.is_empty() { Ok(()) } else { write!(f, " → {}", self.next) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_tells_the_exit_statuses_in_order() {
        for (at, check) in Check::ALL.into_iter().enumerate() {
            assert_eq!(usize::from(check.exit_code()), 10 + at);
            let told = format!("{} {check} ", check.exit_code());
            assert!(LEGEND.replace('\n', " ").contains(&told), "{told}");
        }
    }

    #[test]
    fn a_refusal_belongs_to_what_was_asked_for_and_to_its_code() {
        for (method, code, check) in [
            ("getCortexInfo", -32603, Check::Version),
            ("hasAccessRight", -32021, Check::Credentials),
            ("requestAccess", -32142, Check::Credentials),
            ("hasAccessRight", -32603, Check::Approval),
            ("authorize", -32021, Check::Credentials),
            ("authorize", -32019, Check::Licence),
            ("authorize", -32102, Check::Approval),
            ("authorize", -32033, Check::Login),
            ("authorize", -32000, Check::Token),
            ("controlDevice", 101, Check::Headset),
            ("createSession", -32004, Check::Headset),
            ("createSession", -32019, Check::Session),
            ("subscribe", -32016, Check::Samples),
        ] {
            let refusal = code::refusal(method, None, code, "");
            assert_eq!(Check::of(&refusal), check, "{method} {code}");
        }
    }
}
