//! The screen of a lab: all stations of a broker, their headsets, and what was wrong with them. A state
//! machine as `app` is one for the monitor: keys and messages of the broker in, effects out; no I/O, no
//! clock, no drawing.
//!
//! ```text
//! mod      state, messages, keys
//!  ├─ rows     the rows of the overview: filtered, sorted
//!  ├─ history  the last ten minutes of a headset
//!  ├─ markers  markers that were sent, and who has answered
//!  └─ action   the table of keys
//! ```

mod action;
mod history;
mod markers;
mod rows;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use self::markers::SentMarkers;
pub use self::{
    action::{LabAction, LabBinding, TABLE},
    history::{CELLS, HeadsetHistory, HistoryCell, STRETCH},
    rows::{LabRow, LabSort, condition_word, main_stream},
};
use crate::app::{Key, dialog::TextInput};
use cortop_client::Moment;
use cortop_mqtt::{
    StationName, Text,
    book::{Book, BookChange, MOST_HEADSETS, Received, Station, StationPresence},
    payload::{BadLabel, HeadsetCondition, LabMarker, StationAlert, check_label},
};

/// Lines of the log that are kept; the oldest go first.
const MOST_LINES: usize = 1000;

/// Rows that a page key moves.
const PAGE: usize = 10;

/// The bell rings no sooner after it rang.
const QUIET: Duration = Duration::from_secs(5);

/// What does not change while it runs.
#[derive(Clone, Debug)]
pub struct LabSettings {
    /// The broker's address.
    pub broker: String,
    /// The names of the themes.
    pub themes: Vec<String>,
    /// The first theme's place among them.
    pub theme: usize,
    /// Whether the bell may ring.
    pub bell: bool,
}

/// How far the connection to the broker is.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum BrokerLink {
    /// On its way for the first time.
    #[default]
    Connecting,
    /// There.
    Connected,
    /// Lost or refused: why, and when it is tried again.
    Lost(String, Instant),
}

/// A line of the log.
#[derive(Clone, Debug, PartialEq)]
pub struct LabLine {
    /// When, by this computer's clock.
    pub at: Timestamp,
    /// Whether something is wrong.
    pub is_problem: bool,
    /// In words.
    pub text: String,
}

/// A line that is being typed.
#[derive(Clone, Debug)]
pub enum LabInput {
    /// Which rows are shown.
    Filter(TextInput),
    /// The label of a marker.
    Marker(TextInput),
}

impl LabInput {
    /// What keeps it from being a marker's label, if it is one and not just empty.
    #[must_use]
    pub fn label_problem(&self) -> Option<BadLabel> {
        match self {
            Self::Filter(_) => None,
            Self::Marker(typed) => {
                check_label(typed.text()).err().filter(|why| *why != BadLabel::Empty)
            }
        }
    }
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum LabEffect {
    /// Send a marker to all stations.
    Mark(LabMarker),
    /// Ring the bell.
    Bell,
    /// Redraw the whole screen.
    Redraw,
    /// Give the terminal to the shell.
    Suspend,
    /// End.
    Quit,
}

/// How a station was.
#[derive(Clone, Copy, Debug, PartialEq)]
struct NotedStation {
    /// Neither silent nor gone.
    is_live: bool,
    /// Cortex was not reached there.
    is_down: bool,
}

/// The headset of a row, or its station alone.
pub type RowKey = (StationName, Text);

/// The whole state.
#[derive(Debug)]
pub struct Lab {
    /// What does not change.
    pub settings: LabSettings,
    /// The moment of the last tick.
    pub now: Moment,
    /// The stations.
    pub book: Book,
    /// How far the connection is.
    pub link: BrokerLink,
    /// Alerts and events of all stations, the newest last.
    pub log: VecDeque<LabLine>,
    /// Lines between the end of the log and what is seen of it.
    pub back: usize,
    /// What the rows are sorted by.
    pub sort: LabSort,
    /// A row is shown that has this.
    pub filter: String,
    /// What is being typed.
    pub input: Option<LabInput>,
    /// The station that is open.
    pub opened: Option<StationName>,
    /// Whether the help is open.
    pub help: bool,
    /// What there is to say, whether it is a problem, and since when.
    pub notice: Option<(String, bool, Timestamp)>,
    /// Place in [`LabSettings::themes`].
    pub theme: usize,
    selected: Option<RowKey>,
    histories: BTreeMap<RowKey, HeadsetHistory>,
    /// How stations were when it was last looked.
    noted: BTreeMap<StationName, NotedStation>,
    markers: SentMarkers,
    rang: Option<Instant>,
}

impl Lab {
    /// The state before the first message.
    #[must_use]
    pub fn new(settings: LabSettings, now: Moment) -> Self {
        Self {
            theme: settings.theme,
            settings,
            now,
            book: Book::default(),
            link: BrokerLink::default(),
            log: VecDeque::new(),
            back: 0,
            sort: LabSort::default(),
            filter: String::new(),
            input: None,
            opened: None,
            help: false,
            notice: None,
            selected: None,
            histories: BTreeMap::new(),
            noted: BTreeMap::new(),
            markers: SentMarkers::default(),
            rang: None,
        }
    }

