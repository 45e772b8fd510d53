//! What the screen says about connection, login, refusals and closed sessions.

use std::time::Duration;

use cortop::app::{Key, Message, TerminalPlace};
use cortop_client::{
    ConnectionStep, Error, ErrorKind, Event, FOREIGN_SESSION, FOREIGN_SESSION_NEXT, Link, Method,
    Security, SessionMode, Stream, Warning,
    code::{self, ErrorCode, WARNINGS},
    session::SessionStatus,
};
use serde_json::Value;

use crate::{
    FIVE_SIZES, SIZES,
    fixture::{self, Fixture, HEADSET, SID},
    names, new, one, picture, pictures,
};

#[test]
fn before_anything_is_known() {
    pictures("connecting", new);
    pictures("waiting", || {
        let fixture = new();
        let at = fixture.now().instant + Duration::from_millis(2400);
        let why = "nothing listens there; start EMOTIV Launcher";
        let error = Error::new(ErrorKind::Unreachable, why, "");
        fixture.link(Link::Waiting { error, at, attempt: 4 })
    });
}

#[test]
fn what_is_not_answered_says_so_and_since_when() {
    let mut fixture = new().linked(ConnectionStep::Authorizing);
    assert!(!fixture.text(80, 24).contains("has not answered"));
    fixture.forward(Duration::from_secs(12));
    let text = read(&fixture.text(80, 24));
    assert!(text.contains("Cortex (authorize) has not answered for 12 s,"), "{text}");
    assert!(text.contains("since 14:25:33."), "{text}");
    assert!(text.contains("restart the Cortex service: quit EMOTIV Launcher"), "{text}");
}

/// The actual number and state of the headsets, and what to do.
#[test]
fn what_is_said_of_the_headsets_is_true() {
    let text = |step: ConnectionStep, list: Vec<cortop_client::Headset>| {
        let mut fixture = new().linked(step);
        fixture.on_event(Event::Headsets(list));
        let text = fixture.text(160, 48);
        text.lines().take(8).collect::<Vec<_>>().join(" ")
    };
    let (epocx, insight) = (fixture::headset(), fixture::insight());
    let charging = cortop_client::Headset { connected_by: "usb cable".into(), ..epocx.clone() };
    let third = || ConnectionStep::Missing("MN8-0000ABCD".into());
    for (step, list, words) in [
        (
            ConnectionStep::Choosing,
            vec![epocx.clone()],
            format!("No session is open on {}.", epocx.id),
        ),
        (ConnectionStep::Choosing, vec![charging], format!("{} is on a USB cable", epocx.id)),
        (
            ConnectionStep::Choosing,
            vec![epocx.clone(), insight.clone()],
            "There are 2 headsets: ".to_owned(),
        ),
        (
            third(),
            vec![epocx.clone()],
            format!("MN8-0000ABCD is not there. There is {}.", epocx.id),
        ),
        (
            third(),
            vec![epocx.clone(), insight],
            "MN8-0000ABCD is not there. There are 2".to_owned(),
        ),
    ] {
        let text = text(step, list);
        assert!(text.contains(&words), "{words}: {text}");
    }
}

/// Headsets listed before the connection was lost are still known, though they may have changed.
#[test]
fn headsets_that_were_listed_are_not_called_unlisted() {
    let fixture = cut_off(new().streaming());
    for (width, height) in [(80, 24), (160, 48)] {
        let text = fixture.text(width, height);
        assert!(!text.contains("not listed"), "{text}");
        assert!(text.contains("Last listed:"), "{text}");
    }
    let text = cut_off(new().linked(ConnectionStep::Listing)).text(160, 48);
    assert!(text.contains("not listed its headsets yet"), "{text}");
}

pub(crate) fn cut_off(mut fixture: Fixture) -> Fixture {
    let at = fixture.now().instant + Duration::from_millis(2400);
    let why = "the service closed the connection; start EMOTIV Launcher";
    let error = Error::new(ErrorKind::Unreachable, why, "");
    fixture.on_event(Event::Link(Link::Waiting { error, at, attempt: 1 }));
    fixture
}

