//! Maps bins to the cells of a picture, in sweep or scroll. Knows neither channels nor scales.

use std::ops::Range;

use super::dots::Dots;
use crate::{app::ScrollMode, ui::paint};
use cortop_signal::{Scale, runs, snapshot::Bin};

/// The bins that the cells of a row show, left to right. A cell shows as many bins as it has dots across.
/// These groups are counted from the start of the stream, so that a group keeps its glyph wherever it is
/// drawn.
#[derive(Clone, Debug)]
pub(super) struct BinGroups {
    motion: ScrollMode,
    /// Bins per cell, and cells per row.
    pub(super) across: u64,
    pub(super) width: u64,
    /// The number of the first bin, and the number of bins.
    pub(super) first: u64,
    count: usize,
    /// The group with the bin that is still growing.
    newest: u64,
    /// The group of each cell.
    pub(super) groups: Vec<Option<u64>>,
}

impl BinGroups {
    /// `first` is the absolute number of the first of `count` bins; the last one is still growing.
    pub(super) fn new(
        motion: ScrollMode,
        dots: Dots,
        width: u16,
        first: u64,
        count: usize,
    ) -> Self {
        let (width, across) = (u64::from(width), u64::from(dots.across()));
        let end = first + count as u64;
        let newest = end.saturating_sub(1) / across;
        // Only finished groups are drawn: a cell is written once and then stays, or is shifted whole. The
        // growing group is left blank; in a sweep it is the write cursor, a single cell, so that the finished
        // cell and the blank after it are one run of output.
        let groups = (0..width).map(|cell| {
            let ahead = match motion {
                ScrollMode::Scroll => (cell + 1) % width,
                ScrollMode::Sweep => (cell + width - newest % width) % width,
            };
            if ahead == 0 { None } else { (newest + ahead).checked_sub(width) }
        });
        Self { motion, across, width, first, count, newest, groups: groups.collect() }
    }

    /// The same for a still picture: a scroll draws all of it, as nothing grows.
    pub(super) fn still(mut self, is_still: bool) -> Self {
        if let (true, ScrollMode::Scroll, Some(last)) =
            (is_still, self.motion, self.groups.last_mut())
        {
            *last = Some(self.newest);
        }
        self
    }

    /// The index of the leftmost cell in the sweep.
    pub(super) fn leftmost(&self) -> usize {
        let place = match self.motion {
            ScrollMode::Sweep => 0,
            ScrollMode::Scroll => (self.newest + 1) % self.width.max(1),
        };
        usize::try_from(place).unwrap_or_default()
    }

    /// The indices of a group's bins among the channel's columns; the second exists only with two dots
    /// across.
    pub(super) fn places(&self, group: u64) -> [Option<usize>; 2] {
        let first = group * self.across;
        [self.place(first), if self.across > 1 { self.place(first + 1) } else { None }]
    }

    fn place(&self, bin: u64) -> Option<usize> {
        usize::try_from(bin.checked_sub(self.first)?).ok().filter(|&at| at < self.count)
    }

    /// The indices of a cell's existing bins.
    fn there(&self, group: Option<u64>) -> impl Iterator<Item = usize> {
        group.map(|group| self.places(group)).unwrap_or_default().into_iter().flatten()
    }

    /// The cell of a bin, if it is visible.
    pub(super) fn cell(&self, bin: u64) -> Option<u16> {
        let group = bin / self.across;
        let back = self.newest.checked_sub(group).filter(|&back| back < self.width)?;
        let cell = match self.motion {
            ScrollMode::Scroll => self.width - 1 - back,
            ScrollMode::Sweep => group % self.width,
        };
        u16::try_from(cell).ok()
    }

    /// The longest run of cells that show only these bins.
    pub(super) fn widest(&self, bins: &Range<u64>) -> Option<Range<u16>> {
        let inside = |group: &Option<u64>| {
            group.is_some_and(|group| {
                bins.start <= group * self.across && (group + 1) * self.across <= bins.end
            })
        };
        let mut at = 0;
        let parts = self.groups.chunk_by(|one, other| inside(one) == inside(other));
        let spans = parts.map(|part| {
            let start = at;
            at += paint::cells(part.len());
            (part.first().is_some_and(inside), start..at)
        });
        spans.filter(|(inside, _)| *inside).map(|(_, span)| span).max_by_key(ExactSizeIterator::len)
    }

    /// The number of each cell's first bin.
    pub(super) fn first_bins(&self) -> impl Iterator<Item = Option<u64>> {
        self.groups.iter().map(|group| group.map(|group| group * self.across))
    }

    /// The existing bins of each cell.
    pub(super) fn bins(&self) -> impl Iterator<Item = Vec<usize>> {
        self.groups.iter().map(|&group| self.there(group).collect())
    }

    /// Whether each cell contains a short loss.
    pub(super) fn lost(&self, columns: &[Bin]) -> impl Iterator<Item = bool> {
        let ticks: Vec<bool> = runs(columns, Scale { centre: 0.0, half: 1.0 }, 1)
            .map(|run| run.is_some_and(|run| run.tick))
            .collect();
        self.groups.iter().map(move |&group| {
            self.there(group).any(|bin| ticks.get(bin).copied().unwrap_or(false))
        })
    }
}
