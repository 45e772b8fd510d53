//! Any size, any characters and any text from the wire; and the bytes of a frame.

use std::{
    cell::Cell,
    io::{self, Write},
    rc::Rc,
    sync::Arc,
};

use cortop::{
    app::{Action, Key, Message, Pane},
    ui::UiOptions,
};
use cortop_client::{ConnectionStep, Error, Event, HeadsetId, Method, Stream};

use crate::{
    connection,
    fixture::{self, Fixture, SID, options},
    names, new, one, pictures,
    spectral::spectral,
};

#[test]
fn a_screen_that_is_too_small_says_first_what_is_needed() {
    for (size, said) in [((20, 5), "24×6 needed, this is"), ((20, 1), "24×6"), ((10, 3), "24×6")]
    {
        let text = new().text(size.0, size.1);
        assert!(text.starts_with(said), "{text}");
    }
    assert!(new().text(20, 5).contains("20×5"));
}

#[test]
fn ascii_has_nothing_but_ascii() {
    let ascii = UiOptions { ascii: true, ..options() };
    let mut fixture = Fixture::new(&ascii).streaming();
    fixture.feed(160, 48, 3000);
    assert!(fixture.text(160, 48).contains(" +/-50 uV/row"), "{}", fixture.text(160, 48));
    pictures("ascii", || {
        let mut fixture = Fixture::new(&ascii).streaming();
        fixture.zoom();
        fixture
    });
    for shown in names() {
        let mut fixture = Fixture::new(&ascii).streaming();
        fixture.show(shown);
        fixture.feed(120, 40, 3000);
        fixture.feed(120, 40, 3000);
        assert!(fixture.text(120, 40).is_ascii(), "{shown:?}");
    }
}

#[test]
fn every_size_can_be_drawn() {
    let mut fixtures =
        vec![new(), new().linked(ConnectionStep::Approval), new().without_licence(), {
            let mut fixture = new();
            fixture.apply(Action::Help);
            fixture
        }];
    fixtures.extend(Stream::ALL.map(one));
    fixtures.push({
        let mut fixture = one(Stream::Eeg);
        fixture.show("inspector");
        fixture
    });
    fixtures.extend(["spectrum", "spectrogram"].map(spectral));
    let mut all = spectral("spectrum");
    all.apply(Action::SpectrumChannels);
    fixtures.push(all);
    fixtures.extend(Pane::ALL.map(|pane| {
        let mut fixture = new().streaming();
        fixture.focus(pane);
        if (pane as usize).is_multiple_of(2) {
            fixture.zoom();
        }
        fixture
    }));
    // What is explained in pane 3, which may not be on the screen.
    fixtures.extend(Pane::ALL.map(|pane| {
        let mut fixture = new().streaming();
        fixture.focus(pane);
        fixture.zoom();
        connection::cut_off(fixture)
    }));
    let open = |pane: Pane, keys: &str| {
        let mut fixture = new().streaming();
        fixture.feed(60, 20, 3000);
        fixture.focus(pane);
        keys.chars().for_each(|key| drop(fixture.press(Key::char(key))));
        fixture
    };
    fixtures.extend(
        [
            (Pane::Streams, " hhdhh"),
            (Pane::Streams, "R頭頭 頭"),
            (Pane::Streams, "e"),
            (Pane::Streams, ":st"),
            (Pane::Streams, ":nothing such"),
            (Pane::Headsets, "o"),
            (Pane::Headsets, "r"),
            (Pane::Headsets, "e"),
            (Pane::Session, "s"),
            (Pane::Session, "h"),
            (Pane::Session, "u"),
        ]
        .map(|(pane, keys)| open(pane, keys)),
    );
    fixtures.push({
        let mut fixture = open(Pane::Log, "");
        fixture.update(Message::Notice("頭 and many words ".repeat(50)));
        fixture
    });
    // A quarter of the states at each size; the neighbouring sizes have the others.
    for (width, height) in (1..=60).flat_map(|width| (1..=20).map(move |height| (width, height))) {
        let turn = usize::from(width + height) % 4;
        for fixture in fixtures.iter_mut().skip(turn).step_by(4) {
            fixture.feed(width, height, 3000);
            fixture.buffer(width, height);
        }
    }
}

#[test]
fn text_from_the_wire_drives_nothing() {
    let evil = "a\u{1b}]52;c;AAAA\u{7}\u{202e}\u{9b}2J\r\n\u{200b}z";
    let mut fixture = new()
        .with(|settings| settings.url = evil.to_owned())
        .linked(ConnectionStep::Connecting(HeadsetId::from(evil)));
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
        &mut session.app_id,
        &mut session.started,
        &mut session.license,
        &mut session.stopped,
    ] {
        *text = Some(evil.to_owned());
    }
    session.streams = Some(vec![evil.to_owned()]);
    session.record_ids = Some(vec![evil.to_owned()]);
    session.headset = headset.clone();
    fixture.on_event(Event::Headsets(vec![headset]));
    fixture.on_event(Event::Session(session));
    let refusal = Error::refused(Method::Subscribe, 1, evil);
    let refusal = Error { next: evil.to_owned().into(), ..refusal };
    fixture.subscribed(SID, Stream::ALL[..8].to_vec(), vec![(Stream::Sys, refusal.clone())]);
    fixture.focus(Pane::Session);
    fixture.press(Key::ENTER);
    for shown in names() {
        for focus in Pane::ALL {
            fixture.show(shown);
            fixture.focus(focus);
            fixture.feed(120, 40, 3000);
            fixture.edit_snapshot(|snapshot, _| {
                for message in &mut snapshot.messages {
                    Arc::make_mut(message).text = format!("{{\"eeg\":[\"{evil}\"]}}").into();
                }
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
            for cell in &fixture.buffer(120, 40).content {
                let harmful =
                    |char: char| char.is_control() || ('\u{202a}'..='\u{202e}').contains(&char);
                assert!(!cell.symbol().contains(harmful), "{:?} in {shown:?}", cell.symbol());
            }
            let text = fixture.text(120, 40);
            assert!(
                text.contains('\u{fffd}'),
                "what was left out is to be seen in {shown:?}\n{text}"
            );
        }
    }
}

/// Counts what a terminal would receive.
struct ByteCount(Rc<Cell<usize>>);

impl Write for ByteCount {
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
    let backend = ratatui::backend::CrosstermBackend::new(ByteCount(Rc::clone(&count)));
    let mut terminal = ratatui::Terminal::with_options(backend, viewport).expect("a terminal");
    let mut fixture = new().streaming();
    fixture.zoom();
    // What ratatui writes in every frame, even an empty one: colour resets and hiding the cursor.
    terminal.draw(|_| ()).expect("drawn");
    let floor = count.take();
    let mut cost = |fixture: &Fixture| {
        terminal.draw(|frame| fixture.draw(frame)).expect("drawn");
        count.take()
    };
    fixture.feed(width, height, 3000);
    let first = cost(&fixture);
    assert_eq!(cost(&fixture) - floor, 0, "an unchanged screen");
    let steps: Vec<usize> = (1..=300)
        .map(|step| {
            // 30 frames per second with 128 samples.
            fixture.feed(width, height, 3000 + step * 128 / 30);
            cost(&fixture) - floor
        })
        .collect();
    let (sum, most) = (steps.iter().sum::<usize>(), steps.iter().max().copied().unwrap_or(0));
    println!("first {first} B, a sweep step {} B on average, {most} B at most", sum / steps.len());
    assert!(most <= 2000, "a sweep step costs {most} bytes");
    assert!(sum / steps.len() <= first / 50, "{sum} bytes in {} steps, first {first}", steps.len());
}
