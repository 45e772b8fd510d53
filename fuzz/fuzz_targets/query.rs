//! A query for streams from somebody on the network.

#![no_main]

use std::sync::LazyLock;

use cortop_lsl::{Element, Query};
use libfuzzer_sys::fuzz_target;

static INFO: LazyLock<Element> = LazyLock::new(|| {
    let channel = |label: &str| {
        Element::new("channel")
            .with(Element::leaf("label", label))
            .with(Element::leaf("unit", "microvolts"))
    };
    let channels = ["AF3", "F7", "F3", "FC5", "T7", "P7", "O1", "O2"].map(channel);
    Element::new("info")
        .with(Element::leaf("name", "cortop-EPOCX-1-EEG"))
        .with(Element::leaf("type", "EEG"))
        .with(Element::leaf("channel_count", 8))
        .with(Element::leaf("nominal_srate", "128.0000000000000"))
        .with(Element::leaf("session_id", "default"))
        .with(Element::new("desc").with(Element::new("channels").with_all(channels)))
});

fuzz_target!(|text: &str| {
    if let Some(query) = Query::parse(text) {
        let _ = query.matches(&INFO);
    }
});
