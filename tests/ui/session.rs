//! What the session pane shows for each field of the session object in each state of a session: at 80×24,
//! unfolded, and copied.

use std::time::Duration;

use cortop::app::{Effect, Key, Pane};
use cortop_client::{
    Event, Headset, Record, RecordEvent, Session, record::RecordList, session::SessionStatus,
};
use serde_json::json;

use crate::{
    HEADSET, SID,
    fixture::{Fixture, options, session},
};

const NAMES: [&str; 11] = [
    "id",
    "status",
    "owner",
    "license",
    "appId",
    "started",
    "stopped",
    "streams",
    "recordIds",
    "recording",
    "headset",
];

/// What a field shows in the pane and unfolded, and what `y` copies; `Err` with the notice if it copies
/// nothing.
type Row = (&'static str, &'static str, Result<&'static str, &'static str>);

const LICENSE: &str = "66666666-7777-4888-8999-aaaaaaaaaaaa";
const STARTED: &str = "2026-01-09T15:25:30.123+01:00";

fn fixture(session: Session) -> Fixture {
    let mut fixture = Fixture::new(&options()).linked(cortop_client::ConnectionStep::Streaming);
    fixture.on_event(Event::Licence(cortop_client::account::Licence {
        license_id: LICENSE.to_owned(),
        license_name: "EmotivPRO".to_owned(),
        scopes: vec!["eeg".to_owned()],
        local_quota: Some(10.0),
        ..Default::default()
    }));
    fixture.on_event(Event::Session(session));
    fixture.forward(Duration::from_secs(3));
    fixture.focus(Pane::Session);
    fixture
}

/// The text of pane 2 without its frame and without blanks, so that line breaks do not matter.
fn pane(fixture: &Fixture) -> String {
    let screen = fixture.text(80, 24);
    let rows = screen.lines().skip_while(|line| !line.contains("[2] session"));
    let inside = rows.skip(1).map(|line| line.chars().skip(1).take(26).collect::<String>());
    inside
        .take_while(|line| !line.starts_with('━'))
        .collect::<String>()
        .replace([' ', '▲', '▼'], "")
}

/// Selects a field by its index.
fn select(fixture: &mut Fixture, at: usize) {
    for _ in NAMES {
        fixture.press(Key::UP);
    }
    for _ in 0..at {
        fixture.press(Key::DOWN);
    }
}

/// Compares each field with its row.
fn check(case: &str, mut fixture: Fixture, rows: &[Row; 11]) {
    for _ in NAMES {
        fixture.press(Key::UP);
    }
    for (name, &(short, whole, copied)) in NAMES.into_iter().zip(rows) {
        let has = |fixture: &Fixture, text: &str| {
            let (pane, text) = (pane(fixture), text.replace(' ', ""));
            assert!(pane.contains(&text), "{case}, {name}: no {text} in\n{}", fixture.text(80, 24));
        };
        fixture.shorten_notice();
        has(&fixture, &format!("{name}{short}"));
        fixture.press(Key::ENTER);
        has(&fixture, whole);
        fixture.press(Key::ENTER);
        let effects = fixture.press(Key::char('y'));
        let said = fixture.notice().unwrap_or_default().to_owned();
        match copied {
            Ok(text) => {
                let is_copied =
                    |effect: &Effect| matches!(effect, Effect::Copy(all) if all.contains(text));
                assert!(effects.iter().any(is_copied), "{case}, {name}: {effects:?}, {said}");
            }
            Err(why) => {
                assert_eq!(effects, [], "{case}, {name}");
                assert!(said.contains(name) && said.contains(why), "{case}, {name}: {said}");
            }
        }
        fixture.press(Key::DOWN);
    }
}

/// What one would pay for is said before it is paid.
#[test]
fn without_scope_eeg_an_activation_is_not_offered_for_eeg() {
    let opened = Session { license: Some(String::new()), ..session(SessionStatus::Opened) };
    let mut fixture = fixture(opened);
    fixture.on_event(Event::Licence(cortop_client::account::Licence {
        scopes: vec!["pm".to_owned()],
        local_quota: Some(10.0),
        ..Default::default()
    }));
    let text = fixture.text(120, 40);
    assert!(text.contains("only for"), "{text}");
    fixture.type_in("2a");
    let text = fixture.text(120, 40);
    for words in ["has no scope eeg", "there will be no EEG", "records", "metrics"] {
        assert!(text.contains(words), "{words}: {text}");
    }
}

