//! The overview: one row per headset, sorted so that the worst comes first. Defines the content and order of
//! the rows, not how they look.

use strum::VariantArray;

use super::{
    Action, App, Effect, Pane, SessionEntry, Severity, dialog::Question, notice::Condition,
};
use cortop_client::{
    Command, Headset, HeadsetId, Stream, headset::HeadsetStatus, session::SessionStatus,
};
use cortop_signal::{StreamHealth, snapshot::DeviceReadings};

/// The column that the rows are sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, VariantArray)]
pub enum Sort {
    /// By id.
    #[default]
    Headset,
    /// Stale first, streaming last.
    State,
    /// The emptiest battery first.
    Battery,
    /// The worst sensor first.
    Contact,
    /// The furthest below its nominal rate first.
    Rate,
    /// The most losses of the last 10 s first.
    Loss,
    /// The oldest sample first.
    Age,
    /// Recording, then activated, opened, none.
    Session,
}

impl Sort {
    pub(super) fn next(self) -> Self {
        Self::VARIANTS[(self as usize + 1) % Self::VARIANTS.len()]
    }
}

/// The state of a headset, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OverviewState {
    /// Has a live session; this is its first stale stream.
    Stale(Stream),
    /// Has a live session, and its main stream is off its nominal rate.
    OffRate,
    /// On a USB cable, over which it cannot stream.
    OnCable,
    /// Has a live session, but no sample has arrived yet.
    Silent,
    /// Being connected.
    Connecting,
    /// Connected, without a session.
    Connected,
    /// Discovered but not connected; or a status unknown to this program.
    Discovered,
    /// Has a live session, and its streams are flowing.
    Streaming,
}

/// A headset with its current state.
#[derive(Clone, Copy, Debug)]
pub struct HeadsetRow<'a> {
    /// The headset.
    pub headset: &'a Headset,
    /// Its live session.
    pub entry: Option<&'a SessionEntry>,
    /// The health of its main stream: EEG, or motion if there is no EEG.
    pub main: Option<&'a StreamHealth>,
    /// Its readings from `dev` and `eq`.
    pub device: Option<&'a DeviceReadings>,
    /// Its state.
    pub state: OverviewState,
}

impl<'a> HeadsetRow<'a> {
    fn new(app: &'a App, headset: &'a Headset) -> Self {
        let numbers = app.latest();
        let entry = app.sessions.on(&headset.id).filter(|entry| app.is_live(entry));
        let session = entry.map(|entry| &entry.session.id);
        let health = session.map_or(&[][..], |id| numbers.health_in(id));
        let main = |stream| health.iter().find(|health| health.stream == stream);
        let main = main(Stream::Eeg).or_else(|| main(Stream::Mot));
        let state = match (&headset.status, health) {
            (_, [first, ..]) => match health.iter().find(|one| one.stale_since.is_some()) {
                Some(stale) => OverviewState::Stale(stale.stream),
                None if main.is_some_and(StreamHealth::rate_is_off) => OverviewState::OffRate,
                None if first.last.is_some() => OverviewState::Streaming,
                None => OverviewState::Silent,
            },
            (_, []) if entry.is_some() => OverviewState::Silent,
            (HeadsetStatus::Connected, _) if headset.is_on_usb_cable() => OverviewState::OnCable,
            (HeadsetStatus::Connected, _) => OverviewState::Connected,
            (HeadsetStatus::Connecting, _) => OverviewState::Connecting,
            (HeadsetStatus::Discovered | HeadsetStatus::Other(_), _) => OverviewState::Discovered,
        };
        Self {
            headset,
            entry,
            main,
            device: entry.and_then(|_| numbers.devices.get(&headset.id)),
            state,
        }
    }

    /// The sort key in a column, smaller first; headsets without a value come last.
    fn key(&self, sort: Sort, app: &App) -> f64 {
        let known = match sort {
            Sort::Headset | Sort::State => None,
            Sort::Battery => self.device.and_then(DeviceReadings::battery),
            Sort::Contact => {
                let bad = self.main.and_then(|main| {
                    let defect = main.bad_channels.iter().map(|channel| channel.defect).min()?;
                    // A defect is worse than any level; the worst defect comes first.
                    Some(f64::from(defect as u8) - 9.0)
                });
                let level = |device: &DeviceReadings| Some(device.worst()?.1.unwrap_or(-1.0));
                let worst = bad.or_else(|| level(self.device?));
                let overall = self.device.and_then(DeviceReadings::contact).unwrap_or_default();
                worst.map(|worst| worst * 1e3 + overall)
            }
            // Rounded to whole per cent, so that rows do not swap places all the time.
            Sort::Rate => self.main.and_then(|main| {
                let rate = main.rate.or(main.stale_since.map(|_| 0.0))?;
                Some((100.0 * rate / main.nominal_rate?).round())
            }),
            Sort::Loss => self.main.map(|main| -main.recent.loss()),
            Sort::Age => self.main.and_then(|main| main.last).map(|last| {
                let age = app.now.instant.saturating_duration_since(last).as_secs();
                -(age as f64)
            }),
            Sort::Session => self.entry.map(|SessionEntry { session, .. }| match &session.status {
                _ if session.recording == Some(true) => 0.0,
                SessionStatus::Activated => 1.0,
                _ => 2.0,
            }),
        };
        known.unwrap_or(f64::INFINITY)
    }
}

