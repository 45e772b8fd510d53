//! The state machine as pure state: a message in, new state and effects out.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use super::*;
use crate::exchange::OutsideMarker;
use cortop_client::{
    ClockOffset, Columns, Command, ConnectionStep, Error, ErrorKind, Event, Headset,
    HeadsetCommand, HeadsetId, MarkerCommand, Method, Record, RecordEvent, Sample, Security,
    SessionId, SessionMode, Stream, Subscription, code, headset::HeadsetStatus,
    marker::MarkerValue, session::SessionStatus,
};
use cortop_signal::{
    Filters, StreamHealth,
    snapshot::{Binning, Gap, RecentCounts},
    view::Reference,
};

const PLAIN: StreamView =
    StreamView { name: "", keys: &[], help: "", hint: None, streams: &[], features: &[] };
static MOT: StreamView = StreamView { name: "mot", streams: &[Stream::Mot], ..PLAIN };
static CONTACT: StreamView =
    StreamView { name: "contact", keys: &[Key::char('c')], streams: &[Stream::Dev], ..PLAIN };
static SPECTRUM: StreamView = StreamView {
    name: "spectrum",
    keys: &[Key::char('p')],
    streams: &[Stream::Eeg],
    features: &[Feature::Spectrum, Feature::Selection, Feature::History],
    ..PLAIN
};
static SPECTROGRAM: StreamView = StreamView {
    name: "spectrogram",
    keys: &[Key::char('g')],
    streams: &[Stream::Eeg],
    features: StreamView::TRACES,
    ..PLAIN
};
static INSPECTOR: StreamView = StreamView {
    name: "inspector",
    keys: &[Key::char('i')],
    features: &[Feature::Messages, Feature::Selection, Feature::History],
    ..PLAIN
};

fn app() -> App {
    let views = vec![&StreamView::ALL, &SPECTRUM, &SPECTROGRAM, &MOT, &CONTACT, &INSPECTOR];
    let settings = AppSettings {
        keymap: Keymap::new(views),
        themes: vec!["a".into(), "b".into()],
        ..AppSettings::default()
    };
    App::new(settings, Moment::now())
}

fn headset(id: &str, status: HeadsetStatus) -> Headset {
    Headset { id: id.into(), status, ..Headset::default() }
}

fn session(id: &str, status: SessionStatus) -> Session {
    Session {
        id: id.into(),
        status,
        headset: headset("EPOCX-00000001", HeadsetStatus::Connected),
        ..Session::default()
    }
}

fn on_event(app: &mut App, event: Event) {
    assert_eq!(app.update(Message::Cortex(event)), [], "an event asks for nothing");
}

fn press(app: &mut App, key: Key) -> Vec<Effect> {
    app.update(Message::Key(key))
}

fn refusal(method: Method) -> Error {
    let text = "The stream is unavailable or unsupported.";
    let error = Error::refused(method, code::error::STREAM_UNAVAILABLE, text);
    Error { next: "EEG needs a licence with scope eeg".into(), ..error }
}

fn health() -> StreamHealth {
    StreamHealth {
        session: "s".into(),
        headset: "h".into(),
        stream: Stream::Eeg,
        nominal_rate: Some(128.0),
        rate: None,
        received: 1,
        lost: 0,
        interpolated: 0,
        recent: RecentCounts::default(),
        bad_channels: Arc::default(),
        malformed: 0,
        clock_step: None,
        subscribed: Instant::now(),
        last: None,
        last_time: None,
        gap: None,
        stale_since: None,
    }
}

/// 128 Hz for ten seconds a window, with twenty seconds of history before `newest`.
fn snapshot(end: u64, newest: u64, view_end: ViewEnd) -> Arc<Snapshot> {
    let mut snapshot = Snapshot { health: vec![health()], ..Snapshot::default() };
    snapshot.view.end = view_end;
    snapshot.traces = Some(Traces {
        subscription: Arc::new(Subscription {
            session: "s".into(),
            headset: "h".into(),
            stream: Stream::Eeg,
            columns: Columns::default(),
            nominal_rate: Some(128.0),
        }),
        channels_in_all: 14,
        channels: Vec::new(),
        bins: Binning { samples: 1280, columns: 100 },
        first_bin: 0,
        end,
        end_time: None,
        oldest: newest.saturating_sub(2560),
        newest,
        last: None,
        gaps: Vec::new(),
        seconds: Vec::new(),
        clock_steps: Vec::new(),
        markers: Vec::new(),
        cursors: [None; 2],
        spread: f32::NAN,
        reference: Vec::new(),
        spectra: None,
    });
    Arc::new(snapshot)
}

#[test]
fn panes_are_reached_by_tab_and_by_number() {
    let mut app = app();
    assert_eq!(app.focus, Pane::Streams);
    press(&mut app, Key::TAB);
    assert_eq!(app.focus, Pane::Log);
    press(&mut app, Key::TAB);
    assert_eq!(app.focus, Pane::Headsets);
    press(&mut app, Key::BACK_TAB);
    assert_eq!(app.focus, Pane::Log);
    press(&mut app, Key::char('2'));
    assert_eq!(app.focus, Pane::Session);
}

#[test]
fn with_the_help_open_q_and_esc_close_it_and_pane_keys_are_dead() {
    let mut app = app();
    for close in [Key::char('q'), Key::ESC, Key::char('?')] {
        press(&mut app, Key::char('?'));
        assert!(app.help.is_some());
        press(&mut app, Key::ctrl('l'));
        press(&mut app, Key::PAGE_DOWN);
        assert_eq!(app.help.as_ref().map(|help| help.page), Some(1));
        assert_eq!(press(&mut app, close), []);
        assert_eq!(app.help, None);
    }
    assert_eq!(press(&mut app, Key::ESC), []);
    assert_eq!(press(&mut app, Key::char('q')), [Effect::Quit]);
}

#[test]
fn typing_narrows_the_help_and_fires_no_shortcut() {
    let mut app = app();
    press(&mut app, Key::char('?'));
    for char in "zoom q".chars() {
        assert_eq!(press(&mut app, Key::char(char)), []);
    }
    let help = app.help.as_ref().expect("open");
    assert_eq!((help.filter.text(), app.zoomed), ("zoom q", false));
    press(&mut app, Key::BACKSPACE);
    press(&mut app, Key::BACKSPACE);
    let help = app.help.as_ref().expect("open");
    let found = app.settings.keymap.rows().filter(|(row, keys)| help.finds(row, keys));
    assert_eq!(found.map(|(row, _)| row.action).collect::<Vec<_>>(), [Action::Zoom]);
}

