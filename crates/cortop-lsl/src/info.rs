//! The information about a stream: the description by its source, where it is served, and both as
//! the XML that is sent over the network.

use std::{fmt, net::Ipv4Addr};

use crate::Element;

/// The supported protocol version (1.10), as written in requests.
pub(crate) const VERSION: u32 = 110;

/// The session to which everybody belongs unless a lab configures another.
pub(crate) const SESSION: &str = "default";

/// The most channels that an inlet accepts.
const MOST_CHANNELS: usize = 1024;

/// The type of a stream's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelFormat {
    /// 32-bit floats.
    Float32,
    /// 64-bit floats.
    Double64,
    /// Texts in UTF-8.
    String,
    /// 32-bit signed integers.
    Int32,
    /// 16-bit signed integers.
    Int16,
    /// 8-bit signed integers.
    Int8,
    /// 64-bit signed integers.
    Int64,
}

impl ChannelFormat {
    pub(crate) const ALL: [Self; 7] = [
        Self::Float32,
        Self::Double64,
        Self::String,
        Self::Int32,
        Self::Int16,
        Self::Int8,
        Self::Int64,
    ];

    /// Its name in a stream's information.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Float32 => "float32",
            Self::Double64 => "double64",
            Self::String => "string",
            Self::Int32 => "int32",
            Self::Int16 => "int16",
            Self::Int8 => "int8",
            Self::Int64 => "int64",
        }
    }

    /// Bytes per value; `None` for texts.
    #[must_use]
    pub const fn size(self) -> Option<usize> {
        match self {
            Self::String => None,
            Self::Int8 => Some(1),
            Self::Int16 => Some(2),
            Self::Float32 | Self::Int32 => Some(4),
            Self::Double64 | Self::Int64 => Some(8),
        }
    }
}

impl fmt::Display for ChannelFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A stream as its source describes it.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamInfo {
    /// Its name.
    pub name: String,
    /// The type of its content, such as `EEG` or `Markers`.
    pub content: String,
    /// Values per sample.
    pub channels: usize,
    /// Samples per second; 0 for irregular samples.
    pub nominal_rate: f64,
    /// The type of its values.
    pub format: ChannelFormat,
    /// Identifies the source permanently, so that receivers find it again after a restart; empty if
    /// there is no such identity.
    pub source_id: String,
    /// Any further metadata, an element `desc`.
    pub description: Element,
}

/// Where a stream is served, and which outlet serves it.
#[derive(Clone, Debug, PartialEq)]
pub struct OutletInfo {
    /// Identifies this outlet among all that ever existed.
    pub uid: String,
    /// The session it belongs to.
    pub session: String,
    /// The name of its machine.
    pub host: String,
    /// When it was created, by its machine's clock.
    pub created_at: f64,
    /// The port of samples and information over TCP.
    pub data_port: u16,
    /// The port of queries and time over UDP.
    pub service_port: u16,
}

/// A stream that was found on the network.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundStream {
    /// The stream, without its description.
    pub info: StreamInfo,
    /// Where it is served.
    pub outlet: OutletInfo,
    /// The address from which the answer came.
    pub address: Ipv4Addr,
}

impl StreamInfo {
    /// The complete information about a stream, an element `info`; with the description if
    /// `with_description` is set.
    pub(crate) fn element(&self, outlet: &OutletInfo, with_description: bool) -> Element {
        let description =
            if with_description { self.description.clone() } else { Element::new("desc") };
        Element::new("info")
            .with(Element::leaf("name", &self.name))
            .with(Element::leaf("type", &self.content))
            .with(Element::leaf("channel_count", self.channels))
            .with(Element::leaf("channel_format", self.format))
            .with(Element::leaf("source_id", &self.source_id))
            .with(Element::leaf("nominal_srate", digits(self.nominal_rate)))
            .with(Element::leaf("version", digits(f64::from(VERSION) / 100.0)))
            .with(Element::leaf("created_at", digits(outlet.created_at)))
            .with(Element::leaf("uid", &outlet.uid))
            .with(Element::leaf("session_id", &outlet.session))
            .with(Element::leaf("hostname", &outlet.host))
            // The receiver uses the address from which the answer comes.
            .with(Element::new("v4address"))
            .with(Element::leaf("v4data_port", outlet.data_port))
            .with(Element::leaf("v4service_port", outlet.service_port))
            .with(Element::new("v6address"))
            .with(Element::leaf("v6data_port", 0))
            .with(Element::leaf("v6service_port", 0))
            .with(description)
    }
}

