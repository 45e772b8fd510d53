//! Physical properties of the headset models (§8) that the simulator needs.

use cortop_protocol::{
    code::warning,
    model::{EPOC_SENSORS, Model},
    settings::{EegRate, MotionRate, Setting},
};

/// How a headset reports motion (§5.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MotionFormat {
    /// Not at all.
    None,
    /// The first EPOC: rotation about two axes, in raw counts around 8192.
    TwoGyros,
    /// Unit quaternion, acceleration in g, magnetic field in µT.
    Quaternion,
    /// Older EPOC+: gyroscope, acceleration and field as raw counts around 8192.
    RawGyro,
}

/// The properties of a model, some of them chosen where the reference leaves a choice.
#[derive(Clone, Debug)]
pub struct Spec {
    /// The model.
    pub model: Model,
    /// `settings.mode`.
    pub mode: &'static str,
    /// Firmware version in hex.
    pub firmware: String,
    /// How it is connected.
    pub connected_by: &'static str,
    /// EEG positions in column order.
    pub sensors: Vec<String>,
    /// EEG samples per second.
    pub eeg_rate: u32,
    /// EEG resolution in bits.
    pub eeg_bits: u32,
    /// µV per step of the converter.
    pub lsb: f64,
    /// DC offset in µV.
    pub dc: f64,
    /// Motion samples per second.
    pub mems_rate: f64,
    /// Motion resolution in bits.
    pub mems_bits: u32,
    /// How motion is reported.
    pub motion: MotionFormat,
    /// How the sensor is mounted along its X axis: what it reports there with the head upright, in
    /// g.
    pub gravity: f64,
    /// Whether mental commands and metrics are available (Flex: only with the EPOC X montage).
    pub bci: bool,
    /// Whether facial expressions are available.
    pub faces: bool,
    /// Whether there are two batteries, one per ear.
    pub earbuds: bool,
}

/// µV per step at 14 bits (§5.2).
const LSB_14: f64 = 20.0 / 39.0;
/// µV per step at 16 bits (§5.2).
const LSB_16: f64 = 5.0 / 39.0;

impl Spec {
    /// The properties of a model; `None` if too little is known to simulate it.
    #[must_use]
    pub fn of(model: Model) -> Option<Self> {
        let epoc = Self { model, sensors: names(model.sensors()), ..Self::epoc() };
        let spec = match model {
            Model::Epoc => epoc,
            Model::EpocPlus => Self {
                mode: "EPOCPLUS",
                firmware: "625".to_owned(),
                eeg_bits: 16,
                lsb: LSB_16,
                mems_rate: 64.0,
                mems_bits: 16,
                motion: MotionFormat::RawGyro,
                gravity: -1.0,
                ..epoc
            },
            Model::EpocX => Self {
                mode: "EPOCPLUS",
                mems_rate: 64.0,
                mems_bits: 16,
                motion: MotionFormat::Quaternion,
                eeg_rate: 256,
                eeg_bits: 16,
                lsb: LSB_16,
                ..epoc
            },
            Model::Insight => Self {
                mode: "INSIGHT",
                connected_by: "bluetooth",
                mems_rate: 64.0,
                mems_bits: 14,
                motion: MotionFormat::Quaternion,
                ..epoc
            },
            Model::Insight2 => Self {
                mode: "INSIGHT",
                firmware: "a11".to_owned(),
                connected_by: "bluetooth",
                eeg_bits: 16,
                lsb: LSB_16,
                mems_rate: 32.0,
                mems_bits: 16,
                motion: MotionFormat::Quaternion,
                ..epoc
            },
            Model::EpocFlex | Model::Flex2 => Self {
                mode: "EPOCFLEX",
                dc: 0.0,
                mems_rate: 16.0,
                mems_bits: 8,
                motion: MotionFormat::Quaternion,
                bci: false,
                faces: false,
                ..epoc
            },
            Model::Mn8 | Model::Mw20 => Self {
                mode: "MN8",
                connected_by: "bluetooth",
                lsb: 1.0 / 2.1,
                dc: 4210.0,
                mems_rate: 6.4,
                mems_bits: 14,
                motion: MotionFormat::Quaternion,
                faces: false,
                earbuds: true,
                ..epoc
            },
            Model::XTrodes | Model::Unknown => return None,
        };
        Some(spec)
    }