const EMPTY: Result<&str, &str> = Err("is empty");
const UNTOLD: Result<&str, &str> = Err("Cortex did not say");
const ID: Row = ("11111111-2222-43", "11111111-2222-4333-8444-555555555555", Ok(SID));
const OWNER: Row = ("ana.lab", "EmotivID", Ok("ana.lab"));
const APP: Row = ("com.ana.monitor", "application that created it", Ok("com.ana.monitor"));
const START: Row = ("14:25:30", "2026-01-09 15:25:30.123 +01:00 ≈5 s", Ok(STARTED));
const LAST: Row = (HEADSET, "customName Lab 3", Ok("\"customName\":\"Lab 3\""));
const NINE: &str = "eeg mot dev eq pow met com fac sys";

#[test]
fn open() {
    let opened = Session { license: Some(String::new()), ..session(SessionStatus::Opened) };
    check(
        "open",
        fixture(opened),
        &[
            ID,
            (
                "opened: no EEG, no records; a uses 1 of 10",
                "opened: no EEG, no records; a uses 1 of 10",
                Ok("opened"),
            ),
            OWNER,
            ("– not activated", "not activated", EMPTY),
            APP,
            START,
            ("– (still open)", "– (still open)", EMPTY),
            (NINE, "eeg EEG", Ok("[\"eeg\",\"mot\",")),
            ("none", "none", EMPTY),
            ("no", "no", Ok("false")),
            LAST,
        ],
    );
}

#[test]
fn activated_with_a_record() {
    let mut fixture = fixture(Session {
        record_ids: Some(vec!["r-1".to_owned(), "r-2".to_owned()]),
        recording: Some(true),
        ..session(SessionStatus::Activated)
    });
    let record = |uuid: &str, end: &str| Record {
        uuid: uuid.into(),
        title: format!("title of {uuid}"),
        end_datetime: end.to_owned(),
        ..Record::default()
    };
    let records = vec![record("r-2", ""), record("r-1", "2026-01-09T15:26:00+01:00")];
    fixture.on_event(Event::Records(RecordList { count: 2, records }));
    check(
        "activated",
        fixture,
        &[
            ID,
            ("activated licence debited", "licence debited", Ok("activated")),
            OWNER,
            (LICENSE, "EmotivPRO", Ok(LICENSE)),
            APP,
            START,
            ("– (still open)", "– (still open)", EMPTY),
            (NINE, "sys training events", Ok("sys")),
            (
                "2 records, newest r-2",
                "2 recordstitle of r-2 · running r-2 title of r-1 · ended r-1",
                Ok("[\"r-1\",\"r-2\"]"),
            ),
            ("● yes a record is", "● yes a record is running", Ok("true")),
            LAST,
        ],
    );
}

/// The object in the answer to `close`; it need not have every member.
fn last_word() -> Session {
    Session::from(json!({
        "id": SID, "license": "", "recording": false, "status": "closed",
        "stopped": "2026-01-09T15:25:34.500+01:00", "streams": [],
    }))
}

fn recorded() -> Session {
    Session {
        record_ids: Some(vec!["r-1".to_owned()]),
        recording: Some(true),
        ..session(SessionStatus::Activated)
    }
}

fn closed(status: &'static str) -> [Row; 11] {
    [
        ID,
        (
            status,
            "closed: cannot be used again; enter on the headset opens a new one",
            Ok("closed"),
        ),
        OWNER,
        ("– no licence in use", "no licence in use", EMPTY),
        APP,
        START,
        ("14:25:34", "2026-01-09 15:25:34.500 +01:00", Ok("2026-01-09T15:25:34.500+01:00")),
        ("none", "none", EMPTY),
        ("1 record, r-1", "title unknown · state unknown r-1", Ok("[\"r-1\"]")),
        ("no", "no", Ok("false")),
        LAST,
    ]
}

