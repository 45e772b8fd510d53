//! What is confirmed before it is done, and when a question is withdrawn.

use super::*;

#[test]
fn quitting_asks_while_a_record_runs() {
    let mut app = app();
    assert_eq!(press(&mut app, [Key::char('q')]), [Effect::Quit]);
    start(&mut app);
    assert_eq!(press(&mut app, [Key::char('q')]), []);
    // Neither Enter nor the key that asked means yes.
    assert_eq!(press(&mut app, [Key::ENTER]), []);
    assert_eq!(press(&mut app, [Key::char('q')]), []);
    assert_eq!(app.dialog, None);
    let effects = press(&mut app, [Key::char('q'), Key::char('y')]);
    let stop = Command::Record(RecordCommand::Stop(SID.into()));
    assert_eq!(effects, [Effect::Command(stop), Effect::Quit]);
}

#[test]
fn another_programs_session_says_so_wherever_it_would_be_changed() {
    let mut app = app();
    let (mode, why) = (cortop_client::SessionMode::Open, String::new());
    on_event(&mut app, Event::Opened { session: SID.into(), mode, why, foreign: true });
    assert!(app.items(&Menu::Sessions)[0].text.contains("of another program"));
    app.focus = Pane::Session;
    let asked = |app: &App| match &app.dialog {
        Some(Dialog::Confirm(ask)) => ask.lines.join(" "),
        other => panic!("{other:?}"),
    };
    press(&mut app, [Key::char('x')]);
    assert!(asked(&app).contains("Another program of this application opened it, and keeps it."));
    let effects = press(&mut app, [Key::char('y')]);
    assert!(matches!(commands(&effects)[..], [Command::Release(_)]), "{effects:?}");

    // The foreign record goes on and is not stopped silently.
    let started =
        |foreign| RecordEvent::Started { session: SID.into(), record: record("r"), foreign };
    on_event(&mut app, Event::Record(started(true)));
    press(&mut app, [Key::char('R')]);
    assert!(asked(&app).contains("Another program started it."));
    assert!(asked(&app).contains("belongs to another program"), "{}", asked(&app));
    press(&mut app, [Key::char('n')]);
    assert_eq!(press(&mut app, [Key::char('q')]), [Effect::Quit]);
    // Our own record does not go on.
    on_event(&mut app, Event::Record(started(false)));
    press(&mut app, [Key::char('q')]);
    assert!(asked(&app).contains("it is stopped"), "{}", asked(&app));
}

#[test]
fn a_record_in_another_programs_session_is_asked_for_first() {
    let mut app = app();
    let (mode, why) = (cortop_client::SessionMode::Active, String::new());
    on_event(&mut app, Event::Opened { session: SID.into(), mode, why, foreign: true });
    press(&mut app, [Key::char('R')]);
    let Some(Dialog::Confirm(ask)) = &app.dialog else { panic!("{:?}", app.dialog) };
    assert!(ask.lines.join(" ").contains("belongs to another program"), "{ask:?}");
    press(&mut app, [Key::char('y')]);
    assert!(matches!(app.dialog, Some(Dialog::Form(_))), "{:?}", app.dialog);
    // The session ends before the question is answered.
    press(&mut app, [Key::ESC, Key::char('R')]);
    on_event(&mut app, Event::Released { session: SID.into(), why: "it has ended".to_owned() });
    assert_eq!(app.dialog, None);
}

