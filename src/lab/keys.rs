//! Handles keys and typed lines.

use super::{Lab, LabAction, LabEffect, TABLE, stations};
use crate::app::{Key, Scroll, dialog::TextInput};
use cortop_mqtt::{
    Text,
    payload::{BadLabel, CommandText},
};

/// How many rows or lines a page key moves.
const PAGE: usize = 10;

/// A pane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LabPane {
    /// The table of headsets and stations.
    #[default]
    Rows,
    /// The log, which gets more room while it has the focus, to show whole lines.
    Log,
}

/// A line that is being typed.
#[derive(Clone, Debug)]
pub enum LabInput {
    /// The filter of the rows.
    Filter(TextInput),
    /// The label of a marker.
    Marker(TextInput),
}

impl LabInput {
    /// Why the text cannot be a marker's label, if it is meant to be one and is not just empty.
    #[must_use]
    pub fn label_problem(&self) -> Option<BadLabel> {
        match self {
            Self::Filter(_) => None,
            Self::Marker(typed) => {
                let label = CommandText::new(typed.text());
                label.check().err().filter(|why| *why != BadLabel::Empty)
            }
        }
    }
}

impl Lab {
    /// Handles a key.
    pub fn on_key(&mut self, key: Key) -> Vec<LabEffect> {
        if let Some(card) = &mut self.help {
            if !card.on_key(key) {
                self.help = None;
            }
            return Vec::new();
        }
        if let Some(input) = self.input.take() {
            return self.on_input_key(input, key);
        }
        let binding = TABLE.iter().find(|row| row.keys.contains(&key));
        binding.map(|row| self.apply(row.action)).unwrap_or_default()
    }

    /// Handles pasted text.
    pub fn paste(&mut self, text: &str) {
        if let Some(LabInput::Filter(input) | LabInput::Marker(input)) = &mut self.input {
            input.paste(text);
        }
    }

    fn on_input_key(&mut self, mut input: LabInput, key: Key) -> Vec<LabEffect> {
        match key {
            Key::ESC => {
                if matches!(input, LabInput::Filter(_)) {
                    self.filter.clear();
                }
                return Vec::new();
            }
            // Keep the text so that the user can shorten it, as the line asks.
            Key::ENTER if input.label_problem().is_some() => {}
            Key::ENTER => {
                return match input {
                    LabInput::Filter(_) => Vec::new(),
                    LabInput::Marker(text) => self.mark(text.text()),
                };
            }
            key => {
                let (LabInput::Filter(text) | LabInput::Marker(text)) = &mut input;
                text.on_key(key);
            }
        }
        if let LabInput::Filter(text) = &input {
            text.text().clone_into(&mut self.filter);
        }
        self.input = Some(input);
        Vec::new()
    }

    /// Sends a marker to all stations.
    fn mark(&mut self, label: &str) -> Vec<LabEffect> {
        let label = Text::new(label.trim());
        if label.is_empty() {
            return Vec::new();
        }
        let accepting = self.accepting();
        if accepting.is_empty() {
            let text = "no station accepts markers: start one with --accept-markers".to_owned();
            self.notice = Some((text, true, self.now.wall));
            return Vec::new();
        }
        self.log_line(false, format!("marker {label} to {}", stations(accepting.len())));
        vec![LabEffect::Mark(self.markers.send(label, accepting, self.now))]
    }

    fn apply(&mut self, action: LabAction) -> Vec<LabEffect> {
        match action {
            LabAction::Open => {
                let rows = self.rows();
                let row = rows.get(self.selected(&rows)).map(|row| row.name.clone());
                self.opened = self.opened.take().or(row);
            }
            LabAction::Back if self.focus == LabPane::Log => self.focus = LabPane::Rows,
            LabAction::Back => {
                if self.opened.take().is_none() {
                    self.filter.clear();
                }
            }
            LabAction::Up => self.step(-1),
            LabAction::Down => self.step(1),
            LabAction::PageUp => self.step(-isize::try_from(PAGE).unwrap_or(isize::MAX)),
            LabAction::PageDown => self.step(isize::try_from(PAGE).unwrap_or(isize::MAX)),
            LabAction::First => self.step(isize::MIN),
            LabAction::Last => self.step(isize::MAX),
            LabAction::Sort => self.sort = self.sort.next(),
            LabAction::Filter => {
                self.opened = None;
                self.input = Some(LabInput::Filter(TextInput::default()));
                self.filter.clear();
            }
            LabAction::Older => self.scroll_log(-1),
            LabAction::Newer => self.scroll_log(1),
            LabAction::Mark => self.input = Some(LabInput::Marker(TextInput::default())),
            LabAction::Theme => {
                self.theme = (self.theme + 1) % self.settings.themes.len().max(1);
                if let Some(name) = self.settings.themes.get(self.theme) {
                    self.notice = Some((format!("theme {name}"), false, self.now.wall));
                }
            }
            LabAction::Help => self.help = Some(Scroll::default()),
            LabAction::Pane => {
                self.focus = match self.focus {
                    LabPane::Rows => LabPane::Log,
                    LabPane::Log => LabPane::Rows,
                };
            }
            LabAction::Redraw => return vec![LabEffect::Redraw],
            LabAction::Suspend => return vec![LabEffect::Suspend],
            LabAction::Quit => return vec![LabEffect::Quit],
        }
        Vec::new()
    }

    /// Moves in the pane with the focus, stopping at the ends.
    fn step(&mut self, step: isize) {
        match self.focus {
            LabPane::Rows => self.select(step),
            LabPane::Log => self.scroll_log(step),
        }
    }

    fn select(&mut self, step: isize) {
        let rows = self.rows();
        let last = rows.len().saturating_sub(1);
        let at = self.selected(&rows).saturating_add_signed(step).min(last);
        let key = rows.get(at).map(|row| (row.name.clone(), Text::new(row.id())));
        self.selected = key;
    }
}
