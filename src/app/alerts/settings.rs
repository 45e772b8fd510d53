//! Settings: which conditions raise alerts, and how the user is alerted.

use std::time::Duration;

/// When alerts are raised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AlertWhen {
    /// Never.
    Off,
    /// About headsets with a running record.
    #[default]
    Recording,
    /// About all headsets with a session.
    Always,
}

impl AlertWhen {
    /// The values and their names in the config file.
    pub const NAMES: [(&str, Self); 3] =
        [("off", Self::Off), ("recording", Self::Recording), ("always", Self::Always)];
}

/// The escape sequence that asks the terminal for a desktop notification.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NotificationProtocol {
    /// None.
    #[default]
    Off,
    /// `OSC 9`, of iTerm2, kitty, `WezTerm` and Windows Terminal.
    Osc9,
    /// `OSC 777;notify`, of urxvt, foot, Ghostty and VTE.
    Osc777,
}

impl NotificationProtocol {
    /// The values and their names in the config file.
    pub const NAMES: [(&str, Self); 3] =
        [("off", Self::Off), ("osc9", Self::Osc9), ("osc777", Self::Osc777)];
}

/// Which conditions raise alerts, and how the user is alerted.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct AlertSettings {
    /// When alerts are raised at all.
    pub when: AlertWhen,
    /// A stream has become stale.
    pub stale: bool,
    /// Maximum loss of a stream within 10 s, in per cent.
    pub loss: Option<f64>,
    /// How long a sensor may have no contact.
    pub contact: Option<Duration>,
    /// A channel is at the rail of the amplifier.
    pub rail: bool,
    /// Minimum charge of the battery, in per cent.
    pub battery: Option<f64>,
    /// Cortex warns that the disk is nearly full.
    pub disk: bool,
    /// A record ended with its session, which nobody here closed.
    pub record: bool,
    /// Whether the terminal's bell rings.
    pub bell: bool,
    /// How the terminal is asked for desktop notifications.
    pub notification: NotificationProtocol,
    /// The user's program and its arguments; empty if there is none.
    pub command: Vec<String>,
}

impl Default for AlertSettings {
    fn default() -> Self {
        Self {
            when: AlertWhen::default(),
            stale: true,
            loss: Some(1.0),
            contact: Some(Duration::from_secs(10)),
            rail: true,
            battery: Some(20.0),
            disk: true,
            record: true,
            bell: true,
            notification: NotificationProtocol::default(),
            command: Vec::new(),
        }
    }
}
