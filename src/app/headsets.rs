//! The headsets that the service sees, and the selected one.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
};

use tokio::time::Instant;

use super::Sort;
use cortop_client::{ClockOffset, Headset, HeadsetId, headset::HeadsetStatus};

/// The headsets pane's state.
#[derive(Clone, Debug, Default)]
pub(crate) struct HeadsetsPane {
    /// The headsets as the service last listed them, in its order.
    pub(crate) list: Vec<Headset>,
    /// The selected one.
    pub(crate) selected: Option<HeadsetId>,
    /// Since when each has had its status.
    pub(crate) since: BTreeMap<HeadsetId, Instant>,
    /// The offset of each headset's clock from ours, as last measured.
    pub(crate) clocks: BTreeMap<HeadsetId, ClockOffset>,
    /// Since when a scan has been running, if one is.
    pub(crate) scanning: Option<Instant>,
    /// Whether the service has listed its headsets on this connection.
    pub(crate) known: bool,
    /// The headsets it listed on the previous connection.
    pub(crate) last_listed: Vec<HeadsetId>,
    /// Whether the overview of all headsets is open.
    pub(crate) overview: bool,
    /// What its rows are sorted by.
    pub(crate) sort: Sort,
    /// The headsets of the overview in the order of the last sort: rows that moved on their own would be hard
    /// to select.
    pub(super) order: Vec<HeadsetId>,
    /// The headsets picked to be opened together.
    pub(crate) picked: BTreeSet<HeadsetId>,
}

impl HeadsetsPane {
    /// Replaces the list; the selection stays on its headset, or moves to the first. Deduplicates by id: two
    /// rows with the same id could not be selected separately.
    pub(super) fn replace(&mut self, mut list: Vec<Headset>, now: Instant) {
        let mut known = BTreeSet::new();
        list.retain(|headset| known.insert(headset.id.clone()));
        let since = list
            .iter()
            .map(|headset| {
                let same = self.status(&headset.id) == Some(&headset.status);
                let since = self.since.get(&headset.id).copied().filter(|_| same).unwrap_or(now);
                (headset.id.clone(), since)
            })
            .collect();
        self.since = since;
        self.picked.retain(|id| known.contains(id));
        self.list = list;
        self.known = true;
        if self.position().is_none() {
            self.selected = self.list.first().map(|headset| headset.id.clone());
        }
    }

    /// Forgets what the service reported, after the connection is lost; keeps what the user chose.
    pub(super) fn forget(&mut self) {
        let Self { overview, sort, .. } = *self;
        let (selected, order) = (self.selected.take(), mem::take(&mut self.order));
        let last_listed = if self.known {
            self.list.iter().map(|headset| headset.id.clone()).collect()
        } else {
            mem::take(&mut self.last_listed)
        };
        *self = Self { selected, last_listed, overview, sort, order, ..Self::default() };
    }

    /// Moves the selection by `step` rows of a list, stopping at its ends.
    pub(super) fn step(&mut self, rows: &[HeadsetId], step: isize) {
        let at = rows.iter().position(|id| Some(id) == self.selected.as_ref());
        let row = at.map_or(0, |row| row.saturating_add_signed(step));
        if let Some(id) = rows.get(row).or(rows.last()) {
            self.selected = Some(id.clone());
        }
    }

    /// Picks or unpicks the selected headset and moves to the next row.
    pub(super) fn toggle_picked(&mut self, rows: &[HeadsetId]) {
        let Some(id) = self.selected.clone() else { return };
        if !self.picked.remove(&id) {
            self.picked.insert(id);
        }
        self.step(rows, 1);
    }

    /// The index of the selected headset in the list.
    #[must_use]
    pub(crate) fn position(&self) -> Option<usize> {
        let selected = self.selected.as_ref()?;
        self.list.iter().position(|headset| headset.id == *selected)
    }

    /// The selected headset.
    #[must_use]
    pub(crate) fn selected(&self) -> Option<&Headset> {
        self.position().map(|row| &self.list[row])
    }

    fn status(&self, id: &HeadsetId) -> Option<&HeadsetStatus> {
        self.list.iter().find(|headset| headset.id == *id).map(|headset| &headset.status)
    }
}
