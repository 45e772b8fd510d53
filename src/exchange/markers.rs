//! Markers from other programs: an LSL stream, and lines `LABEL [VALUE]` over UDP and TCP. The senders are
//! not trusted: line length, connections and markers per second are bounded.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use cortop_client::{
    Moment,
    marker::{MarkerText, MarkerValue},
    sanitize::{clean, floor_char_boundary, is_harmful},
};
use cortop_lsl::{ChannelValues, Inlet, InletEvent, Network, local_clock};
use tokio::{
    io::AsyncReadExt as _,
    net::{TcpListener, TcpStream, UdpSocket},
    sync::mpsc,
    task::JoinSet,
    time::{Instant, sleep},
};

use super::marker_losses::{
    LONGEST_LINE, LONGEST_TEXT, MOST_A_SECOND, MOST_CONNECTIONS, MarkerLoss, MarkerLosses,
};

/// Maximum bytes of a datagram, so that none is cut.
const LONGEST_DATAGRAM: usize = 1 << 16;

/// Maximum number of queued markers.
const QUEUE: usize = 64;

/// A timestamp that differs from now by more than this many seconds is not trusted.
const OLDEST: f64 = 10.0;
const YOUNGEST: f64 = 0.25;

/// The sources of markers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarkerSources {
    /// Name or type of an LSL stream.
    pub lsl: Option<String>,
    /// The interface on which LSL streams are searched for.
    pub interface: Ipv4Addr,
    /// The address for lines over UDP.
    pub udp: Option<SocketAddr>,
    /// The address for lines over TCP.
    pub tcp: Option<SocketAddr>,
}

/// Receives markers of other programs, and knows which were not taken.
#[derive(Debug)]
pub struct MarkerReceiver {
    markers: mpsc::Receiver<OutsideMarker>,
    /// What was not taken.
    pub losses: Arc<MarkerLosses>,
}

impl MarkerReceiver {
    /// The next marker; `None` once no source is left. Cancel safe.
    pub async fn recv(&mut self) -> Option<OutsideMarker> {
        self.markers.recv().await
    }
}

/// A marker set by another program.
#[derive(Clone, Debug, PartialEq)]
pub struct OutsideMarker {
    /// Its label.
    pub label: String,
    /// Its value; the label again if it has none.
    pub value: MarkerValue,
    /// When it was set: its own timestamp, or its arrival.
    pub at: Moment,
}

impl OutsideMarker {
    /// Parses a line: the label up to the first space, then the value. Also returns whether one of them was
    /// cut. A line that is not text is no marker: it would stay in the record for good.
    fn from_line(line: &str, at: Moment) -> Option<(Self, bool)> {
        let line = line.trim();
        let is_foreign =
            |char| char != '\t' && (is_harmful(char) || char == char::REPLACEMENT_CHARACTER);
        if line.contains(is_foreign) {
            return None;
        }
        let (label, value) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let value = value.trim();
        Self::from_texts(label, if value.is_empty() { label } else { value }, at)
    }

    /// A marker with bounded texts, and whether one of them was cut; `None` without a label.
    fn from_texts(label: &str, value: &str, at: Moment) -> Option<(Self, bool)> {
        let ((label, is_label_cut), (text, is_value_cut)) = (bounded(label), bounded(value));
        let value = text.parse().map_or(MarkerValue::Text(text), MarkerValue::Number);
        (!label.is_empty()).then_some((Self { label, value, at }, is_label_cut || is_value_cut))
    }

    /// A marker with bounded texts; `None` without a label.
    pub(crate) fn new(label: &str, value: &str, at: Moment) -> Option<Self> {
        Self::from_texts(label, value, at).map(|(marker, _)| marker)
    }

    /// Its text, formatted like that of Cortex's markers.
    #[must_use]
    pub fn text(&self) -> MarkerText {
        MarkerText { label: self.label.clone(), value: self.value.clone() }
    }
}

