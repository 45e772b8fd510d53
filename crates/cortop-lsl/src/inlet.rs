//! An inlet: finds a stream, receives its samples with their times converted to the clock of this
//! machine, and finds the stream again after it was lost.

use std::{
    io,
    net::{SocketAddr, SocketAddrV4},
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpStream, UdpSocket},
    sync::mpsc,
    task::AbortHandle,
    time::{sleep, timeout, timeout_at},
};

use crate::{
    ChannelValues, FoundStream, Network, StreamInfo,
    clock::local_clock,
    codec::{self, ByteOrder, malformed},
    info::VERSION,
    resolve,
};

/// How long to wait for answers to a query, and the pause before the next one.
const WAVE: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(500);

/// How long a connection may take until its first samples.
const GREETING: Duration = Duration::from_secs(5);

/// How often the clocks are compared, and the number of probes each time with their interval.
const COMPARE_EVERY: Duration = Duration::from_secs(2);
const PROBES: usize = 6;
const PROBE_EVERY: Duration = Duration::from_millis(20);
/// An outlet that sends no time for this long is gone.
const SILENT: Duration = Duration::from_secs(15);

/// The longest answer to a request, in bytes.
const LONGEST_ANSWER: u64 = 16_384;

/// Receives a stream until it is dropped.
#[derive(Debug)]
pub struct Inlet {
    /// Its events. Samples wait in this queue, and once it is full, at their sender.
    pub events: mpsc::Receiver<InletEvent>,
    task: AbortHandle,
}

/// What an inlet reports.
#[derive(Clone, Debug, PartialEq)]
pub enum InletEvent {
    /// A stream is being received from now on.
    Connected(Box<FoundStream>),
    /// A sample.
    Sample {
        /// Its time by the clock of this machine ([`local_clock`]).
        time: f64,
        /// The uncertainty, in seconds, of the difference between the sender's clock and ours.
        uncertainty: f64,
        /// Its values.
        values: ChannelValues,
    },
    /// The stream was lost, with the reason; it is being looked for.
    Lost(String),
}

impl Inlet {
    /// Looks for the stream that a query matches, on the current runtime; up to `queue` samples may
    /// wait.
    #[must_use]
    pub fn spawn(network: Network, query: String, queue: usize) -> Self {
        let (sender, events) = mpsc::channel(queue.max(1));
        let task = tokio::spawn(async move {
            if let Err(error) = receive(&network, query, &sender).await {
                tracing::warn!("cannot look for LSL streams: {error}");
            }
        });
        Self { events, task: task.abort_handle() }
    }
}

impl Drop for Inlet {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Runs until nobody receives the events any more.
async fn receive(
    network: &Network,
    mut query: String,
    events: &mpsc::Sender<InletEvent>,
) -> io::Result<()> {
    loop {
        let found = resolve(network, &query, WAVE, 1).await?;
        if let Some(stream) = found.into_iter().next() {
            // Find the same source again, if it has an identity.
            if let Some(own) = source_query(&stream.info) {
                query = own;
            }
            let lost = receive_from(&stream, events).await;
            if events.is_closed() {
                return Ok(());
            }
            let why = lost.err().map_or_else(|| "it has ended".to_owned(), |why| why.to_string());
            let _ = events.send(InletEvent::Lost(why)).await;
        }
        if events.is_closed() {
            return Ok(());
        }
        sleep(PAUSE).await;
    }
}

/// The query that finds a stream again.
fn source_query(info: &StreamInfo) -> Option<String> {
    let quoted = |text: &str| match (text.contains('\''), text.contains('"')) {
        (false, _) => Some(format!("'{text}'")),
        (true, false) => Some(format!("\"{text}\"")),
        (true, true) => None,
    };
    if info.source_id.is_empty() {
        return None;
    }
    let (source, name) = (quoted(&info.source_id)?, quoted(&info.name)?);
    Some(format!("session_id='default' and name={name} and source_id={source}"))
}

/// The last measured difference between the sender's clock and ours.
#[derive(Debug, Default)]
struct Comparison {
    offset: AtomicU64,
    uncertainty: AtomicU64,
}

impl Comparison {
    fn set(&self, offset: f64, uncertainty: f64) {
        self.offset.store(offset.to_bits(), Ordering::Relaxed);
        self.uncertainty.store(uncertainty.to_bits(), Ordering::Relaxed);
    }

