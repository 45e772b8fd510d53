//! Every fault of the simulator, and how a monitor has to react.

use cortop_signal::snapshot::StreamHealth;

/// A fault and its consequences.
pub(crate) struct Case {
    /// In the spelling of a scenario.
    pub(crate) order: &'static str,
    /// Injected before the monitor starts, or once it is streaming.
    pub(crate) when: When,
    /// What the monitor reports about it, in this order.
    pub(crate) says: &'static [&'static str],
    /// The expected state of `eeg` after that.
    pub(crate) eeg: fn(&StreamHealth) -> bool,
    /// What is injected afterwards; then the monitor streams.
    pub(crate) undo: &'static [&'static str],
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    Starting,
    Streaming,
}

use When::{Starting, Streaming};

const ANY: fn(&StreamHealth) -> bool = |_| true;
const WHOLE: fn(&StreamHealth) -> bool =
    |eeg| eeg.lost == 0 && eeg.malformed == 0 && eeg.received > 300;
const LOST_3: fn(&StreamHealth) -> bool = |eeg| eeg.lost == 3;
const ODD_3: fn(&StreamHealth) -> bool = |eeg| eeg.malformed == 3;

const fn case(
    order: &'static str,
    when: When,
    says: &'static [&'static str],
    eeg: fn(&StreamHealth) -> bool,
) -> Case {
    Case { order, when, says, eeg, undo: &[] }
}

/// The link.
pub(crate) const LINK: &[Case] = &[
    case("do.drop = { close = true }", Streaming, &["the service closed the connection"], ANY),
    case("do.drop = {}", Streaming, &["the connection to the service was lost"], ANY),
    case("do.stall = { seconds = 3.5 }", Streaming, &[], |eeg| eeg.stale_since.is_some()),
    Case {
        undo: &["do.clear = {}"],
        ..case("do.hang = {}", Starting, &["the service stopped answering"], ANY)
    },
    case(
        "do.unidentified = { times = 2 }",
        Starting,
        &["does not know who is calling", "streaming"],
        ANY,
    ),
    case("do.invalid-utf8 = {}", Streaming, &["the service sent text that is not UTF-8"], ANY),
    case("do.oversized = {}", Streaming, &["the service sent a message longer than"], ANY),
];

/// Answers.
pub(crate) const ANSWERS: &[Case] = &[
    case(
        "call = \"createSession\"\ndo.refuse = { code = -32152, times = 2 }",
        Starting,
        &["streaming"],
        WHOLE,
    ),
    case("do.late = { method = \"queryHeadsets\", seconds = 1 }", Starting, &["streaming"], WHOLE),
    case("do.out-of-order = { times = 3 }", Streaming, &[], WHOLE),
    case("do.twice = { times = 5 }", Starting, &["streaming"], WHOLE),
    case("do.never = { method = \"querySessions\" }", Streaming, &[], WHOLE),
];

/// Samples.
pub(crate) const SAMPLES: &[Case] = &[
    case("do.lose = { count = 3 }", Streaming, &[], LOST_3),
    case("do.interpolate = { count = 3 }", Streaming, &[], |eeg| eeg.interpolated == 3),
    case("do.repeat = { count = 3 }", Streaming, &[], |eeg| (eeg.lost, eeg.malformed) == (0, 3)),
    case("do.delay = { seconds = 0.3, count = 3 }", Streaming, &[], |eeg| {
        (eeg.lost, eeg.malformed) == (3, 3)
    }),
    case("do.malformed = { count = 3 }", Streaming, &[], LOST_3),
    case("do.nan = { count = 3 }", Streaming, &[], LOST_3),
    case("do.wrong-types = { count = 3 }", Streaming, &[], ODD_3),
    case("do.too-short = { count = 3 }", Streaming, &[], ODD_3),
    case("do.too-long = { count = 3 }", Streaming, &[], ODD_3),
    case("do.wrong-time = { seconds = 3600, count = 3 }", Streaming, &[], |eeg| {
        (eeg.lost, eeg.malformed, eeg.clock_step) == (0, 3, None)
    }),
    case("do.shuffled-times = { seconds = 2, count = 250 }", Streaming, &[], |eeg| {
        eeg.lost == 0 && (180..=250).contains(&eeg.malformed) && eeg.clock_step.is_none()
    }),
    case("do.set-clock = { seconds = -60 }", Streaming, &[], |eeg| {
        let set = eeg.clock_step.is_some_and(|step| (step.seconds + 60.0).abs() < 0.01);
        set && (eeg.lost, eeg.malformed) == (0, 0)
    }),
    case("do.unknown-member = { count = 300 }", Streaming, &[], WHOLE),
    case("do.unknown-stream = { count = 3 }", Streaming, &[], LOST_3),
    case(
        "do.warning = { code = 999, message = \"a text\" }",
        Streaming,
        &["warning 999: a text"],
        WHOLE,
    ),
    case(
        "do.warning = { code = 104, message = [1] }",
        Streaming,
        &["warning 104: the headset is connected"],
        WHOLE,
    ),
];

/// Account and headset.
pub(crate) const STATE: &[Case] = &[
    case("do.expire-tokens = {}", Streaming, &[], WHOLE),
    Case {
        undo: &["do.grant-access = {}"],
        ..case("do.revoke-access = {}", Streaming, &["warning 10"], ANY)
    },
    Case {
        undo: &["do.login = {}"],
        ..case("do.logout = {}", Streaming, &["the user has logged out", "nobody logged in"], ANY)
    },
    case("do.exhaust-licence = {}", Starting, &["opened: ", "streaming"], ANY),
    Case {
        undo: &["do.headset-back = {}"],
        ..case("do.headset-gone = {}", Streaming, &["warning 103", "closed: "], ANY)
    },
    case("do.not-ready = { seconds = 0.5 }", Starting, &["streaming"], WHOLE),
    case("do.silent-close = {}", Starting, &["streaming"], WHOLE),
];

/// TLS.
pub(crate) const TLS: &[Case] = &[
    Case {
        undo: &["do.clear = {}"],
        ..case("do.tls-unknown-root = {}", Starting, &["does not lead to a known root"], ANY)
    },
    Case {
        undo: &["do.clear = {}"],
        ..case("do.tls-expired-leaf = {}", Starting, &["expired"], ANY)
    },
    case("do.tls-wrong-name = {}", Starting, &["WrongName", "streaming"], WHOLE),
];
