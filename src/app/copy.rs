//! What is copied: the value that is selected in the focused pane.

use serde_json::Value;

use super::{App, Effect, Field, Pane, Severity, Shown};

/// Whether the terminal takes it, it does not tell.
const COPIED: &str = "copied, if the terminal allows: ";

impl App {
    pub(super) fn copy(&mut self) -> Vec<Effect> {
        let text = match self.focus {
            Pane::Session => self.sessions.current().and_then(|entry| {
                let field = Field::ALL.get(self.sessions.field)?;
                let object = serde_json::to_value(&entry.session).ok()?;
                Some(as_text(object.get(field.name())?))
            }),
            Pane::Headsets => self.headsets.selected().map(|headset| headset.id.to_string()),
            Pane::Streams => self.reading(),
            Pane::Log => self.notice.as_ref().map(|notice| {
                // What was copied before, if it was that.
                notice.text.strip_prefix(COPIED).unwrap_or(&notice.text).to_owned()
            }),
        };
        let Some(text) = text else {
            self.say(Severity::Info, "nothing is selected that can be copied".to_owned());
            return Vec::new();
        };
        self.say(Severity::Info, format!("{COPIED}{text}"));
        vec![Effect::Copy(text)]
    }

    /// In the inspector the message, beside a cursor the selected channel's value there with its
    /// time in epoch seconds, else the id of the session.
    fn reading(&self) -> Option<String> {
        if self.streams.shown == Shown::Inspector {
            return self.inspected().map(|message| message.text.to_string());
        }
        let at_cursor = self.traces().and_then(|traces| {
            let [Some(cursor), _] = traces.cursors else { return None };
            let shown =
                self.streams.channels(traces.subscription.stream).shown(traces.channels_in_all);
            let place = shown.get(self.streams.selected.min(shown.len().saturating_sub(1)))?;
            let trace = traces.channels.iter().find(|trace| trace.place == *place)?;
            let value = trace.at[0];
            let time = cursor.time.map(|time| format!(" {time:.6}")).unwrap_or_default();
            value.is_finite().then(|| format!("{} {value}{time}", trace.label))
        });
        at_cursor.or_else(|| self.sessions.current.as_ref().map(ToString::to_string))
    }
}

/// A text as it is, all else as JSON.
fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