    /// There is a connection to the broker, or none.
    pub fn on_link(&mut self, link: BrokerLink) {
        self.book.on_connection();
        let was_connected = self.link == BrokerLink::Connected;
        match &link {
            BrokerLink::Connected => self.log_line(false, "the broker is connected".to_owned()),
            BrokerLink::Lost(why, _) if was_connected || self.log.is_empty() => {
                self.log_line(true, format!("the broker: {why}"));
            }
            BrokerLink::Lost(..) | BrokerLink::Connecting => {}
        }
        self.link = link;
    }

    /// The broker refused a message.
    pub fn on_refusal(&mut self, why: &str) {
        self.log_line(true, why.to_owned());
    }

    /// Takes a message of the broker.
    pub fn on_message(&mut self, message: &Received) -> Vec<LabEffect> {
        match self.book.on_message(message) {
            BookChange::Nothing => Vec::new(),
            BookChange::Station(name) => self.note_station(&name),
            BookChange::Headset(name, id, before) => {
                self.on_headset(&name, &id, &before, message.retained)
            }
            // Its state says so, and until when.
            BookChange::Event(_, _, event) if &*event.kind == "service" => Vec::new(),
            BookChange::Event(name, at, event) => {
                let subject = event.headset.map(|id| format!(" {id}")).unwrap_or_default();
                let text = format!("{name}{subject}: {}", event.text);
                let at = SignedDuration::try_from_secs_f64(at).ok();
                let at = at.and_then(|at| Timestamp::from_duration(at).ok());
                self.push(at.unwrap_or(self.now.wall), false, text);
                Vec::new()
            }
            BookChange::Acknowledged(name, done) => {
                if let Some((is_problem, text)) = self.markers.on_answer(&name, &done, self.now) {
                    self.log_line(is_problem, text);
                }
                Vec::new()
            }
            BookChange::Malformed => {
                // The header counts them; the log would hold nothing else.
                if self.book.malformed().0 == 1
                    && let (_, Some((topic, why))) = self.book.malformed()
                {
                    let text = format!("malformed, and ignored: {topic}: {why}");
                    self.log_line(true, text);
                }
                Vec::new()
            }
        }
    }

