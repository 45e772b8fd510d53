//! Dialogs as pure state: keys in, effects out.

use std::time::Duration;

use super::*;
use crate::app::{App, AppSettings, Message, Pane};
use cortop_client::{
    Command, CommandId, ConnectionStep, Error, ErrorKind, Event, HeadsetId, Link, Marker,
    MarkerCommand, Method, Moment, Profile, Record, RecordCommand, RecordEvent, Security, Session,
    SessionId, Stream, code,
    marker::MarkerValue,
    record::{Export, ExportFormat, NewRecord, RecordList, RecordName},
    session::SessionStatus,
};

const SID: &str = "s";

/// An application with an activated session on an EPOC X.
fn app() -> App {
    let settings = AppSettings {
        markers: ["rest", "task"].map(str::to_owned).to_vec(),
        folder: "/data".to_owned(),
        ..AppSettings::default()
    };
    let mut app = App::new(settings, Moment::now());
    let link = Link::Up { security: Security::Plain, step: ConnectionStep::Streaming };
    on_event(&mut app, Event::Link(link));
    let headset = cortop_client::Headset { id: "EPOCX-00000001".into(), ..Default::default() };
    on_event(&mut app, Event::Headsets(vec![headset.clone()]));
    let status = SessionStatus::Activated;
    on_event(
        &mut app,
        Event::Session(Session { id: SID.into(), status, headset, ..Session::default() }),
    );
    app
}

fn on_event(app: &mut App, event: Event) {
    app.update(Message::Cortex(event));
}

/// Presses keys one after the other; the effects of the last, commands without their ids.
fn press(app: &mut App, keys: impl IntoIterator<Item = Key>) -> Vec<Effect> {
    let effects = keys.into_iter().fold(Vec::new(), |_, key| app.update(Message::Key(key)));
    let bare = |effect| match effect {
        Effect::Command(Command::Tracked { command, .. }) => Effect::Command(*command),
        other => other,
    };
    effects.into_iter().map(bare).collect()
}

fn typed(text: &str) -> impl Iterator<Item = Key> {
    text.chars().map(Key::char)
}

fn record(uuid: &str) -> Record {
    Record { uuid: uuid.into(), title: format!("title of {uuid}"), ..Record::default() }
}

fn start(app: &mut App) {
    let event = RecordEvent::Started { session: SID.into(), record: record("r"), foreign: false };
    on_event(app, Event::Record(event));
}

/// The record has ended, and nobody here has ordered it.
fn unordered_end(why: String) -> RecordEvent {
    RecordEvent::Ended { session: SID.into(), record: record("r"), why, ordered: false }
}

fn commands(effects: &[Effect]) -> Vec<&Command> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Command(command) => Some(command),
            _ => None,
        })
        .collect()
}

#[test]
fn typing_goes_to_the_form_and_fires_no_shortcut() {
    let mut app = app();
    press(&mut app, [Key::char('R')]);
    press(&mut app, [Key::ctrl('u')]);
    press(&mut app, typed("quiet? q:R"));
    app.update(Message::Paste("\u{1b}[2Jpasted\n".to_owned()));
    press(&mut app, [Key::TAB]);
    press(&mut app, typed("ana"));
    press(&mut app, [Key::TAB, Key::TAB]);
    let effects = press(&mut app, typed("a, b,,").chain([Key::ENTER]));
    let new = NewRecord {
        title: "quiet? q:R [2Jpasted".to_owned(),
        subject: Some("ana".to_owned()),
        description: String::new(),
        tags: vec!["a".to_owned(), "b".to_owned()],
    };
    let start = Command::Record(RecordCommand::Start(SID.into(), new));
    assert_eq!(effects, [Effect::Command(start)]);
    assert_eq!(app.dialog, None);
}

