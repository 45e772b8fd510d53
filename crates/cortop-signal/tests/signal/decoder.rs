//! What the decoder keeps and publishes: history and its budget, channels, sessions, readings.

use std::{ops::Range, sync::Arc, time::Duration};

use cortop_protocol::{
    Columns, Feed, Sample, SessionId, SessionMarker, Stream, Subscription,
    marker::{MarkerText, MarkerValue},
};
use cortop_signal::{
    Filters, Orientation, Traces, View,
    decoder::Decoder,
    snapshot::{Bin, Discontinuity},
    view::ViewEnd,
};
use tokio::time::Instant;

use crate::harness::{DecoderHarness, bits, eeg, view};

/// EEG on its offset, with a blink now and then.
fn wave(index: u32) -> f64 {
    let t = f64::from(index) / 128.0;
    let blink = if index % 700 < 30 { 250.0 } else { 0.0 };
    4200.0 + 30.0 * (t * 62.8).sin() + 10.0 * (t * 3.1).cos() + blink
}

const HEADSET: &str = "EPOCX-1A2B3C4D";
/// The headset of the session `other`.
const OTHER: &str = "INSIGHT2-0A1B2C3D";

fn subscription(session: &str, stream: Stream, columns: &str, rate: f64) -> Arc<Subscription> {
    Arc::new(Subscription {
        session: session.into(),
        headset: if session == "other" { OTHER } else { HEADSET }.into(),
        stream,
        columns: serde_json::from_str::<Columns>(columns).unwrap(),
        nominal_rate: Some(rate),
    })
}

