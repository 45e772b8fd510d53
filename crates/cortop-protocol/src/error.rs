//! The single error type of the workspace for everything that Cortex, or this program, refused.

use std::{borrow::Cow, fmt};

use serde_json::Value;

use crate::{
    HeadsetId, Method, RecordId, SessionId, Stream,
    code::{ErrorCode, ErrorKind, WarningCode},
    tolerant::{self, Members},
};

/// A request that was refused or not answered, a connection that failed, or a configuration that
/// cannot be used: its subject, what happened, and the next step.
///
/// [`Display`](fmt::Display) writes one line: `method code: message → next`, or `message: next` if
/// no method was requested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The kind of failure, which decides what a program does about it.
    pub kind: ErrorKind,
    /// The requested method.
    pub method: Option<Method>,
    /// What the request was about.
    pub subject: Option<ErrorSubject>,
    /// Cortex's code from §6.1, or from §6.2 if a warning reported how a request ended; `None` if
    /// Cortex did not answer.
    pub code: Option<i64>,
    /// Cortex's text; empty if it sent none.
    pub text: String,
    /// The meaning in our words; empty for a code that is not in the table.
    pub meaning: Cow<'static, str>,
    /// The user's next step; empty if nothing has to be done.
    pub next: Cow<'static, str>,
}

/// What a request was about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ErrorSubject {
    /// A stream.
    Stream(Stream),
    /// A headset.
    Headset(HeadsetId),
    /// A session.
    Session(SessionId),
    /// A record.
    Record(RecordId),
}

impl ErrorSubject {
    /// The headset, session or record that the parameters of a request name.
    #[must_use]
    pub fn of_params(params: &Value) -> Option<Self> {
        let text = |name: &str| params.get(name)?.as_str();
        let headset = text("headset").or_else(|| text("headsetId"));
        headset
            .map(|id| Self::Headset(id.into()))
            .or_else(|| Some(Self::Session(text("session")?.into())))
            .or_else(|| Some(Self::Record(text("record")?.into())))
    }
}

impl Error {
    /// An error of this program itself, without a code.
    #[must_use]
    pub fn new(
        kind: ErrorKind,
        meaning: impl Into<Cow<'static, str>>,
        next: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            kind,
            method: None,
            subject: None,
            code: None,
            text: String::new(),
            meaning: meaning.into(),
            next: next.into(),
        }
    }

    /// A refusal by Cortex. The code's row in the table (§6.1, §6.2) gives its meaning and the next
    /// step.
    #[must_use]
    pub fn refused(method: Method, code: i64, text: &str) -> Self {
        let (kind, meaning, next) = match (ErrorCode::find(method, code), WarningCode::find(code)) {
            (Some(row), _) => (row.kind, row.meaning, row.next),
            (None, Some(row)) => (ErrorKind::User, row.meaning, row.next),
            (None, None) => (ErrorKind::User, "", "look the code up in the Cortex documentation"),
        };
        let text = text.to_owned();
        Self { code: Some(code), text, ..Self::new(kind, meaning, next).on(method) }
    }

    /// A refusal as it appears in an answer, `{code, message}`; if there is no code, it is 0.
    #[must_use]
    pub fn from_answer(method: Method, error: Value) -> Self {
        let code = error.get("code").and_then(tolerant::code).unwrap_or_default();
        Self::refused(method, code, &Members::of("error", error).text("message"))
    }

    /// Sets the requested method.
    #[must_use]
    pub fn on(self, method: Method) -> Self {
        Self { method: Some(method), ..self }
    }

    /// Sets the subject.
    #[must_use]
    pub fn about(self, subject: impl Into<Option<ErrorSubject>>) -> Self {
        Self { subject: subject.into(), ..self }
    }

    /// What happened: Cortex's text, or ours if it sent none.
    #[must_use]
    pub fn message(&self) -> &str {
        if self.text.is_empty() { &self.meaning } else { &self.text }
    }

    /// Method, code and message, without the next step.
    #[must_use]
    pub fn headline(&self) -> String {
        let message = self.message();
        match (self.method, self.code) {
            (Some(method), Some(code)) => format!("{method} {code}: {message}"),
            (Some(method), None) => format!("{method}: {message}"),
            (None, _) => message.to_owned(),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.headline())?;
        match (self.method, &*self.next) {
            (_, "") => Ok(()),
            (Some(_), next) => write!(f, " → {next}"),
            (None, next) => write!(f, ": {next}"),
        }
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::code;

    #[test]
    fn an_unknown_code_shows_code_and_message() {
        let error = Error::refused(Method::Subscribe, -31999, "Surprise.");
        assert!(error.to_string().starts_with("subscribe -31999: Surprise. → look"), "{error}");
        assert_eq!((error.kind, &*error.meaning), (ErrorKind::User, ""));
    }

    #[test]
    fn a_known_code_carries_the_text_of_cortex_its_meaning_and_the_next_step() {
        let error = Error::refused(Method::CreateRecord, code::error::INVALID_PARAMS, "Invalid.");
        assert_eq!(error.message(), "Invalid.");
        assert!(error.meaning.starts_with("a record runs already"), "the method's own row");
        assert!(error.to_string().starts_with("createRecord -32602: Invalid. → stop"), "{error}");
        let silent = Error::refused(Method::CreateRecord, code::error::INVALID_PARAMS, "");
        assert_eq!(silent.message(), silent.meaning);
        // A warning that reports how a request ended.
        let ended = Error::refused(Method::ControlDevice, code::warning::CONNECTION_TIMEOUT, "");
        assert!(ended.to_string().ends_with("→ bring it closer and try again"), "{ended}");
    }

    #[test]
    fn an_error_of_our_own_needs_no_method() {
        let error = Error::new(ErrorKind::Unreachable, "nothing listens there", "start it");
        assert_eq!(error.to_string(), "nothing listens there: start it");
        let error = Error::new(ErrorKind::User, "busy", "").on(Method::Subscribe);
        assert_eq!(error.to_string(), "subscribe: busy");
    }

    #[test]
    fn an_answer_is_read_whatever_it_holds() {
        let read = |value| {
            let error = Error::from_answer(Method::Subscribe, value);
            (error.code, error.text)
        };
        let whole = json!({"code": -32004, "message": "away"});
        assert_eq!(read(whole), (Some(-32004), "away".to_owned()));
        assert_eq!(read(json!({"code": "-32016"})), (Some(-32016), String::new()));
        assert_eq!(read(json!("bad")), (Some(0), String::new()));
    }

    #[test]
    fn the_subject_is_what_the_parameters_name() {
        let of = |params| ErrorSubject::of_params(&params);
        assert_eq!(
            of(json!({"headsetId": "H-1", "session": "s"})),
            Some(ErrorSubject::Headset("H-1".into()))
        );
        assert_eq!(of(json!({"session": "s"})), Some(ErrorSubject::Session("s".into())));
        assert_eq!(of(json!({"record": "r"})), Some(ErrorSubject::Record("r".into())));
        assert_eq!(of(json!({"headset": 7})), None);
    }
}