#[test]
fn a_form_names_the_entry_that_is_wrong_and_keeps_what_was_typed() {
    let mut app = app();
    press(&mut app, [Key::char('R'), Key::ctrl('u'), Key::TAB]);
    assert_eq!(press(&mut app, typed(&"x".repeat(31)).chain([Key::ENTER])), []);
    let complaint = |app: &App| match &app.dialog {
        Some(Dialog::Form(form)) => form.complaint.clone(),
        other => panic!("no form: {other:?}"),
    };
    assert_eq!(complaint(&app).map(|(at, _)| at), Some(1));
    press(&mut app, [Key::BACKSPACE]);
    assert_eq!(complaint(&app), None);
    assert_eq!(press(&mut app, [Key::ENTER]), []);
    assert_eq!(complaint(&app), Some((0, "this is needed".to_owned())));
    // A refusal of Cortex brings the form back as it was filled in.
    assert_eq!(press(&mut app, typed("t").chain([Key::ENTER])).len(), 1);
    let refusal = |method| Error::refused(method, code::error::NOT_ACTIVATED, "");
    on_event(&mut app, Event::Refused(refusal(Method::CreateRecord)));
    assert_eq!(app.dialog, None, "the same method, of another command");
    let outcome = |id| Event::Outcome { command: id, outcome: Err(refusal(Method::CreateRecord)) };
    on_event(&mut app, outcome(CommandId(u64::MAX)));
    assert_eq!(app.dialog, None, "another command");
    on_event(&mut app, outcome(CommandId(1)));
    assert!(complaint(&app).is_some_and(|(_, why)| why.contains("activate the session")));
    let Some(Dialog::Form(form)) = &app.dialog else { panic!("no form") };
    assert_eq!(form.fields[0].filled(), "t");
    assert_eq!(press(&mut app, [Key::ESC]), []);
    assert_eq!(app.dialog, None);
}

#[test]
fn only_the_answer_to_its_own_command_brings_a_form_back() {
    let mut app = app();
    start(&mut app);
    let mark = |app: &mut App, label: &str| {
        press(app, typed("m").chain(typed(label)));
        match app.update(Message::Key(Key::ENTER))[..] {
            [Effect::Command(Command::Tracked { id, .. })] => id,
            ref other => panic!("{other:?}"),
        }
    };
    let refusal = || Error::new(ErrorKind::User, "no", "try again").on(Method::InjectMarker);
    let shown = |app: &App| match &app.dialog {
        Some(Dialog::Form(form)) => Some(form.fields[0].filled().to_owned()),
        _ => None,
    };
    let first = mark(&mut app, "first");
    let second = mark(&mut app, "second");
    assert_ne!(first, second);
    on_event(&mut app, Event::Outcome { command: second, outcome: Ok(()) });
    // Whatever is refused later by the same name, of this command or of another.
    on_event(&mut app, Event::Refused(refusal()));
    on_event(&mut app, Event::Outcome { command: second, outcome: Err(refusal()) });
    assert_eq!(shown(&app), None);
    on_event(&mut app, Event::Outcome { command: first, outcome: Err(refusal()) });
    assert_eq!(shown(&app).as_deref(), Some("first"));
}

#[test]
fn markers_stand_at_the_moment_their_key_was_pressed() {
    let mut app = app();
    assert_eq!(press(&mut app, [Key::f(1)]), []);
    assert!(app.notice.as_ref().is_some_and(|notice| notice.text.contains("start one first")));
    start(&mut app);
    let marked = |effects: &[Effect]| match commands(effects)[..] {
        [Command::Marker(MarkerCommand::Mark { label, value, at, .. })] => {
            (label.clone(), value.clone(), at.instant)
        }
        ref other => panic!("{other:?}"),
    };
    let pressed = app.now.instant;
    press(&mut app, [Key::char('m')]);
    app.now.instant += Duration::from_secs(3);
    let (label, value, at) = marked(&press(&mut app, typed("eyes shut").chain([Key::ENTER])));
    assert_eq!((label.as_str(), value), ("eyes shut", MarkerValue::Text("eyes shut".to_owned())));
    assert_eq!(at, pressed);
    // A digit is enough, but one inside of a text is none.
    let (label, value, _) = marked(&press(&mut app, typed("m2")));
    assert_eq!((label.as_str(), value), ("task", MarkerValue::Number(2)));
    let (label, ..) = marked(&press(&mut app, typed("mat 2").chain([Key::ENTER])));
    assert_eq!(label, "at 2");
    let (label, _, at) = marked(&press(&mut app, [Key::f(2)]));
    assert_eq!((label.as_str(), at), ("task", app.now.instant));
    assert_eq!(press(&mut app, [Key::f(3)]), []);
}

