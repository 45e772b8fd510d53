//! The list of faults, narrowed by what is typed, which may also be a fault with values of one's own.

use crate::app::{
    Key,
    dialog::{Rank, TextInput, rank},
};
use cortop_sim::{Fault, fault::LIST};

/// The list while it is open.
#[derive(Clone, Debug, Default)]
pub struct FaultPalette {
    /// What narrows it.
    pub input: TextInput,
    /// What is wrong with a fault that was typed.
    pub complaint: Option<String>,
    /// The place of the selected one among those that match.
    at: usize,
}

/// What came of a key.
pub(super) enum PaletteEvent {
    Open,
    Closed,
    /// A fault.
    Chosen(Fault),
}

impl FaultPalette {
    /// The faults that match, as they are spelt and what they do, the best first.
    #[must_use]
    pub fn matches(&self) -> Vec<(&'static str, &'static str)> {
        let (typed, has_values) = match self.input.text().split_once('=') {
            Some((name, _)) => (name, true),
            None => (self.input.text(), false),
        };
        let ranked = LIST.iter().filter_map(|fault| {
            let rank = rank(typed, name_of(fault.0), fault.1)?;
            // One with values of its own is one of its name.
            (!has_values || rank == Rank::Exact).then_some((rank, *fault))
        });
        let mut matches: Vec<_> = ranked.collect();
        matches.sort_by_key(|&(rank, _)| rank);
        matches.into_iter().map(|(_, fault)| fault).collect()
    }

    /// The place of the selected one among them.
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
            // To be changed, and then chosen.
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

/// The name of a fault that stands with its values.
fn name_of(example: &str) -> &str {
    example.split_once(" =").map_or(example, |(name, _)| name)
}
