//! Headsets, sessions, and what happens to requests.

use super::*;

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
    assert!(app.notice.is_some_and(|notice| notice.text == "scan finished: 1 headset"));
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
    // Reading ben's account fails: no event follows.
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
    // `met` is unsubscribed to change its rate, and then not granted again.
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
    assert_eq!(press(&mut app, Key::char('G')), now);
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
    // After a refusal the form returns with the reason; nothing is retried automatically.
    let outcome = Err(refusal(Method::Authorize));
    assert_eq!(app.update(Message::Cortex(Event::Outcome { command: *id, outcome })), []);
    let Some(dialog::Dialog::Form(form)) = &app.dialog else { panic!("{:?}", app.dialog) };
    assert!(form.complaint.is_some());
    assert_eq!(form.fields[0].filled(), "3");
}

#[test]
fn a_notice_goes_with_what_it_is_about() {
    let up = |step| Event::Link(Link::Up { security: Security::Plain, step });
    let said = |app: &App| app.notice.as_ref().map(|notice| notice.text.clone());
    let mut app = app();
    on_event(&mut app, up(ConnectionStep::Choosing));
    app.focus = Pane::Headsets;
    press(&mut app, Key::ENTER);
    assert_eq!(said(&app).as_deref(), Some("no headset is selected"));
    let id = "EPOCX-00000001";
    on_event(&mut app, Event::Headsets(vec![headset(id, HeadsetStatus::Connected)]));
    assert_eq!(said(&app), None);
    press(&mut app, Key::ENTER);
    assert_eq!(said(&app).as_deref(), Some("opening EPOCX-00000001"));
    on_event(&mut app, up(ConnectionStep::Opening(id.into())));
    assert!(said(&app).is_some());
    on_event(&mut app, Event::Session(session("s", SessionStatus::Opened)));
    assert_eq!(said(&app), None);
    press(&mut app, Key::char('R'));
    assert!(said(&app).is_some_and(|text| text.contains("needs an activated session")));
    on_event(&mut app, Event::Session(session("s", SessionStatus::Activated)));
    assert_eq!(said(&app), None);
    // A notice about a lost session stays until there is a session again.
    let why = "lost".to_owned();
    on_event(&mut app, Event::Closed { session: "s".into(), why, ordered: false });
    assert_eq!(said(&app).as_deref(), Some("session closed: lost"));
    on_event(&mut app, up(ConnectionStep::Opening(id.into())));
    assert_eq!(said(&app).as_deref(), Some("session closed: lost"));
    on_event(&mut app, Event::Session(session("t", SessionStatus::Activated)));
    assert_eq!(said(&app), None);
    // A refusal before streaming stays until streams run.
    on_event(&mut app, Event::Refused(refusal(Method::CreateSession)));
    assert!(said(&app).is_some());
    on_event(&mut app, up(ConnectionStep::Streaming));
    assert_eq!(said(&app), None);
    // While streams run, it is shown for a while only.
    on_event(&mut app, Event::Refused(refusal(Method::CreateSession)));
    on_event(&mut app, Event::Session(session("t", SessionStatus::Activated)));
    assert!(said(&app).is_some());
}

#[test]
fn trying_again_after_a_refusal_names_it_and_the_refusal_stays_known() {
    let up = |step| Event::Link(Link::Up { security: Security::Plain, step });
    let mut app = app();
    on_event(&mut app, up(ConnectionStep::Authorizing));
    on_event(&mut app, Event::Refused(refusal(Method::Authorize)));
    on_event(&mut app, up(ConnectionStep::Stopped));
    assert_eq!(press(&mut app, Key::char('G')), [Effect::Command(Command::Connect)]);
    let said = app.notice.as_ref().expect("said").text.clone();
    assert!(said.starts_with("trying again what was refused: authorize -32016: "), "{said}");
    // The client does not repeat the same refusal.
    on_event(&mut app, up(ConnectionStep::Authorizing));
    assert_eq!(app.notice, None);
    on_event(&mut app, up(ConnectionStep::Stopped));
    assert_eq!(app.stopped_by(), Some(&refusal(Method::Authorize)));
    on_event(&mut app, up(ConnectionStep::Listing));
    on_event(&mut app, up(ConnectionStep::Stopped));
    assert_eq!(app.stopped_by(), None);
}