    /// What is wrong with a headset now, and was not before.
    fn on_headset(
        &mut self,
        name: &StationName,
        id: &Text,
        before: &[StationAlert],
        was_retained: bool,
    ) -> Vec<LabEffect> {
        let headset = self.book.stations().get(name).and_then(|own| own.headset(id));
        let now = headset.map_or(&[][..], |own| &own.state.alerts[..]);
        let has = |of: &[StationAlert], alert: &StationAlert| of.iter().any(|own| own == alert);
        let kind_is_over = |alert: &&StationAlert| now.iter().all(|own| own.kind != alert.kind);
        let new: Vec<_> = now.iter().filter(|own| !has(before, own)).cloned().collect();
        // Without Cortex nobody knows.
        let is_known = headset.is_none_or(|own| own.state.condition != HeadsetCondition::NoService);
        let over = before.iter().filter(|_| is_known).filter(kind_is_over);
        let over: Vec<_> = over.map(|own| own.text.clone()).collect();
        let is_worst = new.iter().any(|own| &*own.kind == "stale");
        for alert in new {
            self.log_line(true, format!("{name} {id}: {}", alert.text));
        }
        for text in over {
            self.log_line(false, format!("{name} {id}: no longer {text}"));
        }
        if is_worst && !was_retained { self.ring() } else { Vec::new() }
    }

    /// A station came or went, or its Cortex did.
    fn note_station(&mut self, name: &StationName) -> Vec<LabEffect> {
        let Some(station) = self.book.stations().get(name) else {
            self.noted.remove(name);
            return Vec::new();
        };
        let presence = station.presence(self.now.instant);
        let (is_live, text) = match presence {
            StationPresence::Unconfirmed => return Vec::new(),
            StationPresence::Live => (true, format!("{name} is back")),
            StationPresence::Silent(_) => (false, format!("{name} is silent")),
            StationPresence::Gone(_) => (false, format!("{name} is gone: {}", why_gone(station))),
        };
        let state = station.state.as_ref().filter(|_| is_live);
        let before = self.noted.get(name).copied();
        let was_down = before.is_some_and(|before| before.is_down);
        let is_down = state.map_or(was_down, |own| own.cortex_down_since.is_some());
        // One that is met for the first time is no change.
        let now = NotedStation { is_live, is_down };
        let before = self.noted.insert(name.clone(), now).unwrap_or(now);
        let is_lost = before.is_live && !is_live && why_gone(station) != "stopped";
        let cortex = state.map(|own| own.cortex.clone()).unwrap_or_default();
        if before.is_live != is_live {
            self.log_line(!is_live, text);
        }
        match (before.is_down, is_down) {
            (false, true) => {
                self.log_line(true, format!("{name}: Cortex is not reached: {cortex}"));
            }
            (true, false) => self.log_line(false, format!("{name}: Cortex is reached again")),
            _ => {}
        }
        if is_lost || is_down && !before.is_down { self.ring() } else { Vec::new() }
    }

    fn ring(&mut self) -> Vec<LabEffect> {
        let is_quiet = |rang: Instant| self.now.instant.saturating_duration_since(rang) >= QUIET;
        if !self.settings.bell || !self.rang.is_none_or(is_quiet) {
            return Vec::new();
        }
        self.rang = Some(self.now.instant);
        vec![LabEffect::Bell]
    }

    /// Time has passed: at least once a second.
    pub fn tick(&mut self, now: Moment) -> Vec<LabEffect> {
        let is_new_second = self.now.wall.as_second() != now.wall.as_second();
        self.now = now;
        if !is_new_second {
            return Vec::new();
        }
        let names: Vec<_> = self.book.stations().keys().cloned().collect();
        let effects = names.iter().flat_map(|name| self.note_station(name)).collect();
        self.note_histories(now.instant);
        for (is_problem, text) in self.markers.overdue(now) {
            self.log_line(is_problem, text);
        }
        effects
    }

    /// Goes on with the history of each headset. That of one that is gone stays for as long as it says
    /// something, if there is room: it may come back.
    fn note_histories(&mut self, now: Instant) {
        let mut histories = std::mem::take(&mut self.histories);
        let mut kept = BTreeMap::new();
        for (name, station) in self.book.stations() {
            let is_live = station.presence(now) == StationPresence::Live;
            for headset in station.headsets() {
                let key = (name.clone(), headset.state.headset.clone());
                let history = histories.remove(&key);
                let mut history = history.unwrap_or_else(|| HeadsetHistory::new(now));
                history.note(is_live.then_some(&headset.state), now);
                kept.insert(key, history);
            }
        }
        let room = MOST_HEADSETS.saturating_sub(kept.len());
        let gone = histories.into_iter().take(room).filter_map(|(key, mut history)| {
            history.note(None, now);
            history.is_worth_keeping().then_some((key, history))
        });
        kept.extend(gone);
        self.histories = kept;
    }

