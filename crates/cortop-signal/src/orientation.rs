//! How the head is held, from the newest motion sample (docs/protocol.md §5.3), compared with a
//! position that the user declares level. Depends on labels, not on headset models.
//!
//! EMOTIV does not document the axes of the sensor, and in recordings gravity lies on X, with
//! either sign. So nothing here depends on axes: two positions differ by an angle however the
//! sensor is mounted. The direction of a tilt cannot be known.

/// From this magnitude, acceleration and turn rate are raw counts, not g and degrees per second
/// (§5.3): counts are centred on 8192, and no head reaches 1000 g.
const RAW_COUNTS: f64 = 1000.0;

/// By how much the length of a quaternion or of gravity may differ from 1.
const QUATERNION_OFF: f64 = 0.05;
const GRAVITY_OFF: f64 = 0.3;

/// What a motion sample shows about how the head is held.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Orientation {
    /// A position that can be compared with another.
    Position(Position),
    /// Accelerated too much for gravity to be known, and without a quaternion.
    Moving,
    /// Raw counts, which are not interpreted.
    RawCounts,
}

/// The orientation of the sensor, in its own axes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Position {
    /// The direction of the acceleration at rest, of length 1; `None` unless it is about 1 g.
    gravity: Option<[f64; 3]>,
    /// The unit quaternion, Q0 first.
    quaternion: Option<[f64; 4]>,
}

/// The difference between two positions, in degrees, 0..180.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rotation {
    /// Between the directions of gravity; `None` if one of them is unknown.
    pub tilt: Option<f64>,
    /// Of the whole rotation about any axis; `None` if a quaternion is missing.
    pub turn: Option<f64>,
}

impl Orientation {
    /// From labels and their values (`None` if missing). Returns `None` if they do not contain the
    /// orientation.
    #[must_use]
    pub fn of(values: &[(&str, Option<f64>)]) -> Option<Self> {
        let find = |label: &str| {
            let found = values.iter().find(|(own, _)| *own == label);
            found.and_then(|(_, value)| *value).filter(|value| value.is_finite())
        };
        let all = |group: &str, axes: [&str; 3]| -> Option<[f64; 3]> {
            let [x, y, z] = axes.map(|axis| find(&format!("{group}{axis}")));
            Some([x?, y?, z?])
        };
        let (acc, gyro) = (all("ACC", ["X", "Y", "Z"]), all("GYRO", ["X", "Y", "Z"]));
        let counts = |axes: Option<[f64; 3]>| axes.is_some_and(|axes| axes.into_iter().any(is_raw));
        if counts(acc) || counts(gyro) {
            return Some(Self::RawCounts);
        }
        let quaternion = find("Q0").zip(all("Q", ["1", "2", "3"]));
        let position = Position {
            gravity: acc.and_then(|acc| unit(acc, GRAVITY_OFF)),
            quaternion: quaternion.and_then(|(w, [x, y, z])| unit([w, x, y, z], QUATERNION_OFF)),
        };
        match position {
            Position { gravity: None, quaternion: None } => acc.map(|_| Self::Moving),
            _ => Some(Self::Position(position)),
        }
    }
}

impl Position {
    /// The difference from another position.
    #[must_use]
    pub fn turned_from(self, level: Self) -> Rotation {
        let tilt = |(a, b): ([f64; 3], [f64; 3])| {
            let [x, y, z] = [(1, 2), (2, 0), (0, 1)].map(|(i, j)| a[i] * b[j] - a[j] * b[i]);
            length([x, y, z]).atan2(dot(a, b)).to_degrees()
        };
        // The quaternions q and -q are the same rotation.
        let turn = |(a, b): ([f64; 4], [f64; 4])| {
            let cos = dot(a, b).abs();
            2.0 * (1.0 - cos * cos).max(0.0).sqrt().atan2(cos).to_degrees()
        };
        Rotation {
            tilt: self.gravity.zip(level.gravity).map(tilt),
            turn: self.quaternion.zip(level.quaternion).map(turn),
        }
    }
}

/// Whether a value of acceleration or turn rate is in raw counts.
#[must_use]
pub fn is_raw(value: f64) -> bool {
    value.abs() > RAW_COUNTS
}

/// Normalizes a vector whose length is close to 1.
fn unit<const N: usize>(vector: [f64; N], off: f64) -> Option<[f64; N]> {
    let length = length(vector);
    ((length - 1.0).abs() <= off).then(|| vector.map(|part| part / length))
}

fn length<const N: usize>(vector: [f64; N]) -> f64 {
    dot(vector, vector).sqrt()
}

