//! The screen of the simulator and the proxy as drawn.

use ratatui::{Terminal, backend::TestBackend};

use crate::{
    app::Key,
    traffic::{Traffic, TrafficAbout, TrafficSettings},
    ui::{Ui, UiOptions},
};
use cortop_client::wire::Side;
use cortop_sim::journal::{
    Advice, ClientSummary, Entry, JournalEvent, Mistake, OpenSession, Refusal,
};
use jiff::{Timestamp, ToSpan as _, tz::TimeZone};

/// A simulator with two clients, one of which makes mistakes.
fn busy() -> Traffic {
    let began: Timestamp = "2026-01-09T08:10:00Z".parse().expect("a time");
    let mut traffic = Traffic::new(TrafficSettings {
        about: TrafficAbout {
            title: "sim",
            service: String::new(),
            url: "wss://localhost:6868".to_owned(),
            notes: vec!["root certificate: ca/root.pem".to_owned()],
        },
        has_faults: true,
        themes: vec!["auto".to_owned()],
        theme: 0,
        began,
    });
    let request = |request, method: &str, subject: &str| JournalEvent::Request {
        request,
        method: method.to_owned(),
        subject: subject.to_owned(),
    };
    let answer = |request, refusal, took| JournalEvent::Answer {
        request,
        method: String::new(),
        subject: String::new(),
        refusal,
        took,
    };
    let refusal =
        Refusal { code: -32004, message: "The headset is currently not available.".to_owned() };
    let fault =
        |fault: &str| JournalEvent::Fault { fault: fault.to_owned(), headset: None, stream: None };
    let advice =
        |mistake, text: &str| JournalEvent::Advice(Advice { mistake, text: text.to_owned() });
    let events = [
        (1, JournalEvent::Connected),
        (1, request(1, "authorize", "")),
        (1, answer(1, None, 0.000_4)),
        (1, request(2, "createSession", "active EPOCX-1A2B3C4D")),
        (1, answer(2, Some(refusal), 0.000_2)),
        (
            1,
            advice(
                Mistake::HeadsetNotConnected,
                "the headset is not connected: call controlDevice with connect, and wait for warning 104 \
             before createSession",
            ),
        ),
        (2, JournalEvent::Connected),
        (2, request(1, "queryHeadsets", "")),
        (2, JournalEvent::Warning { code: 142, text: "Headset discovering complete.".to_owned() }),
        (2, JournalEvent::Unread { seconds: 5.0 }),
        (
            2,
            advice(
                Mistake::SocketNotRead,
                "the socket has not been read for 5 s: read it in a task or thread of its own, or samples \
             get lost",
            ),
        ),
        (3, JournalEvent::Disconnected { by: Side::Client }),
        (2, request(2, "updateSession", "close 7b0c5c1a-52a5-4f3e-9a53-0b7f0f3e1d2c")),
        (2, answer(2, None, 0.000_9)),
        (0, fault("lose = { count = 3 }")),
        (2, fault("drop = { close = true }")),
    ];
    let entry = |(at, (client, event)): (u32, _)| Entry {
        number: u64::from(at),
        at: f64::from(at),
        client,
        event,
    };
    traffic.take((1..).zip(events).map(entry).collect());
    let clients = vec![
        ClientSummary { number: 1, requests: 2, refused: 1, ..ClientSummary::default() },
        ClientSummary {
            number: 2,
            since: 7.0,
            requests: 1,
            sent: [("eeg", 1280), ("mot", 320)].into(),
            dropped: 17,
            ..ClientSummary::default()
        },
        ClientSummary { number: 3, until: Some(12.0), ..ClientSummary::default() },
    ];
    let session = OpenSession {
        id: "S".into(),
        client: 2,
        headset: "EPOCX-1A2B3C4D".into(),
        status: "activated".to_owned(),
        streams: ["eeg", "mot"].map(str::to_owned).into(),
    };
    traffic.tick(began + 80.seconds(), clients, vec![session]);
    traffic
}

fn drawn(traffic: &Traffic, (width, height): (u16, u16)) -> String {
    let options = UiOptions { zone: Some(TimeZone::UTC), ..UiOptions::default() };
    let (ui, _) = Ui::new(&options);
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("in memory");
    terminal.draw(|frame| ui.draw_traffic(traffic, frame)).expect("drawn");
    terminal.backend().to_string()
}

