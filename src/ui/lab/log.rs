//! The log of all stations.

use std::collections::VecDeque;

use ratatui::{buffer::Buffer, layout::Rect, text::Line};

use super::LabPainter;
use crate::{
    lab::{LabLine, LabPane},
    ui::{
        context::{self, heading_of},
        glyphs, paint, text,
        theme::ThemeToken,
    },
};

/// Width of a time of day and a blank, in cells.
const TIME: usize = 9;

impl LabPainter<'_> {
    /// Draws alerts and events, the newest last. Lines are wrapped while the log has the focus, and cut
    /// otherwise.
    pub(super) fn log(&self, area: Rect, buffer: &mut Buffer) {
        let lab = self.lab;
        let is_focused = lab.focus == LabPane::Log;
        let all = lab.log.len();
        let height = usize::from(area.height.saturating_sub(2));
        // At the oldest lines, the pane is still filled.
        let end = all.saturating_sub(lab.back).max(height.min(all));
        let title = match all - end {
            0 => String::new(),
            newer => format!("{}{newer} newer below", glyphs::SEPARATOR),
        };
        let title = Line::from(self.span(ThemeToken::Dim, title));
        let heading = heading_of(2, "log");
        let inside = context::frame(self.theme, is_focused, &heading, title, area, buffer);
        let mut lines = VecDeque::new();
        for line in lab.log.range(..end).rev() {
            // The last cell stays free for the mark that there are more lines.
            let mut own = self.log_lines(line, inside.width.saturating_sub(1), is_focused);
            let room = height.saturating_sub(lines.len());
            if own.len() > room {
                // If the newest line does not fit as a whole, show its beginning.
                own.truncate(if lines.is_empty() { room } else { 0 });
            }
            if own.is_empty() {
                break;
            }
            own.into_iter().rev().for_each(|own| lines.push_front(own));
        }
        paint::lines(lines.make_contiguous(), inside, buffer);
        context::mark_more(self.theme, end.saturating_sub(lines.len()), end, inside, buffer);
    }

    /// A line of the log: cut to one row, or wrapped over as many rows as it needs.
    fn log_lines(&self, line: &LabLine, width: u16, is_whole: bool) -> Vec<Line<'static>> {
        let (token, mark) = if line.is_problem {
            (ThemeToken::Bad, glyphs::PROBLEM)
        } else {
            (ThemeToken::Text, " ")
        };
        let room = usize::from(width).saturating_sub(TIME + 2);
        let said = text::clean(&line.text);
        let rows = if is_whole { text::wrap(&said, room) } else { vec![text::fit(&said, room)] };
        let time = text::time_of_day(line.at, self.zone);
        let row = |(at, said): (usize, String)| {
            let front = if at == 0 { format!("{time} ") } else { " ".repeat(TIME) };
            let mark = if at == 0 { mark } else { " " };
            Line::from(vec![
                self.span(ThemeToken::Dim, front),
                self.span(token, format!("{mark} {said}")),
            ])
        };
        rows.into_iter().enumerate().map(row).collect()
    }
}