#[test]
fn closed_by_us_it_shows_the_answer_to_close() {
    let mut fixture = fixture(recorded());
    fixture.on_event(Event::Session(last_word()));
    fixture.on_event(Event::Closed {
        session: SID.into(),
        why: "closed by you".to_owned(),
        ordered: true,
    });
    let text = pane(&fixture);
    assert!(text.contains("closed0sago:closedbyyou"), "{text}");
    let zoomed = |fixture: &mut Fixture| {
        fixture.zoom();
        let text = fixture.text(80, 24);
        fixture.zoom();
        text
    };
    let text = zoomed(&mut fixture);
    assert!(text.contains("lasted 4 s · 1 activation debited · 1 record"), "{text}");
    check("closed by us", fixture, &closed("closed: cannot be"));
}

#[test]
fn closed_by_cortex_without_a_word_it_says_what_is_not_known() {
    let mut fixture = fixture(recorded());
    let why = "closed by Cortex".to_owned();
    fixture.on_event(Event::Closed { session: SID.into(), why, ordered: false });
    let mut rows = closed("closed: cannot be");
    rows[3] = (LICENSE, "in use before it closed", Ok(LICENSE));
    let stopped = "unknown, closed at 14:25:36 by this computer's clock";
    rows[6] = ("unknown, closed", stopped, Err("Cortex did not say"));
    check("closed by Cortex", fixture, &rows);
}

#[test]
fn found_closed_nothing_can_be_done_with_it_any_more() {
    let mut fixture = fixture(recorded());
    fixture.on_event(Event::Session(last_word()));
    let text = fixture.text(120, 24);
    let keys = text.lines().last().unwrap_or_default();
    assert!(!keys.contains("activate") && !keys.contains("close"), "{text}");
    fixture.on_event(Event::Closed {
        session: SID.into(),
        why: "closed by another program".to_owned(),
        ordered: false,
    });
    let text = pane(&fixture);
    assert!(text.contains("closedbyanotherprogram"), "{text}");
    check("closed by another program", fixture, &closed("closed: cannot be"));
}

#[test]
fn what_is_missing_is_unknown_and_no_value() {
    let untold = ("– · Cortex did", "– Cortex did not say", UNTOLD);
    let short = ("–", "– Cortex did not say", UNTOLD);
    let mut bare = Session::from(json!({ "id": SID }));
    bare.headset = Headset::default();
    let mut rows = [untold; 11].map(|_| short);
    rows[0] = ID;
    rows[10] = ("–", "status", UNTOLD);
    check("missing", fixture(bare), &rows);
}

#[test]
fn what_is_empty_is_not_called_unknown() {
    let text = ("– · empty", "– empty", EMPTY);
    let bare = json!({ "id": SID, "owner": "", "appId": "", "started": "" });
    let mut rows = [("–", "– Cortex did not say", UNTOLD); 11];
    rows[0] = ID;
    rows[2] = text;
    rows[4] = text;
    rows[5] = text;
    rows[10] = ("–", "status", UNTOLD);
    check("empty", fixture(Session::from(bare)), &rows);
}

#[test]
fn what_is_unknown_to_this_program_is_shown_as_it_came() {
    let odd = Session::from(json!({
        "id": SID, "status": "melted", "owner": "ana.lab", "license": "", "appId": "com.ana.monitor",
        "started": "yesterday", "stopped": "never", "streams": ["xyz", "eeg"], "recordIds": [],
        "recording": false, "newMember": {"a": 1}, "headset": {"id": HEADSET, "customName": "Lab 3"},
    }));
    let mut fixture = fixture(odd);
    fixture.press(Key::char('z'));
    let text = fixture.text(80, 24);
    let place = |what: &str| text.find(what).expect("shown");
    assert!(place("newMember {\"a\":1}") > place("headset   "), "{text}");
    fixture.press(Key::char('z'));
    check(
        "unknown",
        fixture,
        &[
            ID,
            ("melted", "melted unknown to this program", Ok("melted")),
            OWNER,
            ("– not activated", "not activated", EMPTY),
            APP,
            ("yesterday", "yesterday", Ok("yesterday")),
            ("never", "never", Ok("never")),
            ("eeg xyz", "eeg EEG xyz", Ok("[\"xyz\",\"eeg\"]")),
            ("none", "none", EMPTY),
            ("no", "no", Ok("false")),
            LAST,
        ],
    );
}

