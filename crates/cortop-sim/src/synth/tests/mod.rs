mod eeg;

use super::*;
use crate::sample_writer::SampleWriter;
use cortop_protocol::model::Model;

fn synth(model: Model, seed: u64) -> Synth {
    Synth::new(Spec::of(model).unwrap(), seed)
}

fn text(source: &Synth, stream: Stream, index: u64) -> String {
    let mut row = SampleWriter::new(stream);
    source.write(
        stream,
        index,
        SampleContext { commands: &["push", "lift"], metrics: true, ..SampleContext::default() },
        &mut row,
    );
    row.finish("sid", 0.0)
}

/// µV of a channel over this many seconds, with DC and slow drift removed by a running mean of 1 s.
fn flattened(source: &Synth, channel: usize, seconds: u64) -> Vec<f64> {
    let rate = u64::from(source.spec.eeg_rate);
    let raw: Vec<f64> =
        (0..seconds * rate).map(|index| source.eeg(index).nth(channel).unwrap()).collect();
    let half = source.spec.eeg_rate as usize / 2;
    let mean = |window: &[f64]| window.iter().sum::<f64>() / window.len() as f64;
    raw.windows(2 * half + 1).map(|window| window[half] - mean(window)).collect()
}

fn median(values: &[f64]) -> f64 {
    let mut sizes: Vec<f64> = values.iter().map(|value| value.abs()).collect();
    sizes.sort_by(f64::total_cmp);
    sizes[sizes.len() / 2]
}

/// Power at a frequency, from one bin of a Fourier transform.
fn power(values: &[f64], rate: f64, hz: f64) -> f64 {
    let turn = std::f64::consts::TAU * hz / rate;
    let (re, im) = values.iter().zip(0..).fold((0.0, 0.0), |(re, im), (value, index)| {
        let (sin, cos) = (turn * f64::from(index)).sin_cos();
        (re + value * cos, im + value * sin)
    });
    (re * re + im * im) / values.len() as f64
}

#[test]
fn the_same_seed_gives_the_same_text_in_any_order_and_another_seed_another() {
    for model in [Model::EpocX, Model::EpocPlus, Model::Insight, Model::EpocFlex, Model::Mn8] {
        let (one, same, other) = (synth(model, 5), synth(model, 5), synth(model, 6));
        for stream in Stream::ALL.into_iter().filter(|&stream| one.columns(stream).is_some()) {
            let forward: Vec<_> = (0..200).map(|index| text(&one, stream, index)).collect();
            let mut back: Vec<_> = (0..200).rev().map(|index| text(&same, stream, index)).collect();
            back.reverse();
            assert_eq!(forward, back, "{model:?} {stream}");
            let others: Vec<_> = (0..200).map(|index| text(&other, stream, index)).collect();
            // Half a minute of unchanging contact may look the same; no signal does.
            assert!(forward != others || stream == Stream::Dev, "{model:?} {stream}");
        }
    }
}

#[test]
fn every_sample_has_the_shape_of_its_columns() {
    for model in [Model::EpocX, Model::EpocPlus, Model::Insight, Model::EpocFlex, Model::Mn8] {
        let source = synth(model, 1);
        for stream in Stream::ALL {
            let Some(Columns(columns)) = source.columns(stream) else { continue };
            for index in [0, 1, 77, 100_000] {
                let sample: serde_json::Value =
                    serde_json::from_str(&text(&source, stream, index)).unwrap();
                let values = sample[stream.name()].as_array().unwrap();
                assert_eq!(values.len(), columns.len(), "{model:?} {stream}");
                for (value, column) in values.iter().zip(&columns) {
                    if let Column::Group(labels) = column {
                        assert_eq!(value.as_array().unwrap().len(), labels.len());
                    }
                }
            }
        }
    }
}

#[test]
fn what_a_model_has_is_what_it_streams() {
    let lacks = |model| {
        let source = synth(model, 0);
        let lacking = |stream: &Stream| source.columns(*stream).is_none();
        Stream::ALL.into_iter().filter(lacking).map(Stream::name).collect::<Vec<_>>()
    };
    assert_eq!(lacks(Model::EpocX), ["sys"]);
    assert_eq!(lacks(Model::Mn8), ["fac", "sys"]);
    assert_eq!(lacks(Model::EpocFlex), ["met", "com", "fac", "sys"]);
    let labels = |model, stream| -> Vec<String> {
        synth(model, 0).columns(stream).unwrap().labels().map(str::to_owned).collect()
    };
    assert_eq!(labels(Model::EpocPlus, Stream::Mot)[2], "GYROX");
    assert_eq!(labels(Model::EpocX, Stream::Mot)[2], "Q0");
    assert_eq!(labels(Model::EpocFlex, Stream::Eeg)[34], "HighBitFlex");
    assert_eq!(labels(Model::EpocX, Stream::Pow).len(), 70);
}

