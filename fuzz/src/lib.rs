//! Shared by the fuzz targets: a memory limit, and a file for parsers that read files.

use std::{
    alloc::System,
    env, fs,
    path::{Path, PathBuf},
    process,
    sync::LazyLock,
};

use cap::Cap;

/// Maximum bytes that a run may allocate in total. Inputs have at most 4 KiB, and compressed ones a window of
/// at most 8 MiB.
const MEMORY: usize = 256 << 20;

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, MEMORY);

/// A folder for this process; `.ci/fuzz` puts it in memory.
static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = env::temp_dir().join(format!("cortop-fuzz-{}", process::id()));
    fs::create_dir_all(&folder).expect("a folder for temporary files");
    folder
});

/// The folder, with a single file of this name that contains the input.
pub fn folder_with(name: &str, bytes: &[u8]) -> &'static Path {
    fs::write(FOLDER.join(name), bytes).expect("a temporary file");
    &FOLDER
}