#[test]
fn nothing_looks_alive_without_a_connection() {
    for (width, height) in SIZES {
        let mut fixture = new().streaming();
        fixture.feed(width, height, 3000);
        let fixture = cut_off(fixture);
        picture("cut_off", &fixture, width, height);
        let text = fixture.text(width, height);
        let head: String = text.lines().take(2).collect();
        assert!(head.contains("no data") && text.contains("last known"), "{text}");
        for alive in ["Hz", "lost 0", "battery", "still open", "debited: "] {
            assert!(!head.contains(alive) && !text.contains("still open"), "{alive}\n{text}");
        }
    }
    for stream in Stream::ALL {
        let mut fixture = one(stream);
        fixture.feed(120, 40, 3000);
        let fixture = cut_off(fixture);
        let text = fixture.text(120, 40);
        assert!(text.contains("no data since") || text.contains("STALE"), "{stream}\n{text}");
    }
}

#[test]
fn nothing_looks_alive_once_the_session_is_closed() {
    // What is computed over a window stays unchanged.
    let computed = ["spectrum", "spectrogram", "numbers"];
    let views = names().filter(|name| !computed.contains(name));
    for (shown, (width, height)) in views.flat_map(|shown| SIZES.map(|size| (shown, size))) {
        let mut fixture = new().streaming();
        fixture.show(shown);
        fixture.feed(width, height, 3000);
        let why = "Cortex closed it".to_owned();
        fixture.on_event(Event::Closed { session: SID.into(), why, ordered: false });
        fixture.shorten_notice();
        let text = fixture.text(width, height);
        assert!(text.contains("closed 0 s ago") && text.contains("no data"), "{text}");
        assert!(text.contains("The session is closed: Cortex closed it"), "{text}");
        // The old picture stays, and looks stale.
        let pictured = ["all", "eeg", "mot"].contains(&shown);
        assert_eq!(text.contains("STALE"), pictured, "{shown:?}\n{text}");
        let text = text.replace("0.5–45 Hz", "the filters").replace("8–12 Hz", "the band");
        for alive in ["Hz", "battery", "85 %", "still open", "lost 0", "blink"] {
            assert!(!text.contains(alive), "{alive} in {shown:?}\n{text}");
        }
    }
}

#[test]
fn a_passing_refusal_does_not_stand_in_the_way() {
    let text = "The headset is currently not available.";
    let refusal = Error::refused(Method::ControlDevice, code::error::HEADSET_UNAVAILABLE, text);
    let mut fixture = new().streaming();
    fixture.on_event(Event::Refused(refusal));
    assert!(fixture.text(120, 40).contains("currently not available"), "said once, in the footer");
    fixture.until_the_notice_is_gone();
    assert!(!fixture.text(120, 40).contains("currently not available"));
}

/// The text of the panes in a person's reading order: by pane, not by row.
fn read(text: &str) -> String {
    let rows = text.lines().skip(2).filter_map(|line| {
        let cells: Vec<_> = line.split(['│', '┃']).collect();
        cells.iter().rev().find(|cell| !cell.trim().is_empty()).map(|cell| cell.trim())
    });
    rows.collect::<Vec<_>>().join(" ")
}

/// Checks that pane 3 contains these words, whole.
fn says(fixture: &Fixture, words: &[&str]) {
    for (width, height) in [(80, 24), (100, 30)] {
        let text = fixture.text(width, height);
        for words in words {
            assert!(read(&text).contains(words), "{words}\n{text}");
        }
    }
}

#[test]
fn a_refusal_that_cortex_repeats_stays_with_its_next_step() {
    let opening = ConnectionStep::Opening(HEADSET.into());
    for (step, method, code, words) in [
        (
            ConnectionStep::Authorizing,
            Method::Authorize,
            code::error::NO_INTERNET,
            ["Connect this computer to the internet", "G asks at once"],
        ),
        (
            opening,
            Method::CreateSession,
            code::error::HEADSET_NOT_READY,
            ["use the dongle or Bluetooth", "x in pane 1 calls it off"],
        ),
        (
            ConnectionStep::Listing,
            Method::QueryHeadsets,
            code::error::METHOD_NOT_FOUND,
            ["Update EMOTIV Launcher", "G asks at once"],
        ),
    ] {
        let mut fixture = new().linked(step);
        fixture.on_event(Event::Refused(Error::refused(method, code, "Cortex says no.")));
        fixture.forward(Duration::from_secs(40));
        let code = format!("{method} {code}: Cortex says no.");
        says(&fixture, &[&code, words[0], words[1], "Since 14:25:33 (40 s)", "automatically"]);
        assert!(!fixture.text(80, 24).contains("has not answered"));
    }
}

