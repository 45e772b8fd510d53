//! What a new reading of the configuration changes while the program runs.

use tracing::{info, warn};

use super::{App, Effect, ReloadedSettings, Severity};

impl App {
    /// Takes over the settings that were read again, and says what changed; or why none has.
    pub(super) fn on_reloaded(
        &mut self,
        reloaded: Result<Box<ReloadedSettings>, String>,
    ) -> Vec<Effect> {
        let reloaded = match reloaded {
            Ok(reloaded) => *reloaded,
            Err(why) => {
                let text = format!("nothing was reloaded: {why}");
                warn!("{text}");
                self.notify(Severity::Problem, text);
                return Vec::new();
            }
        };
        let ReloadedSettings { keymap, markers, alerts, fps, themes, theme, mouse, report } =
            reloaded;
        let shown = theme.or_else(|| self.settings.themes.get(self.theme).cloned());
        // The places of the names may be others; a theme that is gone gives way to the default.
        let place = themes.iter().position(|name| Some(name) == shown.as_ref());
        self.theme = place.unwrap_or_default();
        if self.settings.alerts != alerts {
            // What was said by other rules is neither over nor said again at once.
            self.alerts.forget(self.now.instant);
        }
        let settings = &mut self.settings;
        (settings.keymap, settings.markers, settings.alerts) = (keymap, markers, alerts);
        (settings.fps, settings.themes) = (fps, themes);
        for line in &report {
            info!("{line}");
        }
        self.notify(Severity::Info, report.join(" · "));
        let changed = mouse.filter(|mouse| *mouse != self.mouse);
        self.mouse = changed.unwrap_or(self.mouse);
        changed.map(Effect::Mouse).into_iter().collect()
    }
}
