//! An outlet: one stream, served over TCP to any number of receivers, each with its own bounded
//! queue.

use std::{
    io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    task::{AbortHandle, JoinSet},
    time::{sleep, timeout},
};

use crate::{
    ChannelFormat, Element, Query, Server, StreamInfo,
    clock::local_clock,
    codec::{self, ByteOrder},
    info::{OutletInfo, SESSION, VERSION},
    published::Published,
    queue::Queue,
};

/// The longest request, in bytes.
const LONGEST_REQUEST: u64 = 16_384;
/// How long a request may take.
const REQUEST_TIME: Duration = Duration::from_secs(10);

/// The most connections to one outlet; further ones are closed at once.
const MOST_CONNECTIONS: usize = 64;

/// How many seconds of samples, or for irregular streams how many samples, may wait for one
/// receiver.
const MOST_SECONDS: f64 = 360.0;
const MOST_IRREGULAR: usize = 36_000;

/// Reads data from a receiver, up to a number of bytes.
type RequestReader = BufReader<tokio::io::Take<OwnedReadHalf>>;

/// A stream that receivers can find and read for as long as this value exists.
#[derive(Debug)]
pub struct Outlet {
    stream: Arc<OutletStream>,
    accepting: AbortHandle,
    _server: Server,
}

/// The number or type of a sample's values does not match its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a sample does not have the channels of its stream")]
pub struct WrongShape;

/// State shared by the outlet, its connections and the server.
#[derive(Debug)]
struct OutletStream {
    info: StreamInfo,
    outlet: OutletInfo,
    published: Arc<Published>,
    sending: Mutex<Sending>,
    dropped: AtomicU64,
}

#[derive(Debug, Default)]
struct Sending {
    receivers: Vec<Arc<Queue>>,
    /// The sample being pushed, in each byte order that a receiver wants.
    little: Vec<u8>,
    big: Vec<u8>,
}

impl Outlet {
    /// Opens a stream. May be called from any thread.
    ///
    /// # Errors
    /// There is no port left.
    pub fn new(server: &Server, info: StreamInfo) -> io::Result<Self> {
        let shared = server.shared();
        let listener = shared.network.bind_tcp()?;
        let outlet = OutletInfo {
            uid: uuid::Uuid::new_v4().to_string(),
            session: SESSION.to_owned(),
            host: shared.host.clone(),
            created_at: local_clock(),
            data_port: listener.local_addr()?.port(),
            service_port: shared.service_port,
        };
        let published = Arc::new(Published::new(&info, &outlet));
        shared.add(&published);
        let stream = Arc::new(OutletStream {
            info,
            outlet,
            published,
            sending: Mutex::default(),
            dropped: AtomicU64::default(),
        });
        let listener = {
            let _inside = shared.runtime.enter();
            TcpListener::from_std(listener)?
        };
        let accepting = shared.runtime.spawn(accept(listener, Arc::clone(&stream))).abort_handle();
        Ok(Self { stream, accepting, _server: server.clone() })
    }

    /// The stream that it serves.
    #[must_use]
    pub fn info(&self) -> &StreamInfo {
        &self.stream.info
    }

    /// Replaces the description for everybody who asks from now on.
    pub fn describe(&self, description: Element) {
        let info = StreamInfo { description, ..self.stream.info.clone() };
        self.stream.published.set(&info, &self.stream.outlet);
    }

    /// Adds a sample with its time to each receiver's queue, where it waits for [`Outlet::flush`].
    /// A receiver without room misses it, which is counted.
    ///
    /// Each sample carries its stamp: if receivers deduced it, a missing sample would shift all
    /// that follow.
    ///
    /// # Errors
    /// There is not exactly one number per channel.
    pub fn push(&self, time: f64, numbers: &[f64]) -> Result<(), WrongShape> {
        let StreamInfo { channels, format, .. } = self.stream.info;
        if numbers.len() != channels || format == ChannelFormat::String {
            return Err(WrongShape);
        }
        self.stream.push(time, |to, order| codec::write_numbers(to, order, format, numbers));
        Ok(())
    }

    /// Like [`push`](Self::push), for texts.
    ///
    /// # Errors
    /// There is not exactly one text per channel.
    pub fn push_texts(&self, time: f64, texts: &[&str]) -> Result<(), WrongShape> {
        if texts.len() != self.stream.info.channels
            || self.stream.info.format != ChannelFormat::String
        {
            return Err(WrongShape);
        }
        self.stream.push(time, |to, order| {
            for text in texts {
                codec::write_text(to, order, text);
            }
        });
        Ok(())
    }

