//! What can be chosen about a headset: how it is connected, its rates, its name (§3.2). Only what a
//! headset can have can be said.

use serde_json::{Value, json};

use crate::{Headset, mapping::Mapping, model::Model};

/// How a headset is to be connected; what is not given is Cortex's choice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Connecting {
    /// Over which link.
    pub by: Option<ConnectionType>,
    /// Which electrode of an EPOC Flex sits where.
    pub mapping: Option<Mapping>,
}

/// The links that can be asked for (2.2.1+).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionType {
    /// The USB dongle.
    Dongle,
    /// Bluetooth.
    Bluetooth,
    /// The cable, over which settings can be changed and nothing streams.
    UsbCable,
}

impl ConnectionType {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Dongle, Self::Bluetooth, Self::UsbCable];

    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dongle => "dongle",
            Self::Bluetooth => "bluetooth",
            Self::UsbCable => "usb cable",
        }
    }
}

/// Mode and rates of an EPOC+ or EPOC X: the combinations there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// 128 Hz, 14 bit, no motion.
    Epoc,
    /// 16 bit.
    EpocPlus {
        /// Of EEG.
        eeg: EegRate,
        /// Of motion.
        motion: MotionRate,
    },
}

/// EEG samples a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum EegRate {
    Hz128,
    Hz256,
}

/// Motion samples a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum MotionRate {
    Off,
    Hz32,
    Hz64,
    Hz128,
}

impl EegRate {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Hz128, Self::Hz256];

    /// As a number.
    #[must_use]
    pub const fn hz(self) -> u32 {
        match self {
            Self::Hz128 => 128,
            Self::Hz256 => 256,
        }
    }
}

impl MotionRate {
    /// All four.
    pub const ALL: [Self; 4] = [Self::Off, Self::Hz32, Self::Hz64, Self::Hz128];

    /// As a number; 0 when it is off.
    #[must_use]
    pub const fn hz(self) -> u32 {
        match self {
            Self::Off => 0,
            Self::Hz32 => 32,
            Self::Hz64 => 64,
            Self::Hz128 => 128,
        }
    }
}

impl Setting {
    /// Why it cannot be set on a headset as that is now, with the next step.
    ///
    /// # Errors
    /// One sentence.
    pub fn check(headset: &Headset) -> Result<(), &'static str> {
        if !matches!(headset.model(), Model::EpocPlus | Model::EpocX) {
            Err("only EPOC+ and EPOC X have such settings")
        } else if !headset.is_connected() || !headset.is_on_usb_cable() {
            Err("connect the headset by USB cable first")
        } else {
            Ok(())
        }
    }

    /// The parameter `setting`.
    #[must_use]
    pub fn to_json(self) -> Value {
        let (mode, eeg, motion) = match self {
            Self::Epoc => ("EPOC", EegRate::Hz128, MotionRate::Off),
            Self::EpocPlus { eeg, motion } => ("EPOCPLUS", eeg, motion),
        };
        json!({"mode": mode, "eegRate": eeg.hz(), "memsRate": motion.hz()})
    }
}

/// Where the headband of an EPOC X sits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Headband {
    Back,
    Top,
}

impl Headband {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Back, Self::Top];

    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Back => "back",
            Self::Top => "top",
        }
    }
}

/// What its owner says of a headset; what is not given stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CustomInfo {
    /// What it is called; may be empty.
    pub name: Option<String>,
    /// EPOC X only.
    pub headband: Option<Headband>,
}
