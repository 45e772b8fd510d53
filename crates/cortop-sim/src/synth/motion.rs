//! The motion of the head: its orientation, and what accelerometer, magnetometer and gyroscope
//! measure.
//!
//! Room and head have z up. The sensor is mounted with its X axis along the head's vertical axis,
//! pointing up or down, as in recordings (§5.3).

use crate::noise::Noise;

/// The earth's magnetic field in µT, north and down.
const FIELD: [f64; 3] = [21.0, 0.0, -43.0];
/// The offset of an uncalibrated magnetometer in µT (§5.3).
const FIELD_OFFSET: [f64; 3] = [30.0, -18.0, 55.0];

/// A moving head with a sensor on it.
#[derive(Clone, Copy, Debug)]
pub(super) struct HeadMotion {
    noise: Noise,
    /// The rotation from the axes of the sensor to those of the head.
    mount: [f64; 4],
}

/// What a motion sensor measures at one moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    /// Unit quaternion, w first.
    pub(super) quaternion: [f64; 4],
    /// Turn rate in degrees per second about x, y, z.
    pub(super) gyro: [f64; 3],
    /// Acceleration in g.
    pub(super) acc: [f64; 3],
    /// Magnetic field in µT.
    pub(super) mag: [f64; 3],
}

impl HeadMotion {
    /// `gravity`: what the sensor reports on X with the head upright, 1 or -1 g.
    pub(super) fn new(noise: Noise, gravity: f64) -> Self {
        // A quarter turn about Y.
        let half = std::f64::consts::FRAC_1_SQRT_2;
        Self { noise, mount: [half, 0.0, -half * gravity, 0.0] }
    }

    /// The reading at a sample index and its time in seconds.
    pub(super) fn reading(self, index: u64, time: f64) -> Reading {
        const STEP: f64 = 0.02;
        let [roll, pitch, yaw] = self.angles(time);
        let before = self.angles((time - STEP).max(0.0));
        let quaternion = product(quaternion(roll, pitch, yaw), self.mount);
        let tremor = |axis: u64| 0.004 * self.noise.branch(10 + axis).signed(index);
        let [ax, ay, az] = rotate_back(quaternion, [0.0, 0.0, 1.0]);
        let [mx, my, mz] = rotate_back(quaternion, FIELD);
        let turned = |now: f64, then: f64| ((now - then) / STEP).to_degrees();
        Reading {
            quaternion,
            gyro: rotate_back(
                self.mount,
                [turned(roll, before[0]), turned(pitch, before[1]), turned(yaw, before[2])],
            ),
            acc: [ax + tremor(0), ay + tremor(1), az + tremor(2)],
            mag: [mx + FIELD_OFFSET[0], my + FIELD_OFFSET[1], mz + FIELD_OFFSET[2]],
        }
    }

    /// Roll, pitch and yaw in radians.
    fn angles(self, time: f64) -> [f64; 3] {
        let turn = |axis: u64, most: f64, seconds: f64| {
            most * self.noise.branch(axis).smooth(time / seconds)
        };
        [turn(0, 0.15, 4.0), turn(1, 0.25, 3.0), turn(2, 0.7, 6.0)]
    }
}

fn quaternion(roll: f64, pitch: f64, yaw: f64) -> [f64; 4] {
    let (sr, cr) = (roll / 2.0).sin_cos();
    let (sp, cp) = (pitch / 2.0).sin_cos();
    let (sy, cy) = (yaw / 2.0).sin_cos();
    [
        cr * cp * cy + sr * sp * sy,
        sr * cp * cy - cr * sp * sy,
        cr * sp * cy + sr * cp * sy,
        cr * cp * sy - sr * sp * cy,
    ]
}

/// The product of two rotations: the second is applied first.
fn product([aw, ax, ay, az]: [f64; 4], [bw, bx, by, bz]: [f64; 4]) -> [f64; 4] {
    [
        aw * bw - ax * bx - ay * by - az * bz,
        aw * bx + ax * bw + ay * bz - az * by,
        aw * by - ax * bz + ay * bw + az * bx,
        aw * bz + ax * by - ay * bx + az * bw,
    ]
}

/// A vector of the room in the axes of the sensor: v + 2 w (v × u) + 2 u × (u × v) for w + u.
fn rotate_back([w, u @ ..]: [f64; 4], vector: [f64; 3]) -> [f64; 3] {
    let across = cross(vector, u);
    let back = cross(across, u);
    std::array::from_fn(|axis| vector[axis] + 2.0 * (w * across[axis] + back[axis]))
}

fn cross([ax, ay, az]: [f64; 3], [bx, by, bz]: [f64; 3]) -> [f64; 3] {
    [ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gravity_is_one_g_and_agrees_with_the_orientation() {
        for (index, gravity) in (0..2000).flat_map(|index| [(index, 1.0), (index, -1.0)]) {
            let head = HeadMotion::new(Noise::new(3), gravity);
            let reading = head.reading(index, index as f64 / 64.0);
            assert!((0.9..1.01).contains(&(reading.acc[0] * gravity)), "{:?}", reading.acc);
            let norm = |v: &[f64]| v.iter().map(|x| x * x).sum::<f64>().sqrt();
            assert!((norm(&reading.quaternion) - 1.0).abs() < 1e-9);
            assert!((norm(&reading.acc) - 1.0).abs() < 0.02);
            let [w, x, y, z] = reading.quaternion;
            let down = [2.0 * (x * z - w * y), 2.0 * (y * z + w * x), 1.0 - 2.0 * (x * x + y * y)];
            assert!(down.iter().zip(reading.acc).all(|(a, b)| (a - b).abs() < 0.005));
        }
    }
}
