//! Talk goes to stderr and never stops the work: problems, progress bars, Ctrl-C.

use indicatif::{ProgressBar, ProgressStyle};
use std::io::{IsTerminal, Write, stderr};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

/// How a command ended, where it ended by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// As asked.
    Good,
    /// It did its work, and a check in it failed.
    Failed,
    /// Ctrl-C; what was done is kept.
    Stopped,
}

impl Outcome {
    /// Good or failed.
    pub fn good_if(good: bool) -> Outcome {
        if good { Outcome::Good } else { Outcome::Failed }
    }
}

/// Tells an error and turns it into an exit code.
pub fn exit_code(result: anyhow::Result<Outcome>) -> ExitCode {
    match result {
        Ok(Outcome::Good) => ExitCode::SUCCESS,
        Ok(Outcome::Failed) => ExitCode::from(1),
        Ok(Outcome::Stopped) => ExitCode::from(130),
        Err(error) => {
            // Problems of a file stand for themselves: each line names its file.
            match error.downcast_ref::<scene::Problems>() {
                Some(problems) => say(problems),
                None => say(format_args!("error: {error:#}")),
            }
            ExitCode::from(1)
        }
    }
}

/// A line on stderr.
pub fn say(line: impl std::fmt::Display) {
    // A closed stderr is no reason to stop.
    let _ = writeln!(stderr(), "{line}");
}

/// A bar with an estimate of the time left; hidden where stderr is no terminal.
pub fn bar(what: &'static str, total: u64) -> ProgressBar {
    let bar = if stderr().is_terminal() {
        ProgressBar::new(total)
    } else {
        ProgressBar::hidden()
    };
    let style = ProgressStyle::with_template(
        "{prefix:>18} {wide_bar} {percent:>3}% {elapsed} (left {eta})",
    );
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.set_prefix(what);
    bar
}

static STOP: AtomicBool = AtomicBool::new(false);

/// From here on the first Ctrl-C asks to stop, and a second one ends the program.
pub fn watch_ctrl_c() {
    let handler = || {
        if STOP.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
        say("stopping; Ctrl-C again ends at once");
    };
    // Fails only where a handler is already set.
    let _ = ctrlc::set_handler(handler);
}

/// Whether Ctrl-C was pressed.
pub fn stop_asked() -> bool {
    STOP.load(Ordering::Relaxed)
}
