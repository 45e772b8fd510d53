//! All stations in a table.

use ratatui::{buffer::Buffer, layout::Rect, text::Line};

use super::{
    LabPainter,
    cells::{COLUMNS, MARKS, fitting},
};
use crate::{
    lab::{BrokerLink, LabPane, LabRow},
    ui::{
        context::{self, heading_of},
        glyphs, paint, table, text,
        theme::ThemeToken,
    },
};

impl LabPainter<'_> {
    pub(super) fn overview(&self, rows: &[LabRow<'_>], area: Rect, buffer: &mut Buffer) {
        let by = COLUMNS.iter().find(|column| column.sort == Some(self.lab.sort));
        let mut title =
            format!("{}sorted by {}", glyphs::SEPARATOR, by.map_or("", |column| column.title));
        if !self.lab.filter.is_empty() {
            let shown = text::clean(&self.lab.filter);
            title = format!("{}only \"{shown}\"{title}", glyphs::SEPARATOR);
        }
        let title = Line::from(self.span(ThemeToken::Dim, title));
        let heading = heading_of(1, "headsets of all stations");
        let is_focused = self.lab.focus == LabPane::Rows;
        let inside = context::frame(self.theme, is_focused, &heading, title, area, buffer);
        if rows.is_empty() {
            let says = self.nothing();
            let lines = paint::sentence(&says, inside.width, self.theme.style(ThemeToken::Dim));
            return paint::lines(&lines, inside, buffer);
        }
        let columns = fitting(inside.width);
        let titles =
            table::titles(|token, text| self.span(token, text), MARKS, &columns, self.lab.sort);
        paint::line(&titles, Rect { height: 1, ..inside }.intersection(inside), buffer);
        let body = Rect { y: inside.y + 1, height: inside.height.saturating_sub(1), ..inside };
        let selected = self.lab.selected(rows);
        let skip = (selected + 1).saturating_sub(usize::from(body.height));
        let seen = rows.iter().enumerate().skip(skip).take(body.height.into());
        let lines: Vec<_> =
            seen.map(|(at, row)| self.line(row, at == selected, &columns, inside.width)).collect();
        paint::lines(&lines, body, buffer);
        context::mark_more(self.theme, skip, rows.len(), body, buffer);
    }

    /// What is said where there is no row.
    fn nothing(&self) -> String {
        match &self.lab.link {
            BrokerLink::Lost(why, _) => why.clone(),
            BrokerLink::Connecting => "connecting to the broker".to_owned(),
            BrokerLink::Connected if !self.lab.filter.is_empty() => {
                "no row has this: Esc shows all".to_owned()
            }
            BrokerLink::Connected => format!(
                "no station yet: start one with cortop station --broker {}",
                self.lab.settings.broker
            ),
        }
    }
}
