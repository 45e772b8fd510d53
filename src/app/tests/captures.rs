//! The keys of captures, written and played.

use std::path::PathBuf;

use super::*;
use crate::playback::{PlaybackCommand, PlaybackState};
use cortop_files::capture::CaptureState;

#[test]
fn a_key_asks_for_the_file_of_a_capture_and_ends_it() {
    let mut app = app();
    assert_eq!(press(&mut app, Key::char('C')), []);
    let Some(Dialog::Form(form)) = &app.dialog else { panic!("no form") };
    assert!(form.fields[0].filled().ends_with(".jsonl.zst"), "{form:?}");
    for char in "/tmp/a.jsonl".chars() {
        press(&mut app, Key::char(char));
    }
    let path = PathBuf::from("/tmp/a.jsonl");
    assert_eq!(press(&mut app, Key::ENTER), [Effect::Capture(Some(path.clone()))]);
    let state = CaptureState { path, bytes: 0, lost: 0, error: None };
    app.update(Message::Capture(Some(state.clone())));
    assert_eq!(app.notice(), Some("capturing to /tmp/a.jsonl"));
    app.update(Message::Capture(Some(CaptureState { bytes: 5, ..state })));
    assert_eq!(press(&mut app, Key::char('C')), [Effect::Capture(None)]);
    app.update(Message::Capture(None));
    assert_eq!(app.notice(), Some("captured to /tmp/a.jsonl"));
}

#[test]
fn a_capture_that_cannot_be_written_is_said_once_until_it_is_seen() {
    let mut app = app();
    let state = CaptureState { path: "/tmp/a.jsonl".into(), bytes: 5, lost: 0, error: None };
    app.update(Message::Capture(Some(state.clone())));
    let failed = CaptureState { error: Some("no space".to_owned()), ..state };
    app.update(Message::Capture(Some(failed.clone())));
    let said = "/tmp/a.jsonl cannot be written any more (no space); what it holds is intact";
    app.update(Message::Capture(Some(CaptureState { bytes: 6, ..failed })));
    let unseen: Vec<_> = app.unseen.iter().map(|own| own.text.as_str()).collect();
    assert_eq!(unseen, [said]);
}

fn playing() -> PlaybackState {
    let seconds = Duration::from_secs;
    PlaybackState {
        name: "a.jsonl".to_owned(),
        position: seconds(60),
        length: seconds(600),
        speed: 1.0,
        is_paused: false,
        is_seeking: false,
        markers: [20, 59, 90].map(seconds).into(),
        problems: Vec::new(),
    }
}

#[test]
fn keys_play_a_capture_and_say_where_there_is_none() {
    let mut app = app();
    let keys = ['{', '}', ',', '.', '@', '('];
    for key in keys {
        app.notice = None;
        assert_eq!(press(&mut app, Key::char(key)), [], "{key}");
        assert_eq!(app.notice(), Some("only in a capture: cortop open FILE"), "{key}");
        assert!(app.dialog.is_none());
    }
    app.update(Message::Playback(playing()));
    let seek = |seconds| [Effect::Playback(PlaybackCommand::Seek(Duration::from_secs(seconds)))];
    for (key, effect) in [
        (Key::char('{'), [Effect::Playback(PlaybackCommand::Slower)]),
        (Key::char('}'), [Effect::Playback(PlaybackCommand::Faster)]),
        (Key::char(','), seek(50)),
        (Key::char('.'), seek(70)),
        (Key::char(')'), seek(90)),
        // The marker just played must not hold the key back.
        (Key::char('('), seek(20)),
        (Key::SPACE, [Effect::Playback(PlaybackCommand::Pause(true))]),
    ] {
        assert_eq!(press(&mut app, key), effect, "{key}");
    }
    app.update(Message::Playback(PlaybackState { is_paused: true, ..playing() }));
    assert_eq!(press(&mut app, Key::SPACE), [Effect::Playback(PlaybackCommand::Pause(false))]);
    app.update(Message::Playback(PlaybackState { position: Duration::from_secs(95), ..playing() }));
    assert_eq!(press(&mut app, Key::char(')')), []);
    assert_eq!(app.notice(), Some("no later marker"));

    press(&mut app, Key::char('@'));
    for char in "+5".chars() {
        press(&mut app, Key::char(char));
    }
    assert_eq!(press(&mut app, Key::ENTER), seek(100));
    press(&mut app, Key::char('@'));
    press(&mut app, Key::char('x'));
    assert_eq!(press(&mut app, Key::ENTER), []);
    assert!(app.dialog.is_some(), "it says how to write it");
    press(&mut app, Key::ESC);
    assert_eq!(press(&mut app, Key::char('C')), []);
    assert_eq!(app.notice(), Some("this is a capture already"));
    for key in ['L', 'W'] {
        assert_eq!(press(&mut app, Key::char(key)), [], "{key}");
        assert!(app.notice().is_some_and(|text| text.contains("no live streams")), "{key}");
    }
}

/// What was learned is discarded, what the user set is kept.
#[test]
fn a_capture_that_begins_anew_keeps_what_the_user_set() {
    let mut app = app();
    app.update(Message::Playback(playing()));
    on_event(&mut app, Event::Session(session("s", SessionStatus::Activated)));
    press(&mut app, Key::char('p'));
    press(&mut app, Key::char('z'));
    let view = app.view();
    app.restart(app.now);
    assert!(app.live_sessions().next().is_none());
    assert_eq!((app.view(), app.zoomed, app.playback.is_some()), (view, true, true));
}
