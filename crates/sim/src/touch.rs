//! One node on the skin.

use crate::bed::{Bed, Foot};
use crate::neighbours::{Others, Sink, Spot};
use crate::sim::NODES;
use crate::traction::{Pressed, Traction, Wheel, Work};
use back::{Envelope, Zone};
use nalgebra::{Isometry3, Point3, Vector3};
use tissue::{
    Bound, Cover, Effort, Indenter, Kernel, Patch, Shear, Stiffening, WINDOWS, window_of,
};

/// What a node does to the skin at one moment. The pressure field behind it is [`Touch::pressure_pa`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Contact {
    /// Normal force on the user, N: the sum of pressure times cell area.
    pub force_n: f64,
    /// Force on the user in the back frame, N: pressure along the node's own surface normals, and shear.
    pub force_in_back: Vector3<f64>,
    /// The part of it that is shear, N: down the spine, to the right along the skin.
    pub shear_n: [f64; 2],
    /// Torque of the node on the user about the node's axle, N m; what carries the node feels the opposite.
    pub axle_torque_nm: f64,
    /// Work that the node's carrier does per second through this contact, W.
    pub power_w: f64,
    /// Where it acts, back frame: the centre of pressure.
    pub point_in_back: Point3<f64>,
    /// Contact area on the skin, m^2.
    pub area_m2: f64,
    /// Largest pressure, Pa.
    pub peak_pa: f64,
    /// Largest pressure on cells that nodes must leave alone, Pa.
    pub barred_peak_pa: f64,
    /// Overlap of node and resting skin along the normal, cover included, m.
    pub depth_m: f64,
    /// Station of the foot of the node.
    pub u: f64,
    /// Lateral position of the foot, m.
    pub x_m: f64,
    /// Cells in contact.
    pub cells: usize,
}

impl Contact {
    /// Force over area, Pa; 0 without contact.
    pub fn mean_pa(&self) -> f64 {
        if self.area_m2 > 0.0 {
            self.force_n / self.area_m2
        } else {
            0.0
        }
    }

    /// Mean pressure over the median pain pressure of a zone for this area; 0 without contact.
    pub(crate) fn fraction_of_pain(&self, envelope: &Envelope, zone: Zone) -> f64 {
        if self.area_m2 > 0.0 {
            self.mean_pa() / envelope.reference_pressure_pa(zone, self.area_m2)
        } else {
            0.0
        }
    }
}

/// Cells that a foot moves until the tissue under it is looked up again.
const TISSUE_CELLS: f64 = 0.1;

/// What stays the same for a node over a run.
#[derive(Clone, Debug)]
pub struct NodeLaw {
    /// Shape, in the node's frame.
    pub shape: Indenter,
    /// Pad between node and skin.
    pub cover: Option<Cover>,
    /// Stiffness of the node itself, N/m.
    pub stiffness_n_m: f64,
    /// Coulomb friction of the node on what it touches.
    pub friction: f64,
    /// How it turns about its axle.
    pub wheel: Wheel,
    /// Effort of the contact solver.
    pub effort: Effort,
}

/// When a step finds the pressure field anew; else the last one is carried on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Solve {
    /// Now.
    Now,
    /// At its turn: if the node has moved since the last time, or has missed three turns.
    IfMoved,
    /// Out of turn: if the node has moved so far that the last field's stiffness says little.
    IfFast,
}