fn send(decoder: &mut Decoder, subscription: &Arc<Subscription>, values: &str, time: f64) {
    let text = format!(r#"{{"{}":{values},"sid":"s","time":{time:?}}}"#, subscription.stream);
    let (subscription, received) = (Arc::clone(subscription), Instant::now());
    decoder.push(
        Feed::Sample(Arc::new(Sample::new(subscription, text.into(), received.into_std()))),
        received,
    );
}

fn traces(decoder: &Decoder) -> Traces {
    decoder.snapshot(Instant::now()).traces.unwrap()
}

#[test]
fn a_changed_filter_gives_what_it_would_have_given_all_along() {
    // Longer than a filter's warm-up, so that the rebuilt one starts with a different sample.
    for high_pass in [0.16, 0.5] {
        let shape = view(10.0, 200, Filters { high_pass: Some(high_pass), ..Filters::default() });
        let (mut all_along, mut changed) =
            (DecoderHarness::one(shape.clone()), DecoderHarness::one(view(5.0, 9, Filters::NONE)));
        for index in 0..128 * 100 {
            if index % 5000 == 4000 {
                all_along.lose(300);
                changed.lose(300);
            }
            all_along.send(&[wave(index)]);
            changed.send(&[wave(index)]);
        }
        changed.decoder.set_view(shape);
        let near = |one: f32, other: f32| (one - other).abs() <= 1e-4;
        let same = |one: &Bin, other: &Bin| {
            near(one.min, other.min) && near(one.max, other.max) && near(one.last, other.last)
        };
        let (expected, columns) = (all_along.columns(), changed.columns());
        assert_eq!(columns.len(), 200);
        assert!(columns.iter().zip(&expected).all(|(one, other)| same(one, other)));
    }
}

#[test]
fn one_can_scroll_back_as_far_as_the_oldest_sample() {
    let mut rig = DecoderHarness::one(view(2.0, 100, Filters::NONE));
    for index in 0..5000 {
        rig.send(&[f64::from(index)]);
    }
    let oldest = rig.traces().oldest;
    for end in [5000, 4000, 300, 256, 100, 1, oldest] {
        let at = View { end: ViewEnd::At(end), ..view(2.0, 100, Filters::NONE) };
        rig.decoder.set_view(at);
        let traces = rig.traces();
        assert_eq!(traces.end, end);
        let columns = &traces.channels[0].columns;
        let newest = columns.last().unwrap();
        if end > 0 {
            assert_eq!(newest.last.to_bits(), ((end - 1) as f32).to_bits());
            let time = traces.end_time.unwrap() - 1.7e9;
            assert!((time - (end - 1) as f64 / 128.0).abs() < 1e-6);
        }
        assert_eq!(traces.first_bin, traces.bins.first_of_window(end));
        rig.send(&[9999.0]);
        assert_eq!(bits(&rig.columns()), bits(columns), "what is frozen stands still");
    }
}

#[test]
fn the_oldest_history_of_all_headsets_goes_first() {
    let budget = 400 << 10;
    let mut decoder = Decoder::new(view(2.0, 10, Filters::NONE), budget);
    let columns = r#"["COUNTER","INTERPOLATED","T7","T8"]"#;
    let headsets = ["s", "other"].map(|session| subscription(session, Stream::Eeg, columns, 128.0));
    for headset in &headsets {
        decoder.push(Feed::Subscribed(Arc::clone(headset)), Instant::now());
    }
    let mut oldest = |samples: Range<u32>, headset: &Arc<Subscription>| {
        for index in samples {
            let values = format!("[{},0,{index},1]", index % 128);
            send(&mut decoder, headset, &values, f64::from(index) / 128.0);
        }
        headsets.each_ref().map(|headset| {
            let headset = Some(headset.headset.clone());
            decoder.set_view(View { headset, ..view(2.0, 10, Filters::NONE) });
            traces(&decoder).oldest
        })
    };
    // A chunk of 1024 samples takes 8 KiB: 50 chunks fit.
    assert_eq!(oldest(0..30 * 1024, &headsets[0]), [0, 0]);
    assert_eq!(oldest(0..30 * 1024, &headsets[1]), [10 * 1024, 0]);
    assert_eq!(oldest(30 * 1024..70 * 1024, &headsets[1]), [29 * 1024, 21 * 1024]);
}

#[test]
fn channels_are_those_of_the_columns_and_the_view_shows_some_of_them() {
    let columns = r#"["COUNTER","INTERPOLATED","Ch-1","raw_cq","L1","HighBitFlex","RAW_CQ","MARKER_HARDWARE","MARKERS"]"#;
    let flex = subscription("s", Stream::Eeg, columns, 128.0);
    let mut decoder = Decoder::new(view(2.0, 10, Filters::NONE), 1 << 20);
    decoder.push(Feed::Subscribed(Arc::clone(&flex)), Instant::now());
    send(&mut decoder, &flex, "[0,0,1,2,3,8064.0,0,0,[]]", 1.0);
    for (channels, labels) in [
        (&[0, 1, 2, 3, 4][..], &["Ch-1", "raw_cq", "L1"][..]),
        (&[1], &["raw_cq"]),
        (&[2, 9, 0], &["L1", "Ch-1"]),
        (&[], &[]),
    ] {
        decoder.set_view(View { channels: channels.into(), ..view(2.0, 10, Filters::NONE) });
        let traces = traces(&decoder);
        assert_eq!(traces.channels_in_all, 3);
        assert!(traces.channels.iter().map(|trace| &*trace.label).eq(labels.iter().copied()));
    }
    decoder.set_view(View { channels: [2].into(), ..view(2.0, 10, Filters::default()) });
    assert_eq!(traces(&decoder).channels[0].raw, Some(3.0));
    // A stream without channels, or a view without columns, has no traces and does no harm.
    let none = subscription("s", Stream::Eeg, r#"["COUNTER","MARKERS"]"#, 128.0);
    decoder.push(Feed::Subscribed(Arc::clone(&none)), Instant::now());
    send(&mut decoder, &none, "[0,[]]", 1.0);
    decoder.set_view(view(2.0, 0, Filters::NONE));
    assert!(decoder.snapshot(Instant::now()).traces.is_none());
}

#[test]
fn motion_is_drawn_raw_with_its_own_counter() {
    let columns = r#"["COUNTER_MEMS","INTERPOLATED_MEMS","ACCX"]"#;
    let mot = subscription("s", Stream::Mot, columns, 32.0);
    let shape = View { stream: Stream::Mot, ..view(2.0, 64, Filters::default()) };
    let mut decoder = Decoder::new(shape, 1 << 20);
    let start = Instant::now();
    decoder.push(Feed::Subscribed(Arc::clone(&mot)), start);
    for index in (0..200_u32).filter(|index| !(100..140).contains(index)) {
        let values = format!("[{}.0,{},{}]", index % 32, index % 2, 8192 + 4096 * (index % 2));
        let time = f64::from(index) / 32.0;
        let text = format!(r#"{{"mot":{values},"sid":"s","time":{time:?}}}"#);
        let received = start + Duration::from_secs_f64(time);
        let subscription = Arc::clone(&mot);
        let sample = Sample::new(subscription, text.into(), received.into_std());
        decoder.push(Feed::Sample(Arc::new(sample)), received);
    }
    let traces = traces(&decoder);
    let columns = &traces.channels[0].columns;
    assert!(columns.iter().filter(|c| c.count > 0).all(|c| [8192.0, 12_288.0].contains(&c.first)));
    assert_eq!((traces.bins.samples, traces.end), (64, 200));
    let health = &decoder.snapshot(Instant::now()).health[0];
    assert_eq!((health.received, health.lost, health.interpolated), (160, 40, 80));
}

#[test]
fn absurd_views_and_rates_are_survived() {
    for rate in [0.0, -1.0, 1e-9, 1e12, f64::NAN, f64::INFINITY] {
        let columns = r#"["COUNTER","INTERPOLATED","T7"]"#;
        let odd = subscription("s", Stream::Eeg, columns, rate);
        let mut decoder = Decoder::new(View::default(), 0);
        decoder.push(Feed::Subscribed(Arc::clone(&odd)), Instant::now());
        for (window, columns) in [(f64::NAN, 1), (-1.0, 7), (0.0, usize::MAX), (1e300, 3)] {
            decoder.set_view(view(window, columns, Filters::default()));
            for (index, time) in [(0, 0.0), (1, 1e11), (2, -1e11), (900, 5.0)] {
                send(&mut decoder, &odd, &format!("[{index},0,1]"), time);
                assert!(!traces(&decoder).channels[0].columns.is_empty());
            }
        }
    }
}

#[test]
fn each_headset_has_its_own_readings() {
    let mut decoder = Decoder::new(View::default(), 1 << 20);
    for (session, battery) in [("s", "[4]"), ("other", "[1]")] {
        let dev = subscription(session, Stream::Dev, r#"["Battery"]"#, 2.0);
        decoder.push(Feed::Subscribed(Arc::clone(&dev)), Instant::now());
        send(&mut decoder, &dev, battery, 1.0);
    }
    let battery = |decoder: &mut Decoder, headset: &str| {
        decoder.set_view(View { headset: Some(headset.into()), ..View::default() });
        decoder.snapshot(Instant::now()).readings.dev.and_then(|dev| dev.get("Battery"))
    };
    assert_eq!(battery(&mut decoder, HEADSET), Some(4.0));
    assert_eq!(battery(&mut decoder, OTHER), Some(1.0));
    decoder.push(Feed::Unsubscribed("other".into(), Stream::Dev), Instant::now());
    decoder.push(Feed::Ended(SessionId::from("s")), Instant::now());
    assert_eq!(battery(&mut decoder, HEADSET), None);
    assert_eq!(battery(&mut decoder, OTHER), None);
    let later = Instant::now() + Duration::from_secs(60);
    assert!(decoder.snapshot(later).health.is_empty());
}

#[test]
fn the_last_messages_of_the_session_in_view_are_handed_out_as_they_came_if_asked_for() {
    let inspecting = View { inspect: true, stream: Stream::Sys, ..view(2.0, 0, Filters::NONE) };
    let mut decoder = Decoder::new(inspecting.clone(), 1 << 20);
    let columns = r#"["Battery"]"#;
    let dev = subscription("s", Stream::Dev, columns, 2.0);
    let mot = subscription("s", Stream::Mot, r#"["COUNTER_MEMS","ACCX"]"#, 32.0);
    let other = subscription("other", Stream::Dev, columns, 2.0);
    for subscription in [&dev, &mot, &other] {
        decoder.push(Feed::Subscribed(Arc::clone(subscription)), Instant::now());
    }
    send(&mut decoder, &dev, "[4]", 1.0);
    send(&mut decoder, &mot, "[0,1.50]", 1.0);
    send(&mut decoder, &other, "[1]", 1.0);
    // What is not a valid sample is what one wants to see most.
    send(&mut decoder, &dev, "[3,", 2.0);
    let texts = |decoder: &Decoder| -> Vec<String> {
        let messages = decoder.snapshot(Instant::now()).messages;
        messages.iter().map(|message| message.text.to_string()).collect()
    };
    assert_eq!(
        texts(&decoder),
        [r#"{"mot":[0,1.50],"sid":"s","time":1.0}"#, r#"{"dev":[3,,"sid":"s","time":2.0}"#]
    );
    decoder.push(Feed::Unsubscribed("s".into(), Stream::Dev), Instant::now());
    assert_eq!(texts(&decoder).len(), 1);
    decoder.set_view(View { inspect: false, ..inspecting });
    assert!(texts(&decoder).is_empty());
}

#[test]
fn the_head_is_held_as_the_newest_motion_sample_says() {
    let columns = r#"["COUNTER_MEMS","Q0","Q1","Q2","Q3","ACCX","ACCY","ACCZ"]"#;
    let mot = subscription("s", Stream::Mot, columns, 32.0);
    let mut decoder = Decoder::new(view(2.0, 0, Filters::NONE), 1 << 20);
    decoder.push(Feed::Subscribed(Arc::clone(&mot)), Instant::now());
    assert_eq!(decoder.snapshot(Instant::now()).orientation, None, "nothing came yet");
    let position = |decoder: &Decoder| match decoder.snapshot(Instant::now()).orientation {
        Some(Orientation::Position(position)) => position,
        other => panic!("{other:?}"),
    };
    send(&mut decoder, &mot, "[0,1,0,0,0,0,0,1]", 1.0);
    let level = position(&decoder);
    // A quarter turn about the vertical, then a null: no quaternion, but gravity.
    send(&mut decoder, &mot, "[1,0.70710678,0,0,0.70710678,0,0,1]", 1.03);
    let turned = position(&decoder).turned_from(level);
    assert!(turned.tilt == Some(0.0) && (turned.turn.unwrap() - 90.0).abs() < 0.01);
    send(&mut decoder, &mot, "[2,0.70710678,null,0,0.70710678,0,1,0]", 1.06);
    let turned = position(&decoder).turned_from(level);
    assert_eq!((turned.tilt, turned.turn), (Some(90.0), None));
}

#[test]
fn a_cursor_reads_the_sample_it_is_on_as_it_is_drawn() {
    let mut rig = DecoderHarness::new(&["T7", "T8"], 128.0, view(2.0, 100, Filters::default()));
    for index in 0..3000 {
        if index == 2900 {
            rig.lose(1);
        }
        rig.send(&[wave(index), -wave(index)]);
    }
    // One sample per column: what is drawn is the sample.
    let shape = view(2.0, 256, Filters::default());
    for (index, value) in [(2745, true), (2850, true), (2900, false), (3000, true), (100, false)] {
        let cursors = [Some(index), None];
        rig.decoder.set_view(View { end: ViewEnd::At(3001), cursors, ..shape.clone() });
        let traces = rig.traces();
        let cursor = traces.cursors[0].expect("asked for");
        assert_eq!((cursor.index, traces.cursors[1]), (index, None));
        assert!((cursor.time.expect("stamped") - 1.7e9 - index as f64 / 128.0).abs() < 1e-3);
        for trace in &traces.channels {
            let column = usize::try_from(index.saturating_sub(traces.first_bin)).unwrap();
            let drawn = trace.columns.get(column).filter(|_| index > 2000).map(|it| it.last);
            assert_eq!(trace.at[0].is_finite(), value, "{index}");
            assert!(!value || drawn == Some(trace.at[0]), "{index}");
            assert!(trace.at[1].is_nan());
        }
    }
}

#[test]
fn seconds_begin_at_their_samples_and_not_after_a_loss() {
    let mut rig = DecoderHarness::one(view(10.0, 100, Filters::NONE));
    for index in 0..1200 {
        if index == 500 {
            // The second that begins at sample 512 is lost.
            rig.lose(100);
        }
        rig.send(&[f64::from(index)]);
    }
    let seconds = rig.traces().seconds;
    let expected = (0..11).filter(|&second| second != 4).map(|second| (second * 128, second));
    let expected =
        expected.map(|(at, second)| (at, 1_700_000_000 + i64::try_from(second).unwrap()));
    let window = rig.traces().first_bin * 1280 / 100;
    assert!(seconds.iter().copied().eq(expected.filter(|&(at, _)| at >= window)), "{seconds:?}");
}

#[test]
fn markers_stand_at_their_samples_on_all_traces_of_their_session() {
    let mut decoder = Decoder::new(view(10.0, 100, Filters::NONE), 1 << 20);
    let eeg = subscription("s", Stream::Eeg, r#"["COUNTER","INTERPOLATED","T7","MARKERS"]"#, 128.0);
    let mot = subscription("s", Stream::Mot, r#"["COUNTER_MEMS","INTERPOLATED_MEMS","Q0"]"#, 32.0);
    for subscription in [&eeg, &mot] {
        decoder.push(Feed::Subscribed(Arc::clone(subscription)), Instant::now());
    }
    for index in 0..1280_u32 {
        let marker = match index {
            640 => r#"{"label":"eyes closed","value":1,"uuid":"u"}"#,
            800 => r#"{"value":7},{"label":"x","more":[1,{}]}"#,
            _ => "",
        };
        let time = 1.7e9 + f64::from(index) / 128.0;
        send(&mut decoder, &eeg, &format!("[{},0,1.5,[{marker}]]", index % 128), time);
        if index % 4 == 0 {
            send(&mut decoder, &mot, &format!("[{},0,0.5]", index / 4 % 32), time);
        }
    }
    let markers = |decoder: &Decoder| -> Vec<(u64, String)> {
        let found = traces(decoder).markers;
        found.into_iter().map(|(index, text)| (index, text.to_string())).collect()
    };
    let expected = [(640, "eyes closed 1"), (800, "7"), (800, "x")];
    assert!(markers(&decoder).iter().map(|(at, text)| (*at, text.as_str())).eq(expected));
    decoder.set_view(View { stream: Stream::Mot, ..view(10.0, 100, Filters::NONE) });
    let places: Vec<u64> = markers(&decoder).into_iter().map(|(index, _)| index).collect();
    assert_eq!(places, [160, 200, 200]);
    decoder.set_view(View { end: ViewEnd::At(700), ..view(2.0, 100, Filters::NONE) });
    assert_eq!(markers(&decoder).len(), 1, "those of the window");
    decoder.push(Feed::Ended("s".into()), Instant::now());
    decoder.push(Feed::Subscribed(Arc::clone(&eeg)), Instant::now());
    send(&mut decoder, &eeg, "[0,0,1.5,[]]", 1.7e9);
    assert_eq!(markers(&decoder).len(), 1, "they are of the headset, not of the session");
}

#[test]
fn without_eeg_our_own_markers_stand_at_their_time_on_motion() {
    let view = View { stream: Stream::Mot, ..view(10.0, 100, Filters::NONE) };
    let mut decoder = Decoder::new(view, 1 << 20);
    let eeg = subscription("s", Stream::Eeg, r#"["COUNTER","T7","MARKERS"]"#, 128.0);
    let mot = subscription("s", Stream::Mot, r#"["COUNTER_MEMS","Q0"]"#, 32.0);
    decoder.push(Feed::Subscribed(Arc::clone(&mot)), Instant::now());
    let mark = |decoder: &mut Decoder, text: &str| {
        let session = "s".into();
        let value = MarkerValue::Text(text.to_owned());
        let text = MarkerText { label: text.to_owned(), value };
        let (id, time) = (Some("m".into()), 1.7e9 + 2.0);
        let marker = SessionMarker { session, id, time, end: None, text };
        decoder.push(Feed::Marker(marker), Instant::now());
    };
    // Before its sample has arrived, as over a slow line.
    mark(&mut decoder, "start");
    for index in 0..320 {
        let time = 1.7e9 + f64::from(index) / 32.0;
        send(&mut decoder, &mot, &format!("[{},0.5]", index % 32), time);
    }
    decoder.push(Feed::Subscribed(Arc::clone(&eeg)), Instant::now());
    mark(&mut decoder, "told by eeg");
    let markers = traces(&decoder).markers;
    assert_eq!(markers, [(64, "start".into())]);
}

/// The values of the window that ends before an index, one per column.
fn window(rig: &mut DecoderHarness, end: u64) -> Vec<Option<f32>> {
    rig.decoder.set_view(View { end: ViewEnd::At(end), ..view(2.0, 256, Filters::NONE) });
    let columns = rig.columns();
    columns.iter().map(|column| (column.count > 0).then_some(column.last)).collect()
}

#[test]
fn after_a_reconnect_the_old_picture_stands_and_the_hole_is_as_long_as_its_time() {
    let mut rig = DecoderHarness::one(view(2.0, 256, Filters::NONE));
    for index in 0..1000 {
        rig.send(&[f64::from(index)]);
    }
    let before = bits(&rig.columns());
    // While there is no connection, and before the first sample of the next one.
    rig.reconnect(100);
    assert_eq!(bits(&rig.columns()), before, "the old picture stands");
    assert_eq!(rig.health().gap, None, "it goes on");
    for index in 1100..1150 {
        rig.send(&[f64::from(index)]);
    }
    let health = rig.health();
    assert_eq!((health.lost, health.received), (0, 50), "nothing was lost");
    let gap = health.gap.expect("one gap");
    assert_eq!(gap.samples, 1000..1100);
    assert!((gap.length().as_secs_f64() - 101.0 / 128.0).abs() < 1e-6);
    assert_eq!(rig.traces().gaps, [gap]);
    let value = |index: u64| (!(1000..1100).contains(&index)).then_some(index as f32);
    let expected: Vec<_> = (1150 - 256..1150).map(value).collect();
    let live: Vec<_> =
        rig.columns().iter().map(|column| (column.count > 0).then_some(column.last)).collect();
    assert_eq!(live, expected);
    // A gap of an hour: one entry, and an axis that stays correct.
    rig.reconnect(3600 * 128);
    rig.send(&[7.0]);
    let traces = rig.traces();
    assert_eq!(traces.end, 1150 + 3600 * 128 + 1);
    assert_eq!((traces.oldest, traces.gaps.len()), (0, 2));
    assert_eq!(window(&mut rig, 1150), expected, "scrolled back beyond the gap");
    let time = rig.traces().end_time.expect("stamped");
    assert!((time - 1.7e9 - 1149.0 / 128.0).abs() < 1e-3);
    assert_eq!(rig.health().lost, 0);
}

#[test]
fn what_is_lost_is_told_by_the_counter_of_one_connection_and_no_clock_tells_a_gap() {
    let mut rig = DecoderHarness::one(view(2.0, 256, Filters::NONE));
    (0..300).for_each(|_| rig.send(&[1.0]));
    rig.lose(30);
    (0..300).for_each(|_| rig.send(&[1.0]));
    assert_eq!(rig.health().lost, 30);
    rig.reconnect(512);
    // Meanwhile Cortex's clock was set back by an hour, and the counter starts anywhere.
    for index in 0..300_u32 {
        let time = 1.7e9 - 3600.0 + f64::from(index) / 128.0;
        rig.text(crate::harness::message(u64::from(index + 77) % 128, &[2.0], time));
        rig.next += 1;
    }
    let health = rig.health();
    assert_eq!((health.lost, health.received), (0, 300));
    assert_eq!(health.gap.expect("a gap").samples, 630..630 + 512);
    assert_eq!(rig.traces().end, 630 + 512 + 300);
}

#[test]
fn other_channels_or_another_rate_begin_another_history_and_no_index_stands_for_two_samples() {
    for (sensors, rate, change) in
        [(&["Pz", "T7"][..], 128.0, Discontinuity::Channels), (&["Pz"], 256.0, Discontinuity::Rate)]
    {
        let mut rig = DecoderHarness::one(view(2.0, 256, Filters::NONE));
        (0..1000).for_each(|_| rig.send(&[1.0]));
        assert_eq!(window(&mut rig, 900).len(), 256);
        rig.decoder.push(Feed::Ended(rig.subscription.session.clone()), rig.now());
        let next = Subscription { session: "t".into(), ..(*eeg(sensors, rate)).clone() };
        rig.subscription = Arc::new(next);
        rig.next += 128;
        rig.decoder.push(Feed::Subscribed(Arc::clone(&rig.subscription)), rig.now());
        (0..300).for_each(|_| rig.send(&[2.0, 2.0][..sensors.len()]));
        let traces = rig.traces();
        let gap = &traces.gaps[0];
        assert_eq!((gap.discontinuity, gap.samples.end), (Some(change), traces.oldest));
        assert!(traces.oldest > 1000);
        let frozen = window(&mut rig, 900);
        assert!(frozen.iter().all(Option::is_none), "never other samples under the same indices");
        rig.decoder.set_view(view(2.0, 256, Filters::NONE));
        assert_eq!(rig.traces().channels.len(), sensors.len());
    }
}

#[test]
fn what_concerns_other_streams_leaves_the_picture_as_it_is() {
    let mut rig =
        DecoderHarness::within(40 << 10, &["Pz"], 128.0, view(2.0, 256, Filters::default()));
    (0..3000).for_each(|index| rig.send(&[wave(index)]));
    window(&mut rig, 2900);
    let picture = bits(&rig.columns());
    // If rebuilt, it would be empty now: everything has been forgotten.
    (3000..30_000).for_each(|index| rig.send(&[wave(index)]));
    assert!(rig.traces().oldest > 2900);
    let other = subscription("other", Stream::Eeg, r#"["COUNTER","T7"]"#, 128.0);
    let mot = subscription("s", Stream::Mot, r#"["COUNTER_MEMS","Q0"]"#, 32.0);
    let now = rig.now();
    for feed in [
        Feed::Subscribed(Arc::clone(&other)),
        Feed::Subscribed(Arc::clone(&mot)),
        Feed::Unsubscribed("other".into(), Stream::Eeg),
        Feed::Subscribed(other),
        Feed::Ended("other".into()),
        Feed::Unsubscribed("s".into(), Stream::Mot),
        Feed::Ended("s".into()),
    ] {
        rig.decoder.push(feed, now);
        assert_eq!(bits(&rig.columns()), picture);
    }
    let traces = rig.traces();
    assert!(traces.end_time.is_some() && traces.seconds.len() == 2, "nor its times");
}

#[test]
fn the_headsets_away_longest_are_forgotten_and_their_history_is_within_the_budget() {
    let columns = r#"["COUNTER","T7","MARKERS"]"#;
    let headset = |at: usize| format!("EPOCX-{at:08}");
    let mut decoder = Decoder::new(View::default(), 1 << 20);
    let start = Instant::now();
    for at in 0..50 {
        let now = start + Duration::from_secs(at as u64);
        let own = Subscription {
            headset: headset(at).as_str().into(),
            ..(*subscription(&at.to_string(), Stream::Eeg, columns, 128.0)).clone()
        };
        let own = Arc::new(own);
        decoder.push(Feed::Subscribed(Arc::clone(&own)), now);
        for index in 0..2048_u32 {
            let time = f64::from(index) / 128.0;
            send(&mut decoder, &own, &format!("[{},1.5,[]]", index % 128), time);
        }
        decoder.push(Feed::Ended(at.to_string().as_str().into()), now);
    }
    let mut shows = |at: usize| {
        let headset = Some(headset(at).as_str().into());
        decoder.set_view(View { headset, ..view(2.0, 10, Filters::NONE) });
        decoder.snapshot(start).traces.map(|traces| traces.newest - traces.oldest)
    };
    assert_eq!([33, 34, 49].map(&mut shows), [None, Some(2048), Some(2048)], "sixteen are kept");
    assert!(decoder.snapshot(start).health.is_empty());
    // The data of an absent headset is forgotten before that of a running one, to the last sample.
    let flows = subscription("s", Stream::Eeg, columns, 128.0);
    decoder.push(Feed::Subscribed(Arc::clone(&flows)), start);
    for index in 0..300_000_u32 {
        send(&mut decoder, &flows, &format!("[{},1.5,[]]", index % 128), f64::from(index) / 128.0);
    }
    let mut shows = |headset: &str| {
        let headset = Some(headset.into());
        decoder.set_view(View { headset, ..view(2.0, 10, Filters::NONE) });
        decoder.snapshot(start).traces.map_or(0, |traces| traces.newest - traces.oldest)
    };
    assert_eq!(shows("EPOCX-00000049"), 0);
    assert!(shows(HEADSET) > 250_000);
}

#[test]
fn markers_older_than_the_history_are_not_piled_on_its_first_sample() {
    let columns = r#"["COUNTER","T7","MARKERS"]"#;
    let eeg = subscription("s", Stream::Eeg, columns, 128.0);
    let mot = subscription("s", Stream::Mot, r#"["COUNTER_MEMS","Q0"]"#, 32.0);
    let mut decoder = Decoder::new(view(60.0, 60, Filters::NONE), 16 << 10);
    for subscription in [&eeg, &mot] {
        decoder.push(Feed::Subscribed(Arc::clone(subscription)), Instant::now());
    }
    for index in 0..20_000_u32 {
        let marker = if index % 1000 == 0 { r#"{"value":7}"# } else { "" };
        let time = 1.7e9 + f64::from(index) / 128.0;
        send(&mut decoder, &eeg, &format!("[{},1.5,[{marker}]]", index % 128), time);
        if index % 4 == 0 {
            send(&mut decoder, &mot, &format!("[{},0.5]", index / 4 % 32), time);
        }
    }
    for (stream, step) in [(Stream::Eeg, 1000), (Stream::Mot, 250)] {
        decoder.set_view(View { stream, ..view(600.0, 60, Filters::NONE) });
        let traces = traces(&decoder);
        assert!(traces.oldest > 0, "{stream}");
        let kept: Vec<u64> = traces.markers.iter().map(|(index, _)| *index).collect();
        let kept: Vec<u64> = kept.into_iter().filter(|&index| index >= traces.oldest).collect();
        let expected: Vec<u64> =
            (0..20).map(|at| at * step).filter(|&index| index >= traces.oldest).collect();
        assert_eq!(kept, expected, "{stream}: each once, at its own sample");
    }
}
