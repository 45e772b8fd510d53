//! The faults that can be injected (§9.1(7)): one table generates the enum, what a scenario file
//! and `sim.fault` accept, and the output of `--list-faults`. Independent of how they are carried
//! out.

use std::fmt::{self, Write as _};

use cortop_protocol::{Method, secrets::Secrets};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::Value;
use strum::VariantArray as _;

use cortop_protocol::nearest_name::suggest;

/// Declares the faults: for each an example, a description, its name, its parameters.
macro_rules! faults {
    ($($example:literal $what:literal $name:ident {
        $($(#[$attribute:meta])* $field:ident: $type:ty,)*
    })*) => {
        /// A fault. Its name in a scenario is in kebab-case; an omitted parameter has the value of
        /// its first listed example or the one given there.
        #[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
        #[serde(rename_all = "kebab-case", deny_unknown_fields)]
        pub enum Fault {
            $(#[doc = $what] $name { $($(#[$attribute])* $field: $type,)* },)*
        }

        /// An example of each fault as a scenario spells it, and its description.
        pub const LIST: &[(&str, &str)] = &[$(($example, $what)),*];
    };
}

faults! {
    // The connection.
    "drop = { close = true }"
    "the connection ends, with a close frame or (close = false, the default) without"
    Drop {
        /// Whether a close frame is sent first.
        #[serde(default)] close: bool,
    }
    "stall = { seconds = 5 }"
    "samples are measured but not sent while answers come, for ever without seconds"
    Stall {
        /// How long.
        #[serde(default)] seconds: Option<Seconds>,
    }
    "hang = { seconds = 5 }"
    "requests are neither answered nor carried out, for ever without seconds"
    Hang {
        /// How long.
        #[serde(default)] seconds: Option<Seconds>,
    }
    "unidentified = { times = 1 }"
    "warning 11 comes in place of the answer, and the connection never answers again"
    Unidentified {
        /// How many connections.
        #[serde(default = "one")] times: u32,
    }

    // Answers: of the given method, of the one whose call is awaited, or of any.
    "refuse = { method = \"createSession\", code = -32152, times = 3 }"
    "a method is refused with a code, and a message if given"
    Refuse {
        /// The method.
        #[serde(default, deserialize_with = "method_name")] method: Option<String>,
        /// The code (§6.1).
        code: i64,
        /// The text; by default the code's usual one.
        #[serde(default)] message: Option<String>,
        /// How many times.
        #[serde(default = "one")] times: u32,
    }
    "late = { method = \"queryHeadsets\", seconds = 2, times = 1 }"
    "a method is carried out at once and answered late"
    Late {
        /// The method.
        #[serde(default, deserialize_with = "method_name")] method: Option<String>,
        /// The delay.
        seconds: Seconds,
        /// How many times.
        #[serde(default = "one")] times: u32,
    }
    "out-of-order = { method = \"getLicenseInfo\", times = 1 }"
    "an answer comes after the next one, or a second later if there is no next"
    OutOfOrder {
        /// The method.
        #[serde(default, deserialize_with = "method_name")] method: Option<String>,
        /// How many times.
        #[serde(default = "one")] times: u32,
    }
    "twice = { method = \"createSession\", times = 1 }"
    "an answer comes twice"
    Twice {
        /// The method.
        #[serde(default, deserialize_with = "method_name")] method: Option<String>,
        /// How many times.
        #[serde(default = "one")] times: u32,
    }
    "never = { method = \"getUserLogin\", times = 1 }"
    "a method is carried out and never answered"
    Never {
        /// The method.
        #[serde(default, deserialize_with = "method_name")] method: Option<String>,
        /// How many times.
        #[serde(default = "one")] times: u32,
    }

    // Samples: the next ones that match headset, stream and client.
    "lose = { count = 3 }"
    "samples are lost, counters run on"
    Lose {
        /// How many samples.
        #[serde(default = "one")] count: u32,
    }
    "interpolate = { count = 3 }"
    "samples are marked as filled in by Cortex (INTERPOLATED 1)"
    Interpolate {
        /// How many samples.
        #[serde(default = "one")] count: u32,
    }
    "repeat = { count = 3 }"
    "samples come twice"
    Repeat {
        /// How many samples.
        #[serde(default = "one")] count: u32,
    }
    "delay = { seconds = 0.5, count = 3 }"
    "samples come late, after younger ones, with their own stamps"
    Delay {
        /// The delay.
        seconds: Seconds,
        /// How many samples.
        #[serde(default = "one")] count: u32,
    }
    "malformed = { count = 3 }"
    "samples break off in the middle: no JSON"
    Malformed {
        /// How many samples.
        #[serde(default = "one")] count: u32,
    }
    "nan = { count = 3 }"
    "samples have NaN for their first value, which is no JSON"
    Nan {
        /// How many samples.
        #[serde(default = "one")] count: u32,
    }
    "wrong-types = { count = 3 }"
    "samples have texts, objects and null in place of their values"
    WrongTypes {
        /// How many samples.
        #[serde(default = "one")] count: u32,
    }
    "too-short = { count = 3 }"
    "samples lack all values but the first"
    TooShort {
        /// How many samples.
        #[serde(default = "one")] count: u32,
    }
    "too-long = { count = 3 }"
    "samples have values more than columns"
    TooLong {
        /// How many samples.
        #[serde(default = "one")] count: u32,
    }
    "wrong-time = { seconds = 3600, count = 3 }"
    "samples are stamped so many seconds late, or early if negative"
    WrongTime {
        /// The offset.
        seconds: TimeOffset,
        /// How many samples.
        #[serde(default = "one")] count: u32,
    }
    "shuffled-times = { seconds = 2, count = 300 }"
    "samples are stamped late or early, each by another time up to so many seconds"
    ShuffledTimes {
        /// The largest offset.
        seconds: Seconds,
        /// How many samples.
        #[serde(default = "one")] count: u32,
    }
    "unknown-member = { count = 3 }"
    "samples have a member that nobody knows before that of their stream"
    UnknownMember {
        /// How many samples.
        #[serde(default = "one")] count: u32,
    }
    "unknown-stream = { count = 3 }"
    "samples come as those of a stream that nobody knows"
    UnknownStream {
        /// How many samples.
        #[serde(default = "one")] count: u32,
    }

    // Unsolicited messages.
    "invalid-utf8 = {}"
    "a text frame comes that is not UTF-8"
    InvalidUtf8 {}
    "oversized = { bytes = 2097152 }"
    "one text frame comes of so many bytes, 64 MiB at most"
    Oversized {
        /// Its length.
        #[serde(default = "two_mib", deserialize_with = "frame_length")] bytes: usize,
    }
    "warning = { code = 999, message = \"a text where others have an object\" }"
    "any warning comes, known or not, with any message"
    Warning {
        /// The code (§6.2).
        code: i64,
        /// A text, an object or any other value.
        #[serde(default)] message: Value,
    }

    // The clock.
    "set-clock = { seconds = 3.4 }"
    "Cortex's clock is set ahead by so many seconds, or back if negative"
    SetClock {
        /// The offset.
        seconds: TimeOffset,
    }

    // Sessions.
    "silent-close = {}"
    "sessions that clients close end without warning 0, as with older versions (§2.11)"
    SilentClose {}

    // The account.
    "expire-tokens = {}"
    "all tokens handed out so far are refused with -32015"
    ExpireTokens {}
    "revoke-access = {}"
    "the user takes all approvals back (warning 10): -32102"
    RevokeAccess {}
    "grant-access = {}"
    "the user approves all applications known so far (warning 9)"
    GrantAccess {}
    "logout = {}"
    "the user logs out (warning 3)"
    Logout {}
    "login = {}"
    "the user logs in (warning 2)"
    Login {}
    "exhaust-licence = {}"
    "no activations are left on this computer (-32019)"
    ExhaustLicence {}

    // Headsets.
    "headset-gone = {}"
    "a headset goes out of reach; warnings 103, 0 and 1 follow after 30 s (§2.12)"
    HeadsetGone {}
    "headset-back = {}"
    "a headset comes back: streaming on if its sessions still live, discovered otherwise"
    HeadsetBack {}
    "not-ready = { seconds = 1.5 }"
    "a headset refuses sessions (-32152) for so long, from now and after each connection"
    NotReady {
        /// How long.
        seconds: Seconds,
    }

    // TLS, for all further handshakes.
    "tls-unknown-root = {}"
    "the certificate leads to a root that nobody knows"
    TlsUnknownRoot {}
    "tls-expired-leaf = {}"
    "the certificate has expired"
    TlsExpiredLeaf {}
    "tls-wrong-name = {}"
    "the certificate is for cortex.example.org"
    TlsWrongName {}

    "clear = {}"
    "ends everything above that lasts"
    Clear {}
}

/// The output of `cortop sim --list-faults`.
#[must_use]
pub fn list() -> String {
    LIST.iter().fold(String::new(), |mut text, (example, what)| {
        // Writing to a `String` cannot fail.
        let _ = writeln!(text, "{example}\n    {what}");
        text
    })
}

/// What a fault affects, and for how long.
pub(super) enum FaultTarget<'a> {
    /// It happens at once.
    Once,
    /// Everything, for some seconds or until it is cleared.
    Lasting(Option<Seconds>),
    /// This many answers of a method, or of any.
    Answers(Option<&'a str>, u32),
    /// This many samples.
    Samples(u32),
}

/// Formats the fault as a scenario spells it: `lose = { count = 3 }`.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.without(&Secrets::default()))
    }
}

impl Fault {
    /// The same text without secrets: a message may contain what a client has sent.
    pub(super) fn without(&self, secrets: &Secrets) -> String {
        let mut fault = serde_json::to_value(self).unwrap_or_default();
        secrets.redact(&mut fault);
        let Some((name, values)) = fault.as_object().and_then(|fault| fault.iter().next()) else {
            return String::new();
        };
        let values = values.as_object().into_iter().flatten();
        let given = values.filter(|(_, value)| !value.is_null());
        let given: Vec<_> = given.map(|(name, value)| format!("{name} = {value}")).collect();
        if given.is_empty() {
            format!("{name} = {{}}")
        } else {
            format!("{name} = {{ {} }}", given.join(", "))
        }
    }

    pub(super) fn target(&self) -> FaultTarget<'_> {
        match self {
            Self::Stall { seconds } | Self::Hang { seconds } => FaultTarget::Lasting(*seconds),
            Self::SilentClose {} => FaultTarget::Lasting(None),
            Self::Unidentified { times } => FaultTarget::Answers(None, *times),
            Self::Refuse { method, times, .. }
            | Self::Late { method, times, .. }
            | Self::OutOfOrder { method, times }
            | Self::Twice { method, times }
            | Self::Never { method, times } => FaultTarget::Answers(method.as_deref(), *times),
            Self::Lose { count }
            | Self::Interpolate { count }
            | Self::Repeat { count }
            | Self::Delay { count, .. }
            | Self::Malformed { count }
            | Self::Nan { count }
            | Self::WrongTypes { count }
            | Self::TooShort { count }
            | Self::TooLong { count }
            | Self::WrongTime { count, .. }
            | Self::ShuffledTimes { count, .. }
            | Self::UnknownMember { count }
            | Self::UnknownStream { count } => FaultTarget::Samples(*count),
            _ => FaultTarget::Once,
        }
    }
}

