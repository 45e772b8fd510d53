//! The streams pane: views, filters, frozen pictures, cursors and channels.

use super::*;

#[test]
fn there_is_nothing_to_freeze_before_the_first_sample_and_a_freeze_ends_with_its_session() {
    let mut app = app();
    press(&mut app, Key::SPACE);
    assert!(app.streams.frozen.is_none() && app.notice.is_some());
    on_event(&mut app, Event::Session(session("s", SessionStatus::Opened)));
    let mut first = (*snapshot(5000, 5000, ViewEnd::Live)).clone();
    first.view.headset = Some("EPOCX-00000001".into());
    app.update(Message::Snapshot(Arc::new(first)));
    press(&mut app, Key::SPACE);
    assert!(app.streams.frozen.is_some());
    on_event(&mut app, Event::Closed { session: "s".into(), why: "lost".into(), ordered: false });
    on_event(&mut app, Event::Session(session("t", SessionStatus::Opened)));
    assert_eq!(app.sessions.current, Some("t".into()));
    assert_eq!(app.streams.end(), ViewEnd::At(5000), "the headset has come back");
    let other = headset("INSIGHT2-00000002", HeadsetStatus::Connected);
    let other = Session { headset: other, ..session("u", SessionStatus::Opened) };
    on_event(&mut app, Event::Closed { session: "t".into(), why: "lost".into(), ordered: false });
    on_event(&mut app, Event::Session(other));
    assert_eq!(app.sessions.current, Some("t".into()), "another one does not take its place");
    app.update(Message::Action(Action::NextSession));
    assert_eq!(app.sessions.current, Some("u".into()));
    assert!(app.streams.frozen.is_none(), "it was another headset's picture");
}

#[test]
fn keys_typed_ahead_of_the_picture_they_mean_wait_for_it() {
    let mut app = app();
    let of = |stream, end, newest, view_end| {
        let mut snapshot = (*snapshot(end, newest, view_end)).clone();
        snapshot.view.stream = stream;
        snapshot.traces = snapshot.traces.filter(|_| stream == Stream::Eeg);
        Message::Snapshot(Arc::new(snapshot))
    };
    app.update(of(Stream::Eeg, 5000, 5000, ViewEnd::Live));
    press(&mut app, Key::char('c'));
    app.update(of(Stream::Dev, 0, 0, ViewEnd::Live));
    // Back to the traces, frozen before they have arrived.
    press(&mut app, Key::char('c'));
    press(&mut app, Key::SPACE);
    press(&mut app, Key::PAGE_UP);
    assert_eq!(app.streams.end(), ViewEnd::Live);
    app.update(of(Stream::Dev, 0, 0, ViewEnd::Live));
    assert!(app.streams.frozen.is_none(), "one more of the view before");
    app.update(of(Stream::Eeg, 6000, 6000, ViewEnd::Live));
    assert_eq!(app.streams.end(), ViewEnd::At(6000 - 640));
    // Half a window twice, although the first request is unanswered.
    press(&mut app, Key::PAGE_UP);
    assert_eq!(app.streams.end(), ViewEnd::At(6000 - 1280));
    // A shorter window, also unanswered: a fifth as long.
    press(&mut app, Key::char('['));
    press(&mut app, Key::char('['));
    press(&mut app, Key::PAGE_UP);
    assert_eq!(app.streams.end(), ViewEnd::At(6000 - 1280 - 128));
    press(&mut app, Key::LEFT);
    let [cursor, _] = app.streams.cursors();
    assert!((4592 - 256..4592).contains(&cursor.expect("a cursor")), "{cursor:?}");
    app.update(of(Stream::Eeg, 4592, 6500, ViewEnd::At(4592)));
    // Live and frozen again at once: at the newest sample, not where it was before.
    press(&mut app, Key::END);
    press(&mut app, Key::SPACE);
    assert_eq!(app.streams.end(), ViewEnd::Live);
    app.update(of(Stream::Eeg, 7000, 7000, ViewEnd::Live));
    assert_eq!(app.streams.end(), ViewEnd::At(7000));
    app.update(of(Stream::Eeg, 7000, 7100, ViewEnd::At(7000)));
    // Switching to another view drops the keys typed for the one left.
    press(&mut app, Key::END);
    press(&mut app, Key::SPACE);
    press(&mut app, Key::char('c'));
    app.update(of(Stream::Dev, 0, 0, ViewEnd::Live));
    assert!(app.streams.frozen.is_none());
    press(&mut app, Key::char('c'));
    (0..1000).for_each(|_| drop(press(&mut app, Key::DOWN)));
    assert!(app.notice.is_some(), "no end of keys, and that is said");
}

