//! The state of the log pane: which records are captured and shown, and how far it is scrolled back.
//! tui-logger captures and stores the records, and its widget draws them; our formatter adds a text filter,
//! page keys, and a key for the oldest record.

mod lines;

use std::{
    cell::{Cell, RefCell},
    sync::{Arc, Mutex, PoisonError},
};

use jiff::Timestamp;
use log::LevelFilter;
use ratatui::{buffer::Buffer, layout::Rect};
use tui_logger::TuiWidgetState;

pub use self::lines::{FormatLine, newest_record};
use self::lines::{Formatter, VisitedLines, walk};
use super::{
    App, Severity,
    dialog::{Dialog, Form, FormField, FormKind},
    log_targets::{LogTargets, OTHER, TARGETS},
};

/// Levels in the order in which the keys cycle through them.
const LEVELS: [LevelFilter; 6] = [
    LevelFilter::Off,
    LevelFilter::Error,
    LevelFilter::Warn,
    LevelFilter::Info,
    LevelFilter::Debug,
    LevelFilter::Trace,
];

/// The log pane's state.
#[derive(Clone, Debug)]
pub(crate) struct LogPane {
    targets: LogTargets,
    /// Whether the list of targets is open.
    lists_targets: bool,
    /// The index of the selected target in [`TARGETS`].
    selected: usize,
    /// Whether only the selected target is shown.
    only: bool,
    /// The level up to which each target is shown.
    shown: [LevelFilter; TARGETS.len()],
    /// Only lines that contain this text are shown.
    filter: String,
    /// When the last visible line was written; `None` follows the newest.
    last: Option<Timestamp>,
    /// When the selected line was written.
    selected_line: Option<Timestamp>,
    /// The number of lines that fitted the last frame.
    page: Cell<usize>,
    /// The lines visible in the last frame.
    in_sight: RefCell<VisitedLines>,
}

impl LogPane {
    pub(super) fn new(targets: LogTargets) -> Self {
        let shown = targets.lock().captured;
        Self {
            targets,
            lists_targets: false,
            selected: 0,
            only: false,
            shown,
            filter: String::new(),
            last: None,
            selected_line: None,
            page: Cell::new(1),
            in_sight: RefCell::default(),
        }
    }

    /// Whether the list of targets is open.
    pub(crate) fn lists_targets(&self) -> bool {
        self.lists_targets
    }

    /// The index of the selected target in [`TARGETS`].
    pub(crate) fn selected(&self) -> usize {
        self.selected
    }

    /// The only target shown, if there is one.
    pub(crate) fn only(&self) -> Option<usize> {
        self.only.then_some(self.selected)
    }

    /// The level up to which each target is shown.
    pub(crate) fn shown(&self) -> &[LevelFilter; TARGETS.len()] {
        &self.shown
    }

    /// Only lines that contain this text are shown.
    pub(crate) fn filter(&self) -> &str {
        &self.filter
    }

    /// When the last visible line was written; `None` follows the newest.
    pub(crate) fn last(&self) -> Option<Timestamp> {
        self.last
    }

    /// When the selected line was written.
    pub(crate) fn selected_line(&self) -> Option<Timestamp> {
        self.selected_line
    }

    /// The level up to which a target is captured.
    #[must_use]
    pub(crate) fn captured(&self, target: usize) -> LevelFilter {
        self.targets.lock().captured[target]
    }

    /// Draws the lines; a page key moves by as many as fit. The row below the area must be in the buffer, and
    /// is left unchanged.
    pub(crate) fn draw(&self, area: Rect, buffer: &mut Buffer, rows: &FormatLine) {
        let mut walked = self.walk(self.last, area, buffer, rows);
        if walked.is_empty() && self.last.is_some() {
            // All lines up to there have left the buffer.
            walked = self.walk(self.step(usize::MAX, true), area, buffer, rows);
        }
        let rows = walked.iter().scan(0, |sum, (_, rows)| {
            *sum += rows;
            Some(*sum)
        });
        let whole = rows.take_while(|rows| *rows <= usize::from(area.height)).count();
        self.page.set(whole.max(1));
        self.in_sight.replace(walked);
    }

    /// Draws the newest line, wherever the pane is scrolled to.
    pub(crate) fn draw_newest(&self, area: Rect, buffer: &mut Buffer, rows: &FormatLine) {
        self.in_sight.replace(self.walk(None, area, buffer, rows));
    }

    /// The lines drawn last, oldest first: when each was written, and how many rows it takes. If there are
    /// more rows than fit, the first are cut off.
    #[must_use]
    pub(crate) fn in_sight(&self) -> Vec<(Timestamp, usize)> {
        self.in_sight.borrow().iter().rev().copied().collect()
    }

    /// Draws the lines up to a time with tui-logger's widget, and returns those it used.
    fn walk(
        &self,
        last: Option<Timestamp>,
        area: Rect,
        buffer: &mut Buffer,
        rows: &FormatLine,
    ) -> VisitedLines {
        let filter = self.filter.to_lowercase();
        let rows = Arc::clone(rows);
        let formatter = Formatter { filter, last, rows, walked: Arc::default() };
        walk(formatter, &self.levels(), area, buffer)
    }

    /// The level up to which each module path is shown.
    fn levels(&self) -> TuiWidgetState {
        let hidden = |target| self.only && target != self.selected;
        let level = |target| if hidden(target) { LevelFilter::Off } else { self.shown[target] };
        let state = TuiWidgetState::new().set_default_display_level(level(OTHER));
        let levels = self.targets.lock();
        let paths = levels.paths.iter();
        paths.fold(state, |state, (path, own)| state.set_level_for_target(path, level(*own)))
    }

