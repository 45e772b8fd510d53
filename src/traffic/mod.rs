//! The state of the screen of the simulator and the proxy: what clients, their sessions and their requests
//! do, and advice about it. A state machine, as `app` is for the monitor: keys and journal entries go in,
//! effects come out; no I/O, no clock, no drawing.

mod action;
mod palette;

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

pub use self::{
    action::{TABLE, TrafficAction, TrafficBinding},
    palette::FaultPalette,
};
use crate::app::{Key, Scroll};
use cortop_sim::{
    Fault, Injection,
    journal::{Advice, ClientSummary, Entry, JournalEvent, OpenSession, Refusal, SessionEnd},
};

/// Maximum number of rows and pieces of advice kept; the oldest are dropped first.
const MAX_ROWS: usize = 2000;
/// Rows that a page key moves by.
const PAGE: usize = 10;

/// The panes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TrafficPane {
    /// Clients and their sessions.
    Clients,
    /// Requests and unsolicited events.
    #[default]
    Requests,
    /// Advice.
    Advice,
}

impl TrafficPane {
    /// All panes, from top to bottom.
    pub const ALL: [Self; 3] = [Self::Clients, Self::Requests, Self::Advice];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Clients => "clients",
            Self::Requests => "requests",
            Self::Advice => "advice",
        }
    }
}

/// What is running, for the header and the notes.
#[derive(Clone, Debug, Default)]
pub struct TrafficAbout {
    /// `sim` or `proxy`.
    pub title: &'static str,
    /// The service behind a proxy.
    pub service: String,
    /// The address for clients.
    pub url: String,
    /// Notes from the start: where the certificate is, what a recording lacks.
    pub notes: Vec<String>,
}

/// Settings that do not change at run time.
#[derive(Clone, Debug, Default)]
pub struct TrafficSettings {
    /// What is running.
    pub about: TrafficAbout,
    /// Whether faults can be injected.
    pub has_faults: bool,
    /// The names of the themes.
    pub themes: Vec<String>,
    /// The index of the first theme.
    pub theme: usize,
    /// When the journal began.
    pub began: Timestamp,
}

/// A row of the requests pane.
#[derive(Clone, Debug, PartialEq)]
pub struct TrafficRow {
    /// When it began.
    pub at: Timestamp,
    /// The client it is about; 0 if it concerns all or none.
    pub client: u64,
    /// Its content.
    pub what: RowKind,
}

/// The content of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum RowKind {
    /// A request, and its answer once it has arrived: the time it took in seconds, and the error.
    Request {
        /// Its number.
        request: u64,
        /// The method's name.
        method: String,
        /// The object it is about.
        subject: String,
        /// Its answer.
        answer: Option<(f64, Option<Refusal>)>,
        /// How many times it was repeated in a row; number, time and answer are those of the last.
        times: u32,
    },
    /// A note from the start.
    Note(String),
    /// An unsolicited event, and whether it is a problem.
    Event(String, bool),
}

/// What the state machine wants done.
#[derive(Clone, Debug, PartialEq)]
pub enum TrafficEffect {
    /// Inject a fault.
    Inject(Injection),
    /// Redraw the whole screen.
    Redraw,
    /// Release the terminal to the shell.
    Suspend,
    /// Quit.
    Quit,
}

/// The whole state.
#[derive(Debug)]
pub struct Traffic {
    /// What does not change.
    pub settings: TrafficSettings,
    /// The time of the last tick.
    pub now: Timestamp,
    /// Requests and events, newest last.
    pub rows: VecDeque<TrafficRow>,
    /// Advice with its time and client, newest last.
    pub advice: VecDeque<(Timestamp, u64, Advice)>,
    /// The clients, newest last.
    pub clients: Vec<ClientSummary>,
    /// Their sessions.
    pub sessions: Vec<OpenSession>,
    /// The focused pane.
    pub focus: TrafficPane,
    /// Whether the focused pane fills the screen.
    pub zoomed: bool,
    /// Rows scrolled back from the end, for requests and advice.
    pub back: [usize; 2],
    /// The client that faults apply to; all if `None`.
    pub selected: Option<u64>,
    /// The list of faults, while it is open.
    pub palette: Option<FaultPalette>,
    /// The help, while it is open.
    pub help: Option<Scroll>,
    /// The notice, whether it is a problem, and when it was raised.
    pub notice: Option<(String, bool, Timestamp)>,
    /// Index into [`TrafficSettings::themes`].
    pub theme: usize,
}

