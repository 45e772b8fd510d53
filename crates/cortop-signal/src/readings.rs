//! The streams that are not traces: turns their samples into the latest readings of a session
//! (docs/protocol.md §5.4–§5.10). Depends on labels, not on headset models.

use std::{collections::VecDeque, sync::Arc};

use tokio::time::Instant;

use super::{contact_history::ContactHistory, latest_values::LatestValues, smoothed::Smoothed};
use cortop_protocol::{Sample, Stream, metric::IS_ACTIVE};

/// Mental commands kept: half a minute at 8 Hz.
const DETECTIONS: usize = 240;
/// Changes of the facial expression kept.
const FACES: usize = 64;
/// Values kept of a metric: a minute at 2 Hz, twenty at 0.1 Hz.
const VALUES: usize = 120;
/// Training events kept.
const EVENTS: usize = 64;

/// The latest readings of each stream that is not a trace, for one session. Items are shared, so
/// that copying them into every snapshot costs next to nothing.
#[derive(Clone, Debug, Default)]
pub struct Readings {
    /// Battery, link, contact by sensor (§5.4).
    pub dev: Option<Arc<LatestValues>>,
    /// Contact over the last two minutes. Outlasts the subscription: what was not received appears
    /// as a gap.
    pub contact: Arc<ContactHistory>,
    /// EEG quality by sensor (§5.5), as received.
    pub eq: Option<Arc<LatestValues>>,
    /// The smoothed EEG quality, because the raw one flickers by design.
    pub eq_smoothed: Smoothed,
    /// Band power by `SENSOR/band` (§5.6).
    pub pow: Option<Arc<LatestValues>>,
    /// Performance metrics, each with its own age (§5.7).
    pub met: Vec<Metric>,
    /// Mental commands, newest last, bounded (§5.8).
    pub com: VecDeque<Arc<MentalCommand>>,
    /// Facial expressions, newest last, bounded (§5.9). Only changes are kept: `received` is when
    /// an expression began, its powers are the newest.
    pub fac: VecDeque<Arc<FacialExpression>>,
    /// Training events, newest last, bounded (§5.10).
    pub sys: VecDeque<Arc<TrainingEvent>>,
}

/// One performance metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// Its name in the columns, such as `eng`.
    pub name: String,
    /// The last measured value (not null, and not sent while `active` is false), and when it
    /// arrived.
    pub value: Option<(f64, Instant)>,
    /// Whether its detection is running (`NAME.isActive`); `None` if there is no such column.
    pub active: Option<bool>,
    /// Its values in the last samples, newest last, bounded; `None` for a sample without a value.
    pub history: VecDeque<Option<f64>>,
}

/// A mental command at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct MentalCommand {
    /// Such as `push` or `neutral`.
    pub action: String,
    /// 0..1.
    pub power: Option<f64>,
    /// When it arrived.
    pub received: Instant,
}

/// A facial expression at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct FacialExpression {
    /// `neutral blink winkL winkR lookL lookR`.
    pub eyes: String,
    /// Upper face and its power.
    pub upper: (String, Option<f64>),
    /// Lower face and its power.
    pub lower: (String, Option<f64>),
    /// When it arrived.
    pub received: Instant,
}

/// A training event.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainingEvent {
    /// Its texts by position (the labels are not confirmed, §5.10).
    pub texts: Vec<String>,
    /// Epoch seconds.
    pub time: Option<f64>,
    /// When it arrived.
    pub received: Instant,
}

