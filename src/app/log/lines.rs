//! Lines of the log as tui-logger's widget gives them, which alone can read the buffer of its records:
//! a formatter chooses them by text and age, and counts their rows.

use std::sync::{Arc, Mutex, PoisonError};

use cortop_client::sanitize::floor_char_boundary;
use jiff::Timestamp;
use log::Level;
use ratatui::{buffer::Buffer, layout::Rect, text::Line, widgets::Widget as _};
use tui_logger::{ExtLogRecord, LogFormatter, TuiLoggerWidget, TuiWidgetState};

use crate::app::log_targets::{TARGETS, target_of};

/// Bytes of a record that are shown.
pub(super) const LONGEST: usize = 2048;

/// A record of the log, to be drawn.
#[derive(Clone, Debug)]
pub struct LogLine {
    /// When it was written.
    pub at: Timestamp,
    /// How much it matters.
    pub level: Level,
    /// The name of who wrote it, one of [`TARGETS`].
    pub target: &'static str,
    /// The text: one line, bounded.
    pub text: String,
}

impl From<&ExtLogRecord> for LogLine {
    fn from(record: &ExtLogRecord) -> Self {
        let text = record.msg();
        // Of a crate that logs by `log`, file, line and module come first, and then the target.
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

/// Makes rows of a line for a width in cells.
pub type FormatLine = Arc<dyn Fn(usize, &LogLine) -> Vec<Line<'static>> + Send + Sync>;

/// The lines that the widget asked for and that are shown, from the newest on: when each was
/// written, and how many rows it takes.
pub(super) type Walked = Vec<(Timestamp, usize)>;

/// Chooses lines by text and age. The widget comes with the newest record, and goes back until its
/// rows are full.
pub(super) struct Formatter {
    /// In lower case.
    pub(super) filter: String,
    pub(super) last: Option<Timestamp>,
    pub(super) rows: FormatLine,
    /// `None` before the first record.
    pub(super) walked: Arc<Mutex<Option<Walked>>>,
}

impl LogFormatter for Formatter {
    fn min_width(&self) -> u16 {
        1
    }

    fn format(&self, width: usize, record: &ExtLogRecord) -> Vec<Line<'_>> {
        let mut walked = self.walked.lock().unwrap_or_else(PoisonError::into_inner);
        let mut rows = Vec::new();
        // The first record must have a row, whether it is shown or not.
        let walked = walked.get_or_insert_with(|| {
            rows.push(Line::default());
            Walked::new()
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

/// Draws lines by tui-logger's widget, and gives those that it took.
pub(super) fn walk(
    formatter: Formatter,
    levels: &TuiWidgetState,
    area: Rect,
    buffer: &mut Buffer,
) -> Walked {
    let walked = Arc::clone(&formatter.walked);
    TuiLoggerWidget::default()
        .formatter(Box::new(formatter))
        .state(levels)
        // One row more, for the empty one of the first record.
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