    /// The last ten minutes of a headset.
    #[must_use]
    pub fn history(&self, name: &StationName, id: &Text) -> Option<&HeadsetHistory> {
        self.histories.get(&(name.clone(), id.clone()))
    }

    /// The rows that are shown, sorted: of all stations, or of the one that is open.
    #[must_use]
    pub fn rows(&self) -> Vec<LabRow<'_>> {
        let filter = self.filter.to_lowercase();
        if let Some(name) = &self.opened {
            let station = self.book.stations().get_key_value(name);
            return station.into_iter().flat_map(|own| self.rows_of(own)).collect();
        }
        let rows = self.book.stations().iter().flat_map(|own| self.rows_of(own));
        let mut rows: Vec<_> = rows.filter(|row| row.has(&filter)).collect();
        let sort = self.sort;
        rows.sort_by(|one, other| {
            let key = one.key(sort).total_cmp(&other.key(sort));
            let key = if sort == LabSort::Headset {
                // Stations without one come last.
                let id = |row: &LabRow<'_>| (row.headset.is_none(), row.id().to_owned());
                key.then_with(|| id(one).cmp(&id(other)))
            } else {
                key
            };
            key.then_with(|| (one.name, one.id()).cmp(&(other.name, other.id())))
        });
        rows
    }