impl Readings {
    /// Processes one sample.
    pub(crate) fn push(&mut self, sample: &Sample) {
        let received = Instant::from_std(sample.received);
        let row = Labelled(sample);
        match sample.subscription.stream {
            Stream::Dev => {
                let table = Arc::new(row.into_table(received));
                Arc::make_mut(&mut self.contact).push(&table);
                self.dev = Some(table);
            }
            Stream::Eq => {
                let table = Arc::new(row.into_table(received));
                self.eq_smoothed.push(Arc::clone(&table));
                self.eq = Some(table);
            }
            Stream::Pow => self.pow = Some(Arc::new(row.into_table(received))),
            Stream::Met => row.into_metrics(&mut self.met, received),
            Stream::Com => keep(
                &mut self.com,
                DETECTIONS,
                MentalCommand { action: row.text("act"), power: row.number("pow"), received },
            ),
            Stream::Fac => {
                let face = FacialExpression {
                    eyes: row.text("eyeAct"),
                    upper: (row.text("uAct"), row.number("uPow")),
                    lower: (row.text("lAct"), row.number("lPow")),
                    received,
                };
                match self.fac.back_mut() {
                    // The same expression continues, stronger or weaker: its beginning stays the
                    // same.
                    Some(last) if last.same_expression(&face) => {
                        *last = Arc::new(FacialExpression { received: last.received, ..face });
                    }
                    _ => keep(&mut self.fac, FACES, face),
                }
            }
            Stream::Sys => {
                let texts =
                    sample.values.texts.iter().filter(|text| !text.is_empty()).cloned().collect();
                keep(
                    &mut self.sys,
                    EVENTS,
                    TrainingEvent { texts, time: sample.values.time, received },
                );
            }
            Stream::Eeg | Stream::Mot => {}
        }
    }

    /// Forgets a stream that is no longer subscribed.
    pub(crate) fn forget(&mut self, stream: Stream) {
        match stream {
            Stream::Dev => self.dev = None,
            Stream::Eq => (self.eq, self.eq_smoothed) = (None, Smoothed::default()),
            Stream::Pow => self.pow = None,
            Stream::Met => self.met.clear(),
            Stream::Com => self.com.clear(),
            Stream::Fac => self.fac.clear(),
            Stream::Sys => self.sys.clear(),
            Stream::Eeg | Stream::Mot => {}
        }
    }
}

impl FacialExpression {
    fn same_expression(&self, other: &Self) -> bool {
        self.eyes == other.eyes && self.upper.0 == other.upper.0 && self.lower.0 == other.lower.0
    }
}

/// Appends an item, and drops the oldest beyond `most`.
fn keep<T>(list: &mut VecDeque<Arc<T>>, most: usize, item: T) {
    if list.len() == most {
        list.pop_front();
    }
    list.push_back(Arc::new(item));
}

/// A sample's values by label.
struct Labelled<'a>(&'a Sample);