#[test]
fn a_gap_longer_than_a_window_is_crossed_in_one_step() {
    let mut app = app();
    let now = app.now.instant;
    let of = |end, view_end| {
        let mut snapshot = (*snapshot(end, 90_000, view_end)).clone();
        let traces = snapshot.traces.as_mut().expect("traces");
        traces.oldest = 0;
        traces.gaps = vec![Gap { samples: 3000..80_000, from: now, to: now, discontinuity: None }];
        Message::Snapshot(Arc::new(snapshot))
    };
    app.update(of(90_000, ViewEnd::Live));
    let mut ends = Vec::new();
    for key in [Key::PAGE_UP; 20] {
        press(&mut app, key);
        if let ViewEnd::At(end) = app.streams.end() {
            app.update(of(end, ViewEnd::At(end)));
            ends.push(end);
        }
    }
    let crossed = ends.windows(2).find(|ends| ends[0] - ends[1] > 640).expect("crossed");
    assert_eq!(crossed, [80_400, 3640], "what came before it is seen at once");
    for _ in 0..20 {
        press(&mut app, Key::PAGE_DOWN);
        if let ViewEnd::At(end) = app.streams.end() {
            app.update(of(end, ViewEnd::At(end)));
            ends.push(end);
        }
    }
    assert!(ends.contains(&80_640), "and so is what came after it: {ends:?}");
}

#[test]
fn a_frozen_picture_stays_while_data_flow_on() {
    let mut app = app();
    app.update(Message::Snapshot(snapshot(5000, 5000, ViewEnd::Live)));
    press(&mut app, Key::SPACE);
    app.update(Message::Snapshot(snapshot(5100, 5100, ViewEnd::Live)));
    assert_eq!(app.traces().expect("traces").end, 5000);
    assert_eq!(app.streams.end(), ViewEnd::At(5000));
    press(&mut app, Key::SPACE);
    assert_eq!(app.traces().expect("traces").end, 5100);
}

#[test]
fn the_history_is_travelled_by_half_windows_between_its_ends() {
    let mut app = app();
    app.update(Message::Snapshot(snapshot(5000, 5000, ViewEnd::Live)));
    press(&mut app, Key::PAGE_DOWN);
    assert_eq!(app.streams.end(), ViewEnd::Live, "there is nothing after now");
    press(&mut app, Key::PAGE_UP);
    assert_eq!(app.streams.end(), ViewEnd::At(5000 - 640));
    app.update(Message::Snapshot(snapshot(4360, 5100, ViewEnd::At(4360))));
    press(&mut app, Key::HOME);
    assert_eq!(
        app.streams.end(),
        ViewEnd::At(5100 - 2560 + 1280),
        "one full window from the oldest"
    );
    app.update(Message::Snapshot(snapshot(3820, 5200, ViewEnd::At(3820))));
    press(&mut app, Key::END);
    assert_eq!(app.streams.end(), ViewEnd::Live);
}

#[test]
fn amplitude_window_and_views_step_between_their_ends() {
    let mut app = app();
    press(&mut app, Key::char('='));
    assert!(app.streams.auto);
    for _ in 0..20 {
        press(&mut app, Key::char('+'));
        press(&mut app, Key::char(']'));
    }
    assert!(!app.streams.auto, "a step of the amplitude leaves the automatic scale");
    assert_eq!((app.streams.amplitude(), app.streams.window()), (10.0, 60.0));
    for _ in 0..20 {
        press(&mut app, Key::char('-'));
        press(&mut app, Key::char('['));
    }
    assert_eq!((app.streams.amplitude(), app.streams.window()), (1000.0, 2.0));
    press(&mut app, Key::char('V'));
    assert_eq!(app.streams.shown, &INSPECTOR);
    press(&mut app, Key::char('v'));
    assert_eq!(app.streams.shown, &StreamView::ALL);
    press(&mut app, Key::char('c'));
    assert_eq!(app.streams.shown, &CONTACT);
    press(&mut app, Key::char('c'));
    assert_eq!(app.streams.shown, &StreamView::ALL);
    for key in ['c', 'i', 'i', 'c', 'i'] {
        press(&mut app, Key::char(key));
    }
    assert_eq!(app.streams.shown, &INSPECTOR);
    press(&mut app, Key::char('i'));
    assert_eq!(app.streams.shown, &StreamView::ALL, "never caught between two views");
}