#[test]
fn motion_is_that_of_the_model() {
    let axes = "ACCX ACCY ACCZ MAGX MAGY MAGZ";
    let quaternion = format!("Q0 Q1 Q2 Q3 {axes}");
    for (model, rate, bits, sensors, gravity) in [
        (Model::Epoc, 128.0, 12, "GYROX GYROY", None),
        (Model::EpocPlus, 64.0, 16, &*format!("GYROX GYROY GYROZ {axes}"), Some(-1.0)),
        (Model::EpocX, 64.0, 16, &*quaternion, Some(1.0)),
        (Model::Insight, 64.0, 14, &*quaternion, Some(1.0)),
        (Model::Insight2, 32.0, 16, &*quaternion, Some(1.0)),
        (Model::EpocFlex, 16.0, 8, &*quaternion, Some(1.0)),
        (Model::Mn8, 6.4, 14, &*quaternion, Some(1.0)),
    ] {
        let source = synth(model, 1);
        let spec = &source.spec;
        assert_eq!((spec.mems_rate, spec.mems_bits), (rate, bits), "{model:?}");
        assert_eq!(spec.motion_sensors().join(" "), sensors, "{model:?}");
        let labels: Vec<String> =
            source.columns(Stream::Mot).unwrap().labels().map(str::to_owned).collect();
        assert_eq!(labels.join(" "), format!("COUNTER_MEMS INTERPOLATED_MEMS {sensors}"));
        for index in 0..640 {
            let sample: serde_json::Value =
                serde_json::from_str(&text(&source, Stream::Mot, index)).unwrap();
            let value = |label: &str| {
                let place = labels.iter().position(|own| own == label)?;
                sample["mot"][place].as_f64()
            };
            assert_eq!(value("COUNTER_MEMS"), Some(index as f64 % rate.ceil()));
            let in_g =
                |counts: f64| if counts > 1000.0 { (counts - 8192.0) / 4096.0 } else { counts };
            let on_x = value("ACCX").map(in_g);
            assert_eq!(on_x.map(f64::signum), gravity, "{model:?}");
            assert!(on_x.is_none_or(|g| (0.9..1.01).contains(&g.abs())), "{model:?} {on_x:?}");
        }
    }
}