/// The contact of one node: its window on the bed, the pressure in it and what it remembers.
#[derive(Clone, Debug)]
pub struct Touch {
    law: NodeLaw,
    /// Radius of the sphere whose large-strain law serves, m.
    law_radius_m: f64,
    /// Which of [`WINDOWS`] it has, and cells along its edge.
    window: usize,
    side: usize,
    patch: Patch,
    kernel: Kernel,
    /// Work space: tissue of another place.
    spare: Kernel,
    stiffening: Stiffening,
    shear: Shear,
    /// Row and column of the window's first cell.
    origin: Option<[isize; 2]>,
    /// Where the tissue was last looked up.
    tissue_at: Option<[f64; 2]>,
    overlap_m: Vec<f64>,
    /// What other nodes do: where they press, and how far that sinks the window's cells, m, if at all.
    others: Others,
    sink_m: Vec<f64>,
    /// From the node's centre to its surface over each pressed cell: down, side, inward.
    arms_m: Vec<[f64; 3]>,
    /// Mean depth of the surface under the centre, m.
    lever_m: f64,
    traction: Traction,
    grade: Option<Grade>,
    products: usize,
    held: Option<Held>,
}

/// How the energy of a contact changes with its place, where the tissue does.
#[derive(Clone, Copy, Debug)]
struct Grade {
    /// Where it was found: window origin and force.
    origin: [isize; 2],
    force_n: f64,
    /// Change of the energy with travel down and to the side at one depth, N.
    uphill_n: [f64; 2],
}

/// The last solved contact of a node, for the steps between two solves.
#[derive(Clone, Copy, Debug)]
struct Held {
    contact: Contact,
    /// Where the foot stood.
    foot: Point3<f64>,
    at: [f64; 2],
    /// How much of the small-strain displacement is left, and how many times the present force made the dent.
    softness: f64,
    freshness: f64,
    /// How deep the skin stood where it stood deepest, m.
    skin_m: f64,
    tangent: Tangent,
    age_s: f64,
    /// Time between the last two solves, s; 0 after the first.
    interval_s: f64,
    /// Turns that passed without a solve.
    missed: u32,
    /// Sideways force by pressure, N, and how it grows with travel, N/m: what relaxed skin resists being moved off its
    /// dent. Without the latter the force would lag by half a solve's time, which drives a rocker to swing.
    sideways_n: [f64; 2],
    dent_n_m: f64,
}

/// Stiffness of a contact against further travel, and the size of the contact it was found at.
#[derive(Clone, Copy, Debug, Default)]
struct Tangent {
    stiffness_n_m: f64,
    cells: usize,
    force_n: f64,
    solves: u32,
}

impl Touch {
    /// A node that has touched nothing yet.
    pub fn new(law: NodeLaw, bed: &Bed) -> Touch {
        let window = window_of(&law.shape, bed.cell_m()).unwrap_or(WINDOWS.len() - 1);
        let side = WINDOWS[window];
        Touch {
            window,
            side,
            patch: Patch::new(side, bed.creep().map_or(0, |c| c.terms().len())),
            kernel: bed.blank_kernel(window),
            stiffening: Stiffening::none(1.0),
            spare: bed.blank_kernel(window),
            shear: Shear::blend(&[]),
            origin: None,
            tissue_at: None,
            overlap_m: vec![f64::NEG_INFINITY; side * side],
            others: [None; NODES - 1],
            sink_m: vec![0.0; side * side],
            arms_m: vec![[0.0; 3]; side * side],
            lever_m: 0.0,
            traction: Traction::new(law.friction, law.wheel, side),
            law_radius_m: law.shape.law_radius_m(),
            law,
            grade: None,
            products: 0,
            held: None,
        }
    }

    /// Pressure on the window's cells, Pa, row after row; [`Touch::origin`] says where it lies.
    pub fn pressure_pa(&self) -> &[f64] {
        self.patch.pressure_pa()
    }

    /// Shear traction of the node on the window's cells, Pa: down the rows, across the columns.
    pub fn shear_pa(&self) -> [&[f64]; 2] {
        self.traction.bristles().traction_pa()
    }