impl Traffic {
    /// The state before the first client.
    #[must_use]
    pub fn new(settings: TrafficSettings) -> Self {
        let notes = settings.about.notes.iter().map(|note| TrafficRow {
            at: settings.began,
            client: 0,
            what: RowKind::Note(note.clone()),
        });
        Self {
            rows: notes.collect(),
            now: settings.began,
            theme: settings.theme,
            settings,
            advice: VecDeque::new(),
            clients: Vec::new(),
            sessions: Vec::new(),
            focus: TrafficPane::default(),
            zoomed: false,
            back: [0; 2],
            selected: None,
            palette: None,
            help: None,
            notice: None,
        }
    }

    /// Time has passed; updates the clients and their sessions.
    pub fn tick(
        &mut self,
        now: Timestamp,
        clients: Vec<ClientSummary>,
        sessions: Vec<OpenSession>,
    ) {
        (self.now, self.clients, self.sessions) = (now, clients, sessions);
    }

    /// Whether a client is connected.
    #[must_use]
    pub fn is_there(&self, client: u64) -> bool {
        self.clients.iter().any(|own| own.number == client && own.until.is_none())
    }

    /// Adds journal entries.
    pub fn take(&mut self, entries: Vec<Entry>) {
        for entry in entries {
            let since = SignedDuration::try_from_secs_f64(entry.at).unwrap_or_default();
            let at = self.settings.began.checked_add(since).unwrap_or(self.settings.began);
            self.take_one(at, entry);
        }
    }

    fn take_one(&mut self, at: Timestamp, entry: Entry) {
        let client = entry.client;
        let what = match entry.event {
            JournalEvent::Request { request, method, subject } => {
                // A repeated request does not push everything else out.
                if let Some(row) = self.rows.back_mut().filter(|row| row.client == client)
                    && let RowKind::Request { request: own, answer, times, method: m, subject: s } =
                        &mut row.what
                    && matches!(answer, Some((_, None)))
                    && (&*m, &*s) == (&method, &subject)
                {
                    (row.at, *own, *answer) = (at, request, None);
                    *times += 1;
                    return;
                }
                RowKind::Request { request, method, subject, answer: None, times: 1 }
            }
            JournalEvent::Answer { request, refusal, took, .. } => {
                let asked = self.rows.iter_mut().rev().filter(|row| row.client == client);
                for row in asked {
                    if let RowKind::Request { request: own, answer, .. } = &mut row.what
                        && *own == request
                    {
                        *answer = Some((took, refusal));
                        return;
                    }
                }
                return;
            }
            JournalEvent::Advice(advice) => {
                push(&mut self.advice, &mut self.back[1], (at, client, advice));
                return;
            }
            // These are shown in the clients pane, or follow from an answer.
            JournalEvent::Samples { .. }
            | JournalEvent::SessionOpened { .. }
            | JournalEvent::Subscribed { .. }
            | JournalEvent::Unsubscribed { .. }
            | JournalEvent::SessionClosed {
                end: SessionEnd::Closed | SessionEnd::Disconnected,
                ..
            } => {
                return;
            }
            JournalEvent::Connected => RowKind::Event("connected".to_owned(), false),
            JournalEvent::Disconnected { by } => {
                RowKind::Event(format!("disconnected by the {}", by.name()), false)
            }
            JournalEvent::Warning { code, text } => {
                RowKind::Event(format!("warning {code}: {text}"), false)
            }
            JournalEvent::SessionClosed { session, .. } => {
                RowKind::Event(format!("session {session} closed by the service"), true)
            }
            JournalEvent::StreamRefused { stream, refusal } => RowKind::Event(
                format!("stream {stream} refused: {} {}", refusal.code, refusal.message),
                true,
            ),
            JournalEvent::Unread { seconds } => {
                const UNREAD: &str = "has not read its socket for ";
                let text = format!("{UNREAD}{seconds:.0} s");
                // The condition continues: its row says for how long.
                let last = self.rows.iter_mut().rev().find(|row| row.client == client);
                if let Some(TrafficRow { what: RowKind::Event(said, _), .. }) = last
                    && said.starts_with(UNREAD)
                {
                    *said = text;
                    return;
                }
                RowKind::Event(text, true)
            }
            JournalEvent::HandshakeFailed { text } => {
                RowKind::Event(format!("cannot connect: {text}"), true)
            }
            JournalEvent::Fault { fault, headset, stream } => {
                let on = headset.map_or_else(String::new, |headset| format!(" on {headset}"));
                let of = stream.map_or_else(String::new, |stream| format!(" in {stream}"));
                RowKind::Event(format!("fault: {fault}{on}{of}"), true)
            }
        };
        push(&mut self.rows, &mut self.back[0], TrafficRow { at, client, what });
    }

