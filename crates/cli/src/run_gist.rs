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
use sim::{RigTrace, Totals, Trace};
use std::io::{BufWriter, Write};

/// The part of a trace that carriages and rigs have in common.
pub struct Gist<'a> {
    scene: &'a str,
    /// How long it was to go, s.
    pub planned_s: f64,
    /// Names of the nodes, in the order of all lists over nodes.
    pub names: Vec<&'a str>,
    totals: Totals<'a>,
    /// What its motors are called, one and many.
    motor: [&'static str; 2],
}

/// The carriage's nodes in words.
pub const NODES: [&str; 4] = ["left upper", "left lower", "right upper", "right lower"];

impl<'a> Gist<'a> {
    /// Of a session on a carriage.
    pub fn of_session(scene: &'a Scene, trace: &'a Trace, planned_s: f64) -> Gist<'a> {
        Gist {
            scene: &scene.name,
            planned_s,
            names: NODES.to_vec(),
            totals: Totals::from(trace),
            motor: ["motor", "Motors"],
        }
    }

    /// Of a rig.
    pub fn of_rig(scene: &'a RigScene, trace: &'a RigTrace) -> Gist<'a> {
        Gist {
            scene: &scene.name,
            planned_s: scene.duration_s,
            names: trace.node_names.iter().map(String::as_str).collect(),
            totals: Totals::from(trace),
            motor: ["drive", "Drives"],
        }
    }

    /// Largest pressure of any node, kPa.
    pub fn peak_kpa(&self) -> f64 {
        1e-3 * self.totals.peak_pa()
    }

    /// The figures at the head of the page.
    pub fn cards(&self) -> Markup {
        let passed = self.totals.violations.len();
        html! {
            div.cards {
                (card("Largest node force", &format!("{:.1} N", self.totals.force_n()), "one node, any step", Mood::Plain))
                (card("Largest pressure", &format!("{:.0} kPa", self.peak_kpa()), &format!("{:.0} cells in a patch on average", self.totals.cells_per_patch), Mood::Plain))
                (card("Trunk pushed out", &format!("{:.1} mm", 1e3 * self.totals.trunk_lift_m), "against its rest on the pad", Mood::Plain))
                (card("Limits passed", &passed.to_string(), "force, pressure, keep-out, rate, dwell", if passed == 0 { Mood::Good } else { Mood::Bad }))
            }
        }
    }

    /// What a reader of the page should know first.
    pub fn notes(&self, warnings: &[String]) -> Markup {
        html! {
            @if let Some(fault) = self.totals.fault {
                div.note.bad { strong { "The run broke off. " } (fault.to_string()) }
            } @else if self.totals.duration_s + 0.01 < self.planned_s {
                div.note { "The run was stopped after " (format!("{:.1} of {:.1}", self.totals.duration_s, self.planned_s)) " s." }
            }
            @for w in warnings { div.note { (w) } }
            @for w in beyond(self.totals.beyond, &self.names) { div.note { "Deeper than what is validated: " (w) } }
        }
    }

    /// Nodes, motors and limits passed.
    pub fn tables(&self) -> Markup {
        let nodes = self.totals.nodes.iter().zip(&self.names).map(|(n, name)| {
            vec![
                (*name).to_string(),
                format!("{:.1}", n.force_n),
                format!("{:.0}", 1e-3 * n.peak_pa),
            ]
        });
        let motors = self.totals.motors.iter().map(|m| {
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
            (limits(self.totals.violations, &self.names))
        }
    }

    /// Writes the trace's rows and the maps, as they were asked for.
    pub fn write(&self, folder: &mut Folder, args: &Args, rows: String) -> anyhow::Result<()> {
        if args.mcap {
            folder.write("trace.mcap", mcap_log::file(&rows, self.totals.movie)?)?;
        }
        folder.write("trace.csv", rows)?;
        if let Some(movie) = self.totals.movie {
            folder.write("pressure.csv", mat_log::csv(movie))?;
        }
        Ok(())
    }

    /// Says what is worth a warning.
    pub fn warn(&self) {
        for v in worst(self.totals.violations) {
            say(format_args!(
                "warning: limit passed: {}",
                violation(v, &self.names)
            ));
        }
        for line in beyond(self.totals.beyond, &self.names) {
            say(format_args!(
                "warning: deeper than what is validated: {line}\n  hint: how far off it may be: crates/tissue/VALIDITY.md"
            ));
        }
        if let Some(fault) = self.totals.fault {
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
            self.totals.duration_s,
            self.planned_s,
            self.totals.force_n(),
            self.peak_kpa(),
            self.totals.violations.len()
        )?;
        besides(&mut out)?;
        let maps = self.totals.movie.map(|_| "pressure.csv");
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
        match (self.totals.fault.is_some(), stopped) {
            (true, _) => Outcome::Failed,
            (_, true) => Outcome::Stopped,
            _ => Outcome::Good,
        }
    }
}
