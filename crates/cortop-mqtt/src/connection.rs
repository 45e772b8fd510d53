//! One connection to a broker: TCP, TLS, and MQTT 5 with rumqttc's codec. rumqttc's event loop is not
//! used: it opens connections itself, and offers neither the errors nor the queues that we need. Version 5
//! is used because its brokers say why they refuse a message or end a connection, and hold back packets
//! that are too long for us: with 3.1.1, a single retained message that is too long would end every
//! connection.

use std::{borrow::Cow, collections::BTreeMap, io, net::SocketAddr, time::Duration};

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use rumqttc::v5::mqttbytes::{
    self, QoS,
    v5::{
        Codec, Connect, ConnectProperties, ConnectReturnCode, Disconnect, DisconnectReasonCode,
        Filter, LastWill, Login, Packet, PingReq, PubAck, PubAckReason, Publish, Subscribe,
        SubscribeReasonCode,
    },
};
use secrecy::ExposeSecret as _;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, lookup_host},
    time::{Instant, sleep_until, timeout},
};
use tokio_rustls::TlsConnector;
use tokio_util::codec::Framed;

use crate::{broker::Broker, payload::LONGEST, publisher::OutgoingMessage, tls};
use cortop_protocol::{Error, ErrorKind, sanitize::clean_bounded};

/// Time limit for connecting, from the name lookup to the broker's answer, and for sending a packet.
const LIMIT: Duration = Duration::from_secs(10);

/// Time limit for a goodbye, until the broker closes the connection.
const GOODBYE: Duration = Duration::from_secs(3);

/// Maximum time between two packets to the broker. After one and a half times as long without a packet,
/// the broker publishes the last will.
pub(crate) const KEEP_ALIVE: Duration = Duration::from_secs(5);

/// Bytes of a packet in addition to its payload: topic and properties.
const OVERHEAD: usize = 4 << 10;

/// Maximum number of unacknowledged messages.
const MOST_IN_FLIGHT: u16 = 32;

trait ByteStream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> ByteStream for T {}

/// An event on a connection.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// A message.
    Message {
        topic: Bytes,
        payload: Bytes,
        /// Whether it was published before we subscribed.
        retained: bool,
    },
    /// The broker accepted one of our messages, or refused it: its topic, and why.
    StationMessage(Result<(), (String, Error)>),
}

/// A connection that the broker has accepted.
pub(crate) struct BrokerConnection {
    framed: Framed<Box<dyn ByteStream>, Codec>,
    /// The filters of our subscriptions.
    filters: Vec<String>,
    /// The topics of our unacknowledged messages, by packet number.
    in_flight: BTreeMap<u16, String>,
    most_in_flight: usize,
    next_packet: u16,
    keep_alive: Duration,
    ping_at: Instant,
    awaits_pong: bool,
}

impl BrokerConnection {
    /// Connects. `will` is published if the connection ends without a goodbye.
    pub(crate) async fn open(
        broker: &Broker,
        client: &str,
        will: Option<&OutgoingMessage>,
    ) -> Result<Self, Error> {
        let opened = timeout(LIMIT, Self::open_within(broker, client, will)).await;
        opened.unwrap_or_else(|_| {
            Err(unreachable(
                format!("{} does not answer within {} s", broker.address(), LIMIT.as_secs()),
                "check --broker and the network",
            ))
        })
    }