#[test]
fn the_last_marker_becomes_an_interval_once() {
    let mut app = app();
    start(&mut app);
    assert_eq!(press(&mut app, [Key::char('M')]), []);
    let marker = Marker { uuid: "m".into(), start: 5.0, end: 5.0, ..Marker::default() };
    let set = |marker| Event::Marker { session: SID.into(), record: "r".into(), marker };
    on_event(&mut app, set(marker.clone()));
    let effects = press(&mut app, [Key::char('M')]);
    let [Command::Marker(MarkerCommand::End { marker: id, .. })] = commands(&effects)[..] else {
        panic!("{effects:?}");
    };
    assert_eq!(id.as_str(), "m");
    on_event(&mut app, set(Marker { end: 7.5, ..marker }));
    assert_eq!(press(&mut app, [Key::char('M')]), []);
    let running = app.records.running_in(&SessionId::from(SID)).expect("running");
    assert_eq!(running.markers, 1);
}

#[test]
fn quitting_asks_while_a_record_runs() {
    let mut app = app();
    assert_eq!(press(&mut app, [Key::char('q')]), [Effect::Quit]);
    start(&mut app);
    assert_eq!(press(&mut app, [Key::char('q')]), []);
    // Neither Enter nor the key that asked says yes.
    assert_eq!(press(&mut app, [Key::ENTER]), []);
    assert_eq!(press(&mut app, [Key::char('q')]), []);
    assert_eq!(app.dialog, None);
    let effects = press(&mut app, [Key::char('q'), Key::char('y')]);
    let stop = Command::Record(RecordCommand::Stop(SID.into()));
    assert_eq!(effects, [Effect::Command(stop), Effect::Quit]);
}

#[test]
fn a_record_is_deleted_after_the_word_is_typed() {
    let mut app = app();
    app.focus = Pane::Session;
    let list = Effect::Command(Command::Record(RecordCommand::List));
    assert_eq!(press(&mut app, [Key::char('r')]), [list]);
    on_event(&mut app, Event::Records(RecordList { count: 1, records: vec![record("r")] }));
    press(&mut app, [Key::ENTER, Key::UP, Key::DOWN, Key::DOWN, Key::ENTER]);
    for refused in ["", "y", "delet"] {
        let keys = [Key::ctrl('u')].into_iter().chain(typed(refused)).chain([Key::ENTER]);
        assert_eq!(press(&mut app, keys), []);
        let Some(Dialog::Form(form)) = &app.dialog else { panic!("{:?}", app.dialog) };
        let complaint = form.complaint.as_ref().map(|(_, text)| text.as_str());
        assert_eq!(complaint, Some("type delete, or press Esc to keep the record"));
    }
    let effects = press(&mut app, [Key::char('e'), Key::ENTER]);
    assert_eq!(commands(&effects), [&Command::Record(RecordCommand::Delete("r".into()))]);
    // What Cortex says of it is what is listed next.
    press(&mut app, [Key::char('r')]);
    on_event(
        &mut app,
        Event::Record(RecordEvent::Deleted(RecordName { id: "r".into(), title: String::new() })),
    );
    assert_eq!(app.items(&Menu::Records), []);
}

