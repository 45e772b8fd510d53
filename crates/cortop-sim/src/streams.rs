//! Subscriptions and the schedule of their samples (§2.8, §5). A sample's time is derived from its
//! absolute index, so nothing drifts; after a short stall the samples follow with their own stamps,
//! after a long one they are lost and the counters continue.

use std::ops::RangeInclusive;

use serde_json::{Value, json};

use super::{
    account::Account,
    api_error::{ApiError, CallResult},
    call::Call,
    clock::Clock,
    corrupt::{corrupt, time_offset},
    fault::Fault,
    fault_injector::FaultInjector,
    headset::SimulatedHeadset,
    headsets::Headsets,
    noise::Noise,
    outgoing::Outgoing,
    sample_writer::SampleWriter,
    sessions::{ActiveStream, LiveSession, Sessions},
};
use cortop_protocol::{
    Stream,
    code::error::STREAM_UNAVAILABLE,
    sample::{Column, Columns},
};

/// The order in which samples of one instant are sent (§5.1).
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
/// Share of `dev` samples stamped with their tick, as in a live capture of 21 (§5.1) …
const PUNCTUAL_DEV: f64 = 9.0 / 21.0;
/// … and the delay of the others in seconds.
const DEV_DELAY: RangeInclusive<f64> = 0.0072..=0.0078;
/// Without an activated session and scope `pm`, only one in so many of the 2 Hz samples of `met` is
/// sent.
const SLOW_MET: u64 = 20;
/// Real seconds behind schedule after which samples are lost rather than sent late.
const MAX_LAG: f64 = 1.0;

impl Sessions {
    /// `subscribe`.
    pub(super) fn subscribe(
        &mut self,
        call: &Call<'_>,
        headsets: &mut Headsets,
        account: &Account,
    ) -> CallResult {
        let session = self.find_mut(call)?;
        let unavailable = || ApiError::new(STREAM_UNAVAILABLE);
        let headset = headsets.get_mut(session.place).ok_or_else(unavailable)?;
        let (mut success, mut failure) = (Vec::new(), Vec::new());
        for name in call.texts("streams") {
            let stream = name.parse().map_err(|_| unavailable());
            match stream.and_then(|stream| session.subscribe(stream, headset, account, call)) {
                Ok(cols) => {
                    let sid = &session.id;
                    success.push(json!({ "cols": cols, "sid": sid, "streamName": name }));
                }
                Err(error) => failure.push(error.failure("streamName", name)),
            }
        }
        Ok(json!({ "failure": failure, "success": success }))
    }

    /// `unsubscribe`.
    pub(super) fn unsubscribe(&mut self, call: &Call<'_>) -> CallResult {
        let session = self.find_mut(call)?;
        let (mut success, mut failure): (Vec<Value>, Vec<Value>) = Default::default();
        for name in call.texts("streams") {
            if let Some(own) = session.streams.iter().position(|own| own.stream.name() == name) {
                session.streams.remove(own);
                success.push(json!({ "streamName": name }));
            } else {
                failure.push(ApiError::new(STREAM_UNAVAILABLE).failure("streamName", name));
            }
        }
        Ok(json!({ "failure": failure, "success": success }))
    }

    /// Service time of the next sample of a connection; `None` while it has no stream.
    pub(super) fn next_sample(&self, connection: u64, headsets: &Headsets) -> Option<f64> {
        let due = self.0.iter().filter_map(|session| {
            if session.has_events(connection) {
                return Some(f64::NEG_INFINITY);
            }
            let headset = headsets.get(session.place).filter(|headset| headset.streams())?;
            let origin = headset.origin?;
            let due = session.streams.iter().filter(|own| own.is_sampled_for(connection));
            let due = due.map(|own| headset.source.time(own.stream, own.next));
            due.min_by(f64::total_cmp).map(|time| origin + time)
        });
        due.min_by(f64::total_cmp)
    }

