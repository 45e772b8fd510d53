use std::sync::MutexGuard;

use ratatui::text::Line;
use tracing::event;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};

use super::{lines::LONGEST, *};
use crate::app::{
    AppSettings, Effect, Key, Message, MouseInput, MouseTarget, Pane, log_targets::KEPT,
};
use cortop_client::Moment;

/// tui-logger has one buffer per process: this lock gives a test exclusive use of it.
static ALONE: Mutex<()> = Mutex::new(());

/// Logs as the program does, then collects the records as before a frame.
fn log(targets: &LogTargets, write: impl FnOnce()) {
    let layer = tui_logger::TuiTracingSubscriberLayer;
    let pane = tracing_subscriber::registry().with(targets.clone().and_then(layer));
    tracing::subscriber::with_default(pane, write);
    tui_logger::move_events();
}

fn app(lines: usize) -> (MutexGuard<'static, ()>, App, LogTargets) {
    let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    tui_logger::move_events();
    let targets = LogTargets::start(LevelFilter::Info);
    for at in 0..lines {
        log(
            &targets,
            || event!(target: "cortop_client::event", tracing::Level::INFO, "line {at:03}"),
        );
    }
    let settings = AppSettings { log: targets.clone(), ..AppSettings::default() };
    let mut app = App::new(settings, Moment::now());
    app.focus = Pane::Log;
    (alone, app, targets)
}

fn press(app: &mut App, keys: impl IntoIterator<Item = Key>) {
    for key in keys {
        app.update(Message::Key(key));
    }
}

/// The lines in a pane of so many rows, from top to bottom.
fn lines(app: &App, rows: u16) -> Vec<String> {
    let area = Rect::new(0, 0, 80, rows);
    let mut buffer = Buffer::empty(Rect { height: rows + 1, ..area });
    let text: FormatLine = Arc::new(|_, line| vec![Line::from(line.text.clone())]);
    app.log.draw(area, &mut buffer, &text);
    let rows = buffer.content.chunks(80).map(|row| {
        row.iter().map(ratatui::buffer::Cell::symbol).collect::<String>().trim().to_owned()
    });
    rows.filter(|row| !row.is_empty()).collect()
}

fn newest(app: &App) -> String {
    lines(app, 10).pop().unwrap_or_default()
}

#[test]
fn each_press_of_a_page_key_counts_and_the_oldest_line_is_one_key_away() {
    let (_alone, mut app, targets) = app(100);
    assert_eq!(newest(&app), "line 099");
    // No frame is drawn between the key presses.
    press(&mut app, [Key::PAGE_UP, Key::PAGE_UP, Key::PAGE_UP]);
    assert_eq!(newest(&app), "line 069");
    press(&mut app, [Key::PAGE_DOWN]);
    assert_eq!(newest(&app), "line 079");
    press(&mut app, [Key::HOME]);
    assert_eq!(lines(&app, 10).first().map(String::as_str), Some("line 000"));
    log(&targets, || {
        event!(target: "cortop", tracing::Level::INFO, "the newest");
    });
    assert_eq!(newest(&app), "line 009", "what is read stands still");
    press(&mut app, [Key::END]);
    assert_eq!(newest(&app), "the newest");
}

#[test]
fn lines_are_found_by_a_text() {
    let (_alone, mut app, targets) = app(100);
    press(&mut app, [Key::char('/')]);
    assert!(matches!(app.dialog, Some(Dialog::Form(_))));
    press(&mut app, "LINE 04".chars().map(Key::char).chain([Key::ENTER]));
    assert_eq!((lines(&app, 100).len(), newest(&app)), (10, "line 049".to_owned()));
    log(&targets, || {
        event!(target: "cortop", tracing::Level::INFO, "another");
    });
    assert_eq!((lines(&app, 100).len(), newest(&app)), (10, "line 049".to_owned()));
    press(&mut app, [Key::char('/'), Key::ctrl('u'), Key::ENTER]);
    assert_eq!(lines(&app, 200).len(), 101);
    press(&mut app, [Key::char('/')]);
    press(&mut app, "nowhere".chars().map(Key::char).chain([Key::ENTER, Key::PAGE_UP]));
    assert_eq!(lines(&app, 100), [""; 0]);
}