#[test]
fn counters_wrap_at_the_rate_and_times_give_back_their_index() {
    let source = synth(Model::EpocX, 0);
    assert!(text(&source, Stream::Eeg, 255).starts_with(r#"{"eeg":[255,0,"#));
    assert!(text(&source, Stream::Eeg, 256).starts_with(r#"{"eeg":[0,0,"#));
    assert!(text(&source, Stream::Mot, 65).starts_with(r#"{"mot":[1,0,"#));
    for model in [Model::EpocX, Model::Mn8] {
        let source = synth(model, 0);
        for stream in [Stream::Eeg, Stream::Mot, Stream::Fac, Stream::Dev] {
            for index in (0..2000).chain(90_000_000..90_000_100) {
                let time = source.time(stream, index);
                assert_eq!(source.index_at(stream, time), index);
                assert_eq!(source.index_at(stream, time + 0.001), index + 1);
            }
        }
    }
}

#[test]
fn values_stand_on_the_steps_of_the_converter_around_the_offset() {
    for (model, step) in [(Model::EpocX, 5.0 / 39.0), (Model::Insight, 20.0 / 39.0)] {
        for value in synth(model, 3).eeg(1234) {
            assert!((value / step - (value / step).round()).abs() < 1e-6);
            assert!((3900.0..4700.0).contains(&value), "{value}");
        }
    }
    assert!(synth(Model::EpocFlex, 3).eeg(1234).all(|value| value.abs() < 400.0));
}

#[test]
fn the_signal_is_as_large_as_real_eeg_and_alpha_stands_out_at_the_back() {
    let source = synth(Model::EpocX, 0);
    let of = |name: &str| {
        let channel = source.spec.sensors.iter().position(|own| own == name).unwrap();
        flattened(&source, channel, 40)
    };
    let (front, back) = (of("F3"), of("O1"));
    for (name, values) in [("F3", &front), ("O1", &back)] {
        let median = median(values);
        assert!((5.0..18.0).contains(&median), "{name}: {median}");
    }
    let alpha = |values: &[f64]| {
        (90..=114).map(|hz| power(values, 256.0, f64::from(hz) / 10.0)).sum::<f64>()
    };
    assert!(alpha(&back) > 5.0 * alpha(&front), "{} {}", alpha(&back), alpha(&front));
    // Mains as the headset's notch leaves it.
    let mains = power(&back, 256.0, 50.0);
    assert!(mains < 0.01 * alpha(&back), "{mains}");
}

#[test]
fn a_blink_in_fac_is_a_blink_in_the_frontal_eeg() {
    let source = synth(Model::EpocX, 2);
    let mut blinks = 0;
    for index in 32..32 * 60 {
        if text(&source, Stream::Fac, index).contains("blink") {
            blinks += 1;
            let at = source.index_at(Stream::Eeg, source.time(Stream::Fac, index));
            let (peak, before) =
                (source.eeg(at).next().unwrap(), source.eeg(at - 128).next().unwrap());
            assert!(peak - before > 40.0, "{peak} {before}");
        }
    }
    assert!((6..25).contains(&blinks), "{blinks}");
}

#[test]
fn nothing_is_told_that_is_not_known_yet() {
    let source = synth(Model::EpocX, 0);
    let mut row = SampleWriter::new(Stream::Met);
    source.write(Stream::Met, 3, SampleContext::default(), &mut row);
    let values = row.finish("s", 0.0);
    assert!(values.starts_with(r#"{"met":[false,null,false,null,false,null,null,false,null"#));
    let mut row = SampleWriter::new(Stream::Com);
    (0..100).for_each(|index| source.write(Stream::Com, index, SampleContext::default(), &mut row));
    assert!(!row.finish("s", 0.0).contains("push"));
}

#[test]
fn band_power_is_that_of_the_samples_of_the_last_two_seconds() {
    let source = synth(Model::EpocX, 4);
    // The row of `pow` at 30 s, computed after others: 14 sensors with 5 bands.
    let mut row = SampleWriter::new(Stream::Pow);
    source.write(Stream::Pow, 239, SampleContext::default(), &mut row);
    let mut row = SampleWriter::new(Stream::Pow);
    source.write(Stream::Pow, 240, SampleContext::default(), &mut row);
    let listed: Vec<f64> = row.values().iter().map(|value| value.as_f64().unwrap()).collect();
    assert_eq!(listed.len(), 70);
    let hann = |at: f64| 0.5 - 0.5 * (std::f64::consts::TAU * at / 512.0).cos();
    let weight: f64 = (0..512).map(|at| hann(f64::from(at)).powi(2)).sum();
    for channel in 0..14 {
        let samples: Vec<f64> = (30 * 256 - 512..30 * 256)
            .map(|index| source.eeg(index).nth(channel).unwrap())
            .collect();
        let mean = samples.iter().sum::<f64>() / 512.0;
        let windowed: Vec<f64> =
            samples.iter().zip(0..).map(|(it, at)| (it - mean) * hann(f64::from(at))).collect();
        let bands = [(8, 16), (16, 24), (24, 32), (32, 50), (50, 90)];
        for ((low, high), listed) in bands.into_iter().zip(&listed[channel * 5..]) {
            let line = |half: u32| {
                2.0 * 512.0 * power(&windowed, 256.0, f64::from(half) / 2.0) / (256.0 * weight)
            };
            let expected = (low..high).map(line).sum::<f64>() / f64::from(high - low);
            // Printed with three decimals.
            let off = (listed - expected).abs();
            assert!(off < 0.01 * expected + 5e-4, "{channel} {low}: {listed} {expected}");
        }
    }
}

#[test]
fn a_sample_is_made_once_for_all_who_stream_eeg_and_band_power() {
    let source = synth(Model::EpocX, 4);
    // Ten seconds of two sessions, one of which lags by half a second, and of band power.
    for index in 0..2560_u64 {
        text(&source, Stream::Eeg, index);
        text(&source, Stream::Eeg, index.saturating_sub(128));
        if index % 32 == 0 {
            text(&source, Stream::Pow, index / 32);
        }
    }
    assert_eq!(source.samples.made(), 2560);
}