    /// Passes all due samples of a connection to `send`, in order of time.
    pub(super) fn send_samples(
        &mut self,
        connection: u64,
        clock: &Clock,
        headsets: &Headsets,
        faults: &mut FaultInjector,
        mut send: impl FnMut(Outgoing),
    ) {
        let now = clock.now();
        for session in &mut self.0 {
            if session.has_events(connection) {
                session.events.drain(..).map(Outgoing::now).for_each(&mut send);
            }
            let headset = headsets.get(session.place).filter(|headset| headset.streams());
            let Some((headset, origin)) = headset.and_then(|it| Some((it, it.origin?))) else {
                continue;
            };
            let source = &headset.source;
            // The clock's granularity must not delay a sample until the next wake-up.
            let until = now - origin + 1e-6;
            let sampled = |own: &&mut ActiveStream| own.is_sampled_for(connection);
            for own in session.streams.iter_mut().filter(sampled) {
                if source.time(own.stream, own.next) < until - clock.span(MAX_LAG) {
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
                let (stream, index, at) = (own.stream, own.next, origin + time(own));
                own.next += own.step;
                let fault = faults.sample(connection, &headset.id, stream, now);
                let markers = match stream {
                    Stream::Eeg => headset.markers_at(index),
                    _ => String::new(),
                };
                let mut context = headset.sample_context(at);
                context.interpolated = matches!(fault, Some(Fault::Interpolate { .. }));
                context.markers = &markers;
                let mut sample = SampleWriter::new(stream);
                source.write(stream, index, context, &mut sample);
                let delay = if stream == Stream::Dev { dev_delay(index) } else { 0.0 };
                let stamp = clock.epoch(at + delay) + time_offset(fault.as_ref(), index);
                corrupt(sample.finish(session.id.as_str(), stamp), fault, now, &mut send);
            }
        }
    }
}

/// Seconds after its tick at which a sample of `dev` is stamped.
fn dev_delay(index: u64) -> f64 {
    let noise = Noise::new(0);
    if noise.branch(1).unit(index) < PUNCTUAL_DEV {
        return 0.0;
    }
    let (least, most) = DEV_DELAY.into_inner();
    (most - least).mul_add(noise.branch(2).unit(index), least)
}

impl ActiveStream {
    /// Whether samples of the headset go to this connection.
    fn is_sampled_for(&self, connection: u64) -> bool {
        self.stream != Stream::Sys && self.connection == connection
    }
}

impl LiveSession {
    /// Whether events of `sys` are waiting for this connection.
    fn has_events(&self, connection: u64) -> bool {
        let listens =
            |own: &ActiveStream| own.stream == Stream::Sys && own.connection == connection;
        !self.events.is_empty() && self.streams.iter().any(listens)
    }

