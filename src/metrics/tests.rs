use std::time::Duration;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::Instant,
};

use super::*;
use cortop_client::{
    ClockOffset, ConnectionStep, Feed, Headset, Link, RecordEvent, Security, Session, Stream,
    Subscription,
};
use cortop_signal::{View, decoder::Decoder};

fn metrics(snapshot: Snapshot) -> Metrics {
    let (_, snapshots) = watch::channel(Arc::new(snapshot));
    Metrics::new(snapshots)
}

fn headset(id: &str) -> Headset {
    Headset { id: id.into(), connected_by: "a\"b\\\n".into(), ..Headset::default() }
}

#[test]
fn it_exports_what_client_and_decoder_know() {
    let start = Instant::now();
    let subscription = Subscription {
        session: "s".into(),
        headset: "EPOCX-1".into(),
        stream: Stream::Eeg,
        columns: cortop_client::Columns::default(),
        nominal_rate: Some(128.0),
    };
    let mut decoder = Decoder::new(View::default(), 1 << 20);
    decoder.push(Feed::Subscribed(Arc::new(subscription)), start);
    let now = Moment { wall: jiff::Timestamp::UNIX_EPOCH, instant: start + Duration::from_secs(5) };
    let metrics = metrics(Snapshot { dropped: 7, ..decoder.snapshot(now.instant) });
    let step = ConnectionStep::Streaming;
    metrics.on_event(&Event::Link(Link::Up { security: Security::Verified, step }));
    metrics.on_event(&Event::Headsets(vec![headset("EPOCX-1")]));
    let clock = ClockOffset { offset: -0.25, uncertainty: 0.01 };
    metrics.on_event(&Event::Clock { headset: "EPOCX-1".into(), clock });
    metrics.on_event(&Event::Session(Session { id: "s".into(), ..Session::default() }));
    metrics.on_event(&Event::Record(RecordEvent::Started {
        session: "s".into(),
        record: cortop_client::Record::default(),
        foreign: false,
    }));
    let text = metrics.text(now);
    for line in [
        "# TYPE cortop_dropped_samples counter",
        "cortop_dropped_samples_total 7",
        "# UNIT cortop_clock_offset_seconds seconds",
        "cortop_clock_offset_seconds{headset=\"EPOCX-1\"} -0.25",
        "cortop_connected 1",
        "cortop_records_running 1",
        "cortop_headset_connected{headset=\"EPOCX-1\"} 0",
        "cortop_stream_stale{headset=\"EPOCX-1\",stream=\"eeg\"} 1",
        "cortop_stream_samples_total{headset=\"EPOCX-1\",stream=\"eeg\"} 0",
        "cortop_stream_nominal_rate_hertz{headset=\"EPOCX-1\",stream=\"eeg\"} 128",
    ] {
        assert!(text.lines().any(|own| own == line), "no {line} in\n{text}");
    }
    let info = text.lines().find(|line| line.starts_with("cortop_headset_info")).expect("one");
    assert!(info.contains("connected_by=\"a\\\"b\\\\"), "{info}");
    assert!(!text.contains("cortop_stream_rate_hertz{"), "none was measured: {text}");
    assert!(text.ends_with("# EOF\n"));

    metrics.on_event(&Event::Link(Link::Connecting));
    let text = metrics.text(now);
    assert!(text.contains("cortop_connected 0\n") && !text.contains("cortop_headset_info{"));
}

/// The response to what was sent.
async fn exchange(address: std::net::SocketAddr, sent: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.expect("connected");
    // The other end may have responded and closed already.
    let _ = stream.write_all(sent).await;
    let _ = stream.shutdown().await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).expect("UTF-8")
}

#[tokio::test]
async fn it_answers_gets_and_nothing_can_hold_it_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let serving = metrics(Snapshot::default()).serve(listener);
    // Silent connections do not block others.
    let mut silent = Vec::new();
    for _ in 0..8 {
        silent.push(TcpStream::connect(address).await.expect("connected"));
    }
    let got = exchange(address, b"GET /metrics?a=b HTTP/1.1\r\nHost: x\r\n\r\n").await;
    let (head, body) = got.split_once("\r\n\r\n").expect("a head");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(head.contains("application/openmetrics-text; version=1.0.0"), "{head}");
    assert!(head.contains(&format!("Content-Length: {}", body.len())), "{head}");
    assert!(body.ends_with("# EOF\n"), "{body}");
    for (sent, status) in [
        (&b"HEAD /metrics HTTP/1.0\r\n\r\n"[..], "200"),
        (b"GET / HTTP/1.1\r\n\r\n", "404"),
        (b"POST /metrics HTTP/1.1\r\nContent-Length: 0\r\n\r\n", "405"),
        (b"\xff\xfe\r\n\r\n", "400"),
        (b"GET /metrics\r\n\r\n", "400"),
        (b"GET /metrics HTTP/1.1\r\nA: b\r\n", "400"),
    ] {
        let got = exchange(address, sent).await;
        assert!(got.starts_with(&format!("HTTP/1.1 {status} ")), "{sent:?}: {got}");
    }
    let long = [b"GET /metrics HTTP/1.1\r\nA: ".as_slice(), &vec![b'x'; 1 << 20]].concat();
    let got = exchange(address, &long).await;
    assert!(got.is_empty() || got.starts_with("HTTP/1.1 400 "), "{got}");
    serving.abort();
}