#[test]
fn clients_requests_and_advice_are_seen_at_once() {
    let mut traffic = busy();
    insta::assert_snapshot!("80x24", drawn(&traffic, (80, 24)));
    insta::assert_snapshot!("160x48", drawn(&traffic, (160, 48)));
    // At the oldest row, each pane shows a whole page.
    for pane in ['2', '3'] {
        let newest = drawn(&traffic, (80, 24));
        traffic.on_key(Key::char(pane));
        traffic.on_key(Key::HOME);
        let oldest = drawn(&traffic, (80, 24));
        let is_blank = |line: &&str| line.trim_matches(['"', '┃', '│', ' ']).is_empty();
        let blank = |screen: &str| screen.lines().filter(is_blank).count();
        assert_eq!(blank(&oldest), blank(&newest), "{oldest}");
        traffic.on_key(Key::END);
    }
    traffic.on_key(Key::char('2'));
    traffic.on_key(Key::char(':'));
    "tls".chars().for_each(|char| drop(traffic.on_key(Key::char(char))));
    insta::assert_snapshot!("80x24_faults", drawn(&traffic, (80, 24)));
    traffic.on_key(Key::ESC);
    traffic.on_key(Key::char('?'));
    insta::assert_snapshot!("80x24_help", drawn(&traffic, (80, 24)));
    let help = drawn(&traffic, (80, 24));
    for row in crate::traffic::TABLE {
        assert!(help.contains(&format!(" {} ", row.help)), "{} is cut: {help}", row.help);
    }
    traffic.on_key(Key::ESC);
    traffic.settings = TrafficSettings {
        about: TrafficAbout {
            title: "proxy",
            service: "wss://localhost:6868".to_owned(),
            url: "wss://localhost:7000".to_owned(),
            notes: Vec::new(),
        },
        has_faults: false,
        ..traffic.settings
    };
    let screen = drawn(&traffic, (80, 24));
    assert!(screen.contains("wss://localhost:7000 to wss://localhost:6868 · 2 advice"), "{screen}");
    traffic.on_key(Key::char('?'));
    for screen in [screen, drawn(&traffic, (80, 24))] {
        let told = screen.replace("fault: lose = { count = 3 }", "").replace("fault: drop", "");
        assert!(!told.contains("fault"), "{screen}");
    }
}

#[test]
fn nothing_yet_says_what_to_do_and_no_size_panics() {
    let empty = Traffic::new(TrafficSettings::default());
    let screen = drawn(&empty, (80, 24));
    for text in ["no client yet: connect one", "no request yet", "no advice"] {
        assert!(screen.contains(text), "{screen}");
    }
    let mut traffic = busy();
    for keys in ["", "z", ":", "\u{1b}?"] {
        for key in keys.chars() {
            traffic.on_key(if key == '\u{1b}' { Key::ESC } else { Key::char(key) });
        }
        for width in 1..140 {
            for height in [1, 2, 5, 6, 9, 13, 14, 24] {
                drawn(&traffic, (width, height));
            }
        }
    }
}

#[test]
fn a_long_refusal_leaves_its_subject_and_is_read_to_its_end() {
    let mut traffic = Traffic::new(TrafficSettings::default());
    let method = "createSession".to_owned();
    let subject = "active EPOCX-1A2B3C4D".to_owned();
    let message = "The headset is being used by another application of another account; ask its \
                   owner to close the session, or wait until it has ended, and try again.";
    let refusal = Some(Refusal { code: -32_152, message: message.to_owned() });
    let (request, took) = (1, 0.000_2);
    let events = [
        JournalEvent::Connected,
        JournalEvent::Request { request, method: method.clone(), subject: subject.clone() },
        JournalEvent::Answer { request, method, subject, refusal, took },
    ];
    let entry = |(number, event)| Entry { number, at: 1.0, client: 1, event };
    traffic.take((1..).zip(events).map(entry).collect());
    for width in [80, 100, 160] {
        let screen = drawn(&traffic, (width, 24));
        assert!(screen.contains("createSession active EPOCX-1A2B3C4D"), "{screen}");
        assert!(screen.contains("-32152"), "{screen}");
        let words: String = screen.split(['"', '│', '┃', '\n']).collect::<Vec<_>>().join(" ");
        let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains(message), "{words}");
    }
}
