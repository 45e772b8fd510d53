//! Parses the headsets of the command line: `model[@eegRate][:id][:state]`.

use std::str::FromStr;

use cortop_protocol::{HeadsetId, model::Model};

/// The most headsets in one simulator.
pub const MAX_HEADSETS: usize = 64;

/// A headset to simulate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeadsetConfig {
    /// The model.
    pub model: Model,
    /// EEG samples per second; by default the model's usual rate.
    pub eeg_rate: Option<u32>,
    /// Its id; by default derived from the seed.
    pub id: Option<HeadsetId>,
    /// Its initial state; by default connected if everything is warm, otherwise discovered.
    pub state: Option<InitialState>,
}

/// The initial state of a headset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InitialState {
    /// Switched off or out of range: not in the list until the fault `headset-back`.
    Off,
    /// Switched on and in the list, as after a scan.
    Discovered,
    /// Being connected by another client.
    Connecting,
    /// Connected already.
    Connected,
    /// Connected by USB cable: it looks fine but can never stream (§2.7).
    Usb,
    /// Created in Launcher and discovered: no warning 103 reports its loss (§2.12).
    Virtual,
}

/// The states and their names.
const STATES: [(&str, InitialState); 6] = [
    ("off", InitialState::Off),
    ("discovered", InitialState::Discovered),
    ("connecting", InitialState::Connecting),
    ("connected", InitialState::Connected),
    ("usb", InitialState::Usb),
    ("virtual", InitialState::Virtual),
];

impl From<Model> for HeadsetConfig {
    fn from(model: Model) -> Self {
        Self { model, eeg_rate: None, id: None, state: None }
    }
}

impl FromStr for HeadsetConfig {
    type Err = String;

    /// # Errors
    /// A sentence that names the wrong part and the valid ones.
    fn from_str(text: &str) -> Result<Self, String> {
        let (head, rest) =
            text.split_once(':').map_or((text, None), |(head, rest)| (head, Some(rest)));
        let (name, rate) =
            head.split_once('@').map_or((head, None), |(name, rate)| (name, Some(rate)));
        let models = Model::ALL.into_iter();
        let model = models.clone().find(|model| model.cli_name() == name).ok_or_else(|| {
            let names = models.map(Model::cli_name).collect::<Vec<_>>().join(" ");
            format!("there is no model \"{name}\"; the models are {names}")
        })?;
        let mut wanted = Self::from(model);
        if let Some(rate) = rate {
            wanted.eeg_rate = Some(eeg_rate(name, model, rate)?);
        }
        for part in rest.into_iter().flat_map(|rest| rest.split(':')) {
            let state = STATES.iter().find(|(own, _)| *own == part);
            match (state, &wanted) {
                (_, Self { state: Some(_), .. }) => {
                    return Err(format!("unexpected \"{part}\" after the state"));
                }
                (Some(&(_, state)), _) => wanted.state = Some(state),
                (None, Self { id: None, .. }) => wanted.id = Some(id(model, part)?),
                (None, _) => {
                    let names = STATES.map(|(name, _)| name).join(" ");
                    return Err(format!("\"{part}\" is not a state; the states are {names}"));
                }
            }
        }
        Ok(wanted)
    }
}

fn eeg_rate(name: &str, model: Model, rate: &str) -> Result<u32, String> {
    let possible: &[u32] = match model {
        Model::EpocPlus | Model::EpocX | Model::Flex2 => &[128, 256],
        _ => &[128],
    };
    rate.parse().ok().filter(|rate| possible.contains(rate)).ok_or_else(|| {
        let rates: Vec<_> = possible.iter().map(ToString::to_string).collect();
        format!("\"{rate}\" is no EEG rate of {name}; it has {} Hz", rates.join(" or "))
    })
}

fn id(model: Model, text: &str) -> Result<HeadsetId, String> {
    let prefix = model.prefix();
    let digits = text.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('-'));
    let hex =
        |digits: &str| digits.len() == 8 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    if digits.is_some_and(hex) {
        Ok(text.into())
    } else {
        let states = STATES.map(|(name, _)| name).join(" ");
        Err(format!(
            "\"{text}\" is neither an id, which is {prefix}- and eight hex digits, nor a state, \
             which are {states}"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_may_be_left_out() {
        let id = || Some("INSIGHT-0A1B2C3D".into());
        for (text, model, eeg_rate, id, state) in [
            ("epocx", Model::EpocX, None, None, None),
            ("epocx@256", Model::EpocX, Some(256), None, None),
            ("mn8:off", Model::Mn8, None, None, Some(InitialState::Off)),
            ("insight:INSIGHT-0A1B2C3D", Model::Insight, None, id(), None),
            (
                "insight@128:INSIGHT-0A1B2C3D:off",
                Model::Insight,
                Some(128),
                id(),
                Some(InitialState::Off),
            ),
        ] {
            assert_eq!(text.parse(), Ok(HeadsetConfig { model, eeg_rate, id, state }), "{text}");
        }
        for model in Model::ALL {
            assert_eq!(model.cli_name().parse(), Ok(HeadsetConfig::from(model)));
        }
    }

    #[test]
    fn a_wrong_part_is_named_beside_the_right_ones() {
        for (text, said) in [
            ("epocy", "no model \"epocy\"; the models are epoc epocplus"),
            ("", "no model \"\""),
            ("epocx@512", "\"512\" is no EEG rate of epocx; it has 128 or 256 Hz"),
            ("insight@x", "\"x\" is no EEG rate of insight; it has 128 Hz"),
            ("insight:EPOCX-0A1B2C3D", "INSIGHT- and eight hex digits"),
            ("insight:INSIGHT-0A1B2C3", "INSIGHT- and eight hex digits"),
            ("insight:on", "off discovered connecting connected usb virtual"),
            ("insight:INSIGHT-0A1B2C3D:on", "\"on\" is not a state"),
            ("insight:off:INSIGHT-0A1B2C3D", "after the state"),
        ] {
            let error = text.parse::<HeadsetConfig>().expect_err(text);
            assert!(error.contains(said), "{error}");
        }
    }
}
