//! The list of faults, filtered by typing; the typed text may also be a fault with different values.

use crate::app::{
    Key,
    dialog::{Rank, TextInput, rank},
};
use cortop_sim::{Fault, fault::LIST};

/// The open list.
#[derive(Clone, Debug, Default)]
pub struct FaultPalette {
    /// The filter.
    pub input: TextInput,
    /// Why a typed fault is invalid.
    pub complaint: Option<String>,
    /// The index of the selected fault among those that match.
    at: usize,
}

/// The result of a key.
pub(super) enum PaletteEvent {
    Open,
    Closed,
    /// A fault.
    Chosen(Fault),
}

impl FaultPalette {
    /// The faults that match, best first: their spelling, and what they do.
    #[must_use]
    pub fn matches(&self) -> Vec<(&'static str, &'static str)> {
        let (typed, has_values) = match self.input.text().split_once('=') {
            Some((name, _)) => (name, true),
            None => (self.input.text(), false),
        };
        let ranked = LIST.iter().filter_map(|fault| {
            let rank = rank(typed, name_of(fault.0), fault.1)?;
            // A text with values matches only the fault of its name.
            (!has_values || rank == Rank::Exact).then_some((rank, *fault))
        });
        let mut matches: Vec<_> = ranked.collect();
        matches.sort_by_key(|&(rank, _)| rank);
        matches.into_iter().map(|(_, fault)| fault).collect()
    }

    /// The index of the selected fault among them.
    #[must_use]
    pub fn selected(&self) -> usize {
        self.at.min(self.matches().len().saturating_sub(1))
    }

    pub(super) fn paste(&mut self, text: &str) {
        self.input.paste(text);
    }

    pub(super) fn on_key(&mut self, key: Key) -> PaletteEvent {
        match key {
            Key::ESC => return PaletteEvent::Closed,
            Key::ENTER => return self.choose(),
            Key::UP | Key::BACK_TAB => self.at = self.selected().saturating_sub(1),
            Key::DOWN => self.at = self.selected() + 1,
            // Tab completes the fault for editing.
            Key::TAB => {
                if let Some((example, _)) = self.matches().get(self.selected()) {
                    self.input = (*example).into();
                }
            }
            key if key == Key::ctrl('c') => return PaletteEvent::Closed,
            key => {
                self.complaint = None;
                if self.input.on_key(key) {
                    self.at = 0;
                }
            }
        }
        PaletteEvent::Open
    }

    fn choose(&mut self) -> PaletteEvent {
        let typed = self.input.text().trim();
        let chosen = match self.matches().get(self.selected()) {
            Some((example, _)) if !typed.contains('=') => (*example).to_owned(),
            _ => typed.to_owned(),
        };
        match toml::from_str::<Fault>(&chosen) {
            Ok(fault) => PaletteEvent::Chosen(fault),
            Err(error) => {
                self.complaint = Some(error.message().to_owned());
                PaletteEvent::Open
            }
        }
    }
}

/// The name in a fault with values.
fn name_of(example: &str) -> &str {
    example.split_once(" =").map_or(example, |(name, _)| name)
}
