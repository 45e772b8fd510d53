//! Applies a configuration that was read again while the program runs.

use tracing::{info, warn};

use super::{App, Effect, ReloadedSettings, Severity};
use cortop_client::Command;

impl App {
    /// Applies the settings and reports what changed, or why nothing did.
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
        let ReloadedSettings {
            keymap,
            markers,
            alerts,
            fps,
            themes,
            theme,
            mouse,
            reconnect,
            report,
        } = reloaded;
        let shown = theme.or_else(|| self.settings.themes.get(self.theme).cloned());
        // The order of the names may have changed; a theme that is gone gives way to the default.
        let place = themes.iter().position(|name| Some(name) == shown.as_ref());
        self.theme = place.unwrap_or_default();
        if self.settings.alerts != alerts {
            // Alerts raised under the old rules are neither over nor repeated at once.
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
        let connect = reconnect.then_some(Effect::Command(Command::Connect));
        changed.map(Effect::Mouse).into_iter().chain(connect).collect()
    }
}