/// As much of a text as a marker has room for, and whether that is not all of it.
fn bounded(text: &str) -> (String, bool) {
    let mut text = clean(text.trim());
    let whole = text.len();
    text.truncate(floor_char_boundary(&text, LONGEST_TEXT));
    let is_cut = text.len() < whole;
    (text, is_cut)
}

impl MarkerSources {
    /// Whether there are no sources.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.lsl.is_none() && self.udp.is_none() && self.tcp.is_none()
    }

    /// Whether programs on other machines can set markers.
    #[must_use]
    pub fn are_open(&self) -> bool {
        let lines = [self.udp, self.tcp].into_iter().flatten();
        (self.lsl.is_some() && !self.interface.is_loopback())
            || lines.map(|address| address.ip()).any(|ip| !IpAddr::is_loopback(&ip))
    }

    /// Receives markers on the current runtime until the receiver is dropped.
    ///
    /// # Errors
    /// A port is not available, or the stream's name cannot be queried; the text says what to do.
    pub async fn listen(self) -> io::Result<MarkerReceiver> {
        let (sender, markers) = mpsc::channel(QUEUE);
        let losses = Arc::<MarkerLosses>::default();
        let inbox = Inbox { sender, budget: Arc::default(), losses: Arc::clone(&losses) };
        if let Some(name) = &self.lsl {
            let query = query(name).ok_or_else(|| {
                io::Error::other(format!("no LSL stream can be called {name}: it has both quotes"))
            })?;
            tokio::spawn(receive_lsl(Network::on(self.interface), query, inbox.clone()));
        }
        if let Some(address) = self.udp {
            let socket = UdpSocket::bind(address).await.map_err(|error| taken(address, &error))?;
            tokio::spawn(receive_udp(socket, inbox.clone()));
        }
        if let Some(address) = self.tcp {
            let listener =
                TcpListener::bind(address).await.map_err(|error| taken(address, &error))?;
            tokio::spawn(receive_tcp(listener, inbox));
        }
        Ok(MarkerReceiver { markers, losses })
    }
}

fn taken(address: SocketAddr, error: &io::Error) -> io::Error {
    let text = format!("no markers can be received at {address} ({error}): choose another port");
    io::Error::new(error.kind(), text)
}

/// A query for a stream by name or type that excludes our own.
fn query(name: &str) -> Option<String> {
    let quote = ['\'', '"'].into_iter().find(|&quote| !name.contains(quote))?;
    let name = format!("{quote}{name}{quote}");
    Some(format!(
        "session_id='default' and (name={name} or type={name}) and \
         not(starts-with(source_id,'cortop:'))"
    ))
}

/// Takes markers up to the maximum per second.
#[derive(Clone, Debug)]
struct Inbox {
    sender: mpsc::Sender<OutsideMarker>,
    /// When the current second began, and how many markers arrived in it.
    budget: Arc<Mutex<Option<(Instant, u32)>>>,
    losses: Arc<MarkerLosses>,
}

impl Inbox {
    /// Takes a line; `None` is one that was too long.
    fn put_line(&self, line: Option<&str>, at: Moment) {
        let Some(line) = line else { return self.losses.count(MarkerLoss::TooLong) };
        match OutsideMarker::from_line(line, at) {
            Some((marker, is_cut)) => self.put(marker, is_cut),
            None if line.trim().is_empty() => {}
            None => self.losses.count(MarkerLoss::NoText),
        }
    }

    fn put(&self, marker: OutsideMarker, is_cut: bool) {
        let is_within = {
            let mut budget = self.budget.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            let second = Duration::from_secs(1);
            let (since, count) =
                budget.filter(|(since, _)| now.duration_since(*since) < second).unwrap_or((now, 0));
            *budget = Some((since, count.saturating_add(1)));
            count < MOST_A_SECOND
        };
        if !is_within {
            self.losses.count(MarkerLoss::TooMany);
        } else if self.sender.try_send(marker).is_ok() {
            if is_cut {
                self.losses.count(MarkerLoss::Cut);
            }
        } else if !self.sender.is_closed() {
            self.losses.count(MarkerLoss::Busy);
        }
    }
}

