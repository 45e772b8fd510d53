//! Checks the headsets and their pitfalls (§7.3, §8), and chooses one to try.

use super::report::{Diagnosis, Verdict};
use crate::stage::Stage;
use cortop_client::{ClockOffset, Headset, HeadsetId, headset::HeadsetStatus, model::Model};

/// The headset to try.
#[derive(Debug, PartialEq)]
pub(super) enum Choice {
    This(HeadsetId),
    /// None can be tried; the diagnoses say why.
    None,
}

/// Chooses the requested headset, else a connected one, else the only one. Does not connect an arbitrary
/// headset.
pub(super) fn choose(headsets: &[Headset], wanted: Option<&HeadsetId>) -> (Choice, Vec<Diagnosis>) {
    let judged =
        |verdict, found: &str, next: &str| Diagnosis::new(Stage::Headset, verdict, found, next);
    if let Some(wanted) = wanted
        && !headsets.iter().any(|headset| headset.id == *wanted)
    {
        let found = "it is not in reach";
        let next = "switch it on and bring it closer, or check --headset";
        return (Choice::None, vec![judged(Verdict::Fail, found, next).about(wanted.as_str())]);
    }
    if headsets.is_empty() {
        let next = "switch the headset on, bring it closer, and plug its dongle in if it has one";
        return (Choice::None, vec![judged(Verdict::Fail, "none is in reach", next)]);
    }
    let fitting: Vec<_> = headsets
        .iter()
        .filter(|headset| {
            wanted.is_none_or(|id| headset.id == *id) && blocking_reason(headset).is_none()
        })
        .collect();
    let chosen =
        fitting.iter().find(|headset| headset.is_connected()).or(match fitting.as_slice() {
            [only] => Some(only),
            _ => None,
        });
    let chosen = chosen.map(|headset| headset.id.clone());
    let mut diagnoses: Vec<_> =
        headsets.iter().map(|headset| judge(headset, chosen.as_ref(), wanted)).collect();
    if chosen.is_none() && !fitting.is_empty() {
        let found = "there are several and none is connected";
        diagnoses.push(judged(Verdict::Fail, found, "choose one with --headset"));
    }
    (chosen.map_or(Choice::None, Choice::This), diagnoses)
}

/// Why it cannot have a session, with the next step.
fn blocking_reason(headset: &Headset) -> Option<(&'static str, &'static str)> {
    if headset.is_on_usb_cable() {
        Some((Headset::ON_USB_CABLE, Headset::OFF_USB_CABLE))
    } else if headset.is_dfu_mode {
        let next = "finish the update in EMOTIV Launcher, or switch it off and on";
        Some(("in firmware update mode: it cannot stream", next))
    } else {
        None
    }
}

fn judge(headset: &Headset, chosen: Option<&HeadsetId>, wanted: Option<&HeadsetId>) -> Diagnosis {
    let mut notes = vec![headset.model().name().to_owned()];
    if let Some((why, next)) = blocking_reason(headset) {
        // Another one can be tried instead.
        let verdict = match chosen {
            Some(_) => Verdict::Warning,
            None if wanted.is_some_and(|id| headset.id != *id) => Verdict::Warning,
            None => Verdict::Fail,
        };
        notes.push(why.to_owned());
        return Diagnosis::new(Stage::Headset, verdict, &notes.join(", "), next)
            .about(headset.id.as_str());
    }
    notes.push(match headset.status {
        HeadsetStatus::Discovered => "only discovered: it has to be connected first".to_owned(),
        _ if headset.connected_by.is_empty() => headset.status.to_string(),
        _ => format!("{} by {}", headset.status, headset.connected_by),
    });
    if headset.is_virtual {
        notes.push("virtual: no hardware, and Cortex does not report when it is gone".to_owned());
    }
    if let Some(trait_) = of_the_model(headset.model()) {
        notes.push(trait_.to_owned());
    }
    let (mut verdict, mut next) = (Verdict::Pass, "");
    if headset.model() == Model::Unknown {
        (verdict, next) = (Verdict::Warning, "update cortop; its columns show what it has");
    } else if headset.is_connected() && headset.settings.mems_rate == Some(0.0) {
        notes.push("motion is off".to_owned());
        (verdict, next) = (Verdict::Warning, "for mot, switch motion on in EMOTIV Launcher");
    }
    Diagnosis::new(Stage::Headset, verdict, &notes.join(", "), next).about(headset.id.as_str())
}