impl App {
    /// Whether the overview replaces the panes.
    #[must_use]
    pub fn shows_overview(&self) -> bool {
        self.headsets.overview && self.focus == Pane::Headsets
    }

    /// A row for each headset that is listed or has a live session, in the order of the last sort; headsets
    /// that came later follow by id.
    #[must_use]
    pub fn overview(&self) -> Vec<HeadsetRow<'_>> {
        let mut rows = self.headset_rows();
        let order = &self.headsets.order;
        let place = |row: &HeadsetRow<'_>| {
            let place = order.iter().position(|id| *id == row.headset.id);
            (place.unwrap_or(order.len()), row.headset.id.clone())
        };
        rows.sort_by_cached_key(place);
        rows
    }

    fn headset_rows(&self) -> Vec<HeadsetRow<'_>> {
        let list = &self.headsets.list;
        // The list may omit a headset that is streaming.
        let live = self.sessions.live().map(|entry| &entry.session.headset);
        let unlisted = live.filter(|headset| list.iter().all(|listed| listed.id != headset.id));
        list.iter().chain(unlisted).map(|headset| HeadsetRow::new(self, headset)).collect()
    }

    /// Opens the overview, sorted by the last column used, or closes it.
    pub(super) fn toggle_overview(&mut self) {
        self.headsets.overview = !self.headsets.overview;
        self.sort_rows();
    }

    /// Sorts the rows of the overview by a column, and equal ones by id.
    pub(super) fn sort_overview(&mut self, column: impl FnOnce(Sort) -> Sort) {
        if self.shows_overview() {
            self.headsets.sort = column(self.headsets.sort);
            self.sort_rows();
        } else {
            let key = self.settings.keymap.keys(Action::Overview).first();
            let key = key.map(|key| format!(" with {key}")).unwrap_or_default();
            self.notify(Severity::Info, format!("open the overview to sort it{key}"));
        }
    }

    fn sort_rows(&mut self) {
        let sort = self.headsets.sort;
        let mut rows = self.headset_rows();
        rows.sort_by(|one, other| {
            let order = match sort {
                Sort::State => one.state.cmp(&other.state),
                _ => one.key(sort, self).total_cmp(&other.key(sort, self)),
            };
            order.then_with(|| one.headset.id.cmp(&other.headset.id))
        });
        self.headsets.order = rows.iter().map(|row| row.headset.id.clone()).collect();
    }

    /// The headsets in the order shown, from top to bottom.
    fn shown_headsets(&self) -> Vec<HeadsetId> {
        if self.shows_overview() {
            self.overview().iter().map(|row| row.headset.id.clone()).collect()
        } else {
            self.headsets.list.iter().map(|headset| headset.id.clone()).collect()
        }
    }

    /// Moves the selection by `step` of the rows shown, stopping at the ends.
    pub(super) fn step_headset(&mut self, step: isize) {
        let ids = self.shown_headsets();
        self.headsets.step(&ids, step);
    }

    /// Picks or unpicks the selected headset.
    pub(super) fn pick_headset(&mut self) {
        let ids = self.shown_headsets();
        self.headsets.toggle_picked(&ids);
    }

    /// Those of the `wanted` headsets that can stream and have no session.
    pub(super) fn openable(&self, wanted: impl Fn(&HeadsetId) -> bool) -> Vec<HeadsetId> {
        let rows = self.overview();
        let rows = rows.iter().filter(|row| {
            row.entry.is_none() && row.state != OverviewState::OnCable && wanted(&row.headset.id)
        });
        rows.map(|row| row.headset.id.clone()).collect()
    }

    /// Opens a session on each of the `wanted` headsets that can stream and has none; asks once if several
    /// sessions may debit the licence.
    pub(super) fn open_headsets(&mut self, wanted: impl Fn(&HeadsetId) -> bool) -> Vec<Effect> {
        let ids = self.openable(wanted);
        if ids.len() > 1 && self.may_debit() {
            self.ask(&Question::OpenHeadsets(ids));
            return Vec::new();
        }
        self.open_each(ids)
    }

    /// Opens a session on each of these headsets.
    pub(super) fn open_each(&mut self, ids: Vec<HeadsetId>) -> Vec<Effect> {
        self.headsets.picked.clear();
        let text = match &ids[..] {
            [] => "each of these headsets has a session, or cannot stream".to_owned(),
            [one] => format!("opening {one}"),
            ids => format!("opening {} headsets", ids.len()),
        };
        if ids.is_empty() {
            self.notify(Severity::Info, text);
        } else {
            self.notify_while(Condition::NoSessionOn(ids.clone()), Severity::Info, text);
        }
        let open = |headset| Effect::Command(Command::Open { headset, mode: None });
        ids.into_iter().map(open).collect()
    }

    /// The number of live sessions with a stale stream, and the number of live sessions.
    #[must_use]
    pub fn stale_sessions(&self) -> (usize, usize) {
        let live = || self.sessions.live().filter(|entry| self.is_live(entry));
        let is_stale = |entry: &&SessionEntry| {
            let health = self.latest().health_in(&entry.session.id);
            health.iter().any(|health| health.stale_since.is_some())
        };
        (live().filter(is_stale).count(), live().count())
    }
}
