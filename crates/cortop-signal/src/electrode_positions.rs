//! Where the sensors of the international 10–10 system, which includes the 10–20 system, sit on the
//! head.
//!
//! Not a table but the system's own definition on a sphere (R. Oostenveld and P. Praamstra, "The
//! five percent electrode system for high-resolution EEG and ERP measurements", Clinical
//! Neurophysiology 112, 2001, 713–719): the midline and the circle through Fpz, T7, Oz and T8 are
//! divided evenly, and each row between them lies on the arc through its three points there. Works
//! on names only.

use std::f64::consts::FRAC_PI_2;

/// Letters of the rows from front to back: between midline and circle, and from the circle
/// outwards.
const ROWS: [(&str, &str); 9] = [
    ("fp", "fp"),
    ("af", "af"),
    ("f", "f"),
    ("fc", "ft"),
    ("c", "t"),
    ("cp", "tp"),
    ("p", "p"),
    ("po", "po"),
    ("o", "o"),
];

/// Steps from the midline to the circle in a row.
const STEPS: f64 = 4.0;

/// Where the sensors below the circle are (9 and 10): a tenth further along.
const BELOW: f64 = 1.25;

/// The radius in millimetres of the sphere that models the head.
pub const HEAD_RADIUS: f64 = 85.0;

/// The position of a sensor on that sphere, in millimetres from its centre: right, front, up;
/// `None` for a name that is not part of the system.
#[must_use]
pub fn on_sphere(name: &str) -> Option<[f64; 3]> {
    let (x, y) = place(name)?;
    // Seen from above, distances from Cz are preserved; this maps back onto the sphere.
    let angle = x.hypot(y) * FRAC_PI_2;
    let share = if angle > 0.0 { angle.sin() / x.hypot(y) } else { 0.0 };
    Some([x * share, y * share, angle.cos()].map(|at| at * HEAD_RADIUS))
}

/// The position of a sensor seen from above: x to the right, y to the front, the circle through
/// Fpz, T7, Oz and T8 at radius 1; `None` for a name that is not part of the system.
#[must_use]
pub fn place(name: &str) -> Option<(f64, f64)> {
    let name = match name.to_ascii_lowercase() {
        // The names used before 1991.
        name if matches!(&*name, "t3" | "t4") => name.replace('3', "7").replace('4', "8"),
        name if matches!(&*name, "t5" | "t6") => name.replace("t5", "p7").replace("t6", "p8"),
        name => name,
    };
    let number = name.trim_start_matches(|char: char| char.is_ascii_alphabetic() && char != 'z');
    let letters = name.strip_suffix(number)?;
    let number = if number == "z" { 0 } else { number.parse::<u8>().ok().filter(|&n| n > 0)? };
    // 1 and 2 are next to the midline, 7 and 8 on the circle, 9 and 10 below it.
    let steps = f64::from(number.div_ceil(2));
    let row = ROWS
        .iter()
        .position(|&(inner, outer)| letters == if steps < STEPS { inner } else { outer })?;
    let side = if number % 2 == 1 { -1.0 } else { 1.0 };
    // Rows in front of Cz.
    let front = 4.0 - row as f64;
    let angle = FRAC_PI_2 * (1.0 - front / 5.0);
    let (x, y) = (side * angle.sin(), angle.cos());
    let midline = front / 4.0;
    if front.abs() > 3.0 {
        // The first and the last row lie on the circle itself.
        return match number {
            0 => Some((0.0, midline)),
            1 | 2 => Some((x, y)),
            _ => None,
        };
    }
    if steps > STEPS {
        return (number <= 10).then_some((BELOW * x, BELOW * y));
    }
    let middle = [0.0, (midline * FRAC_PI_2).sin(), (midline * FRAC_PI_2).cos()];
    Some(seen_from_above(between(middle, [x, y, 0.0], steps / STEPS)))
}