async fn receive_lsl(network: Network, query: String, inbox: Inbox) {
    let mut inlet = Inlet::spawn(network, query, QUEUE);
    loop {
        let event = tokio::select! {
            event = inlet.events.recv() => event,
            () = inbox.sender.closed() => None,
        };
        match event {
            Some(InletEvent::Sample { time, values, .. }) => {
                let text = match values {
                    ChannelValues::Texts(texts) => texts.join(" "),
                    ChannelValues::Numbers(numbers) => {
                        let texts: Vec<_> = numbers.iter().map(f64::to_string).collect();
                        texts.join(" ")
                    }
                };
                match OutsideMarker::from_texts(&text, &text, moment(time)) {
                    Some((marker, is_cut)) => inbox.put(marker, is_cut),
                    None => inbox.losses.count(MarkerLoss::NoText),
                }
            }
            Some(InletEvent::Connected(stream)) => {
                tracing::info!(
                    "markers come from the LSL stream {} on {}",
                    clean(&stream.info.name),
                    clean(&stream.outlet.host)
                );
            }
            Some(InletEvent::Lost(why)) => {
                tracing::warn!(
                    "the LSL stream of markers is lost, and looked for: {}",
                    clean(&why)
                );
            }
            None => return,
        }
    }
}

/// The moment of an LSL time on this machine's clock; now if it is implausible.
fn moment(time: f64) -> Moment {
    let now = Moment::now();
    let ago = local_clock() - time;
    if !(-YOUNGEST..=OLDEST).contains(&ago) {
        return now;
    }
    let ago = Duration::try_from_secs_f64(ago).unwrap_or_default();
    Moment {
        wall: now.wall.saturating_sub(ago).unwrap_or(now.wall),
        instant: now.instant.checked_sub(ago).unwrap_or(now.instant),
    }
}

/// Each datagram contains lines; the last one needs no line end.
async fn receive_udp(socket: UdpSocket, inbox: Inbox) {
    let mut buffer = vec![0; LONGEST_DATAGRAM];
    loop {
        let received = tokio::select! {
            received = socket.recv_from(&mut buffer) => received,
            () = inbox.sender.closed() => return,
        };
        // An error refers to an earlier reply, and we send none.
        let Ok((length, _)) = received else { continue };
        let at = Moment::now();
        let mut lines = Lines::default();
        lines.take(&buffer[..length], |line| inbox.put_line(line, at));
        lines.take(b"\n", |line| inbox.put_line(line, at));
    }
}

