//! The filters, the spectrum and the automatic scale with known signals, over the whole path: samples in at
//! the simulator, words and marks out on the screen.

use std::f64::consts::TAU;

use cortop::app::Key;

use crate::picture::{RATE, watch};

/// A sine of an amplitude in µV at the level of a headset.
fn sine(hz: f64, amplitude: f64, index: u64) -> f64 {
    4200.0 + amplitude * (TAU * hz * index as f64 / f64::from(RATE)).sin()
}

/// Mains hum, eyes-closed alpha of 25 dB, only an offset, a sine far below the scale, and the other mains
/// frequency.
#[expect(clippy::unnecessary_wraps, reason = "signals may miss samples")]
fn tones(index: u64) -> Option<[f64; 5]> {
    let of = |hz, amplitude| sine(hz, amplitude, index);
    Some([of(60.0, 20.0), of(10.0, 21.8), 4200.0, of(20.0, 0.02), of(50.0, 20.0)])
}

#[tokio::test(start_paused = true)]
async fn mains_is_named_alpha_is_not_cut_and_what_is_not_there_has_no_peak() {
    watch(tones, "p", |mut person| async {
        let heading = "high-pass 0.5 Hz · before the low-pass";
        let screen = person.eyes.wait_for("AF3  peak 60.0 Hz 24 dB").await;
        assert!(screen.contains(heading), "{screen}");
        let axis = screen.lines().find(|line| line.contains("70 Hz")).expect("up to 70 Hz");
        assert!(axis.contains(" 50 ") && axis.contains(" 60 "), "{screen}");
        assert_eq!(screen.matches("mains").count(), 2, "{screen}");
        person.press(Key::DOWN).await;
        let screen = person.eyes.wait_for("T7  peak 10.0 Hz (alpha) 25 dB").await;
        assert!(!screen.contains('▴'), "cut at the top: {screen}");
        for channel in ["Pz", "T8"] {
            person.press(Key::DOWN).await;
            person.eyes.wait_for(&format!("{channel}  no peak above 4 Hz  mean of")).await;
        }
        person.press(Key::DOWN).await;
        person.eyes.wait_for("AF4  peak 50.0 Hz").await;
        // The notch removes it, and the title says so.
        person.type_in("n").await;
        let notched = "high-pass 0.5 Hz, notch 50 · before the low-pass";
        person
            .eyes
            .wait(notched, |screen| screen.contains(notched) && screen.contains("AF4  no peak"))
            .await;
        person.type_in("g").await;
        let drawn = ["spectrogram · AF4", notched, "70 Hz", "60 mains", "50 mains"];
        let all_drawn = |screen: &str| drawn.iter().all(|text| screen.contains(text));
        person.eyes.wait("a spectrogram up to 70 Hz", all_drawn).await;
        person
    })
    .await;
}

/// One electrode in five is bad.
#[expect(clippy::unnecessary_wraps, reason = "signals may miss samples")]
fn one_bad(index: u64) -> Option<[f64; 5]> {
    let of = |hz, amplitude| sine(hz, amplitude, index);
    Some([of(10.0, 30.0), of(11.0, 30.0), of(9.0, 800.0), of(12.0, 30.0), of(10.0, 30.0)])
}

#[tokio::test(start_paused = true)]
async fn one_bad_electrode_flattens_no_other() {
    watch(one_bad, "=", |mut person| async {
        person.measure(5).await;
        let screen = person.eyes.wait_for("auto ±").await;
        assert!(screen.contains("auto ±50 µV/row"), "{screen}");
        person
    })
    .await;
}

/// The level of the second channel jumps and stays; the others have a glitch of two samples, a jump that the
/// filter accepts, and nothing.
#[expect(clippy::unnecessary_wraps, reason = "signals may miss samples")]
fn jumps(index: u64) -> Option<[f64; 5]> {
    let glitch = if (1000..1002).contains(&index) { 9000.0 } else { 4200.0 };
    let step = |to| if index < 1000 { 4200.0 } else { to };
    Some([glitch, step(6000.0), sine(10.0, 20.0, index), step(5100.0), 4200.0])
}

#[tokio::test(start_paused = true)]
async fn a_filter_that_begins_again_is_marked_on_its_own_trace() {
    watch(jumps, "", |mut person| async {
        let screen = person.eyes.wait_for("↺").await;
        let marked: Vec<&str> = screen.lines().filter(|line| line.contains('↺')).collect();
        let trace = marked[marked.len() - 1];
        assert!(screen.contains("↺ restart"), "{screen}");
        let row = |label: &str| {
            screen.lines().position(|line| line.starts_with(&format!("┃{label} "))).expect("a row")
        };
        let at = screen.lines().position(|line| line == trace).expect("it is there");
        assert!((row("T7")..row("Pz")).contains(&at), "{screen}");
        assert_eq!(trace.matches('↺').count(), 1, "{screen}");
        assert!(!screen.contains('╳'), "nothing is lost: {screen}");
        // Without filters nothing restarts.
        person.type_in("fffF").await;
        person
            .eyes
            .wait("no mark", |screen| screen.contains("unfiltered") && !screen.contains('↺'))
            .await;
        person
    })
    .await;
}