#[test]
fn an_export_goes_to_a_whole_path_and_takes_what_its_format_holds() {
    let mut app = app();
    app.focus = Pane::Session;
    press(&mut app, [Key::char('r')]);
    on_event(&mut app, Event::Records(RecordList { count: 1, records: vec![record("r")] }));
    press(&mut app, [Key::ENTER, Key::ENTER, Key::ctrl('u')]);
    assert_eq!(press(&mut app, typed("data").chain([Key::ENTER])), []);
    press(&mut app, [Key::HOME, Key::char('/'), Key::TAB, Key::RIGHT, Key::RIGHT]);
    let format = ExportFormat::Edf;
    let export = Export { folder: "/data".into(), format, streams: format.streams().to_vec() };
    let export = Effect::Command(Command::Record(RecordCommand::Export("r".into(), export)));
    assert_eq!(press(&mut app, [Key::ENTER]), [export]);
}

#[test]
fn the_palette_finds_every_action_and_completes_names() {
    let mut app = app();
    let rows = app.settings.keymap.rows().map(|(row, _)| row);
    for row in rows.filter(|row| row.action != Action::Commands) {
        let found = app.items(&Menu::Commands).into_iter().find(|item| {
            item.action == DialogAction::Action(row.action) && item.text.ends_with(row.name)
        });
        assert!(found.is_some(), "{}", row.name);
    }
    press(&mut app, [Key::char(':')]);
    press(&mut app, typed("open E").chain([Key::TAB]));
    let Some(Dialog::Select(select)) = &app.dialog else { panic!("closed") };
    assert_eq!(select.filter.as_ref().map(TextInput::text), Some("open EPOCX-00000001"));
    let id = HeadsetId::from("EPOCX-00000001");
    let open = Effect::Command(Command::Open { headset: id, mode: None });
    assert_eq!(press(&mut app, [Key::ENTER]), [open]);
    // What can be done with every object, as in its own list.
    on_event(&mut app, Event::Profiles(vec![Profile { name: "ana".into(), ..Profile::default() }]));
    let streams = vec![Stream::Mot];
    on_event(
        &mut app,
        Event::Subscribed { session: SID.into(), streams, theirs: Vec::new(), refused: Vec::new() },
    );
    app.settings.themes = vec!["ansi".into(), "mono".into()];
    let names: Vec<_> = app.items(&Menu::Commands).into_iter().map(|item| item.text).collect();
    for name in ["show EPOCX-00000001", "load ana", "unsubscribe mot", "subscribe dev"] {
        assert!(names.iter().any(|other| other == name), "{name}: {names:?}");
    }
    assert_eq!(press(&mut app, typed(":theme mono").chain([Key::ENTER])), []);
    assert_eq!(app.theme, 1);
    // Words in any order, also those of the help.
    press(&mut app, typed(":window short").chain([Key::ENTER]));
    assert!((app.streams.window() - 5.0).abs() < 1e-9);
    // Letters in their order, after what contains the words.
    press(&mut app, typed(":strlng"));
    let items = app.items(&Menu::Commands);
    let Some(Dialog::Select(select)) = &app.dialog else { panic!("closed") };
    let first = select.matching(&items)[0];
    assert_eq!((&first.text[..], &first.note[..]), ("streams.longer", "] · longer window"));
    press(&mut app, [Key::ESC]);
    press(&mut app, typed(":nothing is called so"));
    assert_eq!(press(&mut app, [Key::ENTER, Key::ESC]), []);
}