#[test]
fn the_selection_stays_on_its_headset_when_the_list_changes() {
    let mut app = app();
    let list = |ids: &[&str]| {
        Event::Headsets(ids.iter().map(|id| headset(id, HeadsetStatus::Discovered)).collect())
    };
    on_event(&mut app, list(&["A-1", "B-2"]));
    app.update(Message::Action(Action::HeadsetDown));
    on_event(&mut app, list(&["C-3", "A-1", "B-2"]));
    assert_eq!(app.headsets.selected().expect("selected").id, "B-2".into());
    on_event(&mut app, list(&["C-3", "A-1"]));
    assert_eq!(app.headsets.selected().expect("selected").id, "C-3".into());
    on_event(&mut app, list(&[]));
    assert_eq!(app.headsets.selected(), None);
    app.update(Message::Action(Action::HeadsetDown));
    assert_eq!(app.update(Message::Action(Action::Open)), []);
    assert!(app.notice.as_ref().expect("said").text.contains("no headset"));
}

#[test]
fn a_headset_status_has_an_age_that_begins_when_it_changes() {
    let mut app = app();
    let id = HeadsetId::from("A-1");
    let start = app.now.instant;
    on_event(&mut app, Event::Headsets(vec![headset("A-1", HeadsetStatus::Discovered)]));
    app.now.instant += Duration::from_secs(3);
    on_event(&mut app, Event::Headsets(vec![headset("A-1", HeadsetStatus::Discovered)]));
    assert_eq!(app.headsets.since[&id], start);
    on_event(&mut app, Event::Headsets(vec![headset("A-1", HeadsetStatus::Connected)]));
    assert_eq!(app.headsets.since[&id], app.now.instant);
}

#[test]
fn enter_opens_a_headset_once_and_then_goes_to_its_session() {
    let mut app = app();
    app.focus = Pane::Headsets;
    on_event(&mut app, Event::Headsets(vec![headset("EPOCX-00000001", HeadsetStatus::Connected)]));
    let open = Effect::Command(Command::Open { headset: "EPOCX-00000001".into(), mode: None });
    assert_eq!(press(&mut app, Key::ENTER), [open]);
    on_event(&mut app, Event::Session(session("s", SessionStatus::Opened)));
    assert_eq!(press(&mut app, Key::ENTER), []);
    assert_eq!(app.focus, Pane::Streams);
    assert_eq!(app.sessions.current, Some(SessionId::from("s")));
}

#[test]
fn only_an_open_session_is_activated_and_only_a_live_one_closed() {
    let mut app = app();
    app.focus = Pane::Session;
    assert_eq!(press(&mut app, Key::char('a')), []);
    on_event(&mut app, Event::Session(session("s", SessionStatus::Opened)));
    assert_eq!(press(&mut app, Key::char('a')), [], "without a connection nobody would do it");
    app.link = Link::Up { security: Security::Plain, step: ConnectionStep::Streaming };
    let activate = Effect::Command(Command::Activate("s".into()));
    assert_eq!(press(&mut app, Key::char('a')), []);
    assert_eq!(press(&mut app, Key::char('y')), [activate]);
    on_event(&mut app, Event::Session(session("s", SessionStatus::Activated)));
    assert_eq!(press(&mut app, Key::char('a')), []);
    let close = Command::Close("s".into());
    let close = Command::Tracked { id: CommandId(1), command: Box::new(close) };
    assert_eq!(press(&mut app, Key::char('x')), [], "asks first");
    assert_eq!(press(&mut app, Key::char('y')), [Effect::Command(close)]);
    on_event(&mut app, Event::Closed { session: "s".into(), why: "by us".into(), ordered: true });
    assert_eq!(press(&mut app, Key::char('x')), []);
    assert_eq!(app.sessions.current().expect("kept").session.status, SessionStatus::Closed);
}

#[test]
fn fields_are_marked_when_they_change_but_not_when_first_seen() {
    let mut app = app();
    on_event(&mut app, Event::Session(session("s", SessionStatus::Opened)));
    assert!(app.sessions.current().expect("current").changed.is_empty());
    app.now.instant += Duration::from_secs(1);
    on_event(&mut app, Event::Session(session("s", SessionStatus::Activated)));
    let changed: Vec<_> = app.sessions.current().expect("current").changed.iter().collect();
    assert_eq!(changed, [(&SessionField::Status, &app.now.instant)]);
}

#[test]
fn an_activation_is_history_and_outdates_why_it_was_opened_without() {
    let mut app = app();
    on_event(&mut app, Event::Session(session("s", SessionStatus::Opened)));
    let why = "the licence has no scope eeg".to_owned();
    on_event(
        &mut app,
        Event::Opened { session: "s".into(), mode: SessionMode::Open, why, foreign: false },
    );
    on_event(&mut app, Event::Session(session("s", SessionStatus::Activated)));
    on_event(&mut app, Event::Session(session("s", SessionStatus::Activated)));
    let entry = app.sessions.current().expect("current");
    let past: Vec<_> = entry.history.iter().map(|(_, what)| what.as_str()).collect();
    assert_eq!(past.len(), 2, "{past:?}");
    assert!(past[1].starts_with("activated") && entry.opened.is_none(), "{past:?}");
}

#[test]
fn a_scan_has_a_beginning_and_its_end_is_told() {
    let mut app = app();
    on_event(&mut app, Event::Scan(false));
    assert_eq!(app.notice, None, "none was begun");
    on_event(&mut app, Event::Scan(true));
    assert_eq!(app.headsets.scanning, Some(app.now.instant));
    on_event(&mut app, Event::Headsets(vec![headset("a", HeadsetStatus::Discovered)]));
    on_event(&mut app, Event::Scan(false));
    assert_eq!(app.headsets.scanning, None);
    assert!(app.notice.is_some_and(|notice| notice.text == "the scan is over: 1 headset"));
}

#[test]
fn the_log_gives_its_last_notice_to_be_copied_as_often_as_asked() {
    let mut app = app();
    app.focus = Pane::Log;
    assert_eq!(press(&mut app, Key::char('y')), []);
    app.update(Message::Notice("the reason".into()));
    for _ in 0..2 {
        assert_eq!(press(&mut app, Key::char('y')), [Effect::Copy("the reason".into())]);
    }
}

#[test]
fn nothing_of_another_users_account_is_left() {
    let mut app = app();
    let user = |name: &str| {
        Event::User(Some(UserLogin { username: name.to_owned(), ..UserLogin::default() }))
    };
    on_event(&mut app, user("ana"));
    on_event(&mut app, Event::Licence(Licence::default()));
    on_event(&mut app, Event::Profiles(Vec::new()));
    on_event(&mut app, Event::Records(cortop_client::record::RecordList::default()));
    on_event(&mut app, user("ana"));
    assert!(app.licence.is_some() && app.records.stored.is_some(), "the same user's");
    // Reading ben's fails: no event follows.
    on_event(&mut app, user("ben"));
    assert!(app.licence.is_none() && app.profiles.stored.is_none());
    assert!(app.mappings.is_empty() && app.records.stored.is_none());
}

