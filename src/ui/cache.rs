//! What is kept between frames because redrawing it costs more than keeping it.

use jiff::Timestamp;
use log::LevelFilter;
use ratatui::{
    buffer::{Buffer, Cell},
    layout::Rect,
    style::Style,
};

use super::streams::{OutlineCache, TraceCache};
use crate::app::TARGETS;

/// What the panes keep between frames.
#[derive(Debug, Default)]
pub(super) struct DrawCache {
    /// The traces of the last frame, from top to bottom.
    pub(super) traces: Vec<TraceCache>,
    pub(super) outline: OutlineCache,
    pub(super) log: Cached<LogKey>,
}

/// Everything that determines the lines of the log: formatting them in each frame would cost as much as all
/// traces.
#[derive(Debug, PartialEq)]
pub(super) struct LogKey {
    /// The newest record, shown or not.
    pub(super) newest: Option<Timestamp>,
    /// The last visible record, if that is not the newest.
    pub(super) last: Option<Timestamp>,
    pub(super) selected: Option<Timestamp>,
    pub(super) filter: String,
    /// The level up to which each target is shown, and whether only one target is.
    pub(super) shown: [LevelFilter; TARGETS.len()],
    pub(super) only: Option<usize>,
    pub(super) with_target: bool,
    pub(super) ascii: bool,
    pub(super) styles: [Style; 5],
}

/// A part of the screen as last drawn, and the key that determines it.
#[derive(Debug)]
pub(super) struct Cached<K> {
    key: Option<(K, Rect)>,
    /// Row by row.
    cells: Vec<Cell>,
}

impl<K> Default for Cached<K> {
    fn default() -> Self {
        Self { key: None, cells: Vec::new() }
    }
}

impl<K: PartialEq> Cached<K> {
    /// Draws into an area of the buffer, or copies what was drawn last if the key and the area are the same.
    pub(super) fn draw(
        &mut self,
        key: K,
        area: Rect,
        buffer: &mut Buffer,
        draw: impl FnOnce(Rect, &mut Buffer),
    ) {
        let area = area.intersection(buffer.area);
        let (key, width) = (Some((key, area)), usize::from(area.width.max(1)));
        if self.key != key {
            draw(area, buffer);
            self.key = key;
            self.cells.resize(area.area() as usize, Cell::EMPTY);
            for (row, kept) in area.rows().zip(self.cells.chunks_exact_mut(width)) {
                let start = buffer.index_of(row.x, row.y);
                kept.clone_from_slice(&buffer.content[start..start + width]);
            }
            return;
        }
        for (row, kept) in area.rows().zip(self.cells.chunks_exact(width)) {
            let start = buffer.index_of(row.x, row.y);
            buffer.content[start..start + width].clone_from_slice(kept);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_drawn_anew_where_key_or_area_is_another() {
        let mut cached = Cached::default();
        let mut drawn = 0;
        let mut draw = |key: char, area: Rect| {
            let mut buffer = Buffer::empty(Rect::new(0, 0, 8, 3));
            cached.draw(key, area, &mut buffer, |area, buffer| {
                drawn += 1;
                buffer.set_string(area.x, area.y, "漢", ratatui::style::Style::new().bold());
                buffer.set_string(
                    area.x,
                    area.bottom() - 1,
                    key.to_string().repeat(3),
                    ratatui::style::Style::new(),
                );
            });
            (drawn, buffer)
        };
        let area = Rect::new(2, 1, 4, 2);
        let (_, first) = draw('a', area);
        assert_eq!(draw('a', area), (1, first.clone()));
        assert_eq!(draw('b', area).0, 2);
        assert_eq!(draw('a', area), (3, first));
        let moved = Rect { x: 3, ..area };
        let (times, buffer) = draw('a', moved);
        assert_eq!((times, buffer[(3, 1)].symbol()), (4, "漢"));
        assert_eq!(draw('a', Rect { height: 20, ..moved }), (4, buffer), "as much as there is");
    }
}
