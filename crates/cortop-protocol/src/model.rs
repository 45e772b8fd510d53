//! The headset models (§8): what an id's prefix tells.

use crate::HeadsetId;

/// A headset model, told by the prefix of its id (§4.1, §8).
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
    /// A prefix this program does not know.
    Unknown,
}

/// Sensors of the EPOC family in the order of the `eeg` columns.
pub const EPOC_SENSORS: [&str; 14] =
    ["AF3", "F7", "F3", "FC5", "T7", "P7", "O1", "O2", "P8", "T8", "FC6", "F4", "F8", "AF4"];

/// Sensors of the Insights.
pub const INSIGHT_SENSORS: [&str; 5] = ["AF3", "T7", "Pz", "T8", "AF4"];

/// Sensors of the MN8.
pub const MN8_SENSORS: [&str; 2] = ["T7", "T8"];

/// The usual 32 sensors of an EPOC Flex in the order of the `eeg` columns.
pub const FLEX_SENSORS: [&str; 32] = [
    "Cz", "Fz", "Fp1", "F7", "F3", "FC1", "C3", "FC5", "FT9", "T7", "CP5", "CP1", "P3", "P7",
    "PO9", "O1", "Pz", "Oz", "O2", "PO10", "P8", "P4", "CP2", "CP6", "T8", "FT10", "FC6", "C4",
    "FC2", "F4", "F8", "Fp2",
];

impl Model {
    const PREFIXES: [(&'static str, Self); 10] = [
        ("EPOC", Self::Epoc),
        ("EPOCPLUS", Self::EpocPlus),
        ("EPOCX", Self::EpocX),
        ("EPOCFLEX", Self::EpocFlex),
        ("FLEX2", Self::Flex2),
        ("INSIGHT", Self::Insight),
        ("INSIGHT2", Self::Insight2),
        ("MN8", Self::Mn8),
        ("MW20", Self::Mw20),
        ("BGX", Self::XTrodes),
    ];

    /// The model that an id's prefix names.
    #[must_use]
    pub fn from_id(id: &HeadsetId) -> Self {
        let prefix = id.as_str().split('-').next().unwrap_or_default();
        Self::PREFIXES
            .iter()
            .find(|(name, _)| *name == prefix)
            .map_or(Self::Unknown, |&(_, model)| model)
    }

    /// The name its maker gives it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Epoc => "EPOC",
            Self::EpocPlus => "EPOC+",
            Self::EpocX => "EPOC X",
            Self::EpocFlex => "EPOC Flex",
            Self::Flex2 => "Flex 2",
            Self::Insight => "Insight",
            Self::Insight2 => "Insight 2",
            Self::Mn8 => "MN8",
            Self::Mw20 => "MW20",
            Self::XTrodes => "X-trodes",
            Self::Unknown => "unknown model",
        }
    }
}