/// What a model lacks.
fn of_the_model(model: Model) -> Option<&'static str> {
    match model {
        Model::Mn8 | Model::Mw20 => Some("no fac; of met only attention and cognitive stress"),
        Model::EpocFlex | Model::Flex2 => {
            Some("met, com and fac only with a mapping like the EPOC X's")
        }
        _ => None,
    }
}

/// Above this many seconds a marker is visibly off the sample it belongs to.
const COARSE: f64 = 0.05;

/// How precisely a marker is aligned with its sample.
pub(super) fn clock(clock: Option<&ClockOffset>) -> Diagnosis {
    let judged =
        |verdict, found: &str, next: &str| Diagnosis::new(Stage::Clock, verdict, found, next);
    match clock {
        None => {
            let next = "set this computer's clock to that of the Cortex computer";
            judged(Verdict::Warning, "unknown: markers go by this computer's clock", next)
        }
        Some(clock) if clock.uncertainty > COARSE => {
            let next = "for exact markers, run cortop on the Cortex computer";
            judged(Verdict::Warning, &clock.to_string(), next)
        }
        Some(clock) => judged(Verdict::Pass, &clock.to_string(), ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headset(id: &str, status: &str, by: &str) -> Headset {
        Headset {
            id: id.into(),
            status: status.to_owned().into(),
            connected_by: by.into(),
            ..Headset::default()
        }
    }

    /// The chosen headset, and the verdicts.
    fn chosen(headsets: &[Headset], wanted: Option<&str>) -> (Option<String>, Vec<Verdict>) {
        let (choice, diagnoses) = choose(headsets, wanted.map(HeadsetId::from).as_ref());
        let id = match choice {
            Choice::This(id) => Some(id.to_string()),
            Choice::None => None,
        };
        (id, diagnoses.into_iter().map(|diagnosis| diagnosis.verdict).collect())
    }

    #[test]
    fn a_clock_is_judged_by_its_uncertainty() {
        let judged = |uncertainty| {
            let diagnosis = clock(Some(&ClockOffset { offset: -3.4, uncertainty }));
            (diagnosis.verdict, diagnosis.found)
        };
        assert_eq!(judged(0.008), (Verdict::Pass, "offset -3.400 s ± 8 ms".to_owned()));
        assert_eq!(judged(0.2), (Verdict::Warning, "offset -3.400 s ± 200 ms".to_owned()));
        assert_eq!(clock(None).verdict, Verdict::Warning);
    }

    #[test]
    fn the_connected_one_is_tried_and_nothing_is_connected_at_random() {
        use Verdict::{Fail, Pass, Warning};
        let near = headset("EPOCX-1", "discovered", "bluetooth");
        let on = headset("INSIGHT-2", "connected", "bluetooth");
        let cable = headset("EPOCX-3", "connected", "usb cable");
        let updating = Headset { is_dfu_mode: true, ..headset("EPOCX-4", "connected", "dongle") };
        let both = [near.clone(), on.clone()];
        assert_eq!(chosen(&both, None), (Some("INSIGHT-2".into()), vec![Pass, Pass]));
        assert_eq!(chosen(&both, Some("EPOCX-1")), (Some("EPOCX-1".into()), vec![Pass, Pass]));
        assert_eq!(chosen(&both, Some("EPOCX-9")), (None, vec![Fail]));
        assert_eq!(chosen(std::slice::from_ref(&near), None), (Some("EPOCX-1".into()), vec![Pass]));
        assert_eq!(chosen(&[near.clone(), near.clone()], None), (None, vec![Pass, Pass, Fail]));
        assert_eq!(chosen(&[], None), (None, vec![Fail]));
        assert_eq!(chosen(std::slice::from_ref(&cable), None), (None, vec![Fail]));
        assert_eq!(chosen(&[updating], None), (None, vec![Fail]));
        let beside = [cable, near];
        assert_eq!(chosen(&beside, None), (Some("EPOCX-1".into()), vec![Warning, Pass]));
        assert_eq!(chosen(&beside, Some("EPOCX-3")), (None, vec![Fail, Pass]));
    }
}
