//! The parsers of network data, for the fuzz targets only.

use std::net::Ipv4Addr;

use crate::{
    ChannelFormat, FoundStream,
    codec::{self, ByteOrder},
    inlet::read_answer,
    outlet::ReceiverRequest,
    server::time_answer,
};

/// The short information of a stream, or a request for the time.
pub fn datagram(text: &str) {
    let _ = FoundStream::parse(text, Ipv4Addr::LOCALHOST);
    let _ = time_answer(text, 1.0);
}

/// A receiver's request to an outlet.
pub async fn request(mut bytes: &[u8]) {
    let _ = ReceiverRequest::read(&mut bytes).await;
}

/// An outlet's answer, followed by its samples in a format.
pub async fn answer(mut bytes: &[u8], format: usize, channels: usize) {
    let format = ChannelFormat::ALL[format % ChannelFormat::ALL.len()];
    let Ok(order) = read_answer(&mut bytes).await else { return };
    let _ = codec::read_patterns(&mut bytes, order, format, channels).await;
    samples(bytes, order, format, channels).await;
}

async fn samples(mut bytes: &[u8], order: ByteOrder, format: ChannelFormat, channels: usize) {
    while codec::read(&mut bytes, order, format, channels).await.is_ok() {}
}
