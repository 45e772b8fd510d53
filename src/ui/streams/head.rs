//! The head from above with its sensors, as large as the area allows; the front is up, left is left. Knows
//! positions and labels; the caller draws the text of a label.

use std::f64::consts::{FRAC_PI_2, TAU};

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use super::levels::SensorRow;
use crate::ui::{
    glyphs, paint, text,
    theme::{Theme, ThemeToken},
};
use cortop_signal::electrode_positions;

/// Cells before the sensor's name in a label, for its glyph.
const GLYPH: u16 = 1;
/// The height of a cell divided by its width.
const ASPECT: f64 = 2.0;
/// Rows of the nose.
const NOSE: u16 = 1;
/// How far ears and nose protrude, in radii, and half their width as an angle.
const OUT: f64 = 0.09;
const EAR: f64 = 0.2;
const TIP: f64 = 0.13;

/// The outline of a head in an area, without its sensors.
#[derive(Clone, Copy, Debug, PartialEq)]
struct HeadShape {
    area: Rect,
    /// The centre of the head in cells; the first cell spans 0 to 1.
    centre: (f64, f64),
    /// Half its width and height in cells.
    half: (f64, f64),
}

/// The last outline. It is kept until the head changes: computing it takes half as long as an empty frame.
#[derive(Debug, Default)]
pub(in crate::ui) struct OutlineCache {
    shape: Option<HeadShape>,
    /// Column, row and dots.
    cells: Vec<(u16, u16, char)>,
}

/// The positions of sensors in an area, in their order.
pub(in crate::ui) struct HeadMap {
    shape: HeadShape,
    /// Each sensor's label; `None` for one outside of the 10–20 system.
    pub(super) labels: Vec<Option<Rect>>,
}

impl HeadMap {
    /// The largest round head in an area whose labels do not overlap; `None` if there is none, or nothing to
    /// show on it.
    pub(in crate::ui) fn fit(names: &[&str], area: Rect) -> Option<Self> {
        let places: Vec<_> = names.iter().map(|name| electrode_positions::place(name)).collect();
        let known = || places.iter().flatten();
        let reach =
            |axis: fn(&(f64, f64)) -> f64| known().map(|p| axis(p).abs()).fold(1.0, f64::max);
        let (far_x, far_y) = (reach(|place| place.0), reach(|place| place.1));
        let width = |name: &str| paint::cells(name.chars().count()) + GLYPH;
        let widest = names.iter().map(|name| width(name)).max()?;
        known().next()?;
        let room = (area.width.checked_sub(widest)?, area.height.checked_sub(NOSE + 1)?);
        let half = f64::from(room.0) / 2.0 / far_x;
        let half = half.min(f64::from(room.1) / 2.0 / far_y * ASPECT);
        let half = (half, half / ASPECT);
        let centre = (
            f64::from(area.x) + f64::from(area.width) / 2.0,
            f64::from(area.y + NOSE) + 0.5 + half.1 * far_y,
        );
        let label = |name: &str, (x, y): (f64, f64)| {
            let width = width(name);
            let left = centre.0 + x * half.0 - f64::from(width) / 2.0;
            let left = nearest(left, area.x, area.right() - width);
            let y = nearest((centre.1 - y * half.1).floor(), area.y, area.bottom() - 1);
            Rect { x: left, y, width, height: 1 }
        };
        let labels: Vec<_> = names
            .iter()
            .zip(&places)
            .map(|(name, place)| place.map(|place| label(name, place)))
            .collect();
        let apart = |a: &Rect, b: &Rect| a.y != b.y || a.right() <= b.x || b.right() <= a.x;
        let mut rest = labels.iter().flatten();
        while let Some(label) = rest.next() {
            if !rest.clone().all(|other| apart(label, other)) {
                return None;
            }
        }
        let bottom = nearest((centre.1 + far_y * half.1 + 0.5).ceil(), area.y, area.bottom());
        let area = Rect { height: bottom - area.y, ..area };
        Some(Self { shape: HeadShape { area, centre, half }, labels })
    }

