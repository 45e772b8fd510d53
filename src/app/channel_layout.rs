//! How the user arranged the channels of one stream: hidden, alone, reordered, or drawn at another scale.
//! Knows channels by index only, neither labels nor values.

use std::collections::{BTreeMap, BTreeSet};

/// Maximum doublings of a channel's own scale, up or down.
const MOST_DOUBLINGS: i32 = 6;

/// The arrangement of a stream's channels; by default in the stream's order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChannelLayout {
    /// A permutation of the first indices; the rest follow in their own order.
    order: Vec<usize>,
    hidden: BTreeSet<usize>,
    /// The only channel shown, if there is one.
    solo: Option<usize>,
    /// Doublings relative to the common scale, for channels with a scale of their own.
    doublings: BTreeMap<usize, i32>,
}

impl ChannelLayout {
    /// The indices of the channels shown, out of `all`, in their order.
    #[must_use]
    pub fn shown(&self, all: usize) -> Vec<usize> {
        let ordered = self.order.iter().copied().chain(self.order.len()..all);
        ordered.filter(|&place| place < all && self.shows(place)).collect()
    }

    /// The number of channels shown.
    #[must_use]
    pub fn count(&self, all: usize) -> usize {
        match self.solo {
            Some(place) => usize::from(place < all),
            None => all - self.hidden.range(..all).count(),
        }
    }

    /// The factor between a channel's scale and the common one; `None` if it uses the common one.
    #[must_use]
    pub fn own_scale(&self, place: usize) -> Option<f32> {
        self.doublings.get(&place).map(|&doublings| 2_f32.powi(doublings))
    }

    /// Whether some channel has a scale of its own.
    #[must_use]
    pub fn has_own_scales(&self) -> bool {
        !self.doublings.is_empty()
    }

    /// Whether a single channel is shown.
    #[must_use]
    pub fn is_solo(&self) -> bool {
        self.solo.is_some()
    }

    fn shows(&self, place: usize) -> bool {
        self.solo.map_or_else(|| !self.hidden.contains(&place), |solo| solo == place)
    }

    pub(super) fn hide(&mut self, place: usize) {
        self.hidden.insert(place);
    }

    /// Shows only this channel, or all of them again.
    pub(super) fn solo(&mut self, place: usize) {
        self.solo = if self.solo.is_none() { Some(place) } else { None };
    }

    /// Doubles or halves the channel's scale: larger values fit, or smaller ones become visible.
    pub(super) fn scale(&mut self, place: usize, step: i32) {
        let doublings = self.doublings.entry(place).or_default();
        *doublings = (*doublings + step).clamp(-MOST_DOUBLINGS, MOST_DOUBLINGS);
        if *doublings == 0 {
            self.doublings.remove(&place);
        }
    }

    /// Swaps two channels out of `all`.
    pub(super) fn swap(&mut self, one: usize, other: usize, all: usize) {
        self.order.extend(self.order.len()..all);
        let at = |place| self.order.iter().position(|&own| own == place);
        if let (Some(one), Some(other)) = (at(one), at(other)) {
            self.order.swap(one, other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_channel_is_shown_once_whatever_was_done_and_however_many_there_are() {
        let mut channels = ChannelLayout::default();
        channels.swap(0, 3, 5);
        channels.swap(3, 1, 5);
        channels.hide(2);
        channels.hide(40);
        assert_eq!(channels.shown(5), [1, 3, 0, 4]);
        assert_eq!(channels.shown(2), [1, 0], "another headset has fewer");
        assert_eq!(channels.shown(7), [1, 3, 0, 4, 5, 6], "or more");
        channels.solo(3);
        assert_eq!((channels.shown(5), channels.count(5)), (vec![3], 1));
        channels.solo(3);
        for all in 0..9 {
            assert_eq!(channels.shown(all).len(), channels.count(all));
        }
    }

    #[test]
    fn an_own_scale_is_a_number_of_doublings_and_ends_with_the_common_one() {
        let mut channels = ChannelLayout::default();
        channels.scale(2, 1);
        assert_eq!((channels.own_scale(2), channels.own_scale(1)), (Some(2.0), None));
        channels.scale(2, -1);
        assert!(!channels.has_own_scales());
        for _ in 0..50 {
            channels.scale(2, -1);
        }
        assert_eq!(channels.own_scale(2), Some(1.0 / 64.0));
    }
}
