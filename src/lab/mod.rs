//! The state of a lab's screen: all stations of a broker, their headsets and their problems. Like `app`
//! for the monitor, it is a state machine: keys and messages from the broker in, effects out; no I/O, no
//! clock, no drawing.
//!
//! ```text
//! mod      state, messages
//!  ├─ keys     keys and typed lines
//!  ├─ rows     the rows of the overview, filtered and sorted
//!  ├─ changes  the changes within a second, many in one line
//!  ├─ ignored  which ignored messages are logged
//!  ├─ log      alerts and events of all stations
//!  ├─ history  the last ten minutes of a headset
//!  ├─ markers  sent markers, and which stations have answered
//!  └─ action   the table of keys
//! ```

mod action;
mod changes;
mod history;
mod ignored;
mod keys;
mod log;
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

pub use self::{
    action::{LabAction, LabBinding, TABLE},
    history::{CELLS, HeadsetHistory, HistoryCell, STRETCH},
    keys::{LabInput, LabPane},
    log::LabLine,
    rows::{DEVICE, LabRow, LabSort, Staleness, condition_word, main_stream},
};
use self::{
    changes::{ChangeKind, LabChanges},
    ignored::IgnoredMessages,
    markers::SentMarkers,
};
use crate::app::Scroll;
use cortop_client::Moment;
use cortop_mqtt::{
    StationName, Text,
    book::{Book, BookChange, DepartureTime, MOST_HEADSETS, Received, Station, StationPresence},
    payload::{HeadsetCondition, LOST, LabMarker, Malformed, StationAlert, VERSION},
};

/// Minimum time between two rings of the bell.
const QUIET: Duration = Duration::from_secs(5);

/// The settings, which do not change while it runs.
#[derive(Clone, Debug)]
pub struct LabSettings {
    /// The broker's address.
    pub broker: String,
    /// The names of the themes.
    pub themes: Vec<String>,
    /// The index of the initial theme.
    pub theme: usize,
    /// Whether the bell may ring.
    pub bell: bool,
}

/// The state of the connection to the broker.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum BrokerLink {
    /// Connecting for the first time.
    #[default]
    Connecting,
    /// Connected.
    Connected,
    /// Lost or refused: why, and when the next attempt is.
    Lost(String, Instant),
}

/// What the caller has to do.
#[derive(Clone, Debug, PartialEq)]
pub enum LabEffect {
    /// Send a marker to all stations.
    Mark(LabMarker),
    /// Ring the bell.
    Bell,
    /// Redraw the whole screen.
    Redraw,
    /// Suspend the program and return to the shell.
    Suspend,
    /// Quit.
    Quit,
}

/// The last known condition of a station, to detect changes.
#[derive(Clone, Copy, Debug, PartialEq)]
struct NotedStation {
    /// It was neither silent nor gone.
    is_live: bool,
    /// It could not reach Cortex.
    is_down: bool,
}

/// Identifies a row: a station and one of its headsets, or a station without one.
pub type RowKey = (StationName, Text);

