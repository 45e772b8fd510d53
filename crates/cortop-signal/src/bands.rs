//! The frequency bands of Cortex (docs/protocol.md §5.6), and how its `pow` columns report them.
//! There is no delta band.

use super::latest_values::LatestValues;

/// A band: its name on the wire and its limits in Hz (upper limit exclusive).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Band {
    /// Its name on the wire.
    pub name: &'static str,
    /// Its abbreviation of one or two letters.
    pub letters: &'static str,
    /// Lower limit in Hz.
    pub low: f64,
    /// Upper limit in Hz, where the next band begins.
    pub high: f64,
}

/// All five, from slow to fast.
pub const BANDS: [Band; 5] = [
    Band { name: "theta", letters: "θ", low: 4.0, high: 8.0 },
    Band { name: "alpha", letters: "α", low: 8.0, high: 12.0 },
    Band { name: "betaL", letters: "βL", low: 12.0, high: 16.0 },
    Band { name: "betaH", letters: "βH", low: 16.0, high: 25.0 },
    Band { name: "gamma", letters: "γ", low: 25.0, high: 45.0 },
];

/// The band powers of one sensor in µV²/Hz, in the order of [`BANDS`]; `None` if missing.
#[derive(Clone, Debug, PartialEq)]
pub struct BandPowers {
    /// The sensor's name.
    pub sensor: String,
    /// The powers by band.
    pub bands: [Option<f64>; BANDS.len()],
}

/// Splits the label of a `pow` column, `SENSOR/band`, into the sensor and the index of the band in
/// [`BANDS`].
#[must_use]
pub fn of_label(label: &str) -> Option<(&str, usize)> {
    let (sensor, name) = label.rsplit_once('/')?;
    Some((sensor, BANDS.iter().position(|band| band.name == name)?))
}

/// The powers by sensor, in column order.
#[must_use]
pub fn by_sensor(table: &LatestValues) -> Vec<BandPowers> {
    let mut all: Vec<BandPowers> = Vec::new();
    for (label, power) in &table.values {
        let Some((sensor, band)) = of_label(label) else { continue };
        let at = all.iter().position(|powers| powers.sensor == sensor).unwrap_or_else(|| {
            all.push(BandPowers { sensor: sensor.to_owned(), bands: [None; BANDS.len()] });
            all.len() - 1
        });
        if let Some(place) = all.get_mut(at).and_then(|powers| powers.bands.get_mut(band)) {
            *place = *power;
        }
    }
    all
}
