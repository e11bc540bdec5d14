//! What a run comes to, whatever the machine: its cards, notes and tables, its files, and what is told when it is over.

use crate::folder::Folder;
use crate::mat_log;
use crate::mcap_log;
use crate::page::{self, Mood, card};
use crate::print;
use crate::run::Args;
use crate::run_report::{beyond, limits, violation, worst};
use crate::talk::{Outcome, say};
use back::NOTICE;
use maud::{Markup, html};
use scene::{RigScene, Scene};
use sim::{Beyond, Fault, MotorPeak, Movie, NodePeak, RigTrace, Trace, Violation};
use std::io::{BufWriter, Write};

/// The part of a trace that carriages and rigs have in common.
pub struct Gist<'a> {
    scene: &'a str,
    /// How long it was to go, s.
    pub planned_s: f64,
    duration_s: f64,
    /// Names of the nodes, in the order of all lists over nodes.
    pub names: Vec<&'a str>,
    nodes: &'a [NodePeak],
    /// What its motors are called, one and many.
    motor: [&'static str; 2],
    motors: &'a [MotorPeak],
    trunk_lift_m: f64,
    cells_per_patch: f64,
    beyond: &'a [Option<Beyond>],
    violations: &'a [Violation],
    fault: Option<&'a Fault>,
    movie: Option<&'a Movie>,
}

/// The carriage's nodes in words.
pub const NODES: [&str; 4] = ["left upper", "left lower", "right upper", "right lower"];

