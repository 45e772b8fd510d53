//! What the monitor looks like in its states, as pictures in text; that it can be drawn at any
//! size; that nothing from the wire gets through to the terminal; and what a frame costs in bytes.

#![expect(clippy::expect_used, reason = "a fixture that cannot be made has failed")]

mod fixture;

use std::{
    cell::Cell,
    io::{self, Write},
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use cortop::{
    app::{Action, Message, Pane, Scope, Shown, TABLE},
    cortex::{Cause, Event, HeadsetId, Link, Refusal, Security, Step, Stream},
    signal::snapshot::Column,
    ui::Options,
};
use fixture::{SID, Stage, options};

const SIZES: [(u16, u16); 2] = [(80, 24), (120, 40)];

/// A screen at both sizes, fed with signals.
fn pictures(name: &str, stage: impl Fn() -> Stage) {
    for (width, height) in SIZES {
        let mut stage = stage();
        stage.feed(width, height, 3000);
        picture(name, &stage, width, height);
    }
}

fn picture(name: &str, stage: &Stage, width: u16, height: u16) {
    insta::assert_snapshot!(format!("{name}_{width}x{height}"), stage.text(width, height));
}

fn new() -> Stage {
    Stage::new(&options())
}

fn one(stream: Stream) -> Stage {
    let mut stage = new().streaming();
    stage.app.streams.shown = Shown::One(stream);
    stage
}

#[test]
fn before_anything_is_known() {
    pictures("connecting", new);
    pictures("waiting", || {
        let stage = new();
        let at = stage.start + Duration::from_millis(2400);
        let why = "nothing listens there; start EMOTIV Launcher".to_owned();
        stage.link(Link::Waiting { why, cause: Cause::Service, at, attempt: 4 })
    });
}

fn cut_off(mut stage: Stage) -> Stage {
    let at = stage.app.now.instant + Duration::from_millis(2400);
    let why = "the service closed the connection; start EMOTIV Launcher".to_owned();
    stage.hear(Event::Link(Link::Waiting { why, cause: Cause::Service, at, attempt: 1 }));
    stage
}

#[test]
fn nothing_looks_alive_without_a_connection() {
    for (width, height) in SIZES {
        let mut stage = new().streaming();
        stage.feed(width, height, 3000);
        let stage = cut_off(stage);
        picture("cut_off", &stage, width, height);
        let text = stage.text(width, height);
        let head: String = text.lines().take(2).collect();
        assert!(head.contains("no data") && text.contains("as last told"), "{text}");
        for alive in ["Hz", "lost 0", "battery", "still lives", "debited: "] {
            assert!(!head.contains(alive) && !text.contains("still lives"), "{alive}\n{text}");
        }
    }
    for stream in Stream::ALL {
        let mut stage = one(stream);
        stage.feed(120, 40, 3000);
        let stage = cut_off(stage);
        let text = stage.text(120, 40);
        assert!(text.contains("no data since") || text.contains("STALE"), "{stream}\n{text}");
    }
}

#[test]
fn nothing_looks_alive_once_the_session_is_closed() {
    for (shown, (width, height)) in std::iter::once(Shown::All)
        .chain(Stream::ALL.map(Shown::One))
        .flat_map(|shown| SIZES.map(|size| (shown, size)))
    {
        let mut stage = new().streaming();
        stage.app.streams.shown = shown;
        stage.feed(width, height, 3000);
        let why = "Cortex closed it".to_owned();
        stage.hear(Event::Closed { session: SID.into(), why });
        stage.app.notice = None;
        let text = stage.text(width, height);
        assert!(text.contains("closed 0 s ago") && text.contains("no data"), "{text}");
        assert!(text.contains("The session is closed: Cortex closed it"), "{text}");
        for alive in ["Hz", "battery", "85 %", "still lives", "lost 0", "blink"] {
            assert!(!text.contains(alive), "{alive} in {shown:?}\n{text}");
        }
    }
}

#[test]
fn a_passing_refusal_does_not_stand_in_the_way() {
    let refusal = Refusal {
        method: "controlDevice".to_owned(),
        code: Some(-32004),
        message: "The headset is currently not available.".to_owned(),
        next: "Switch it on.".to_owned(),
    };
    let mut stage = new().streaming();
    stage.hear(Event::Refused(refusal));
    assert!(stage.text(120, 40).contains("currently not available"), "said once, in the footer");
    stage.app.notice = None;
    assert!(!stage.text(120, 40).contains("currently not available"));
}

#[test]
fn while_the_user_has_something_to_do() {
    pictures("login", || {
        let mut stage = new().linked(Step::Login);
        stage.app.user = Some(None);
        stage
    });
    pictures("approval", || new().linked(Step::Approval));
    pictures("searching", || {
        let mut stage = new().linked(Step::Searching);
        stage.hear(Event::Headsets(Vec::new()));
        stage.app.focus = Pane::Headsets;
        stage
    });
    pictures("choosing", || {
        let mut stage = new().linked(Step::Choosing);
        stage.hear(Event::Headsets(vec![fixture::headset(), fixture::insight()]));
        stage.app.focus = Pane::Headsets;
        stage
    });
}

#[test]
fn streaming() {
    pictures("streaming", || new().streaming());
    let mut stage = new().streaming();
    stage.feed(160, 48, 3000);
    picture("streaming", &stage, 160, 48);
    pictures("session_focused", || {
        let mut stage = new().streaming();
        stage.app.focus = Pane::Session;
        stage.app.sessions.unfolded = true;
        stage
    });
}

#[test]
fn zoomed() {
    for (pane, name) in Pane::ALL.into_iter().zip(["headsets", "session", "streams", "log"]) {
        pictures(&format!("zoomed_{name}"), || {
            let mut stage = new().streaming();
            stage.app.focus = pane;
            stage.app.zoomed = true;
            stage
        });
    }
}

#[test]
fn each_stream_as_what_it_is() {
    for stream in Stream::ALL {
        pictures(&format!("view_{stream}"), || one(stream));
    }
}

#[test]
fn data_that_cannot_be_trusted() {
    for (width, height) in SIZES {
        let mut stage = new().streaming();
        stage.feed(width, height, 3000);
        stage.spoil(|snapshot, now| {
            for health in &mut snapshot.health {
                match health.stream {
                    Stream::Eeg => {
                        (health.lost, health.lost_recently, health.rate) = (57, 12, Some(118.0));
                    }
                    Stream::Mot => health.stale_since = Some(now - Duration::from_secs(75)),
                    _ => {}
                }
            }
            for trace in snapshot.traces.iter_mut().flat_map(|traces| &mut traces.channels) {
                let columns = trace.columns.len();
                trace.columns[columns / 4..columns / 3].fill(Column { gap: true, ..Column::EMPTY });
                trace.columns[columns / 2].gap = true;
            }
        });
        picture("lossy", &stage, width, height);

        let mut stage = new().streaming();
        stage.app.zoomed = true;
        stage.feed(width, height, 3000);
        stage.spoil(|snapshot, now| {
            for health in &mut snapshot.health {
                health.stale_since = Some(now - Duration::from_secs(75));
            }
        });
        picture("stale", &stage, width, height);
    }
}

#[test]
fn refused() {
    pictures("without_licence", || new().without_licence());
    pictures("refused", || {
        let mut stage = new().linked(Step::Stopped);
        stage.hear(Event::Refused(Refusal {
            method: "authorize".to_owned(),
            code: Some(-32021),
            message: "The client id or secret is wrong.".to_owned(),
            next: "Check EMOTIV_CLIENT_ID and EMOTIV_CLIENT_SECRET.".to_owned(),
        }));
        stage
    });
    pictures("closed", || {
        let mut stage = new().streaming();
        let why = "Cortex closed it as the headset was lost".to_owned();
        stage.hear(Event::Closed { session: SID.into(), why });
        stage
    });
}

#[test]
fn frozen_scrolling_and_clipped() {
    for (width, height) in SIZES {
        let mut stage = new().streaming();
        for action in [Action::Zoom, Action::Sweep, Action::Larger] {
            stage.app.update(Message::Action(action));
        }
        stage.feed(width, height, 3000);
        stage.app.update(Message::Action(Action::Freeze));
        stage.forward(Duration::from_secs(9));
        stage.feed(width, height, 3000);
        picture("frozen", &stage, width, height);
    }
}

#[test]
fn help_shows_every_key_in_force() {
    pictures("help", || {
        let mut stage = new();
        stage.app.help = true;
        stage
    });
    for (focus, size) in Pane::ALL.into_iter().flat_map(|pane| SIZES.map(|size| (pane, size))) {
        let mut stage = new();
        (stage.app.help, stage.app.focus) = (true, focus);
        let text = stage.text(size.0, size.1);
        let here = |scope| scope == Scope::Global || scope == focus.scope() || size == SIZES[1];
        for row in TABLE.iter().filter(|row| here(row.scope)) {
            let first = row.help.split(' ').next().expect("a word");
            let key = row.keys[0].to_string();
            assert!(
                text.lines().any(|line| line.contains(&key) && line.contains(first)),
                "{row:?}
{text}"
            );
        }
    }
}

#[test]
fn ascii_has_nothing_but_ascii() {
    let ascii = Options { ascii: true, ..options() };
    pictures("ascii", || {
        let mut stage = Stage::new(&ascii).streaming();
        stage.app.zoomed = true;
        stage
    });
    for stream in Stream::ALL {
        let mut stage = Stage::new(&ascii).streaming();
        stage.app.streams.shown = Shown::One(stream);
        stage.feed(120, 40, 3000);
        assert!(stage.text(120, 40).is_ascii(), "{stream}");
    }
}

#[test]
fn every_size_can_be_drawn() {
    let mut stages = vec![new(), new().linked(Step::Approval), new().without_licence(), {
        let mut stage = new();
        stage.app.help = true;
        stage
    }];
    stages.extend(Stream::ALL.map(one));
    stages.extend(Pane::ALL.map(|pane| {
        let mut stage = new().streaming();
        stage.app.focus = pane;
        stage.app.zoomed = (pane as usize).is_multiple_of(2);
        stage
    }));
    // A quarter of the states at each size; its neighbours have the others.
    for (width, height) in (1..=60).flat_map(|width| (1..=20).map(move |height| (width, height))) {
        let turn = usize::from(width + height) % 4;
        for stage in stages.iter_mut().skip(turn).step_by(4) {
            stage.feed(width, height, 3000);
            stage.buffer(width, height);
        }
    }
}

#[test]
fn text_from_the_wire_drives_nothing() {
    let evil = "a\u{1b}]52;c;AAAA\u{7}\u{202e}\u{9b}2J\r\n\u{200b}z";
    let mut stage = new().linked(Step::Connecting(HeadsetId::from(evil)));
    let mut headset = fixture::headset();
    for text in [
        &mut headset.custom_name,
        &mut headset.connected_by,
        &mut headset.firmware,
        &mut headset.settings.mode,
    ] {
        *text = evil.to_owned();
    }
    headset.id = evil.into();
    headset.sensors = vec![evil.to_owned(); 40];
    let mut session = fixture::session(evil.to_owned().into());
    for text in [
        &mut session.owner,
        &mut session.license,
        &mut session.app_id,
        &mut session.started,
        &mut session.stopped,
    ] {
        *text = evil.to_owned();
    }
    session.streams = vec![evil.to_owned()];
    session.record_ids = vec![evil.to_owned()];
    session.headset = headset.clone();
    stage.hear(Event::Headsets(vec![headset]));
    stage.hear(Event::Session(session));
    let refusal = Refusal {
        method: evil.to_owned(),
        code: Some(1),
        message: evil.to_owned(),
        next: evil.to_owned(),
    };
    stage.hear(Event::Subscribed {
        session: SID.into(),
        streams: Stream::ALL[..8].to_vec(),
        refused: vec![(Stream::Sys, refusal.clone())],
    });
    stage.app.settings.url = evil.to_owned();
    for shown in std::iter::once(Shown::All).chain(Stream::ALL.map(Shown::One)) {
        for focus in Pane::ALL {
            stage.app.streams.shown = shown;
            stage.app.focus = focus;
            stage.app.sessions.unfolded = true;
            stage.feed(120, 40, 3000);
            stage.spoil(|snapshot, _| {
                let readings = &mut snapshot.readings;
                readings.com.iter_mut().for_each(|com| Arc::make_mut(com).action = evil.to_owned());
                readings.fac.iter_mut().map(Arc::make_mut).for_each(|fac| {
                    (fac.eyes, fac.upper.0, fac.lower.0) =
                        (evil.to_owned(), evil.to_owned(), evil.to_owned());
                });
                readings
                    .sys
                    .iter_mut()
                    .for_each(|sys| Arc::make_mut(sys).texts = vec![evil.to_owned()]);
                readings.met.iter_mut().for_each(|met| met.name = evil.to_owned());
                for table in
                    [&mut readings.dev, &mut readings.eq, &mut readings.pow].into_iter().flatten()
                {
                    let labels = Arc::make_mut(table).values.iter_mut().map(|(label, _)| label);
                    labels.for_each(|label| *label = format!("{evil}/alpha"));
                }
                for trace in snapshot.traces.iter_mut().flat_map(|traces| &mut traces.channels) {
                    trace.label = evil.into();
                }
            });
            for cell in &stage.buffer(120, 40).content {
                let harmful =
                    |char: char| char.is_control() || ('\u{202a}'..='\u{202e}').contains(&char);
                assert!(!cell.symbol().contains(harmful), "{:?} in {shown:?}", cell.symbol());
            }
            let text = stage.text(120, 40);
            assert!(
                text.contains('\u{fffd}'),
                "what was left out is to be seen in {shown:?}\n{text}"
            );
        }
    }
}

#[test]
fn the_note_on_security_stands_in_the_header() {
    for (security, word) in [
        (Security::WrongName, "name not checked"),
        (Security::Unchecked, "insecure"),
        (Security::Plain, "plain"),
    ] {
        let stage = new().streaming().link(Link::Up { security, step: Step::Streaming });
        assert!(
            stage.text(80, 24).lines().next().is_some_and(|line| line.contains(word)),
            "{word}"
        );
    }
}

/// Counts what a terminal would get.
struct Count(Rc<Cell<usize>>);

impl Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.set(self.0.get() + bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_sweep_costs_few_bytes_and_an_unchanged_screen_none() {
    let (width, height) = (120, 40);
    let count = Rc::new(Cell::new(0));
    let area = ratatui::layout::Rect::new(0, 0, width, height);
    let viewport = ratatui::TerminalOptions { viewport: ratatui::Viewport::Fixed(area) };
    let backend = ratatui::backend::CrosstermBackend::new(Count(Rc::clone(&count)));
    let mut terminal = ratatui::Terminal::with_options(backend, viewport).expect("a terminal");
    let mut stage = new().streaming();
    stage.app.zoomed = true;
    // What ratatui writes in every frame, even an empty one: resets of colours, the cursor hidden.
    terminal.draw(|_| ()).expect("drawn");
    let floor = count.take();
    let mut cost = |stage: &Stage| {
        terminal.draw(|frame| stage.ui.draw(&stage.app, frame)).expect("drawn");
        count.take()
    };
    stage.feed(width, height, 3000);
    let first = cost(&stage);
    assert_eq!(cost(&stage) - floor, 0, "an unchanged screen");
    let steps: Vec<usize> = (1..=300)
        .map(|step| {
            // 30 frames a second of 128 samples.
            stage.feed(width, height, 3000 + step * 128 / 30);
            cost(&stage) - floor
        })
        .collect();
    let (sum, most) = (steps.iter().sum::<usize>(), steps.iter().max().copied().unwrap_or(0));
    println!("first {first} B, a sweep step {} B on average, {most} B at most", sum / steps.len());
    assert!(most <= 2000, "a sweep step costs {most} bytes");
    assert!(sum / steps.len() <= first / 50, "{sum} bytes in {} steps, first {first}", steps.len());
}