/// The point at a given share of the arc between two points of the sphere.
fn between(from: [f64; 3], to: [f64; 3], share: f64) -> [f64; 3] {
    let angle = from.iter().zip(to).map(|(a, b)| a * b).sum::<f64>().acos();
    let weigh = |share: f64| (share * angle).sin() / angle.sin();
    std::array::from_fn(|axis| weigh(1.0 - share) * from[axis] + weigh(share) * to[axis])
}

/// Flattens the sphere so that distances from Cz are preserved.
fn seen_from_above([x, y, z]: [f64; 3]) -> (f64, f64) {
    let away = x.hypot(y);
    if away < f64::EPSILON {
        return (0.0, 0.0);
    }
    let scale = z.clamp(-1.0, 1.0).acos() / FRAC_PI_2 / away;
    (x * scale, y * scale)
}

#[cfg(test)]
mod tests {
    use super::*;
    use cortop_protocol::model::{EPOC_SENSORS, FLEX_SENSORS};

    #[test]
    fn front_is_up_and_left_is_left() {
        let near = |name: &str, (x, y): (f64, f64)| {
            let at = place(name).expect(name);
            assert!((at.0 - x).abs() < 0.02 && (at.1 - y).abs() < 0.02, "{name} at {at:?}");
        };
        // Computed by hand from the definition.
        near("Cz", (0.0, 0.0));
        near("Fpz", (0.0, 1.0));
        near("Oz", (0.0, -1.0));
        near("T7", (-1.0, 0.0));
        near("Fz", (0.0, 0.5));
        near("C4", (0.5, 0.0));
        near("Fp1", (-0.31, 0.95));
        near("F7", (-0.81, 0.59));
        near("F3", (-0.38, 0.61));
        near("P8", (0.81, -0.59));
        near("O2", (0.31, -0.95));
        near("PO9", (-0.73, -1.01));
        near("FT10", (1.19, 0.39));
        for name in EPOC_SENSORS.iter().chain(&FLEX_SENSORS) {
            let (x, _) = place(name).expect(name);
            let number = name.trim_start_matches(char::is_alphabetic).parse::<u8>();
            let side = number.map_or(0.0, |number| if number % 2 == 1 { -1.0 } else { 1.0 });
            assert!(x * side >= 0.0 && (side != 0.0 || x == 0.0), "{name} at {x}");
        }
    }

    #[test]
    fn the_two_sides_mirror_each_other_and_old_names_are_known() {
        for (left, right) in [("AF3", "AF4"), ("FC5", "FC6"), ("CP1", "CP2"), ("PO9", "PO10")] {
            let (left, right) = (place(left).expect(left), place(right).expect(right));
            assert!((left.0 + right.0).abs() < 1e-12 && (left.1 - right.1).abs() < 1e-12);
        }
        for (old, new) in [("T3", "T7"), ("T4", "T8"), ("T5", "P7"), ("T6", "P8"), ("FP1", "Fp1")] {
            assert_eq!(place(old), place(new));
        }
    }

    #[test]
    fn all_sit_on_one_sphere() {
        assert_eq!(on_sphere("Cz"), Some([0.0, 0.0, HEAD_RADIUS]));
        for name in EPOC_SENSORS.iter().chain(&FLEX_SENSORS) {
            let [x, y, z] = on_sphere(name).expect(name);
            assert!((x.hypot(y).hypot(z) - HEAD_RADIUS).abs() < 1e-9, "{name}");
        }
        let [x, y, z] = on_sphere("T8").expect("T8");
        assert!((x - HEAD_RADIUS).abs() < 1e-9 && y.abs() < 1e-9 && z.abs() < 1e-9);
    }

    #[test]
    fn other_names_have_no_place() {
        let names = ["L1", "Ch-3", "", "z", "7", "F255", "F65535", "F0", "C7", "T1", "Fp3", "O9"];
        assert_eq!(names.map(place), [None; 12]);
    }
}
