//! Themes: TOML files that give each token a 16-colour value, an RGB value and modifiers. Some are embedded;
//! a user's file of the same name overrides them. `auto` has no file: it chooses one by the terminal's
//! background.

use std::{
    cell::LazyCell,
    collections::BTreeMap,
    fs,
    path::Path,
    sync::{Arc, OnceLock},
};

use ratatui::style::{Color, Modifier, Style};
use serde::Deserialize;

use super::{Background, Colors, UiOptions};

/// The meaning of something on the screen. Colour is never the only sign: a glyph or word goes with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ThemeToken {
    /// Ordinary text.
    Text,
    /// Labels, units, explanations.
    Dim,
    /// Titles of panes.
    Title,
    /// Borders.
    Border,
    /// The border and title of the focused pane.
    Focus,
    /// Keys in the footer and the help.
    Key,
    /// The selected row.
    Selection,
    /// Contact level 4, and all is well.
    Good,
    /// Contact level 3.
    Fair,
    /// Contact level 2, and what deserves attention.
    Poor,
    /// Contact level 1, and errors.
    Bad,
    /// Contact level 0: no contact, the most prominent.
    None,
    /// Data that have stopped arriving.
    Stale,
    /// Changed within the last seconds.
    Changed,
    /// Traces in every other row.
    Trace,
    /// Traces in the rows between.
    TraceAlt,
    /// Markers in the signal.
    Marker,
    /// The cursors of a frozen picture and their values.
    Cursor,
    /// Axes and scales.
    Axis,
}

/// A modifier by name.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum TextModifier {
    Bold,
    Dim,
    Italic,
    Underlined,
    Reversed,
}

impl From<TextModifier> for Modifier {
    fn from(effect: TextModifier) -> Self {
        match effect {
            TextModifier::Bold => Self::BOLD,
            TextModifier::Dim => Self::DIM,
            TextModifier::Italic => Self::ITALIC,
            TextModifier::Underlined => Self::UNDERLINED,
            TextModifier::Reversed => Self::REVERSED,
        }
    }
}

/// The style of a token. The terminal's own background is kept; `reversed` swaps.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct StyleSpec {
    /// The 16-colour value; the terminal's own foreground if `None`.
    color: Option<Color>,
    /// The value for terminals with RGB colours.
    rgb: Option<Color>,
    modifiers: Vec<TextModifier>,
}

/// A theme file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ThemeFile {
    /// The theme whose styles fill in for omitted tokens; `ansi` if `None`.
    inherits: Option<String>,
    /// The background that the theme is made for; it is not painted.
    #[cfg_attr(not(test), expect(dead_code, reason = "the tests hold the contrast against it"))]
    background: Option<Color>,
    #[serde(default)]
    tokens: BTreeMap<ThemeToken, StyleSpec>,
    /// The colours of the traces by channel, repeated; if empty, `trace` and `trace-alt`.
    #[serde(default)]
    channels: Vec<StyleSpec>,
}

/// The default theme's name.
pub(super) const AUTO: &str = "auto";

/// The theme that `auto` stands for: `ansi` until the terminal reports its background.
const fn auto(background: Option<Background>) -> &'static str {
    match background {
        None => "ansi",
        Some(Background::Dark) => "hues-dark",
        Some(Background::Light) => "hues-light",
    }
}