    /// The first row below the head.
    pub(in crate::ui) fn bottom(&self) -> u16 {
        self.shape.area.bottom()
    }

    /// The cells that the head may cover.
    pub(super) fn cells(&self) -> impl Iterator<Item = (u16, u16)> {
        let HeadShape { area, .. } = self.shape;
        (area.top()..area.bottom())
            .flat_map(move |y| (area.left()..area.right()).map(move |x| (x, y)))
    }

    /// The position on the head of the middle of a column at a height in cells: x to the right, y to the
    /// front, the outline at radius 1.
    pub(super) fn place(&self, x: u16, y: f64) -> (f64, f64) {
        let HeadShape { centre, half, .. } = self.shape;
        ((f64::from(x) + 0.5 - centre.0) / half.0, (centre.1 - y) / half.1)
    }

    /// Draws outline, nose and ears; the labels are drawn on top.
    pub(super) fn draw(&self, theme: &Theme, cache: &mut OutlineCache, buffer: &mut Buffer) {
        let style = theme.style(ThemeToken::Axis);
        if cache.shape != Some(self.shape) {
            *cache = OutlineCache { shape: Some(self.shape), cells: self.shape.outline() };
        }
        for &(x, y, char) in &cache.cells {
            if let Some(cell) = buffer.cell_mut((x, y)) {
                paint::glyph(char, style, cell);
            }
        }
        // Keep a blank around each label where the outline passes behind it.
        for label in self.labels.iter().flatten() {
            let air = Rect { x: label.x.saturating_sub(1), width: label.width + 2, ..*label };
            let air = air.intersection(self.shape.area);
            let blanks = Span::styled(" ".repeat(air.width.into()), style);
            paint::line(&blanks.into(), air, buffer);
        }
    }
}

impl HeadMap {
    /// Draws the head and each of its sensors with the glyph of its level.
    pub(in crate::ui) fn draw_sensors(
        &self,
        theme: &Theme,
        sensors: &[SensorRow<'_>],
        selected: Option<&str>,
        cache: &mut OutlineCache,
        buffer: &mut Buffer,
    ) {
        self.draw(theme, cache, buffer);
        for (sensor, label) in sensors.iter().zip(&self.labels) {
            let Some(label) = label else { continue };
            let (token, mark, _) = sensor.word();
            let name = match token {
                _ if selected == Some(sensor.name) => ThemeToken::Selection,
                ThemeToken::Good => ThemeToken::Text,
                _ => token,
            };
            let line = Line::from(vec![
                Span::styled(mark, theme.style(token)),
                Span::styled(text::clean(sensor.name), theme.style(name)),
            ]);
            paint::line(&line, *label, buffer);
        }
    }
}

impl HeadShape {
    /// The cells of outline, nose and ears: column, row and dots.
    fn outline(&self) -> Vec<(u16, u16, char)> {
        let area = self.area;
        let (columns, rows) = (usize::from(area.width), usize::from(area.height));
        let mut dots = vec![[0_u8; 2]; columns * rows];
        for (x, y) in self.outline_points() {
            let place = |value: f64, start: u16, count: u16| {
                nearest((value - f64::from(start)).floor(), 0, count.saturating_sub(1))
            };
            let x = 2.0 * (self.centre.0 + x * self.half.0);
            let y = 4.0 * (self.centre.1 - y * self.half.1);
            let x = usize::from(place(x, area.x * 2, area.width * 2));
            let y = usize::from(place(y, area.y * 4, area.height * 4));
            if let Some(cell) = dots.get_mut(y / 4 * columns + x / 2) {
                cell[x % 2] |= 1 << (y % 4);
            }
        }
        let places = area.positions().zip(&dots).filter(|(_, [left, right])| left | right != 0);
        places
            .map(|(place, &[left, right])| (place.x, place.y, glyphs::braille(left, right)))
            .collect()
    }

