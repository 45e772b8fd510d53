//! The log pane's state: which records are captured and shown, and how far back. tui-logger captures
//! and keeps them, and its widget draws them; our formatter adds what it lacks: a filter by text,
//! page keys, and a key for the oldest record.

use std::{
    cell::{Cell, RefCell},
    sync::{Arc, Mutex, PoisonError},
};

use cortop_client::sanitize::floor_char_boundary;
use jiff::Timestamp;
use log::{Level, LevelFilter};
use ratatui::{buffer::Buffer, layout::Rect, text::Line, widgets::Widget as _};
use tui_logger::{ExtLogRecord, LogFormatter, TuiLoggerWidget, TuiWidgetState};

use super::{
    App, Severity,
    dialog::{Dialog, Form, FormField, FormKind},
    log_targets::{LogTargets, OTHER, TARGETS, target_of},
};

/// Bytes of a record that are shown.
const LONGEST: usize = 2048;

/// Levels in the order of the keys, which go round.
const LEVELS: [LevelFilter; 6] = [
    LevelFilter::Off,
    LevelFilter::Error,
    LevelFilter::Warn,
    LevelFilter::Info,
    LevelFilter::Debug,
    LevelFilter::Trace,
];

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
type Walked = Vec<(Timestamp, usize)>;

/// Chooses lines by text and age. The widget comes with the newest record, and goes back until its
/// rows are full.
struct Formatter {
    /// In lower case.
    filter: String,
    last: Option<Timestamp>,
    rows: FormatLine,
    /// `None` before the first record.
    walked: Arc<Mutex<Option<Walked>>>,
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

/// The log pane's state.
#[derive(Clone, Debug)]
pub(crate) struct LogPane {
    targets: LogTargets,
    /// Whether the list of targets is there.
    lists_targets: bool,
    /// The selected target: place in [`TARGETS`].
    selected: usize,
    /// Only that one is shown.
    only: bool,
    /// Up to which level each target is shown.
    shown: [LevelFilter; TARGETS.len()],
    /// Only lines with this text are shown.
    filter: String,
    /// When the last line in sight was written; `None` follows the newest.
    last: Option<Timestamp>,
    /// When the selected line was written.
    selected_line: Option<Timestamp>,
    /// Lines that the last frame had room for.
    page: Cell<usize>,
    /// The lines that the last frame shows.
    in_sight: RefCell<Walked>,
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

    /// Whether the list of targets is there.
    pub(crate) fn lists_targets(&self) -> bool {
        self.lists_targets
    }

    /// The selected target: place in [`TARGETS`].
    pub(crate) fn selected(&self) -> usize {
        self.selected
    }

    /// The only target that is shown, if only one is.
    pub(crate) fn only(&self) -> Option<usize> {
        self.only.then_some(self.selected)
    }

    /// Up to which level each target is shown.
    pub(crate) fn shown(&self) -> &[LevelFilter; TARGETS.len()] {
        &self.shown
    }

    /// Only lines with this text are shown.
    pub(crate) fn filter(&self) -> &str {
        &self.filter
    }

    /// When the last line in sight was written; `None` follows the newest.
    pub(crate) fn last(&self) -> Option<Timestamp> {
        self.last
    }

    /// When the selected line was written.
    pub(crate) fn selected_line(&self) -> Option<Timestamp> {
        self.selected_line
    }

    /// Up to which level a target is captured.
    #[must_use]
    pub(crate) fn captured(&self, target: usize) -> LevelFilter {
        self.targets.lock().captured[target]
    }