#[test]
fn what_cortex_answered_last_is_the_truth_and_old_refusals_are_not_repeated() {
    let mut app = app();
    on_event(&mut app, Event::Session(session("s", SessionStatus::Opened)));
    on_event(
        &mut app,
        Event::Subscribed {
            session: "s".into(),
            streams: vec![Stream::Mot, Stream::Met],
            theirs: Vec::new(),
            refused: vec![(Stream::Eeg, refusal(Method::Subscribe))],
        },
    );
    assert!(app.notice.as_ref().expect("said").text.contains("scope eeg"));
    // `met` is given up to come faster, and then not granted again.
    app.notice = None;
    on_event(
        &mut app,
        Event::Subscribed {
            session: "s".into(),
            streams: vec![Stream::Mot],
            theirs: Vec::new(),
            refused: vec![(Stream::Eeg, refusal(Method::Subscribe))],
        },
    );
    assert_eq!(app.notice, None, "that was said before");
    let entry = app.sessions.current().expect("current");
    assert_eq!(entry.subscribed, [Stream::Mot]);
    assert_eq!(entry.refused.iter().map(|(stream, _)| *stream).collect::<Vec<_>>(), [Stream::Eeg]);
}

#[test]
fn ended_sessions_are_kept_for_reading_but_not_for_ever() {
    let mut app = app();
    for number in 0..50 {
        let id = format!("s{number}");
        on_event(&mut app, Event::Session(session(&id, SessionStatus::Opened)));
        on_event(
            &mut app,
            Event::Closed { session: id.as_str().into(), why: "by us".into(), ordered: false },
        );
    }
    assert_eq!(app.sessions.list.len(), 16);
    assert!(app.sessions.get(&"s49".into()).is_some());
    on_event(&mut app, Event::Session(session("live", SessionStatus::Opened)));
    assert_eq!(
        app.sessions.current,
        Some("live".into()),
        "a live session takes the place of an ended one"
    );
}

#[test]
fn a_lost_link_forgets_the_headsets_but_not_which_was_selected() {
    let mut app = app();
    on_event(
        &mut app,
        Event::Link(Link::Up { security: Security::Plain, step: ConnectionStep::Streaming }),
    );
    on_event(&mut app, Event::Headsets(vec![headset("A-1", HeadsetStatus::Connected)]));
    let waiting = Link::Waiting {
        error: Error::new(ErrorKind::Unreachable, "refused", ""),
        at: app.now.instant,
        attempt: 1,
    };
    on_event(&mut app, Event::Link(waiting));
    assert!(app.headsets.list.is_empty() && !app.headsets.known);
    assert_eq!(app.headsets.selected, Some("A-1".into()));
}

#[test]
fn while_a_connection_is_waited_for_a_key_tries_at_once() {
    let mut app = app();
    let waiting = Link::Waiting {
        error: Error::new(ErrorKind::Unreachable, "refused", ""),
        at: app.now.instant + Duration::from_secs(27),
        attempt: 9,
    };
    on_event(&mut app, Event::Link(waiting));
    let now = [Effect::Command(Command::Connect)];
    assert_eq!(press(&mut app, Key::char('C')), now);
    app.focus = Pane::Headsets;
    assert_eq!(press(&mut app, Key::ENTER), now);
    assert_eq!(press(&mut app, Key::char('r')), now);
}

#[test]
fn without_activations_left_a_form_offers_to_move_some_and_says_what_that_costs() {
    let mut app = app();
    on_event(
        &mut app,
        Event::Link(Link::Up { security: Security::Plain, step: ConnectionStep::Streaming }),
    );
    on_event(&mut app, Event::Session(session("s", SessionStatus::Opened)));
    let licence = Licence { local_quota: Some(0.0), ..Licence::default() };
    on_event(&mut app, Event::Licence(licence));
    app.focus = Pane::Session;
    assert_eq!(press(&mut app, Key::char('a')), []);
    let Some(dialog::Dialog::Form(form)) = &app.dialog else { panic!("{:?}", app.dialog) };
    let notes = form.notes.concat();
    for word in ["No activation is left", "moves N activations from the licence", "uses one of"] {
        assert!(notes.contains(word), "{notes}");
    }
    assert!(notes.contains("no scope eeg"), "{notes}");
    for wrong in "0x".chars() {
        press(&mut app, Key::char(wrong));
        assert_eq!(press(&mut app, Key::ENTER), [], "nothing is moved");
        press(&mut app, Key::BACKSPACE);
    }
    press(&mut app, Key::char('3'));
    let effects = press(&mut app, Key::ENTER);
    let [Effect::Command(Command::Tracked { id, command })] = &effects[..] else {
        panic!("{effects:?}")
    };
    assert_eq!(**command, Command::Debit { session: "s".into(), activations: 3 });
    // Refused, the form comes back with the reason; nothing is asked again by itself.
    let outcome = Err(refusal(Method::Authorize));
    assert_eq!(app.update(Message::Cortex(Event::Outcome { command: *id, outcome })), []);
    let Some(dialog::Dialog::Form(form)) = &app.dialog else { panic!("{:?}", app.dialog) };
    assert!(form.complaint.is_some());
    assert_eq!(form.fields[0].filled(), "3");
}

#[test]
fn enter_works_where_the_focus_is_put() {
    let up = |step| Event::Link(Link::Up { security: Security::Plain, step });
    let mut app = app();
    assert_eq!(press(&mut app, Key::ENTER), []);
    assert_eq!(app.notice, None, "a key without a use is only in the log");
    on_event(&mut app, up(ConnectionStep::Choosing));
    assert_eq!(app.focus, Pane::Headsets);
    assert_eq!(press(&mut app, Key::ENTER), []);
    assert_eq!(app.notice.take().expect("said").text, "no headset is selected");
    on_event(&mut app, Event::Headsets(vec![headset("A-1", HeadsetStatus::Connected)]));
    let open = Effect::Command(Command::Open { headset: "A-1".into(), mode: None });
    assert_eq!(press(&mut app, Key::ENTER), std::slice::from_ref(&open));
    assert_eq!(app.notice.take().expect("said").text, "opening A-1");
    on_event(&mut app, up(ConnectionStep::Approval));
    assert_eq!(press(&mut app, Key::ENTER), [open]);
    assert!(app.notice.take().expect("said").text.contains("when cortop is signed in"));

    // Somebody at work elsewhere is left there.
    app.focus = Pane::Session;
    on_event(&mut app, up(ConnectionStep::Choosing));
    assert_eq!(app.focus, Pane::Session);
}

#[test]
fn a_refusal_stands_in_the_way_only_while_the_flow_is_stopped() {
    let mut app = app();
    on_event(&mut app, Event::Refused(refusal(Method::Authorize)));
    assert_eq!(app.stopped_by(), None);
    on_event(
        &mut app,
        Event::Link(Link::Up { security: Security::Plain, step: ConnectionStep::Stopped }),
    );
    assert_eq!(app.stopped_by().map(|refusal| refusal.method), Some(Some(Method::Authorize)));
    on_event(
        &mut app,
        Event::Link(Link::Up { security: Security::Plain, step: ConnectionStep::Authorizing }),
    );
    assert_eq!(app.stopped_by(), None);
}