#[test]
fn streams_are_switched_in_a_list_that_stays_and_says_why_one_was_refused() {
    let mut app = app();
    let refusal = Error::refused(Method::Subscribe, code::error::STREAM_UNAVAILABLE, "");
    let refusal = Error { next: "EEG needs a licence with scope eeg".into(), ..refusal };
    on_event(
        &mut app,
        Event::Subscribed {
            session: SID.into(),
            streams: vec![Stream::Mot],
            theirs: Vec::new(),
            refused: vec![(Stream::Eeg, refusal)],
        },
    );
    press(&mut app, [Key::char('3'), Key::char('e')]);
    let items = app.items(&Menu::Streams(SID.into()));
    assert!(items[0].note.contains("-32016: EEG needs a licence"), "{}", items[0].note);
    let subscribe = Command::Subscribe(SID.into(), vec![Stream::Eeg]);
    assert_eq!(press(&mut app, [Key::SPACE]), [Effect::Command(subscribe)]);
    let unsubscribe = Command::Unsubscribe(SID.into(), vec![Stream::Mot]);
    assert_eq!(press(&mut app, [Key::DOWN, Key::SPACE]), [Effect::Command(unsubscribe)]);
    let session = SID.into();
    on_event(&mut app, Event::Unsubscribed { session, streams: vec![Stream::Mot] });
    assert_eq!(app.items(&Menu::Streams(SID.into()))[1].on, Some(false));
}

#[test]
fn sessions_opened_elsewhere_are_offered_and_adopted_as_they_are() {
    let mut app = app();
    let headset = cortop_client::Headset { id: "INSIGHT-0A1B2C3D".into(), ..Default::default() };
    let other = Session { id: "other".into(), headset, ..Session::default() };
    let own = Session { id: SID.into(), ..Session::default() };
    on_event(&mut app, Event::Sessions(vec![own, other]));
    let items = app.items(&Menu::Sessions);
    assert_eq!(items.iter().map(|item| item.on).collect::<Vec<_>>(), [Some(true), None]);
    app.focus = Pane::Session;
    let effects = press(&mut app, [Key::char('s'), Key::DOWN, Key::ENTER]);
    let [Command::Adopt(session)] = commands(&effects)[..] else { panic!("{effects:?}") };
    assert_eq!(session.as_str(), "other");
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

    // Its record goes on, and is not stopped without a word.
    let started =
        |foreign| RecordEvent::Started { session: SID.into(), record: record("r"), foreign };
    on_event(&mut app, Event::Record(started(true)));
    press(&mut app, [Key::char('R')]);
    assert!(asked(&app).contains("Another program started it."));
    assert!(asked(&app).contains("belongs to another program"), "{}", asked(&app));
    press(&mut app, [Key::char('n')]);
    assert_eq!(press(&mut app, [Key::char('q')]), [Effect::Quit]);
    // One of ours does not.
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
    // The session ends before it is answered.
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
    // Quitting: of the record, and of its session.
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

    // Closing says no more of a record that has ended, and stays a question.
    let mut app = self::app();
    start(&mut app);
    app.focus = Pane::Session;
    press(&mut app, [Key::char('x')]);
    assert!(asked(&app).is_some_and(|lines| lines.contains("A record is running")));
    ended(&mut app);
    assert!(asked(&app).is_some_and(|lines| !lines.contains("A record is running")));
}

