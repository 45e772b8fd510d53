//! Explains why Cortex refuses a stream, because error -32016 does not (§7.2). Decides by what each
//! stream requires (§5.1) and what is known about headset, service, licence and session; if that is
//! not conclusive, names the possible reasons.

use crate::{
    Headset, Stream,
    account::Licence,
    model::{EPOC_SENSORS, Model},
};

/// What is known about the circumstances in which a stream is refused.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances<'a> {
    /// The headset of the session.
    pub headset: &'a Headset,
    /// The version of the service, such as `4.8.32`; empty if unknown.
    pub version: &'a str,
    /// The licence, if it could be read.
    pub licence: Option<&'a Licence>,
    /// Whether the session is activated.
    pub activated: bool,
}

/// The text of a simulator's refusal of a stream that is not in the recording it plays, which no
/// licence or headset could change.
pub const NOT_RECORDED: &str = "The stream is not in this recording.";

/// The reason for a refusal and the next step in one sentence that begins with the stream's name.
#[must_use]
pub fn reason(stream: Stream, around: &Circumstances<'_>) -> String {
    let Circumstances { headset, version, licence, activated } = *around;
    let model = Model::from_id(&headset.id);
    match stream {
        Stream::Eeg => eeg(licence, activated),
        Stream::Mot
            if headset.settings.mems_rate == Some(0.0) && headset.motion_sensors.is_empty() =>
        {
            "mot: this headset reports no motion sensors; the other streams keep running".to_owned()
        }
        Stream::Mot if headset.settings.mems_rate == Some(0.0) => {
            "mot: motion is switched off in the headset's settings (memsRate 0); switch it on in \
             EMOTIV Launcher"
                .to_owned()
        }
        Stream::Mot => "mot: motion may be switched off in the headset, or the headset has none; \
                        look at its settings in EMOTIV Launcher"
            .to_owned(),
        Stream::Eq => match is_before_2_7(version) {
            Some(true) => {
                format!("eq needs Cortex 2.7, and this is {version}; update EMOTIV Launcher")
            }
            Some(false) => format!(
                "eq: Cortex {version} has it, so it is this headset or its firmware that does not \
                 offer it; contact quality (dev) goes on"
            ),
            None => "eq: it needs Cortex 2.7, and some headsets do not offer it; contact quality \
                     (dev) goes on"
                .to_owned(),
        },
        Stream::Fac if matches!(model, Model::Mn8 | Model::Mw20) => {
            format!(
                "fac: {} has no facial expressions; the other streams keep running",
                model.name()
            )
        }
        Stream::Met | Stream::Com | Stream::Fac
            if matches!(model, Model::EpocFlex | Model::Flex2) && lacks_epoc_sensors(headset) =>
        {
            format!(
                "{stream} needs the 14 sensor positions of an EPOC, which this Flex mapping does \
                 not have; connect with another mapping"
            )
        }
        _ => format!(
            "{stream}: Cortex does not say why; it can be the headset's model or firmware, a lost \
             link to the headset, or the account. The other streams keep running"
        ),
    }
}

/// `eeg` requires a licence and an activated session (§2.8).
fn eeg(licence: Option<&Licence>, activated: bool) -> String {
    let text = match licence {
        None => {
            "eeg needs a licence with scope eeg and an activated session; the licence could not be \
             read"
        }
        Some(licence) if !licence.has_scope("eeg") => {
            "eeg needs a licence with scope eeg, which this one has not; the other streams keep running"
        }
        Some(licence) if licence.expired => {
            "eeg: the licence has expired; renew it in the EMOTIV account"
        }
        Some(licence) if !activated && licence.local_quota.is_some_and(|left| left < 1.0) => {
            "eeg needs an activated session, and no activation is left on this computer; --debit N \
             moves some here from the licence"
        }
        Some(_) if !activated => {
            "eeg needs an activated session; activate it, which uses one activation of the licence"
        }
        Some(_) => {
            "eeg: licence and session allow it; it can be a lost link to the headset, or a licence \
             that does not cover this model"
        }
    };
    text.to_owned()
}

