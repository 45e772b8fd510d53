//! Focus, help, log, overview, mouse and configuration.

use super::*;

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

    // A user who is busy elsewhere is not interrupted.
    app.focus = Pane::Session;
    on_event(&mut app, up(ConnectionStep::Choosing));
    assert_eq!(app.focus, Pane::Session);
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
            reconnect: false,
            report: vec!["fps changed".to_owned(), "there is no setting \"x\"".to_owned()],
        })))
    };
    // The theme shown stays, whatever its index is now.
    let shown = ["auto", "mono", "mine"];
    assert_eq!(app.update(reloaded(None, &shown, Some(true))), [Effect::Mouse(true)]);
    assert_eq!(app.settings.themes[app.theme], "mono");
    assert!(app.notice.as_ref().expect("said").text.contains("fps changed · there is no"));
    assert_eq!((app.settings.fps, app.settings.alerts.loss), (20, None));
    app.update(Message::Key(Key::char('Z')));
    assert!(app.zoomed);
    assert_eq!(app.update(reloaded(Some("mine"), &shown, Some(true))), []);
    assert_eq!(app.settings.themes[app.theme], "mine");
    // A theme that is gone.
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
    // Another headset's streams are served instead of this one's.
    let other = LslState { headset: "INSIGHT-00000002".into(), ..state };
    app.update(Message::Lsl(Some(other)));
    let effects = press(&mut app, Key::char('L'));
    assert_eq!(effects[0], Effect::Lsl(Some(id.clone())));
    assert_eq!((effects.len(), &effects[2]), (3, &measure(true)));
}

#[test]
fn an_unknown_key_says_nothing_and_the_palette_has_the_key_of_each_command() {
    let mut app = app();
    app.notice = None;
    assert_eq!(press(&mut app, Key::char('~')), []);
    assert_eq!((&app.notice, &app.dialog), (&None, &None));
    let items = app.items(&dialog::Menu::Commands);
    for (row, keys) in app.settings.keymap.rows() {
        let Some(key) = keys.first().filter(|_| row.action != Action::Commands) else { continue };
        let action = dialog::DialogAction::Action(row.action);
        let item = items.iter().find(|item| item.action == action).expect(row.name);
        assert!(item.note.starts_with(&format!("{key} · ")), "{}: {}", row.name, item.note);
    }
}