    /// How far the skin stands in under each of the window's cells, m, as of the last solve: the overlap less what cover and node
    /// gave way. 0 where nothing presses, though skin is drawn along there too.
    pub fn skin_depths_m(&self) -> impl Iterator<Item = f64> + '_ {
        let cell_m2 = self.kernel.cell_m() * self.kernel.cell_m();
        let force_n = cell_m2 * self.patch.pressure_pa().iter().sum::<f64>();
        let give_m = force_n / self.law.stiffness_n_m;
        let cover = self.law.cover;
        self.patch
            .pressure_pa()
            .iter()
            .zip(&self.overlap_m)
            .map(move |(p, overlap_m)| match *p > 0.0 {
                true => (overlap_m - cover.map_or(0.0, |c| c.squeeze(*p).0) - give_m).max(0.0),
                false => 0.0,
            })
    }

    /// Energy that skin, cover and node would give back now, J: half of pressure times displacement, what the foam holds,
    /// the node's own spring. Relaxing tissue gives back less at once and more if waited for; 0 once the node is off.
    pub fn stored_j(&self) -> f64 {
        let cell_m2 = self.kernel.cell_m() * self.kernel.cell_m();
        let pressed = || {
            self.patch
                .pressure_pa()
                .iter()
                .zip(&self.overlap_m)
                .filter(|(p, _)| **p > 0.0)
        };
        let force_n = cell_m2 * pressed().map(|(p, _)| p).sum::<f64>();
        let give_m = force_n / self.law.stiffness_n_m;
        let cells: f64 = pressed()
            .map(|(p, overlap_m)| {
                let (squeeze_m, foam_j_m2) = self
                    .law
                    .cover
                    .map_or((0.0, 0.0), |c| (c.squeeze(*p).0, c.energy_j_m2(*p)));
                0.5 * p * (overlap_m - squeeze_m - give_m).max(0.0) + foam_j_m2
            })
            .sum();
        cell_m2 * cells + 0.5 * force_n * give_m
    }

    /// Energy given and slip so far.
    pub fn work(&self) -> &Work {
        self.traction.work()
    }

    /// Row and column of the window's first cell on the bed, once the node has come near it.
    pub fn origin(&self) -> Option<[isize; 2]> {
        self.origin
    }

    /// Products with the influence table so far: the solver's work.
    pub fn products(&self) -> usize {
        self.products
    }

    /// This contact as other nodes feel it, `contact` being what the last step gave; `None` where there is none.
    pub fn spot(&self, contact: &Contact) -> Option<Spot> {
        let held = self.held.as_ref().filter(|_| contact.force_n > 0.0)?;
        Some(Spot {
            point: contact.point_in_back,
            at: held.at,
            load_n: contact.force_n * held.freshness,
            softness: held.softness,
        })
    }

    /// How deep the skin stood at the last solve, m, where it was deepest, to what depth the force law is held there, m, and
    /// what was gone beyond, if anything.
    pub fn reached(&self) -> (f64, f64, Option<Bound>) {
        let radius_m = self.law_radius_m;
        let skin_m = self.held.map_or(0.0, |h| h.skin_m);
        let bound = self.stiffening.beyond(skin_m, radius_m);
        (skin_m, self.stiffening.held_m(radius_m), bound)
    }

    /// What other nodes do to the skin from now on; taken up when the field is next solved.
    pub fn feel(&mut self, others: Others) {
        self.others = others;
    }

    /// The instantaneous answer to a node held at a place: no relaxation, no friction, nothing remembered but the
    /// last pressure as a first guess.
    pub fn press(&mut self, bed: &Bed, back_from_node: &Isometry3<f64>) -> Contact {
        let Some((foot, mut contact)) = self.reach(bed, back_from_node) else {
            return Contact::default();
        };
        if contact.depth_m > 0.0 {
            contact = self.solve(bed, back_from_node, &foot, contact, Sink::default(), None);
        } else {
            self.patch.clear();
        }
        contact
    }

    /// Moves the node (what carries it, if it is a wheel) to a place, `dt_s` after the last.
    ///
    /// With `solve` the pressure field and the shear are found anew; without, the last ones are carried on along their
    /// own stiffness: `force = last + stiffness (depth - last depth)`, never below zero.
    pub fn step(
        &mut self,
        bed: &Bed,
        back_from_node: &Isometry3<f64>,
        dt_s: f64,
        solve: Solve,
    ) -> Contact {
        let Some((foot, place)) = self.reach(bed, back_from_node) else {
            self.lift();
            return Contact::default();
        };
        let motion = self.traction.follow(back_from_node, &foot, dt_s);
        if place.depth_m <= 0.0 && self.held.is_none_or(|h| h.contact.force_n <= 0.0) {
            self.traction.start();
        }
        let last = self.held.map(|h| Held {
            age_s: h.age_s + dt_s,
            ..h
        });
        let held = match last {
            Some(held) if !held.is_due(&place, &foot, solve, bed.cell_m()) => Held {
                missed: held.missed + u32::from(solve == Solve::IfMoved),
                ..held
            },
            _ => self.hold(bed, back_from_node, &foot, place, last, dt_s),
        };
        self.held = Some(held);
        let mut contact = held.carried_to(&place, &foot, self.traction.shift_m());
        self.traction.apply(&mut contact, &foot, &motion, dt_s);
        contact
    }

    /// Solves the contact at a place and its stiffness there.
    fn hold(
        &mut self,
        bed: &Bed,
        back_from_node: &Isometry3<f64>,
        foot: &Foot,
        place: Contact,
        last: Option<Held>,
        dt_s: f64,
    ) -> Held {
        let mut held = Held {
            contact: place,
            foot: foot.point,
            at: foot.at,
            softness: last.map_or(1.0, |h| h.softness),
            freshness: 1.0,
            skin_m: 0.0,
            tangent: Tangent::default(),
            age_s: 0.0,
            interval_s: 0.0,
            missed: 0,
            sideways_n: [0.0; 2],
            dent_n_m: 0.0,
        };
        if place.depth_m > 0.0 || !self.patch.is_idle() {
            held.interval_s = last.map_or(dt_s, |h| h.age_s);
            if let Some(last) = last.filter(|h| h.interval_s > 0.0) {
                self.patch
                    .foresee((held.interval_s / last.interval_s).min(2.0));
            }
            let sink = Sink::under(bed, foot, held.softness, &self.others);
            held.contact = self.solve(
                bed,
                back_from_node,
                foot,
                place,
                sink,
                Some(held.interval_s),
            );
            held.skin_m = self.skin_m(&held.contact);
            held.softness = 1.0 / self.stiffening.factor(held.skin_m).0;
            held.freshness = self.patch.freshness();
            held.tangent = self.tangent(last, &held.contact);
            let inward_in_node = back_from_node.rotation.inverse() * -foot.normal.into_inner();
            self.rub(&held.contact, self.law.shape.extent_m(&inward_in_node));
            let [side_n, down_n] = self.patch.dent_force_n(&self.kernel);
            let uphill_n = [foot.down, foot.side].map(|axis| held.contact.force_in_back.dot(&axis));
            let apart_n = sink.sideways_n(held.contact.force_n);
            held.sideways_n = [
                uphill_n[0] + down_n + apart_n[0],
                uphill_n[1] + side_n + apart_n[1],
            ];
            held.dent_n_m = (held.freshness - 1.0) * held.contact.force_n / self.lever_m.max(1e-3);
        }
        held
    }

    /// The stiffness of the contact, found anew where its size or force has changed by an eighth and every sixteenth time; in
    /// between it goes with the contact's width, as on a half-space.
    fn tangent(&mut self, last: Option<Held>, now: &Contact) -> Tangent {
        let near = |t: &Tangent| {
            8 * now.cells.abs_diff(t.cells) < t.cells
                && 8.0 * (now.force_n - t.force_n).abs() < t.force_n
        };
        let known = last.map(|h| h.tangent).filter(|t| t.solves < 16 && near(t));
        known.map_or_else(
            || Tangent {
                stiffness_n_m: self.patch.stiffness_n_m(&self.kernel, 3),
                cells: now.cells,
                force_n: now.force_n,
                solves: 0,
            },
            |t| Tangent {
                solves: t.solves + 1,
                ..t
            },
        )
    }

    /// The foot of the node and how deep it stands.
    fn reach(&self, bed: &Bed, back_from_node: &Isometry3<f64>) -> Option<(Foot, Contact)> {
        let centre = Point3::from(back_from_node.translation.vector);
        let foot = bed.foot(&centre)?;
        let inward = -foot.normal.into_inner();
        let inward_in_node = back_from_node.rotation.inverse() * inward;
        let gap_m = (foot.point - centre).dot(&inward) - self.law.shape.extent_m(&inward_in_node);
        let depth_m = self.cover_m() - gap_m;
        Some((
            foot,
            Contact {
                u: bed.station(foot.at[0]),
                x_m: foot.point.x,
                depth_m,
                ..Contact::default()
            },
        ))
    }

    /// The pressure field of a node at a place.
    fn solve(
        &mut self,
        bed: &Bed,
        back_from_node: &Isometry3<f64>,
        foot: &Foot,
        place: Contact,
        sink: Sink,
        dt_s: Option<f64>,
    ) -> Contact {
        self.follow(bed, foot);
        self.overlap(bed, back_from_node, foot, place.depth_m);
        let felt = self.spread(sink, foot, place.depth_m, bed.cell_m());
        let ground = tissue::Ground {
            kernel: &self.kernel,
            stiffening: &self.stiffening,
            cover: self.law.cover.as_ref(),
            carrier_m_n: 1.0 / self.law.stiffness_n_m,
            creep: dt_s.and_then(|dt_s| bed.creep().map(|c| (c, dt_s))),
        };
        let report = self.patch.solve(
            &self.overlap_m,
            felt.then_some(&self.sink_m),
            &ground,
            &self.law.effort,
        );
        self.products += report.products;
        let centre = Point3::from(back_from_node.translation.vector);
        let mut contact = self.integrate(bed, &centre, foot, place, report.cells);
        let [down_n, side_n] = self.uphill_n(bed, foot, contact.force_n);
        contact.force_in_back += foot.down.into_inner() * down_n + foot.side.into_inner() * side_n;
        contact
    }

    /// Lays what other nodes do over the window's cells that a node this deep can touch; whether they do anything.
    fn spread(&mut self, sink: Sink, foot: &Foot, depth_m: f64, cell_m: f64) -> bool {
        let Some(origin) = self.origin.filter(|_| sink != Sink::default()) else {
            return false;
        };
        let [down_m, side_m] = sink.slope.map(|slope| slope * cell_m);
        let [row, column] = [0, 1].map(|axis| foot.at[axis] - origin[axis] as f64);
        for r in self.cells_near(depth_m, cell_m) {
            let line = &mut self.sink_m[r * self.side..(r + 1) * self.side];
            let first_m = sink.sink_m + (r as f64 - row) * down_m - column * side_m;
            for (c, cell) in line.iter_mut().enumerate() {
                *cell = first_m + c as f64 * side_m;
            }
        }
        true
    }

    /// How deep the skin stands where it stands deepest, m: the rest of the depth is in cover and node.
    fn skin_m(&self, contact: &Contact) -> f64 {
        let squeeze_m = self.law.cover.map_or(0.0, |c| c.squeeze(contact.peak_pa).0);
        contact.depth_m - squeeze_m - contact.force_n / self.law.stiffness_n_m
    }

    /// Force of the node on the user along the skin, N, where the tissue under it gets stiffer along the way, down and to the
    /// side: `dU/dx` at one depth. The window's tissue is that of its middle, so the pressure does not know; without this
    /// force a node could go in where it is soft, move and come out where it is stiff, and gain.
    ///
    /// Energies with the tables 8 mm to either side are looked at again after 6 mm of way or where the force has changed by
    /// half; in between they go with the force to the power 5/3, as a sphere's do.
    fn uphill_n(&mut self, bed: &Bed, foot: &Foot, force_n: f64) -> [f64; 2] {
        const REACH_M: f64 = 0.008;
        const FAR_M: f64 = 0.006;
        let Some(origin) = self.origin.filter(|_| force_n > 0.0 && !bed.is_uniform()) else {
            return [0.0; 2];
        };
        let far = (FAR_M / bed.cell_m()).ceil() as usize;
        let old = self.grade.filter(|g| {
            let near =
                g.origin[0].abs_diff(origin[0]) < far && g.origin[1].abs_diff(origin[1]) < far;
            near && (0.67..1.5).contains(&(force_n / g.force_n))
        });
        let grade = old.unwrap_or_else(|| {
            let reach = REACH_M / bed.cell_m();
            let (radius_m, window) = (self.law_radius_m, self.window);
            let [above, below, left, right] = self.patch.energies_j(&mut self.spare, |i, table| {
                let mut at = foot.at;
                at[i / 2] += if i % 2 == 0 { -reach } else { reach };
                bed.ground(at, radius_m, window, table)
            });
            // A softer place would store more at this pressure and so stores less at this depth.
            let uphill_n = [above - below, left - right].map(|j| j / (2.0 * REACH_M));
            Grade {
                origin,
                force_n,
                uphill_n,
            }
        });
        self.grade = Some(grade);
        let share = (force_n / grade.force_n).powf(5.0 / 3.0);
        grade.uphill_n.map(|n| n * share)
    }

    /// Moves the shear on to the pressure just solved.
    fn rub(&mut self, contact: &Contact, extent_m: f64) {
        let mean_pa = contact.mean_pa();
        // Foam of a Poisson's ratio near 0: shear modulus E / 2 over what is left of the thickness.
        let cover_m_pa = self.law.cover.map_or(0.0, |c| {
            2.0 * (c.thickness_m - c.squeeze(mean_pa).0) / c.e_pa
        });
        let radius_m = (contact.area_m2 / std::f64::consts::PI).sqrt();
        self.traction.solve(&Pressed {
            pressure_pa: self.patch.pressure_pa(),
            arms_m: &self.arms_m,
            lever_m: self.lever_m,
            force_n: contact.force_n,
            extent_m,
            flexibility_m_pa: self.shear.flexibility_m_pa(radius_m) + cover_m_pa,
            cell_m: self.kernel.cell_m(),
        });
    }

    fn cover_m(&self) -> f64 {
        self.law.cover.map_or(0.0, |c| c.thickness_m)
    }

    /// Forgets everything: the node is away from the bed.
    pub(crate) fn lift(&mut self) {
        if self.origin.is_some() {
            self.patch.clear();
        }
        self.origin = None;
        self.traction.lift();
        self.held = None;
    }

    /// Moves the window with the foot, by whole cells, and fetches the tissue under the foot.
    fn follow(&mut self, bed: &Bed, foot: &Foot) {
        let half = (self.side / 2) as isize;
        let wanted = [
            foot.at[0].round() as isize - half,
            foot.at[1].round() as isize - half,
        ];
        match self.origin {
            Some(old) if old == wanted => {}
            Some(old) => {
                self.patch.shift(wanted[1] - old[1], wanted[0] - old[0]);
                self.traction.shift(wanted[1] - old[1], wanted[0] - old[0]);
            }
            None => self.patch.clear(),
        }
        self.origin = Some(wanted);
        // Where the tissue changes it does so smoothly: fetched only with the window, force would climb bone in steps.
        let moved = |at: [f64; 2]| (0..2).any(|i| (foot.at[i] - at[i]).abs() > TISSUE_CELLS);
        if self
            .tissue_at
            .is_none_or(|at| !bed.is_uniform() && moved(at))
        {
            self.shear = bed.shear(foot.at);
            self.stiffening = bed.ground(foot.at, self.law_radius_m, self.window, &mut self.kernel);
            self.tissue_at = Some(foot.at);
        }
    }

    /// How far the node reaches past each cell of the resting skin, cover on.
    fn overlap(&mut self, bed: &Bed, back_from_node: &Isometry3<f64>, foot: &Foot, depth_m: f64) {
        let inward = -foot.normal.into_inner();
        let centre = back_from_node.translation.vector;
        let shape = self.law.shape.clone();
        if let Indenter::Sphere { radius_m } = shape {
            // However it is turned.
            self.overlap_by(bed, depth_m, |cell| {
                let q = cell.coords - centre;
                let along = q.dot(&inward);
                let square = along * along - (q.norm_squared() - radius_m * radius_m);
                (square >= 0.0).then(|| square.sqrt() - along)
            });
        } else {
            let turn = back_from_node.rotation.inverse().to_rotation_matrix();
            let inward_in_node = turn * inward;
            self.overlap_by(bed, depth_m, |cell| {
                let in_node = Point3::from(turn * (cell.coords - centre));
                shape.reach(&in_node, &inward_in_node)
            });
        }
    }

    fn overlap_by(&mut self, bed: &Bed, depth_m: f64, reach: impl Fn(&Point3<f64>) -> Option<f64>) {
        self.overlap_m.fill(f64::NEG_INFINITY);
        let Some(origin) = self.origin else { return };
        let near = self.cells_near(depth_m, bed.cell_m());
        let cover_m = self.cover_m();
        // The part of the window that is on the bed.
        let [rows, columns] = [0, 1].map(|axis| {
            let size = bed.size()[axis] as isize;
            let clip = |i: usize| {
                (i as isize).clamp(-origin[axis], (size - origin[axis]).max(-origin[axis]))
            };
            clip(near.start).clamp(0, self.side as isize) as usize
                ..clip(near.end).clamp(0, self.side as isize) as usize
        });
        for row in rows {
            let first = (origin[1] + columns.start as isize) as usize;
            let line = bed.line((origin[0] + row as isize) as usize, first, columns.len());
            let overlaps = &mut self.overlap_m[row * self.side..][columns.clone()];
            for (overlap, cell) in overlaps.iter_mut().zip(line) {
                *overlap = reach(cell).map_or(f64::NEG_INFINITY, |r| r + cover_m);
            }
        }
    }

    /// Window rows (and columns) that a node this deep can touch: the skin beyond is farther away than it is deep.
    fn cells_near(&self, depth_m: f64, cell_m: f64) -> std::ops::Range<usize> {
        let half = self.side / 2;
        let near_m = |radius_m: f64| (4.0 * radius_m * depth_m.max(0.0)).sqrt();
        let reach_m = match self.law.shape {
            // A sphere is over no cell farther off than its radius, seen along the foot's normal; skin that falls away by
            // 40 degrees is 1.3 times as long.
            Indenter::Sphere { radius_m } => near_m(radius_m).min(1.3 * radius_m),
            Indenter::Paraboloid { radius_m } => near_m(radius_m),
            _ => return 0..self.side,
        };
        let reach = (reach_m / cell_m).ceil() as usize + 2;
        half.saturating_sub(reach)..(half + reach + 1).min(self.side)
    }

    /// Force, centre, area and peak of the pressure field, and where the node's surface stands over it.
    fn integrate(
        &mut self,
        bed: &Bed,
        centre: &Point3<f64>,
        foot: &Foot,
        place: Contact,
        cells: usize,
    ) -> Contact {
        let Some(origin) = self.origin else {
            return place;
        };
        let cell_m2 = bed.cell_m() * bed.cell_m();
        let cover_m = self.cover_m();
        let (mut sum, mut peak, mut barred, mut moment) = (0.0, 0.0f64, 0.0f64, Vector3::zeros());
        let mut lever = 0.0;
        for (row, column, p) in self.patch.pressed() {
            let r = (origin[0] + row as isize) as usize;
            let c = (origin[1] + column as isize) as usize;
            let i = row * self.side + column;
            let cell = bed.cell(r, c);
            let arm = cell - centre;
            let under_m = self.overlap_m[i] - cover_m - arm.dot(&foot.normal);
            self.arms_m[i] = [arm.dot(&foot.down), arm.dot(&foot.side), under_m];
            lever += p * under_m;
            sum += p;
            peak = peak.max(p);
            if bed.is_barred(r, c) {
                barred = barred.max(p);
            }
            moment += p * cell.coords;
        }
        if sum <= 0.0 {
            return place;
        }
        self.lever_m = lever / sum;
        let force_n = sum * cell_m2;
        Contact {
            force_n,
            force_in_back: -foot.normal.into_inner() * force_n,
            point_in_back: Point3::from(moment / sum),
            area_m2: cells as f64 * cell_m2,
            peak_pa: peak,
            barred_peak_pa: barred,
            cells,
            ..place
        }
    }
}