/// However often cortop stopped and asked again meanwhile.
#[test]
fn a_repeated_refusal_counts_from_its_first_time() {
    let up = |step| Event::Link(Link::Up { security: Security::Verified, step });
    let opening = || up(ConnectionStep::Opening(HEADSET.into()));
    let code = code::error::HEADSET_NOT_READY;
    let refusal = Error::refused(Method::CreateSession, code, "Not yet.");
    let mut fixture = new().linked(ConnectionStep::Opening(HEADSET.into()));
    for _ in 0..3 {
        fixture.on_event(Event::Refused(refusal.clone()));
        fixture.forward(Duration::from_secs(60));
        let stopped = |refusal| Event::Stopped { headset: HEADSET.into(), refusal };
        fixture.on_event(stopped(Some(refusal.clone())));
        fixture.on_event(up(ConnectionStep::Stopped));
        fixture.forward(Duration::from_secs(30));
        fixture.on_event(stopped(None));
        fixture.on_event(opening());
    }
    says(&fixture, &["createSession -32152: Not yet.", "Since 14:25:33 (4 min)"]);
}

#[test]
fn a_refused_list_of_headsets_is_not_an_empty_one() {
    let mut fixture = new().linked(ConnectionStep::Searching);
    let refusal = Error::refused(Method::QueryHeadsets, code::error::METHOD_NOT_FOUND, "No.");
    fixture.on_event(Event::Refused(refusal));
    fixture.until_the_notice_is_gone();
    says(&fixture, &["queryHeadsets -32601: No.", "Update EMOTIV Launcher"]);
    fixture.on_event(Event::Headsets(Vec::new()));
    says(&fixture, &["No headset has been found yet."]);
}

/// A client that gives up a silent connection and opens another one still waits for the same answer.
#[test]
fn a_silence_lasts_over_several_connections() {
    let lost = |fixture: &Fixture, kind| {
        let at = fixture.now().instant;
        Link::Waiting { error: Error::new(kind, "Cortex is silent", ""), at, attempt: 1 }
    };
    for (kind, words) in [
        (ErrorKind::ConnectionLost, "has not answered for 36 s"),
        (ErrorKind::Unreachable, "has not answered for 5 s"),
    ] {
        let mut fixture = new().linked(ConnectionStep::Greeting);
        fixture.forward(Duration::from_secs(31));
        let waiting = lost(&fixture, kind);
        fixture.on_event(Event::Link(waiting));
        let step = ConnectionStep::Greeting;
        fixture.on_event(Event::Link(Link::Up { security: Security::Verified, step }));
        fixture.forward(Duration::from_secs(5));
        says(&fixture, &[words]);
    }
}

/// However many traces there were.
#[test]
fn what_ended_the_streams_is_whole_and_the_traces_get_the_rest() {
    let ended = |width, height, link: Link| {
        let mut fixture = new().streaming();
        fixture.feed(width, height, 3000);
        let why = "the service closed the connection".to_owned();
        fixture.on_event(Event::Closed { session: SID.into(), why, ordered: false });
        fixture.on_event(Event::Link(link));
        fixture.until_the_notice_is_gone();
        fixture.feed(width, height, 3000);
        fixture
    };
    let up = |step| Link::Up { security: Security::Verified, step };
    let at = new().now().instant + Duration::from_secs(60);
    let why = "nothing listens on localhost:6868";
    let next = "start EMOTIV Launcher, which starts the Cortex service";
    let error = Error::new(ErrorKind::Unreachable, why, next);
    let waiting = || Link::Waiting { error: error.clone(), at, attempt: 4 };
    for (width, height) in [(80, 24), (100, 30)] {
        for (link, words) in [
            (
                waiting(),
                ["Start EMOTIV Launcher, which starts the Cortex service.", "G tries at once."],
            ),
            (up(ConnectionStep::Login), ["Log in with EMOTIV Launcher", "G asks at once."]),
            (up(ConnectionStep::Searching), ["Switch one on, and plug in its", "G scans again."]),
            (up(ConnectionStep::Approval), ["its connected applications", "G asks at once."]),
        ] {
            for view in ["all", "eeg", "spectrum", "contact", "numbers"] {
                let mut fixture = ended(width, height, link.clone());
                fixture.show(view);
                fixture.feed(width, height, 3000);
                let text = fixture.text(width, height);
                for words in ["The session is closed: the service"].iter().chain(&words) {
                    assert!(read(&text).contains(words), "{view}: {words}\n{text}");
                }
            }
            let text = ended(width, height, link).text(width, height);
            assert!(text.contains("AF3") && text.contains("STALE since"), "{text}");
        }
    }
}