#[test]
fn an_activated_session_with_an_empty_licence_is_not_called_debited_and_not_activated_at_once() {
    let mut fixture =
        fixture(Session { license: Some(String::new()), ..session(SessionStatus::Activated) });
    for _ in 0..3 {
        fixture.press(Key::DOWN);
    }
    let text = pane(&fixture);
    assert!(text.contains("empty,although") && !text.contains("notactivated"), "{text}");
}

#[test]
fn the_longest_values_are_readable_to_their_end() {
    let parts: Vec<String> = (0..250).map(|at| format!("{at:03}.")).collect();
    let long = parts.concat();
    let records: Vec<String> = (0..30).map(|at| format!("record-{at:02}")).collect();
    let mut fixture = fixture(Session {
        owner: Some(long.clone()),
        app_id: Some(long.clone()),
        record_ids: Some(records.clone()),
        ..session(SessionStatus::Activated)
    });
    for (at, parts) in [
        (2, parts),
        (8, records.iter().rev().cloned().collect()),
        (10, vec!["AF3".to_owned(), "MAGZ".to_owned(), "isDfuMode".to_owned()]),
    ] {
        select(&mut fixture, at);
        fixture.press(Key::ENTER);
        let mut seen = pane(&fixture);
        assert!(seen.contains(NAMES[at]), "{seen}");
        if at == 8 {
            assert!(seen.contains("30records"), "{seen}");
        }
        let mut pages = 0;
        loop {
            fixture.press(Key::PAGE_DOWN);
            let next = pane(&fixture);
            if seen.ends_with(&next) {
                break;
            }
            seen += &next;
            pages += 1;
            assert!(pages < 100, "no end");
        }
        for part in parts {
            assert!(seen.contains(&part), "{part} of {} in {seen}", NAMES[at]);
        }
        // As many presses back.
        for _ in 0..pages {
            fixture.press(Key::PAGE_UP);
        }
        let first = pane(&fixture);
        assert!(seen.starts_with(&first), "{first}");
        fixture.press(Key::ENTER);
    }
}

#[test]
fn members_of_the_headset_that_tick_are_no_change() {
    let ticking = |value: u64| {
        let mut session = session(SessionStatus::Activated);
        session.headset.other =
            json!({ "systemUpTime": value }).as_object().cloned().unwrap_or_default();
        session
    };
    let mut fixture = fixture(ticking(1));
    fixture.on_event(Event::Session(ticking(2)));
    assert!(!pane(&fixture).contains('◆'), "{}", fixture.text(80, 24));
    let mut other = ticking(3);
    other.headset.custom_name = "Lab 4".to_owned();
    other.streams = Some(vec!["eeg".to_owned()]);
    fixture.on_event(Event::Session(other.clone()));
    let text = pane(&fixture);
    assert!(text.contains("◆streams"), "{text}");
    // A different order is not a change.
    fixture.forward(Duration::from_secs(6));
    other.streams = Some(vec!["eeg".to_owned()]);
    fixture.on_event(Event::Session(other));
    assert!(!pane(&fixture).contains('◆'), "{}", fixture.text(80, 24));
}

#[test]
fn the_history_has_every_change_and_the_predecessor() {
    let first = Session { streams: Some(Vec::new()), ..session(SessionStatus::Opened) };
    let mut fixture = fixture(first.clone());
    let streams = Some(vec!["mot".to_owned(), "com".to_owned()]);
    fixture.on_event(Event::Session(Session { streams: streams.clone(), ..first.clone() }));
    let activated = Session { streams, ..session(SessionStatus::Activated) };
    fixture.on_event(Event::Session(activated.clone()));
    fixture.on_event(Event::Closed {
        session: SID.into(),
        why: "closed by another program".to_owned(),
        ordered: false,
    });
    fixture.on_event(Event::Session(Session { id: "second".into(), ..activated }));
    let history = |fixture: &mut Fixture| {
        fixture.press(Key::char('h'));
        let text = fixture.text(160, 48);
        fixture.press(Key::ESC);
        text
    };
    let second = history(&mut fixture);
    assert!(second.contains(&format!("in place of {SID}")), "the new one is shown: {second}");
    fixture.press(Key::ENTER);
    assert!(pane(&fixture).contains("openedinplaceof"), "{}", fixture.text(80, 24));
    fixture.press(Key::char('n'));
    let first = history(&mut fixture);
    for what in ["mot com subscribed by another program", "activated", "closed by another program"]
    {
        assert!(first.contains(what), "{what}: {first}");
    }
}

