//! Lines of the log as provided by tui-logger's widget, which alone can read the record buffer: a formatter
//! selects lines by text and age, and counts their rows.

use std::sync::{Arc, Mutex, PoisonError};

use cortop_client::sanitize::floor_char_boundary;
use jiff::Timestamp;
use log::Level;
use ratatui::{buffer::Buffer, layout::Rect, text::Line, widgets::Widget as _};
use tui_logger::{ExtLogRecord, LogFormatter, TuiLoggerWidget, TuiWidgetState};

use crate::app::log_targets::{TARGETS, target_of};

/// Maximum number of bytes shown of a record.
pub(super) const LONGEST: usize = 2048;

/// A log record to draw.
#[derive(Clone, Debug)]
pub struct LogLine {
    /// When it was written.
    pub at: Timestamp,
    /// Its level.
    pub level: Level,
    /// The target that wrote it, one of [`TARGETS`].
    pub target: &'static str,
    /// The text: one line of bounded length.
    pub text: String,
}

impl From<&ExtLogRecord> for LogLine {
    fn from(record: &ExtLogRecord) -> Self {
        let text = record.msg();
        // Records of crates that use `log` begin with file, line and module, then the target.
        let text = match text.split_once("log.target: ") {
            Some((_, said)) if record.target() == "log" => said,
            _ => text.trim_start(),
        };
        Self {
            at: record.timestamp.timestamp(),
            level: record.level,
            target: TARGETS[target_of(record.target())].0,
            text: text[..floor_char_boundary(text, LONGEST)].replace(char::is_control, " "),
        }
    }
}

/// Formats a line into rows for a width in cells.
pub type FormatLine = Arc<dyn Fn(usize, &LogLine) -> Vec<Line<'static>> + Send + Sync>;

/// The lines that the widget requested and that are shown, newest first: when each was written, and how many
/// rows it takes.
pub(super) type VisitedLines = Vec<(Timestamp, usize)>;

/// Selects lines by text and age. The widget starts with the newest record and goes back until its rows are
/// full.
pub(super) struct Formatter {
    /// In lower case.
    pub(super) filter: String,
    pub(super) last: Option<Timestamp>,
    pub(super) rows: FormatLine,
    /// `None` before the first record.
    pub(super) walked: Arc<Mutex<Option<VisitedLines>>>,
}

impl LogFormatter for Formatter {
    fn min_width(&self) -> u16 {
        1
    }

    fn format(&self, width: usize, record: &ExtLogRecord) -> Vec<Line<'_>> {
        let mut walked = self.walked.lock().unwrap_or_else(PoisonError::into_inner);
        let mut rows = Vec::new();
        // The first record must take a row, whether it is shown or not.
        let walked = walked.get_or_insert_with(|| {
            rows.push(Line::default());
            VisitedLines::new()
        });
        let at = record.timestamp.timestamp();
        if self.last.is_none_or(|last| at <= last) {
            let line = LogLine::from(record);
            if self.filter.is_empty() || line.text.to_lowercase().contains(&self.filter) {
                let own = (self.rows)(width, &line);
                walked.push((at, own.len()));
                rows.splice(0..0, own);
            }
        }
        rows
    }
}

/// Draws lines with tui-logger's widget, and returns those it used.
pub(super) fn walk(
    formatter: Formatter,
    levels: &TuiWidgetState,
    area: Rect,
    buffer: &mut Buffer,
) -> VisitedLines {
    let walked = Arc::clone(&formatter.walked);
    TuiLoggerWidget::default()
        .formatter(Box::new(formatter))
        .state(levels)
        // One more row, for the empty row of the first record.
        .render(Rect { height: area.height + 1, ..area }, buffer);
    let walked = walked.lock().unwrap_or_else(PoisonError::into_inner).take();
    walked.unwrap_or_default()
}

/// When the newest record was written, whether it is shown or not.
#[must_use]
pub fn newest_record() -> Option<Timestamp> {
    let rows: FormatLine = Arc::new(|_, _| vec![Line::default()]);
    let formatter = Formatter { filter: String::new(), last: None, rows, walked: Arc::default() };
    let area = Rect::new(0, 0, 1, 0);
    let mut buffer = Buffer::empty(Rect { height: 1, ..area });
    let walked = walk(formatter, &TuiWidgetState::new(), area, &mut buffer);
    walked.first().map(|&(at, _)| at)
}
