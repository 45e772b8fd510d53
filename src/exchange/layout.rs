//! Maps a Cortex stream to an LSL stream: which columns become channels, and their descriptions.

use cortop_client::{Stream, Subscription, model::Model};
use cortop_lsl::{ChannelFormat, Element, StreamInfo};
use cortop_signal::{electrode_positions, is_channel};

/// More columns than any stream has.
const MOST_CHANNELS: usize = 512;

/// The channels of a stream.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Layout {
    /// Their indices among the labels of the columns.
    pub(super) channels: Vec<usize>,
    /// The stream info for receivers.
    pub(super) info: StreamInfo,
}

/// The name of a stream, after the headset's; `None` for streams that are not served.
const fn name(stream: Stream) -> Option<&'static str> {
    Some(match stream {
        Stream::Eeg => "EEG",
        Stream::Mot => "Motion",
        Stream::Dev => "Contact",
        Stream::Eq => "EEGQuality",
        Stream::Pow => "BandPower",
        Stream::Met => "Metrics",
        Stream::Com | Stream::Fac | Stream::Sys => return None,
    })
}

impl Layout {
    /// The layout of a subscription; `None` if it is not served.
    pub(super) fn of(subscription: &Subscription) -> Option<Self> {
        let Subscription { headset, stream, columns, nominal_rate, .. } = subscription;
        let name = name(*stream)?;
        let labels = columns.labels().enumerate();
        let channels: Vec<_> =
            labels.filter(|(_, label)| is_channel(label)).take(MOST_CHANNELS).collect();
        if channels.is_empty() {
            return None;
        }
        let described = channels.iter().map(|(_, label)| channel(*stream, label));
        let mut description = description(headset.as_str());
        if *stream == Stream::Eeg {
            let cap = Element::new("cap").with(Element::leaf("labelscheme", "10-20"));
            description = description.with(cap);
        }
        let info = StreamInfo {
            name: format!("cortop-{headset}-{name}"),
            content: name.to_owned(),
            channels: channels.len(),
            // Metrics have one of two rates, and switch between them.
            nominal_rate: nominal_rate.filter(|_| stream.is_even()).unwrap_or_default(),
            format: ChannelFormat::Float32,
            source_id: format!("cortop:{headset}:{name}"),
            description: description.with(Element::new("channels").with_all(described)),
        };
        Some(Self { channels: channels.into_iter().map(|(at, _)| at).collect(), info })
    }
}

/// The stream info of a headset's markers.
pub(super) fn markers(headset: &str) -> StreamInfo {
    StreamInfo {
        name: format!("cortop-{headset}-Markers"),
        content: "Markers".to_owned(),
        channels: 1,
        nominal_rate: 0.0,
        format: ChannelFormat::String,
        source_id: format!("cortop:{headset}:Markers"),
        description: description(headset),
    }
}

/// The description common to all streams of a headset.
fn description(headset: &str) -> Element {
    let model = Model::from_id(&headset.into());
    let acquisition = Element::new("acquisition")
        .with(Element::leaf("manufacturer", "EMOTIV"))
        .with(Element::leaf("model", model.name()))
        .with(Element::leaf("serial_number", headset));
    Element::new("desc").with(Element::leaf("manufacturer", "EMOTIV")).with(acquisition)
}

/// A stream's description with the uncertainty of its timestamps.
pub(super) fn with_uncertainty(description: &Element, seconds: f64) -> Element {
    let synchronization = Element::new("synchronization")
        .with(Element::leaf("time_source", "the headset's clock as Cortex reports it"))
        .with(Element::leaf("uncertainty", format!("{seconds:.4}")))
        .with(Element::leaf("can_drop_samples", true));
    description.clone().with(synchronization)
}

/// The description of a channel.
fn channel(stream: Stream, label: &str) -> Element {
    let (content, unit) = match stream {
        Stream::Eeg => ("EEG", "microvolts"),
        Stream::Mot => (motion(label), ""),
        Stream::Dev | Stream::Eq => match label {
            "OVERALL" | "overall" => ("Quality", "percent"),
            "Battery" | "Signal" | "sampleRateQuality" => ("Device", ""),
            label if label.starts_with("battery") || label.starts_with("Battery") => {
                ("Device", "percent")
            }
            _ => ("Quality", "level"),
        },
        Stream::Pow => ("BandPower", "microvolts^2/Hz"),
        _ => ("Metric", ""),
    };
    let mut channel = Element::new("channel")
        .with(Element::leaf("label", label))
        .with(Element::leaf("type", content));
    if !unit.is_empty() {
        channel = channel.with(Element::leaf("unit", unit));
    }
    if stream == Stream::Eeg
        && let Some(position) = electrode_positions::on_sphere(label)
    {
        let place = ["X", "Y", "Z"].into_iter().zip(position);
        let place = place.map(|(axis, at)| Element::leaf(axis, format!("{at:.1}")));
        channel = channel.with(Element::new("location").with_all(place));
    }
    channel
}

/// The quantity that a column of `mot` measures (§5.3).
fn motion(label: &str) -> &'static str {
    match label.trim_end_matches(['X', 'Y', 'Z']) {
        "ACC" => "Accelerometer",
        "GYRO" => "Gyroscope",
        "MAG" => "Magnetometer",
        _ => "Quaternion",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(stream: Stream, columns: &str) -> Option<Layout> {
        Layout::of(&Subscription {
            session: "s".into(),
            headset: "EPOCX-1A2B3C4D".into(),
            stream,
            columns: serde_json::from_str(columns).expect("columns"),
            nominal_rate: Some(128.0),
        })
    }

    #[test]
    fn eeg_has_its_sensors_only_each_with_its_place() {
        let columns =
            r#"["COUNTER","INTERPOLATED","T7","Cz","X9","RAW_CQ","MARKER_HARDWARE","MARKERS"]"#;
        let Layout { channels, info } = layout(Stream::Eeg, columns).expect("a layout");
        assert_eq!(channels, [2, 3, 4]);
        assert_eq!(info.name, "cortop-EPOCX-1A2B3C4D-EEG");
        assert_eq!((info.content.as_str(), info.channels), ("EEG", 3));
        assert_eq!(info.source_id, "cortop:EPOCX-1A2B3C4D:EEG");
        insta::assert_snapshot!(info.description.to_xml());
    }

    #[test]
    fn other_streams_have_all_their_values_and_words_do_not_go_out() {
        let contact =
            layout(Stream::Dev, r#"["Battery","Signal",["T7","OVERALL"],"BatteryPercent"]"#);
        let contact = contact.expect("a layout");
        assert_eq!(contact.channels, [0, 1, 2, 3, 4]);
        assert_eq!(contact.info.content, "Contact");
        let motion = layout(Stream::Mot, r#"["COUNTER_MEMS","INTERPOLATED_MEMS","Q0","ACCX"]"#);
        assert_eq!(motion.expect("a layout").channels, [2, 3]);
        let metrics = layout(Stream::Met, r#"["eng.isActive","eng"]"#).expect("a layout");
        assert!(metrics.info.nominal_rate == 0.0);
        assert_eq!(layout(Stream::Com, r#"["act","pow"]"#), None);
        assert_eq!(layout(Stream::Eeg, r#"["COUNTER"]"#), None);
        let uncertain = with_uncertainty(&metrics.info.description, 0.0041);
        assert!(uncertain.to_xml().contains("<uncertainty>0.0041</uncertainty>"));
    }
}