    /// Visits all lines without drawing any: only the widget can read the buffer, and it continues until its
    /// rows are full.
    fn walk_all(&self, rows: &FormatLine) -> VisitedLines {
        let area = Rect::new(0, 0, 1, 1);
        self.walk(None, area, &mut Buffer::empty(Rect { height: 2, ..area }), rows)
    }

    /// The time of the last visible line after scrolling back or forward by `lines`; at the newest line the
    /// pane follows again.
    fn step(&self, lines: usize, back: bool) -> Option<Timestamp> {
        let nothing: FormatLine = Arc::new(|_, _| Vec::new());
        let mut walked = self.walk_all(&nothing);
        walked.reverse();
        let newest = walked.len().checked_sub(1)?;
        let last = self.last.unwrap_or(Timestamp::MAX);
        let at = walked.iter().rposition(|(at, _)| *at <= last).unwrap_or_default();
        // The oldest page stays full.
        let first = self.page.get().saturating_sub(1).min(newest);
        let to = if back { at.saturating_sub(lines).max(first) } else { at.saturating_add(lines) };
        walked.get(to).map(|(at, _)| *at).filter(|_| to < newest)
    }

    pub(super) fn earlier(&mut self) {
        self.last = self.step(self.page.get(), true);
    }

    pub(super) fn later(&mut self) {
        self.last = self.step(self.page.get(), false);
    }

    pub(super) fn oldest(&mut self) {
        self.last = self.step(usize::MAX, true);
    }

    pub(super) fn follow(&mut self) {
        self.last = None;
    }

    /// Opens or closes the list of targets.
    pub(super) fn toggle_targets(&mut self) {
        self.lists_targets = !self.lists_targets;
    }

    /// Selects a line, or deselects it if it is selected.
    pub(super) fn select_line(&mut self, at: Timestamp) {
        self.selected_line = if self.selected_line == Some(at) { None } else { Some(at) };
    }

    /// The text of the selected line, if it still exists.
    pub(super) fn selected_text(&self) -> Option<String> {
        let at = self.selected_line?;
        let found = Arc::new(Mutex::new(None));
        let keep = Arc::clone(&found);
        let find: FormatLine = Arc::new(move |_, line| {
            if line.at == at {
                *keep.lock().unwrap_or_else(PoisonError::into_inner) = Some(line.text.clone());
            }
            Vec::new()
        });
        self.walk_all(&find);
        found.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    // Functions that change a setting return the new value as text.

    pub(super) fn step_target(&mut self, step: isize) -> String {
        self.select_target(self.selected.saturating_add_signed(step))
    }

    pub(super) fn select_target(&mut self, at: usize) -> String {
        self.selected = at.min(TARGETS.len() - 1);
        format!("target {}", self.target())
    }

    pub(super) fn toggle_only(&mut self) -> String {
        self.only = !self.only;
        if self.only {
            format!("only lines of {}", self.target())
        } else {
            "lines of all targets".to_owned()
        }
    }

    pub(super) fn next_captured(&mut self) -> String {
        let level = next(self.captured(self.selected));
        self.targets.capture(self.selected, level);
        format!("{}: captured up to {}", self.target(), level_name(level))
    }

    pub(super) fn next_shown(&mut self) -> String {
        let level = next(self.shown[self.selected]);
        self.shown[self.selected] = level;
        let captured = self.captured(self.selected);
        let less = if captured < level {
            format!(", captured up to {}", level_name(captured))
        } else {
            String::new()
        };
        format!("{}: shown up to {}{less}", self.target(), level_name(level))
    }

    /// The name of the selected target.
    fn target(&self) -> &'static str {
        TARGETS[self.selected].0
    }
}

/// The next level; the first follows the last.
fn next(level: LevelFilter) -> LevelFilter {
    let at = LEVELS.iter().position(|own| *own == level).unwrap_or_default();
    LEVELS[(at + 1) % LEVELS.len()]
}

/// A level as the pane names it.
#[must_use]
pub fn level_name(level: LevelFilter) -> String {
    level.as_str().to_lowercase()
}

impl App {
    /// Changes a log setting; `change` returns the new value as text.
    pub(super) fn set_log(&mut self, change: impl FnOnce(&mut LogPane) -> String) {
        let text = change(&mut self.log);
        self.notify(Severity::Info, text);
    }

    /// Scrolls the log. `edge` is the notice if nothing moves.
    pub(super) fn scroll_log(&mut self, edge: &str, scroll: impl FnOnce(&mut LogPane)) {
        let before = self.log.last;
        scroll(&mut self.log);
        if self.log.last == before {
            self.notify(Severity::Info, edge);
        }
    }

    /// Asks for the text that shown lines must contain.
    pub(super) fn ask_log_filter(&mut self) {
        let help = "lines with this text are shown; empty: all";
        let entry = FormField::text("text", help, &self.log.filter);
        let form = Form::new("filter the log".to_owned(), FormKind::FilterLog, vec![entry]);
        self.dialog = Some(Dialog::Form(form));
    }

    /// Shows only lines that contain a text, or all lines.
    pub(super) fn filter_log(&mut self, text: String) {
        let said = if text.is_empty() {
            "all lines of the log".to_owned()
        } else {
            format!("only lines with \"{text}\"")
        };
        self.log.filter = text;
        self.log.last = None;
        self.notify(Severity::Info, said);
    }
}

#[cfg(test)]
mod tests;