    /// Points on the outline of the head, nose and ears, spaced more densely than dots.
    fn outline_points(&self) -> impl Iterator<Item = (f64, f64)> {
        let steps = 7 * (usize::from(self.area.width) + 2 * usize::from(self.area.height));
        (0..steps).flat_map(move |step| {
            let angle = step as f64 / steps as f64 * TAU;
            let (y, x) = angle.sin_cos();
            // The angle from the nose, and from the nearer ear.
            let from_nose = (angle - FRAC_PI_2).abs() / TIP;
            let from_ear = y.asin().abs() / EAR;
            let out = if from_nose < 1.0 {
                Some(1.0 + 2.0 * OUT * (1.0 - from_nose))
            } else {
                (from_ear < 1.0).then(|| 1.0 + OUT * (1.0 - from_ear.powi(2)).sqrt())
            };
            std::iter::once((x, y)).chain(out.map(|out| (out * x, out * y)))
        })
    }
}

/// The cell nearest to a position, within `first` to `last`.
fn nearest(place: f64, first: u16, last: u16) -> u16 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped; NaN is 0"
    )]
    let cell = place.round().clamp(f64::from(first), f64::from(last.max(first))) as u16;
    cell
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use cortop_client::model::{EPOC_SENSORS, FLEX_SENSORS, INSIGHT_SENSORS, MN8_SENSORS};

    const MODELS: [&[&str]; 4] = [&EPOC_SENSORS, &FLEX_SENSORS, &INSIGHT_SENSORS, &MN8_SENSORS];

    /// Whether all labels lie in the area and none overlap.
    fn is_sound(head: &HeadMap, area: Rect) -> bool {
        let labels: Vec<_> = head.labels.iter().flatten().collect();
        let inside = labels.iter().all(|label| label.intersection(area) == **label);
        let apart = |at: usize| labels[..at].iter().all(|other| !other.intersects(*labels[at]));
        inside && (0..labels.len()).all(apart)
    }

    #[test]
    fn each_headset_fits_beside_its_table_at_the_sizes_there_are() {
        // What is left for the head in the streams pane among others at 80×24, and alone at 80×24 and 120×40.
        for (width, height) in [(30, 11), (43, 15), (49, 15), (46, 32), (89, 32)] {
            let area = Rect { x: 31, y: 4, width, height };
            // The 32 names of a Flex do not fit the smallest area.
            for names in MODELS.into_iter().filter(|names| width > 30 || names.len() < 32) {
                let head =
                    HeadMap::fit(names, area).unwrap_or_else(|| panic!("{names:?} in {area}"));
                assert!(is_sound(&head, area) && head.labels.iter().all(Option::is_some));
                let of = |name: &str| names.iter().position(|own| *own == name);
                let [left, right] =
                    ["T7", "T8"].map(|name| head.labels[of(name).unwrap()].unwrap());
                assert!(left.right() < right.x && left.y == right.y, "left is left");
                if let (Some(front), Some(back)) = (of("F7"), of("P7")) {
                    let [front, back] = [front, back].map(|at| head.labels[at].unwrap());
                    assert!(front.y < left.y && left.y < back.y, "front is up");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn no_label_lies_on_another_or_outside(
            width in 0..200_u16, height in 0..80_u16, model in 0..4_usize, odd in "[A-Za-z0-9µ]{0,6}"
        ) {
            let names: Vec<&str> = MODELS[model].iter().copied().chain([&*odd]).collect();
            let area = Rect { x: 3, y: 2, width, height };
            if let Some(head) = HeadMap::fit(&names, area) {
                prop_assert!(is_sound(&head, area));
            }
        }
    }

    #[test]
    fn names_of_another_system_are_on_no_head() {
        assert!(HeadMap::fit(&["L1", "R1"], Rect::new(0, 0, 60, 20)).is_none());
        let head = HeadMap::fit(&["L1", "T7"], Rect::new(0, 0, 60, 20)).unwrap();
        assert!(head.labels[0].is_none() && head.labels[1].is_some());
    }
}
