//! Outlets and inlets against each other and against arbitrary requests, over loopback and on ports
//! of their own.

#![expect(clippy::unwrap_used, reason = "a test fails aloud")]

use std::{
    net::{SocketAddr, UdpSocket as StdUdpSocket},
    time::Duration,
};

use cortop_lsl::{
    ChannelFormat, ChannelValues, Element, Inlet, InletEvent, Network, Outlet, Server, StreamInfo,
    local_clock, resolve,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpStream, UdpSocket},
    time::timeout,
};

/// A network of its own for each test; its ports are currently free.
fn network() -> Network {
    let port = || {
        let socket = StdUdpSocket::bind(("127.0.0.1", 0)).unwrap();
        socket.local_addr().unwrap().port()
    };
    let base = port().clamp(1024, 65_000);
    Network { discovery_port: port(), ports: base..=base + 8, ..Network::loopback() }
}

fn info(name: &str, format: ChannelFormat, channels: usize, nominal_rate: f64) -> StreamInfo {
    StreamInfo {
        name: name.to_owned(),
        content: if format == ChannelFormat::String { "Markers" } else { "EEG" }.to_owned(),
        channels,
        nominal_rate,
        format,
        source_id: format!("source of {name}"),
        description: Element::new("desc").with(Element::leaf("manufacturer", "EMOTIV")),
    }
}

/// The result of a future within ten seconds.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(10), future).await.unwrap()
}