    async fn open_within(
        broker: &Broker,
        client: &str,
        will: Option<&OutgoingMessage>,
    ) -> Result<Self, Error> {
        let stream = stream(broker).await?;
        let longest = u32::try_from(LONGEST + OVERHEAD).unwrap_or(u32::MAX);
        let codec = Codec { max_incoming_size: Some(longest), max_outgoing_size: None };
        let mut framed = Framed::new(stream, codec);
        let mut properties = ConnectProperties::new();
        properties.max_packet_size = Some(longest);
        let connect = Connect {
            keep_alive: u16::try_from(KEEP_ALIVE.as_secs()).unwrap_or(u16::MAX),
            client_id: client.to_owned(),
            clean_start: true,
            properties: Some(properties),
        };
        let will = will.map(|will| {
            let topic = will.topic.to_string();
            LastWill::new(topic, will.payload.clone(), QoS::AtLeastOnce, will.retain, None)
        });
        let login = broker.user.as_ref().map(|user| {
            let password = user.password.as_ref().map_or("", |own| own.expose_secret());
            Login::new(user.name.clone(), password)
        });
        framed.send(Packet::Connect(connect, will, login)).await.map_err(|error| lost(&error))?;
        let accepted = match framed.next().await {
            Some(Ok(Packet::ConnAck(answer))) if answer.code == ConnectReturnCode::Success => {
                answer
            }
            Some(Ok(Packet::ConnAck(answer))) => {
                let user = broker.user.as_ref().map(|user| user.name.as_str());
                return Err(refused(answer.code, user));
            }
            Some(Ok(Packet::Disconnect(end))) => return Err(ended(end.reason_code)),
            // The answer of a broker that only speaks MQTT 3.1.1.
            Some(Err(mqttbytes::Error::InvalidConnectReturnCode(1))) => {
                return Err(unreachable(
                    "the broker speaks MQTT 3.1.1 only",
                    "use one that speaks MQTT 5 (mosquitto 1.6 or newer)",
                ));
            }
            Some(Err(mqttbytes::Error::Io(_))) | None if broker.tls.is_none() => {
                return Err(unreachable(
                    "the connection was closed before an MQTT broker answered",
                    "check the port of --broker; the broker's port for TLS needs mqtts://",
                ));
            }
            Some(Err(error)) => return Err(lost(&error)),
            None => {
                return Err(Error::new(
                    ErrorKind::Tls,
                    "the broker closed the connection after the TLS handshake",
                    "look into its log: mostly it asks for another client certificate",
                ));
            }
            Some(Ok(_)) => return Err(no_broker()),
        };
        let limits = accepted.properties;
        let limits = limits.as_ref();
        framed.codec_mut().max_outgoing_size = limits.and_then(|own| own.max_packet_size);
        let most = limits.and_then(|own| own.receive_max).unwrap_or(MOST_IN_FLIGHT);
        let keep_alive = limits.and_then(|own| own.server_keep_alive).map(u64::from);
        let keep_alive = keep_alive
            .map_or(KEEP_ALIVE, |seconds| KEEP_ALIVE.min(Duration::from_secs(seconds.max(1))));
        Ok(Self {
            framed,
            filters: Vec::new(),
            in_flight: BTreeMap::new(),
            most_in_flight: usize::from(most.clamp(1, MOST_IN_FLIGHT)),
            next_packet: 0,
            keep_alive,
            ping_at: Instant::now() + keep_alive,
            awaits_pong: false,
        })
    }

    /// Subscribes to topics. If the broker does not permit it, [`Self::next`] fails.
    pub(crate) async fn subscribe(&mut self, filters: Vec<String>) -> Result<(), Error> {
        let pkid = self.packet_number();
        let all = filters.iter().map(|filter| Filter::new(filter.clone(), QoS::AtMostOnce));
        let subscribe = Subscribe { pkid, ..Subscribe::new_many(all.collect::<Vec<_>>(), None) };
        self.filters = filters;
        self.send(Packet::Subscribe(subscribe)).await
    }

    /// Whether another message can be published now.
    pub(crate) fn has_room(&self) -> bool {
        self.in_flight.len() < self.most_in_flight
    }

    /// Publishes a message that the broker has to acknowledge.
    pub(crate) async fn publish(&mut self, message: OutgoingMessage) -> Result<(), Error> {
        let topic = message.topic.to_string();
        let pkid = self.packet_number();
        self.in_flight.insert(pkid, topic.clone());
        let publish = Publish {
            pkid,
            retain: message.retain,
            ..Publish::new(topic, QoS::AtLeastOnce, message.payload, None)
        };
        self.send(Packet::Publish(publish)).await
    }

    /// Waits for the next event. Cancel safe.
    pub(crate) async fn next(&mut self) -> Result<Incoming, Error> {
        loop {
            tokio::select! {
                packet = self.framed.next() => {
                    if let Some(incoming) = self.on_packet(packet).await? {
                        return Ok(incoming);
                    }
                }
                () = sleep_until(self.ping_at) => {
                    if self.awaits_pong {
                        return Err(silent());
                    }
                    self.awaits_pong = true;
                    self.ping_at = Instant::now() + self.keep_alive;
                    self.send(Packet::PingReq(PingReq)).await?;
                }
            }
        }
    }

