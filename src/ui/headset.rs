//! An unfolded headset: its fields under Cortex's names, and its clock. Used for the selected headset in the
//! headsets pane, and for the session's headset in the session pane.

use ratatui::text::{Line, Span};

use super::{context::RenderContext, glyphs, text, theme::ThemeToken};
use cortop_client::Headset;

/// Width of the names.
const NAME: usize = 17;
/// Maximum number of members shown that this program does not know.
const OTHER_SHOWN: usize = 16;

/// One line per field, or more if its value is long.
pub(super) fn fields(
    ctx: &RenderContext<'_>,
    headset: &Headset,
    width: usize,
) -> Vec<Line<'static>> {
    // Before a headset is connected, Cortex sends 0 for what it does not know.
    let is_known = |value: f64| headset.is_connected() || value != 0.0;
    let number = |value: Option<f64>| {
        value.filter(|&v| is_known(v)).map_or_else(|| glyphs::UNKNOWN.to_owned(), |v| v.to_string())
    };
    let settings = &headset.settings;
    let clock = ctx.app.headsets.clocks.get(&headset.id);
    let electrodes = headset.flex_mappings.iter().flat_map(|montage| &montage.mappings);
    let electrodes: Vec<_> = electrodes.map(|(plug, place)| format!("{plug}:{place}")).collect();
    let rows = [
        ("status", headset.status.to_string()),
        ("connectedBy", headset.connected_by.clone()),
        ("dongle", headset.dongle.clone()),
        ("firmware", headset.firmware.clone()),
        ("customName", headset.custom_name.clone()),
        ("sensors", headset.sensors.join(" ")),
        ("motionSensors", headset.motion_sensors.join(" ")),
        ("mode", settings.mode.clone()),
        ("eegRate", format!("{} Hz", number(settings.eeg_rate))),
        ("eegRes", format!("{} bit", number(settings.eeg_res))),
        ("memsRate", format!("{} Hz", number(settings.mems_rate))),
        ("memsRes", format!("{} bit", number(settings.mems_res))),
        ("headband", headset.headband_position.clone().unwrap_or_default()),
        ("isVirtual", headset.is_virtual.to_string()),
        ("isDfuMode", headset.is_dfu_mode.to_string()),
    ];
    let known = rows.into_iter().map(|(name, value)| (name.to_owned(), value));
    // Most headsets have no mapping: do not waste a row.
    let mapped = ("flexMappings".to_owned(), electrodes.join(" "));
    let clock = clock.map(|clock| ("clock".to_owned(), clock.to_string()));
    let rare = Some(mapped).filter(|(_, value)| !value.is_empty()).into_iter().chain(clock);
    let other = headset.other.iter().map(|(name, value)| (text::clean(name), value.to_string()));
    known
        .chain(rare)
        .chain(other.take(OTHER_SHOWN))
        .flat_map(|(name, value)| field(ctx, &name, &value, width))
        .collect()
}

fn field(ctx: &RenderContext<'_>, name: &str, value: &str, width: usize) -> Vec<Line<'static>> {
    let value = if value.is_empty() { glyphs::UNKNOWN.to_owned() } else { text::clean(value) };
    let names = std::iter::once(format!("   {name}")).chain(std::iter::repeat(String::new()));
    let room = width.saturating_sub(NAME + 1);
    let parts = text::wrap(&value, room);
    names
        .zip(parts)
        .map(|(name, part)| {
            let name = ctx.span(ThemeToken::Dim, text::pad(&name, NAME));
            Line::from(vec![name, Span::raw(" "), ctx.span(ThemeToken::Text, part)])
        })
        .collect()
}