/// A duration in service time that can be waited for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Seconds(f64);

impl Seconds {
    /// As a number.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}

/// From a number, clamped to a valid duration.
impl From<f64> for Seconds {
    fn from(seconds: f64) -> Self {
        Self(if seconds > 0.0 { seconds.min(MONTH) } else { 0.0 })
    }
}

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let seconds = f64::deserialize(from)?;
        if (0.0..=MONTH).contains(&seconds) {
            Ok(Self(seconds))
        } else {
            Err(D::Error::custom("must be 0 to 2678400 seconds"))
        }
    }
}

/// The seconds by which a clock is off.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct TimeOffset(f64);

impl TimeOffset {
    /// As a number.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}

/// From a number, clamped to what a calendar can represent.
impl From<f64> for TimeOffset {
    fn from(seconds: f64) -> Self {
        Self(if seconds.is_finite() { seconds.clamp(-MONTH, MONTH) } else { 0.0 })
    }
}

impl<'de> Deserialize<'de> for TimeOffset {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let seconds = f64::deserialize(from)?;
        if (-MONTH..=MONTH).contains(&seconds) {
            Ok(Self(seconds))
        } else {
            Err(D::Error::custom("must be -2678400 to 2678400 seconds"))
        }
    }
}

/// The longest possible delay, in seconds.
const MONTH: f64 = 31.0 * 86_400.0;
/// The longest frame.
const LONGEST: usize = 64 << 20;