impl Held {
    /// Whether the field should be found anew.
    ///
    /// The tangent leaves out what goes with the square of the travel: on a sphere, whose force goes with depth to
    /// the power 1.5, 6 % of the depth is 0.14 % of the force.
    fn is_due(&self, place: &Contact, foot: &Foot, solve: Solve, cell_m: f64) -> bool {
        const TURNS: u32 = 3;
        const LEAST_M: f64 = 1e-4;
        let travel_m = (place.depth_m - self.contact.depth_m).abs();
        let depth_m = self.contact.depth_m.max(0.0);
        // Travel counts by the share of the depth, and where tissue is stiff by the share of the force, that it changes.
        let change = (travel_m / depth_m.max(LEAST_M))
            .max(0.5 * travel_m * self.stiffness_n_m() / self.contact.force_n.max(1.0));
        let far = change > 0.06
            && travel_m > LEAST_M
            && (place.depth_m > 0.0 || self.contact.force_n > 0.0);
        match solve {
            Solve::Now => true,
            Solve::IfFast => far,
            Solve::IfMoved => {
                let touches = place.depth_m > 0.0 || self.contact.force_n > 0.0;
                let moved = change > 0.005 || (foot.point - self.foot).norm() > 0.1 * cell_m;
                far || self.missed >= TURNS || touches && moved
            }
        }
    }

