//! Costs in instructions, which are exactly reproducible where times are not. The bench runs itself under
//! `valgrind --tool=callgrind`, once with few turns of a piece of work and once with many: the difference is
//! the cost of the turns alone, without the setup. Without valgrind it measures times, and says so. Knows
//! nothing of what it measures.
//!
//! ```text
//! let work = [Work { name: "parse".to_owned(), turns: (1000, 6000), run: &parse_so_often }];
//! let Some(costs) = instructions::measure(&work) else { return };
//! ```

use std::{
    env, fmt,
    process::Command,
    time::{Duration, Instant},
};

/// A piece of work: sets itself up, in the same way for any number of turns, and performs so many.
pub(crate) struct Work<'a> {
    /// Unique within the bench.
    pub(crate) name: String,
    /// Few turns and many.
    pub(crate) turns: (u32, u32),
    pub(crate) run: &'a dyn Fn(u32),
}

/// What one turn costs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cost {
    Instructions(f64),
    /// Used without valgrind.
    Time(Duration),
}

impl Cost {
    /// The cost of one of `parts` equal parts of a turn.
    pub(crate) fn share(self, parts: usize) -> Self {
        let parts = parts.max(1) as f64;
        match self {
            Self::Instructions(count) => Self::Instructions(count / parts),
            Self::Time(time) => Self::Time(time.div_f64(parts)),
        }
    }

    /// A plain number, comparable with others of the same run.
    pub(crate) fn number(self) -> f64 {
        match self {
            Self::Instructions(count) => count,
            Self::Time(time) => time.as_secs_f64() * 1e9,
        }
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = if matches!(self, Self::Instructions(_)) { "instructions" } else { "ns" };
        write!(f, "{:9.0} {unit}", self.number())
    }
}

/// The argument with which this process runs itself for one piece of work; its name and turns follow.
const ASKED: &str = "--turns-of";

/// Measures each piece of work. `None` in a process that was started to perform one of them: it is done, and
/// has to end.
pub(crate) fn measure(work: &[Work<'_>]) -> Option<Vec<Cost>> {
    let args: Vec<_> = env::args().skip_while(|arg| arg != ASKED).skip(1).collect();
    if let [name, turns] = args.as_slice() {
        let asked = work.iter().find(|work| work.name == *name);
        let turns = turns.parse().unwrap_or_default();
        if let Some(work) = asked {
            (work.run)(turns);
        }
        return None;
    }
    let counted: Option<Vec<_>> = work.iter().map(counted).collect();
    Some(counted.unwrap_or_else(|| {
        println!("valgrind could not be run (apt install valgrind): times instead of instructions");
        work.iter().map(timed).collect()
    }))
}

fn counted(work: &Work<'_>) -> Option<Cost> {
    let (few, many) = work.turns;
    let collected = |turns: u32| {
        let output = Command::new("valgrind")
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
            .arg(env::current_exe().ok()?)
            .args([ASKED, &work.name, &turns.to_string()])
            .output()
            .ok()?;
        let said = String::from_utf8_lossy(&output.stderr);
        let line = said.lines().find_map(|line| line.split_once("Collected :"))?;
        line.1.trim().parse::<f64>().ok()
    };
    Some(Cost::Instructions((collected(many)? - collected(few)?) / f64::from(many - few)))
}

fn timed(work: &Work<'_>) -> Cost {
    let (few, many) = work.turns;
    let time = |turns| {
        let started = Instant::now();
        (work.run)(turns);
        started.elapsed()
    };
    // The best of several, as other load only adds.
    let best = |turns| (0..5).map(|_| time(turns)).min().unwrap_or_default();
    Cost::Time(best(many).saturating_sub(best(few)) / (many - few))
}