impl<'a> Gist<'a> {
    /// Of a session on a carriage.
    pub fn of_session(scene: &'a Scene, trace: &'a Trace, planned_s: f64) -> Gist<'a> {
        Gist {
            scene: &scene.name,
            planned_s,
            duration_s: trace.duration_s,
            names: NODES.to_vec(),
            nodes: &trace.nodes,
            motor: ["motor", "Motors"],
            motors: &trace.motors,
            trunk_lift_m: trace.trunk_lift_m,
            cells_per_patch: trace.cells_per_patch,
            beyond: &trace.beyond,
            violations: &trace.violations,
            fault: trace.fault.as_ref(),
            movie: trace.movie.as_ref(),
        }
    }

    /// Of a rig.
    pub fn of_rig(scene: &'a RigScene, trace: &'a RigTrace) -> Gist<'a> {
        Gist {
            scene: &scene.name,
            planned_s: scene.duration_s,
            duration_s: trace.duration_s,
            names: trace.node_names.iter().map(String::as_str).collect(),
            nodes: &trace.nodes,
            motor: ["drive", "Drives"],
            motors: &trace.motors,
            trunk_lift_m: trace.trunk_lift_m,
            cells_per_patch: trace.cells_per_patch,
            beyond: &trace.beyond,
            violations: &trace.violations,
            fault: trace.fault.as_ref(),
            movie: trace.movie.as_ref(),
        }
    }

    fn force_n(&self) -> f64 {
        self.nodes.iter().map(|n| n.force_n).fold(0.0, f64::max)
    }

    /// Largest pressure of any node, kPa.
    pub fn peak_kpa(&self) -> f64 {
        1e-3 * self.nodes.iter().map(|n| n.peak_pa).fold(0.0, f64::max)
    }

    /// The figures at the head of the page.
    pub fn cards(&self) -> Markup {
        let passed = self.violations.len();
        html! {
            div.cards {
                (card("Largest node force", &format!("{:.1} N", self.force_n()), "one node, any step", Mood::Plain))
                (card("Largest pressure", &format!("{:.0} kPa", self.peak_kpa()), &format!("{:.0} cells in a patch on average", self.cells_per_patch), Mood::Plain))
                (card("Trunk pushed out", &format!("{:.1} mm", 1e3 * self.trunk_lift_m), "against its rest on the pad", Mood::Plain))
                (card("Limits passed", &passed.to_string(), "force, pressure, keep-out, rate, dwell", if passed == 0 { Mood::Good } else { Mood::Bad }))
            }
        }
    }

    /// What a reader of the page should know first.
    pub fn notes(&self, warnings: &[String]) -> Markup {
        html! {
            @if let Some(fault) = self.fault {
                div.note.bad { strong { "The run broke off. " } (fault.to_string()) }
            } @else if self.duration_s + 0.01 < self.planned_s {
                div.note { "The run was stopped after " (format!("{:.1} of {:.1}", self.duration_s, self.planned_s)) " s." }
            }
            @for w in warnings { div.note { (w) } }
            @for w in beyond(self.beyond, &self.names) { div.note { "Deeper than what is validated: " (w) } }
        }
    }

    /// Nodes, motors and limits passed.
    pub fn tables(&self) -> Markup {
        let nodes = self.nodes.iter().zip(&self.names).map(|(n, name)| {
            vec![
                (*name).to_string(),
                format!("{:.1}", n.force_n),
                format!("{:.0}", 1e-3 * n.peak_pa),
            ]
        });
        let motors = self.motors.iter().map(|m| {
            vec![
                m.name.clone(),
                format!("{:.2}", m.peak_a),
                format!("{:.2}", m.rms_a),
            ]
        });
        let [one, many] = self.motor;
        html! {
            h3 { "Nodes" }
            (page::table(&["node", "largest force, N", "largest pressure, kPa"], &nodes.collect::<Vec<_>>()))
            h3 { (many) }
            (page::table(&[one, "largest current, A", "effective, A"], &motors.collect::<Vec<_>>()))
            h3 { "Limits" }
            (limits(self.violations, &self.names))
        }
    }

    /// Writes the trace's rows and the maps, as they were asked for.
    pub fn write(&self, folder: &mut Folder, args: &Args, rows: String) -> anyhow::Result<()> {
        if args.mcap {
            folder.write("trace.mcap", mcap_log::file(&rows, self.movie)?)?;
        }
        folder.write("trace.csv", rows)?;
        if let Some(movie) = self.movie {
            folder.write("pressure.csv", mat_log::csv(movie))?;
        }
        Ok(())
    }

    /// Says what is worth a warning.
    pub fn warn(&self) {
        for v in worst(self.violations) {
            say(format_args!(
                "warning: limit passed: {}",
                violation(v, &self.names)
            ));
        }
        for line in beyond(self.beyond, &self.names) {
            say(format_args!(
                "warning: deeper than what is validated: {line}\n  hint: how far off it may be: crates/tissue/VALIDITY.md"
            ));
        }
        if let Some(fault) = self.fault {
            say(format_args!(
                "error: fault {fault}; what was done before it is kept"
            ));
        }
    }

    /// Prints the run in a line, what `besides` has to say, and the files, `own` being those of this kind of machine.
    pub fn print(
        &self,
        args: &Args,
        besides: impl FnOnce(&mut BufWriter<print::Stdout>) -> anyhow::Result<()>,
        own: &[&str],
    ) -> anyhow::Result<()> {
        let mut out = print::out();
        writeln!(
            out,
            "{}: {:.1} of {:.1} s, largest node force {:.1} N, peak {:.0} kPa, {} limits passed",
            self.scene,
            self.duration_s,
            self.planned_s,
            self.force_n(),
            self.peak_kpa(),
            self.violations.len()
        )?;
        besides(&mut out)?;
        let maps = self.movie.map(|_| "pressure.csv");
        let log = args.mcap.then_some("trace.mcap");
        for name in ["report.html", "summary.json", "trace.csv"]
            .iter()
            .chain(own)
            .copied()
            .chain(maps)
            .chain(log)
        {
            writeln!(out, "{}", args.output.join(name).display())?;
        }
        print::finish(out)?;
        say(NOTICE);
        Ok(())
    }

    /// How it ended.
    pub fn outcome(&self, stopped: bool) -> Outcome {
        match (self.fault.is_some(), stopped) {
            (true, _) => Outcome::Failed,
            (_, true) => Outcome::Stopped,
            _ => Outcome::Good,
        }
    }
}
