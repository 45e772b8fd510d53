//! The frequency bands of Cortex (docs/protocol.md §5.6), and what its `pow` columns say of them.
//! There is no delta.

use super::latest_values::LatestValues;

/// A band: its name on the wire and its limits in Hz, the upper one not in it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Band {
    /// Its name on the wire.
    pub name: &'static str,
    /// The same in one or two letters.
    pub letters: &'static str,
    /// Where it begins, in Hz.
    pub low: f64,
    /// Where the next begins, in Hz.
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

/// The powers of one sensor, by band in the order of [`BANDS`], in µV²/Hz; `None` where there is
/// none.
#[derive(Clone, Debug, PartialEq)]
pub struct BandPowers {
    /// Its name.
    pub sensor: String,
    /// The powers.
    pub bands: [Option<f64>; BANDS.len()],
}

/// The sensor and the band, by its place in [`BANDS`], of a column of `pow`, which is called
/// `SENSOR/band`.
#[must_use]
pub fn of_label(label: &str) -> Option<(&str, usize)> {
    let (sensor, name) = label.rsplit_once('/')?;
    Some((sensor, BANDS.iter().position(|band| band.name == name)?))
}

/// The powers by sensor, in the order of the columns.
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