    /// A key was pressed.
    pub fn on_key(&mut self, key: Key) -> Vec<TrafficEffect> {
        if let Some(card) = &mut self.help {
            if !card.on_key(key) {
                self.help = None;
            }
            return Vec::new();
        }
        if let Some(palette) = &mut self.palette {
            return match palette.on_key(key) {
                palette::PaletteEvent::Open => Vec::new(),
                palette::PaletteEvent::Closed => {
                    self.palette = None;
                    Vec::new()
                }
                palette::PaletteEvent::Chosen(fault) => {
                    self.palette = None;
                    self.inject(fault)
                }
            };
        }
        let binding = TABLE.iter().find(|row| row.keys.contains(&key));
        binding
            .filter(|row| self.is_available(row))
            .map(|row| self.apply(row.action))
            .unwrap_or_default()
    }

    /// Text was pasted.
    pub fn paste(&mut self, text: &str) {
        if let Some(palette) = &mut self.palette {
            palette.paste(text);
        }
    }

    /// Whether a key has an effect at the moment.
    #[must_use]
    pub fn is_available(&self, row: &TrafficBinding) -> bool {
        self.settings.has_faults || !row.action.is_fault()
    }

    fn apply(&mut self, action: TrafficAction) -> Vec<TrafficEffect> {
        match action {
            TrafficAction::NextPane => self.focus = self.pane_beside(1),
            TrafficAction::PreviousPane => self.focus = self.pane_beside(2),
            TrafficAction::Focus(pane) => self.focus = pane,
            TrafficAction::Zoom => self.zoomed = !self.zoomed,
            TrafficAction::Up => self.step(true, 1),
            TrafficAction::Down => self.step(false, 1),
            TrafficAction::Earlier => self.step(true, PAGE),
            TrafficAction::Later => self.step(false, PAGE),
            TrafficAction::Oldest => self.step(true, usize::MAX),
            TrafficAction::Newest => self.step(false, usize::MAX),
            TrafficAction::Faults => self.palette = Some(FaultPalette::default()),
            TrafficAction::Fault(example) => {
                // A test checks those in the table.
                if let Ok(fault) = toml::from_str(example) {
                    return self.inject(fault);
                }
            }
            TrafficAction::Theme => {
                self.theme = (self.theme + 1) % self.settings.themes.len().max(1);
                if let Some(name) = self.settings.themes.get(self.theme) {
                    self.notice = Some((format!("theme {name}"), false, self.now));
                }
            }
            TrafficAction::Help => self.help = Some(Scroll::default()),
            TrafficAction::Redraw => return vec![TrafficEffect::Redraw],
            TrafficAction::Suspend => return vec![TrafficEffect::Suspend],
            TrafficAction::Quit => return vec![TrafficEffect::Quit],
        }
        Vec::new()
    }