/// Signing in again while streams flow.
#[test]
fn what_signing_in_waits_for_is_said_beside_flowing_streams() {
    let mut fixture = new().streaming();
    fixture.feed(80, 24, 3000);
    let step = ConnectionStep::Approval;
    let fixture = fixture.link(Link::Up { security: Security::Verified, step });
    says(&fixture, &["not approved yet", "its connected applications", "G asks at once."]);
}

/// What stopped, since when, and what that says about the cause.
#[test]
fn stale_streams_come_with_a_next_step() {
    let stale = |is_stale: fn(Stream) -> bool| {
        let mut fixture = new().streaming();
        fixture.feed(80, 24, 3000);
        fixture.edit_snapshot(|snapshot, now| {
            for health in &mut snapshot.health {
                let is_stale = is_stale(health.stream) && health.nominal_rate.is_some();
                health.stale_since =
                    is_stale.then(|| now.checked_sub(Duration::from_secs(12)).expect("late"));
            }
        });
        fixture
    };
    says(
        &stale(|_| true),
        &["all streams stopped at 14:28:33 (12 s)", "headset is on, charged and near."],
    );
    let words = ["eeg stopped at 14:28:33 (12 s)", "Other streams flow", "subscribe eeg again (e)"];
    says(&stale(|stream| stream == Stream::Eeg), &words);
}

/// The last refused stream may be eeg for want of an activation, which a key moves here.
#[test]
fn a_refusal_names_the_monitors_key_and_its_notice_ends_with_it() {
    let mut fixture = new().without_licence();
    let text = "The stream is unavailable or unsupported.";
    let refusal = Error::refused(Method::Subscribe, code::error::STREAM_UNAVAILABLE, text);
    let next = "no activation is left on this computer; --debit N moves some here";
    let refusal = Error { next: next.into(), ..refusal };
    fixture.subscribed(SID, Stream::ALL[1..].to_vec(), vec![(Stream::Eeg, refusal)]);
    let text = fixture.text(80, 24);
    assert!(read(&text).contains("a in pane 2 moves some here"), "{text}");
    assert!(fixture.notice().is_some_and(|notice| notice.contains("a in pane 2")));
    fixture.subscribed(SID, Stream::ALL.to_vec(), Vec::new());
    assert_eq!(fixture.notice(), None);
}

/// Each stream has its own line, but the first words say that nothing flows and what to do.
#[test]
fn streams_that_are_all_refused_come_with_the_reason_and_a_step() {
    let mut fixture = new().without_licence();
    let refusal = Error::refused(Method::Subscribe, code::error::HEADSET_UNAVAILABLE, "Not here.");
    let refused = Stream::ALL.map(|stream| (stream, refusal.clone())).to_vec();
    fixture.subscribed(SID, Vec::new(), refused);
    let step = ConnectionStep::Stopped;
    let fixture = fixture.link(Link::Up { security: Security::Verified, step });
    let words =
        ["Cortex refused every stream, -32004: Not here.", "bring it closer", "e subscribes"];
    says(&fixture, &words);
}

