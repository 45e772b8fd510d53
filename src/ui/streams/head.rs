//! The head from above with its sensors, as large as an area allows: front is up, left is left.
//! Knows places and labels; what a label says is for those who draw it.

use ratatui::{buffer::Buffer, layout::Rect};

use super::electrode_positions;
use crate::ui::{context::RenderContext, glyphs, paint, theme::Token};

/// Cells of a label before the sensor's name: its glyph.
const GLYPH: u16 = 1;
/// Columns to a row where a circle looks round, and how far the head may be from that.
const ROUND: f64 = 2.0;
const STRETCH: f64 = 1.3;
/// Rows that the nose takes.
const NOSE: u16 = 1;

/// The places of sensors in an area, by their order.
pub(super) struct HeadMap {
    area: Rect,
    /// Half of the head's width and height in cells, to the centres of the outermost cells.
    half: (f64, f64),
    /// Each sensor's label; `None` for one that is not of the 10–20 system.
    pub(super) labels: Vec<Option<Rect>>,
}

impl HeadMap {
    /// The largest head in an area on which no label lies on another; `None` if there is none, or
    /// nothing to show on it.
    pub(super) fn fit(names: &[&str], area: Rect) -> Option<Self> {
        let places: Vec<_> = names.iter().map(|name| electrode_positions::place(name)).collect();
        let known = || places.iter().flatten();
        let reach =
            |axis: fn(&(f64, f64)) -> f64| known().map(|p| axis(p).abs()).fold(1.0, f64::max);
        let (far_x, far_y) = (reach(|place| place.0), reach(|place| place.1));
        let width = |name: &str| paint::cells(name.chars().count()) + GLYPH;
        let widest = names.iter().map(|name| width(name)).max()?;
        known().next()?;
        let room = (area.width.checked_sub(widest)?, area.height.checked_sub(NOSE + 1)?);
        let half = (f64::from(room.0) / 2.0 / far_x, f64::from(room.1) / 2.0 / far_y);
        let half = (half.0.min(half.1 * ROUND * STRETCH), half.1.min(half.0 / ROUND * STRETCH));
        let centre_x = f64::from(area.width - 1) / 2.0;
        let centre_y = f64::from(NOSE) + half.1 * far_y;
        let label = |name: &str, (x, y): (f64, f64)| {
            let width = width(name);
            let left = cell(centre_x + x * half.0 - f64::from(width - 1) / 2.0, area.width - width);
            let y = cell(centre_y - y * half.1, area.height - 1);
            Rect { x: area.x + left, y: area.y + y, width, height: 1 }
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
        let used = cell((centre_y + far_y * half.1).ceil() + 1.0, area.height);
        Some(Self { area: Rect { height: used, ..area }, half, labels })
    }

    /// Draws nose and outline; the labels come on top.
    pub(super) fn draw(&self, ctx: &RenderContext<'_>, buffer: &mut Buffer) {
        let Self { area, half, .. } = self;
        let (columns, rows) = (usize::from(area.width), usize::from(area.height));
        let mut dots = vec![[0_u8; 2]; columns * rows];
        let centre = (f64::from(area.width) / 2.0, f64::from(area.height + NOSE) / 2.0);
        // More steps than dots on the outline, so that it has no gap.
        let steps = 7 * (columns + 2 * rows);
        for step in 0..steps {
            let (sin, cos) = (step as f64 / steps as f64 * std::f64::consts::TAU).sin_cos();
            let x = 2.0 * (centre.0 + half.0 * cos) - 0.5;
            let y = 4.0 * (centre.1 - half.1 * sin) - 0.5;
            let x = usize::from(cell(x, area.width * 2 - 1));
            let y = usize::from(cell(y, area.height * 4 - 1));
            if let Some(cell) = dots.get_mut(y / 4 * columns + x / 2) {
                cell[x % 2] |= 1 << (y % 4);
            }
        }
        let style = ctx.style(Token::Axis);
        for (row, dots) in area.rows().zip(dots.chunks(columns.max(1))) {
            for (x, [left, right]) in
                (row.x..).zip(dots).filter(|(_, [left, right])| left | right != 0)
            {
                if let Some(cell) = buffer.cell_mut((x, row.y)) {
                    cell.set_char(glyphs::braille(*left, *right)).set_style(style);
                }
            }
        }
        let nose = "nose";
        let at = area.x + (area.width.saturating_sub(paint::cells(nose.len()))) / 2;
        let top = Rect { x: at, height: 1, ..*area }.intersection(*area);
        paint::line(&ctx.span(Token::Axis, nose).into(), top, buffer);
        // A cell of air around each label, where the outline passes behind it.
        for label in self.labels.iter().flatten() {
            let air = Rect { x: label.x.saturating_sub(1), width: label.width + 2, ..*label };
            let air = air.intersection(*area);
            paint::line(&ctx.span(Token::Axis, " ".repeat(air.width.into())).into(), air, buffer);
        }
    }
}

/// The cell nearest to a place, at most the last one.
fn cell(place: f64, last: u16) -> u16 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped; NaN is 0"
    )]
    let cell = place.round().clamp(0.0, f64::from(last)) as u16;
    cell
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use cortop_client::model::{EPOC_SENSORS, FLEX_SENSORS, INSIGHT_SENSORS, MN8_SENSORS};

    const MODELS: [&[&str]; 4] = [&EPOC_SENSORS, &FLEX_SENSORS, &INSIGHT_SENSORS, &MN8_SENSORS];

    /// Whether the labels lie in the area, and no two have a cell in common.
    fn is_sound(head: &HeadMap, area: Rect) -> bool {
        let labels: Vec<_> = head.labels.iter().flatten().collect();
        let inside = labels.iter().all(|label| label.intersection(area) == **label);
        let apart = |at: usize| labels[..at].iter().all(|other| !other.intersects(*labels[at]));
        inside && (0..labels.len()).all(apart)
    }

    #[test]
    fn each_headset_fits_beside_its_table_at_the_sizes_there_are() {
        // What the streams pane leaves at 80×24 among the others, at 80×24 and 120×40 alone.
        for (width, height) in [(30, 11), (43, 15), (49, 15), (46, 32), (89, 32)] {
            let area = Rect { x: 31, y: 4, width, height };
            for names in MODELS {
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