    fn get(&self) -> (f64, f64) {
        let read = |bits: &AtomicU64| f64::from_bits(bits.load(Ordering::Relaxed));
        (read(&self.offset), read(&self.uncertainty))
    }
}

/// Receives a stream until it ends.
async fn receive_from(stream: &FoundStream, events: &mpsc::Sender<InletEvent>) -> io::Result<()> {
    let (mut samples, order) = timeout(GREETING, connect(stream)).await??;
    let time = UdpSocket::bind(("0.0.0.0", 0)).await?;
    time.connect(SocketAddrV4::new(stream.address, stream.outlet.service_port)).await?;
    let comparison = Comparison::default();
    // Before the first sample is processed; it waits meanwhile.
    if let Some((offset, uncertainty)) = compare(&time).await? {
        comparison.set(offset, uncertainty);
    }
    let _ = events.send(InletEvent::Connected(Box::new(stream.clone()))).await;
    tokio::select! {
        ended = read_samples(&mut samples, order, stream, &comparison, events) => ended,
        ended = keep_comparing(&time, &comparison) => ended,
        () = events.closed() => Ok(()),
    }
}

async fn connect(stream: &FoundStream) -> io::Result<(BufReader<TcpStream>, ByteOrder)> {
    let address = SocketAddr::from((stream.address, stream.outlet.data_port));
    let socket = TcpStream::connect(address).await?;
    socket.set_nodelay(true)?;
    let mut socket = BufReader::new(socket);
    let StreamInfo { format, channels, .. } = stream.info;
    let request = format!(
        "LSL:streamfeed/{VERSION} {}\r\nNative-Byte-Order: 1234\r\nEndian-Performance: 0\r\n\
         Has-IEEE754-Floats: 1\r\nSupports-Subnormals: 1\r\nValue-Size: {}\r\n\
         Data-Protocol-Version: {VERSION}\r\nMax-Buffer-Length: 36000\r\nMax-Chunk-Length: 0\r\n\
         Hostname: {}\r\nSource-Id: {}\r\nSession-Id: {}\r\n\r\n",
        stream.outlet.uid,
        format.size().unwrap_or_default(),
        one_line(&stream.outlet.host),
        one_line(&stream.info.source_id),
        one_line(&stream.outlet.session),
    );
    socket.write_all(request.as_bytes()).await?;
    let order = read_answer(&mut socket).await?;
    codec::read_patterns(&mut socket, order, format, channels).await?;
    Ok((socket, order))
}

/// A text that cannot end a line of a request.
fn one_line(text: &str) -> String {
    text.replace(['\r', '\n'], " ")
}

/// Parses the answer to a request for samples. Returns their byte order.
pub(crate) async fn read_answer(from: &mut (impl AsyncBufRead + Unpin)) -> io::Result<ByteOrder> {
    let mut left = from.take(LONGEST_ANSWER);
    let mut order = ByteOrder::Little;
    let mut is_first = true;
    loop {
        let mut line = String::new();
        left.read_line(&mut line).await?;
        if !line.ends_with('\n') {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let line = line.trim();
        if std::mem::take(&mut is_first) {
            let mut words = line.splitn(3, ' ');
            let (version, status) = (words.next().unwrap_or_default(), words.next());
            if !version.starts_with("LSL/1") || status != Some("200") {
                return Err(malformed(&format!("it answers {}", line.escape_default())));
            }
            continue;
        }
        let Some((name, value)) = line.split_once(':') else {
            return if line.is_empty() {
                Ok(order)
            } else {
                Err(malformed("its answer is malformed"))
            };
        };
        match (name.trim().to_ascii_lowercase().as_str(), value.trim()) {
            ("byte-order", "4321") => order = ByteOrder::Big,
            ("data-protocol-version", version) if version != "110" => {
                return Err(malformed("it sends an older form of samples"));
            }
            _ => {}
        }
    }
}

async fn read_samples(
    from: &mut BufReader<TcpStream>,
    order: ByteOrder,
    stream: &FoundStream,
    comparison: &Comparison,
    events: &mpsc::Sender<InletEvent>,
) -> io::Result<()> {
    let StreamInfo { format, channels, nominal_rate, .. } = stream.info;
    let step = if nominal_rate > 0.0 { 1.0 / nominal_rate } else { 0.0 };
    let mut last = local_clock();
    loop {
        let (time, values) = codec::read(from, order, format, channels).await?;
        last = time.filter(|time| time.is_finite()).unwrap_or(last + step);
        let (offset, uncertainty) = comparison.get();
        let sample = InletEvent::Sample { time: last - offset, uncertainty, values };
        if events.send(sample).await.is_err() {
            return Ok(());
        }
    }
}

/// Compares the clocks repeatedly, until the other side has been silent for long.
async fn keep_comparing(time: &UdpSocket, comparison: &Comparison) -> io::Result<()> {
    let mut answered = Instant::now();
    while answered.elapsed() < SILENT {
        sleep(COMPARE_EVERY).await;
        if let Some((offset, uncertainty)) = compare(time).await? {
            comparison.set(offset, uncertainty);
            answered = Instant::now();
        }
    }
    Err(io::Error::new(io::ErrorKind::TimedOut, "it does not answer any more"))
}

/// By how many seconds the other clock is ahead, and the uncertainty of that; `None` if nobody
/// answers.
async fn compare(time: &UdpSocket) -> io::Result<Option<(f64, f64)>> {
    let wave = i64::from(uuid::Uuid::new_v4().as_fields().0 >> 1);
    let mut best: Option<(f64, f64)> = None;
    let mut buffer = [0; 256];
    for _ in 0..PROBES {
        let request = format!("LSL:timedata\r\n{wave} {:.9}\r\n", local_clock());
        if time.send(request.as_bytes()).await.is_err() {
            sleep(PROBE_EVERY).await;
            continue;
        }
        let until = (Instant::now() + PROBE_EVERY).into();
        while let Ok(received) = timeout_at(until, time.recv(&mut buffer)).await {
            let now = local_clock();
            let Ok(length) = received else { break };
            let text = std::str::from_utf8(&buffer[..length]).unwrap_or_default();
            let numbers: Vec<f64> =
                text.split_whitespace().filter_map(|number| number.parse().ok()).collect();
            // What was sent, when it arrived there, when the answer left.
            let [own, sent, came, left] = numbers[..] else { continue };
            if (own - wave as f64).abs() > 0.5 {
                continue;
            }
            let round_trip = (now - sent) - (left - came);
            let offset = f64::midpoint(came - sent, left - now);
            if round_trip.is_finite() && best.is_none_or(|(_, best)| round_trip < best) {
                best = Some((offset, round_trip));
            }
        }
        tokio::time::sleep_until(until).await;
    }
    Ok(best.map(|(offset, round_trip)| (offset, round_trip.max(0.0) / 2.0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ChannelFormat, Element};

    #[test]
    fn a_source_is_found_again_by_its_id() {
        let mut info = StreamInfo {
            name: "a".to_owned(),
            content: "Markers".to_owned(),
            channels: 1,
            nominal_rate: 0.0,
            format: ChannelFormat::String,
            source_id: "it's".to_owned(),
            description: Element::new("desc"),
        };
        let query = source_query(&info).unwrap();
        assert_eq!(query, "session_id='default' and name='a' and source_id=\"it's\"");
        info.source_id.push('"');
        assert_eq!(source_query(&info), None);
    }
}