    /// The first model of the EPOC family.
    pub(super) fn epoc() -> Self {
        Self {
            model: Model::Epoc,
            mode: "EPOC",
            firmware: "930".to_owned(),
            connected_by: "dongle",
            sensors: names(&EPOC_SENSORS),
            eeg_rate: 128,
            eeg_bits: 14,
            lsb: LSB_14,
            dc: 4200.0,
            mems_rate: 128.0,
            mems_bits: 12,
            motion: MotionFormat::TwoGyros,
            gravity: 1.0,
            bci: true,
            faces: true,
            earbuds: false,
        }
    }

    /// Whether the user chooses the positions of its sensors.
    #[must_use]
    pub fn flex(&self) -> bool {
        self.model.is_flex()
    }

    /// Whether its settings can be changed (§3.2, `updateHeadset`).
    pub(super) fn adjustable(&self) -> bool {
        matches!(self.model, Model::EpocPlus | Model::EpocX)
    }

    /// The same headset with a different setting (§3.2).
    pub(super) fn with_setting(&self, setting: Setting) -> Self {
        let (mode, bits, eeg, motion) = match setting {
            Setting::Epoc => ("EPOC", 14, EegRate::Hz128, MotionRate::Off),
            Setting::EpocPlus { eeg, motion } => ("EPOCPLUS", 16, eeg, motion),
        };
        let usual = Self::of(self.model).map_or(MotionFormat::Quaternion, |spec| spec.motion);
        Self {
            mode,
            eeg_rate: eeg.hz(),
            eeg_bits: bits,
            lsb: if bits == 14 { LSB_14 } else { LSB_16 },
            mems_rate: f64::from(motion.hz()),
            mems_bits: if motion == MotionRate::Off { 0 } else { 16 },
            motion: if motion == MotionRate::Off { MotionFormat::None } else { usual },
            ..self.clone()
        }
    }

    /// Whether its data rate is low enough for Bluetooth (§6.2, warning 112).
    pub(super) fn fits_bluetooth(&self) -> bool {
        self.eeg_rate == 128 && self.mems_rate <= 0.0
    }

    /// Moves the sensors of a Flex. With an EPOC's positions it has an EPOC's detections (§5.1).
    pub(super) fn set_flex_sensors(&mut self, sensors: Vec<String>) {
        self.bci = EPOC_SENSORS.iter().all(|&name| sensors.iter().any(|own| own == name));
        self.faces = self.bci;
        self.sensors = sensors;
    }

    /// The code of the warning if a connection over its link fails (§2.6, §8).
    pub(super) fn obstacle(&self) -> Option<i64> {
        match (self.model, self.connected_by) {
            (Model::Epoc, "bluetooth" | "usb cable") => Some(warning::CONNECTION_FAILED),
            (_, "bluetooth") if self.adjustable() && self.eeg_rate != 128 => {
                Some(warning::SETTING_NOT_FOR_BLUETOOTH)
            }
            (_, "bluetooth") if self.adjustable() && self.mems_rate > 0.0 => {
                Some(warning::MOTION_TOO_MUCH)
            }
            _ => None,
        }
    }

    /// The `motionSensors` of the headset object (§4.1).
    #[must_use]
    pub fn motion_sensors(&self) -> Vec<&'static str> {
        let rotation: &[&str] = match self.motion {
            MotionFormat::None => return Vec::new(),
            MotionFormat::TwoGyros => return vec!["GYROX", "GYROY"],
            MotionFormat::Quaternion => &["Q0", "Q1", "Q2", "Q3"],
            MotionFormat::RawGyro => &["GYROX", "GYROY", "GYROZ"],
        };
        [rotation, &["ACCX", "ACCY", "ACCZ", "MAGX", "MAGY", "MAGZ"]].concat()
    }
}

fn names(sensors: &[&str]) -> Vec<String> {
    sensors.iter().map(|&name| name.to_owned()).collect()
}