    /// Draws the lines shown; a page key moves by as many as have room. The row below the area
    /// must be in the buffer, and is left as it is.
    pub(crate) fn draw(&self, area: Rect, buffer: &mut Buffer, rows: &FormatLine) {
        let mut walked = self.walk(self.last, area, buffer, rows);
        if walked.is_empty() && self.last.is_some() {
            // All up to there have gone from the buffer.
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

    /// Draws the newest line, wherever the pane was scrolled to.
    pub(crate) fn draw_newest(&self, area: Rect, buffer: &mut Buffer, rows: &FormatLine) {
        self.in_sight.replace(self.walk(None, area, buffer, rows));
    }

    /// The lines drawn last, from the oldest on: when each was written, and how many rows it takes. Of
    /// more rows than fit, the first are cut off.
    #[must_use]
    pub(crate) fn in_sight(&self) -> Vec<(Timestamp, usize)> {
        self.in_sight.borrow().iter().rev().copied().collect()
    }

    /// Draws the lines shown up to a time by tui-logger's widget, and gives those that it took.
    fn walk(
        &self,
        last: Option<Timestamp>,
        area: Rect,
        buffer: &mut Buffer,
        rows: &FormatLine,
    ) -> Walked {
        let filter = self.filter.to_lowercase();
        let rows = Arc::clone(rows);
        let formatter = Formatter { filter, last, rows, walked: Arc::default() };
        walk(formatter, &self.levels(), area, buffer)
    }

    /// The levels up to which each module path is shown.
    fn levels(&self) -> TuiWidgetState {
        let hidden = |target| self.only && target != self.selected;
        let level = |target| if hidden(target) { LevelFilter::Off } else { self.shown[target] };
        let state = TuiWidgetState::new().set_default_display_level(level(OTHER));
        let levels = self.targets.lock();
        let paths = levels.paths.iter();
        paths.fold(state, |state, (path, own)| state.set_level_for_target(path, level(*own)))
    }

    /// Goes through all lines shown, of which none may have a row: the widget alone can read the buffer,
    /// and goes on until its rows are full.
    fn walk_all(&self, rows: &FormatLine) -> Walked {
        let area = Rect::new(0, 0, 1, 1);
        self.walk(None, area, &mut Buffer::empty(Rect { height: 2, ..area }), rows)
    }

    /// When the last line in sight was written after a move by so many lines, back or on; at the
    /// newest it follows again.
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

    /// Shows the list of targets, or hides it.
    pub(super) fn toggle_targets(&mut self) {
        self.lists_targets = !self.lists_targets;
    }

    /// Selects a line; the selected one no longer.
    pub(super) fn select_line(&mut self, at: Timestamp) {
        self.selected_line = if self.selected_line == Some(at) { None } else { Some(at) };
    }

    /// The text of the selected line, if it is still there.
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

    // What changes a setting returns its new value in words.

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

/// Draws lines by tui-logger's widget, and gives those that it took.
fn walk(formatter: Formatter, levels: &TuiWidgetState, area: Rect, buffer: &mut Buffer) -> Walked {
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

/// The level after this one, round and round.
fn next(level: LevelFilter) -> LevelFilter {
    let at = LEVELS.iter().position(|own| *own == level).unwrap_or_default();
    LEVELS[(at + 1) % LEVELS.len()]
}

/// A level in the words of the pane.
#[must_use]
pub fn level_name(level: LevelFilter) -> String {
    level.as_str().to_lowercase()
}

impl App {
    /// Changes a setting of the log; `change` returns its new value in words.
    pub(super) fn set_log(&mut self, change: impl FnOnce(&mut LogPane) -> String) {
        let text = change(&mut self.log);
        self.notify(Severity::Info, text);
    }

    /// Scrolls the log. `edge` is the notice where that moves nothing.
    pub(super) fn scroll_log(&mut self, edge: &str, scroll: impl FnOnce(&mut LogPane)) {
        let before = self.log.last;
        scroll(&mut self.log);
        if self.log.last == before {
            self.notify(Severity::Info, edge);
        }
    }

    /// Asks for the text that lines have to contain.
    pub(super) fn ask_log_filter(&mut self) {
        let help = "lines with this text are shown; empty: all";
        let entry = FormField::text("text", help, &self.log.filter);
        let form = Form::new("filter the log".to_owned(), FormKind::FilterLog, vec![entry]);
        self.dialog = Some(Dialog::Form(form));
    }

    /// Shows only the lines with a text, or all.
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
mod tests {
    use tracing::event;
    use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};

    use std::sync::MutexGuard;

    use super::*;
    use crate::app::{
        AppSettings, Effect, Key, Message, MouseInput, MouseTarget, Pane, log_targets::KEPT,
    };
    use cortop_client::Moment;

    /// tui-logger has one buffer for the process: this lock gives a test the buffer to itself.
    static ALONE: Mutex<()> = Mutex::new(());

    /// Logs as the program does, and takes the records over as before a frame.
    fn log(targets: &LogTargets, write: impl FnOnce()) {
        let layer = tui_logger::TuiTracingSubscriberLayer;
        let pane = tracing_subscriber::registry().with(targets.clone().and_then(layer));
        tracing::subscriber::with_default(pane, write);
        tui_logger::move_events();
    }

    fn app(lines: usize) -> (MutexGuard<'static, ()>, App, LogTargets) {
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        tui_logger::move_events();
        let targets = LogTargets::start(LevelFilter::Info);
        for at in 0..lines {
            log(
                &targets,
                || event!(target: "cortop_client::event", tracing::Level::INFO, "line {at:03}"),
            );
        }
        let settings = AppSettings { log: targets.clone(), ..AppSettings::default() };
        let mut app = App::new(settings, Moment::now());
        app.focus = Pane::Log;
        (alone, app, targets)
    }

    fn press(app: &mut App, keys: impl IntoIterator<Item = Key>) {
        for key in keys {
            app.update(Message::Key(key));
        }
    }

    /// The lines in a pane of some rows, from top to bottom.
    fn lines(app: &App, rows: u16) -> Vec<String> {
        let area = Rect::new(0, 0, 80, rows);
        let mut buffer = Buffer::empty(Rect { height: rows + 1, ..area });
        let text: FormatLine = Arc::new(|_, line| vec![Line::from(line.text.clone())]);
        app.log.draw(area, &mut buffer, &text);
        let rows = buffer.content.chunks(80).map(|row| {
            row.iter().map(ratatui::buffer::Cell::symbol).collect::<String>().trim().to_owned()
        });
        rows.filter(|row| !row.is_empty()).collect()
    }

    fn newest(app: &App) -> String {
        lines(app, 10).pop().unwrap_or_default()
    }

    #[test]
    fn each_press_of_a_page_key_counts_and_the_oldest_line_is_one_key_away() {
        let (_alone, mut app, targets) = app(100);
        assert_eq!(newest(&app), "line 099");
        // No frame comes between the presses.
        press(&mut app, [Key::PAGE_UP, Key::PAGE_UP, Key::PAGE_UP]);
        assert_eq!(newest(&app), "line 069");
        press(&mut app, [Key::PAGE_DOWN]);
        assert_eq!(newest(&app), "line 079");
        press(&mut app, [Key::HOME]);
        assert_eq!(lines(&app, 10).first().map(String::as_str), Some("line 000"));
        log(&targets, || {
            event!(target: "cortop", tracing::Level::INFO, "the newest");
        });
        assert_eq!(newest(&app), "line 009", "what is read stands still");
        press(&mut app, [Key::END]);
        assert_eq!(newest(&app), "the newest");
    }

    #[test]
    fn lines_are_found_by_a_text() {
        let (_alone, mut app, targets) = app(100);
        press(&mut app, [Key::char('/')]);
        assert!(matches!(app.dialog, Some(Dialog::Form(_))));
        press(&mut app, "LINE 04".chars().map(Key::char).chain([Key::ENTER]));
        assert_eq!((lines(&app, 100).len(), newest(&app)), (10, "line 049".to_owned()));
        log(&targets, || {
            event!(target: "cortop", tracing::Level::INFO, "another");
        });
        assert_eq!((lines(&app, 100).len(), newest(&app)), (10, "line 049".to_owned()));
        press(&mut app, [Key::char('/'), Key::ctrl('u'), Key::ENTER]);
        assert_eq!(lines(&app, 200).len(), 101);
        press(&mut app, [Key::char('/')]);
        press(&mut app, "nowhere".chars().map(Key::char).chain([Key::ENTER, Key::PAGE_UP]));
        assert_eq!(lines(&app, 100), [""; 0]);
    }

    #[test]
    fn a_click_on_a_line_selects_it_for_copying_and_moves_nothing() {
        let (_alone, mut app, targets) = app(100);
        let before = lines(&app, 10);
        let (at, rows) = app.log.in_sight()[3];
        assert_eq!((rows, before[3].as_str()), (1, "line 093"));
        let click = |app: &mut App, at| {
            app.update(Message::Mouse(MouseTarget::LogLine(at), MouseInput::Click))
        };
        app.focus = Pane::Streams;
        assert_eq!(click(&mut app, at), []);
        assert_eq!((app.focus, app.log.selected_line), (Pane::Log, Some(at)));
        assert_eq!(lines(&app, 10), before, "what is read stands still");
        let copied = app.update(Message::Key(Key::char('y')));
        assert_eq!(copied, [Effect::Copy("line 093".to_owned())]);
        // What comes later moves the lines, not the choice; a second click takes it back.
        log(&targets, || {
            event!(target: "cortop", tracing::Level::INFO, "the newest");
        });
        assert_eq!(app.log.selected_text().as_deref(), Some("line 093"));
        click(&mut app, at);
        assert_eq!(app.log.selected_text(), None);
    }

    #[test]
    fn requests_are_captured_and_shown_by_two_keys_without_a_restart() {
        let (_alone, mut app, targets) = app(0);
        let request = || {
            log(&targets, || {
                event!(target: "cortop_client::link", tracing::Level::DEBUG, "asked");
            });
        };
        let said = |app: &App| app.notice.as_ref().map(|notice| notice.text.clone());
        request();
        assert_eq!(lines(&app, 9).len(), 0);
        assert_eq!(TARGETS[app.log.selected].0, "requests");
        press(&mut app, [Key::char('s')]);
        assert_eq!(said(&app).as_deref(), Some("requests: shown up to debug, captured up to info"));
        press(&mut app, [Key::char('c')]);
        assert_eq!(said(&app).as_deref(), Some("requests: captured up to debug"));
        request();
        assert_eq!(lines(&app, 9).len(), 1);
        // Others stay as they are.
        log(&targets, || {
            event!(target: "cortop_client::poll", tracing::Level::DEBUG, "asked");
        });
        assert_eq!(lines(&app, 9).len(), 1);
        log(&targets, || {
            event!(target: "elsewhere", tracing::Level::INFO, "said");
        });
        assert_eq!(lines(&app, 9), ["asked", "said"]);
        press(&mut app, [Key::char('f')]);
        assert_eq!(lines(&app, 9), ["asked"]);
        press(&mut app, [Key::char('f'), Key::char('s'), Key::char('s')]);
        assert_eq!(said(&app).as_deref(), Some("requests: shown up to off"));
        assert_eq!(lines(&app, 9), ["said"]);
    }

    #[test]
    fn the_log_is_bounded_in_lines_and_in_their_length() {
        let (_alone, mut app, targets) = app(KEPT);
        press(&mut app, [Key::HOME]);
        for at in KEPT..2 * KEPT {
            log(
                &targets,
                || event!(target: "cortop_client::event", tracing::Level::INFO, "line {at:03}"),
            );
        }
        assert_eq!(lines(&app, 10).first().map(String::as_str), Some("line 1024"));
        log(
            &targets,
            || event!(target: "elsewhere", tracing::Level::WARN, "{}", "ä\n".repeat(LONGEST)),
        );
        press(&mut app, [Key::END]);
        let kept = Arc::new(Mutex::new(Vec::new()));
        let keep = Arc::clone(&kept);
        let area = Rect::new(0, 0, 1, 1);
        let keep: FormatLine = Arc::new(move |_, line| {
            keep.lock().expect("free").push(line.text.clone());
            Vec::new()
        });
        let mut buffer = Buffer::empty(Rect { height: 2, ..area });
        app.log.draw(area, &mut buffer, &keep);
        let kept = kept.lock().expect("free");
        assert_eq!(kept.len(), KEPT);
        assert!(kept[0].len() <= LONGEST && !kept[0].contains(char::is_control));
    }

    #[test]
    fn a_line_of_a_crate_that_logs_by_log_begins_with_who_says_it() {
        let (_alone, app, targets) = app(0);
        log(&targets, || {
            event!(target: "log", tracing::Level::INFO,
                { log.file = "a.rs", log.line = 7, log.target = "rustls::hs" },
                "no suite"
            );
        });
        assert_eq!(newest(&app), "rustls::hs no suite");
    }
}