impl Labelled<'_> {
    fn labels(&self) -> impl Iterator<Item = &str> {
        self.0.subscription.columns.labels()
    }

    fn values(&self) -> impl Iterator<Item = Option<f64>> {
        let numbers = self.0.values.numbers.iter();
        numbers.map(|&number| Some(number).filter(|number| !number.is_nan()))
    }

    fn number(&self, label: &str) -> Option<f64> {
        self.labels().zip(self.values()).find(|&(own, _)| own == label)?.1
    }

    fn text(&self, label: &str) -> String {
        let found = self.labels().zip(&self.0.values.texts).find(|&(own, _)| own == label);
        found.map(|(_, text)| text.clone()).unwrap_or_default()
    }

    fn into_table(self, received: Instant) -> LatestValues {
        let labels = self.labels().map(str::to_owned);
        LatestValues { values: labels.zip(self.values()).collect(), received }
    }

    /// Merges the values into the metrics. A null keeps the last value with its age, and so does a
    /// number of a metric that is not being measured, because it is not a measurement.
    fn into_metrics(self, metrics: &mut Vec<Metric>, received: Instant) {
        let names = self.labels().filter(|label| !label.ends_with(IS_ACTIVE));
        for (at, name) in names.enumerate() {
            if metrics.get(at).is_none_or(|metric| metric.name != name) {
                metrics.truncate(at);
                metrics.push(Metric {
                    name: name.to_owned(),
                    value: None,
                    active: None,
                    history: VecDeque::new(),
                });
            }
            let Some(metric) = metrics.get_mut(at) else { continue };
            let active = self.number(&format!("{name}{IS_ACTIVE}"));
            metric.active = active.map(|active| active > 0.0).or(metric.active);
            let value = self.number(name).filter(|_| metric.active != Some(false));
            if metric.history.len() == VALUES {
                metric.history.pop_front();
            }
            metric.history.push_back(value);
            metric.value = value.map(|value| (value, received)).or(metric.value);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use cortop_protocol::Subscription;

    use super::*;

    /// Pushes messages one second apart. Returns the readings, and the moment of the first message.
    fn read(stream: Stream, columns: &str, messages: &[&str]) -> (Readings, Instant) {
        let subscription = Arc::new(Subscription {
            session: "s".into(),
            headset: "h".into(),
            stream,
            columns: serde_json::from_str(columns).unwrap(),
            nominal_rate: None,
        });
        let mut readings = Readings::default();
        let start = Instant::now();
        for (second, values) in (0..).zip(messages) {
            let text = format!(r#"{{"{stream}":{values},"sid":"s","time":{second}}}"#);
            let received = (start + Duration::from_secs(second)).into_std();
            readings.push(&Sample::new(Arc::clone(&subscription), text.into(), received));
        }
        (readings, start)
    }

    #[test]
    fn a_table_holds_the_newest_values_by_label() {
        let columns = r#"["Battery",["T7","OVERALL"],"BatteryPercent"]"#;
        let (readings, start) = read(Stream::Dev, columns, &["[4,[1,2],50]", "[3,[4,null],null]"]);
        let dev = readings.dev.unwrap();
        assert_eq!(
            (dev.get("T7"), dev.get("OVERALL"), dev.get("Battery")),
            (Some(4.0), None, Some(3.0))
        );
        assert_eq!(dev.values.len(), 4);
        assert_eq!(dev.received, start + Duration::from_secs(1));
    }

    #[test]
    fn a_null_metric_keeps_its_last_value_and_age() {
        let columns = r#"["eng.isActive","eng","lex","foc.isActive","foc"]"#;
        let (readings, start) = read(
            Stream::Met,
            columns,
            &["[true,0.4,0.1,false,0.9]", "[false,null,0.2,false,null]", "[false,0.7,null,true,0]"],
        );
        let [eng, lex, foc] = &readings.met[..] else { panic!("three metrics") };
        assert_eq!(eng.history, [Some(0.4), None, None]);
        assert_eq!(foc.history, [None, None, Some(0.0)], "null is not zero, and zero is a value");
        assert_eq!((eng.active, eng.value), (Some(false), Some((0.4, start))));
        assert_eq!((lex.active, lex.value), (None, Some((0.2, start + Duration::from_secs(1)))));
        assert_eq!(
            (foc.active, foc.value),
            (Some(true), Some((0.0, start + Duration::from_secs(2))))
        );
    }

    #[test]
    fn of_the_face_only_changes_are_kept() {
        let columns = r#"["eyeAct","uAct","uPow","lAct","lPow"]"#;
        let neutral = r#"["neutral","neutral",0.1,"neutral",0]"#;
        let blink = r#"["blink","neutral",0.2,"neutral",0]"#;
        let messages = [neutral, neutral, blink, neutral];
        let (readings, start) = read(Stream::Fac, columns, &messages);
        let kept: Vec<_> = readings
            .fac
            .iter()
            .map(|face| (face.eyes.as_str(), (face.received - start).as_secs()))
            .collect();
        assert_eq!(kept, [("neutral", 0), ("blink", 2), ("neutral", 3)]);
        let (readings, _) = read(Stream::Fac, columns, &[neutral, blink].repeat(500));
        assert_eq!(readings.fac.len(), FACES);
    }

    #[test]
    fn events_keep_their_texts_by_position() {
        let (readings, _) =
            read(Stream::Sys, r#"["event","msg"]"#, &[r#"["mentalCommand","MC_Started"]"#]);
        assert_eq!(readings.sys[0].texts, ["mentalCommand", "MC_Started"]);
        let (readings, start) = read(Stream::Com, r#"["act","pow"]"#, &[r#"["push",0.5]"#]);
        let push = MentalCommand { action: "push".into(), power: Some(0.5), received: start };
        assert_eq!(readings.com, [Arc::new(push)]);
    }
}
