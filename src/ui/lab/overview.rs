//! The table of all stations.

use ratatui::{buffer::Buffer, layout::Rect, text::Line};

use super::{
    LabPainter,
    cells::{COLUMNS, fitting},
};
use crate::{
    lab::{BrokerLink, LabPane, LabRow},
    ui::{
        context::{self, heading_of},
        glyphs, paint, text,
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
        self.table(rows, fitting(inside.width), inside, buffer);
    }

    /// The text to show if there are no rows.
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