/// Relative luminance as defined by WCAG 2, of red, green and blue, each from 0 to 1.
pub(super) fn luminance(red: f64, green: f64, blue: f64) -> f64 {
    let linear = |share: f64| {
        if share <= 0.040_45 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
}

/// The embedded themes; the first has every token and fills in for what others omit.
static EMBEDDED: [EmbeddedTheme; 8] = [
    EmbeddedTheme::new("ansi", include_str!("../../themes/ansi.toml")),
    EmbeddedTheme::new("light", include_str!("../../themes/light.toml")),
    EmbeddedTheme::new("mono", include_str!("../../themes/mono.toml")),
    EmbeddedTheme::new("high-contrast", include_str!("../../themes/high-contrast.toml")),
    EmbeddedTheme::new("hues-dark", include_str!("../../themes/hues-dark.toml")),
    EmbeddedTheme::new("hues-light", include_str!("../../themes/hues-light.toml")),
    EmbeddedTheme::new("pastel", include_str!("../../themes/pastel.toml")),
    EmbeddedTheme::new("colour-blind", include_str!("../../themes/colour-blind.toml")),
];

/// The head of the theme that [`sample`] prints.
const SAMPLE_HEAD: &str = "\
# A theme for cortop: save it as NAME.toml in the folder themes beside the configuration, then choose
# it with theme = \"NAME\" or --theme NAME. Every line is commented out; what stands here is ansi.
";

/// The theme that `cortop print theme` prints: `ansi`, with each setting commented out.
#[must_use]
pub fn sample() -> String {
    let mut text = SAMPLE_HEAD.to_owned();
    for line in EMBEDDED[0].text.lines() {
        let is_setting = !line.is_empty() && !line.starts_with('#');
        text.extend([if is_setting { "#" } else { "" }, line, "\n"]);
    }
    text
}

/// Maximum number of theme files read from the user's directory; more than anybody has, so that a wrong
/// directory does no harm.
const FILES_READ: usize = 64;

/// An embedded theme file. It is parsed once, when it is first shown: parsing all of them would take a third
/// of the time to the first frame.
#[derive(Debug)]
struct EmbeddedTheme {
    name: &'static str,
    text: &'static str,
    parsed: OnceLock<ThemeFile>,
}

impl EmbeddedTheme {
    const fn new(name: &'static str, text: &'static str) -> Self {
        Self { name, text, parsed: OnceLock::new() }
    }
}

/// Where a theme comes from.
#[derive(Debug)]
enum ThemeSource {
    Embedded(&'static EmbeddedTheme),
    /// A file of the user's.
    Own {
        name: String,
        file: ThemeFile,
    },
}

impl ThemeSource {
    fn name(&self) -> &str {
        match self {
            Self::Embedded(embedded) => embedded.name,
            Self::Own { name, .. } => name,
        }
    }

    fn file(&self) -> &ThemeFile {
        match self {
            // A test parses all embedded themes.
            Self::Embedded(EmbeddedTheme { text, parsed, .. }) => {
                parsed.get_or_init(|| toml::from_str(text).unwrap_or_default())
            }
            Self::Own { file, .. } => file,
        }
    }
}

/// A theme, resolved for the terminal.
#[derive(Debug)]
pub(super) struct Theme {
    /// Its name.
    pub(super) name: String,
    looks: LazyCell<ThemeStyles, Box<dyn FnOnce() -> ThemeStyles + Send>>,
}

/// The styles of a theme, resolved for the terminal.
#[derive(Debug, Default, PartialEq)]
struct ThemeStyles {
    styles: BTreeMap<ThemeToken, Style>,
    channels: Vec<Style>,
}

impl Default for Theme {
    fn default() -> Self {
        Self { name: String::new(), looks: LazyCell::new(Box::new(ThemeStyles::default)) }
    }
}

impl Theme {
    /// Whether all its styles equal those of another theme.
    pub(super) fn looks_like(&self, other: &Self) -> bool {
        *self.looks == *other.looks
    }

    /// The style of a token.
    #[must_use]
    pub(super) fn style(&self, token: ThemeToken) -> Style {
        self.looks.styles.get(&token).copied().unwrap_or_default()
    }

    /// The style of a channel's trace, by the channel's index in its stream.
    #[must_use]
    pub(super) fn channel(&self, place: usize) -> Style {
        let own = &self.looks.channels;
        let own = own.get(place % own.len().max(1)).copied();
        let other = if place.is_multiple_of(2) { ThemeToken::Trace } else { ThemeToken::TraceAlt };
        own.unwrap_or_else(|| self.style(other))
    }
}

/// The theme at an index among the names, of which [`AUTO`] is the first.
pub(super) fn at(themes: &[Theme], background: Option<Background>, place: usize) -> Option<&Theme> {
    let Some(place) = place.checked_sub(1) else {
        return themes.iter().find(|theme| theme.name == auto(background));
    };
    themes.get(place)
}

/// All themes, `ansi` first, and a warning for each skipped file.
#[must_use]
pub(super) fn load(options: &UiOptions) -> (Vec<Theme>, Vec<String>) {
    let mut sources: Vec<_> = EMBEDDED.iter().map(ThemeSource::Embedded).collect();
    let mut warnings = Vec::new();
    let own = options.themes.as_deref().map(|dir| read(dir, &mut warnings)).unwrap_or_default();
    for (name, place, text) in own {
        match toml::from_str::<ThemeFile>(&text) {
            Ok(file) => match sources.iter_mut().find(|other| other.name() == name) {
                Some(other) => *other = ThemeSource::Own { name, file },
                None => sources.push(ThemeSource::Own { name, file }),
            },
            Err(error) => warnings.push(format!("{place} is left out; fix it: {error}")),
        }
    }
    for source in &sources {
        let ThemeSource::Own { name, file } = source else { continue };
        let base = file.inherits.as_ref();
        if let Some(base) = base.filter(|base| sources.iter().all(|other| other.name() != **base)) {
            warnings.push(format!(
                "theme {name}: inherits = \"{base}\" names no theme; ansi stands in"
            ));
        }
    }
    let (sources, colors) = (Arc::new(sources), options.colors);
    let themes = sources.iter().enumerate().map(|(place, source)| {
        let sources = Arc::clone(&sources);
        let looks = move || {
            let file = sources[place].file();
            let styles = styles(file, &sources, colors);
            ThemeStyles { styles, channels: channels(file, &sources, colors) }
        };
        Theme { name: source.name().to_owned(), looks: LazyCell::new(Box::new(looks)) }
    });
    (themes.collect(), warnings)
}

/// The user's files: name, path, text.
fn read(dir: &Path, warnings: &mut Vec<String>) -> Vec<(String, String, String)> {
    // A missing directory means that the user has no themes.
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    let mut paths: Vec<_> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .take(FILES_READ)
        .collect();
    paths.sort();
    paths
        .into_iter()
        .filter_map(|path| {
            let name = path.file_stem()?.to_string_lossy().into_owned();
            let place = format!("theme file {}", path.display());
            if name == AUTO {
                warnings.push(format!("{place} is left out: {AUTO} chooses among the others"));
                return None;
            }
            match fs::read_to_string(&path) {
                Ok(text) => Some((name, place, text)),
                Err(error) => {
                    warnings.push(format!("{place} is left out; it cannot be read: {error}"));
                    None
                }
            }
        })
        .collect()
}

/// The file that a theme inherits from, if it names an existing one.
fn base<'a>(file: &ThemeFile, sources: &'a [ThemeSource]) -> Option<&'a ThemeFile> {
    let name = file.inherits.as_ref()?;
    sources.iter().find(|other| other.name() == name).map(ThemeSource::file)
}