#[test]
fn while_a_headset_is_waited_for_the_key_that_tries_again_scans() {
    let mut app = app();
    for step in [ConnectionStep::Searching, ConnectionStep::Missing("A-1".into())] {
        on_event(&mut app, Event::Link(Link::Up { security: Security::Plain, step }));
        let scan = Effect::Command(Command::Scan { anyway: false });
        assert_eq!(press(&mut app, Key::char('G')), [scan]);
    }
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
fn a_headset_told_twice_is_one_row_that_keys_go_past() {
    let mut app = App::new(AppSettings::default(), Moment::now());
    let headset = |id: &str| Headset { id: id.into(), ..Headset::default() };
    let headsets = ["a", "a", "b"].map(headset).to_vec();
    app.update(Message::Cortex(Event::Headsets(headsets)));
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
    // Each headset has its own refusal.
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
    // A refused close leaves the session as it was.
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
    let cancel_opening = Effect::Command(Command::CallOff(id));
    assert_eq!(press(&mut app, Key::char('x')), [cancel_opening]);
    assert!(
        app.notice
            .take()
            .expect("said")
            .text
            .contains("no session will be opened on EPOCX-00000001")
    );
    assert_eq!(app.called_off.as_ref().map(HeadsetId::as_str), Some("EPOCX-00000001"));
    press(&mut app, Key::ENTER);
    assert_eq!(app.called_off, None, "opened again");
    on_event(&mut app, Event::Session(session("s", SessionStatus::Opened)));
    assert_eq!(press(&mut app, Key::char('x')), []);
    assert!(app.notice.take().expect("said").text.contains("x in pane 2 closes it"));
}

/// Streaming in an activated session, whose headset's clock is an hour ahead.
fn an_hour_ahead() -> App {
    let mut app = app();
    app.link = Link::Up { security: Security::Plain, step: ConnectionStep::Streaming };
    on_event(&mut app, Event::Session(session("s", SessionStatus::Activated)));
    let clock = ClockOffset { offset: 3600.0, uncertainty: 0.004 };
    on_event(&mut app, Event::Clock { headset: "EPOCX-00000001".into(), clock });
    app
}

#[test]
fn a_marker_from_outside_goes_into_the_record_or_else_into_the_picture() {
    let mut app = an_hour_ahead();
    let (at, value) = (Moment::now(), MarkerValue::Number(7));
    let marker = OutsideMarker { label: "key".to_owned(), value: value.clone(), at };
    let effects = app.update(Message::OutsideMarker(marker.clone()));
    let time = at.wall + Duration::from_secs(3600);
    let (session, text) = ("s".into(), marker.text());
    let shown = Effect::Mark { session, id: None, time, end: None, text };
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

#[test]
fn a_marker_in_the_files_gets_its_end_there_without_a_record() {
    let mut app = an_hour_ahead();
    let (at, value) = (Moment::now(), MarkerValue::Number(7));
    app.now = at;
    let (since, status) =
        (at.instant.into_std(), cortop_files::recorder::RecorderStatus::default());
    let recorder = RecorderState { headset: None, since, status, free: None };
    app.update(Message::Recorder(Ok(Some(recorder))));
    assert_eq!(press(&mut app, Key::char('M')), []);
    assert_eq!(app.notice.take().expect("said").text, "there is no marker to end");
    let marker = OutsideMarker { label: "key".to_owned(), value, at };
    let text = marker.text();
    let set = app.update(Message::OutsideMarker(marker));
    let [Effect::Mark { time, end: None, .. }] = set.as_slice() else { panic!("{set:?}") };
    let later = Duration::from_secs(4);
    app.now = Moment { instant: at.instant + later, wall: at.wall + later };
    let end = Some(app.now.wall + Duration::from_secs(3600));
    let ended = Effect::Mark { session: "s".into(), id: None, time: *time, end, text };
    assert_eq!(press(&mut app, Key::char('M')), [ended]);
    assert_eq!(app.notice.take().expect("said").text, "marker key 7 ended in the files");
    assert_eq!(press(&mut app, Key::char('M')), [], "once");

    // In a record, Cortex ends the marker; if the record is gone, the files still get its end.
    let record = Record::default();
    let started =
        RecordEvent::Started { session: "s".into(), record: record.clone(), foreign: false };
    on_event(&mut app, Event::Record(started));
    let start = time.as_duration().as_secs_f64();
    let marker = cortop_client::Marker {
        uuid: "m".into(),
        label: "eyes".into(),
        value: MarkerValue::Number(1),
        start,
        end: start,
    };
    let set = Event::Marker { session: "s".into(), record: record.uuid.clone(), marker };
    on_event(&mut app, set);
    let command = MarkerCommand::End { session: "s".into(), marker: "m".into(), at: app.now };
    assert_eq!(press(&mut app, Key::char('M')), [Effect::Command(Command::Marker(command))]);
    let why = "the connection was lost".into();
    on_event(
        &mut app,
        Event::Record(RecordEvent::Ended { session: "s".into(), record, why, ordered: false }),
    );
    let effects = press(&mut app, Key::char('M'));
    let [Effect::Mark { id: Some(id), end: Some(_), text, .. }] = effects.as_slice() else {
        panic!("{effects:?}")
    };
    assert_eq!((id.as_str(), text.to_string().as_str()), ("m", "eyes 1"));
}
