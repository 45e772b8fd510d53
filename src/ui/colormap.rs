//! The colormap for areas, from dark blue (low) to yellow (high): cividis, which is perceptually uniform and
//! suits colour vision deficiency (J. R. Nuñez, C. R. Anderton and R. S. Renslow, "Optimizing colormaps with
//! consideration for color vision deficiency to enable accurate interpretation of scientific data", `PLoS`
//! ONE 13, 2018), sampled at equal steps.

use ratatui::style::Color;

use super::Colors;

/// The colours at the steps, from low to high.
const STEPS: [[u8; 3]; 9] = [
    [0, 34, 78],
    [26, 56, 111],
    [67, 78, 108],
    [97, 101, 111],
    [125, 124, 120],
    [155, 148, 118],
    [188, 174, 108],
    [222, 201, 88],
    [254, 232, 56],
];

/// The levels of the colour cube that a 256-colour terminal has besides its first 16 colours and its greys.
const CUBE: [u8; 6] = [0, 95, 135, 175, 215, 255];
const GREYS: u8 = 24;

/// The colour of a value from 0 to 1 on the scale; `None` if the terminal has too few colours for a scale.
pub(super) fn color(share: f64, colors: Colors) -> Option<Color> {
    let [red, green, blue] = rgb(share);
    match colors {
        Colors::None | Colors::Sixteen => None,
        Colors::Indexed => Some(Color::Indexed(nearest([red, green, blue]))),
        Colors::Rgb => Some(Color::Rgb(red, green, blue)),
    }
}

/// The text colour with the better contrast on that colour.
pub(super) const fn contrasting(share: f64) -> Color {
    // Where cividis reaches half its lightness.
    if share < 0.5 { Color::White } else { Color::Black }
}

fn rgb(share: f64) -> [u8; 3] {
    let place = share.clamp(0.0, 1.0) * (STEPS.len() - 1) as f64;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped; NaN is 0"
    )]
    let step = (place as usize).min(STEPS.len() - 2);
    let (low, high, part) = (STEPS[step], STEPS[step + 1], place - step as f64);
    std::array::from_fn(|at| {
        let (low, high) = (f64::from(low[at]), f64::from(high[at]));
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between two bytes; NaN is 0"
        )]
        let level = (low + (high - low) * part).round() as u8;
        level
    })
}

/// The closest of the terminal's 240 fixed colours.
fn nearest(rgb: [u8; 3]) -> u8 {
    let distance = |other: [u8; 3]| -> u32 {
        rgb.iter().zip(other).map(|(one, other)| u32::from(one.abs_diff(other)).pow(2)).sum()
    };
    let level = |value: u8| (0..).zip(CUBE).min_by_key(|(_, own)| own.abs_diff(value));
    let cube = rgb.map(|value| level(value).unwrap_or_default());
    let [red, green, blue] = cube.map(|(place, _)| place);
    let grey = (0..GREYS).min_by_key(|step| distance([8 + 10 * step; 3])).unwrap_or_default();
    if distance(cube.map(|(_, level)| level)) <= distance([8 + 10 * grey; 3]) {
        16 + 36 * red + 6 * green + blue
    } else {
        232 + grey
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_grows_lighter_all_the_way() {
        let lightness = |share: f64| {
            let [red, green, blue] = rgb(share).map(f64::from);
            0.2126 * red + 0.7152 * green + 0.0722 * blue
        };
        for step in 0..100 {
            let share = f64::from(step) / 100.0;
            assert!(lightness(share) < lightness(share + 0.01), "{share}");
        }
        for (share, own) in [(-1.0, STEPS[0]), (2.0, STEPS[8])] {
            assert_eq!(rgb(share), own, "{share}");
        }
    }

    #[test]
    fn colours_that_the_terminal_has_are_found() {
        assert_eq!(nearest([0, 0, 0]), 16);
        assert_eq!(nearest([255, 215, 95]), 221);
        assert_eq!(nearest([128, 128, 128]), 244);
        assert_eq!(color(0.3, Colors::Sixteen), None);
        assert_eq!(color(0.0, Colors::Rgb), Some(Color::Rgb(0, 34, 78)));
    }
}