#[test]
fn a_stream_of_another_program_is_information_and_no_refusal() {
    let mut app = app();
    let streams = Some(vec!["eeg".to_owned(), "mot".to_owned()]);
    let session = app.sessions.current().map(|entry| entry.session.clone()).expect("one");
    on_event(&mut app, Event::Session(Session { streams, ..session }));
    let (mode, why) = (cortop_client::SessionMode::Active, "adopted".to_owned());
    on_event(&mut app, Event::Opened { session: SID.into(), mode, why, foreign: true });
    let theirs = vec![Stream::Eeg, Stream::Mot];
    let subscribed =
        Event::Subscribed { session: SID.into(), streams: Vec::new(), theirs, refused: Vec::new() };
    on_event(&mut app, subscribed);
    assert!(app.notice.as_ref().is_none_or(|notice| notice.severity == crate::app::Severity::Info));
    let past = app.items(&Menu::History(SID.into()));
    assert!(past[0].note.contains("eeg mot subscribed by its owner"), "{past:?}");
    assert!(past.iter().all(|item| !item.note.contains("refused")), "{past:?}");
    let items = app.items(&Menu::Streams(SID.into()));
    assert!(items[0].note.contains("its samples go to its owner"), "{:?}", items[0]);
    assert!(!items[1].note.contains("refused"), "{:?}", items[1]);
}

#[test]
fn a_question_is_renewed_or_withdrawn_with_what_it_is_about() {
    let asked = |app: &App| match &app.dialog {
        Some(Dialog::Confirm(ask)) => Some(ask.lines.join(" ")),
        None => None,
        other => panic!("{other:?}"),
    };
    let ended = |app: &mut App| {
        let (record, why) = (record("r"), "stopped by another program".to_owned());
        let session = SID.into();
        let ended = RecordEvent::Ended { session, record, why, ordered: false };
        on_event(app, Event::Record(ended));
    };
    // Quitting asks about the record, and about its session.
    let mut app = self::app();
    start(&mut app);
    press(&mut app, [Key::char('q')]);
    assert!(asked(&app).is_some());
    ended(&mut app);
    assert_eq!(asked(&app).as_deref(), Some("The record has ended: nothing is lost."));
    press(&mut app, [Key::ESC]);
    start(&mut app);
    press(&mut app, [Key::char('q')]);
    let why = "cortop has let go of it".to_owned();
    on_event(&mut app, Event::Released { session: SID.into(), why });
    assert_eq!(asked(&app).as_deref(), Some("The record has ended: nothing is lost."));
    assert_eq!(press(&mut app, [Key::char('y')]), [Effect::Quit]);

    // Closing no longer mentions a record that has ended, but still asks.
    let mut app = self::app();
    start(&mut app);
    app.focus = Pane::Session;
    press(&mut app, [Key::char('x')]);
    assert!(asked(&app).is_some_and(|lines| lines.contains("A record is running")));
    ended(&mut app);
    assert!(asked(&app).is_some_and(|lines| !lines.contains("A record is running")));
}

#[test]
fn what_costs_or_harms_is_asked_first() {
    let mut app = app();
    app.focus = Pane::Headsets;
    let id = HeadsetId::from("EPOCX-00000001");
    let connected = cortop_client::Headset {
        id: id.clone(),
        status: cortop_client::headset::HeadsetStatus::Connected,
        ..Default::default()
    };
    on_event(&mut app, Event::Headsets(vec![connected]));
    assert_eq!(press(&mut app, [Key::char('d')]), []);
    assert_eq!(press(&mut app, [Key::char('n')]), []);
    let disconnect = Effect::Command(Command::Disconnect(id));
    assert_eq!(press(&mut app, [Key::char('d'), Key::char('y')]), [disconnect]);
    let session = SID.into();
    let (streams, refused) = (vec![Stream::Dev], Vec::new());
    on_event(&mut app, Event::Subscribed { session, streams, theirs: Vec::new(), refused });
    assert_eq!(press(&mut app, [Key::char('r')]), []);
    let scan = Effect::Command(Command::Scan { anyway: true });
    assert_eq!(press(&mut app, [Key::char('y')]), [scan]);
}