#[test]
fn a_profile_is_loaded_or_unloaded_by_whether_it_is_in_use() {
    use cortop_client::{ProfileCommand, profile::Loaded};
    let mut app = app();
    app.focus = Pane::Session;
    let list = Effect::Command(Command::Profile(ProfileCommand::List));
    assert_eq!(press(&mut app, [Key::char('p')]), [list]);
    let profile = |name: &str| Profile { name: name.to_owned(), ..Profile::default() };
    on_event(&mut app, Event::Profiles(vec![profile("ana"), profile("ben")]));
    let id = HeadsetId::from("EPOCX-00000001");
    let load = Command::Profile(ProfileCommand::Load(id.clone(), "ben".to_owned()));
    assert_eq!(press(&mut app, [Key::DOWN, Key::ENTER]), [Effect::Command(load)]);
    let loaded = Loaded { name: "ben".to_owned(), by_us: Some(true) };
    on_event(&mut app, Event::Profile { headset: id.clone(), loaded: Some(loaded) });
    let unload = Command::Profile(ProfileCommand::Unload(id));
    assert_eq!(press(&mut app, [Key::ENTER]), [Effect::Command(unload)]);
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
fn enter_means_the_item_that_was_selected_however_the_list_changes() {
    let mut app = app();
    app.focus = Pane::Session;
    press(&mut app, [Key::char('r')]);
    let list = |app: &mut App, uuids: &[&str]| {
        let records = uuids.iter().map(|uuid| Record { title: "t".to_owned(), ..record(uuid) });
        on_event(app, Event::Records(RecordList { count: 9, records: records.collect() }));
    };
    let opened = |app: &App| match &app.dialog {
        Some(Dialog::Select(Select { menu: Menu::Record(id), .. })) => Some(id.to_string()),
        _ => None,
    };
    // The first of a list is held as soon as it is there.
    list(&mut app, &["b"]);
    list(&mut app, &["a", "b"]);
    press(&mut app, [Key::ENTER]);
    assert_eq!(opened(&app).as_deref(), Some("b"));
    press(&mut app, [Key::ESC, Key::char('r'), Key::DOWN]);
    list(&mut app, &["new", "a", "b"]);
    press(&mut app, [Key::ENTER]);
    assert_eq!(opened(&app).as_deref(), Some("b"));
    // One that is gone leaves no other in its place.
    press(&mut app, [Key::ESC, Key::char('r'), Key::DOWN]);
    list(&mut app, &["new", "b"]);
    press(&mut app, [Key::ENTER]);
    assert_eq!(opened(&app), None);
    press(&mut app, [Key::UP, Key::ENTER]);
    assert_eq!(opened(&app).as_deref(), Some("new"));
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

    // Quitting means what it says, whatever becomes of the record.
    let mut app = self::app();
    start(&mut app);
    press(&mut app, [Key::char('q')]);
    let ended = unordered_end(String::new());
    on_event(&mut app, Event::Record(ended));
    assert!(press(&mut app, [Key::char('y')]).contains(&Effect::Quit));
}

#[test]
fn keys_go_past_items_that_are_called_the_same() {
    let item = |text: &str| {
        MenuItem::new(text.to_owned(), String::new(), DialogAction::Effects(Vec::new()))
    };
    let items = ["14:25:33", "14:25:33", "14:25:32"].map(item);
    let mut select = Select::plain(Menu::Account);
    for _ in 0..2 {
        select.on_key(Key::DOWN, &items);
        select.follow(&items);
    }
    assert_eq!(select.selected(&items.iter().collect::<Vec<_>>()), Some(2));
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
    // What has come about by itself needs no answer any more.
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
fn quitting_and_disconnecting_ask_for_a_record_that_has_only_just_been_ordered() {
    let mut app = app();
    press(&mut app, [Key::char('R'), Key::ENTER]);
    assert_eq!(press(&mut app, typed("q")), []);
    assert!(question(&app).lines.concat().contains("just been ordered"));
    assert_eq!(press(&mut app, typed("y")), [Effect::Quit]);
    // Refused or long without an answer there is none.
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
fn a_label_typed_without_a_record_is_no_command() {
    let mut app = app();
    assert_eq!(press(&mut app, typed("mquiet q")), []);
    let Some(Dialog::Form(form)) = &app.dialog else { panic!("no form: {:?}", app.dialog) };
    assert!(form.notes.concat().contains("start one first (R)"), "{:?}", form.notes);
    // There is no text to fill in that would take the key which the form names.
    for key in [Key::char('R'), Key::ENTER] {
        press(&mut app, [Key::ESC, Key::char('m'), key]);
        let Some(Dialog::Form(form)) = &app.dialog else { panic!("no form: {:?}", app.dialog) };
        assert_eq!(form.kind, FormKind::StartRecord(SID.into()));
    }
}

#[test]
fn the_form_of_a_marker_says_what_is_in_the_way_now() {
    let note = |app: &App| match &app.dialog {
        Some(Dialog::Form(form)) => form.notes.concat(),
        other => panic!("no form: {other:?}"),
    };
    let mut app = app();
    start(&mut app);
    press(&mut app, typed("mrest"));
    // The record ends while a label is typed.
    on_event(&mut app, Event::Record(unordered_end("the connection was lost".to_owned())));
    assert!(note(&app).contains("start one first (R)"), "{}", note(&app));
    let error = Error::new(ErrorKind::Unreachable, "lost", "");
    let at = app.now.instant;
    on_event(&mut app, Event::Link(Link::Waiting { error, at, attempt: 1 }));
    assert!(note(&app).contains("there is no connection"), "{}", note(&app));
    let link = Link::Up { security: Security::Plain, step: ConnectionStep::Streaming };
    on_event(&mut app, Event::Link(link));
    let why = "lost".to_owned();
    on_event(&mut app, Event::Closed { session: SID.into(), why, ordered: false });
    assert!(note(&app).contains("open a headset in pane 1 first (enter)"), "{}", note(&app));
    let session = |id: &str, status| Session { id: id.into(), status, ..Session::default() };
    on_event(&mut app, Event::Session(session("t", SessionStatus::Opened)));
    app.sessions.current = Some("t".into());
    on_event(&mut app, Event::Session(session("t", SessionStatus::Opened)));
    assert!(note(&app).contains("activate the session in pane 2 first (a)"), "{}", note(&app));
    on_event(&mut app, Event::Session(session("t", SessionStatus::Activated)));
    let record = record("r2");
    let event = RecordEvent::Started { session: "t".into(), record, foreign: false };
    on_event(&mut app, Event::Record(event));
    let Some(Dialog::Form(form)) = &app.dialog else { panic!("no form") };
    assert!(matches!(form.kind, FormKind::Mark { .. }), "{form:?}");
}

#[test]
fn a_letter_that_a_choice_cannot_take_is_answered() {
    let options = vec!["CSV".to_owned(), "EDF".to_owned()];
    let field = FormField::choice("format", "", options, 0);
    let mut form = Form::new(String::new(), FormKind::ExportRecord("r".into()), vec![field]);
    form.on_key(Key::RIGHT);
    assert_eq!((form.fields[0].chosen(), &form.complaint), (1, &None));
    form.on_key(Key::char('R'));
    let complaint = form.complaint.as_ref().map(|(_, text)| text.as_str());
    assert_eq!(complaint, Some("left and right choose another"));
    form.on_key(Key::RIGHT);
    assert_eq!((form.fields[0].chosen(), &form.complaint), (0, &None));
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
    // A key that was on its way has seen nothing, nor has who types into a form.
    press(&mut app, [Key::TAB, Key::char('m')]);
    tick(&mut app, 3600);
    press(&mut app, typed("rest"));
    assert_eq!(unseen(&app), [text]);
    press(&mut app, [Key::ESC]);
    assert_eq!(unseen(&app), [text]);
    press(&mut app, [Key::TAB]);
    assert_eq!(unseen(&app), [""; 0]);
    // What the user has ordered is no news.
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

#[test]
fn typing_replaces_the_proposed_title_and_a_cursor_key_keeps_it() {
    let title = |app: &App| match &app.dialog {
        Some(Dialog::Form(form)) => form.fields[0].filled().to_owned(),
        other => panic!("no form: {other:?}"),
    };
    let mut app = app();
    press(&mut app, [Key::char('R')]);
    let proposed = title(&app);
    assert!(proposed.starts_with("20"), "{proposed}");
    press(&mut app, typed("rest"));
    assert_eq!(title(&app), "rest");
    press(&mut app, [Key::ESC, Key::char('R'), Key::END]);
    press(&mut app, typed(" b"));
    assert!(title(&app).starts_with("20") && title(&app).ends_with(" b"), "{}", title(&app));
    press(&mut app, [Key::ESC, Key::char('R'), Key::BACKSPACE]);
    assert_eq!(title(&app), "");
    press(&mut app, [Key::ESC, Key::char('R')]);
    app.update(Message::Paste("pasted".to_owned()));
    assert_eq!(title(&app), "pasted");
}
