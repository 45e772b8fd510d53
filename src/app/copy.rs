//! Copies the selected value of the focused pane.

use serde_json::Value;

use super::{App, Effect, Feature, Pane, SessionField, Severity};
use cortop_client::{HIDDEN, Headset};

impl App {
    pub(super) fn copy(&mut self) -> Vec<Effect> {
        let text = match self.focus {
            Pane::Session => self.field(),
            Pane::Headsets => {
                let id = self.headsets.selected().map(|headset| headset.id.to_string());
                id.ok_or_else(|| "there is no headset to copy".to_owned())
            }
            Pane::Streams if self.streams.shown.has(Feature::Messages) => {
                let message = self.inspected().map(|message| message.text.to_string());
                message.ok_or_else(|| "there is no message to copy yet".to_owned())
            }
            Pane::Streams => {
                self.reading().map_err(|missing| format!("nothing to copy: {missing}"))
            }
            Pane::Log => {
                let notice = self.notice.as_ref();
                let text = notice.map(|notice| notice.copied.as_ref().unwrap_or(&notice.text));
                let text = self.log.selected_text().or_else(|| text.cloned());
                text.ok_or_else(|| "there is no notice to copy".to_owned())
            }
        };
        match text {
            Ok(text) => {
                // The terminal does not report whether it accepted the text.
                self.notify(Severity::Info, format!("copied, if the terminal allows: {text}"));
                if let Some(notice) = &mut self.notice {
                    notice.copied = Some(text.clone());
                }
                vec![Effect::Copy(text)]
            }
            Err(why) => {
                self.notify(Severity::Info, why);
                Vec::new()
            }
        }
    }

    /// The selected field of the session as Cortex sent it, or why it has no value.
    fn field(&self) -> Result<String, String> {
        let entry = self.sessions.current().ok_or("there is no session to copy from")?;
        let field = self.sessions.field();
        let name = field.name();
        let object = serde_json::to_value(&entry.session).unwrap_or_default();
        let copied = object.get(name).map(as_text);
        let is_text = !matches!(
            field,
            SessionField::Headset | SessionField::Streams | SessionField::RecordIds
        );
        let is_missing =
            field == SessionField::Headset && entry.session.headset == Headset::default();
        match copied.as_deref().filter(|_| !is_missing) {
            None => Err(format!("{name} is unknown: Cortex did not say")),
            Some("" | "[]") => Err(format!("{name} is empty: there is nothing to copy")),
            Some(HIDDEN) if is_text => Err(format!(
                "{name} is hidden: it equals the client id, the client secret or the token"
            )),
            Some(text) => Ok(text.to_owned()),
        }
    }

    /// The selected channel's value at the cursor with its time in epoch seconds, or what is missing.
    fn reading(&self) -> Result<String, &'static str> {
        if self.streams.frozen.is_none() {
            return Err("freeze the picture (space) and set the cursor (left, right) on a value");
        }
        let Some((traces, cursor)) = self.traces().and_then(|traces| {
            let [cursor, _] = &traces.cursors;
            Some((traces, cursor.as_ref()?))
        }) else {
            return Err("set the cursor (left, right) on a value");
        };
        let value = || {
            let shown =
                self.streams.channels(traces.subscription.stream).shown(traces.channels_in_all);
            let place = shown.get(self.streams.selected.min(shown.len().saturating_sub(1)))?;
            let trace = traces.channels.iter().find(|trace| trace.place == *place)?;
            let value = trace.at[0];
            let time = cursor.time.map(|time| format!(" {time:.6}")).unwrap_or_default();
            value.is_finite().then(|| format!("{} {value}{time}", trace.label))
        };
        value().ok_or("there is no value at the cursor")
    }
}

/// A string without quotes, anything else as JSON.
fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
