//! Warnings, which Cortex sends without being asked (§6.2).

use serde_json::Value;

use crate::{Error, HeadsetId, Method, RecordId, SessionId, code::WarningCode, sanitize, tolerant};

/// A warning; `message` can be any JSON value, depending on code and version (§1.4).
#[derive(Clone, Debug, PartialEq)]
pub struct Warning {
    /// The code of §6.2.
    pub code: i64,
    /// The accompanying message.
    pub message: Value,
}

/// The code of a warning that came without one.
const NO_CODE: i64 = -1;

impl From<Value> for Warning {
    /// Reads `{code, message}`, as it appears in a warning, in `attention` and in the result of
    /// `authorize`. Anything else becomes a warning without a code.
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
    /// The text to show: the string itself, or `behavior`, or `message` (§6.2); without any of
    /// these, the meaning of a known code and its subject, or the compact JSON.
    #[must_use]
    pub fn text(&self) -> String {
        let text = [Some(&self.message), self.message.get("behavior"), self.message.get("message")]
            .into_iter()
            .flatten()
            .find_map(Value::as_str)
            .filter(|text| !text.trim().is_empty());
        match (text, WarningCode::find(self.code)) {
            (Some(text), _) => sanitize::clean_bounded(text),
            (None, Some(row)) => self.with_subject(row.meaning),
            (None, None) => sanitize::clean_bounded(&self.message.to_string()),
        }
    }

    /// The same text, with the subject added if the text omits it.
    #[must_use]
    pub fn line(&self) -> String {
        self.with_subject(&self.text())
    }

    /// What it means and what to do, in our words; for an unknown code, its text.
    #[must_use]
    pub fn sentence(&self) -> String {
        let Some(row) = WarningCode::find(self.code) else { return self.text() };
        let meaning = self.with_subject(row.meaning);
        if row.next.is_empty() { meaning } else { format!("{meaning} → {}", row.next) }
    }

    /// Its subject as far as it names one: profile, headset, session, record.
    #[must_use]
    pub fn subject(&self) -> Vec<(&'static str, String)> {
        let profile = self.message.get("profile").and_then(Value::as_str);
        let profile = profile.filter(|name| !name.is_empty()).map(sanitize::clean_bounded);
        [
            ("profile ", profile),
            ("", self.headset().map(|id| id.to_string())),
            ("session ", self.session().map(|id| id.to_string())),
            ("record ", self.record().map(|id| id.to_string())),
        ]
        .into_iter()
        .filter_map(|(what, id)| Some((what, id?)))
        .collect()
    }

    /// A text, with the subject added as far as the text does not contain it.
    fn with_subject(&self, text: &str) -> String {
        let subject = self.subject().into_iter().filter(|(_, id)| !text.contains(id.as_str()));
        let subject: Vec<_> = subject.map(|(what, id)| format!("{what}{id}")).collect();
        if subject.is_empty() {
            text.to_owned()
        } else {
            format!("{} ({})", text.trim_end_matches('.'), subject.join(", "))
        }
    }

    /// The error of a request, if this warning reports how it ended.
    #[must_use]
    pub fn error(&self, method: Method) -> Error {
        Error::refused(method, self.code, &self.text())
    }

    /// The session that it names. Cortex 2.1 put the id into a sentence (§6.2, code 0): take the
    /// word there that looks like a UUID.
    #[must_use]
    pub fn session(&self) -> Option<SessionId> {
        let id = match &self.message {
            Value::String(text) => text
                .split(|c: char| !c.is_ascii_hexdigit() && c != '-')
                .find(|word| word.len() == 36 && word.matches('-').count() == 4)?,
            message => message.get("sessionId")?.as_str()?,
        };
        Some(sanitize::clean_bounded(id).into())
    }

    /// The record that it names.
    #[must_use]
    pub fn record(&self) -> Option<RecordId> {
        let id = self.message.get("recordId")?.as_str()?;
        (!id.is_empty()).then(|| sanitize::clean_bounded(id).into())
    }

    /// The headset that it names.
    #[must_use]
    pub fn headset(&self) -> Option<HeadsetId> {
        let id = self.message.get("headsetId").or_else(|| self.message.get("headset"))?.as_str()?;
        (!id.is_empty()).then(|| sanitize::clean_bounded(id).into())
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
        assert_eq!(
            text(json!({"sessionId": "1-2"})),
            "all subscriptions of a session have stopped (session 1-2)"
        );
        let unknown = Warning { code: 999, message: json!({"recordId": 7}) };
        assert_eq!(unknown.text(), r#"{"recordId":7}"#);
    }

    #[test]
    fn what_a_warning_is_about_is_named_and_no_known_code_shows_its_json() {
        let warning = |code, message| Warning { code, message };
        let loaded = json!({"behavior": "Profile is loaded", "headset": "H-1", "profile": "ana"});
        for (code, about, text, sentence) in [
            (
                13,
                &loaded,
                "Profile is loaded (profile ana, H-1)",
                "a profile has been loaded (profile ana, H-1)",
            ),
            (
                14,
                &loaded,
                "Profile is loaded (profile ana, H-1)",
                "a profile has been unloaded (profile ana, H-1)",
            ),
            (
                30,
                &json!({"recordId": "bb-1"}),
                "a record is ready for export (record bb-1)",
                "a record is ready for export (record bb-1)",
            ),
            (
                104,
                &json!({"behavior": "H-1 is connected", "headsetId": "H-1"}),
                "H-1 is connected",
                "the headset is connected (H-1)",
            ),
            (104, &json!([1]), "the headset is connected", "the headset is connected"),
        ] {
            let warning = warning(code, about.clone());
            assert_eq!((warning.line().as_str(), warning.sentence().as_str()), (text, sentence));
        }
        let lost = warning(15, loaded).sentence();
        assert!(lost.contains("(profile ana, H-1) → load it again"), "{lost}");
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