const fn one() -> u32 {
    1
}

const fn two_mib() -> usize {
    2 << 20
}

/// The name of an API method, as a text.
pub(super) fn method_name<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let name = String::deserialize(from)?;
    if name.parse::<Method>().is_ok() {
        return Ok(Some(name));
    }
    let meant = suggest(Method::VARIANTS.iter().map(|own| own.name()), &name);
    Err(D::Error::custom(format!("there is no method {name}: {meant}")))
}

fn frame_length<'de, D: Deserializer<'de>>(from: D) -> Result<usize, D::Error> {
    let bytes = usize::deserialize(from)?;
    if bytes <= LONGEST { Ok(bytes) } else { Err(D::Error::custom("must be 67108864 at most")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names shown by `--list-faults` are the ones that are parsed, and each is unique.
    #[test]
    fn every_example_is_a_fault_of_that_name() {
        let mut seen = Vec::new();
        for (example, what) in LIST {
            let fault: Fault = toml::from_str(example).expect(example);
            let again = fault.to_string();
            assert_eq!(toml::from_str::<Fault>(&again).as_ref(), Ok(&fault), "{again}");
            let kind = std::mem::discriminant(&fault);
            assert!(!seen.contains(&kind), "{example} stands for two");
            seen.push(kind);
            assert!(!what.contains('\n') && what.len() <= 90, "{what}");
        }
    }

    #[test]
    fn what_cannot_be_is_refused_by_name() {
        for (wrong, said) in [
            ("stall = { seconds = -1 }", "2678400"),
            ("stall = { minutes = 1 }", "minutes"),
            ("refuse = { times = 1 }", "missing field `code`"),
            ("oversized = { bytes = 1000000000 }", "67108864"),
            ("set-clock = { seconds = -1e9 }", "-2678400"),
            ("logout = { forever = true }", "forever"),
            ("explode = {}", "unknown variant `explode`"),
            ("never = { method = \"getUserLogn\" }", "did you mean getUserLogin?"),
            ("late = { method = \"zzz\", seconds = 1 }", "no method zzz: none of the"),
        ] {
            let error = toml::from_str::<Fault>(wrong).expect_err(wrong).to_string();
            assert!(error.contains(said), "{error}");
        }
    }
}
