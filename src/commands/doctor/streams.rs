//! Diagnoses the streams of a session: the first samples of each, and the losses.

use std::time::Duration;

use super::report::{Diagnosis, Verdict};
use crate::commands::Opened;
use crate::stage::{Failure, Stage};
use cortop_client::{Error, HeadsetId, SessionMode, Stream, account::Licence, model::Model};
use cortop_signal::{Snapshot, StreamHealth};

/// How long the streams are watched.
pub(super) const WATCHED: Duration = Duration::from_secs(5);

/// Maximum wait for the first sample of a slow stream: `met` comes every 10 s.
pub(super) const SLOWEST: Duration = Duration::from_secs(15);

/// From this share on, a loss is serious.
const SERIOUS: f64 = 0.01;

/// Whether every granted stream has delivered a sample, except `sys`, which waits for events.
pub(super) fn all_seen(opened: &Opened, snapshot: &Snapshot) -> bool {
    granted(opened).filter(|&stream| stream != Stream::Sys).all(|stream| {
        snapshot.health_of(&opened.id, stream).is_some_and(|health| health.received > 0)
    })
}

fn granted(opened: &Opened) -> impl Iterator<Item = Stream> {
    opened.subscribed.iter().flat_map(|subscribed| subscribed.streams.iter().copied())
}

/// A diagnosis for each stream, in order, and one for all that another program receives. `adopted`: that
/// program opened the session.
pub(super) fn samples(
    opened: &Opened,
    headset: &HeadsetId,
    licence: Option<&Licence>,
    adopted: bool,
    snapshot: &Snapshot,
) -> Vec<Diagnosis> {
    let refused = opened.subscribed.iter().flat_map(|subscribed| &subscribed.refused);
    let mut diagnoses: Vec<(Stream, Diagnosis)> = refused
        .map(|(stream, why)| (*stream, refusal(*stream, why, opened.mode, headset, licence)))
        .chain(granted(opened).map(|stream| {
            (stream, flowing(stream, adopted, snapshot.health_of(&opened.id, stream)))
        }))
        .collect();
    diagnoses.sort_by_key(|(stream, _)| *stream);
    let own = diagnoses.into_iter().map(|(stream, diagnosis)| diagnosis.about(stream.name()));
    let theirs = opened.subscribed.iter().flat_map(|own| &own.theirs).map(|stream| stream.name());
    own.chain(unchecked(&theirs.collect::<Vec<_>>())).collect()
}

/// What Cortex sends to another program only.
fn unchecked(theirs: &[&str]) -> Option<Diagnosis> {
    let found = "not checked: another program has the session";
    let next = "look at the samples in that program, or close it and run `cortop doctor` again";
    let diagnosis = Diagnosis::new(Stage::Samples, Verdict::Warning, found, next);
    (!theirs.is_empty()).then(|| diagnosis.about(&theirs.join(" ")))
}

/// A refused stream; some refusals are no problem.
fn refusal(
    stream: Stream,
    why: &Error,
    mode: SessionMode,
    headset: &HeadsetId,
    licence: Option<&Licence>,
) -> Diagnosis {
    let entitled = licence.is_some_and(|licence| licence.has_scope("eeg"));
    match (stream, mode) {
        (Stream::Eeg, SessionMode::Open) if entitled => Diagnosis::skipped(
            Stage::Samples,
            "comes with an activated session, which debits the licence: not tried",
        ),
        // The licence decides, whoever opened the session.
        (Stream::Eeg, _) if !entitled => {
            let failure = Failure::refused(Stage::Samples, why);
            Diagnosis { verdict: Verdict::Warning, ..failure.into() }
        }
        (Stream::Fac, _) if Model::from_id(headset) == Model::Mn8 => {
            Diagnosis::skipped(Stage::Samples, "this model has none")
        }
        _ => Failure::refused(Stage::Samples, why).into(),
    }
}

/// A granted stream.
fn flowing(stream: Stream, adopted: bool, health: Option<&StreamHealth>) -> Diagnosis {
    let diagnosis =
        |verdict, found: &str, next| Diagnosis::new(Stage::Samples, verdict, found, next);
    match health {
        Some(health) if health.malformed > 0 => {
            let found = format!("{} messages do not match their columns", health.malformed);
            diagnosis(Verdict::Warning, &found, "update EMOTIV Launcher and cortop")
        }
        Some(health) if health.received > 0 => diagnosis(Verdict::Pass, &rate(health), ""),
        _ if stream == Stream::Sys => diagnosis(Verdict::Pass, "granted; comes while training", ""),
        // Cortex may send the samples of another program's session only to that program.
        _ if adopted => diagnosis(
            Verdict::Warning,
            "granted, and no sample has come",
            "close the program that opened the session, then run `cortop doctor` again",
        ),
        _ => diagnosis(
            Verdict::Fail,
            "granted, and no sample has come",
            "check that the headset is on, charged and near; then open it again",
        ),
    }
}

fn rate(health: &StreamHealth) -> String {
    match (health.rate, health.nominal_rate) {
        (Some(rate), Some(nominal)) if nominal >= 1.0 => format!("{rate:.0} of {nominal} Hz"),
        (Some(rate), _) => format!("{rate:.1} Hz"),
        (None, _) => format!("{} so far", health.received),
    }
}

/// The losses of all streams together.
pub(super) fn loss(snapshot: &Snapshot) -> Diagnosis {
    let diagnosis = |verdict, found: &str, next| Diagnosis::new(Stage::Loss, verdict, found, next);
    let sum = |of: fn(&StreamHealth) -> u64| snapshot.health.iter().map(of).sum::<u64>();
    let (received, lost) = (sum(|health| health.received), sum(|health| health.lost));
    let filled = sum(|health| health.interpolated);
    if received == 0 {
        return Diagnosis::skipped(Stage::Loss, "no sample has come");
    }
    let all = received + lost;
    let share = (lost + filled) as f64 / all as f64;
    if lost + filled + snapshot.dropped == 0 {
        return diagnosis(Verdict::Pass, &format!("none of {all} samples"), "");
    }
    if lost + filled == 0 {
        let found = format!("{} samples came faster than they were read", snapshot.dropped);
        return diagnosis(Verdict::Warning, &found, "this computer is busy: close other programs");
    }
    let found = format!(
        "{lost} of {all} samples lost, {filled} filled in by Cortex ({:.1} %)",
        share * 100.0
    );
    let verdict = if share >= SERIOUS { Verdict::Fail } else { Verdict::Warning };
    let next = "bring the headset closer, charge it, keep its dongle away from other radios and \
                USB 3 ports";
    diagnosis(verdict, &found, next)
}