fn is_before_2_7(version: &str) -> Option<bool> {
    let mut parts = version.split('.').map(|part| part.parse::<u32>().ok());
    let (major, minor) = (parts.next()??, parts.next().flatten().unwrap_or(0));
    Some((major, minor) < (2, 7))
}

fn lacks_epoc_sensors(headset: &Headset) -> bool {
    let has = |name: &&str| headset.sensors.iter().any(|own| own == *name);
    !headset.sensors.is_empty() && !EPOC_SENSORS.iter().all(has)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::headset::Settings;

    fn headset(id: &str, mems_rate: f64, motion: &[&str], sensors: &[&str]) -> Headset {
        Headset {
            id: id.into(),
            motion_sensors: motion.iter().map(ToString::to_string).collect(),
            sensors: sensors.iter().map(ToString::to_string).collect(),
            settings: Settings { mems_rate: Some(mems_rate), ..Settings::default() },
            ..Headset::default()
        }
    }

    fn licence(scope: &str, left: f64, expired: bool) -> Licence {
        Licence {
            scopes: vec![scope.to_owned()],
            local_quota: Some(left),
            expired,
            ..Licence::default()
        }
    }

    #[test]
    fn the_reason_is_decided_by_model_version_licence_and_settings() {
        let insight = headset("INSIGHT-1", 64.0, &["Q0"], &["AF3"]);
        let still = headset("EPOCPLUS-1", 0.0, &["Q0"], &EPOC_SENSORS);
        let recorded = headset("EPOCPLUS-1", 0.0, &[], &EPOC_SENSORS);
        let mn8 = headset("MN8-1", 6.4, &["ACCX"], &["T7", "T8"]);
        let flex = headset("EPOCFLEX-1", 16.0, &["Q0"], &["Cz", "Fz"]);
        let (basic, full) = (licence("", 5.0, false), licence("eeg", 5.0, false));
        let (spent, old) = (licence("eeg", 0.0, false), licence("eeg", 5.0, true));
        let rows = [
            (Stream::Eeg, &insight, "4.8", None, false, "could not be read"),
            (Stream::Eeg, &insight, "4.8", Some(&basic), false, "which this one has not"),
            (Stream::Eeg, &insight, "4.8", Some(&old), false, "has expired"),
            (Stream::Eeg, &insight, "4.8", Some(&spent), false, "--debit N moves some here"),
            (Stream::Eeg, &insight, "4.8", Some(&full), false, "activate it"),
            (Stream::Eeg, &insight, "4.8", Some(&full), true, "lost link"),
            (Stream::Mot, &still, "4.8", None, false, "switched off in the headset's settings"),
            (Stream::Mot, &recorded, "4.8", None, false, "reports no motion sensors"),
            (Stream::Mot, &insight, "4.8", None, false, "may be switched off"),
            (Stream::Eq, &insight, "2.6.3", None, false, "needs Cortex 2.7, and this is 2.6.3"),
            (Stream::Eq, &insight, "4.8.32", None, false, "Cortex 4.8.32 has it"),
            (Stream::Eq, &insight, "", None, false, "some headsets do not offer it"),
            (Stream::Fac, &mn8, "4.8", None, false, "MN8 has no facial expressions"),
            (Stream::Fac, &still, "4.8", None, false, "does not say why"),
            (Stream::Com, &flex, "4.8", None, false, "14 sensor positions of an EPOC"),
            (Stream::Met, &still, "4.8", None, false, "does not say why"),
            (Stream::Pow, &insight, "4.8", None, false, "does not say why"),
        ];
        for (stream, headset, version, licence, activated, words) in rows {
            let reason = reason(stream, &Circumstances { headset, version, licence, activated });
            assert!(reason.contains(words), "{words}: {reason}");
            assert!(reason.starts_with(stream.name()), "{reason}");
            assert!(!reason.contains("Launcher") || !reason.contains("no motion sensors"));
        }
    }
}
