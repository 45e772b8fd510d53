//! The next step of whoever fits a headset, from what contact and EEG quality say. Words only.

use super::contact::level_word;
use crate::{
    cortex::{Stream, model::Model},
    signal::snapshot::Table,
    ui::theme::Token,
};

/// What to do next, and how it looks; `sensors` has the worst first.
pub(super) fn next<'a>(
    stream: Stream,
    table: &Table,
    sensors: impl Iterator<Item = (&'a str, Option<f64>)>,
    model: Model,
) -> (Token, String) {
    let sensors: Vec<_> = sensors.collect();
    if stream == Stream::Dev && table.get("Signal").is_some_and(|signal| signal <= 0.0) {
        let text = "No link to the headset: bring it nearer to its receiver, and charge it.";
        return (Token::Bad, text.to_owned());
    }
    let known: Vec<f64> = sensors.iter().filter_map(|&(_, level)| level).collect();
    let bad = |level: &f64| *level < 1.5;
    if stream == Stream::Dev && known.len() > 1 && known.iter().all(bad) {
        return (
            Token::Bad,
            format!("All sensors read bad: first the reference ({}).", reference(model)),
        );
    }
    let Some(&(name, level)) = sensors.iter().min_by(|a, b| {
        // One without a level tells nothing about itself: another is to be fixed first.
        a.1.unwrap_or(f64::INFINITY).total_cmp(&b.1.unwrap_or(f64::INFINITY))
    }) else {
        return (Token::Dim, "Cortex names no sensor.".to_owned());
    };
    let Some(value) = level else {
        return (Token::Dim, "Cortex tells no level of any sensor yet.".to_owned());
    };
    let (token, _, word) = level_word(level);
    let step = match (stream, value) {
        (_, 3.5..) if sensors.iter().any(|(_, level)| level.is_none()) => {
            return (
                Token::Fair,
                "All that is known is good; the others send no level.".to_owned(),
            );
        }
        (Stream::Dev, 3.5..) => return (Token::Good, "Contact is good everywhere.".to_owned()),
        (_, 3.5..) => return (Token::Good, "The signal looks like brain everywhere.".to_owned()),
        (Stream::Dev, ..1.5) => format!("{}, wait 10 s.", mend(model)),
        (Stream::Dev, ..2.5) => format!("press it, wait 10 s; no better: {}.", mend(model)),
        (Stream::Dev, _) => "wait: it gets better as it settles.".to_owned(),
        _ => "good contact first (c); then sit still, jaw loose, away from mains.".to_owned(),
    };
    (token, format!("{name} {word}: {step}"))
}

/// Where the reference electrodes of a model are (§8).
fn reference(model: Model) -> &'static str {
    match model {
        Model::Epoc | Model::EpocPlus | Model::EpocX => "CMS/DRL at P3/P4 or mastoids",
        Model::Insight | Model::Insight2 => "CMS/DRL at the left mastoid",
        Model::EpocFlex | Model::Flex2 => "CMS and DRL of its mapping",
        _ => "CMS/DRL",
    }
}

/// How a bad sensor of a model is made to conduct.
fn mend(model: Model) -> &'static str {
    match model {
        Model::Epoc | Model::EpocPlus | Model::EpocX => "moisten its felt, press it to the skin",
        Model::EpocFlex | Model::Flex2 => "moisten its felt or add gel, press it to the skin",
        Model::Mn8 | Model::Mw20 => "clean it, seat the earbud deeper",
        _ => "moisten it, press it to the skin",
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    fn step(stream: Stream, values: &[(&str, Option<f64>)]) -> String {
        let values = values.iter().map(|&(name, value)| (name.to_owned(), value)).collect();
        let table = Table { values, received: Instant::now() };
        next(stream, &table, table.sensors(), Model::EpocX).1
    }

    #[test]
    fn the_cause_comes_before_its_effects() {
        let bad = [("Signal", Some(0.0)), ("T7", Some(0.0)), ("T8", Some(1.0))];
        assert!(step(Stream::Dev, &bad).starts_with("No link"));
        let reference = step(Stream::Dev, &[&[("Signal", Some(1.0))], &bad[1..]].concat());
        assert!(reference.contains("first the reference (CMS/DRL"), "{reference}");
        let one = step(Stream::Dev, &[("T7", Some(0.0)), ("T8", Some(4.0)), ("O1", None)]);
        assert_eq!(one, "T7 none: moisten its felt, press it to the skin, wait 10 s.");
    }

    #[test]
    fn unknown_is_neither_bad_nor_good() {
        assert!(step(Stream::Dev, &[("T7", None), ("T8", None)]).contains("no level"));
        assert!(step(Stream::Dev, &[("T7", None), ("T8", Some(4.0))]).contains("others send no"));
        assert_eq!(step(Stream::Dev, &[("T8", Some(4.0))]), "Contact is good everywhere.");
        assert_eq!(step(Stream::Dev, &[("OVERALL", Some(0.0))]), "Cortex names no sensor.");
    }
}
