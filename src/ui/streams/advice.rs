//! The next step for fitting a headset, derived from contact, EEG quality and the raw signal. Text only.

use super::levels::{GOOD, SensorRow, level_word};
use crate::ui::theme::ThemeToken;
use cortop_client::{Stream, model::Model};
use cortop_signal::{Defect, snapshot::LatestValues};

/// The next step and its style; `sensors` are in the order of [`super::levels::by_need`].
pub(super) fn next(
    stream: Stream,
    table: &LatestValues,
    sensors: &[SensorRow<'_>],
    model: Model,
) -> (ThemeToken, String) {
    if stream == Stream::Dev && table.get("Signal").is_some_and(|signal| signal <= 0.0) {
        let text = "No link to the headset: move it closer to its receiver, and charge it.";
        return (ThemeToken::None, text.to_owned());
    }
    let known: Vec<f64> = sensors.iter().filter_map(|sensor| sensor.level).collect();
    let bad = |level: &f64| *level < 1.5;
    if stream == Stream::Dev && known.len() > 1 && known.iter().all(bad) {
        return (
            level_word(known.iter().copied().reduce(f64::min)).0,
            format!("All sensors read bad: check the reference ({}).", reference(model)),
        );
    }
    if let Some(step) = of_defects(stream, sensors, model) {
        return (ThemeToken::Bad, step);
    }
    let Some(&SensorRow { name, level, .. }) = sensors.first() else {
        return (ThemeToken::Dim, "Cortex reports no sensor.".to_owned());
    };
    let Some(value) = level else {
        // Sensors of unknown level come before the good ones.
        return if known.is_empty() {
            (ThemeToken::Dim, "Cortex has reported no level of any sensor yet.".to_owned())
        } else {
            let text = "All known levels are good; the other sensors report none.";
            (ThemeToken::Fair, text.to_owned())
        };
    };
    let (token, _, word) = level_word(level);
    let (fix, press) = self::fix(model);
    let step = match (stream, value) {
        (Stream::Dev, GOOD..) => {
            return (ThemeToken::Good, "Contact is good everywhere.".to_owned());
        }
        (_, GOOD..) => {
            return (ThemeToken::Good, "The signal looks like EEG everywhere.".to_owned());
        }
        (Stream::Dev, ..1.5) => format!("{fix}, {press} and wait 10 s."),
        (Stream::Dev, ..2.5) => {
            format!("press it and wait 10 s; if it does not improve, {fix}.")
        }
        (Stream::Dev, _) => "wait: contact improves as the sensor settles.".to_owned(),
        _ => "good contact first (c), then sit still, relax the jaw, avoid mains.".to_owned(),
    };
    (token, format!("{name} {word}: {step}"))
}

/// What to do about channels whose raw signal cannot be EEG.
fn of_defects(stream: Stream, sensors: &[SensorRow<'_>], model: Model) -> Option<String> {
    let &SensorRow { name, level, defect, .. } = sensors.iter().find(|it| it.defect.is_some())?;
    let defect = defect?;
    // A single bad reference drives all channels off.
    let driven =
        |sensor: &&SensorRow<'_>| matches!(sensor.defect, Some(Defect::Railed | Defect::OffLevel));
    let count = sensors.iter().filter(driven).count();
    if count > 1 && 2 * count > sensors.len() {
        return Some(format!(
            "{count} of {} channels are {} or {}: check the reference ({}).",
            sensors.len(),
            Defect::Railed.name(),
            Defect::OffLevel.name(),
            reference(model)
        ));
    }
    let although = match stream {
        Stream::Dev if level >= Some(GOOD) => ", although its contact reads good",
        _ => "",
    };
    let (fix, press) = fix(model);
    let step = match defect {
        Defect::Railed => format!(
            "there is no EEG in it; {fix} and {press}; if it stays railed, the sensor is broken."
        ),
        Defect::Flat if stream == Stream::Dev && level >= Some(GOOD) => {
            "its value does not change; switch the headset off and on; if it stays flat, the \
             sensor is broken."
                .to_owned()
        }
        Defect::Flat if stream == Stream::Dev => {
            format!("its value does not change; {fix}, {press} and wait 10 s.")
        }
        Defect::Flat => format!(
            "its value does not change; {fix} and {press}; if its contact is good, switch the \
             headset off and on."
        ),
        Defect::OffLevel => {
            format!("it is far from the usual 4200 µV; {fix}, {press} and wait until it settles.")
        }
    };
    Some(format!("{name} {}{although}: {step}", defect.name()))
}

/// Where a model's reference electrodes are (§8).
fn reference(model: Model) -> &'static str {
    match model {
        Model::Epoc | Model::EpocPlus | Model::EpocX => "CMS/DRL at P3/P4 or mastoids",
        Model::Insight | Model::Insight2 => "CMS/DRL at the left mastoid",
        Model::EpocFlex | Model::Flex2 => "CMS and DRL of its mapping",
        _ => "CMS/DRL",
    }
}

/// How to make a sensor of this model conduct, and how to make it touch.
fn fix(model: Model) -> (&'static str, &'static str) {
    let fix = match model {
        Model::Epoc | Model::EpocPlus | Model::EpocX => "moisten the felt",
        Model::EpocFlex | Model::Flex2 => "moisten the felt or add gel",
        Model::Mn8 | Model::Mw20 => return ("clean the earbud", "seat it deeper"),
        _ => "moisten it",
    };
    (fix, "press it to the skin")
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::{super::levels::by_need, *};

    fn step(stream: Stream, values: &[(&str, Option<f64>)]) -> String {
        next_step(stream, values, &[]).1
    }

    fn step_with(stream: Stream, values: &[(&str, Option<f64>)], bad: &[(&str, Defect)]) -> String {
        next_step(stream, values, bad).1
    }

    /// The next step for sensors with these values, some of them with a defect.
    fn next_step(
        stream: Stream,
        values: &[(&str, Option<f64>)],
        bad: &[(&str, Defect)],
    ) -> (ThemeToken, String) {
        let values = values.iter().map(|&(name, value)| (name.to_owned(), value)).collect();
        let table = LatestValues { values, received: Instant::now() };
        let defect = |name: &str| bad.iter().find(|bad| bad.0 == name).map(|bad| bad.1);
        let sensor = |(name, level)| SensorRow { name, defect: defect(name), level, beside: None };
        let mut sensors: Vec<_> = table.sensors().map(sensor).collect();
        sensors.sort_by(|a, b| by_need((a.defect, a.level), (b.defect, b.level)));
        next(stream, &table, &sensors, Model::EpocX)
    }

    #[test]
    fn contact_is_not_called_good_where_the_raw_signal_cannot_be_eeg() {
        let good = ["AF3", "T7", "Pz", "T8", "AF4"].map(|name| (name, Some(4.0)));
        for (defect, does) in [
            (Defect::Railed, "there is no EEG in it"),
            (Defect::Flat, "its value does not change"),
            (Defect::OffLevel, "far from the usual 4200 µV"),
        ] {
            let step = step_with(Stream::Dev, &good, &[("T7", defect)]);
            let front = format!("T7 {}, although its contact reads good: ", defect.name());
            assert!(step.starts_with(&front) && step.contains(does), "{step}");
            let step = step_with(Stream::Eq, &good, &[("T7", defect)]);
            assert!(step.starts_with(&format!("T7 {}: ", defect.name())), "{step}");
        }
        let loose = step_with(
            Stream::Dev,
            &[("T7", Some(0.0)), ("T8", Some(4.0))],
            &[("T7", Defect::Flat)],
        );
        assert!(loose.contains("moisten the felt") && !loose.contains("broken"), "{loose}");
        let driven = [("Pz", Defect::OffLevel), ("T7", Defect::Railed), ("T8", Defect::Railed)];
        let step = step_with(Stream::Dev, &good, &driven);
        assert!(step.starts_with("3 of 5 channels are railed or off level: check"), "{step}");
        let loose = [("Signal", Some(0.0)), ("T7", Some(4.0))];
        let step = step_with(Stream::Dev, &loose, &[("T7", Defect::Railed)]);
        assert!(step.starts_with("No link"), "the cause comes before its effects: {step}");
    }

    #[test]
    fn a_step_is_as_loud_as_the_level_it_is_about() {
        for (values, token) in [
            (&[("Signal", Some(0.0)), ("T7", Some(4.0))][..], ThemeToken::None),
            (&[("T7", Some(0.0)), ("T8", Some(1.0))], ThemeToken::None),
            (&[("T7", Some(1.0)), ("T8", Some(1.0))], ThemeToken::Bad),
            (&[("T7", Some(0.0)), ("T8", Some(4.0))], ThemeToken::None),
            (&[("T7", Some(1.0)), ("T8", Some(4.0))], ThemeToken::Bad),
            (&[("T7", Some(2.0)), ("T8", Some(4.0))], ThemeToken::Poor),
            (&[("T7", Some(3.0)), ("T8", Some(4.0))], ThemeToken::Fair),
            (&[("T7", Some(4.0)), ("T8", Some(4.0))], ThemeToken::Good),
        ] {
            assert_eq!(next_step(Stream::Dev, values, &[]).0, token, "{values:?}");
        }
    }

    #[test]
    fn the_cause_comes_before_its_effects() {
        let bad = [("Signal", Some(0.0)), ("T7", Some(0.0)), ("T8", Some(1.0))];
        assert!(step(Stream::Dev, &bad).starts_with("No link"));
        let reference = step(Stream::Dev, &[&[("Signal", Some(1.0))], &bad[1..]].concat());
        assert!(reference.contains("check the reference (CMS/DRL"), "{reference}");
        let one = step(Stream::Dev, &[("T7", Some(0.0)), ("T8", Some(4.0)), ("O1", None)]);
        assert_eq!(one, "T7 none: moisten the felt, press it to the skin and wait 10 s.");
    }

    #[test]
    fn unknown_is_neither_bad_nor_good() {
        assert!(step(Stream::Dev, &[("T7", None), ("T8", None)]).contains("no level"));
        assert!(
            step(Stream::Dev, &[("T7", None), ("T8", Some(4.0))])
                .contains("other sensors report none")
        );
        assert_eq!(step(Stream::Dev, &[("T8", Some(4.0))]), "Contact is good everywhere.");
        assert_eq!(step(Stream::Dev, &[("OVERALL", Some(0.0))]), "Cortex reports no sensor.");
    }
}