#[test]
fn the_inspector_goes_through_streams_and_to_the_end_of_a_message_but_not_beyond() {
    let mut app = app();
    let subscription = Arc::new(Subscription {
        session: "s".into(),
        headset: "h".into(),
        stream: Stream::Mot,
        columns: Columns::default(),
        nominal_rate: None,
    });
    let values = vec!["1"; 40].join(",");
    let text = format!(r#"{{"mot":[{values}],"sid":"s","time":1.0}}"#).into();
    let message = Arc::new(Sample::new(subscription, text, Instant::now().into_std()));
    let mut snapshot = Snapshot { messages: vec![message], ..Snapshot::default() };
    (snapshot.view.inspect, snapshot.view.stream) = (true, Stream::Sys);
    app.update(Message::Snapshot(Arc::new(snapshot)));
    press(&mut app, Key::char('i'));
    press(&mut app, Key::PAGE_DOWN);
    assert_eq!((app.streams.inspected, app.streams.first_line), (Stream::Eeg, 0), "no message");
    press(&mut app, Key::char('j'));
    press(&mut app, Key::PAGE_DOWN);
    assert_eq!((app.streams.inspected, app.streams.first_line), (Stream::Mot, 10));
    press(&mut app, Key::END);
    press(&mut app, Key::PAGE_DOWN);
    assert_eq!(app.streams.first_line, 42, "the last of 43 lines");
    press(&mut app, Key::HOME);
    assert_eq!(app.streams.first_line, 0);
    for _ in 0..20 {
        press(&mut app, Key::DOWN);
    }
    assert_eq!(app.streams.inspected, Stream::Sys);
    press(&mut app, Key::char('v'));
    press(&mut app, Key::END);
    assert_eq!(app.streams.first_line, 0, "elsewhere these keys mean the history");
}

#[test]
fn each_filter_goes_round_on_its_own_key() {
    let mut app = app();
    assert_eq!(app.streams.filters(), Filters::default());
    for (key, steps) in [('f', 5), ('F', 3), ('n', 3)] {
        let mut seen = Vec::new();
        for _ in 0..steps {
            press(&mut app, Key::char(key));
            let Filters { high_pass, low_pass, notch } = app.streams.filters();
            assert!(!seen.contains(&(high_pass, low_pass, notch)));
            seen.push((high_pass, low_pass, notch));
        }
        assert_eq!(app.streams.filters(), Filters::default());
    }
    press(&mut app, Key::char('f'));
    assert_eq!(app.streams.filters(), Filters { high_pass: Some(1.0), ..Filters::default() });
    press(&mut app, Key::char('r'));
    assert_eq!(app.streams.montage(), Montage::CommonAverage);
    press(&mut app, Key::char('r'));
    assert_eq!(app.streams.montage(), Montage::AsRecorded);
}

#[test]
fn the_keys_of_the_spectrum_walk_through_its_ends_scales_and_channels() {
    let mut app = app();
    app.streams.shown = &SPECTRUM;
    let ends: Vec<String> = (0..3)
        .map(|_| {
            let end = app.streams.spectrum_end();
            press(&mut app, Key::char('u'));
            end.to_string()
        })
        .collect();
    assert_eq!(ends, ["70", "inf", "45"]);
    press(&mut app, Key::char('D'));
    assert!(app.streams.linear);
    press(&mut app, Key::char('D'));
    assert!(!app.streams.linear);
    for channels in [SpectrumChannels::Rows, SpectrumChannels::Overlaid, SpectrumChannels::Selected]
    {
        press(&mut app, Key::char('a'));
        assert_eq!(app.streams.spectrum_channels, channels);
    }
}

#[test]
fn the_key_of_a_view_goes_there_and_back() {
    let mut app = app();
    for (key, view) in [('c', &CONTACT), ('p', &SPECTRUM), ('g', &SPECTROGRAM)] {
        app.streams.shown = &MOT;
        press(&mut app, Key::char(key));
        assert_eq!(app.streams.shown, view);
        press(&mut app, Key::char(key));
        assert_eq!(app.streams.shown, &MOT);
    }
    app.streams.shown = &StreamView::ALL;
    // From one temporary view to another and back never gets stuck between the two.
    for key in ['p', 'g', 'p', 'p'] {
        press(&mut app, Key::char(key));
    }
    assert_eq!(app.streams.shown, &SPECTROGRAM);
    press(&mut app, Key::char('g'));
    assert_eq!(app.streams.shown, &StreamView::ALL);
}

#[test]
fn a_frozen_picture_of_eeg_stays_from_view_to_view_of_eeg_and_no_further() {
    let mut app = app();
    app.update(Message::Snapshot(snapshot(5000, 5000, ViewEnd::Live)));
    press(&mut app, Key::SPACE);
    press(&mut app, Key::DOWN);
    let selected = app.streams.selected;
    for key in ['p', 'g', 'g', 'p'] {
        press(&mut app, Key::char(key));
        assert_eq!((app.streams.end(), app.streams.selected), (ViewEnd::At(5000), selected));
    }
    // The contact view has no picture to freeze, but the same sensors.
    press(&mut app, Key::char('c'));
    assert_eq!((app.streams.end(), app.streams.selected), (ViewEnd::Live, selected));
}

#[test]
fn numbers_stand_half_a_second_and_then_the_last_ones_are_shown() {
    let mut app = app();
    let start = app.now;
    let at = |ms: u64| Moment { instant: start.instant + Duration::from_millis(ms), ..start };
    let received = |app: &App| app.latest().health.first().map(|health| health.received);
    let send = |app: &mut App, ms: u64, received: u64, stale: bool| {
        app.update(Message::Tick(at(ms)));
        let stale_since = stale.then_some(start.instant);
        let health = vec![StreamHealth { received, stale_since, ..health() }];
        app.update(Message::Snapshot(Arc::new(Snapshot { health, ..Snapshot::default() })));
    };
    send(&mut app, 1000, 1, false);
    send(&mut app, 1100, 2, false);
    assert_eq!(received(&app), Some(1));
    app.update(Message::Tick(at(1600)));
    assert_eq!(received(&app), Some(2), "though nothing came after it");
    send(&mut app, 1700, 3, false);
    send(&mut app, 1800, 4, true);
    assert_eq!(received(&app), Some(4), "bad news do not wait");
}

#[test]
fn the_cursor_walks_within_a_frozen_window_and_the_second_stays_where_it_was_set() {
    let mut app = app();
    app.update(Message::Snapshot(snapshot(5000, 5000, ViewEnd::Live)));
    press(&mut app, Key::LEFT);
    assert_eq!(app.streams.cursors(), [None, None]);
    assert!(app.notice.is_some(), "a moving picture has no cursor, and that is said");
    press(&mut app, Key::SPACE);
    press(&mut app, Key::LEFT);
    let [first, _] = app.streams.cursors();
    let first = first.expect("in the middle");
    press(&mut app, Key::char('d'));
    press(&mut app, Key::char('l'));
    assert_eq!(app.streams.cursors(), [Some(first + 1), Some(first)]);
    press(&mut app, Key::char('h'));
    press(&mut app, Key::LEFT);
    let [left, second] = app.streams.cursors();
    assert!(left < Some(first) && second == Some(first));
    for _ in 0..2000 {
        press(&mut app, Key::RIGHT);
    }
    assert_eq!(app.streams.cursors(), [Some(4999), Some(first)]);
    press(&mut app, Key::char('d'));
    assert_eq!(app.streams.cursors(), [Some(4999), None]);
    press(&mut app, Key::SPACE);
    assert_eq!(app.streams.cursors(), [None, None]);
}

#[test]
fn channels_are_hidden_alone_moved_and_put_back_and_the_selection_goes_along() {
    let mut app = app();
    let mut first = (*snapshot(5000, 5000, ViewEnd::Live)).clone();
    first.traces.as_mut().expect("traces").channels_in_all = 4;
    app.update(Message::Snapshot(Arc::new(first)));
    let mut after = |keys: &str| {
        for key in keys.chars() {
            press(&mut app, Key::char(key));
        }
        let shown = app.streams.channels(Stream::Eeg).shown(4);
        let selected = shown[app.streams.selected];
        (shown, selected)
    };
    assert_eq!(after("jH"), (vec![0, 2, 3], 2));
    assert_eq!(after("K"), (vec![2, 0, 3], 2));
    assert_eq!(after("o"), (vec![2], 2));
    assert_eq!(after("H"), (vec![2], 2), "the only one stays");
    assert_eq!(after("oJJJ"), (vec![0, 3, 2], 2));
    assert_eq!(after("jjj"), (vec![0, 3, 2], 2));
    assert_eq!(after("<0"), (vec![0, 1, 2, 3], 2));
    assert!(!app.streams.channels(Stream::Eeg).has_own_scales());
}