#[test]
fn a_question_is_taken_back_when_nothing_is_left_of_it() {
    use cortop_client::headset::HeadsetStatus;
    let mut app = app();
    start(&mut app);
    press(&mut app, [Key::char('R')]);
    assert!(app.dialog.is_some());
    let ended = unordered_end(String::new());
    on_event(&mut app, Event::Record(ended));
    assert_eq!(app.dialog, None, "the record ended by itself");

    let headset = |status| cortop_client::Headset {
        id: "EPOCX-00000001".into(),
        status,
        ..Default::default()
    };
    on_event(&mut app, Event::Headsets(vec![headset(HeadsetStatus::Connected)]));
    press(&mut app, [Key::char('1'), Key::char('d')]);
    assert!(app.dialog.is_some());
    on_event(&mut app, Event::Headsets(vec![headset(HeadsetStatus::Discovered)]));
    assert_eq!(app.dialog, None, "it is disconnected already");

    let open = Session { id: SID.into(), status: SessionStatus::Opened, ..Session::default() };
    on_event(&mut app, Event::Session(open));
    press(&mut app, [Key::char('2'), Key::char('a')]);
    assert!(app.dialog.is_some());
    on_event(
        &mut app,
        Event::Closed { session: SID.into(), why: "by Cortex".to_owned(), ordered: false },
    );
    assert_eq!(app.dialog, None, "the session is gone");

    // Quitting quits, even if the record has ended meanwhile.
    let mut app = self::app();
    start(&mut app);
    press(&mut app, [Key::char('q')]);
    let ended = unordered_end(String::new());
    on_event(&mut app, Event::Record(ended));
    assert!(press(&mut app, [Key::char('y')]).contains(&Effect::Quit));
}

fn question(app: &App) -> &Confirm {
    match &app.dialog {
        Some(Dialog::Confirm(ask)) => ask,
        other => panic!("no question: {other:?}"),
    }
}

#[test]
fn closing_a_session_asks_and_names_the_record_that_ends_with_it() {
    let mut app = app();
    app.focus = Pane::Session;
    let close = Effect::Command(Command::Close(SID.into()));
    assert_eq!(press(&mut app, typed("x")), []);
    assert!(!question(&app).lines.concat().contains("record"));
    for no in [Key::char('n'), Key::ESC] {
        assert_eq!(press(&mut app, [no]), []);
        assert_eq!(app.dialog, None);
        press(&mut app, typed("x"));
    }
    assert_eq!(press(&mut app, [Key::ENTER, Key::char('x'), Key::SPACE]), []);
    assert_eq!(press(&mut app, typed("y")), [close]);
    let refusal = Error::new(ErrorKind::User, "no", "try again").on(Method::UpdateSession);
    on_event(&mut app, Event::Outcome { command: CommandId(1), outcome: Err(refusal) });
    start(&mut app);
    press(&mut app, typed("x"));
    assert!(question(&app).lines.concat().contains("\"title of r\""));
    // Once it has happened anyway, the question is withdrawn.
    on_event(
        &mut app,
        Event::Closed { session: SID.into(), why: "by Cortex".to_owned(), ordered: false },
    );
    assert_eq!(app.dialog, None);
    assert_eq!(press(&mut app, typed("x")), []);
    let notice = app.notice.as_ref().map(|notice| notice.text.clone()).unwrap_or_default();
    assert!(notice.contains("closed and cannot be used again"), "{notice}");
}

#[test]
fn after_a_close_the_pane_stays_on_what_was_closed() {
    let mut app = app();
    app.focus = Pane::Session;
    let headset = cortop_client::Headset { id: "INSIGHT-0A1B2C3D".into(), ..Default::default() };
    let status = SessionStatus::Activated;
    let other = Session { id: "other".into(), status, headset, ..Session::default() };
    on_event(&mut app, Event::Session(other.clone()));
    assert_eq!(press(&mut app, typed("xy")).len(), 1);
    on_event(
        &mut app,
        Event::Closed { session: SID.into(), why: "closed by you".to_owned(), ordered: true },
    );
    on_event(&mut app, Event::Session(Session { recording: Some(true), ..other }));
    assert_eq!(app.sessions.current, Some(SID.into()));
    assert_eq!(press(&mut app, typed("x")), []);
    assert_eq!(app.dialog, None, "the other headset's session is not to be closed");
}