#[test]
fn a_click_on_a_line_selects_it_for_copying_and_moves_nothing() {
    let (_alone, mut app, targets) = app(100);
    let before = lines(&app, 10);
    let (at, rows) = app.log.in_sight()[3];
    assert_eq!((rows, before[3].as_str()), (1, "line 093"));
    let click =
        |app: &mut App, at| app.update(Message::Mouse(MouseTarget::LogLine(at), MouseInput::Click));
    app.focus = Pane::Streams;
    assert_eq!(click(&mut app, at), []);
    assert_eq!((app.focus, app.log.selected_line), (Pane::Log, Some(at)));
    assert_eq!(lines(&app, 10), before, "what is read stands still");
    let copied = app.update(Message::Key(Key::char('y')));
    assert_eq!(copied, [Effect::Copy("line 093".to_owned())]);
    // Later records move the lines, not the selection; a second click deselects.
    log(&targets, || {
        event!(target: "cortop", tracing::Level::INFO, "the newest");
    });
    assert_eq!(app.log.selected_text().as_deref(), Some("line 093"));
    click(&mut app, at);
    assert_eq!(app.log.selected_text(), None);
}

#[test]
fn requests_are_captured_and_shown_by_two_keys_without_a_restart() {
    let (_alone, mut app, targets) = app(0);
    let request = || {
        log(&targets, || {
            event!(target: "cortop_client::link", tracing::Level::DEBUG, "asked");
        });
    };
    let said = |app: &App| app.notice.as_ref().map(|notice| notice.text.clone());
    request();
    assert_eq!(lines(&app, 9).len(), 0);
    assert_eq!(TARGETS[app.log.selected].0, "requests");
    press(&mut app, [Key::char('s')]);
    assert_eq!(said(&app).as_deref(), Some("requests: shown up to debug, captured up to info"));
    press(&mut app, [Key::char('c')]);
    assert_eq!(said(&app).as_deref(), Some("requests: captured up to debug"));
    request();
    assert_eq!(lines(&app, 9).len(), 1);
    // Other targets stay as they are.
    log(&targets, || {
        event!(target: "cortop_client::poll", tracing::Level::DEBUG, "asked");
    });
    assert_eq!(lines(&app, 9).len(), 1);
    log(&targets, || {
        event!(target: "elsewhere", tracing::Level::INFO, "said");
    });
    assert_eq!(lines(&app, 9), ["asked", "said"]);
    press(&mut app, [Key::char('f')]);
    assert_eq!(lines(&app, 9), ["asked"]);
    press(&mut app, [Key::char('f'), Key::char('s'), Key::char('s')]);
    assert_eq!(said(&app).as_deref(), Some("requests: shown up to off"));
    assert_eq!(lines(&app, 9), ["said"]);
}

#[test]
fn the_log_is_bounded_in_lines_and_in_their_length() {
    let (_alone, mut app, targets) = app(KEPT);
    press(&mut app, [Key::HOME]);
    for at in KEPT..2 * KEPT {
        log(
            &targets,
            || event!(target: "cortop_client::event", tracing::Level::INFO, "line {at:03}"),
        );
    }
    assert_eq!(lines(&app, 10).first().map(String::as_str), Some("line 1024"));
    log(
        &targets,
        || event!(target: "elsewhere", tracing::Level::WARN, "{}", "ä\n".repeat(LONGEST)),
    );
    press(&mut app, [Key::END]);
    let kept = Arc::new(Mutex::new(Vec::new()));
    let keep = Arc::clone(&kept);
    let area = Rect::new(0, 0, 1, 1);
    let keep: FormatLine = Arc::new(move |_, line| {
        keep.lock().expect("free").push(line.text.clone());
        Vec::new()
    });
    let mut buffer = Buffer::empty(Rect { height: 2, ..area });
    app.log.draw(area, &mut buffer, &keep);
    let kept = kept.lock().expect("free");
    assert_eq!(kept.len(), KEPT);
    assert!(kept[0].len() <= LONGEST && !kept[0].contains(char::is_control));
}

#[test]
fn a_line_of_a_crate_that_logs_by_log_begins_with_who_says_it() {
    let (_alone, app, targets) = app(0);
    log(&targets, || {
        event!(target: "log", tracing::Level::INFO,
            { log.file = "a.rs", log.line = 7, log.target = "rustls::hs" },
            "no suite"
        );
    });
    assert_eq!(newest(&app), "rustls::hs no suite");
}