#[test]
fn a_passing_refusal_is_said_and_forgotten_and_never_hides_the_one_that_stands_in_the_way() {
    let mut app = app();
    let up = |step| Event::Link(Link::Up { security: Security::Plain, step });
    on_event(&mut app, up(ConnectionStep::Streaming));
    on_event(&mut app, Event::Refused(refusal(Method::ControlDevice)));
    on_event(&mut app, up(ConnectionStep::Searching));
    on_event(&mut app, up(ConnectionStep::Stopped));
    assert_eq!(app.stopped_by(), None, "a refusal from before is not the reason");
    on_event(&mut app, up(ConnectionStep::Authorizing));
    on_event(&mut app, Event::Refused(refusal(Method::Authorize)));
    on_event(&mut app, up(ConnectionStep::Stopped));
    on_event(&mut app, Event::Refused(refusal(Method::ControlDevice)));
    assert_eq!(app.stopped_by().map(|refusal| refusal.method), Some(Some(Method::Authorize)));
    let waiting = Link::Waiting {
        error: Error::new(ErrorKind::Unreachable, "gone", ""),
        at: app.now.instant,
        attempt: 1,
    };
    on_event(&mut app, Event::Link(waiting));
    assert_eq!(app.stopped_by(), None);
}

#[test]
fn a_session_that_cortex_brings_back_lives_again() {
    let mut app = app();
    on_event(&mut app, Event::Session(session("s", SessionStatus::Activated)));
    on_event(
        &mut app,
        Event::Closed { session: "s".into(), why: "by Cortex".into(), ordered: false },
    );
    on_event(&mut app, Event::Session(session("s", SessionStatus::Closed)));
    assert_eq!(app.sessions.live().count(), 0);
    on_event(&mut app, Event::Session(session("s", SessionStatus::Activated)));
    assert_eq!(app.sessions.live().count(), 1);
}

#[test]
fn there_is_nothing_to_freeze_before_the_first_sample_and_a_freeze_ends_with_its_session() {
    let mut app = app();
    press(&mut app, Key::SPACE);
    assert!(app.streams.frozen.is_none() && app.notice.is_some());
    on_event(&mut app, Event::Session(session("s", SessionStatus::Opened)));
    let mut first = (*snapshot(5000, 5000, ViewEnd::Live)).clone();
    first.view.headset = Some("EPOCX-00000001".into());
    app.update(Message::Snapshot(Arc::new(first)));
    press(&mut app, Key::SPACE);
    assert!(app.streams.frozen.is_some());
    on_event(&mut app, Event::Closed { session: "s".into(), why: "lost".into(), ordered: false });
    on_event(&mut app, Event::Session(session("t", SessionStatus::Opened)));
    assert_eq!(app.sessions.current, Some("t".into()));
    assert_eq!(app.streams.end(), ViewEnd::At(5000), "the headset has come back");
    let other = headset("INSIGHT2-00000002", HeadsetStatus::Connected);
    let other = Session { headset: other, ..session("u", SessionStatus::Opened) };
    on_event(&mut app, Event::Closed { session: "t".into(), why: "lost".into(), ordered: false });
    on_event(&mut app, Event::Session(other));
    assert_eq!(app.sessions.current, Some("t".into()), "another one does not take its place");
    app.update(Message::Action(Action::NextSession));
    assert_eq!(app.sessions.current, Some("u".into()));
    assert!(app.streams.frozen.is_none(), "it was another headset's picture");
}

#[test]
fn keys_typed_ahead_of_the_picture_they_mean_wait_for_it() {
    let mut app = app();
    let of = |stream, end, newest, view_end| {
        let mut snapshot = (*snapshot(end, newest, view_end)).clone();
        snapshot.view.stream = stream;
        snapshot.traces = snapshot.traces.filter(|_| stream == Stream::Eeg);
        Message::Snapshot(Arc::new(snapshot))
    };
    app.update(of(Stream::Eeg, 5000, 5000, ViewEnd::Live));
    press(&mut app, Key::char('c'));
    app.update(of(Stream::Dev, 0, 0, ViewEnd::Live));
    // Back to the traces, and frozen before they are there.
    press(&mut app, Key::char('c'));
    press(&mut app, Key::SPACE);
    press(&mut app, Key::PAGE_UP);
    assert_eq!(app.streams.end(), ViewEnd::Live);
    app.update(of(Stream::Dev, 0, 0, ViewEnd::Live));
    assert!(app.streams.frozen.is_none(), "one more of the view before");
    app.update(of(Stream::Eeg, 6000, 6000, ViewEnd::Live));
    assert_eq!(app.streams.end(), ViewEnd::At(6000 - 640));
    // Half a window twice, though the first has not been answered.
    press(&mut app, Key::PAGE_UP);
    assert_eq!(app.streams.end(), ViewEnd::At(6000 - 1280));
    // A window that has not been answered either: a fifth as long.
    press(&mut app, Key::char('['));
    press(&mut app, Key::char('['));
    press(&mut app, Key::PAGE_UP);
    assert_eq!(app.streams.end(), ViewEnd::At(6000 - 1280 - 128));
    press(&mut app, Key::LEFT);
    let [cursor, _] = app.streams.cursors();
    assert!((4592 - 256..4592).contains(&cursor.expect("a cursor")), "{cursor:?}");
    app.update(of(Stream::Eeg, 4592, 6500, ViewEnd::At(4592)));
    // Live again and frozen at once: at the newest sample, not where it was.
    press(&mut app, Key::END);
    press(&mut app, Key::SPACE);
    assert_eq!(app.streams.end(), ViewEnd::Live);
    app.update(of(Stream::Eeg, 7000, 7000, ViewEnd::Live));
    assert_eq!(app.streams.end(), ViewEnd::At(7000));
    app.update(of(Stream::Eeg, 7000, 7100, ViewEnd::At(7000)));
    // Who goes on to another view no longer means the one left behind.
    press(&mut app, Key::END);
    press(&mut app, Key::SPACE);
    press(&mut app, Key::char('c'));
    app.update(of(Stream::Dev, 0, 0, ViewEnd::Live));
    assert!(app.streams.frozen.is_none());
    press(&mut app, Key::char('c'));
    (0..1000).for_each(|_| drop(press(&mut app, Key::DOWN)));
    assert!(app.notice.is_some(), "no end of keys, and that is said");
}

#[test]
fn a_gap_longer_than_a_window_is_crossed_in_one_step() {
    let mut app = app();
    let now = app.now.instant;
    let of = |end, view_end| {
        let mut snapshot = (*snapshot(end, 90_000, view_end)).clone();
        let traces = snapshot.traces.as_mut().expect("traces");
        traces.oldest = 0;
        traces.gaps = vec![Gap { samples: 3000..80_000, from: now, to: now, discontinuity: None }];
        Message::Snapshot(Arc::new(snapshot))
    };
    app.update(of(90_000, ViewEnd::Live));
    let mut ends = Vec::new();
    for key in [Key::PAGE_UP; 20] {
        press(&mut app, key);
        if let ViewEnd::At(end) = app.streams.end() {
            app.update(of(end, ViewEnd::At(end)));
            ends.push(end);
        }
    }
    let crossed = ends.windows(2).find(|ends| ends[0] - ends[1] > 640).expect("crossed");
    assert_eq!(crossed, [80_400, 3640], "what came before it is seen at once");
    for _ in 0..20 {
        press(&mut app, Key::PAGE_DOWN);
        if let ViewEnd::At(end) = app.streams.end() {
            app.update(of(end, ViewEnd::At(end)));
            ends.push(end);
        }
    }
    assert!(ends.contains(&80_640), "and so is what came after it: {ends:?}");
}

