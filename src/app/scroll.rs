//! Scrolling of content longer than its area.

use std::cell::Cell;

use super::Key;

/// What closes a card of keys.
const CLOSES: [Key; 5] = [Key::ESC, Key::char('q'), Key::char('?'), Key::ENTER, Key::ctrl('c')];

/// A scroll position. Drawing records here how much fits, so that page keys move by what is visible and never
/// past the end.
#[derive(Clone, Debug, Default)]
pub struct Scroll {
    first: usize,
    fits: Cell<usize>,
    all: Cell<usize>,
}

impl Scroll {
    /// The first of `all` lines to draw if `fits` lines fit.
    #[must_use]
    pub fn first(&self, all: usize, fits: usize) -> usize {
        self.fits.set(fits);
        self.all.set(all);
        self.first.min(all.saturating_sub(fits))
    }

    /// Scrolls by one page less one line, which stays visible.
    pub(crate) fn page(&mut self, forward: bool) {
        let last = self.all.get().saturating_sub(self.fits.get());
        let page = self.fits.get().saturating_sub(1).max(1);
        let first = self.first.min(last);
        self.first = if forward { first + page } else { first.saturating_sub(page) }.min(last);
    }

    /// A key on a card that is only read: whether it stays open.
    pub(crate) fn on_key(&mut self, key: Key) -> bool {
        match key {
            Key::UP | Key::PAGE_UP => self.page(false),
            Key::DOWN | Key::PAGE_DOWN | Key::SPACE => self.page(true),
            Key::HOME => self.reset(),
            _ => return !CLOSES.contains(&key),
        }
        true
    }

    pub(crate) fn reset(&mut self) {
        self.first = 0;
    }
}