#[test]
fn what_cortop_tries_again_is_not_called_stopped() {
    for (code, word) in [
        (code::error::INVALID_TOKEN, "refused, tries again"),
        (code::error::WRONG_CREDENTIALS, "stopped"),
    ] {
        let mut fixture = new().linked(ConnectionStep::Authorizing);
        fixture.on_event(Event::Refused(Error::refused(Method::Authorize, code, "No.")));
        let step = ConnectionStep::Stopped;
        let text = fixture.link(Link::Up { security: Security::Verified, step }).text(80, 24);
        assert!(text.lines().next().is_some_and(|line| line.contains(word)), "{text}");
    }
}

#[test]
fn over_ssh_the_own_computers_service_is_named_with_the_way_to_it() {
    for place in [TerminalPlace::Here, TerminalPlace::OverSsh, TerminalPlace::Multiplexed] {
        let fixture = new().with(|settings| settings.terminal = place);
        let is_over_ssh = place != TerminalPlace::Here;
        let text = read(&cut_off(fixture).text(80, 24));
        assert_eq!(text.contains("ssh -R 6868:localhost:6868"), is_over_ssh, "{text}");
        assert!(text.contains("EMOTIV Launcher."), "{text}");
    }
}

#[test]
fn notices_leave_the_keys_visible() {
    let mut fixture = new().streaming();
    fixture.update(Message::Notice("a notice of several rows ".repeat(8)));
    for (width, height) in SIZES {
        let text = fixture.text(width, height);
        let keys = text.lines().last().unwrap_or_default();
        assert!(text.contains("a notice of several") && keys.contains("q quit"), "{text}");
    }
}

/// What cortop waits for, why, what to do and with which key, in the middle pane or in the focused pane,
/// whose keys do it.
#[test]
fn while_the_user_has_something_to_do() {
    let linked = |step: ConnectionStep| new().linked(step);
    let listing = |step: ConnectionStep, list: &[cortop_client::Headset]| {
        let mut fixture = new().linked(step);
        fixture.on_event(Event::Headsets(list.to_vec()));
        fixture
    };
    let (epocx, insight) = (fixture::headset(), fixture::insight());
    let charging = cortop_client::Headset { connected_by: "usb cable".into(), ..epocx.clone() };
    let waits = |name: &str, fixture: &dyn Fn() -> Fixture, words: &[&str], focus: &str| {
        for (width, height) in FIVE_SIZES {
            let fixture = fixture();
            picture(name, &fixture, width, height);
            let text = fixture.text(width, height);
            assert!(text.contains(focus), "{name}: {focus}\n{text}");
            let read = read(&text);
            let all = text.split_whitespace().collect::<Vec<_>>().join(" ");
            for words in words {
                let found = read.contains(words) || all.contains(words);
                assert!(found, "{name}: {words}\n{text}");
            }
        }
    };
    let middle = "▶[3] streams";
    let login = || {
        let mut fixture = linked(ConnectionStep::Login);
        fixture.on_event(Event::User(None));
        fixture
    };
    waits("login", &login, &["Nobody is logged in.", "EMOTIV Launcher", "G asks at once"], middle);
    let other = || linked(ConnectionStep::OtherUser);
    waits("other_user", &other, &["Another account", "Log out there", "G asks at once"], middle);
    let approval = || linked(ConnectionStep::Approval);
    waits("approval", &approval, &["not approved yet", "Approve it", "G asks at once"], middle);
    let agreement = || linked(ConnectionStep::Agreement);
    waits("agreement", &agreement, &["not accepted yet", "Accept it", "G asks at once"], middle);
    let searching = || listing(ConnectionStep::Searching, &[]);
    waits(
        "searching",
        &searching,
        &["No headset has been found", "Switch one on", "G scans again"],
        middle,
    );
    let opening = || {
        let mut fixture =
            listing(ConnectionStep::Opening(HEADSET.into()), std::slice::from_ref(&epocx));
        fixture.forward(Duration::from_secs(5));
        fixture
    };
    let words = ["is being opened", "x in pane 1 calls it off", "has not answered for 5 s"];
    waits("opening", &opening, &words, middle);
    let refused = || {
        let mut fixture = linked(ConnectionStep::Authorizing);
        let text = "Invalid client.";
        let refusal = Error::refused(Method::Authorize, code::error::WRONG_CREDENTIALS, text);
        let next = "enter both again with `cortop login`: these come from config.toml".into();
        fixture.on_event(Event::Refused(Error { next, ..refusal }));
        fixture.until_the_notice_is_gone();
        let step = ConnectionStep::Stopped;
        fixture.link(Link::Up { security: Security::Verified, step })
    };
    let words = ["authorize -32021: Invalid client.", "cortop login", "G tries again at once"];
    waits("sign_in_refused", &refused, &words, middle);

    let headsets = "▶[1] headsets";
    let one = || listing(ConnectionStep::Choosing, std::slice::from_ref(&epocx));
    waits("choosing_one", &one, &["No session is open", "enter in pane 1"], headsets);
    let cable = || listing(ConnectionStep::Choosing, std::slice::from_ref(&charging));
    waits("on_cable", &cable, &["on a USB cable", "Unplug the cable"], headsets);
    let missing =
        || listing(ConnectionStep::Missing("MN8-0000ABCD".into()), std::slice::from_ref(&epocx));
    let words = ["MN8-0000ABCD is not there", "Switch it on", "enter in pane 1", "G scans again"];
    waits("missing", &missing, &words, headsets);
    // With several headsets the table of all fills the screen, and the selected one is the one to open.
    let several = || listing(ConnectionStep::Choosing, &[epocx.clone(), insight.clone()]);
    waits("choosing", &several, &["enter open"], headsets);
}

