//! What the user can choose about a headset: how it is connected, its rates, its name (§3.2). The
//! types express only what a headset supports.

use serde_json::{Value, json};

use crate::{Headset, mapping::Mapping, model::Model};

/// How to connect a headset; `None` leaves the choice to Cortex.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Connecting {
    /// The link.
    pub by: Option<ConnectionType>,
    /// Where the electrodes of an EPOC Flex sit.
    pub mapping: Option<Mapping>,
}

/// The links that can be requested (2.2.1+).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionType {
    /// The USB dongle.
    Dongle,
    /// Bluetooth.
    Bluetooth,
    /// The cable, over which settings can be changed but nothing streams.
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

/// Mode and rates of an EPOC+ or EPOC X: the possible combinations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// 128 Hz, 14 bit, no motion.
    Epoc,
    /// 16 bit.
    EpocPlus {
        /// The EEG rate.
        eeg: EegRate,
        /// The motion rate.
        motion: MotionRate,
    },
}

/// EEG samples per second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum EegRate {
    Hz128,
    Hz256,
}

/// Motion samples per second.
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

    /// As a number; 0 when off.
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
    /// Checks whether this can be set on a headset in its current state.
    ///
    /// # Errors
    /// Why not, and the next step, in one sentence.
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

/// What the owner of a headset can set; `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CustomInfo {
    /// Its name; may be empty.
    pub name: Option<String>,
    /// EPOC X only.
    pub headband: Option<Headband>,
}