    /// Says goodbye, so that the last will is not published, and reads until the broker closes the
    /// connection: unread data on our side would reset it, and the goodbye could be lost.
    pub(crate) async fn close(&mut self) {
        let goodbye =
            Packet::Disconnect(Disconnect::new(DisconnectReasonCode::NormalDisconnection));
        let say = async {
            if self.send(goodbye).await.is_ok() && self.framed.close().await.is_ok() {
                while let Some(Ok(_)) = self.framed.next().await {}
            }
        };
        let _ = timeout(GOODBYE, say).await;
    }

    async fn on_packet(
        &mut self,
        packet: Option<Result<Packet, mqttbytes::Error>>,
    ) -> Result<Option<Incoming>, Error> {
        let packet = packet.ok_or_else(closed)?.map_err(|error| lost(&error))?;
        // Any packet shows that the broker is alive.
        self.awaits_pong = false;
        Ok(match packet {
            Packet::Publish(publish) => {
                if publish.qos == QoS::AtLeastOnce {
                    self.send(Packet::PubAck(PubAck::new(publish.pkid, None))).await?;
                }
                let Publish { topic, payload, retain, .. } = publish;
                Some(Incoming::Message { topic, payload, retained: retain })
            }
            Packet::PubAck(answer) => {
                let topic = self.in_flight.remove(&answer.pkid).unwrap_or_default();
                Some(Incoming::StationMessage(match answer.reason {
                    PubAckReason::Success | PubAckReason::NoMatchingSubscribers => Ok(()),
                    PubAckReason::NotAuthorized => {
                        let why = not_allowed("write", &topic);
                        Err((topic, why))
                    }
                    PubAckReason::QuotaExceeded => {
                        let why = unreachable("the broker's quota is exceeded", "raise it");
                        Err((topic, why))
                    }
                    _ => {
                        let why = unreachable(
                            "the broker refused a message",
                            "look into the broker's log for the reason",
                        );
                        Err((topic, why))
                    }
                }))
            }
            Packet::SubAck(answer) => {
                let answers = answer.return_codes.iter().zip(&self.filters);
                let is_no = |code| !matches!(code, &SubscribeReasonCode::Success(_));
                let no = answers.into_iter().find(|(code, _)| is_no(*code));
                return no.map_or(Ok(None), |(_, filter)| Err(not_allowed("read", filter)));
            }
            Packet::Disconnect(end) => return Err(ended(end.reason_code)),
            _ => None,
        })
    }

    async fn send(&mut self, packet: Packet) -> Result<(), Error> {
        let sent = timeout(LIMIT, self.framed.send(packet)).await;
        sent.map_err(|_| silent())?.map_err(|error| lost(&error))
    }

    /// A packet number that no unacknowledged message has.
    fn packet_number(&mut self) -> u16 {
        loop {
            self.next_packet = self.next_packet.checked_add(1).unwrap_or(1);
            if !self.in_flight.contains_key(&self.next_packet) {
                return self.next_packet;
            }
        }
    }
}

async fn stream(broker: &Broker) -> Result<Box<dyn ByteStream>, Error> {
    let tcp = dial(broker).await?;
    // Messages are small and should not wait for the next one.
    if let Err(error) = tcp.set_nodelay(true) {
        tracing::debug!("TCP_NODELAY cannot be set: {error}");
    }
    match &broker.tls {
        None => Ok(Box::new(tcp)),
        Some((name, config)) => {
            let connector = TlsConnector::from(std::sync::Arc::clone(config));
            let secured = connector.connect(name.clone(), tcp).await;
            Ok(Box::new(secured.map_err(|error| tls::failed(&error))?))
        }
    }
}

/// Tries the addresses one after the other.
async fn dial(broker: &Broker) -> Result<TcpStream, Error> {
    let Broker { host, port, .. } = broker;
    let addresses = lookup_host((host.as_str(), *port)).await.map_err(|error| {
        tracing::debug!("the name {host} cannot be resolved: {error}");
        unreachable(format!("the name {host} cannot be resolved"), "check --broker")
    })?;
    let is_allowed = |to: &SocketAddr| broker.tls.is_some() || to.ip().is_loopback();
    let mut failure = None;
    for address in addresses.filter(is_allowed) {
        match TcpStream::connect(address).await {
            Ok(tcp) => return Ok(tcp),
            Err(error) => failure = Some(error.kind()),
        }
    }
    Err(match failure {
        None => unreachable(
            format!("{host} leads to no address of this machine"),
            "write --broker with 127.0.0.1 in its place",
        ),
        Some(io::ErrorKind::ConnectionRefused) => unreachable(
            format!("nothing listens on {host}:{port}"),
            "start the broker (mosquitto), or check the port of --broker",
        ),
        Some(kind) => unreachable(
            format!("{host}:{port} cannot be reached ({kind})"),
            "check --broker and the network",
        ),
    })
}

