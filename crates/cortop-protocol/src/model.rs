//! The headset models (§8), determined by the prefix of an id.

use crate::HeadsetId;

/// A headset model, determined by the prefix of its id (§4.1, §8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Model {
    /// EPOC: 14 channels, 128 Hz, dongle only.
    Epoc,
    /// EPOC+: 14 channels.
    EpocPlus,
    /// EPOC X: 14 channels.
    EpocX,
    /// EPOC Flex: up to 32 mapped channels, DC near zero.
    EpocFlex,
    /// Flex 2.
    Flex2,
    /// Insight: 5 channels.
    Insight,
    /// Insight 2: 5 channels.
    Insight2,
    /// MN8 earbuds: 2 channels.
    Mn8,
    /// MW20 earbuds.
    Mw20,
    /// X-trodes.
    XTrodes,
    /// A prefix unknown to this program.
    Unknown,
}

/// Sensors of the EPOC family in the order of the `eeg` columns.
pub const EPOC_SENSORS: [&str; 14] =
    ["AF3", "F7", "F3", "FC5", "T7", "P7", "O1", "O2", "P8", "T8", "FC6", "F4", "F8", "AF4"];

/// Sensors of the Insight models.
pub const INSIGHT_SENSORS: [&str; 5] = ["AF3", "T7", "Pz", "T8", "AF4"];

/// Sensors of the MN8.
pub const MN8_SENSORS: [&str; 2] = ["T7", "T8"];

/// The usual 32 sensors of an EPOC Flex in the order of the `eeg` columns.
pub const FLEX_SENSORS: [&str; 32] = [
    "Cz", "Fz", "Fp1", "F7", "F3", "FC1", "C3", "FC5", "FT9", "T7", "CP5", "CP1", "P3", "P7",
    "PO9", "O1", "Pz", "Oz", "O2", "PO10", "P8", "P4", "CP2", "CP6", "T8", "FT10", "FC6", "C4",
    "FC2", "F4", "F8", "Fp2",
];

/// The properties of a model on which the program depends.
struct ModelRow {
    /// The part of its ids before the dash.
    prefix: &'static str,
    name: &'static str,
    cli_name: &'static str,
    sensors: &'static [&'static str],
    has_offset: Option<bool>,
}

impl Model {
    /// All known models.
    pub const ALL: [Self; 10] = [
        Self::Epoc,
        Self::EpocPlus,
        Self::EpocX,
        Self::Insight,
        Self::Insight2,
        Self::EpocFlex,
        Self::Flex2,
        Self::Mn8,
        Self::Mw20,
        Self::XTrodes,
    ];

    /// Its row in the table of models.
    #[rustfmt::skip]
    const fn row(self) -> ModelRow {
        let (prefix, name, cli_name, sensors, has_offset): (_, _, _, &[&str], _) = match self {
            Self::Epoc => ("EPOC", "EPOC", "epoc", &EPOC_SENSORS, Some(true)),
            Self::EpocPlus => ("EPOCPLUS", "EPOC+", "epocplus", &EPOC_SENSORS, Some(true)),
            Self::EpocX => ("EPOCX", "EPOC X", "epocx", &EPOC_SENSORS, Some(true)),
            Self::EpocFlex => ("EPOCFLEX", "EPOC Flex", "flex", &FLEX_SENSORS, Some(false)),
            Self::Flex2 => ("FLEX2", "Flex 2", "flex2", &FLEX_SENSORS, None),
            Self::Insight => ("INSIGHT", "Insight", "insight", &INSIGHT_SENSORS, Some(true)),
            Self::Insight2 => ("INSIGHT2", "Insight 2", "insight2", &INSIGHT_SENSORS, Some(true)),
            Self::Mn8 => ("MN8", "MN8", "mn8", &MN8_SENSORS, Some(true)),
            Self::Mw20 => ("MW20", "MW20", "mw20", &MN8_SENSORS, None),
            Self::XTrodes => ("BGX", "X-trodes", "xtrodes", &[], None),
            Self::Unknown => ("", "unknown model", "unknown", &[], None),
        };
        ModelRow { prefix, name, cli_name, sensors, has_offset }
    }

    /// The model that an id's prefix denotes.
    #[must_use]
    pub fn from_id(id: &HeadsetId) -> Self {
        let prefix = id.as_str().split('-').next().unwrap_or_default();
        Self::ALL.into_iter().find(|model| model.prefix() == prefix).unwrap_or(Self::Unknown)
    }

    /// The prefix of its headsets' ids, before the dash (§4.1).
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        self.row().prefix
    }

    /// EMOTIV's name of the model.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    /// Its name on the command line.
    #[must_use]
    pub const fn cli_name(self) -> &'static str {
        self.row().cli_name
    }

    /// Its sensors in the order of the `eeg` columns; for a Flex the usual ones, empty if unknown.
    #[must_use]
    pub const fn sensors(self) -> &'static [&'static str] {
        self.row().sensors
    }

    /// Whether its EEG has an offset of about 4200 µV (§5.2); `None` if not documented.
    #[must_use]
    pub const fn has_offset(self) -> Option<bool> {
        self.row().has_offset
    }

    /// Whether the user chooses the positions of its sensors.
    #[must_use]
    pub const fn is_flex(self) -> bool {
        matches!(self, Self::EpocFlex | Self::Flex2)
    }
}

/// Whether a name is a position of the 10-10 system, such as `AF3`, `Pz` or `PO10`.
#[must_use]
pub fn is_sensor(name: &str) -> bool {
    const PLACES: [&str; 16] =
        ["Fp", "FP", "AF", "Af", "F", "FT", "FC", "T", "TP", "C", "CP", "P", "PO", "O", "I", "N"];
    let place = name.trim_end_matches(|end: char| end.is_ascii_digit());
    let place = if place == name { place.trim_end_matches('z') } else { place };
    place != name && PLACES.contains(&place)
}
