//! Forms: what is filled in, what is rejected, and what follows.

use super::*;

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
    assert_eq!(complaint(&app), Some((0, "required".to_owned())));
    // When Cortex refuses the command, the form returns as it was filled in.
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
    // A later refusal under the same name, of this command or of another.
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
    // A digit alone chooses a label, but a digit within a text does not.
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
    // The next list shows what Cortex reported.
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
fn a_label_typed_without_a_record_is_no_command() {
    let mut app = app();
    assert_eq!(press(&mut app, typed("mquiet q")), []);
    let Some(Dialog::Form(form)) = &app.dialog else { panic!("no form: {:?}", app.dialog) };
    assert!(form.notes.concat().contains("start one first (R)"), "{:?}", form.notes);
    // The form has no text field that would take the key it names.
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

#[test]
fn a_form_whose_files_cannot_be_started_comes_back_with_the_reason_and_no_flag() {
    for (key, at, words) in [('W', 3, "choose another"), ('C', 0, "choose another folder")] {
        let mut app = app();
        press(&mut app, [Key::char(key)]);
        press(&mut app, typed("typed").chain([Key::ENTER]));
        assert_eq!(app.dialog, None);
        let why = format!("the folder /x is not writable (denied): {words} with --out");
        app.update(Message::NotStarted(why));
        let Some(Dialog::Form(form)) = &app.dialog else { panic!("no form") };
        assert_eq!(form.fields[0].filled(), "typed");
        let complaint = (at, format!("the folder /x is not writable (denied): {words}"));
        assert_eq!(form.complaint, Some(complaint));
    }
}