impl FoundStream {
    /// Parses the short information received from an address; `None` if it is invalid, or if the
    /// stream cannot be received over IPv4.
    pub(crate) fn parse(xml: &str, address: Ipv4Addr) -> Option<Self> {
        let options = roxmltree::ParsingOptions { nodes_limit: 10_000, ..Default::default() };
        let document = roxmltree::Document::parse_with_options(xml, options).ok()?;
        let info = document.root_element();
        let text = |name: &str| {
            let element = info.children().find(|child| child.has_tag_name(name))?;
            Some(element.text().unwrap_or_default().to_owned())
        };
        let port = |name: &str| text(name)?.parse::<u16>().ok().filter(|&port| port > 0);
        let version: f64 = text("version")?.parse().ok()?;
        let format = text("channel_format")?;
        let found = Self {
            info: StreamInfo {
                name: text("name").filter(|name| !name.is_empty())?,
                content: text("type").unwrap_or_default(),
                channels: text("channel_count")?.parse().ok()?,
                nominal_rate: text("nominal_srate")?.parse().ok()?,
                format: ChannelFormat::ALL.into_iter().find(|own| own.name() == format)?,
                source_id: text("source_id").unwrap_or_default(),
                description: Element::new("desc"),
            },
            outlet: OutletInfo {
                uid: text("uid").filter(|uid| !uid.is_empty())?,
                session: text("session_id").unwrap_or_default(),
                host: text("hostname").unwrap_or_default(),
                created_at: text("created_at")?.parse().ok()?,
                data_port: port("v4data_port")?,
                service_port: port("v4service_port")?,
            },
            address,
        };
        let is_sound = (1..=MOST_CHANNELS).contains(&found.info.channels)
            && found.info.nominal_rate.is_finite()
            && found.info.nominal_rate >= 0.0
            && (1.1..2.0).contains(&version);
        is_sound.then_some(found)
    }
}

/// A number with sixteen digits, as liblsl writes it and as receivers may compare it.
fn digits(number: f64) -> String {
    let before_point = match number.abs() {
        size if size >= 1.0 => size.log10().floor() + 1.0,
        _ => 1.0,
    };
    // At most sixteen digits: larger numbers have no decimals.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 15")]
    let decimals = (16.0 - before_point).clamp(0.0, 15.0) as usize;
    format!("{number:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) fn example() -> (StreamInfo, OutletInfo) {
        let info = StreamInfo {
            name: "A & B".to_owned(),
            content: "EEG".to_owned(),
            channels: 14,
            nominal_rate: 128.0,
            format: ChannelFormat::Float32,
            source_id: "x".to_owned(),
            description: Element::new("desc").with(Element::leaf("manufacturer", "EMOTIV")),
        };
        let outlet = OutletInfo {
            uid: "u".to_owned(),
            session: SESSION.to_owned(),
            host: "here".to_owned(),
            created_at: 12_345.678,
            data_port: 16_572,
            service_port: 16_573,
        };
        (info, outlet)
    }

    #[test]
    fn short_information_is_read_as_it_was_written() {
        let (info, outlet) = example();
        let xml = info.element(&outlet, false).to_xml();
        let found = FoundStream::parse(&xml, Ipv4Addr::LOCALHOST).unwrap();
        let description = Element::new("desc");
        assert_eq!(found.info, StreamInfo { description, ..info.clone() });
        assert_eq!(found.outlet, outlet);
        assert!(!xml.contains("EMOTIV"));
        assert!(info.element(&outlet, true).to_xml().contains("<manufacturer>EMOTIV</"));
    }

    #[test]
    fn numbers_have_sixteen_digits() {
        assert_eq!(digits(128.0), "128.0000000000000");
        assert_eq!(digits(1.1), "1.100000000000000");
        assert_eq!(digits(0.0), "0.000000000000000");
        assert_eq!(digits(12_345.678), "12345.67800000000");
    }

    #[test]
    fn what_is_no_information_is_refused() {
        let (info, outlet) = example();
        let xml = info.element(&outlet, false).to_xml();
        for (from, to) in [
            ("<channel_count>14", "<channel_count>0"),
            ("<channel_count>14", "<channel_count>1000000"),
            ("float32", "float16"),
            ("16572", "0"),
            ("<uid>u", "<uid>"),
            ("1.100000000000000", "2.0"),
            ("128.0000000000000", "-1"),
            ("</info>", ""),
            ("<?xml version=\"1.0\"?>", "<!DOCTYPE a [<!ENTITY b \"c\">]>"),
        ] {
            let wrong = xml.replacen(from, to, 1);
            assert_ne!(wrong, xml, "{from}");
            assert_eq!(FoundStream::parse(&wrong, Ipv4Addr::LOCALHOST), None, "{to}");
        }
    }
}