#[test]
fn a_frozen_picture_stays_while_data_flow_on() {
    let mut app = app();
    app.update(Message::Snapshot(snapshot(5000, 5000, ViewEnd::Live)));
    press(&mut app, Key::SPACE);
    app.update(Message::Snapshot(snapshot(5100, 5100, ViewEnd::Live)));
    assert_eq!(app.traces().expect("traces").end, 5000);
    assert_eq!(app.streams.end(), ViewEnd::At(5000));
    press(&mut app, Key::SPACE);
    assert_eq!(app.traces().expect("traces").end, 5100);
}

#[test]
fn the_history_is_travelled_by_half_windows_between_its_ends() {
    let mut app = app();
    app.update(Message::Snapshot(snapshot(5000, 5000, ViewEnd::Live)));
    press(&mut app, Key::PAGE_DOWN);
    assert_eq!(app.streams.end(), ViewEnd::Live, "there is nothing after now");
    press(&mut app, Key::PAGE_UP);
    assert_eq!(app.streams.end(), ViewEnd::At(5000 - 640));
    app.update(Message::Snapshot(snapshot(4360, 5100, ViewEnd::At(4360))));
    press(&mut app, Key::HOME);
    assert_eq!(
        app.streams.end(),
        ViewEnd::At(5100 - 2560 + 1280),
        "one full window from the oldest"
    );
    app.update(Message::Snapshot(snapshot(3820, 5200, ViewEnd::At(3820))));
    press(&mut app, Key::END);
    assert_eq!(app.streams.end(), ViewEnd::Live);
}

#[test]
fn amplitude_window_and_views_step_between_their_ends() {
    let mut app = app();
    press(&mut app, Key::char('='));
    assert!(app.streams.auto);
    for _ in 0..20 {
        press(&mut app, Key::char('+'));
        press(&mut app, Key::char(']'));
    }
    assert!(!app.streams.auto, "a step of the amplitude leaves the automatic scale");
    assert_eq!((app.streams.amplitude(), app.streams.window()), (10.0, 60.0));
    for _ in 0..20 {
        press(&mut app, Key::char('-'));
        press(&mut app, Key::char('['));
    }
    assert_eq!((app.streams.amplitude(), app.streams.window()), (1000.0, 2.0));
    press(&mut app, Key::char('V'));
    assert_eq!(app.streams.shown, &INSPECTOR);
    press(&mut app, Key::char('v'));
    assert_eq!(app.streams.shown, &StreamView::ALL);
    press(&mut app, Key::char('c'));
    assert_eq!(app.streams.shown, &CONTACT);
    press(&mut app, Key::char('c'));
    assert_eq!(app.streams.shown, &StreamView::ALL);
    for key in ['c', 'i', 'i', 'c', 'i'] {
        press(&mut app, Key::char(key));
    }
    assert_eq!(app.streams.shown, &INSPECTOR);
    press(&mut app, Key::char('i'));
    assert_eq!(app.streams.shown, &StreamView::ALL, "never caught between two views");
}

