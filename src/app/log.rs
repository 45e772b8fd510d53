//! The log pane's state: the lines captured, and which of them are shown. The lines are shared with
//! the layer that captures them; nothing here knows where they come from.

use std::{
    cell::Cell,
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use tracing::{Level, level_filters::LevelFilter};

use super::{
    Action, App, Purpose, Severity,
    dialog::{Dialog, Entry, Form},
};

/// Lines kept; the oldest goes first.
const KEPT: usize = 4096;
/// Bytes of a line that are kept.
const LONGEST: usize = 2048;

/// What writes to the log, by the start of the module path; the first that fits counts.
pub const TARGETS: [(&str, &str); 6] = [
    ("requests", "cortop_client::link"),
    ("client", "cortop_client"),
    ("signal", "cortop_signal"),
    ("simulator", "cortop_sim"),
    ("monitor", "cortop"),
    ("other", ""),
];

/// Levels in the order of the keys, which go round.
const LEVELS: [LevelFilter; 6] = [
    LevelFilter::OFF,
    LevelFilter::ERROR,
    LevelFilter::WARN,
    LevelFilter::INFO,
    LevelFilter::DEBUG,
    LevelFilter::TRACE,
];

/// A line of the log.
#[derive(Clone, Debug)]
pub struct LogLine {
    /// Its number since the start.
    pub number: u64,
    /// When it was written.
    pub at: Timestamp,
    /// How much it matters.
    pub level: Level,
    /// Who wrote it: place in [`TARGETS`].
    pub target: usize,
    /// What it says: one line, bounded.
    pub text: String,
}

#[derive(Debug)]
struct Lines {
    list: VecDeque<LogLine>,
    next: u64,
    captured: [LevelFilter; TARGETS.len()],
}

/// The lines captured, shared by its clones.
#[derive(Clone, Debug)]
pub struct LogBuffer(Arc<Mutex<Lines>>);

impl Default for LogBuffer {
    fn default() -> Self {
        Self::new(LevelFilter::INFO)
    }
}

impl LogBuffer {
    /// An empty one that captures up to a level.
    #[must_use]
    pub fn new(level: LevelFilter) -> Self {
        let captured = [level; TARGETS.len()];
        Self(Arc::new(Mutex::new(Lines { list: VecDeque::new(), next: 0, captured })))
    }

    /// Captures a line, unless its target is captured less.
    pub fn push(&self, at: Timestamp, level: Level, path: &str, text: &str) {
        let target = TARGETS.iter().position(|(_, start)| path.starts_with(start));
        let target = target.unwrap_or(TARGETS.len() - 1);
        let mut lines = self.lock();
        if level > lines.captured[target] {
            return;
        }
        let text = text[..text.floor_char_boundary(LONGEST)].replace(char::is_control, " ");
        let number = lines.next;
        lines.next += 1;
        if lines.list.len() == KEPT {
            lines.list.pop_front();
        }
        lines.list.push_back(LogLine { number, at, level, target, text });
    }

    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The log pane's state.
#[derive(Clone, Debug)]
pub struct Log {
    buffer: LogBuffer,
    /// Whether the list of targets is there.
    pub lists_targets: bool,
    /// The target that keys mean: place in [`TARGETS`].
    pub selected: usize,
    /// Only that one is shown.
    pub only: bool,
    /// Up to which level each target is shown.
    pub shown: [LevelFilter; TARGETS.len()],
    /// Only lines with this text are shown.
    pub filter: String,
    /// The number of the last line in sight; `None` follows the newest.
    pub last: Option<u64>,
    /// Lines that the last frame had room for.
    page: Cell<usize>,
}

impl Log {
    pub(super) fn new(buffer: LogBuffer) -> Self {
        let shown = buffer.lock().captured;
        Self {
            buffer,
            lists_targets: false,
            selected: 0,
            only: false,
            shown,
            filter: String::new(),
            last: None,
            page: Cell::new(1),
        }
    }

    /// Up to which level a target is captured.
    #[must_use]
    pub fn captured(&self, target: usize) -> LevelFilter {
        self.buffer.lock().captured[target]
    }

    /// The last lines to show, the newest first, at most so many.
    #[must_use]
    pub fn lines(&self, most: usize) -> Vec<LogLine> {
        let lines = self.buffer.lock();
        let until = self.last.unwrap_or(u64::MAX);
        let shown = lines.list.iter().rev().filter(|line| line.number <= until && self.shows(line));
        shown.take(most).cloned().collect()
    }

    /// Says how many lines the frame had room for: a page key moves by as many.
    pub fn drew(&self, lines: usize) {
        self.page.set(lines.max(1));
    }

    fn shows(&self, line: &LogLine) -> bool {
        let text = || line.text.to_lowercase().contains(&self.filter.to_lowercase());
        line.level <= self.shown[line.target]
            && (!self.only || line.target == self.selected)
            && (self.filter.is_empty() || text())
    }

    /// Moves by so many lines, back or on; at the newest it follows again.
    fn step(&mut self, lines: usize, back: bool) {
        let numbers: Vec<u64> = {
            let lines = self.buffer.lock();
            lines.list.iter().filter(|line| self.shows(line)).map(|line| line.number).collect()
        };
        let Some(newest) = numbers.len().checked_sub(1) else { return };
        let last = self.last.unwrap_or(u64::MAX);
        let at = numbers.partition_point(|&number| number <= last).saturating_sub(1);
        // The oldest page stays full.
        let first = self.page.get().saturating_sub(1).min(newest);
        let to = if back { at.saturating_sub(lines).max(first) } else { at.saturating_add(lines) };
        self.last = numbers.get(to).copied().filter(|_| to < newest);
    }
}

impl App {
    /// What a key does in the log pane; each change of a setting says its new value.
    pub(super) fn act_on_log(&mut self, action: Action) {
        let log = &mut self.log;
        let page = log.page.get();
        let (name, _) = TARGETS[log.selected];
        let next = |level: LevelFilter| {
            let at = LEVELS.iter().position(|own| *own == level).unwrap_or_default();
            LEVELS[(at + 1) % LEVELS.len()]
        };
        let text = match action {
            Action::LogTargets => {
                log.lists_targets = !log.lists_targets;
                return;
            }
            Action::LogUp | Action::LogDown => {
                let step = if action == Action::LogUp { -1 } else { 1 };
                let to = log.selected.saturating_add_signed(step).min(TARGETS.len() - 1);
                log.selected = to;
                format!("target {}", TARGETS[to].0)
            }
            Action::LogFocus => {
                log.only = !log.only;
                if log.only {
                    format!("only lines of {name}")
                } else {
                    "lines of all targets".into()
                }
            }
            Action::LogCapture => {
                let mut lines = log.buffer.lock();
                let level = next(lines.captured[log.selected]);
                lines.captured[log.selected] = level;
                format!("{name}: captured up to {level}")
            }
            Action::LogShow => {
                let level = next(log.shown[log.selected]);
                log.shown[log.selected] = level;
                let captured = log.captured(log.selected);
                let less = if captured < level {
                    format!(", captured up to {captured}")
                } else {
                    String::new()
                };
                format!("{name}: shown up to {level}{less}")
            }
            Action::LogEarlier => return log.step(page, true),
            Action::LogLater => return log.step(page, false),
            Action::LogOldest => return log.step(usize::MAX, true),
            _ => {
                log.last = None;
                return;
            }
        };
        self.say(Severity::Info, text);
    }

    /// Asks for the text that lines have to hold.
    pub(super) fn ask_log_filter(&mut self) {
        let help = "lines with this text are shown; empty: all";
        let entry = Entry::text("text", help, &self.log.filter);
        let form = Form::new("filter the log".to_owned(), Purpose::FilterLog, vec![entry]);
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
        self.say(Severity::Info, said);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::{Key, Message, Now, Pane, Settings};

    fn app(lines: usize) -> (App, LogBuffer) {
        let log = LogBuffer::default();
        for at in 0..lines {
            log.push(
                Timestamp::UNIX_EPOCH,
                Level::INFO,
                "cortop_client::event",
                &format!("line {at:03}"),
            );
        }
        let settings = Settings { log: log.clone(), ..Settings::default() };
        let mut app = App::new(settings, Now::read());
        app.focus = Pane::Log;
        (app, log)
    }

    fn press(app: &mut App, keys: impl IntoIterator<Item = Key>) {
        for key in keys {
            app.update(Message::Key(key));
        }
    }

    fn newest(app: &App) -> String {
        app.log.lines(1).first().map(|line| line.text.clone()).unwrap_or_default()
    }

    #[test]
    fn each_press_of_a_page_key_counts_and_the_oldest_line_is_one_key_away() {
        let (mut app, log) = app(100);
        app.log.drew(10);
        // No frame comes between the presses.
        press(&mut app, [Key::PAGE_UP, Key::PAGE_UP, Key::PAGE_UP]);
        assert_eq!(newest(&app), "line 069");
        press(&mut app, [Key::PAGE_DOWN]);
        assert_eq!(newest(&app), "line 079");
        press(&mut app, [Key::HOME]);
        assert_eq!(app.log.lines(10).last().map(|line| line.text.clone()), Some("line 000".into()));
        log.push(Timestamp::UNIX_EPOCH, Level::INFO, "cortop", "the newest");
        assert_eq!(newest(&app), "line 009", "what is read stands still");
        press(&mut app, [Key::END]);
        assert_eq!(newest(&app), "the newest");
    }

    #[test]
    fn lines_are_found_by_a_text() {
        let (mut app, _) = app(100);
        press(&mut app, [Key::char('/')]);
        assert!(matches!(app.dialog, Some(Dialog::Form(_))));
        press(&mut app, "LINE 04".chars().map(Key::char).chain([Key::ENTER]));
        assert_eq!((app.log.lines(100).len(), newest(&app)), (10, "line 049".to_owned()));
        press(&mut app, [Key::char('/'), Key::ctrl('u'), Key::ENTER]);
        assert_eq!(app.log.lines(200).len(), 100);
    }

    #[test]
    fn requests_are_captured_and_shown_by_two_keys_without_a_restart() {
        let (mut app, log) = app(0);
        let request =
            || log.push(Timestamp::UNIX_EPOCH, Level::DEBUG, "cortop_client::link", "asked");
        let said = |app: &App| app.notice.as_ref().map(|notice| notice.text.clone());
        request();
        assert_eq!(app.log.lines(9).len(), 0);
        assert_eq!(TARGETS[app.log.selected].0, "requests");
        press(&mut app, [Key::char('s')]);
        assert_eq!(said(&app).as_deref(), Some("requests: shown up to debug, captured up to info"));
        press(&mut app, [Key::char('c')]);
        assert_eq!(said(&app).as_deref(), Some("requests: captured up to debug"));
        request();
        assert_eq!(app.log.lines(9).len(), 1);
        // Others stay as they are.
        log.push(Timestamp::UNIX_EPOCH, Level::DEBUG, "cortop_client::poll", "asked");
        assert_eq!(app.log.lines(9).len(), 1);
    }

    #[test]
    fn the_log_is_bounded_in_lines_and_in_their_length() {
        let (app, log) = app(2 * KEPT);
        log.push(Timestamp::UNIX_EPOCH, Level::WARN, "elsewhere", &"ä\n".repeat(LONGEST));
        assert_eq!(app.log.lines(usize::MAX).len(), KEPT);
        let last = newest(&app);
        assert!(last.len() <= LONGEST && !last.contains(char::is_control));
    }
}
