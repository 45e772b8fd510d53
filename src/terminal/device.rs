//! The terminal as a file: standard output without a buffer, and once more for writes that never
//! block. Knows bytes only.

use std::{fs::File, io};

/// Standard output without the line buffer that [`io::stdout`] puts before it.
#[cfg(unix)]
pub(super) fn stdout() -> io::Result<File> {
    use std::os::fd::AsFd as _;
    Ok(io::stdout().as_fd().try_clone_to_owned()?.into())
}

/// Standard output; the console's own encoding needs the standard library's writer.
#[cfg(not(unix))]
pub(super) fn stdout() -> io::Result<io::Stdout> {
    Ok(io::stdout())
}

/// The terminal at standard output opened once more, so that writes do not wait: this is a property
/// of the open file, and standard output's is also the shell's.
#[cfg(unix)]
pub(super) fn nonblocking_stdout() -> Option<File> {
    use rustix::fs::{Mode, OFlags};
    let name = rustix::termios::ttyname(io::stdout(), Vec::new()).ok()?;
    let flags = OFlags::WRONLY | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    Some(rustix::fs::open(name, flags, Mode::empty()).ok()?.into())
}

/// There is no such way.
#[cfg(not(unix))]
pub(super) fn nonblocking_stdout() -> Option<File> {
    None
}
