//! Subscriptions and the schedule of their samples (§2.8, §5). A sample's time comes from its
//! absolute index, so nothing drifts; after a short stall the samples follow with their own
//! stamps, after a long one they are lost and the counters run on.

use serde_json::json;
use tokio::time::Instant;

use super::{
    corrupt::corrupt,
    dispatch::Call,
    fault::Fault,
    markers,
    outgoing::Outgoing,
    refusal::{ApiError, CallResult, NO_SESSION, STREAM_UNAVAILABLE},
    sample_writer::SampleWriter,
    service::Service,
    sessions::LiveSession,
};
use cortop_protocol::{
    Stream,
    sample::{Column, Columns},
};

/// Samples of one instant leave in this order (§5.1).
const ORDER: [Stream; 8] = [
    Stream::Eeg,
    Stream::Fac,
    Stream::Com,
    Stream::Met,
    Stream::Pow,
    Stream::Eq,
    Stream::Dev,
    Stream::Mot,
];
/// Seconds after its tick with which a `dev` sample is stamped (§5.1).
const DEV_LATER: f64 = 0.0078;
/// Of the 2 Hz of `met`, one in so many comes without an activated session and scope `pm`.
const SLOW_MET: u64 = 20;
/// Real seconds behind schedule after which samples are lost instead of sent late.
const HOPELESS: f64 = 1.0;

/// A subscribed stream.
pub(super) struct ActiveStream {
    pub(super) stream: Stream,
    /// The connection that subscribed, which need not be the one that created the session.
    pub(super) connection: u64,
    /// Index of the next sample.
    next: u64,
    /// Distance to the one after it.
    step: u64,
}

impl ActiveStream {
    /// Whether samples of the headset go to this connection.
    fn is_sampled_for(&self, connection: u64) -> bool {
        self.stream != Stream::Sys && self.connection == connection
    }
}

impl LiveSession {
    /// Whether events of `sys` wait for this connection.
    fn has_events(&self, connection: u64) -> bool {
        let listens =
            |own: &ActiveStream| own.stream == Stream::Sys && own.connection == connection;
        !self.events.is_empty() && self.streams.iter().any(listens)
    }
}

impl Service {
    pub(super) fn subscribe(&mut self, call: &Call<'_>) -> CallResult {
        let at = self.session_of(call)?;
        let (mut success, mut failure) = (Vec::new(), Vec::new());
        for name in call.texts("streams") {
            match self.subscribe_one(at, name, call) {
                Ok(cols) => {
                    let sid = call.text("session");
                    success.push(json!({ "cols": cols, "sid": sid, "streamName": name }));
                }
                Err(refusal) => failure.push(refusal.of("streamName", name)),
            }
        }
        Ok(json!({ "failure": failure, "success": success }))
    }

    pub(super) fn unsubscribe(&mut self, call: &Call<'_>) -> CallResult {
        let at = self.session_of(call)?;
        let session = self.sessions.get_mut(at).ok_or_else(|| ApiError::new(NO_SESSION))?;
        let (mut success, mut failure) = (Vec::new(), Vec::new());
        for name in call.texts("streams") {
            if let Some(own) = session.streams.iter().position(|own| own.stream.name() == name) {
                session.streams.remove(own);
                success.push(json!({ "streamName": name }));
            } else {
                failure.push(ApiError::new(STREAM_UNAVAILABLE).of("streamName", name));
            }
        }
        Ok(json!({ "failure": failure, "success": success }))
    }

    fn subscribe_one(
        &mut self,
        at: usize,
        name: &str,
        call: &Call<'_>,
    ) -> Result<Columns, ApiError> {
        let (now, connection) = (call.now, call.connection);
        let unavailable = || ApiError::new(STREAM_UNAVAILABLE);
        let stream = name.parse().map_err(|_| unavailable())?;
        let session = self.sessions.get_mut(at).ok_or_else(unavailable)?;
        let headset = self.headsets.get_mut(session.place).ok_or_else(unavailable)?;
        if stream == Stream::Eeg && !(session.active && self.licence.has("eeg")) {
            return Err(unavailable());
        }
        let columns = match stream {
            // Events of trainings come from the service, not from the headset.
            Stream::Sys => Columns(["event", "msg"].map(|name| Column::One(name.into())).into()),
            _ => headset.source.columns(stream).ok_or_else(unavailable)?,
        };
        if session.streams.iter().all(|own| own.stream != stream) {
            let origin = *headset.origin.get_or_insert(now);
            let fast = session.active && self.licence.has("pm");
            // A recording may be slow by itself.
            let dense = headset.source.time(stream, 1) - headset.source.time(stream, 0) < 1.0;
            let step = if stream == Stream::Met && !fast && dense { SLOW_MET } else { 1 };
            let next = headset.source.index_at(stream, now - origin).next_multiple_of(step);
            session.streams.push(ActiveStream { stream, connection, next, step });
        }
        Ok(columns)
    }

