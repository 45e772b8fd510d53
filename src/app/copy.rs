//! What is copied: the value that is selected in the focused pane.

use serde_json::Value;

use super::{App, Effect, Field, Pane, Severity};

impl App {
    pub(super) fn copy(&mut self) -> Vec<Effect> {
        let text = match self.focus {
            Pane::Session => self.sessions.current().and_then(|entry| {
                let field = Field::ALL.get(self.sessions.field)?;
                let object = serde_json::to_value(&entry.session).ok()?;
                Some(as_text(object.get(field.name())?))
            }),
            Pane::Headsets => self.headsets.selected().map(|headset| headset.id.to_string()),
            Pane::Streams => self.sessions.current.as_ref().map(ToString::to_string),
            Pane::Log => None,
        };
        let Some(text) = text else {
            self.say(Severity::Info, "nothing is selected that can be copied".to_owned());
            return Vec::new();
        };
        // Whether the terminal takes it, it does not tell.
        self.say(Severity::Info, format!("copied, if the terminal allows: {text}"));
        vec![Effect::Copy(text)]
    }
}

/// A text as it is, all else as JSON.
fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
