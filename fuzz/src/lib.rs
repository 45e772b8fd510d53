//! What the fuzz targets share: a limit of memory, and a file for what is read from files.

use std::{
    alloc::System,
    env, fs,
    path::{Path, PathBuf},
    process,
    sync::LazyLock,
};

use cap::Cap;

/// Bytes that a run may take, all together. Inputs have at most 4 KiB, and compressed ones a window of
/// 8 MiB at most.
const MEMORY: usize = 256 << 20;

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, MEMORY);

/// A folder of this process; `.ci/fuzz` has it in memory.
static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = env::temp_dir().join(format!("cortop-fuzz-{}", process::id()));
    fs::create_dir_all(&folder).expect("a folder for temporary files");
    folder
});

/// The folder, with one file of this name that holds the input.
pub fn folder_with(name: &str, bytes: &[u8]) -> &'static Path {
    fs::write(FOLDER.join(name), bytes).expect("a temporary file");
    &FOLDER
}