    fn inject(&mut self, fault: Fault) -> Vec<TrafficEffect> {
        // A fault meant for one client must not hit another.
        if let Some(gone) = self.selected.filter(|client| !self.is_there(*client)) {
            let text = format!("client {gone} is gone: select another in pane 1, or all");
            self.notice = Some((text, true, self.now));
            return Vec::new();
        }
        let injection = Injection { client: self.selected, ..fault.into() };
        vec![TrafficEffect::Inject(injection)]
    }

    fn pane_beside(&self, steps: usize) -> TrafficPane {
        let at = TrafficPane::ALL.iter().position(|pane| *pane == self.focus).unwrap_or_default();
        TrafficPane::ALL[(at + steps) % TrafficPane::ALL.len()]
    }

    /// Scrolls the focused pane, or selects a client.
    fn step(&mut self, is_up: bool, rows: usize) {
        let (back, most) = match self.focus {
            TrafficPane::Clients => return self.select(is_up),
            TrafficPane::Requests => (&mut self.back[0], self.rows.len()),
            TrafficPane::Advice => (&mut self.back[1], self.advice.len()),
        };
        *back = if is_up { back.saturating_add(rows) } else { back.saturating_sub(rows) };
        *back = (*back).min(most.saturating_sub(1));
    }

    fn select(&mut self, is_up: bool) {
        let there = self.clients.iter().filter(|own| own.until.is_none());
        let mut choices: Vec<_> = there.map(|own| Some(own.number)).collect();
        choices.insert(0, None);
        let at = choices.iter().position(|own| *own == self.selected).unwrap_or_default();
        let next = if is_up { at.saturating_sub(1) } else { at + 1 };
        self.selected = choices.get(next).or(choices.get(at)).copied().flatten();
    }
}

