//! How the head is held, from the newest motion sample (cortex-api.md §5.3). Knows labels, not
//! headsets.
//!
//! Angles are those of Tait and Bryan in the order ZYX: yaw about z, then pitch about the new y,
//! then roll about the new x, in degrees, of the rotation that the unit quaternion w + xi + yj + zk
//! stands for, Q0 being w. That the axes are x to the front, y to the side and z up is inferred,
//! not documented.

/// From this magnitude on acceleration and turn rate are raw counts, not g and degrees a second
/// (§5.3): counts ride on 8192, and no head knows 1000 g.
const RAW_COUNTS: f64 = 1000.0;

/// How far a quaternion's or gravity's length may be from 1.
const QUATERNION_OFF: f64 = 0.05;
const GRAVITY_OFF: f64 = 0.3;

/// How the head is held.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Orientation {
    /// By the quaternion, in degrees.
    Angles {
        /// About x, −180..180.
        roll: f64,
        /// About y, −90..90.
        pitch: f64,
        /// About z, −180..180.
        yaw: f64,
    },
    /// By gravity alone, in degrees: it does not tell the yaw.
    Tilt {
        /// About x, −180..180.
        roll: f64,
        /// About y, −90..90.
        pitch: f64,
    },
    /// Accelerated too much for gravity to be told, and there is no quaternion.
    Moving,
    /// Raw counts, of which nothing is made.
    RawCounts,
}

impl Orientation {
    /// From labels with their values, missing ones `None`; `None` where they do not tell.
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
        quaternion.and_then(|(w, [x, y, z])| angles([w, x, y, z])).or_else(|| acc.map(tilt))
    }
}

/// Whether a value of acceleration or turn rate is in raw counts.
#[must_use]
pub fn is_raw(value: f64) -> bool {
    value.abs() > RAW_COUNTS
}

/// Of a unit quaternion, w first.
fn angles([w, x, y, z]: [f64; 4]) -> Option<Orientation> {
    let length = (w * w + x * x + y * y + z * z).sqrt();
    if (length - 1.0).abs() > QUATERNION_OFF {
        return None;
    }
    let [w, x, y, z] = [w, x, y, z].map(|part| part / length);
    Some(Orientation::Angles {
        roll: (2.0 * (w * x + y * z)).atan2(1.0 - 2.0 * (x * x + y * y)).to_degrees(),
        pitch: (2.0 * (w * y - z * x)).clamp(-1.0, 1.0).asin().to_degrees(),
        yaw: (2.0 * (w * z + x * y)).atan2(1.0 - 2.0 * (y * y + z * z)).to_degrees(),
    })
}

/// Of the acceleration in g, which at rest is one upwards.
fn tilt([x, y, z]: [f64; 3]) -> Orientation {
    if ((x * x + y * y + z * z).sqrt() - 1.0).abs() > GRAVITY_OFF {
        return Orientation::Moving;
    }
    Orientation::Tilt { roll: y.atan2(z).to_degrees(), pitch: (-x).atan2(y.hypot(z)).to_degrees() }
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

    fn turn(degrees: f64, axis: usize) -> Quaternion {
        let (sin, cos) = (degrees.to_radians() / 2.0).sin_cos();
        let mut turn = [cos, 0.0, 0.0, 0.0];
        turn[axis] = sin;
        turn
    }

    fn product(p: Quaternion, q: Quaternion) -> Quaternion {
        [
            p[0] * q[0] - p[1] * q[1] - p[2] * q[2] - p[3] * q[3],
            p[0] * q[1] + p[1] * q[0] + p[2] * q[3] - p[3] * q[2],
            p[0] * q[2] - p[1] * q[3] + p[2] * q[0] + p[3] * q[1],
            p[0] * q[3] + p[1] * q[2] - p[2] * q[1] + p[3] * q[0],
        ]
    }

    proptest! {
        #[test]
        fn yaw_then_pitch_then_roll_come_back(
            roll in -179.0..179.0_f64, pitch in -89.0..89.0_f64, yaw in -179.0..179.0_f64
        ) {
            let turned = product(product(turn(yaw, 3), turn(pitch, 2)), turn(roll, 1));
            let [w, x, y, z] = turned;
            let Some(Orientation::Angles { roll: r, pitch: p, yaw: a }) =
                of(&[("Q0", w), ("Q1", x), ("Q2", y), ("Q3", z)])
            else {
                return Err(TestCaseError::fail("no angles"));
            };
            prop_assert!((r - roll).abs() < 1e-6 && (p - pitch).abs() < 1e-6 && (a - yaw).abs() < 1e-6);
            // Gravity as the head sees it, one g up, tells the same tilt: v' = q* v q.
            let back = product(product([w, -x, -y, -z], [0.0, 0.0, 0.0, 1.0]), turned);
            let Some(Orientation::Tilt { roll: r, pitch: p }) =
                of(&[("ACCX", back[1]), ("ACCY", back[2]), ("ACCZ", back[3])])
            else {
                return Err(TestCaseError::fail("no tilt"));
            };
            prop_assert!((r - roll).abs() < 1e-6 && (p - pitch).abs() < 1e-6);
        }
    }

    #[test]
    fn nothing_is_made_of_raw_counts_and_of_what_is_missing() {
        // An older EPOC+ at rest (§5.3), one of its axes far down.
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
