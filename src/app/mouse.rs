//! What the mouse does: a click focuses and selects, the wheel scrolls. Where it is on the screen,
//! only the user interface knows.

use super::{Action, App, Effect, MouseInput, MouseTarget, Pane, Severity};

impl App {
    /// Handles the mouse. An open dialog or the open help is left to the keys.
    pub(super) fn on_mouse(&mut self, target: MouseTarget, input: MouseInput) -> Vec<Effect> {
        if self.dialog.is_some() || self.help.is_some() {
            return Vec::new();
        }
        let pane = match target {
            MouseTarget::Footer(action) if input == MouseInput::Click => return self.apply(action),
            MouseTarget::Footer(_) => return Vec::new(),
            MouseTarget::Headset(id) => {
                if input == MouseInput::Click {
                    self.headsets.selected = Some(id);
                }
                Pane::Headsets
            }
            MouseTarget::Pane(pane) => pane,
        };
        let (up, down) = match pane {
            Pane::Headsets => (Action::HeadsetUp, Action::HeadsetDown),
            Pane::Session => (Action::FieldUp, Action::FieldDown),
            Pane::Streams => (Action::Earlier, Action::Later),
            Pane::Log => (Action::LogEarlier, Action::LogLater),
        };
        match input {
            MouseInput::Click => {
                self.focus = pane;
                Vec::new()
            }
            MouseInput::WheelUp => self.apply(up),
            MouseInput::WheelDown => self.apply(down),
        }
    }

    /// Switches the mouse on or off.
    pub(super) fn toggle_mouse(&mut self) -> Vec<Effect> {
        self.mouse = !self.mouse;
        let text = if self.mouse {
            "mouse on: a click focuses and selects, the wheel scrolls; select text with Shift"
        } else {
            "mouse off: the terminal selects text again"
        };
        self.notify(Severity::Info, text);
        vec![Effect::Mouse(self.mouse)]
    }
}
