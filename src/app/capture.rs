//! The key that starts and stops a capture.

use super::{
    App, Effect, Severity,
    dialog::{Dialog, Form, FormField, FormKind},
};
use cortop_files::capture::CaptureState;

impl App {
    /// Asks for the file of a capture, or ends the running one.
    pub(super) fn toggle_capture(&mut self) -> Vec<Effect> {
        if self.capture.is_some() {
            return vec![Effect::Capture(None)];
        }
        if self.playback.is_some() {
            self.notify(Severity::Info, "this is a capture already");
            return Vec::new();
        }
        let time = self.now.wall.to_zoned(self.zone()).strftime("%Y%m%d-%H%M%S").to_string();
        let mut form = Form::new(
            "capture the messages of the socket".to_owned(),
            FormKind::Capture,
            vec![FormField::proposal(
                "file",
                "a new file, compressed if it ends in .zst; typing replaces it",
                &format!("{}/cortop-{time}.jsonl.zst", self.settings.folder),
            )],
        );
        form.notes.push(
            "Secrets are cut out; the EEG and all names are not: a capture is about a person."
                .to_owned(),
        );
        self.dialog = Some(Dialog::Form(form));
        Vec::new()
    }

    /// A capture has started, grown or ended.
    pub(super) fn on_capture(&mut self, state: Option<CaptureState>) {
        match (&self.capture, &state) {
            (None, Some(state)) => {
                let text = format!("capturing to {}", state.path.display());
                self.notify(Severity::Info, text);
            }
            (Some(before), None) => {
                let text = format!("captured to {}", before.path.display());
                self.notify(Severity::Info, text);
            }
            _ => {}
        }
        let error = |state: &Option<CaptureState>| state.as_ref().and_then(|own| own.error.clone());
        if let Some(why) = error(&state).filter(|_| error(&self.capture).is_none()) {
            let path = state.as_ref().map(|own| own.path.display().to_string()).unwrap_or_default();
            self.notify_until_seen(format!(
                "{path} cannot be written any more ({why}); what it holds is intact"
            ));
        }
        self.capture = state;
    }
}