fn dot<const N: usize>(a: [f64; N], b: [f64; N]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(values: &[(&str, f64)]) -> Option<Orientation> {
        let values: Vec<_> = values.iter().map(|&(label, value)| (label, Some(value))).collect();
        Orientation::of(&values)
    }

    type Quaternion = [f64; 4];

    fn rotation(degrees: f64, axis: [f64; 3]) -> Quaternion {
        let (sin, cos) = (degrees.to_radians() / 2.0).sin_cos();
        let [x, y, z] = unit(axis, f64::INFINITY).expect("an axis").map(|part| part * sin);
        [cos, x, y, z]
    }

    fn product(p: Quaternion, q: Quaternion) -> Quaternion {
        [
            p[0] * q[0] - p[1] * q[1] - p[2] * q[2] - p[3] * q[3],
            p[0] * q[1] + p[1] * q[0] + p[2] * q[3] - p[3] * q[2],
            p[0] * q[2] - p[1] * q[3] + p[2] * q[0] + p[3] * q[1],
            p[0] * q[3] + p[1] * q[2] - p[2] * q[1] + p[3] * q[0],
        ]
    }

    /// What a sensor measures that is mounted on the head in some way and turned with it.
    fn measured(head: Quaternion, mounted: Quaternion, sign: f64) -> Position {
        let q = product(head, mounted);
        let back = [q[0], -q[1], -q[2], -q[3]];
        let up = product(product(back, [0.0, 0.0, 0.0, sign]), q);
        let values = [("Q0", q[0]), ("Q1", q[1]), ("Q2", q[2]), ("Q3", q[3])];
        let acc = [("ACCX", up[1]), ("ACCY", up[2]), ("ACCZ", up[3])];
        let Some(Orientation::Position(position)) = of(&[values.as_slice(), &acc].concat()) else {
            panic!("a position");
        };
        position
    }

    fn axis() -> impl Strategy<Value = [f64; 3]> {
        let parts = prop::array::uniform3(-1.0..1.0_f64);
        parts.prop_filter("it has a direction", |axis| length(*axis) > 0.1)
    }

    fn any_rotation() -> impl Strategy<Value = Quaternion> {
        (-180.0..180.0_f64, axis()).prop_map(|(degrees, axis)| rotation(degrees, axis))
    }

    proptest! {
        #[test]
        fn tilt_and_turn_are_the_same_however_the_sensor_is_mounted(
            level in any_rotation(), mounted in any_rotation(), degrees in 0.0..179.0_f64,
            side in -180.0..180.0_f64, negative in any::<bool>()
        ) {
            let sign = if negative { -1.0 } else { 1.0 };
            let rest = measured(level, mounted, sign);
            // About a horizontal axis: all of the rotation is tilt.
            let (sin, cos) = side.to_radians().sin_cos();
            let tilted = product(rotation(degrees, [cos, sin, 0.0]), level);
            let Rotation { tilt, turn } = measured(tilted, mounted, sign).turned_from(rest);
            prop_assert!((tilt.expect("gravity") - degrees).abs() < 1e-6);
            prop_assert!((turn.expect("a quaternion") - degrees).abs() < 1e-4);
            // About the vertical axis: none of it is.
            let turned = product(rotation(degrees, [0.0, 0.0, 1.0]), level);
            let Rotation { tilt, turn } = measured(turned, mounted, sign).turned_from(rest);
            prop_assert!(tilt.expect("gravity").abs() < 1e-4);
            prop_assert!((turn.expect("a quaternion") - degrees).abs() < 1e-4);
        }
    }

    #[test]
    fn a_head_held_level_is_level_though_gravity_lies_on_x() {
        // As measured by a live EPOC X and a worn EPOC+ (§5.3).
        for x in [0.97, -0.92] {
            let acc = |turn: f64| {
                let (sin, cos) = turn.to_radians().sin_cos();
                of(&[("ACCX", x * cos), ("ACCY", x * sin), ("ACCZ", 0.0)])
            };
            let [Some(Orientation::Position(rest)), Some(Orientation::Position(now))] =
                [acc(0.0), acc(12.0)]
            else {
                panic!("positions");
            };
            assert_eq!(rest.turned_from(rest), Rotation { tilt: Some(0.0), turn: None });
            assert!((now.turned_from(rest).tilt.unwrap() - 12.0).abs() < 1e-9);
        }
    }

    #[test]
    fn nothing_is_made_of_raw_counts_and_of_what_is_missing() {
        // An older EPOC+ at rest (§5.3), with one axis far below the centre.
        let acc = [("ACCX", 4438.0), ("ACCY", 400.0), ("ACCZ", 9203.0)];
        assert_eq!(of(&acc), Some(Orientation::RawCounts));
        assert_eq!(
            of(&[("GYROX", 8207.0), ("GYROY", 8114.0), ("GYROZ", 8199.0)]),
            Some(Orientation::RawCounts)
        );
        assert_eq!(of(&[("ACCX", 3.0), ("ACCY", 0.0), ("ACCZ", 1.0)]), Some(Orientation::Moving));
        assert_eq!(of(&[("ACCX", 0.0), ("ACCY", 1.0)]), None);
        assert_eq!(of(&[("Q0", 0.0), ("Q1", 0.0), ("Q2", 0.0), ("Q3", 0.0)]), None);
        let null = [("Q0", Some(1.0)), ("Q1", None), ("Q2", Some(0.0)), ("Q3", Some(0.0))];
        assert_eq!(Orientation::of(&null), None, "a null is not zero");
    }
}