#[test]
fn closed_sessions_leave_the_list_after_a_while_but_not_the_one_shown() {
    let mut fixture = fixture(session(SessionStatus::Activated));
    let mut other = session(SessionStatus::Opened);
    other.id = "other".into();
    other.headset.id = "INSIGHT-0A1B2C3D".into();
    fixture.on_event(Event::Session(other));
    for id in [SID, "other"] {
        fixture.on_event(Event::Closed {
            session: id.into(),
            why: "closed by you".to_owned(),
            ordered: true,
        });
    }
    fixture.forward(Duration::from_secs(4 * 60));
    let text = fixture.text(80, 24);
    assert!(text.contains("[2] session 1 of 2"), "{text}");
    fixture.forward(Duration::from_secs(61));
    let text = fixture.text(80, 24);
    assert!(text.contains("[2] session") && !text.contains(" of 2"), "{text}");
    select(&mut fixture, 0);
    fixture.press(Key::ENTER);
    assert!(pane(&fixture).contains(SID), "{}", fixture.text(80, 24));
}

#[test]
fn while_cortex_does_not_answer_the_pane_says_how_old_it_is() {
    let mut fixture = fixture(session(SessionStatus::Activated));
    let asked = fixture.now().instant;
    fixture.forward(Duration::from_secs(4));
    fixture.on_event(Event::SessionsAsOf(asked));
    let text = pane(&fixture);
    assert!(text.contains("asof4sago"), "{text}");
    fixture.on_event(Event::Sessions(Vec::new()));
    assert!(!pane(&fixture).contains("asof"), "{}", fixture.text(80, 24));
}

#[test]
fn a_record_event_does_not_outlive_its_session() {
    let mut fixture = fixture(recorded());
    let record = Record { uuid: "r-1".into(), ..Record::default() };
    let ended = RecordEvent::Ended {
        session: SID.into(),
        record,
        why: "its session was closed".to_owned(),
        ordered: true,
    };
    fixture.on_event(Event::Record(ended));
    fixture.on_event(Event::Closed {
        session: SID.into(),
        why: "closed by Cortex".to_owned(),
        ordered: false,
    });
    select(&mut fixture, 9);
    assert!(pane(&fixture).contains("recordingno"), "{}", fixture.text(80, 24));
}

/// By Cortex's clock, which may differ from ours, and however long ago it was.
#[test]
fn the_age_of_a_session_stands_in_a_narrow_pane_too() {
    for (minutes, age) in [(8, " ≈8 min"), (12, " · ≈12m"), (65, " ≈1h05m"), (3000, " · ≈2d")]
    {
        let mut fixture = fixture(session(SessionStatus::Activated));
        fixture.forward(Duration::from_secs(60 * minutes));
        let text = fixture.text(80, 24);
        let row = text.lines().find(|line| line.contains(" started ")).expect("a row");
        let row: String = row.chars().skip(12).take(15).collect();
        assert_eq!(row.trim_end(), format!("14:25:30{age}"));
    }
}

/// Each line of the history is fully visible.
#[test]
fn the_history_is_shown_whole() {
    let mut fixture = fixture(session(SessionStatus::Activated));
    let why = "Cortex closed it as the headset was lost, and the service says that it will be back \
               as soon as somebody has charged its battery";
    fixture.on_event(Event::Closed { session: SID.into(), why: why.to_owned(), ordered: false });
    fixture.until_the_notice_is_gone();
    fixture.press(Key::char('h'));
    let text = fixture.text(80, 24);
    let last = text.lines().position(|line| line.contains("Esc: close")).expect("a box");
    let lines = text.lines().take(last).map(|line| line.chars().skip(3).take(74));
    let shown = lines.map(String::from_iter).collect::<Vec<_>>().join(" ").replace('│', " ");
    let shown = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(shown.contains(&format!("closed: {why}")), "{text}");
}
