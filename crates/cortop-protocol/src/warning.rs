//! Warnings: what Cortex says unasked (§6.2).

use serde_json::Value;

use crate::{
    HeadsetId, RecordId, Refusal, SessionId,
    code::{self, WarningCode},
    tolerant,
};

/// A warning; `message` is any JSON value, by code and version (§1.4).
#[derive(Clone, Debug, PartialEq)]
pub struct Warning {
    /// The code of §6.2.
    pub code: i64,
    /// What came with it.
    pub message: Value,
}

/// Code of a warning that came without one.
const NO_CODE: i64 = -1;

impl From<Value> for Warning {
    /// Reads `{code, message}`, as it stands in a warning, in `attention` and in the result of
    /// `authorize`. Anything else is a warning without a code.
    fn from(mut value: Value) -> Self {
        match value.get("code").and_then(tolerant::code) {
            Some(code) => Self {
                code,
                message: value.get_mut("message").map(Value::take).unwrap_or_default(),
            },
            None => Self { code: NO_CODE, message: value },
        }
    }
}

impl Warning {
    /// The text to show: the string itself, or `behavior`, or `message`, or the compact JSON (§6.2).
    #[must_use]
    pub fn text(&self) -> String {
        [Some(&self.message), self.message.get("behavior"), self.message.get("message")]
            .into_iter()
            .flatten()
            .find_map(Value::as_str)
            .map_or_else(|| tolerant::tame(&self.message.to_string()), tolerant::tame)
    }

    /// What it means and what to do, in our words; the text of one that is not known.
    #[must_use]
    pub fn sentence(&self) -> String {
        code::warning(self.code).map_or_else(|| self.text(), WarningCode::sentence)
    }

    /// What it refuses, of something that a method had started.
    #[must_use]
    pub fn refusal(&self, method: &str) -> Refusal {
        Refusal {
            method: method.to_owned(),
            code: Some(self.code),
            message: self.text(),
            next: code::warning(self.code).map_or("", |row| row.next).to_owned(),
        }
    }

    /// The session it speaks of. Cortex 2.1 wrote the id into a sentence (§6.2, code 0): there, the
    /// word that looks like a UUID is taken.
    #[must_use]
    pub fn session(&self) -> Option<SessionId> {
        let id = match &self.message {
            Value::String(text) => text
                .split(|c: char| !c.is_ascii_hexdigit() && c != '-')
                .find(|word| word.len() == 36 && word.matches('-').count() == 4)?,
            message => message.get("sessionId")?.as_str()?,
        };
        Some(tolerant::tame(id).into())
    }

    /// The record it speaks of.
    #[must_use]
    pub fn record(&self) -> Option<RecordId> {
        let id = self.message.get("recordId")?.as_str()?;
        (!id.is_empty()).then(|| tolerant::tame(id).into())
    }

    /// The headset it speaks of.
    #[must_use]
    pub fn headset(&self) -> Option<HeadsetId> {
        let id = self.message.get("headsetId").or_else(|| self.message.get("headset"))?.as_str()?;
        (!id.is_empty()).then(|| tolerant::tame(id).into())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_text_is_found_in_every_shape() {
        let text = |message| Warning { code: 0, message }.text();
        assert_eq!(text(json!("plain")), "plain");
        assert_eq!(text(json!({"behavior": "gone", "message": "no"})), "gone");
        assert_eq!(text(json!({"message": "saved"})), "saved");
        assert_eq!(text(json!({"recordId": 7})), r#"{"recordId":7}"#);
    }

    #[test]
    fn the_session_is_found_in_an_object_and_in_a_sentence() {
        let id = "11111111-2222-4333-8444-555555555555";
        let session = |message| Warning { code: 0, message }.session();
        assert_eq!(session(json!({"sessionId": id})), Some(id.into()));
        assert_eq!(
            session(json!(format!("Cortex has stopped all the subscriptions of session {id}."))),
            Some(id.into())
        );
        assert_eq!(session(json!("Cortex has stopped.")), None);
        assert_eq!(session(json!(["x"])), None);
    }

    #[test]
    fn a_warning_of_another_shape_is_kept_whole() {
        let warning = Warning::from(json!("hello"));
        assert_eq!((warning.code, warning.text().as_str()), (NO_CODE, "hello"));
        assert_eq!(Warning::from(json!({"code": 142.0})).code, 142);
    }
}