    /// When the next sample of a connection is due; `None` while nothing flows.
    pub(super) fn next_sample(&self, connection: u64) -> Option<Instant> {
        let due = self.sessions.iter().filter_map(|session| {
            if session.has_events(connection) {
                return Some(f64::NEG_INFINITY);
            }
            let headset = self.headsets.get(session.place).filter(|headset| headset.streams())?;
            let origin = headset.origin?;
            let due = session.streams.iter().filter(|own| own.is_sampled_for(connection));
            let due = due.map(|own| headset.source.time(own.stream, own.next));
            due.min_by(f64::total_cmp).map(|time| origin + time)
        });
        due.min_by(f64::total_cmp).map(|time| self.clock.instant(time))
    }

    /// Hands all samples of a connection that are due to `send`, in order of time.
    pub(super) fn send_samples(
        &mut self,
        connection: u64,
        now: f64,
        mut send: impl FnMut(Outgoing),
    ) {
        let hopeless = self.clock.span(HOPELESS);
        for session in &mut self.sessions {
            if session.has_events(connection) {
                session.events.drain(..).map(Outgoing::now).for_each(&mut send);
            }
            let headset = self.headsets.get(session.place).filter(|headset| headset.streams());
            let Some((headset, origin)) = headset.and_then(|it| Some((it, it.origin?))) else {
                continue;
            };
            let source = &headset.source;
            // The clock's granularity must not make a sample wait for the next wake-up.
            let until = now - origin + 1e-6;
            let own_streams = |own: &&mut ActiveStream| own.is_sampled_for(connection);
            for own in session.streams.iter_mut().filter(own_streams) {
                if source.time(own.stream, own.next) < until - hopeless {
                    own.next = source.index_at(own.stream, until).next_multiple_of(own.step);
                }
            }
            let time = |own: &ActiveStream| source.time(own.stream, own.next);
            let rank = |own: &ActiveStream| ORDER.iter().position(|stream| *stream == own.stream);
            while let Some(own) = session
                .streams
                .iter_mut()
                .filter(|own| own.is_sampled_for(connection) && time(own) <= until)
                .min_by(|a, b| time(a).total_cmp(&time(b)).then_with(|| rank(a).cmp(&rank(b))))
            {
                let at = origin + time(own);
                let index = own.next;
                own.next += own.step;
                let mut live = headset.live(at);
                let fault = self.trouble.sample(connection, &headset.id, own.stream, now);
                live.interpolated = matches!(fault, Some(Fault::Interpolate { .. }));
                let markers = match own.stream {
                    Stream::Eeg => markers::of_sample(headset.markers.iter(), index),
                    _ => String::new(),
                };
                live.markers = &markers;
                let mut row = SampleWriter::new(own.stream);
                source.write(own.stream, index, live, &mut row);
                let later = if own.stream == Stream::Dev { DEV_LATER } else { 0.0 };
                let text = row.finish(session.id.as_str(), self.clock.epoch(at + later));
                corrupt(text, fault, now, &mut send);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::Value;
    use tokio::time::advance;

    use super::*;
    use crate::{Options, service};

    const CLIENT: u64 = 1;

    fn ask(service: &mut Service, method: &str, params: &Value) -> Value {
        let request = json!({ "id": 1, "jsonrpc": "2.0", "method": method, "params": params });
        let now = service.clock.now();
        let answer = service.answer(CLIENT, now, &request.to_string());
        serde_json::from_str::<Value>(&answer.into_text()).unwrap()["result"].clone()
    }

    /// A warm EPOC X with these streams subscribed.
    fn streaming(status: &str, streams: &[&str]) -> Service {
        let (mut service, _) = service(&Options::default(), None).unwrap();
        let keys = json!({ "clientId": "id", "clientSecret": "no" });
        let token = ask(&mut service, "authorize", &keys)["cortexToken"].clone();
        let params = json!({ "cortexToken": token, "status": status });
        let session = ask(&mut service, "createSession", &params)["id"].clone();
        let params = json!({ "cortexToken": token, "session": session, "streams": streams });
        assert_eq!(ask(&mut service, "subscribe", &params)["failure"], json!([]));
        service
    }

    fn due(service: &mut Service) -> Vec<Value> {
        let (now, mut sent) = (service.clock.now(), Vec::new());
        service.send_samples(CLIENT, now, |out| {
            sent.push(serde_json::from_str(out.text()).unwrap());
        });
        sent
    }

    fn name(sample: &Value) -> &str {
        sample.as_object().unwrap().keys().find(|key| *key != "sid" && *key != "time").unwrap()
    }

    fn time(sample: &Value) -> f64 {
        sample["time"].as_f64().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_tick_has_the_order_of_the_wire() {
        let streams = ["mot", "dev", "eq", "pow", "met", "com", "fac", "eeg", "sys"];
        let mut service = streaming("active", &streams);
        let first = due(&mut service);
        let order = ["eeg", "fac", "com", "met", "pow", "eq", "dev", "mot"];
        assert_eq!(first.iter().map(name).collect::<Vec<_>>(), order);
        let later = time(&first[6]) - time(&first[7]);
        assert!((later - 0.0078).abs() < 2e-4, "{later}");
        assert!(due(&mut service).is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_drifts_however_the_wake_ups_fall() {
        let mut service = streaming("active", &["eeg", "mot", "fac", "com", "met"]);
        let mut sent = Vec::new();
        for step in (0..100_000).map(|step| 1 + step * 7919 % 40) {
            if service.clock.now() > 60.0 {
                break;
            }
            sent.append(&mut due(&mut service));
            advance(Duration::from_millis(step)).await;
        }
        for (stream, rate) in
            [("eeg", 256.0), ("mot", 64.0), ("fac", 32.0), ("com", 8.0), ("met", 2.0)]
        {
            let own: Vec<_> = sent.iter().filter(|sample| name(sample) == stream).collect();
            let expected = rate * service.clock.now();
            assert!(
                (own.len() as f64 - expected).abs() <= 0.05 * rate + 1.0,
                "{stream} {}",
                own.len()
            );
            for (index, sample) in own.iter().enumerate() {
                let ideal = time(own[0]) + index as f64 / rate;
                assert!((time(sample) - ideal).abs() < 1.1e-4, "{stream} {index}");
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_drifts_over_half_a_day_of_suspensions() {
        let mut service = streaming("active", &["eeg", "com"]);
        let first = due(&mut service);
        for hour in 1..=12 {
            // Suspended for almost an hour: what was missed is lost, not sent in a burst.
            advance(Duration::from_secs(3599)).await;
            let late = due(&mut service).len();
            assert!(late <= 2, "{late} samples after hour {hour}");
            advance(Duration::from_millis(500)).await;
            let sent = due(&mut service);
            for (stream, rate, first) in [("eeg", 256.0, &first[0]), ("com", 8.0, &first[1])] {
                let own: Vec<_> = sent.iter().filter(|sample| name(sample) == stream).collect();
                assert!((own.len() as f64 - rate / 2.0).abs() <= 1.0, "{stream} {}", own.len());
                for sample in own {
                    let index = (time(sample) - time(first)) * rate;
                    assert!((index - index.round()).abs() < 0.05, "{stream} {hour} {index}");
                    if stream == "eeg" {
                        let counter = sample["eeg"][0].as_f64().unwrap();
                        assert!((index.round() % 256.0 - counter).abs() < 0.5, "{hour}");
                    }
                }
            }
            advance(Duration::from_millis(500)).await;
            due(&mut service);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_same_seed_gives_the_same_bytes_but_for_session_and_time() {
        let mut runs = Vec::new();
        for _ in 0..2 {
            let mut service =
                streaming("active", &["eeg", "mot", "fac", "dev", "eq", "pow", "met"]);
            advance(Duration::from_millis(900)).await;
            let mut values = due(&mut service);
            for sample in &mut values {
                let sample = sample.as_object_mut().unwrap();
                sample.retain(|name, _| name != "sid" && name != "time");
            }
            runs.push(values);
        }
        assert!(runs[0].len() > 300);
        assert_eq!(runs[0], runs[1]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_short_stall_delays_samples_and_a_long_one_loses_them() {
        let mut service = streaming("active", &["eeg"]);
        let first = due(&mut service).remove(0);
        advance(Duration::from_millis(900)).await;
        assert_eq!(due(&mut service).len(), 230);
        advance(Duration::from_secs(10)).await;
        let last = due(&mut service).pop();
        assert_eq!(last, None, "what is hopelessly late was sent");
        advance(Duration::from_millis(4)).await;
        let next = due(&mut service).remove(0);
        let apart = ((time(&next) - time(&first)) * 256.0).round();
        // The counter has run on through the silence.
        assert!((next["eeg"][0].as_f64().unwrap() - apart % 256.0).abs() < 0.5);
    }

    #[tokio::test(start_paused = true)]
    async fn metrics_are_slow_without_activation() {
        let mut service = streaming("open", &["met"]);
        let mut times = Vec::new();
        for _ in 0..400 {
            times.extend(due(&mut service).iter().map(time));
            advance(Duration::from_millis(100)).await;
        }
        let steps: Vec<f64> = times.windows(2).map(|pair| (pair[1] - pair[0]).round()).collect();
        assert_eq!(steps, [10.0; 3]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stalled_link_loses_samples_and_says_nothing() {
        let mut service = streaming("active", &["eeg"]);
        service.order(Fault::Stall { seconds: None }.into(), 0.0);
        advance(Duration::from_millis(500)).await;
        assert!(due(&mut service).is_empty());
        service.order(Fault::Mend {}.into(), 0.0);
        advance(Duration::from_millis(4)).await;
        assert_eq!(due(&mut service)[0]["eeg"][0], 129);
    }
}