async fn receive_tcp(listener: TcpListener, inbox: Inbox) {
    // Dropped with this task, together with all connections.
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = inbox.sender.closed() => return,
        };
        while connections.try_join_next().is_some() {}
        match accepted {
            Ok((socket, _)) if connections.len() < MOST_CONNECTIONS => {
                connections.spawn(receive_lines(socket, inbox.clone()));
            }
            Ok(_) => inbox.losses.count(MarkerLoss::Connection),
            Err(error) => {
                tracing::debug!("a connection was not accepted: {error}");
                sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn receive_lines(mut socket: TcpStream, inbox: Inbox) {
    let mut lines = Lines::default();
    let mut buffer = [0; LONGEST_LINE];
    while let Ok(length @ 1..) = socket.read(&mut buffer).await {
        let at = Moment::now();
        lines.take(&buffer[..length], |line| inbox.put_line(line, at));
    }
    let at = Moment::now();
    lines.take(b"\n", |line| inbox.put_line(line, at));
}

/// Assembles lines from received pieces.
#[derive(Debug, Default)]
struct Lines {
    begun: Vec<u8>,
    /// Whether the current line is too long, and skipped.
    too_long: bool,
}

impl Lines {
    /// Calls `line` with each line as it ends; `None` for one that was too long.
    fn take(&mut self, bytes: &[u8], mut line: impl FnMut(Option<&str>)) {
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            let (text, is_whole) = match piece.strip_suffix(b"\n") {
                Some(text) => (text, true),
                None => (piece, false),
            };
            self.too_long |= self.begun.len() + text.len() > LONGEST_LINE;
            if !self.too_long {
                self.begun.extend_from_slice(text);
            }
            if is_whole {
                let whole = String::from_utf8_lossy(&self.begun);
                line(Some(&*whole).filter(|_| !self.too_long));
                self.too_long = false;
                self.begun.clear();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use cortop_lsl::{ChannelFormat, Element, Outlet, Server, StreamInfo};
    use tokio::{io::AsyncWriteExt as _, time::timeout};

    use super::*;

    fn marker(line: &str) -> Option<(String, MarkerValue)> {
        OutsideMarker::from_line(line, Moment::now()).map(|(own, _)| (own.label, own.value))
    }

    #[test]
    fn a_line_is_a_label_and_perhaps_a_value() {
        let text = |text: &str| MarkerValue::Text(text.to_owned());
        let own = |label: &str, value| Some((label.to_owned(), value));
        assert_eq!(marker("start"), own("start", text("start")));
        assert_eq!(marker("  stimulus 12 \r"), own("stimulus", MarkerValue::Number(12)));
        assert_eq!(marker("key left hand"), own("key", text("left hand")));
        assert_eq!(marker("7"), own("7", MarkerValue::Number(7)));
        assert_eq!(marker("key\t-1"), own("key", text("-1")));
        for line in ["a\u{1b}[2Jb -1", "a\u{fffd}", "\0", "\u{202e}a"] {
            assert_eq!(marker(line), None, "{line:?}");
        }
        assert_eq!(marker(" \t "), None);
        let long = marker(&"µ".repeat(400)).expect("a marker").0;
        assert_eq!(long.len(), LONGEST_TEXT);
        for (line, shown) in [("start", "start"), ("7", "7"), ("key 3", "key 3"), ("a b", "a b")] {
            let (marker, is_cut) = OutsideMarker::from_line(line, Moment::now()).expect("a marker");
            assert!(!is_cut);
            assert_eq!(marker.text().to_string(), shown);
        }
    }

    #[test]
    fn lines_come_in_pieces_and_one_too_long_is_left_out() {
        let (mut lines, mut seen) = (Lines::default(), Vec::new());
        let long = [vec![b'x'; 700], vec![b'x'; 700], b"\nafter\n".to_vec()];
        for piece in [&b"on"[..], b"e\ntwo\nth", b"ree\n", &long[0], &long[1], &long[2]] {
            lines.take(piece, |line| seen.push(line.unwrap_or("too long").to_owned()));
        }
        assert_eq!(seen, ["one", "two", "three", "too long", "after"]);
        assert!(lines.begun.is_empty() && !lines.too_long);
    }

    #[test]
    fn own_streams_are_not_looked_for() {
        let query = query("it's").expect("a query");
        assert!(query.contains("(name=\"it's\" or type=\"it's\") and not("));
        assert_eq!(super::query("'\""), None);
    }

    fn none() -> MarkerSources {
        MarkerSources { lsl: None, interface: Ipv4Addr::LOCALHOST, udp: None, tcp: None }
    }

    async fn next(markers: &mut MarkerReceiver) -> OutsideMarker {
        timeout(Duration::from_secs(10), markers.recv()).await.expect("soon").expect("one")
    }

    /// A loopback port that is free now.
    fn free() -> SocketAddr {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("a socket");
        socket.local_addr().expect("its address")
    }

    #[tokio::test]
    async fn lines_are_taken_over_udp_and_tcp_and_their_number_is_bounded() {
        let (udp, tcp) = (free(), free());
        let sources = MarkerSources { udp: Some(udp), tcp: Some(tcp), ..none() };
        assert!(!sources.is_empty() && !sources.are_open());
        let mut markers = sources.listen().await.expect("free ports");
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a socket");
        socket.send_to(b"one 1\ntwo", udp).await.expect("sent");
        let labels = [next(&mut markers).await.label, next(&mut markers).await.label];
        assert_eq!(labels, ["one", "two"]);
        let mut stream = TcpStream::connect(tcp).await.expect("connected");
        stream.write_all(b"thr").await.expect("sent");
        stream.write_all(b"ee\nfour").await.expect("sent");
        drop(stream);
        let labels = [next(&mut markers).await.label, next(&mut markers).await.label];
        assert_eq!(labels, ["three", "four"]);
        for _ in 0..20 {
            socket.send_to(&b"x\n".repeat(100), udp).await.expect("sent");
        }
        let mut count = 0_u64;
        while let Ok(Some(_)) = timeout(Duration::from_millis(300), markers.recv()).await {
            count += 1;
        }
        assert!((1..=QUEUE as u64).contains(&count), "{count}");
        let losses = &markers.losses;
        assert_eq!(losses.of(MarkerLoss::TooMany) + losses.of(MarkerLoss::Busy) + count, 2000);
        let taken = MarkerSources { udp: Some(udp), ..none() }.listen().await;
        assert!(taken.expect_err("taken").to_string().contains("choose another port"));
    }

    #[tokio::test]
    async fn what_is_not_taken_is_counted_by_its_cause() {
        let (udp, tcp) = (free(), free());
        let sources = MarkerSources { udp: Some(udp), tcp: Some(tcp), ..none() };
        let mut markers = sources.listen().await.expect("free ports");
        assert_eq!(markers.losses.total(), None);
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a socket");
        // A datagram with many lines is processed whole, even if some of them are invalid.
        let mut lines = vec![b'x'; LONGEST_LINE + 1];
        lines.extend(b"\n\n\xff\n");
        lines.extend([b'y'; LONGEST_TEXT + 1]);
        lines.extend(b" 7\nlast");
        socket.send_to(&lines, udp).await.expect("sent");
        assert_eq!(next(&mut markers).await.label, "y".repeat(LONGEST_TEXT));
        assert_eq!(next(&mut markers).await.label, "last");
        let mut stream = TcpStream::connect(tcp).await.expect("connected");
        stream.write_all(&[b'z'; 4000]).await.expect("sent");
        stream.write_all(b"\ntcp").await.expect("sent");
        drop(stream);
        assert_eq!(next(&mut markers).await.label, "tcp");
        assert_eq!(
            markers.losses.total().as_deref(),
            Some(
                "markers from outside that were not taken as sent: 2 lines too long, 1 lines without \
                 text, 1 cut"
            )
        );
    }

    #[tokio::test]
    async fn an_lsl_stream_is_taken_with_its_own_times() {
        let server = Server::start(Network::loopback()).expect("a server");
        let name = format!("markers of test {}", std::process::id());
        let outlet = Outlet::new(
            &server,
            StreamInfo {
                name: name.clone(),
                content: "Markers".to_owned(),
                channels: 1,
                nominal_rate: 0.0,
                format: ChannelFormat::String,
                source_id: name.clone(),
                description: Element::new("desc"),
            },
        )
        .expect("an outlet");
        let sources = MarkerSources { lsl: Some(name), ..none() };
        let mut markers = sources.listen().await.expect("a network");
        timeout(Duration::from_secs(20), async {
            while outlet.receivers() == 0 {
                sleep(Duration::from_millis(5)).await;
            }
        })
        .await
        .expect("found");
        let before = Instant::now();
        outlet.push_texts(local_clock() - 1.0, &["eyes closed"]).expect("one channel");
        outlet.flush();
        let marker = next(&mut markers).await;
        assert_eq!(marker.text().to_string(), "eyes closed");
        let ago = before.duration_since(marker.at.instant).as_secs_f64();
        assert!((0.9..1.1).contains(&ago), "{ago}");
        outlet.push_texts(local_clock() - 3600.0, &["old"]).expect("one channel");
        outlet.flush();
        assert!(next(&mut markers).await.at.instant >= before);
    }
}