fn unreachable(meaning: impl Into<Cow<'static, str>>, next: impl Into<Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::Unreachable, meaning, next)
}

fn connection_lost(meaning: &'static str) -> Error {
    Error::new(ErrorKind::ConnectionLost, meaning, "cortop connects again automatically")
}

fn closed() -> Error {
    connection_lost("the broker closed the connection")
}

fn silent() -> Error {
    connection_lost("the broker does not answer any more")
}

fn no_broker() -> Error {
    unreachable("the answer is not that of an MQTT broker", "check the port of --broker")
}

/// The error for a connection that has failed, or received something other than MQTT.
fn lost(error: &mqttbytes::Error) -> Error {
    match error {
        mqttbytes::Error::Io(error) => {
            if error
                .get_ref()
                .is_some_and(<dyn std::error::Error + Send + Sync>::is::<rustls::Error>)
            {
                return tls::failed(error);
            }
            tracing::debug!("the connection to the broker was lost: {error}");
            closed()
        }
        mqttbytes::Error::OutgoingPacketTooLarge { .. } => unreachable(
            "the broker takes no packets that are long enough for a state",
            "raise the size that it takes (mosquitto: max_packet_size)",
        ),
        error => {
            tracing::debug!(
                "the broker sent what is no MQTT 5: {}",
                clean_bounded(&error.to_string())
            );
            no_broker()
        }
    }
}

/// The error for a connection that the broker refuses.
fn refused(code: ConnectReturnCode, user: Option<&str>) -> Error {
    use ConnectReturnCode as Code;
    match code {
        Code::BadUserNamePassword | Code::NotAuthorized | Code::BadAuthenticationMethod => {
            let (meaning, next) = match user {
                Some(user) => (
                    format!("the broker refuses the user {}", clean_bounded(user)),
                    "check user and password in [mqtt] against the broker's accounts",
                ),
                None => (
                    "the broker wants a user and a password".to_owned(),
                    "set user and password in [mqtt] of the config file",
                ),
            };
            Error::new(ErrorKind::WrongCredentials, meaning, next)
        }
        Code::Banned => Error::new(
            ErrorKind::WrongCredentials,
            "the broker has banned this client",
            "ask whoever runs the broker",
        ),
        Code::UnsupportedProtocolVersion | Code::RefusedProtocolVersion => unreachable(
            "the broker does not speak MQTT 5",
            "use one that does (mosquitto 1.6 or newer)",
        ),
        Code::ServerBusy
        | Code::ServerUnavailable
        | Code::ServiceUnavailable
        | Code::QuotaExceeded
        | Code::ConnectionRateExceeded => unreachable(
            "the broker takes no more connections now",
            "wait, or raise its limit (mosquitto: max_connections)",
        ),
        Code::RetainNotSupported => unreachable(
            "the broker keeps no retained messages, which stations need",
            "allow them (mosquitto: retain_available true)",
        ),
        _ => unreachable("the broker refused the connection", "look into its log for the reason"),
    }
}

/// The error for a connection that the broker ended.
fn ended(code: DisconnectReasonCode) -> Error {
    use DisconnectReasonCode as Code;
    connection_lost(match code {
        Code::ServerShuttingDown => "the broker shuts down",
        Code::SessionTakenOver => "another program has connected in this one's place",
        Code::KeepAliveTimeout => "the broker has not heard of this computer for too long",
        Code::NotAuthorized => "the broker no longer lets this user in",
        Code::AdministrativeAction => "whoever runs the broker has ended the connection",
        Code::QuotaExceeded | Code::MessageRateTooHigh | Code::ServerBusy => {
            "the broker is too busy"
        }
        _ => "the broker ended the connection",
    })
}

/// What to do if the broker's access list forbids something: users must be named like their stations.
pub(crate) const NOT_ALLOWED: &str = "if the user and the station have different names, give the \
    user's name as `name` in [mqtt]; or allow it in the broker's access list (docs/mqtt.md has an example)";

/// The error for something that the broker's access list forbids.
fn not_allowed(what: &str, topic: &str) -> Error {
    let topic = clean_bounded(topic);
    Error::new(
        ErrorKind::WrongCredentials,
        format!("the broker does not let this user {what} {topic}"),
        NOT_ALLOWED,
    )
}