/// The wall clock is set 5 min ahead of Cortex's.
#[test]
fn the_age_of_a_session_is_that_of_its_creation_here_or_marked_as_a_guess() {
    for (width, height) in SIZES {
        let mut fixture = new().streaming();
        fixture.set_clock_ahead(Duration::from_secs(5 * 60));
        let text = fixture.text(width, height);
        assert!(text.contains("activated 3 min") && !text.contains('≈'), "{text}");

        let (session, mode) = (SID.into(), SessionMode::Active);
        fixture.on_event(Event::Opened { session, mode, why: "adopted".to_owned(), foreign: true });
        let text = fixture.text(width, height);
        assert!(text.contains("activated ≈8 min") && !text.contains(" 8 min"), "{text}");
        let started = text.lines().find(|line| line.contains(" started ")).expect("a row");
        assert!(started.contains(" ≈8 min"), "{started}");
    }
}

/// None of its streams is ours.
#[test]
fn another_programs_session_is_shown_calmly() {
    for (width, height) in SIZES {
        let mut fixture = new().linked(ConnectionStep::Watching);
        fixture.on_event(Event::Headsets(vec![fixture::headset()]));
        fixture.on_event(Event::Session(fixture::session(SessionStatus::Activated)));
        let (mode, why) = (SessionMode::Active, "adopted".to_owned());
        fixture.on_event(Event::Opened { session: SID.into(), mode, why, foreign: true });
        let (theirs, refused) = (Stream::ALL.to_vec(), Vec::new());
        let streams = Vec::new();
        fixture.on_event(Event::Subscribed { session: SID.into(), streams, theirs, refused });
        let text = fixture.text(width, height);
        let head = text.lines().next().unwrap_or_default();
        assert!(head.contains("● watching · another program's session"), "{head}");
        assert!(text.contains("its samples go to its owner"), "{text}");
        assert!(!text.contains("refused"), "{text}");
        let read = read(&text);
        let [why, next] = [FOREIGN_SESSION, FOREIGN_SESSION_NEXT];
        // There it is a sentence.
        assert!(read.contains(why) && read.contains(&next[1..]), "{text}");
        // The keys that would get the samples say why they do not.
        for (keys, on) in [("1", Key::ENTER), ("", Key::char('G'))] {
            fixture.update(Message::Notice(String::new()));
            fixture.type_in(keys);
            fixture.press(on);
            let notice = fixture.notice().unwrap_or_default();
            assert!(notice.contains(why) && notice.contains(next), "{on}: {notice}");
        }
        fixture.update(Message::Notice(String::new()));
        fixture.type_in("2s");
        fixture.press(Key::ENTER);
        let notice = fixture.notice().unwrap_or_default();
        assert!(notice.contains(why) && notice.contains(next), "{notice}");
    }
}