/// A theme's own channel colours, else the inherited ones.
fn channels(file: &ThemeFile, sources: &[ThemeSource], colors: Colors) -> Vec<Style> {
    let lists = [Some(file), base(file, sources)].into_iter().flatten().map(|file| &file.channels);
    let own = lists.into_iter().find(|list| !list.is_empty());
    own.into_iter().flatten().map(|look| style(look, colors)).collect()
}

/// A theme's own styles over the inherited ones over the default's.
fn styles(
    file: &ThemeFile,
    sources: &[ThemeSource],
    colors: Colors,
) -> BTreeMap<ThemeToken, Style> {
    sources
        .first()
        .map(ThemeSource::file)
        .into_iter()
        .chain(base(file, sources))
        .chain([file])
        .flat_map(|file| &file.tokens)
        .map(|(&token, look)| (token, style(look, colors)))
        .collect()
}

fn style(look: &StyleSpec, colors: Colors) -> Style {
    let color = match colors {
        Colors::None => None,
        Colors::Sixteen | Colors::Indexed => look.color,
        Colors::Rgb => look.rgb.or(look.color),
    };
    let modifiers = look.modifiers.iter().map(|&effect| Modifier::from(effect)).collect();
    Style { fg: color, add_modifier: modifiers, ..Style::new() }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn file(text: &str) -> ThemeFile {
        toml::from_str(text).expect("an embedded theme")
    }

    #[test]
    fn auto_is_an_embedded_theme_for_that_background() {
        for background in [None, Some(Background::Dark), Some(Background::Light)] {
            let name = auto(background);
            let theme = EMBEDDED.iter().find(|other| other.name == name).expect("embedded");
            let made_for = file(theme.text).background.map(|color| {
                let Color::Rgb(r, g, b) = color else { panic!("{color} is not RGB") };
                let [r, g, b] = [r, g, b].map(|part| f64::from(part) / 255.0);
                Background::of(r, g, b)
            });
            assert_eq!(made_for, background, "{name}");
        }
    }

    #[test]
    fn the_embedded_themes_have_every_token_and_the_first_is_ansi() {
        let (themes, warnings) = load(&UiOptions::default());
        assert_eq!(warnings, Vec::<String>::new());
        assert_eq!(themes[0].name, "ansi");
        for EmbeddedTheme { name, text, .. } in &EMBEDDED {
            assert_eq!(file(text).tokens.len(), ThemeToken::Axis as usize + 1, "{name}");
        }
    }

    #[test]
    fn sixteen_colours_are_sixteen_and_rgb_can_be_read() {
        for EmbeddedTheme { name, text, .. } in &EMBEDDED {
            let file = file(text);
            for (token, look) in &file.tokens {
                assert!(
                    !matches!(look.color, Some(Color::Rgb(..) | Color::Indexed(_))),
                    "{name} {token:?}"
                );
                let is_text = !matches!(
                    token,
                    ThemeToken::Border
                        | ThemeToken::Axis
                        | ThemeToken::Trace
                        | ThemeToken::TraceAlt
                );
                let least = if is_text { 4.5 } else { 3.0 };
                assert!(
                    contrast_of(look, &file).is_none_or(|ratio| ratio >= least),
                    "{name} {token:?}"
                );
            }
            for look in &file.channels {
                assert!(!matches!(look.color, Some(Color::Rgb(..) | Color::Indexed(_))), "{name}");
                assert!(
                    contrast_of(look, &file).is_none_or(|ratio| ratio >= 3.0),
                    "{name} {look:?}"
                );
            }
        }
    }

    /// The lowest contrast of a style's RGB value, if it has one, with the background of its theme and with
    /// similar tokens.
    fn contrast_of(look: &StyleSpec, file: &ThemeFile) -> Option<f64> {
        let rgb = look.rgb?;
        let own = file.background.expect("a theme with RGB says its background");
        let dark = contrast(own, Color::Rgb(255, 255, 255)) > contrast(own, Color::Rgb(0, 0, 0));
        let others = if dark { [0x00_0000, 0x1e_1e1e] } else { [0xff_ffff, 0xfd_f6e3] };
        let backgrounds = others.into_iter().map(Color::from_u32).chain([own]);
        backgrounds.map(|background| contrast(rgb, background)).reduce(f64::min)
    }

    /// How prominent a style is, regardless of its colour.
    fn loudness(style: Style) -> i32 {
        let weigh = |modifier, weight| {
            if style.add_modifier.contains(modifier) { weight } else { 0 }
        };
        weigh(Modifier::REVERSED, 8)
            + weigh(Modifier::BOLD, 4)
            + weigh(Modifier::UNDERLINED, 2)
            + weigh(Modifier::DIM, -1)
    }

    #[test]
    fn a_worse_contact_level_is_louder_in_every_theme_without_colours_too() {
        for colors in [Colors::None, Colors::Sixteen, Colors::Indexed, Colors::Rgb] {
            for theme in load(&UiOptions { colors, ..UiOptions::default() }).0 {
                let louder =
                    [ThemeToken::None, ThemeToken::Bad, ThemeToken::Poor, ThemeToken::Fair];
                let loud = louder.map(|token| loudness(theme.style(token)));
                assert!(loud.is_sorted_by(|a, b| a > b), "{} {colors:?} {loud:?}", theme.name);
                assert!(loud[3] >= loudness(theme.style(ThemeToken::Good)), "{}", theme.name);
            }
        }
    }

    #[test]
    fn the_sample_explains_each_token_and_is_ansi_when_uncommented() {
        let sample = sample();
        let is_setting = |line: &&str| line.starts_with('#') && !line.starts_with("# ");
        let uncommented: Vec<_> =
            sample.lines().map(|line| if is_setting(&line) { &line[1..] } else { line }).collect();
        assert_eq!(file(&uncommented.join("\n")).tokens.len(), ThemeToken::Axis as usize + 1);
        assert!(file(&sample).tokens.is_empty(), "all of it is commented out");
        let tokens = sample.lines().skip_while(|line| *line != "#[tokens]").skip(1);
        let tokens: Vec<_> = tokens.collect();
        assert!(tokens.chunks(2).all(|pair| pair[0].starts_with("# ") && is_setting(&pair[1])));
    }

    #[test]
    fn four_themes_have_a_colour_for_each_channel_of_a_headset() {
        let rich = EMBEDDED.iter().filter(|EmbeddedTheme { text, .. }| {
            let channels = file(text).channels;
            let colours = channels.iter().filter_map(|look| look.rgb.map(|rgb| rgb.to_string()));
            channels.len() >= 14 && colours.collect::<BTreeSet<_>>().len() == channels.len()
        });
        assert_eq!(rich.count(), 4);
    }

    #[test]
    fn channels_take_the_themes_list_over_and_over_or_the_two_tokens() {
        let theme = |options: &UiOptions, name: &str| {
            let themes = load(options).0.into_iter();
            themes.into_iter().find(|theme| theme.name == name).expect("embedded")
        };
        let rgb = UiOptions { colors: Colors::Rgb, ..UiOptions::default() };
        let hues = theme(&rgb, "hues-dark");
        assert_eq!(hues.channel(16), hues.channel(0));
        assert!((1..16).all(|place| hues.channel(place) != hues.channel(0)));
        assert!(matches!(hues.channel(0).fg, Some(Color::Rgb(..))));
        let plain = theme(&UiOptions::default(), "hues-dark").channel(0).fg;
        assert!(plain.is_some_and(|color| !matches!(color, Color::Rgb(..))));
        let high = theme(&UiOptions::default(), "high-contrast");
        assert_eq!(high.channel(3), high.style(ThemeToken::TraceAlt));
        assert_eq!(theme(&rgb, "mono").channel(5), Style::new());
    }

    /// The contrast ratio as defined by WCAG 2.
    fn contrast(one: Color, other: Color) -> f64 {
        let luminance = |color| {
            let Color::Rgb(r, g, b) = color else { panic!("{color} is not RGB") };
            let [r, g, b] = [r, g, b].map(|part| f64::from(part) / 255.0);
            super::luminance(r, g, b)
        };
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    #[test]
    fn an_unknown_key_is_refused_by_name_and_place() {
        for (text, name) in [
            ("[tokens]\ntext = { colour = \"red\" }", "colour"),
            ("[tokens]\ntraces = {}", "traces"),
            ("backgruond = \"#ffffff\"", "backgruond"),
        ] {
            let error = toml::from_str::<ThemeFile>(text).expect_err(text).to_string();
            assert!(
                error.contains(name) && error.contains("line") && error.contains('^'),
                "{error}"
            );
        }
    }

    #[test]
    fn a_users_file_wins_adds_inherits_and_never_stops_the_program() {
        let dir = tempfile::tempdir().expect("a directory");
        let write =
            |name: &str, text: &str| fs::write(dir.path().join(name), text).expect("written");
        write("light.toml", "[tokens]\ngood = { color = \"blue\" }");
        write("mine.toml", "inherits = \"mono\"\n[tokens]\nbad = { color = \"magenta\" }");
        write("broken.toml", "[tokens]\ntext = 3");
        write("auto.toml", "inherits = \"mono\"");
        let options = UiOptions { themes: Some(dir.path().to_owned()), ..UiOptions::default() };
        let (themes, warnings) = load(&options);
        let theme = |name| themes.iter().find(|theme| theme.name == name).expect("there");
        assert_eq!(theme("light").style(ThemeToken::Good).fg, Some(Color::Blue));
        assert_eq!(theme("mine").style(ThemeToken::Bad).fg, Some(Color::Magenta));
        assert_eq!(theme("mine").style(ThemeToken::Dim), Style::new().add_modifier(Modifier::DIM));
        assert_eq!(themes.len(), EMBEDDED.len() + 1);
        let [auto, broken] = &warnings[..] else { panic!("{warnings:?}") };
        assert!(auto.contains("auto.toml") && broken.contains("broken.toml"), "{warnings:?}");
    }

    #[test]
    fn without_colours_the_selection_is_still_seen() {
        let options = UiOptions { colors: Colors::None, ..UiOptions::default() };
        for theme in load(&options).0 {
            let mut styles = theme.looks.styles.values().chain(&theme.looks.channels);
            assert!(styles.all(|style| style.fg.is_none()));
            let selection = theme.style(ThemeToken::Selection);
            assert!(selection.add_modifier.contains(Modifier::REVERSED));
        }
    }
}