    fn stiffness_n_m(&self) -> f64 {
        let grown = self.contact.cells as f64 / self.tangent.cells.max(1) as f64;
        self.tangent.stiffness_n_m * grown.sqrt()
    }

    /// The contact at a place near the one it was solved at.
    fn carried_to(&self, place: &Contact, foot: &Foot, shift_m: [f64; 2]) -> Contact {
        let solved = &self.contact;
        let travel_m = place.depth_m - solved.depth_m;
        let force_n = (solved.force_n + self.stiffness_n_m() * travel_m).max(0.0);
        let scale = if solved.force_n > 0.0 {
            force_n / solved.force_n
        } else {
            0.0
        };
        let [down_n, side_n] = [0, 1].map(|i| {
            let carried = self.sideways_n[i] + self.dent_n_m * shift_m[i];
            if force_n > 0.0 { carried } else { 0.0 }
        });
        Contact {
            force_n,
            force_in_back: foot.down.into_inner() * down_n + foot.side.into_inner() * side_n
                - foot.normal.into_inner() * force_n,
            shear_n: [0.0; 2],
            axle_torque_nm: 0.0,
            power_w: 0.0,
            peak_pa: solved.peak_pa * scale,
            barred_peak_pa: solved.barred_peak_pa * scale,
            area_m2: if force_n > 0.0 { solved.area_m2 } else { 0.0 },
            point_in_back: if solved.force_n > 0.0 {
                solved.point_in_back + (foot.point - self.foot)
            } else {
                foot.point
            },
            depth_m: place.depth_m,
            u: place.u,
            x_m: place.x_m,
            cells: if force_n > 0.0 { solved.cells } else { 0 },
        }
    }
}