/// After the connection was lost, what happened to it is unknown.
#[test]
fn header_and_panes_agree_on_another_programs_session_that_was_left() {
    for (width, height) in SIZES {
        let mut fixture = new().streaming();
        let (session, mode) = (SID.into(), SessionMode::Active);
        fixture.on_event(Event::Opened { session, mode, why: "adopted".to_owned(), foreign: true });
        let why = "the connection to the service was lost".to_owned();
        fixture.on_event(Event::Released { session: SID.into(), why });
        fixture.forward(Duration::from_secs(60));
        let text = fixture.text(width, height);
        assert!(text.contains("left 1 min") && text.contains("The session is left"), "{text}");
        assert!(!text.contains("activated 1 min") && !text.contains("session is closed"), "{text}");
    }
}

#[test]
fn refused() {
    pictures("without_licence", || new().without_licence());
    pictures("refused", || {
        let mut fixture = new().linked(ConnectionStep::Stopped);
        let text = "The client id or the client secret is wrong.";
        let error = Error::refused(Method::Authorize, code::error::WRONG_CREDENTIALS, text);
        let next = "Check EMOTIV_CLIENT_ID and EMOTIV_CLIENT_SECRET.";
        fixture.on_event(Event::Refused(Error { next: next.into(), ..error }));
        fixture
    });
    pictures("closed", || {
        let mut fixture = new().streaming();
        let why = "Cortex closed it as the headset was lost".to_owned();
        fixture.on_event(Event::Closed { session: SID.into(), why, ordered: false });
        fixture
    });
}

#[test]
fn the_note_on_security_stands_in_the_header() {
    for (security, word) in [
        (Security::WrongName, "name not checked"),
        (Security::Unchecked, "insecure"),
        (Security::Plain, "plain"),
    ] {
        let up = || Link::Up { security, step: ConnectionStep::Streaming };
        // The demo's service is part of this program.
        let text = new().streaming().link(up()).text(80, 24);
        assert!(!text.contains(word), "{word}");
        let text = new().streaming_from_cortex().link(up()).text(80, 24);
        assert!(text.lines().next().is_some_and(|line| line.contains(word)), "{word}");
    }
}

/// For every code, the reason and the next step are on the screen, complete.
#[test]
fn every_code_is_explained_on_the_screen() {
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    for row in ErrorCode::all() {
        let method = row.method.unwrap_or(Method::CreateSession);
        for (width, height) in SIZES {
            let mut fixture = new().streaming();
            fixture.feed(width, height, 3000);
            fixture.on_event(Event::Refused(Error::refused(method, row.code, row.meaning)));
            let text = fixture.text(width, height);
            let shown = words(&text).join(" ");
            let next = row.next.replace("--debit N", "a in pane 2");
            let next = next.replace("--session open", "e in pane 1");
            let expected = format!("{method} {}: {} → {next}", row.code, row.meaning);
            assert!(shown.contains(&words(&expected).join(" ")), "{expected}\n{text}");
        }
    }
    for row in WARNINGS {
        for (width, height) in SIZES {
            let mut fixture = new().streaming();
            fixture.feed(width, height, 3000);
            fixture.on_event(Event::Warning(Warning { code: row.code, message: Value::Null }));
            let text = fixture.text(width, height);
            let shown = words(&text).join(" ");
            for sentence in [row.meaning, row.next] {
                assert!(
                    shown.contains(&words(sentence).join(" ")),
                    "{}: {sentence}\n{text}",
                    row.code
                );
            }
        }
    }
}

#[test]
fn the_header_shows_that_an_opening_was_called_off() {
    let mut fixture = new().linked(ConnectionStep::Opening(HEADSET.into()));
    fixture.on_event(Event::Headsets(vec![fixture::headset()]));
    let header = |fixture: &Fixture| fixture.text(80, 24).lines().next().map(str::to_owned);
    assert!(header(&fixture).is_some_and(|line| line.contains("opening")));
    for key in ['1', 'x'] {
        fixture.press(Key::char(key));
    }
    let line = header(&fixture).expect("a header");
    assert!(line.contains("cancelled, waiting for Cortex"), "{line}");
    assert!(!line.contains("opening"), "{line}");
}
