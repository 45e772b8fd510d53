//! The targets of the log, and the level up to which each is captured.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use log::LevelFilter;

/// Maximum number of records kept; the oldest is dropped first.
pub(super) const KEPT: usize = 1024;

/// The targets of the log with the prefix of their module paths; the first match counts.
pub const TARGETS: [(&str, &str); 6] = [
    ("requests", "cortop_client::link"),
    ("client", "cortop_client"),
    ("signal", "cortop_signal"),
    ("simulator", "cortop_sim"),
    ("monitor", "cortop"),
    ("other", ""),
];
/// The index in [`TARGETS`] of all other paths, which use tui-logger's default level.
pub(super) const OTHER: usize = TARGETS.len() - 1;

/// The index in [`TARGETS`] of a module path.
pub(super) fn target_of(path: &str) -> usize {
    TARGETS.iter().position(|(_, start)| path.starts_with(start)).unwrap_or(OTHER)
}

#[derive(Debug)]
pub(super) struct TargetLevels {
    pub(super) captured: [LevelFilter; TARGETS.len()],
    /// The module paths that have logged, each with its index in [`TARGETS`]; other paths are not stored.
    pub(super) paths: BTreeMap<&'static str, usize>,
}

/// The levels up to which targets are captured, shared by clones. tui-logger keeps a level per module path;
/// this maps paths to targets.
#[derive(Clone, Debug)]
pub struct LogTargets(Arc<Mutex<TargetLevels>>);

impl Default for LogTargets {
    /// All targets are captured up to INFO, as in a fresh tui-logger.
    fn default() -> Self {
        let captured = [LevelFilter::Info; TARGETS.len()];
        Self(Arc::new(Mutex::new(TargetLevels { captured, paths: BTreeMap::new() })))
    }
}

impl LogTargets {
    /// Starts tui-logger's buffer, with all targets captured up to a level.
    #[must_use]
    pub fn start(level: LevelFilter) -> Self {
        tui_logger::set_buffer_depth(KEPT);
        let targets = Self::default();
        (0..TARGETS.len()).for_each(|target| targets.capture(target, level));
        targets
    }

    /// Registers a module path that is about to log for the first time.
    pub fn register(&self, path: &'static str) {
        let target = target_of(path);
        if target != OTHER {
            let mut levels = self.lock();
            levels.paths.insert(path, target);
            tui_logger::set_level_for_target(path, levels.captured[target]);
        }
    }

    pub(super) fn capture(&self, target: usize, level: LevelFilter) {
        let mut levels = self.lock();
        levels.captured[target] = level;
        if target == OTHER {
            tui_logger::set_default_level(level);
        }
        for (path, _) in levels.paths.iter().filter(|(_, own)| **own == target) {
            tui_logger::set_level_for_target(path, level);
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, TargetLevels> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