#[test]
fn the_inspector_goes_through_streams_and_to_the_end_of_a_message_but_not_beyond() {
    let mut app = app();
    let subscription = Arc::new(Subscription {
        session: "s".into(),
        headset: "h".into(),
        stream: Stream::Mot,
        columns: Columns::default(),
        nominal_rate: None,
    });
    let values = vec!["1"; 40].join(",");
    let text = format!(r#"{{"mot":[{values}],"sid":"s","time":1.0}}"#).into();
    let message = Arc::new(Sample::new(subscription, text, Instant::now().into_std()));
    let mut snapshot = Snapshot { messages: vec![message], ..Snapshot::default() };
    (snapshot.view.inspect, snapshot.view.stream) = (true, Stream::Sys);
    app.update(Message::Snapshot(Arc::new(snapshot)));
    press(&mut app, Key::char('i'));
    press(&mut app, Key::PAGE_DOWN);
    assert_eq!((app.streams.inspected, app.streams.first_line), (Stream::Eeg, 0), "no message");
    press(&mut app, Key::char('j'));
    press(&mut app, Key::PAGE_DOWN);
    assert_eq!((app.streams.inspected, app.streams.first_line), (Stream::Mot, 10));
    press(&mut app, Key::END);
    press(&mut app, Key::PAGE_DOWN);
    assert_eq!(app.streams.first_line, 42, "the last of 43 lines");
    press(&mut app, Key::HOME);
    assert_eq!(app.streams.first_line, 0);
    for _ in 0..20 {
        press(&mut app, Key::DOWN);
    }
    assert_eq!(app.streams.inspected, Stream::Sys);
    press(&mut app, Key::char('v'));
    press(&mut app, Key::END);
    assert_eq!(app.streams.first_line, 0, "elsewhere these keys mean the history");
}

#[test]
fn each_filter_goes_round_on_its_own_key() {
    let mut app = app();
    assert_eq!(app.streams.filters(), Filters::default());
    for (key, steps) in [('f', 5), ('F', 3), ('n', 3)] {
        let mut seen = Vec::new();
        for _ in 0..steps {
            press(&mut app, Key::char(key));
            let Filters { high_pass, low_pass, notch } = app.streams.filters();
            assert!(!seen.contains(&(high_pass, low_pass, notch)));
            seen.push((high_pass, low_pass, notch));
        }
        assert_eq!(app.streams.filters(), Filters::default());
    }
    press(&mut app, Key::char('f'));
    assert_eq!(app.streams.filters(), Filters { high_pass: Some(1.0), ..Filters::default() });
    press(&mut app, Key::char('r'));
    assert_eq!(app.streams.reference, Reference::CommonAverage);
    press(&mut app, Key::char('r'));
    assert_eq!(app.streams.reference, Reference::AsRecorded);
}

#[test]
fn the_keys_of_the_spectrum_walk_through_its_ends_scales_and_channels() {
    let mut app = app();
    app.streams.shown = &SPECTRUM;
    let ends: Vec<String> = (0..3)
        .map(|_| {
            let end = app.streams.spectrum_end();
            press(&mut app, Key::char('u'));
            end.to_string()
        })
        .collect();
    assert_eq!(ends, ["70", "inf", "45"]);
    press(&mut app, Key::char('D'));
    assert!(app.streams.linear);
    press(&mut app, Key::char('D'));
    assert!(!app.streams.linear);
    for channels in [SpectrumChannels::Rows, SpectrumChannels::Overlaid, SpectrumChannels::Selected]
    {
        press(&mut app, Key::char('a'));
        assert_eq!(app.streams.spectrum_channels, channels);
    }
}

#[test]
fn the_key_of_a_view_goes_there_and_back() {
    let mut app = app();
    for (key, view) in [('c', &CONTACT), ('p', &SPECTRUM), ('g', &SPECTROGRAM)] {
        app.streams.shown = &MOT;
        press(&mut app, Key::char(key));
        assert_eq!(app.streams.shown, view);
        press(&mut app, Key::char(key));
        assert_eq!(app.streams.shown, &MOT);
    }
    app.streams.shown = &StreamView::ALL;
    // From one of them to another and back: never stuck between the two.
    for key in ['p', 'g', 'p', 'p'] {
        press(&mut app, Key::char(key));
    }
    assert_eq!(app.streams.shown, &SPECTROGRAM);
    press(&mut app, Key::char('g'));
    assert_eq!(app.streams.shown, &StreamView::ALL);
}

#[test]
fn a_frozen_picture_of_eeg_stays_from_view_to_view_of_eeg_and_no_further() {
    let mut app = app();
    app.update(Message::Snapshot(snapshot(5000, 5000, ViewEnd::Live)));
    press(&mut app, Key::SPACE);
    press(&mut app, Key::DOWN);
    let selected = app.streams.selected;
    for key in ['p', 'g', 'g', 'p'] {
        press(&mut app, Key::char(key));
        assert_eq!((app.streams.end(), app.streams.selected), (ViewEnd::At(5000), selected));
    }
    press(&mut app, Key::char('c'));
    assert_eq!((app.streams.end(), app.streams.selected), (ViewEnd::Live, 0));
}

#[test]
fn a_session_says_in_which_mode_it_was_opened_and_why() {
    let mut app = app();
    let why = "the licence has no scope eeg".to_owned();
    on_event(&mut app, Event::Session(session("s", SessionStatus::Opened)));
    on_event(
        &mut app,
        Event::Opened {
            session: "s".into(),
            mode: SessionMode::Open,
            why: why.clone(),
            foreign: false,
        },
    );
    assert_eq!(app.sessions.current().expect("current").opened, Some((SessionMode::Open, why)));
}

#[test]
fn numbers_stand_half_a_second_and_then_the_last_ones_are_shown() {
    let mut app = app();
    let start = app.now;
    let at = |ms: u64| Moment { instant: start.instant + Duration::from_millis(ms), ..start };
    let received = |app: &App| app.latest().health.first().map(|health| health.received);
    let send = |app: &mut App, ms: u64, received: u64, stale: bool| {
        app.update(Message::Tick(at(ms)));
        let stale_since = stale.then_some(start.instant);
        let health = vec![StreamHealth { received, stale_since, ..health() }];
        app.update(Message::Snapshot(Arc::new(Snapshot { health, ..Snapshot::default() })));
    };
    send(&mut app, 1000, 1, false);
    send(&mut app, 1100, 2, false);
    assert_eq!(received(&app), Some(1));
    app.update(Message::Tick(at(1600)));
    assert_eq!(received(&app), Some(2), "though nothing came after it");
    send(&mut app, 1700, 3, false);
    send(&mut app, 1800, 4, true);
    assert_eq!(received(&app), Some(4), "bad news do not wait");
}

#[test]
fn the_overview_is_opened_to_be_sorted() {
    let mut app = app();
    app.focus = Pane::Headsets;
    press(&mut app, Key::char('s'));
    assert!(app.notice.take().expect("said").text.contains("with o"));
    press(&mut app, Key::char('o'));
    press(&mut app, Key::char('s'));
    assert_eq!((app.headsets.sort, app.notice.clone()), (Sort::State, None));
    press(&mut app, Key::TAB);
    assert!(!app.shows_overview(), "the other panes are seen as ever");
}

#[test]
fn several_headsets_of_which_none_was_chosen_are_compared_at_once() {
    let choosing =
        || Event::Link(Link::Up { security: Security::Plain, step: ConnectionStep::Choosing });
    for (count, compared) in [(1, false), (2, true), (3, true)] {
        let mut app = app();
        let list = (0..count).map(|at| headset(&format!("A-{at}"), HeadsetStatus::Discovered));
        let list = Event::Headsets(list.collect());
        // In either order.
        let events = if count == 3 { [choosing(), list] } else { [list, choosing()] };
        for event in events {
            on_event(&mut app, event);
        }
        assert_eq!((app.focus, app.shows_overview()), (Pane::Headsets, compared));
    }
}

#[test]
fn the_cursor_walks_within_a_frozen_window_and_the_second_stays_where_it_was_set() {
    let mut app = app();
    app.update(Message::Snapshot(snapshot(5000, 5000, ViewEnd::Live)));
    press(&mut app, Key::LEFT);
    assert_eq!(app.streams.cursors(), [None, None]);
    assert!(app.notice.is_some(), "a moving picture has no cursor, and that is said");
    press(&mut app, Key::SPACE);
    press(&mut app, Key::LEFT);
    let [first, _] = app.streams.cursors();
    let first = first.expect("in the middle");
    press(&mut app, Key::char('d'));
    press(&mut app, Key::char('l'));
    assert_eq!(app.streams.cursors(), [Some(first + 1), Some(first)]);
    press(&mut app, Key::char('h'));
    press(&mut app, Key::LEFT);
    let [left, second] = app.streams.cursors();
    assert!(left < Some(first) && second == Some(first));
    for _ in 0..2000 {
        press(&mut app, Key::RIGHT);
    }
    assert_eq!(app.streams.cursors(), [Some(4999), Some(first)]);
    press(&mut app, Key::char('d'));
    assert_eq!(app.streams.cursors(), [Some(4999), None]);
    press(&mut app, Key::SPACE);
    assert_eq!(app.streams.cursors(), [None, None]);
}

#[test]
fn copying_a_value_says_only_what_is_missing() {
    let mut app = app();
    app.update(Message::Snapshot(snapshot(5000, 5000, ViewEnd::Live)));
    let said = |app: &mut App| app.notice.take().map(|notice| notice.text).unwrap_or_default();
    press(&mut app, Key::char('y'));
    let text = said(&mut app);
    assert!(text.contains("freeze the picture") && text.contains("set the cursor"), "{text}");
    press(&mut app, Key::SPACE);
    app.update(Message::Snapshot(snapshot(5000, 5000, ViewEnd::At(5000))));
    press(&mut app, Key::char('y'));
    let text = said(&mut app);
    assert!(!text.contains("freeze") && text.contains("set the cursor"), "{text}");
}

#[test]
fn channels_are_hidden_alone_moved_and_put_back_and_the_selection_goes_along() {
    let mut app = app();
    let mut first = (*snapshot(5000, 5000, ViewEnd::Live)).clone();
    first.traces.as_mut().expect("traces").channels_in_all = 4;
    app.update(Message::Snapshot(Arc::new(first)));
    let mut after = |keys: &str| {
        for key in keys.chars() {
            press(&mut app, Key::char(key));
        }
        let shown = app.streams.channels(Stream::Eeg).shown(4);
        let selected = shown[app.streams.selected];
        (shown, selected)
    };
    assert_eq!(after("jH"), (vec![0, 2, 3], 2));
    assert_eq!(after("K"), (vec![2, 0, 3], 2));
    assert_eq!(after("o"), (vec![2], 2));
    assert_eq!(after("H"), (vec![2], 2), "the only one stays");
    assert_eq!(after("oJJJ"), (vec![0, 3, 2], 2));
    assert_eq!(after("jjj"), (vec![0, 3, 2], 2));
    assert_eq!(after("<0"), (vec![0, 1, 2, 3], 2));
    assert!(!app.streams.channels(Stream::Eeg).has_own_scales());
}

#[test]
fn keys_that_can_move_nothing_say_so() {
    let mut app = app();
    let mut first = (*snapshot(5000, 5000, ViewEnd::Live)).clone();
    first.traces.as_mut().expect("traces").channels_in_all = 3;
    app.update(Message::Snapshot(Arc::new(first)));
    let said = |app: &mut App, key| {
        app.notice = None;
        press(app, key);
        app.notice.as_ref().map_or(String::new(), |notice| notice.text.clone())
    };
    for key in [Key::END, Key::PAGE_DOWN] {
        assert!(said(&mut app, key).contains("the picture is live"), "{key}");
    }
    assert!(said(&mut app, Key::char('K')).contains("the first channel"));
    assert_eq!(said(&mut app, Key::char('J')), "");
    said(&mut app, Key::char('J'));
    assert!(said(&mut app, Key::char('J')).contains("the last channel"));
    assert_eq!(said(&mut app, Key::HOME), "");
    app.update(Message::Snapshot(snapshot(3720, 5000, ViewEnd::At(3720))));
    assert!(said(&mut app, Key::HOME).contains("the start of the history"));
    assert_eq!(said(&mut app, Key::PAGE_UP), "");
    app.update(Message::Snapshot(snapshot(3080, 5000, ViewEnd::At(3080))));
    assert!(said(&mut app, Key::PAGE_UP).contains("the start of the history"));
    assert_eq!(app.streams.end(), ViewEnd::At(3080));
    assert_eq!(said(&mut app, Key::END), "");
    press(&mut app, Key::char('4'));
    assert!(said(&mut app, Key::END).contains("newest line"));
    press(&mut app, Key::char('2'));
    assert!(said(&mut app, Key::char('h')).contains("no session"));
}

#[test]
fn a_headset_told_twice_is_one_row_that_keys_go_past() {
    let mut app = App::new(AppSettings::default(), Moment::now());
    let headset = |id: &str| Headset { id: id.into(), ..Headset::default() };
    let told = ["a", "a", "b"].map(headset).to_vec();
    app.update(Message::Cortex(Event::Headsets(told)));
    assert_eq!(app.headsets.list.len(), 2);
    app.focus = Pane::Headsets;
    app.update(Message::Key(Key::DOWN));
    assert_eq!(app.headsets.selected, Some("b".into()));
}

#[test]
fn the_reason_why_one_headset_has_stopped_outlives_what_the_other_one_does() {
    let mut app = app();
    let up = |step| Event::Link(Link::Up { security: Security::Plain, step });
    let stop = |app: &mut App, id: &str, method: Method| {
        on_event(app, Event::Refused(refusal(method)));
        let (headset, refusal) = (id.into(), Some(refusal(method)));
        on_event(app, Event::Stopped { headset, refusal });
    };
    let method = |app: &App| app.stopped_by().and_then(|refusal| refusal.method);
    let both = ["A-1", "B-2"].map(|id| headset(id, HeadsetStatus::Connected));
    on_event(&mut app, Event::Headsets(both.to_vec()));
    on_event(&mut app, up(ConnectionStep::Opening("A-1".into())));
    stop(&mut app, "A-1", Method::CreateSession);
    on_event(&mut app, up(ConnectionStep::Stopped));
    for step in [ConnectionStep::Opening("B-2".into()), ConnectionStep::Streaming] {
        on_event(&mut app, up(step));
        assert_eq!(method(&app), None, "B-2 goes on");
        assert!(app.stopped_on(&"A-1".into()).is_some());
    }
    on_event(&mut app, up(ConnectionStep::Stopped));
    assert_eq!(method(&app), Some(Method::CreateSession));
    // Each has its own.
    stop(&mut app, "B-2", Method::ControlDevice);
    for (selected, own) in [("A-1", Method::CreateSession), ("B-2", Method::ControlDevice)] {
        app.headsets.selected = Some(selected.into());
        assert_eq!(method(&app), Some(own));
    }
    on_event(&mut app, Event::Stopped { headset: "B-2".into(), refusal: None });
    assert_eq!(method(&app), Some(Method::CreateSession));
    on_event(&mut app, Event::Link(Link::Connecting));
    assert_eq!(app.stopped_on(&"A-1".into()), None);
}

#[test]
fn a_session_that_is_being_closed_is_opened_again_with_enter_and_closed_once() {
    let mut app = app();
    on_event(
        &mut app,
        Event::Link(Link::Up { security: Security::Plain, step: ConnectionStep::Streaming }),
    );
    on_event(&mut app, Event::Headsets(vec![headset("EPOCX-00000001", HeadsetStatus::Connected)]));
    on_event(&mut app, Event::Session(session("s", SessionStatus::Opened)));
    app.focus = Pane::Session;
    press(&mut app, Key::char('x'));
    let effects = press(&mut app, Key::char('y'));
    let [Effect::Command(Command::Tracked { id, command })] = &effects[..] else {
        panic!("{effects:?}")
    };
    assert_eq!(**command, Command::Close("s".into()));
    assert_eq!(press(&mut app, Key::char('x')), []);
    assert_eq!(app.dialog, None);
    assert!(app.notice.take().expect("said").text.contains("being closed"));
    app.focus = Pane::Headsets;
    let open = Command::Open { headset: "EPOCX-00000001".into(), mode: None };
    assert_eq!(press(&mut app, Key::ENTER), [Effect::Command(open)]);
    let notice = app.notice.take().expect("said").text;
    assert!(notice.contains("opened again once its session is closed"), "{notice}");
    // A close that was refused leaves the session as it was.
    let outcome = Err(refusal(Method::UpdateSession));
    on_event(&mut app, Event::Outcome { command: *id, outcome });
    assert_eq!(press(&mut app, Key::ENTER), []);
    assert_eq!(app.focus, Pane::Streams);
}

#[test]
fn an_opening_is_called_off_with_a_key_and_a_session_is_not() {
    let mut app = app();
    let id = HeadsetId::from("EPOCX-00000001");
    let up = |step| Event::Link(Link::Up { security: Security::Plain, step });
    on_event(&mut app, up(ConnectionStep::Opening(id.clone())));
    on_event(&mut app, Event::Headsets(vec![headset(id.as_str(), HeadsetStatus::Connected)]));
    app.focus = Pane::Headsets;
    let call_off = Effect::Command(Command::CallOff(id));
    assert_eq!(press(&mut app, Key::char('x')), [call_off]);
    assert!(app.notice.take().expect("said").text.contains("opens no session on EPOCX-00000001"));
    assert_eq!(app.called_off.as_ref().map(HeadsetId::as_str), Some("EPOCX-00000001"));
    press(&mut app, Key::ENTER);
    assert_eq!(app.called_off, None, "opened again");
    on_event(&mut app, Event::Session(session("s", SessionStatus::Opened)));
    assert_eq!(press(&mut app, Key::char('x')), []);
    assert!(app.notice.take().expect("said").text.contains("x in pane 2 closes it"));
}

#[test]
fn a_click_focuses_and_selects_and_the_wheel_scrolls() {
    let mut app = app();
    let list = ["A-1", "B-2"].map(|id| headset(id, HeadsetStatus::Discovered));
    on_event(&mut app, Event::Headsets(list.to_vec()));
    let headset = MouseTarget::Headset("B-2".into());
    assert_eq!(app.update(Message::Mouse(headset, MouseInput::Click)), []);
    assert_eq!((app.focus, app.headsets.selected.clone()), (Pane::Headsets, Some("B-2".into())));
    app.update(Message::Mouse(MouseTarget::Pane(Pane::Headsets), MouseInput::WheelUp));
    assert_eq!(app.headsets.selected, Some("A-1".into()));
    let quit = MouseTarget::Footer(Action::Quit);
    assert_eq!(app.update(Message::Mouse(quit.clone(), MouseInput::WheelUp)), []);
    press(&mut app, Key::char('?'));
    assert_eq!(app.update(Message::Mouse(quit.clone(), MouseInput::Click)), []);
    press(&mut app, Key::ESC);
    assert_eq!(app.update(Message::Mouse(quit, MouseInput::Click)), [Effect::Quit]);
    assert_eq!(app.update(Message::Action(Action::Mouse)), [Effect::Mouse(true)]);
    assert_eq!(app.update(Message::Action(Action::Mouse)), [Effect::Mouse(false)]);
}

#[test]
fn a_reading_of_the_configuration_holds_as_a_whole_or_changes_nothing() {
    let mut app = App::new(
        AppSettings {
            themes: ["auto", "ansi", "mono"].map(str::to_owned).to_vec(),
            ..AppSettings::default()
        },
        Moment::now(),
    );
    assert_eq!(app.update(Message::Action(Action::Reload)), [Effect::Reload]);
    app.theme = 2;
    let broken = "config.toml: line 2, loss must be a percentage".to_owned();
    assert_eq!(app.update(Message::Reloaded(Err(broken))), []);
    assert_eq!((app.theme, app.mouse), (2, false));
    let said = app.notice.as_ref().expect("said");
    assert!(said.text.contains("line 2") && said.severity == Severity::Problem);

    let keys = [("global.zoom".to_owned(), vec!["Z".to_owned()])];
    let keymap = Keymap::default().rebind(&keys.into()).expect("valid");
    let reloaded = |theme: Option<&str>, themes: &[&str], mouse| {
        Message::Reloaded(Ok(Box::new(ReloadedSettings {
            keymap: keymap.clone(),
            markers: vec!["rest".to_owned()],
            alerts: AlertSettings { loss: None, ..AlertSettings::default() },
            fps: 20,
            themes: themes.iter().map(ToString::to_string).collect(),
            theme: theme.map(str::to_owned),
            mouse,
            report: vec!["fps changed".to_owned(), "there is no setting \"x\"".to_owned()],
        })))
    };
    // The theme shown stays, wherever it stands now.
    let shown = ["auto", "mono", "mine"];
    assert_eq!(app.update(reloaded(None, &shown, Some(true))), [Effect::Mouse(true)]);
    assert_eq!(app.settings.themes[app.theme], "mono");
    assert!(app.notice.as_ref().expect("said").text.contains("fps changed · there is no"));
    assert_eq!((app.settings.fps, app.settings.alerts.loss), (20, None));
    app.update(Message::Key(Key::char('Z')));
    assert!(app.zoomed);
    assert_eq!(app.update(reloaded(Some("mine"), &shown, Some(true))), []);
    assert_eq!(app.settings.themes[app.theme], "mine");
    // One that is gone.
    app.update(reloaded(None, &["auto", "ansi"], None));
    assert_eq!((app.settings.themes[app.theme].as_str(), app.mouse), ("auto", true));
}

#[test]
fn lsl_serves_the_headset_shown_and_its_clock_is_kept_measured() {
    let mut app = app();
    assert_eq!(press(&mut app, Key::char('L')), [], "there is no headset");
    app.link = Link::Up { security: Security::Plain, step: ConnectionStep::Streaming };
    on_event(&mut app, Event::Session(session("s", SessionStatus::Activated)));
    let id: HeadsetId = "EPOCX-00000001".into();
    let measure = |always| {
        let command = HeadsetCommand::MeasureClock(id.clone(), always);
        Effect::Command(Command::Headset(command))
    };
    let on = [Effect::Lsl(Some(id.clone())), measure(true)];
    assert_eq!(press(&mut app, Key::char('L')), on);
    let state = LslState { headset: id.clone(), receivers: 2, is_open: false };
    assert_eq!(app.update(Message::Lsl(Some(state.clone()))), []);
    assert_eq!(press(&mut app, Key::char('L')), [Effect::Lsl(None), measure(false)]);
    // Another headset's streams are served in place of those of this one.
    let other = LslState { headset: "INSIGHT-00000002".into(), ..state };
    app.update(Message::Lsl(Some(other)));
    let effects = press(&mut app, Key::char('L'));
    assert_eq!(effects[0], Effect::Lsl(Some(id.clone())));
    assert_eq!((effects.len(), &effects[2]), (3, &measure(true)));
}

#[test]
fn a_marker_from_outside_goes_into_the_record_or_else_into_the_picture() {
    let mut app = app();
    app.link = Link::Up { security: Security::Plain, step: ConnectionStep::Streaming };
    on_event(&mut app, Event::Session(session("s", SessionStatus::Activated)));
    let clock = ClockOffset { offset: 3600.0, uncertainty: 0.004 };
    on_event(&mut app, Event::Clock { headset: "EPOCX-00000001".into(), clock });
    let (at, value) = (Moment::now(), MarkerValue::Number(7));
    let marker = OutsideMarker { label: "key".to_owned(), value: value.clone(), at };
    let effects = app.update(Message::OutsideMarker(marker.clone()));
    let time = at.wall + Duration::from_hours(1);
    let shown = Effect::Mark { session: "s".into(), time, text: "key 7".to_owned() };
    assert_eq!(effects, [shown]);
    assert_eq!(app.notice.as_ref().map(|one| one.text.as_str()), Some("marker key 7 from outside"));
    let record = Record::default();
    let started = RecordEvent::Started { session: "s".into(), record, foreign: false };
    on_event(&mut app, Event::Record(started));
    let label = marker.label.clone();
    let set = MarkerCommand::Mark { session: "s".into(), label, value, at };
    let effects = app.update(Message::OutsideMarker(marker));
    assert_eq!(effects, [Effect::Command(Command::Marker(set))]);
}