#[test]
fn enter_on_another_headset_shows_its_session_as_soon_as_there_is_one() {
    let mut app = app();
    app.focus = Pane::Headsets;
    let headset = cortop_client::Headset { id: "INSIGHT-0A1B2C3D".into(), ..Default::default() };
    on_event(&mut app, Event::Headsets(vec![headset.clone()]));
    assert_eq!(press(&mut app, [Key::ENTER]).len(), 1);
    assert_eq!(app.sessions.current, Some(SID.into()));
    let other = Session { id: "other".into(), headset, ..Session::default() };
    on_event(&mut app, Event::Session(other));
    assert_eq!(app.sessions.current, Some("other".into()));
}

#[test]
fn quitting_and_disconnecting_ask_for_a_record_that_is_being_started() {
    let mut app = app();
    press(&mut app, [Key::char('R'), Key::ENTER]);
    assert_eq!(press(&mut app, typed("q")), []);
    assert!(question(&app).lines.concat().contains("being started"));
    assert_eq!(press(&mut app, typed("y")), [Effect::Quit]);
    // A record that was refused, or not answered for long, does not exist.
    let refusal = Error::refused(Method::CreateRecord, code::error::NOT_ACTIVATED, "");
    on_event(&mut app, Event::Outcome { command: CommandId(1), outcome: Err(refusal) });
    press(&mut app, [Key::ESC]);
    assert_eq!(press(&mut app, typed("q")), [Effect::Quit]);
    press(&mut app, [Key::char('R'), Key::ENTER]);
    app.now.instant += Duration::from_secs(31);
    assert_eq!(press(&mut app, typed("q")), [Effect::Quit]);

    start(&mut app);
    let connected = cortop_client::Headset {
        id: "EPOCX-00000001".into(),
        status: cortop_client::headset::HeadsetStatus::Connected,
        ..Default::default()
    };
    on_event(&mut app, Event::Headsets(vec![connected]));
    app.focus = Pane::Headsets;
    press(&mut app, typed("d"));
    assert!(question(&app).lines.concat().contains("\"title of r\""));
}

#[test]
fn a_record_that_was_lost_is_named_until_that_has_been_seen() {
    let tick = |app: &mut App, seconds| {
        let Moment { wall, instant } = app.now;
        let at = Moment {
            wall: wall + jiff::SignedDuration::from_secs(seconds),
            instant: instant + Duration::from_secs(seconds.cast_unsigned()),
        };
        app.update(Message::Tick(at));
    };
    let unseen = |app: &App| -> Vec<String> {
        app.unseen.iter().map(|notice| notice.text.clone()).collect()
    };
    let mut app = app();
    start(&mut app);
    tick(&mut app, 133);
    let why = "the connection to the service was lost";
    on_event(&mut app, Event::Record(unordered_end(why.to_owned())));
    on_event(&mut app, Event::Closed { session: SID.into(), why: why.to_owned(), ordered: false });
    let error = Error::new(ErrorKind::Unreachable, "lost", "");
    let at = app.now.instant;
    on_event(&mut app, Event::Link(Link::Waiting { error, at, attempt: 1 }));
    let text = "record \"title of r\" of EPOCX-00000001 has ended after 133 s: the connection to \
                the service was lost. Nothing is recorded now; R starts another once its streams \
                run";
    assert_eq!(unseen(&app), [text]);
    // A key pressed just before the notice came does not dismiss it, nor does typing into a form.
    press(&mut app, [Key::TAB, Key::char('m')]);
    tick(&mut app, 3600);
    press(&mut app, typed("rest"));
    assert_eq!(unseen(&app), [text]);
    press(&mut app, [Key::ESC]);
    assert_eq!(unseen(&app), [text]);
    press(&mut app, [Key::TAB]);
    assert_eq!(unseen(&app), [""; 0]);
    // What the user ordered needs no notice.
    start(&mut app);
    let ordered = RecordEvent::Ended {
        session: SID.into(),
        record: record("r"),
        why: String::new(),
        ordered: true,
    };
    on_event(&mut app, Event::Record(ordered));
    assert_eq!(unseen(&app), [""; 0]);
    for _ in 0..100 {
        on_event(&mut app, Event::Record(unordered_end(String::new())));
    }
    assert_eq!(app.unseen.len(), 16);
}