/// The whole state.
#[derive(Debug)]
pub struct Lab {
    /// The settings.
    pub settings: LabSettings,
    /// The moment of the last tick.
    pub now: Moment,
    /// The stations.
    pub book: Book,
    /// The state of the connection.
    pub link: BrokerLink,
    /// Alerts and events of all stations, the newest last.
    pub log: VecDeque<LabLine>,
    /// By how many lines the log is scrolled back from its end.
    pub back: usize,
    /// The column by which rows are sorted.
    pub sort: LabSort,
    /// Only rows that contain this text are shown.
    pub filter: String,
    /// The line that is being typed.
    pub input: Option<LabInput>,
    /// The station that is open.
    pub opened: Option<StationName>,
    /// The pane in which the arrow keys move.
    pub focus: LabPane,
    /// The help, while it is open.
    pub help: Option<Scroll>,
    /// The notice in the footer, whether it is a problem, and since when it is shown.
    pub notice: Option<(String, bool, Timestamp)>,
    /// The current theme's index in [`LabSettings::themes`].
    pub theme: usize,
    selected: Option<RowKey>,
    histories: BTreeMap<RowKey, HeadsetHistory>,
    /// The condition of each station at the last check.
    noted: BTreeMap<StationName, NotedStation>,
    markers: SentMarkers,
    /// The changes within this second, which are not in the log yet.
    changes: LabChanges,
    /// The malformed messages that have been logged.
    malformed: IgnoredMessages,
    /// The stations with a later version that have been logged. They are separate, so that a flood of
    /// malformed messages cannot hide them.
    newer: IgnoredMessages,
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
            focus: LabPane::default(),
            help: None,
            notice: None,
            selected: None,
            histories: BTreeMap::new(),
            noted: BTreeMap::new(),
            markers: SentMarkers::default(),
            changes: LabChanges::default(),
            malformed: IgnoredMessages::default(),
            newer: IgnoredMessages::default(),
            rang: None,
        }
    }

    /// Handles a change of the connection to the broker.
    pub fn on_link(&mut self, link: BrokerLink) {
        match &link {
            BrokerLink::Connected => self.book.on_connected(self.now.instant),
            BrokerLink::Lost(..) => self.book.on_disconnected(self.now.instant),
            BrokerLink::Connecting => {}
        }
        let is_same = |why: &str| matches!(&self.link, BrokerLink::Lost(own, _) if own == why);
        match &link {
            BrokerLink::Connected => self.log_line(false, "the broker is connected".to_owned()),
            BrokerLink::Lost(why, _) if !is_same(why) => {
                self.log_line(true, format!("the broker: {why}"));
            }
            BrokerLink::Lost(..) | BrokerLink::Connecting => {}
        }
        self.link = link;
    }

    /// Reports that the broker refused a message.
    pub fn on_refusal(&mut self, why: &str) {
        self.log_line(true, why.to_owned());
    }

    /// Handles a message from the broker.
    pub fn on_message(&mut self, message: &Received) -> Vec<LabEffect> {
        match self.book.on_message(message) {
            BookChange::Nothing => Vec::new(),
            BookChange::Station(name) => self.note_station(&name),
            BookChange::Headset(name, id, before) => {
                self.on_headset(&name, &id, &before, message.retained)
            }
            // The station's state says the same, and also when it is over.
            BookChange::Event(_, _, event) if &*event.kind == "service" => Vec::new(),
            BookChange::Event(name, at, event) => {
                let headset = event.headset.map(|id| format!(" {id}")).unwrap_or_default();
                let at = timestamp(at).unwrap_or(self.now.wall);
                let (subject, says) = (format!("{name}{headset}"), format!(": {}", event.text));
                self.changes.push(ChangeKind::Event, at, subject, says);
                Vec::new()
            }
            BookChange::Acknowledged(name, done) => {
                if let Some((is_problem, text)) = self.markers.on_answer(&name, &done, self.now) {
                    self.log_line(is_problem, text);
                }
                Vec::new()
            }
            BookChange::Malformed => {
                if let (_, Some((topic, why))) = self.book.malformed()
                    && self.malformed.is_news(topic, why, self.now.instant)
                {
                    let text = format!("malformed, and ignored: {topic}: {why}");
                    self.log_line(true, text);
                }
                Vec::new()
            }
            BookChange::Newer(name, version) => {
                let why = Malformed::Version(version);
                if self.newer.is_news(name.as_str(), &why, self.now.instant) {
                    let text = format!(
                        "{name} speaks version {version} of the contract, and this cortop version \
                         {VERSION}: update cortop here"
                    );
                    self.log_line(true, text);
                }
                Vec::new()
            }
        }
    }

    /// Logs the alerts of a headset that are new, and those that are over.
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
        // While Cortex is not reached, it is unknown whether an alert is over.
        let is_known = headset.is_none_or(|own| own.state.condition != HeadsetCondition::NoService);
        let over = before.iter().filter(|_| is_known).filter(kind_is_over);
        let over: Vec<_> = over.map(|own| own.text.clone()).collect();
        let is_worst = new.iter().any(|own| &*own.kind == "stale");
        let (subject, at) = (format!("{name} {id}"), self.now.wall);
        for alert in new {
            let says = format!(": {}", alert.text);
            self.changes.push(ChangeKind::Alert, at, subject.clone(), says);
        }
        for text in over {
            let says = format!(": no longer {text}");
            self.changes.push(ChangeKind::AlertOver, at, subject.clone(), says);
        }
        if is_worst && !was_retained { self.ring() } else { Vec::new() }
    }

    /// Logs whether a station has come or gone, or has reached or lost Cortex.
    fn note_station(&mut self, name: &StationName) -> Vec<LabEffect> {
        let Some(station) = self.book.stations().get(name) else {
            self.noted.remove(name);
            return Vec::new();
        };
        let presence = station.presence(self.now.instant);
        let (is_live, kind, says) = match presence {
            StationPresence::Unconfirmed => return Vec::new(),
            StationPresence::Gone(_) if station.is_in_doubt(self.now.instant) => return Vec::new(),
            StationPresence::Live => (true, ChangeKind::Back, " is back".to_owned()),
            StationPresence::Silent(_) => (false, ChangeKind::Silent, " is silent".to_owned()),
            StationPresence::Gone(_) => {
                (false, ChangeKind::Gone, format!(" is gone: {}", why_gone(station)))
            }
        };
        let state = station.state.as_ref().filter(|_| is_live);
        let before = self.noted.get(name).copied();
        let was_down = before.is_some_and(|before| before.is_down);
        let is_down = state.map_or(was_down, |own| own.cortex_down_since.is_some());
        // The first sight of a station is not a change.
        let now = NotedStation { is_live, is_down };
        let before = self.noted.insert(name.clone(), now).unwrap_or(now);
        let is_lost = before.is_live && !is_live && why_gone(station) != "stopped";
        let cortex = state.map(|own| own.cortex.clone()).unwrap_or_default();
        if before.is_live != is_live {
            let gone = match presence {
                StationPresence::Gone(DepartureTime::At(at)) => timestamp(at),
                _ => None,
            };
            self.changes.push(kind, gone.unwrap_or(self.now.wall), name.to_string(), says);
        }
        let cortex = match (before.is_down, is_down) {
            (false, true) => {
                Some((ChangeKind::CortexLost, format!(": Cortex is not reached: {cortex}")))
            }
            (true, false) => Some((ChangeKind::CortexBack, ": Cortex is reached again".to_owned())),
            _ => None,
        };
        if let Some((kind, says)) = cortex {
            self.changes.push(kind, self.now.wall, name.to_string(), says);
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

    /// Advances the time. Call it at least once a second.
    pub fn tick(&mut self, now: Moment) -> Vec<LabEffect> {
        let is_new_second = self.now.wall.as_second() != now.wall.as_second();
        self.now = now;
        if !is_new_second {
            return Vec::new();
        }
        let names: Vec<_> = self.book.stations().keys().cloned().collect();
        let effects = names.iter().flat_map(|name| self.note_station(name)).collect();
        self.note_histories(now.instant);
        for line in self.changes.take() {
            self.push(line);
        }
        for (is_problem, text) in self.markers.overdue(now) {
            self.log_line(is_problem, text);
        }
        effects
    }

    /// Extends the history of each headset. The history of a headset that is gone is kept while it has
    /// any values, if there is room: the headset may come back.
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

    /// The rows to show, sorted: those of all stations, or of the open one.
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
            let key = key.then_with(|| one.text_key(sort).cmp(&other.text_key(sort)));
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

    /// The index of the selected row.
    #[must_use]
    pub fn selected(&self, rows: &[LabRow<'_>]) -> usize {
        let is_it = |row: &LabRow<'_>| {
            self.selected.as_ref().is_some_and(|(name, id)| name == row.name && **id == *row.id())
        };
        rows.iter().position(is_it).unwrap_or_default()
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
}

/// Converts seconds since 1970.
fn timestamp(seconds: f64) -> Option<Timestamp> {
    Timestamp::from_duration(SignedDuration::try_from_secs_f64(seconds).ok()?).ok()
}

/// A number of stations, in words.
#[must_use]
pub fn stations(count: usize) -> String {
    counted(count, "station")
}

/// A number of things, in words.
#[must_use]
pub fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// Why a station is gone, in its own word or the broker's.
fn why_gone(station: &Station) -> &str {
    let why = station.state.as_ref().and_then(|own| own.why.as_deref());
    why.unwrap_or(LOST)
}
