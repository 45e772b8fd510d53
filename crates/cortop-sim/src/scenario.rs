//! What goes wrong, when, and for whom: a scenario file (TOML) is a list of injections; `sim.fault`
//! takes one. Independent of how faults are carried out.

use std::path::Path;

use serde::{Deserialize, Deserializer, de::Error as _};

use super::{
    fault::{Fault, Seconds, method_name},
    toml_file,
};
use cortop_protocol::{HeadsetId, Stream, nearest_name::suggest};

/// A fault, when it happens, and whom it affects.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Injection {
    /// Seconds of service time since the start of the simulator, or since `sim.fault`.
    #[serde(default)]
    pub at: Option<Seconds>,
    /// From then on, it waits for a call of this method, which is the first one affected.
    #[serde(default, deserialize_with = "method_name")]
    pub call: Option<String>,
    /// Which of these calls, counted from 1; by default the first.
    #[serde(default)]
    pub nth: Option<u32>,
    /// Only this client, numbered from 1 in order of connection. By default, if a call is awaited,
    /// the calling client.
    #[serde(default)]
    pub client: Option<u64>,
    /// Only this headset.
    #[serde(default)]
    pub headset: Option<HeadsetId>,
    /// Only this stream.
    #[serde(default, deserialize_with = "stream")]
    pub stream: Option<Stream>,
    /// The fault.
    #[serde(rename = "do")]
    pub fault: Fault,
}

/// At once, and for everything.
impl From<Fault> for Injection {
    fn from(fault: Fault) -> Self {
        Self { at: None, call: None, nth: None, client: None, headset: None, stream: None, fault }
    }
}

impl Injection {
    /// Restricts it to samples of this stream.
    #[must_use]
    pub fn on(self, stream: Stream) -> Self {
        Self { stream: Some(stream), ..self }
    }

    /// Makes it wait for the nth call of the method from now on, counted from 1.
    #[must_use]
    pub fn when_called(self, method: &str, nth: u32) -> Self {
        Self { call: Some(method.to_owned()), nth: Some(nth), ..self }
    }

    /// Checks whether it can affect anything, given these headsets.
    ///
    /// # Errors
    /// There is no such headset: a sentence that lists the existing ones.
    pub fn check<'a>(&self, headsets: impl Iterator<Item = &'a HeadsetId>) -> Result<(), String> {
        let Some(wanted) = &self.headset else { return Ok(()) };
        let ids: Vec<_> = headsets.map(HeadsetId::as_str).collect();
        if ids.contains(&wanted.as_str()) {
            return Ok(());
        }
        Err(format!("there is no headset {wanted}: {}", suggest(ids, wanted.as_str())))
    }

    /// Whether it applies to this client.
    pub(super) fn is_for(&self, client: u64) -> bool {
        self.client.is_none_or(|own| own == client)
    }
}

/// A scenario file.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// The injections, in any order.
    #[serde(default, rename = "fault")]
    pub injections: Vec<Injection>,
}

impl Scenario {
    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read or is not valid: toml's own text, which shows the position.
    pub fn read(path: &Path) -> color_eyre::Result<Self> {
        let hint = "`cortop sim --list-faults` shows what can be done";
        toml_file::read(path, "scenario", "--scenario", hint)
    }
}

fn stream<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Stream>, D::Error> {
    String::deserialize(from)?.parse().map(Some).map_err(D::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scenario_is_read_as_it_stands() {
        let text = r#"
            [[fault]]
            at = 2
            stream = "eeg"
            headset = "EPOCX-1A2B3C4D"
            do.lose = { count = 3 }

            [[fault]]
            call = "createSession"
            nth = 2
            client = 1
            do.refuse = { code = -32152 }
        "#;
        let scenario: Scenario = toml::from_str(text).expect("valid");
        let refuse = Fault::Refuse { method: None, code: -32152, message: None, times: 1 };
        let lose = Injection {
            at: Some(2.0.into()),
            headset: Some("EPOCX-1A2B3C4D".into()),
            ..Injection::from(Fault::Lose { count: 3 }).on(Stream::Eeg)
        };
        let refuse = Injection::from(refuse).when_called("createSession", 2);
        assert_eq!(scenario.injections, [lose, Injection { client: Some(1), ..refuse }]);
    }

    #[test]
    fn a_mistake_is_shown_with_line_column_and_caret() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("s.toml");
        for (line, at, said) in [
            ("do.lose = { count = \"x\" }", "line 3, column 21", "invalid type"),
            ("do.loose = { count = 1 }", "line 3, column 4", "unknown variant `loose`"),
            ("do.clear = {}\nwhen = 1", "line 4, column 1", "unknown field `when`"),
            ("do.clear = {}\nstream = \"egg\"", "line 4, column 10", "eeg mot dev"),
            (
                "do.clear = {}\ncall = \"createSesion\"",
                "line 4, column 8",
                "did you mean createSession?",
            ),
            ("do.twice = { method = \"zz\" }", "line 3, column 23", "no method zz"),
        ] {
            std::fs::write(&path, format!("[[fault]]\nat = 1\n{line}\n")).expect("written");
            let error = Scenario::read(&path).expect_err(line).to_string();
            for part in [at, said, "^", "s.toml", "--list-faults"] {
                assert!(error.contains(part), "{part} is not in {error}");
            }
        }
        let error = Scenario::read(Path::new("/nowhere/s.toml")).expect_err("absent");
        assert!(format!("{error:#}").contains("--scenario"), "{error:#}");
    }
}