    fn subscribe(
        &mut self,
        stream: Stream,
        headset: &mut SimulatedHeadset,
        account: &Account,
        call: &Call<'_>,
    ) -> Result<Columns, ApiError> {
        let unavailable = || ApiError::new(STREAM_UNAVAILABLE);
        if stream == Stream::Eeg && !(self.active && account.licence.has("eeg")) {
            return Err(unavailable());
        }
        let columns = match stream {
            // Training events come from the service, not from the headset.
            Stream::Sys => Columns(["event", "msg"].map(|name| Column::One(name.into())).into()),
            _ => headset.source.columns(stream).ok_or_else(|| {
                ApiError::with_message(STREAM_UNAVAILABLE, headset.source.absence())
            })?,
        };
        if self.streams.iter().all(|own| own.stream != stream) {
            let origin = *headset.origin.get_or_insert(call.now);
            let fast = self.active && account.licence.has("pm");
            // A recording may itself be slow.
            let dense = headset.source.time(stream, 1) - headset.source.time(stream, 0) < 1.0;
            let step = if stream == Stream::Met && !fast && dense { SLOW_MET } else { 1 };
            let next = headset.source.index_at(stream, call.now - origin).next_multiple_of(step);
            let connection = call.connection;
            self.streams.push(ActiveStream { stream, connection, next, step });
        }
        Ok(columns)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::Value;
    use tokio::time::advance;

    use super::*;
    use crate::{Options, dispatch::respond, service, service::Service};

    const CLIENT: u64 = 1;

    fn ask(service: &mut Service, method: &str, params: &Value) -> Value {
        let request = json!({ "id": 1, "jsonrpc": "2.0", "method": method, "params": params });
        let now = service.env.clock.now();
        let answer = respond(service, CLIENT, now, &request.to_string()).remove(0);
        serde_json::from_str::<Value>(answer.text()).unwrap()["result"].clone()
    }

    /// A warm EPOC X with these streams subscribed; their first samples are due.
    async fn streaming(status: &str, streams: &[&str]) -> Service {
        let (mut service, _) = service(&Options::default(), None).unwrap();
        subscribe(&mut service, status, streams);
        advance(Duration::from_millis(1)).await;
        service
    }

    fn subscribe(service: &mut Service, status: &str, streams: &[&str]) {
        let keys = json!({ "clientId": "id", "clientSecret": "no" });
        let token = ask(service, "authorize", &keys)["cortexToken"].clone();
        let params = json!({ "cortexToken": token, "status": status });
        let session = ask(service, "createSession", &params)["id"].clone();
        let params = json!({ "cortexToken": token, "session": session, "streams": streams });
        assert_eq!(ask(service, "subscribe", &params)["failure"], json!([]));
    }

    fn due(service: &mut Service) -> Vec<Value> {
        let mut sent = Vec::new();
        service.send_samples(CLIENT, |sample| {
            sent.push(serde_json::from_str(sample.text()).unwrap());
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
        let mut service = streaming("active", &streams).await;
        let first = due(&mut service);
        let order = ["eeg", "fac", "com", "met", "pow", "eq", "dev", "mot"];
        assert_eq!(first.iter().map(name).collect::<Vec<_>>(), order);
        // All samples of a tick have its stamp, except those of `dev`.
        for (sample, name) in first.iter().zip(order) {
            let later = time(sample) - time(&first[0]);
            assert!(name == "dev" || later == 0.0, "{name} {later}");
        }
        assert!(due(&mut service).is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn stamps_are_as_uneven_as_those_of_a_live_capture() {
        let mut service = streaming("active", &["eeg", "mot", "fac", "dev"]).await;
        let mut sent = Vec::new();
        for _ in 0..600 {
            advance(Duration::from_millis(100)).await;
            sent.append(&mut due(&mut service));
        }
        let times = |stream: &str| -> Vec<f64> {
            sent.iter().filter(|sample| name(sample) == stream).map(time).collect()
        };
        let steps = |stream: &str| -> Vec<f64> {
            times(stream).windows(2).map(|pair| 1000.0 * (pair[1] - pair[0])).collect()
        };
        for (stream, most) in [("eeg", 1.0), ("fac", 0.3)] {
            let nominal = if stream == "eeg" { 1000.0 / 256.0 } else { 31.25 };
            let off: Vec<f64> = steps(stream).iter().map(|step| (step - nominal).abs()).collect();
            let worst = off.iter().copied().fold(0.0, f64::max);
            assert!(worst > 0.1 && worst < most, "{stream}: {worst} ms");
        }
        // §5.1: 31.0 to 31.6 ms at 32 Hz, which is two of these intervals.
        let motion = times("mot");
        let motion = motion.windows(3).step_by(2).map(|three| 1000.0 * (three[2] - three[0]));
        for step in motion {
            assert!((30.95..31.65).contains(&step), "{step} ms");
        }
        let ticks = times("fac");
        let late: Vec<f64> = times("dev")
            .into_iter()
            .map(|time| {
                let tick = ticks.iter().rfind(|&&tick| tick <= time + 5e-5);
                time - tick.expect("a tick before it")
            })
            .collect();
        assert!(late.iter().all(|late| late.abs() < 1e-4 || (0.007..0.008).contains(late)));
        let on_tick = late.iter().filter(|late| late.abs() < 1e-4).count();
        assert!((late.len() / 3..late.len() / 2 + 5).contains(&on_tick), "{on_tick}");
        assert!(steps("dev").iter().all(|step| (491.0..509.0).contains(step)));
    }

    #[tokio::test(start_paused = true)]
    async fn the_counter_runs_from_the_start_of_the_headset_on() {
        let (mut service, _) = service(&Options::default(), None).unwrap();
        advance(Duration::from_millis(3337)).await;
        subscribe(&mut service, "active", &["eeg"]);
        advance(Duration::from_millis(4)).await;
        // The first sample after 3.337 s at 256 Hz is the 855th.
        let first = due(&mut service).remove(0);
        assert_eq!(first["eeg"][0], 855 % 256);
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_drifts_however_the_wake_ups_fall() {
        let mut service = streaming("active", &["eeg", "mot", "fac", "com", "met"]).await;
        let mut sent = Vec::new();
        for step in (0..100_000).map(|step| 1 + step * 7919 % 40) {
            if service.env.clock.now() > 60.0 {
                break;
            }
            sent.append(&mut due(&mut service));
            advance(Duration::from_millis(step)).await;
        }
        for (stream, rate) in
            [("eeg", 256.0), ("mot", 64.0), ("fac", 32.0), ("com", 8.0), ("met", 2.0)]
        {
            let own: Vec<_> = sent.iter().filter(|sample| name(sample) == stream).collect();
            let expected = rate * service.env.clock.now();
            assert!(
                (own.len() as f64 - expected).abs() <= 0.05 * rate + 1.0,
                "{stream} {}",
                own.len()
            );
            for (index, sample) in own.iter().enumerate() {
                let ideal = time(own[0]) + index as f64 / rate;
                // As irregular as stamps are, and printed with four decimals.
                assert!((time(sample) - ideal).abs() < 3.5e-4, "{stream} {index}");
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_drifts_over_half_a_day_of_suspensions() {
        let mut service = streaming("active", &["eeg", "com"]).await;
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
                    assert!((index - index.round()).abs() < 0.1, "{stream} {hour} {index}");
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
                streaming("active", &["eeg", "mot", "fac", "dev", "eq", "pow", "met"]).await;
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
        let mut service = streaming("active", &["eeg"]).await;
        let first = due(&mut service).remove(0);
        advance(Duration::from_millis(900)).await;
        assert_eq!(due(&mut service).len(), 230);
        advance(Duration::from_secs(10)).await;
        let last = due(&mut service).pop();
        assert_eq!(last, None, "what is hopelessly late was sent");
        advance(Duration::from_millis(4)).await;
        let next = due(&mut service).remove(0);
        let apart = ((time(&next) - time(&first)) * 256.0).round();
        // The counter has continued through the silence.
        assert!((next["eeg"][0].as_f64().unwrap() - apart % 256.0).abs() < 0.5);
    }

    #[tokio::test(start_paused = true)]
    async fn metrics_are_slow_without_activation() {
        let mut service = streaming("open", &["met"]).await;
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
        let mut service = streaming("active", &["eeg"]).await;
        service.inject(Fault::Stall { seconds: None }.into(), 0.0);
        advance(Duration::from_millis(500)).await;
        assert!(due(&mut service).is_empty());
        service.inject(Fault::Clear {}.into(), 0.0);
        advance(Duration::from_millis(4)).await;
        assert_eq!(due(&mut service)[0]["eeg"][0], 129);
    }
}