async fn until(mut condition: impl FnMut() -> bool) {
    soon(async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
}

async fn next(inlet: &mut Inlet) -> InletEvent {
    soon(inlet.events.recv()).await.unwrap()
}

async fn connected(inlet: &mut Inlet) {
    let event = next(inlet).await;
    assert!(matches!(event, InletEvent::Connected(_)), "{event:?}");
}

async fn found(network: &Network, query: &str) -> Vec<String> {
    let found = resolve(network, query, Duration::from_millis(300), 99).await.unwrap();
    let mut names: Vec<_> = found.into_iter().map(|stream| stream.info.name).collect();
    names.sort();
    names
}

#[tokio::test]
async fn streams_are_found_by_queries_until_they_end() {
    let network = network();
    let server = Server::start(network.clone()).unwrap();
    let eeg = Outlet::new(&server, info("a", ChannelFormat::Float32, 14, 128.0)).unwrap();
    let markers = Outlet::new(&server, info("b", ChannelFormat::String, 1, 0.0)).unwrap();
    assert_eq!(found(&network, "session_id='default'").await, ["a", "b"]);
    assert_eq!(found(&network, "type='EEG' and nominal_srate > 100").await, ["a"]);
    assert_eq!(found(&network, "desc/manufacturer='EMOTIV' and channel_count=1").await, ["b"]);
    assert!(found(&network, "((((").await.is_empty());
    eeg.describe(Element::new("desc").with(Element::leaf("manufacturer", "another")));
    assert_eq!(found(&network, "desc/manufacturer='EMOTIV'").await, ["b"]);
    drop(markers);
    assert_eq!(found(&network, "").await, ["a"]);
}

#[tokio::test]
async fn numbers_arrive_with_their_stamps() {
    for format in
        [ChannelFormat::Float32, ChannelFormat::Double64, ChannelFormat::Int32, ChannelFormat::Int8]
    {
        let network = network();
        let server = Server::start(network.clone()).unwrap();
        let outlet = Outlet::new(&server, info("n", format, 3, 256.0)).unwrap();
        let mut inlet = Inlet::spawn(network, "name='n'".to_owned(), 1000);
        connected(&mut inlet).await;
        let start = local_clock();
        for at in 0..100_u8 {
            let number = f64::from(at);
            outlet.push(start + number / 256.0, &[number, -number, 7.0]).unwrap();
        }
        outlet.flush();
        for at in 0..100_u8 {
            let InletEvent::Sample { time, values, uncertainty } = next(&mut inlet).await else {
                panic!("no sample");
            };
            let number = f64::from(at);
            assert_eq!(values, ChannelValues::Numbers(vec![number, -number, 7.0]), "{format}");
            let off = (time - start - number / 256.0).abs();
            assert!(off <= uncertainty + 1e-6 && uncertainty < 0.02, "{off} {uncertainty}");
        }
        assert!(outlet.push(0.0, &[1.0]).is_err() && outlet.push_texts(0.0, &["x"]).is_err());
        assert_eq!((outlet.receivers(), outlet.dropped()), (1, 0));
        drop(inlet);
        until(|| outlet.receivers() == 0).await;
    }
}

#[tokio::test]
async fn a_restart_of_either_side_is_recovered() {
    let network = network();
    let server = Server::start(network.clone()).unwrap();
    let outlet = Outlet::new(&server, info("m", ChannelFormat::String, 1, 0.0)).unwrap();
    let mut inlet = Inlet::spawn(network.clone(), "type='Markers'".to_owned(), 1000);
    connected(&mut inlet).await;
    // Another stream of the same type appears: the inlet stays with its source.
    let other = Outlet::new(&server, info("other", ChannelFormat::String, 1, 0.0)).unwrap();
    drop((outlet, server));
    let InletEvent::Lost(why) = next(&mut inlet).await else { panic!("still there") };
    assert!(!why.is_empty());
    let server = Server::start(network.clone()).unwrap();
    let outlet = Outlet::new(&server, info("m", ChannelFormat::String, 1, 0.0)).unwrap();
    connected(&mut inlet).await;
    outlet.push_texts(local_clock(), &["again µ"]).unwrap();
    outlet.flush();
    let event = next(&mut inlet).await;
    let InletEvent::Sample { values, .. } = event else { panic!("{event:?}") };
    assert_eq!(values, ChannelValues::Texts(vec!["again µ".to_owned()]));
    assert_eq!(other.receivers(), 0);
    drop(inlet);
    until(|| outlet.receivers() == 0).await;
    let mut inlet = Inlet::spawn(network, "name='m'".to_owned(), 1000);
    connected(&mut inlet).await;
}

/// The address of a stream's data.
async fn data(network: &Network) -> (SocketAddr, String) {
    let found = resolve(network, "", Duration::from_secs(2), 1).await.unwrap().remove(0);
    (SocketAddr::from((found.address, found.outlet.data_port)), found.outlet.uid)
}

/// Sends a request. Returns the whole answer until the connection is closed.
async fn ask(to: SocketAddr, request: &str) -> Vec<u8> {
    let mut socket = TcpStream::connect(to).await.unwrap();
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    soon(socket.read_to_end(&mut answer)).await.unwrap();
    answer
}

#[tokio::test]
async fn requests_over_tcp_are_answered() {
    let network = network();
    let server = Server::start(network.clone()).unwrap();
    let _outlet = Outlet::new(&server, info("t", ChannelFormat::Int16, 2, 128.0)).unwrap();
    let (to, uid) = data(&network).await;
    let text = async |request: &str| String::from_utf8(ask(to, request).await).unwrap();
    let full = text("LSL:fullinfo\r\n").await;
    assert!(full.contains("<manufacturer>EMOTIV</manufacturer>"), "{full}");
    let short = text("LSL:shortinfo\r\nname='t'\r\n").await;
    assert!(short.contains("<name>t</name>") && !short.contains("EMOTIV"), "{short}");
    assert_eq!(text("LSL:shortinfo\r\nname='u'\r\n").await, "");
    for (request, status) in [
        ("LSL:streamfeed/110 another\r\n\r\n".to_owned(), "404"),
        (format!("LSL:streamfeed/200 {uid}\r\n\r\n"), "505"),
        (format!("LSL:streamfeed/110 {uid}\r\nValue-Size: 4\r\n\r\n"), "501"),
        (format!("LSL:streamfeed/110 {uid}\r\nData-Protocol-Version: 100\r\n\r\n"), "501"),
    ] {
        let answer = text(&request).await;
        assert!(answer.starts_with(&format!("LSL/110 {status} ")), "{answer}");
    }
    for request in ["LSL:streamfeed\r\n", "GET / HTTP/1.1\r\n\r\n", "LSL:streamfeed/x\r\n\r\n"] {
        assert_eq!(text(request).await, "", "{request}");
    }
    // The test samples in the byte order of the receiver, and nothing else.
    let request = format!(
        "LSL:streamfeed/110 {uid}\r\nNative-Byte-Order: 4321\r\nMax-Buffer-Length: 0\r\n\r\n"
    );
    let answer = ask(to, &request).await;
    let head = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap() + 4;
    let head_text = String::from_utf8_lossy(&answer[..head]);
    assert!(head_text.contains("Byte-Order: 4321\r\n") && head_text.contains(&uid), "{head_text}");
    let time = 123_456.789_f64.to_be_bytes();
    let sample = |first: i16, second: i16| {
        [&[2][..], &time, &first.to_be_bytes(), &second.to_be_bytes()].concat()
    };
    assert_eq!(answer[head..], [sample(261, -262), sample(259, -260)].concat());
    // An endless request is not read without limit.
    let endless = format!("LSL:shortinfo\r\n{}", "x".repeat(20_000));
    assert_eq!(text(&endless).await, "");
}

#[tokio::test]
async fn a_receiver_that_does_not_read_costs_the_others_nothing() {
    let network = network();
    let server = Server::start(network.clone()).unwrap();
    let outlet = Outlet::new(&server, info("s", ChannelFormat::Double64, 64, 256.0)).unwrap();
    let (to, uid) = data(&network).await;
    let mut stalled = TcpStream::connect(to).await.unwrap();
    let request = format!("LSL:streamfeed/110 {uid}\r\nMax-Buffer-Length: 500\r\n\r\n");
    stalled.write_all(request.as_bytes()).await.unwrap();
    let mut inlet = Inlet::spawn(network, "name='s'".to_owned(), 100);
    connected(&mut inlet).await;
    until(|| outlet.receivers() == 2).await;
    let (mut sent, mut received) = (0_u32, 0_u32);
    while outlet.dropped() == 0 {
        for _ in 0..200 {
            outlet.push(f64::from(sent), &[f64::from(sent); 64]).unwrap();
            sent += 1;
        }
        outlet.flush();
        while received < sent {
            let InletEvent::Sample { values, .. } = next(&mut inlet).await else {
                panic!("lost");
            };
            assert_eq!(values, ChannelValues::Numbers(vec![f64::from(received); 64]));
            received += 1;
        }
    }
    assert!(sent > 500);
}

#[tokio::test]
async fn the_time_is_told_and_hostile_requests_are_not_answered() {
    let network = network();
    let server = Server::start(network.clone()).unwrap();
    let _outlet = Outlet::new(&server, info("c", ChannelFormat::Int16, 2, 128.0)).unwrap();
    let outlet = resolve(&network, "", Duration::from_secs(2), 1).await.unwrap().remove(0).outlet;
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.connect(("127.0.0.1", outlet.service_port)).await.unwrap();
    for request in [
        "",
        "LSL:timedata\r\n",
        "LSL:timedata\r\nx y\r\n",
        "LSL:shortinfo\r\n\r\n0 1\r\n",
        "LSL:shortinfo\r\nname='\r\n1 1\r\n",
        "\u{1}\u{2}",
    ] {
        socket.send(request.as_bytes()).await.unwrap();
    }
    socket.send(&[0xff; 9000]).await.unwrap();
    let before = local_clock();
    socket.send(b"LSL:timedata\r\n77 12.5\r\n").await.unwrap();
    let mut buffer = [0; 200];
    let length = soon(socket.recv(&mut buffer)).await.unwrap();
    let answer = std::str::from_utf8(&buffer[..length]).unwrap();
    let numbers: Vec<f64> = answer.split_whitespace().map(|text| text.parse().unwrap()).collect();
    assert_eq!(numbers[..2], [77.0, 12.5]);
    assert!(before <= numbers[2] && numbers[2] <= numbers[3], "{answer}");
    assert!(numbers[3] <= local_clock() + 1e-6, "{answer}");
}
