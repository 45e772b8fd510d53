//! The mouse: a click focuses and selects, the wheel scrolls. Only the user interface knows what is where on
//! the screen.

use super::{
    Action, App, Effect, Key, MouseInput, MouseTarget, Pane, SessionField, Severity, dialog::Dialog,
};

impl App {
    /// Handles a mouse event. While a dialog or the help is open, only that reacts.
    pub(super) fn on_mouse(&mut self, target: MouseTarget, input: MouseInput) -> Vec<Effect> {
        let is_over =
            matches!(target, MouseTarget::Dialog | MouseTarget::DialogEntry(_) | MouseTarget::Help);
        if is_over != (self.dialog.is_some() || self.help.is_some()) {
            // The clicked item is gone.
            return Vec::new();
        }
        match input {
            MouseInput::Click => self.on_click(target),
            MouseInput::WheelUp => self.on_wheel(&target, true),
            MouseInput::WheelDown => self.on_wheel(&target, false),
        }
    }

    fn on_click(&mut self, target: MouseTarget) -> Vec<Effect> {
        match target {
            MouseTarget::Pane(pane) => self.focus = pane,
            MouseTarget::Headset(id) => {
                self.focus = Pane::Headsets;
                self.headsets.selected = Some(id);
            }
            MouseTarget::Field(field) => return self.click_field(field),
            MouseTarget::Channel(at, sample) => {
                self.focus = Pane::Streams;
                self.streams.selected = at;
                if let Some(sample) = sample.filter(|_| self.streams.frozen.is_some()) {
                    self.move_cursor(|_, _| sample);
                    // Without a cursor, the first move would put it in the middle.
                    self.move_cursor(|_, _| sample);
                }
            }
            MouseTarget::Inspected(stream) => {
                self.focus = Pane::Streams;
                self.streams.inspect(stream);
            }
            MouseTarget::Sensor(name) => {
                self.focus = Pane::Streams;
                self.select_sensor(&name);
            }
            MouseTarget::LogLine(at) => {
                self.focus = Pane::Log;
                self.log.select_line(at);
            }
            MouseTarget::LogTarget(at) => {
                self.focus = Pane::Log;
                self.set_log(|log| log.select_target(at));
            }
            MouseTarget::Footer(action) => return self.apply(action),
            MouseTarget::DialogEntry(at) => return self.click_entry(at),
            MouseTarget::Dialog | MouseTarget::Help => {}
        }
        Vec::new()
    }

    /// Selects a field; unfolds it if it is selected already, as Enter does.
    fn click_field(&mut self, field: SessionField) -> Vec<Effect> {
        let was_selected = self.focus == Pane::Session && self.sessions.field() == field;
        self.focus = Pane::Session;
        if was_selected {
            return self.unfold();
        }
        self.sessions.select_field(field);
        Vec::new()
    }

    /// Selects an entry of the open dialog; chooses the item of a list if it is selected already, as Enter
    /// does.
    fn click_entry(&mut self, at: usize) -> Vec<Effect> {
        match self.dialog.take() {
            Some(Dialog::Select(mut select)) => {
                let items = self.items(&select.menu);
                let is_selected = select.click(at, &items);
                let dialog = Dialog::Select(select);
                if is_selected {
                    return self.on_dialog_key(dialog, Key::ENTER);
                }
                self.dialog = Some(dialog);
            }
            Some(Dialog::Form(mut form)) => {
                if at < form.fields.len() {
                    form.at = at;
                }
                self.dialog = Some(Dialog::Form(form));
            }
            other => self.dialog = other,
        }
        Vec::new()
    }

    fn on_wheel(&mut self, target: &MouseTarget, up: bool) -> Vec<Effect> {
        let (back, on) = match target {
            MouseTarget::Dialog | MouseTarget::DialogEntry(_) | MouseTarget::Help => {
                let key = if up { Key::UP } else { Key::DOWN };
                return match self.dialog.take() {
                    Some(dialog) => self.on_dialog_key(dialog, key),
                    None => self.on_help_key(key, None),
                };
            }
            MouseTarget::Footer(_) => return Vec::new(),
            MouseTarget::Headset(_) | MouseTarget::Pane(Pane::Headsets) => {
                (Action::HeadsetUp, Action::HeadsetDown)
            }
            MouseTarget::Field(_) | MouseTarget::Pane(Pane::Session) if self.sessions.unfolded => {
                (Action::FieldEarlier, Action::FieldLater)
            }
            MouseTarget::Field(_) | MouseTarget::Pane(Pane::Session) => {
                (Action::FieldUp, Action::FieldDown)
            }
            MouseTarget::Channel(..)
            | MouseTarget::Sensor(_)
            | MouseTarget::Inspected(_)
            | MouseTarget::Pane(Pane::Streams) => (Action::Earlier, Action::Later),
            MouseTarget::LogTarget(_) => (Action::LogUp, Action::LogDown),
            MouseTarget::LogLine(_) | MouseTarget::Pane(Pane::Log) => {
                (Action::LogEarlier, Action::LogLater)
            }
        };
        self.apply(if up { back } else { on })
    }

    /// Turns the mouse on or off.
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
