//! Interpolates values over the head between its sensors with a thin-plate spline, the surface
//! through all values that bends least (J. Duchon, "Splines minimizing rotation-invariant
//! semi-norms in Sobolev spaces", 1977). Works on numbers only.

/// Fewer sensors than this do not give a meaningful picture of a head.
const FEWEST: usize = 5;

/// Coefficients of the plane beneath the spline: a constant and a slope along each axis.
const PLANE: usize = 3;

/// A smaller pivot means that all sensors lie on a line, or two in one place.
const SINGULAR: f64 = 1e-9;

/// A surface through the values of some sensors.
#[derive(Clone, Debug)]
pub struct Topography {
    places: Vec<(f64, f64)>,
    /// Weights of the spline at each place, then those of the plane.
    weights: Vec<f64>,
}

impl Topography {
    /// The surface through a value at each place, with x and y in any common unit; `None` for fewer
    /// than five places, or if all lie on a line.
    #[must_use]
    pub fn through(sensors: &[((f64, f64), f64)]) -> Option<Self> {
        let count = sensors.len();
        if count < FEWEST {
            return None;
        }
        let places: Vec<_> = sensors.iter().map(|&(place, _)| place).collect();
        // The spline passes through each value, and its weights contain no plane.
        let mut equations = vec![vec![0.0; count + PLANE + 1]; count + PLANE];
        for (row, &(place, value)) in sensors.iter().enumerate() {
            for (column, &other) in places.iter().enumerate() {
                equations[row][column] = bend(place, other);
            }
            for (at, term) in [1.0, place.0, place.1].into_iter().enumerate() {
                equations[row][count + at] = term;
                equations[count + at][row] = term;
            }
            equations[row][count + PLANE] = value;
        }
        Some(Self { places, weights: solve(equations)? })
    }

    /// The value at a place.
    #[must_use]
    pub fn at(&self, x: f64, y: f64) -> f64 {
        let (spline, plane) = self.weights.split_at(self.places.len());
        let bends = self.places.iter().zip(spline);
        let spline: f64 = bends.map(|(&place, weight)| weight * bend((x, y), place)).sum();
        let plane: f64 = plane.iter().zip([1.0, x, y]).map(|(weight, term)| weight * term).sum();
        spline + plane
    }
}

/// The kernel of the spline: r² ln r.
fn bend((x, y): (f64, f64), (other_x, other_y): (f64, f64)) -> f64 {
    let square = (x - other_x).powi(2) + (y - other_y).powi(2);
    if square > 0.0 { square * square.ln() / 2.0 } else { 0.0 }
}

/// Solves linear equations whose last column is the right-hand side, by elimination with the
/// largest pivot of each column.
fn solve(mut equations: Vec<Vec<f64>>) -> Option<Vec<f64>> {
    let count = equations.len();
    for column in 0..count {
        let size = |row: &usize| equations[*row][column].abs();
        let pivot = (column..count).max_by(|a, b| size(a).total_cmp(&size(b)))?;
        if size(&pivot).partial_cmp(&SINGULAR)?.is_lt() {
            return None;
        }
        equations.swap(column, pivot);
        let (done, rest) = equations.split_at_mut(column + 1);
        let pivot = done.last()?;
        for row in rest {
            let factor = row[column] / pivot[column];
            for (own, other) in row.iter_mut().zip(pivot).skip(column) {
                *own -= factor * other;
            }
        }
    }
    let mut solution = vec![0.0; count];
    for row in (0..count).rev() {
        let known: f64 = (row + 1..count).map(|at| equations[row][at] * solution[at]).sum();
        solution[row] = (equations[row][count] - known) / equations[row][row];
    }
    Some(solution)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACES: [(f64, f64); 7] =
        [(0.0, 0.5), (0.3, 0.9), (-0.3, 0.9), (1.0, 0.0), (-1.0, 0.0), (0.4, -0.8), (-0.4, -0.8)];

    /// For `values` below, from `SciPy` 1.17: `RBFInterpolator(places, values,
    /// kernel="thin_plate_spline", degree=1)`.
    const SCIPY: [((f64, f64), f64); 5] = [
        ((0.0, 0.0), 1.079_447_750_0),
        ((0.5, 0.5), 1.754_373_149_2),
        ((-0.9, 0.1), 2.677_447_005_5),
        ((0.0, -1.0), -0.065_304_857_9),
        ((0.05, 0.52), 1.121_591_139_0),
    ];

    fn through(value: impl Fn(usize, (f64, f64)) -> f64) -> Topography {
        let sensors: Vec<_> =
            PLACES.into_iter().enumerate().map(|(at, place)| (place, value(at, place))).collect();
        Topography::through(&sensors).unwrap()
    }

    fn is_near(one: f64, other: f64) -> bool {
        (one - other).abs() < 1e-9
    }

    #[test]
    fn it_meets_the_sensors_and_agrees_with_scipy_between_them() {
        let values = [1.0, 2.0, -1.0, 0.5, 3.0, 2.5, -2.0];
        let surface = through(|at, _| values[at]);
        for ((x, y), value) in PLACES.into_iter().zip(values) {
            assert!(is_near(surface.at(x, y), value), "at {x}, {y}");
        }
        for ((x, y), value) in SCIPY {
            assert!(is_near(surface.at(x, y), value), "at {x}, {y}: {}", surface.at(x, y));
        }
    }

    #[test]
    fn a_plane_is_a_plane_everywhere() {
        let plane = |x: f64, y: f64| 3.0 - 2.0 * x + 0.5 * y;
        let surface = through(|_, (x, y)| plane(x, y));
        for (x, y) in [(0.0, 0.0), (0.7, 0.7), (-1.2, 0.1), (0.0, -1.3)] {
            assert!(is_near(surface.at(x, y), plane(x, y)), "at {x}, {y}");
        }
    }

    #[test]
    fn too_few_sensors_or_all_on_a_line_have_none() {
        let on_a_line: Vec<_> = (0..8).map(|at| ((f64::from(at), 0.0), 1.0)).collect();
        assert!(Topography::through(&on_a_line).is_none());
        let four: Vec<_> = PLACES[..4].iter().map(|&place| (place, 1.0)).collect();
        assert!(Topography::through(&four).is_none());
        let unknown: Vec<_> = PLACES.map(|place| (place, f64::NAN)).to_vec();
        assert!(Topography::through(&unknown).is_some_and(|surface| surface.at(0.0, 0.0).is_nan()));
    }
}