    /// Sends the samples that are waiting.
    pub fn flush(&self) {
        self.stream.lock().receivers.iter().for_each(|queue| queue.flush());
    }

    /// The number of current receivers.
    #[must_use]
    pub fn receivers(&self) -> usize {
        self.stream.lock().receivers.len()
    }

    /// How many samples receivers have missed since the start because they were too slow.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.stream.dropped.load(Ordering::Relaxed)
    }
}

impl Drop for Outlet {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl OutletStream {
    fn lock(&self) -> MutexGuard<'_, Sending> {
        self.sending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, time: f64, write: impl Fn(&mut Vec<u8>, ByteOrder)) {
        let mut sending = self.lock();
        let Sending { receivers, little, big } = &mut *sending;
        for (order, buffer) in [(ByteOrder::Little, little), (ByteOrder::Big, big)] {
            let mut written = false;
            for queue in receivers.iter().filter(|queue| queue.order == order) {
                if !written {
                    buffer.clear();
                    codec::write_head(buffer, order, Some(time));
                    write(buffer, order);
                    written = true;
                }
                if !queue.push(buffer) {
                    self.dropped.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    }

    /// How many samples may wait for a receiver that asks for this many.
    fn capacity(&self, asked: usize) -> usize {
        let most = if self.info.nominal_rate > 0.0 {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded")]
            let samples = (self.info.nominal_rate * MOST_SECONDS).ceil() as usize;
            samples
        } else {
            MOST_IRREGULAR
        };
        asked.clamp(1, most.max(1))
    }
}

async fn accept(listener: TcpListener, stream: Arc<OutletStream>) {
    // Dropped with this task, and each connection with it.
    let mut connections = JoinSet::new();
    loop {
        match listener.accept().await {
            Ok((socket, peer)) => {
                while connections.try_join_next().is_some() {}
                if connections.len() >= MOST_CONNECTIONS {
                    tracing::debug!("refused {peer}: too many connections to {}", stream.info.name);
                    continue;
                }
                let stream = Arc::clone(&stream);
                connections.spawn(async move {
                    if let Err(error) = serve(socket, &stream).await {
                        tracing::debug!("{}: {peer}: {error}", stream.info.name);
                    }
                });
            }
            // For example, no file descriptor is left.
            Err(error) => {
                tracing::debug!("a connection was not accepted: {error}");
                sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// Serves one connection until it ends.
async fn serve(socket: TcpStream, stream: &OutletStream) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let (read, mut write) = socket.into_split();
    let mut read = BufReader::new(read.take(LONGEST_REQUEST));
    let request = timeout(REQUEST_TIME, ReceiverRequest::read(&mut read)).await??;
    match request {
        ReceiverRequest::ShortInfo(query) => {
            let information = stream.published.get();
            if Query::parse(&query).is_some_and(|query| query.matches(&information.element)) {
                write.write_all(information.short.as_bytes()).await?;
            }
            write.shutdown().await
        }
        ReceiverRequest::FullInfo => {
            write.write_all(stream.published.get().full.as_bytes()).await?;
            write.shutdown().await
        }
        ReceiverRequest::Feed(feed) => serve_feed(read, write, stream, &feed).await,
    }
}

/// Sends samples until the receiver disconnects.
async fn serve_feed(
    mut read: RequestReader,
    mut write: OwnedWriteHalf,
    stream: &OutletStream,
    request: &FeedRequest,
) -> io::Result<()> {
    let StreamInfo { format, channels, .. } = stream.info;
    if let Some(refusal) = request.refusal(stream) {
        write.write_all(format!("LSL/{VERSION} {refusal}\r\n\r\n").as_bytes()).await?;
        return write.shutdown().await;
    }
    let uid = &stream.outlet.uid;
    // The receiver's byte order, because it costs nothing here.
    let order = request.order;
    let mut buffer = format!(
        "LSL/{VERSION} 200 OK\r\nUID: {uid}\r\nByte-Order: {}\r\nSuppress-Subnormals: 0\r\n\
         Data-Protocol-Version: {VERSION}\r\n\r\n",
        order.name()
    )
    .into_bytes();
    codec::write_patterns(&mut buffer, order, format, channels);
    write.write_all(&buffer).await?;
    if request.buffered == 0 {
        return write.shutdown().await;
    }
    let queue = Arc::new(Queue::new(order, stream.capacity(request.buffered)));
    let _registered = Registered::new(stream, &queue);
    let mut ignored = [0; 256];
    loop {
        buffer.clear();
        tokio::select! {
            // The receiver has nothing more to say; if it does, that must not fill any buffer.
            read = read_on(&mut read, &mut ignored) => if read? == 0 { return Ok(()) },
            () = queue.take(&mut buffer) => write.write_all(&buffer).await?,
        }
    }
}

async fn read_on(read: &mut RequestReader, ignored: &mut [u8]) -> io::Result<usize> {
    read.get_mut().set_limit(LONGEST_REQUEST);
    read.read(ignored).await
}

/// A receiver's queue, registered with its stream until dropped.
struct Registered<'a> {
    stream: &'a OutletStream,
    queue: &'a Arc<Queue>,
}

impl<'a> Registered<'a> {
    fn new(stream: &'a OutletStream, queue: &'a Arc<Queue>) -> Self {
        stream.lock().receivers.push(Arc::clone(queue));
        Self { stream, queue }
    }
}

impl Drop for Registered<'_> {
    fn drop(&mut self) {
        self.stream.lock().receivers.retain(|queue| !Arc::ptr_eq(queue, self.queue));
    }
}

/// A receiver's request.
#[derive(Debug)]
pub(crate) enum ReceiverRequest {
    ShortInfo(String),
    FullInfo,
    Feed(FeedRequest),
}

/// How a receiver wants the samples.
#[derive(Debug)]
pub(crate) struct FeedRequest {
    version: u32,
    uid: String,
    order: ByteOrder,
    has_ieee_floats: bool,
    value_size: Option<usize>,
    /// How many samples may wait for it; 0 if it wants only the test samples.
    buffered: usize,
}

impl ReceiverRequest {
    pub(crate) async fn read(from: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Self> {
        let method = line(from).await?;
        let mut words = method.split_whitespace();
        match words.next().unwrap_or_default() {
            "LSL:shortinfo" => Ok(Self::ShortInfo(line(from).await?)),
            "LSL:fullinfo" => Ok(Self::FullInfo),
            method => {
                let version = method.strip_prefix("LSL:streamfeed/").map(str::parse);
                let Some(Ok(version)) = version else {
                    return Err(codec::malformed("asks for what is not served"));
                };
                let uid = words.next().unwrap_or_default().to_owned();
                FeedRequest::read(from, version, uid).await.map(Self::Feed)
            }
        }
    }
}

impl FeedRequest {
    async fn read(
        from: &mut (impl AsyncBufRead + Unpin),
        version: u32,
        uid: String,
    ) -> io::Result<Self> {
        let mut request = Self {
            version,
            uid,
            order: ByteOrder::Little,
            has_ieee_floats: true,
            value_size: None,
            buffered: usize::MAX,
        };
        loop {
            let line = line(from).await?;
            if line.is_empty() {
                return Ok(request);
            }
            let line = line.split(';').next().unwrap_or_default();
            let Some((name, value)) = line.split_once(':') else { continue };
            let value = value.trim();
            match name.trim().to_ascii_lowercase().as_str() {
                "native-byte-order" if value == ByteOrder::Big.name() => {
                    request.order = ByteOrder::Big;
                }
                "has-ieee754-floats" => request.has_ieee_floats = value == "1",
                "value-size" => request.value_size = value.parse().ok(),
                "data-protocol-version" => {
                    request.version = value.parse().map_or(0, |own: u32| own.min(request.version));
                }
                "max-buffer-length" => {
                    // A negative number counts as 0.
                    request.buffered = value
                        .parse::<i64>()
                        .map_or(usize::MAX, |samples| usize::try_from(samples).unwrap_or_default());
                }
                _ => {}
            }
        }
    }

    /// Why it cannot be served, as written in the answer.
    fn refusal(&self, stream: &OutletStream) -> Option<&'static str> {
        let size = stream.info.format.size();
        let fits = size.is_none() || self.value_size.is_none() || self.value_size == size;
        if self.version / 100 > VERSION / 100 {
            Some("505 Version not supported")
        } else if !self.uid.is_empty() && self.uid != stream.outlet.uid {
            Some("404 Not found")
        } else if self.version < VERSION || !self.has_ieee_floats || !fits {
            // Only the binary format of the first version is left.
            Some("501 Not implemented")
        } else {
            None
        }
    }
}

/// The next line of a request, without its line end.
async fn line(from: &mut (impl AsyncBufRead + Unpin)) -> io::Result<String> {
    let mut bytes = Vec::new();
    from.read_until(b'\n', &mut bytes).await?;
    if bytes.pop() != Some(b'\n') {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let line = String::from_utf8(bytes).map_err(|_| codec::malformed("a request is no text"))?;
    Ok(line.trim().to_owned())
}