/// Adds a row; a pane that is scrolled back does not move.
fn push<T>(rows: &mut VecDeque<T>, back: &mut usize, row: T) {
    if rows.len() == MAX_ROWS {
        rows.pop_front();
    }
    rows.push_back(row);
    if *back > 0 {
        *back = (*back + 1).min(rows.len() - 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(events: Vec<JournalEvent>) -> Vec<Entry> {
        let entry = |(number, event)| Entry { number, at: 1.0, client: 1, event };
        (1..).zip(events).map(entry).collect()
    }

    fn request(number: u64) -> JournalEvent {
        JournalEvent::Request {
            request: number,
            method: "authorize".to_owned(),
            subject: String::new(),
        }
    }

    fn traffic() -> Traffic {
        let themes = vec!["auto".to_owned(), "mono".to_owned()];
        let settings = TrafficSettings { has_faults: true, themes, ..TrafficSettings::default() };
        let mut traffic = Traffic::new(settings);
        let client = ClientSummary { number: 1, ..ClientSummary::default() };
        traffic.tick(Timestamp::UNIX_EPOCH, vec![client], Vec::new());
        traffic
    }

    #[test]
    fn an_answer_stands_at_its_request_and_reading_is_not_disturbed() {
        let mut traffic = traffic();
        traffic.take(entries((1..=30).map(request).collect()));
        let answer = JournalEvent::Answer {
            request: 7,
            method: String::new(),
            subject: String::new(),
            refusal: None,
            took: 0.5,
        };
        traffic.on_key(Key::PAGE_UP);
        assert_eq!(traffic.back[0], 10);
        traffic.take(entries(vec![
            answer,
            request(31),
            JournalEvent::Samples { sent: [].into(), dropped: 0 },
        ]));
        assert_eq!((traffic.rows.len(), traffic.back[0]), (31, 11));
        let answered = traffic.rows.iter().filter(|row| {
            matches!(&row.what, RowKind::Request { request: 7, answer: Some((_, None)), .. })
        });
        assert_eq!(answered.count(), 1);
        traffic.on_key(Key::END);
        traffic.take(entries((32..5000).map(request).collect()));
        assert_eq!((traffic.rows.len(), traffic.back[0]), (MAX_ROWS, 0));
    }

    #[test]
    fn what_is_asked_again_and_again_takes_one_row() {
        let mut traffic = traffic();
        let answer = |request| JournalEvent::Answer {
            request,
            method: String::new(),
            subject: String::new(),
            refusal: None,
            took: 0.5,
        };
        let events = (1..=5).flat_map(|number| [request(number), answer(number)]).collect();
        traffic.take(entries(events));
        let shown: Vec<_> = traffic.rows.iter().map(|row| row.what.clone()).collect();
        let RowKind::Request { request: 5, answer: Some(_), times: 5, .. } = shown[0] else {
            panic!("{shown:?}")
        };
        // Interleaved requests each have their own row.
        traffic.take(entries(vec![request(6), request(7), answer(6), answer(7)]));
        assert_eq!(traffic.rows.len(), 2);
    }

    #[test]
    fn faults_hit_the_selected_client_and_only_where_there_are_some() {
        let mut traffic = traffic();
        let injected = |effects: Vec<TrafficEffect>| match effects.as_slice() {
            [TrafficEffect::Inject(injection)] => Some((injection.client, injection.fault.clone())),
            _ => None,
        };
        assert_eq!(
            injected(traffic.on_key(Key::char('d'))),
            Some((None, Fault::Drop { close: false }))
        );
        traffic.on_key(Key::char('1'));
        traffic.on_key(Key::DOWN);
        assert_eq!(injected(traffic.on_key(Key::char('c'))), Some((Some(1), Fault::Clear {})));
        // By name: as listed, or with a different value.
        for (typed, fault) in
            [("expire", Fault::ExpireTokens {}), ("lose = { count = 7 }", Fault::Lose { count: 7 })]
        {
            traffic.on_key(Key::char(':'));
            typed.chars().for_each(|char| {
                assert_eq!(traffic.on_key(Key::char(char)), []);
            });
            assert_eq!(injected(traffic.on_key(Key::ENTER)), Some((Some(1), fault)));
            assert!(traffic.palette.is_none());
        }
        traffic.on_key(Key::char(':'));
        "lose = [".chars().for_each(|char| drop(traffic.on_key(Key::char(char))));
        assert_eq!(traffic.on_key(Key::ENTER), []);
        assert!(traffic.palette.as_ref().is_some_and(|own| own.complaint.is_some()));
        traffic.on_key(Key::ESC);
        // A fault meant for a client that is gone hits nobody, until another is selected.
        traffic.tick(Timestamp::UNIX_EPOCH, Vec::new(), Vec::new());
        assert_eq!(traffic.on_key(Key::char('d')), []);
        assert!(
            traffic.notice.as_ref().is_some_and(|(said, ..)| said.contains("client 1 is gone"))
        );
        traffic.on_key(Key::UP);
        assert_eq!(
            injected(traffic.on_key(Key::char('d'))),
            Some((None, Fault::Drop { close: false }))
        );
        traffic.settings.has_faults = false;
        assert_eq!(traffic.on_key(Key::char('d')), []);
        traffic.on_key(Key::char(':'));
        assert!(traffic.palette.is_none());
        assert_eq!(traffic.on_key(Key::char('q')), [TrafficEffect::Quit]);
    }

    /// A fully typed name wins, whatever else contains its letters.
    #[test]
    fn each_fault_is_found_by_its_name() {
        for (example, _) in cortop_sim::fault::LIST {
            let mut traffic = traffic();
            traffic.on_key(Key::char(':'));
            let name = example.split(' ').next().unwrap();
            name.chars().for_each(|char| drop(traffic.on_key(Key::char(char))));
            let fault: Fault = toml::from_str(example).unwrap();
            let effects = traffic.on_key(Key::ENTER);
            assert_eq!(effects, [TrafficEffect::Inject(fault.into())], "{name}");
        }
    }

    #[test]
    fn no_key_means_two_things_and_each_fault_of_a_key_is_one() {
        let mut keys = Vec::new();
        for row in TABLE {
            for key in row.keys {
                assert!(!keys.contains(key), "{key}");
                keys.push(*key);
            }
            if let TrafficAction::Fault(example) = row.action {
                toml::from_str::<Fault>(example).expect(example);
            }
        }
    }
}
