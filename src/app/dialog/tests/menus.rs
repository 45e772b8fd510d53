//! Lists to select from.

use super::*;

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
    // Everything that can be done with each object, as in its own list.
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
    // Words in any order, including those of the help.
    press(&mut app, typed(":window short").chain([Key::ENTER]));
    assert!((app.streams.window() - 5.0).abs() < 1e-9);
    // Matches of letters in order come after those of whole words.
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
fn a_profile_is_loaded_or_unloaded_by_whether_it_is_in_use() {
    use cortop_client::{ProfileCommand, profile::LoadedProfile};
    let mut app = app();
    app.focus = Pane::Session;
    let list = Effect::Command(Command::Profile(ProfileCommand::List));
    assert_eq!(press(&mut app, [Key::char('p')]), [list]);
    let profile = |name: &str| Profile { name: name.to_owned(), ..Profile::default() };
    on_event(&mut app, Event::Profiles(vec![profile("ana"), profile("ben")]));
    let id = HeadsetId::from("EPOCX-00000001");
    let load = Command::Profile(ProfileCommand::Load(id.clone(), "ben".to_owned()));
    assert_eq!(press(&mut app, [Key::DOWN, Key::ENTER]), [Effect::Command(load)]);
    let loaded = LoadedProfile { name: "ben".to_owned(), by_us: Some(true) };
    on_event(&mut app, Event::Profile { headset: id.clone(), loaded: Some(loaded) });
    let unload = Command::Profile(ProfileCommand::Unload(id));
    assert_eq!(press(&mut app, [Key::ENTER]), [Effect::Command(unload)]);
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
    // The first item is selected as soon as it appears.
    list(&mut app, &["b"]);
    list(&mut app, &["a", "b"]);
    press(&mut app, [Key::ENTER]);
    assert_eq!(opened(&app).as_deref(), Some("b"));
    press(&mut app, [Key::ESC, Key::char('r'), Key::DOWN]);
    list(&mut app, &["new", "a", "b"]);
    press(&mut app, [Key::ENTER]);
    assert_eq!(opened(&app).as_deref(), Some("b"));
    // An item that disappears does not pass its selection on.
    press(&mut app, [Key::ESC, Key::char('r'), Key::DOWN]);
    list(&mut app, &["new", "b"]);
    press(&mut app, [Key::ENTER]);
    assert_eq!(opened(&app), None);
    press(&mut app, [Key::UP, Key::ENTER]);
    assert_eq!(opened(&app).as_deref(), Some("new"));
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
