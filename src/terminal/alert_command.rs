//! Runs the user's command for alerts on its own thread, so that it blocks nothing. Commands run one after
//! the other, without access to the terminal, each in its own process group that is killed after a time
//! limit; the outcome goes to the log. The facts are passed only in the environment: no shell parses them.

use std::{
    io,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use tracing::{debug, warn};

/// Maximum number of commands waiting for the running one.
const WAITING: usize = 16;
/// A command that runs for longer is killed.
const LIMIT: Duration = Duration::from_secs(10);
/// How much longer the running command may take once cortop quits.
const LEAVING: Duration = Duration::from_millis(500);
/// How often a running command is polled.
const POLL: Duration = Duration::from_millis(20);
/// Variables that are removed from a command's environment.
const SECRETS: [&str; 2] = ["EMOTIV_CLIENT_ID", "EMOTIV_CLIENT_SECRET"];

/// A program with its arguments, and variables for its environment.
type CommandJob = (Vec<String>, Vec<(&'static str, String)>);

/// Runs commands; its thread starts with the first one.
#[derive(Debug)]
pub(super) struct AlertCommand {
    limit: Duration,
    leaving: Arc<AtomicBool>,
    thread: Option<(SyncSender<CommandJob>, JoinHandle<()>)>,
}

impl Default for AlertCommand {
    fn default() -> Self {
        Self { limit: LIMIT, leaving: Arc::default(), thread: None }
    }
}

impl AlertCommand {
    /// Queues a command. It is dropped if too many are waiting.
    pub(super) fn run(&mut self, job: CommandJob) {
        if self.thread.is_none() {
            let (jobs, waiting) = sync_channel(WAITING);
            let (limit, leaving) = (self.limit, Arc::clone(&self.leaving));
            let thread = thread::Builder::new().name("alert command".to_owned());
            match thread.spawn(move || run_all(&waiting, limit, &leaving)) {
                Ok(thread) => self.thread = Some((jobs, thread)),
                Err(error) => warn!("on-alert: cannot start a thread for it: {error}"),
            }
        }
        if let Some((jobs, _)) = &self.thread
            && jobs.try_send(job).is_err()
        {
            warn!("on-alert: not run, {WAITING} commands wait already");
        }
    }
}

impl Drop for AlertCommand {
    /// Leaves no process behind.
    fn drop(&mut self) {
        self.leaving.store(true, Ordering::Relaxed);
        if let Some((jobs, thread)) = self.thread.take() {
            drop(jobs);
            let _ = thread.join();
        }
    }
}

fn run_all(waiting: &Receiver<CommandJob>, limit: Duration, leaving: &AtomicBool) {
    while let Ok((command, environment)) = waiting.recv()
        && !leaving.load(Ordering::Relaxed)
    {
        let Some((program, arguments)) = command.split_first() else { continue };
        let status =
            start(program, arguments, environment).and_then(|child| wait(child, limit, leaving));
        match status {
            Ok(Some(status)) if status.success() => debug!("on-alert: {program} has succeeded"),
            // The status has its own wording: "exit status: 1", "signal: 9 (SIGKILL)".
            Ok(Some(status)) => warn!("on-alert: {program} has failed: {status}"),
            Ok(None) => {
                warn!("on-alert: {program} was killed after {} s", limit.as_secs_f64());
            }
            Err(error) => warn!("on-alert: cannot run {program}: {error}"),
        }
    }
}

fn start(
    program: &str,
    arguments: &[String],
    environment: Vec<(&'static str, String)>,
) -> io::Result<Child> {
    let mut command = Command::new(program);
    command.args(arguments).envs(environment);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    for secret in SECRETS {
        command.env_remove(secret);
    }
    // Its child processes are killed with it.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command.spawn()
}

/// Waits for the end of a process; `None` if it had to be killed.
fn wait(mut child: Child, limit: Duration, leaving: &AtomicBool) -> io::Result<Option<ExitStatus>> {
    let mut deadline = Instant::now() + limit;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if leaving.load(Ordering::Relaxed) {
            deadline = deadline.min(Instant::now() + LEAVING);
        }
        if Instant::now() >= deadline {
            kill(&mut child);
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(POLL);
    }
}

/// Kills a process and its children.
fn kill(child: &mut Child) {
    #[cfg(unix)]
    if let Some(group) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
        // It may have ended meanwhile.
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    let _ = child.kill();
}

#[cfg(all(test, unix))]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    /// A shell script as a command, with a directory in its environment.
    fn script(text: &str, folder: &Path) -> CommandJob {
        let command = ["sh", "-c", text].map(str::to_owned).to_vec();
        (command, vec![("CORTOP_TEXT", folder.display().to_string())])
    }

    fn until(what: &str, done: impl Fn() -> bool) {
        let start = Instant::now();
        while !done() {
            assert!(start.elapsed() < Duration::from_secs(30), "waited in vain for {what}");
            thread::sleep(POLL);
        }
    }

    #[test]
    fn commands_run_one_after_the_other_and_a_failure_stops_none() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut commands = AlertCommand::default();
        let alone =
            "cd \"$CORTOP_TEXT\"; mkdir lock || touch two; sleep 0.05; rmdir lock; echo >> done";
        commands.run(script("exit 3", folder.path()));
        commands.run((vec!["/nowhere/no-such-program".to_owned()], Vec::new()));
        for _ in 0..3 {
            commands.run(script(alone, folder.path()));
        }
        let done = || fs::read_to_string(folder.path().join("done")).unwrap_or_default();
        until("three commands", || done().lines().count() == 3);
        assert!(!folder.path().join("two").exists(), "two ran at once");
    }

    #[test]
    fn a_command_that_hangs_is_killed_with_what_it_started_and_the_next_one_runs() {
        let folder = tempfile::tempdir().expect("a folder");
        let limit = Duration::from_millis(200);
        let mut commands = AlertCommand { limit, leaving: Arc::default(), thread: None };
        let hangs = "cd \"$CORTOP_TEXT\"; sleep 600 & echo $! > child; sleep 600; touch survived";
        commands.run(script(hangs, folder.path()));
        commands.run(script("touch \"$CORTOP_TEXT\"/next", folder.path()));
        until("the next command", || folder.path().join("next").exists());
        let child = fs::read_to_string(folder.path().join("child")).expect("it ran");
        let child = Path::new("/proc").join(child.trim());
        until("the end of the grandchild", || {
            // A zombie that nobody reaps here has no command line.
            fs::read(child.join("cmdline")).unwrap_or_default().is_empty()
        });
        assert!(!folder.path().join("survived").exists());
    }

    #[test]
    fn what_hangs_when_cortop_leaves_is_killed_soon_and_what_waits_is_not_begun() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut commands = AlertCommand::default();
        commands.run(script("touch \"$CORTOP_TEXT\"/first; sleep 600", folder.path()));
        commands.run(script("touch \"$CORTOP_TEXT\"/second", folder.path()));
        until("the first", || folder.path().join("first").exists());
        let leaving = Instant::now();
        drop(commands);
        assert!(leaving.elapsed() < LIMIT);
        assert!(!folder.path().join("second").exists());
    }

    #[test]
    fn no_command_is_told_the_credentials() {
        let folder = tempfile::tempdir().expect("a folder");
        let (command, mut environment) = script(
            "env > \"$CORTOP_TEXT\"/env.new; mv \"$CORTOP_TEXT\"/env.new \"$CORTOP_TEXT\"/env",
            folder.path(),
        );
        environment.push(("EMOTIV_CLIENT_SECRET", "90125".to_owned()));
        let mut commands = AlertCommand::default();
        commands.run((command, environment));
        until("the environment", || folder.path().join("env").exists());
        let environment = fs::read_to_string(folder.path().join("env")).expect("written");
        assert!(!environment.contains("90125"), "{environment}");
    }
}