    fn rows_of<'a>(
        &self,
        (name, station): (&'a StationName, &'a Station),
    ) -> impl Iterator<Item = LabRow<'a>> + use<'a> {
        let presence = station.presence(self.now.instant);
        let row = move |headset| LabRow { name, station, presence, headset };
        let alone = station.headsets().next().is_none().then(|| row(None));
        station.headsets().map(move |headset| row(Some(headset))).chain(alone)
    }

    /// The place of the selected row.
    #[must_use]
    pub fn selected(&self, rows: &[LabRow<'_>]) -> usize {
        let is_it = |row: &LabRow<'_>| {
            self.selected.as_ref().is_some_and(|(name, id)| name == row.name && **id == *row.id())
        };
        rows.iter().position(is_it).unwrap_or_default()
    }

    /// A key was pressed.
    pub fn on_key(&mut self, key: Key) -> Vec<LabEffect> {
        if self.help {
            let closes = [Key::ESC, Key::char('q'), Key::char('?'), Key::ENTER, Key::ctrl('c')];
            self.help = !closes.contains(&key);
            return Vec::new();
        }
        if let Some(input) = self.input.take() {
            return self.on_input_key(input, key);
        }
        let binding = TABLE.iter().find(|row| row.keys.contains(&key));
        binding.map(|row| self.apply(row.action)).unwrap_or_default()
    }

    /// Text was pasted.
    pub fn paste(&mut self, text: &str) {
        if let Some(LabInput::Filter(input) | LabInput::Marker(input)) = &mut self.input {
            input.paste(text);
        }
    }

    fn on_input_key(&mut self, mut input: LabInput, key: Key) -> Vec<LabEffect> {
        match key {
            Key::ESC => {
                if matches!(input, LabInput::Filter(_)) {
                    self.filter.clear();
                }
                return Vec::new();
            }
            // It stays to be shortened; the line says so.
            Key::ENTER if input.label_problem().is_some() => {}
            Key::ENTER => {
                return match input {
                    LabInput::Filter(_) => Vec::new(),
                    LabInput::Marker(text) => self.mark(text.text()),
                };
            }
            key => {
                let (LabInput::Filter(text) | LabInput::Marker(text)) = &mut input;
                text.on_key(key);
            }
        }
        if let LabInput::Filter(text) = &input {
            text.text().clone_into(&mut self.filter);
        }
        self.input = Some(input);
        Vec::new()
    }

    /// Sends a marker to all stations.
    fn mark(&mut self, label: &str) -> Vec<LabEffect> {
        let label = Text::new(label.trim());
        if label.is_empty() {
            return Vec::new();
        }
        let accepting = self.accepting();
        if accepting.is_empty() {
            let text = "no station accepts markers: start one with --accept-markers".to_owned();
            self.notice = Some((text, true, self.now.wall));
            return Vec::new();
        }
        self.log_line(false, format!("marker {label} to {}", stations(accepting.len())));
        vec![LabEffect::Mark(self.markers.send(label, accepting, self.now))]
    }

    /// The stations that are live and accept markers.
    #[must_use]
    pub fn accepting(&self) -> Vec<StationName> {
        let accepts = |station: &Station| {
            station.state.as_ref().is_some_and(|own| own.accepts_markers)
                && station.presence(self.now.instant) == StationPresence::Live
        };
        let all = self.book.stations().iter().filter(|(_, station)| accepts(station));
        all.map(|(name, _)| name.clone()).collect()
    }

    fn apply(&mut self, action: LabAction) -> Vec<LabEffect> {
        match action {
            LabAction::Open => {
                let rows = self.rows();
                let row = rows.get(self.selected(&rows)).map(|row| row.name.clone());
                self.opened = self.opened.take().or(row);
            }
            LabAction::Back => {
                if self.opened.take().is_none() {
                    self.filter.clear();
                }
            }
            LabAction::Up => self.step(-1),
            LabAction::Down => self.step(1),
            LabAction::PageUp => self.step(-isize::try_from(PAGE).unwrap_or(isize::MAX)),
            LabAction::PageDown => self.step(isize::try_from(PAGE).unwrap_or(isize::MAX)),
            LabAction::First => self.step(isize::MIN),
            LabAction::Last => self.step(isize::MAX),
            LabAction::Sort => self.sort = self.sort.next(),
            LabAction::Filter => {
                self.opened = None;
                self.input = Some(LabInput::Filter(TextInput::default()));
                self.filter.clear();
            }
            LabAction::Older => self.back = (self.back + 1).min(self.log.len().saturating_sub(1)),
            LabAction::Newer => self.back = self.back.saturating_sub(1),
            LabAction::Mark => self.input = Some(LabInput::Marker(TextInput::default())),
            LabAction::Theme => {
                self.theme = (self.theme + 1) % self.settings.themes.len().max(1);
                if let Some(name) = self.settings.themes.get(self.theme) {
                    self.notice = Some((format!("theme {name}"), false, self.now.wall));
                }
            }
            LabAction::Help => self.help = true,
            LabAction::Redraw => return vec![LabEffect::Redraw],
            LabAction::Suspend => return vec![LabEffect::Suspend],
            LabAction::Quit => return vec![LabEffect::Quit],
        }
        Vec::new()
    }

    /// Moves the selection, stopping at the ends.
    fn step(&mut self, step: isize) {
        let rows = self.rows();
        let last = rows.len().saturating_sub(1);
        let at = self.selected(&rows).saturating_add_signed(step).min(last);
        let key = rows.get(at).map(|row| (row.name.clone(), Text::new(row.id())));
        self.selected = key;
    }

    fn log_line(&mut self, is_problem: bool, text: String) {
        self.push(self.now.wall, is_problem, text);
    }

    /// Adds a line; what is being read stays where it is.
    fn push(&mut self, at: Timestamp, is_problem: bool, text: String) {
        if self.log.len() == MOST_LINES {
            self.log.pop_front();
        }
        self.log.push_back(LabLine { at, is_problem, text });
        if self.back > 0 {
            self.back = (self.back + 1).min(self.log.len() - 1);
        }
    }
}

/// So many stations, in words.
#[must_use]
pub fn stations(count: usize) -> String {
    format!("{count} {}", if count == 1 { "station" } else { "stations" })
}

/// Why a station is gone, in its own or the broker's word.
fn why_gone(station: &Station) -> &str {
    let why = station.state.as_ref().and_then(|own| own.why.as_deref());
    why.unwrap_or("lost")
}
