//! One node on the skin.

use crate::bed::{Bed, Foot, WINDOW};
use nalgebra::{Isometry3, Point3, Vector3};
use tissue::{Cover, Effort, Indenter, Kernel, Patch, Stiffening};

/// What a node does to the skin at one moment. The pressure field behind it is [`Touch::pressure_pa`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Contact {
    /// Normal force on the user, N: the sum of pressure times cell area.
    pub force_n: f64,
    /// Force on the user in the back frame, N: normal force and friction.
    pub force_in_back: Vector3<f64>,
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
}

/// What stays the same for a node over a run.
#[derive(Clone, Debug)]
pub struct NodeLaw {
    /// Shape, in the node's frame.
    pub shape: Indenter,
    /// Pad between node and skin.
    pub cover: Option<Cover>,
    /// Stiffness of the node itself, N/m.
    pub stiffness_n_m: f64,
    /// Friction along the travel (a free wheel rolls) and along the axle.
    pub friction: [f64; 2],
    /// Effort of the contact solver.
    pub effort: Effort,
}

/// Stiffness of skin to being dragged, N/m per N of normal force: full grip is reached after 5 mm (estimate).
const DRAG_PER_M: f64 = 200.0;

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
    patch: Patch,
    kernel: Kernel,
    stiffening: Stiffening,
    /// Row and column of the window's first cell.
    origin: Option<[isize; 2]>,
    overlap_m: Vec<f64>,
    drag_m: [f64; 2],
    products: usize,
    held: Option<Held>,
}

/// The last solved contact of a node, for the steps between two solves.
#[derive(Clone, Copy, Debug)]
struct Held {
    contact: Contact,
    /// Where the foot stood.
    foot: Point3<f64>,
    tangent: Tangent,
    age_s: f64,
    /// Time between the last two solves, s; 0 after the first.
    interval_s: f64,
    /// Turns that passed without a solve.
    missed: u32,
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
        Touch {
            law,
            patch: Patch::new(WINDOW, bed.creep().map_or(0, |c| c.terms().len())),
            kernel: bed.blank_kernel(),
            stiffening: Stiffening::none(1.0),
            origin: None,
            overlap_m: vec![f64::NEG_INFINITY; WINDOW * WINDOW],
            drag_m: [0.0; 2],
            products: 0,
            held: None,
        }
    }

    /// Pressure on the window's cells, Pa, row after row; [`Touch::origin`] says where it lies.
    pub fn pressure_pa(&self) -> &[f64] {
        self.patch.pressure_pa()
    }

    /// Row and column of the window's first cell on the bed, once the node has come near it.
    pub fn origin(&self) -> Option<[isize; 2]> {
        self.origin
    }

    /// Products with the influence table so far: the solver's work.
    pub fn products(&self) -> usize {
        self.products
    }

    /// The instantaneous answer to a node held at a place: no relaxation, no friction, nothing remembered but the
    /// last pressure as a first guess.
    pub fn press(&mut self, bed: &Bed, back_from_node: &Isometry3<f64>) -> Contact {
        let Some((foot, mut contact)) = self.reach(bed, back_from_node) else {
            return Contact::default();
        };
        if contact.depth_m > 0.0 {
            contact = self.solve(bed, back_from_node, &foot, contact, None);
        } else {
            self.patch.clear();
        }
        contact
    }

    /// Moves the node to a place, `dt_s` after the last; `velocity_in_back` is the node's against the skin, m/s.
    ///
    /// With `solve` the pressure field is found anew; without, the last one is carried on along its own stiffness:
    /// `force = last + stiffness (depth - last depth)`, never below zero.
    pub fn step(
        &mut self,
        bed: &Bed,
        back_from_node: &Isometry3<f64>,
        velocity_in_back: &Vector3<f64>,
        dt_s: f64,
        solve: Solve,
    ) -> Contact {
        let Some((foot, place)) = self.reach(bed, back_from_node) else {
            self.lift();
            return Contact::default();
        };
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
        let mut contact = held.carried_to(&place, &foot);
        self.drag(&mut contact, &foot, velocity_in_back, dt_s);
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
            tangent: Tangent::default(),
            age_s: 0.0,
            interval_s: 0.0,
            missed: 0,
        };
        if place.depth_m > 0.0 || !self.patch.is_idle() {
            held.interval_s = last.map_or(dt_s, |h| h.age_s);
            if let Some(last) = last.filter(|h| h.interval_s > 0.0) {
                self.patch
                    .foresee((held.interval_s / last.interval_s).min(2.0));
            }
            held.contact = self.solve(bed, back_from_node, foot, place, Some(held.interval_s));
            held.tangent = self.tangent(last, &held.contact);
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
        dt_s: Option<f64>,
    ) -> Contact {
        self.follow(bed, foot);
        self.overlap(bed, back_from_node, foot, place.depth_m);
        let ground = tissue::Ground {
            kernel: &self.kernel,
            stiffening: &self.stiffening,
            cover: self.law.cover.as_ref(),
            carrier_m_n: 1.0 / self.law.stiffness_n_m,
            creep: dt_s.and_then(|dt_s| bed.creep().map(|c| (c, dt_s))),
        };
        let report = self
            .patch
            .solve(&self.overlap_m, None, &ground, &self.law.effort);
        self.products += report.products;
        self.integrate(bed, foot, place, report.cells)
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
        self.drag_m = [0.0; 2];
        self.held = None;
    }

    /// Moves the window with the foot, by whole cells, and fetches the tissue under it.
    fn follow(&mut self, bed: &Bed, foot: &Foot) {
        let half = (WINDOW / 2) as isize;
        let wanted = [
            foot.at[0].round() as isize - half,
            foot.at[1].round() as isize - half,
        ];
        match self.origin {
            Some(old) if old == wanted => return,
            Some(old) => self.patch.shift(wanted[1] - old[1], wanted[0] - old[0]),
            None => self.patch.clear(),
        }
        self.origin = Some(wanted);
        self.stiffening = bed.ground(foot.at, &mut self.kernel);
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
            clip(near.start).clamp(0, WINDOW as isize) as usize
                ..clip(near.end).clamp(0, WINDOW as isize) as usize
        });
        for row in rows {
            let first = (origin[1] + columns.start as isize) as usize;
            let line = bed.line((origin[0] + row as isize) as usize, first, columns.len());
            let overlaps = &mut self.overlap_m[row * WINDOW..][columns.clone()];
            for (overlap, cell) in overlaps.iter_mut().zip(line) {
                *overlap = reach(cell).map_or(f64::NEG_INFINITY, |r| r + cover_m);
            }
        }
    }

    /// Window rows (and columns) that a node this deep can touch: the skin beyond is farther away than it is deep.
    fn cells_near(&self, depth_m: f64, cell_m: f64) -> std::ops::Range<usize> {
        let half = WINDOW / 2;
        let reach = match self.law.shape {
            Indenter::Sphere { radius_m } | Indenter::Paraboloid { radius_m } => {
                ((4.0 * radius_m * depth_m.max(0.0)).sqrt() / cell_m).ceil() as usize + 2
            }
            _ => half,
        };
        half.saturating_sub(reach)..(half + reach + 1).min(WINDOW)
    }

    /// Force, centre, area and peak of the pressure field.
    fn integrate(&self, bed: &Bed, foot: &Foot, place: Contact, cells: usize) -> Contact {
        let Some(origin) = self.origin else {
            return place;
        };
        let cell_m2 = bed.cell_m() * bed.cell_m();
        let (mut sum, mut peak, mut barred, mut moment) = (0.0, 0.0f64, 0.0f64, Vector3::zeros());
        for (row, column, p) in self.patch.pressed() {
            let r = (origin[0] + row as isize) as usize;
            let c = (origin[1] + column as isize) as usize;
            sum += p;
            peak = peak.max(p);
            if bed.is_barred(r, c) {
                barred = barred.max(p);
            }
            moment += p * bed.cell(r, c).coords;
        }
        if sum <= 0.0 {
            return place;
        }
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

    /// Skin is dragged along until Coulomb's limit, then slips.
    fn drag(&mut self, contact: &mut Contact, foot: &Foot, velocity: &Vector3<f64>, dt_s: f64) {
        if contact.force_n <= 0.0 {
            self.drag_m = [0.0; 2];
            return;
        }
        let axes = [foot.down, foot.side];
        for (drag, axis) in self.drag_m.iter_mut().zip(&axes) {
            *drag += velocity.dot(axis) * dt_s;
        }
        let share = [0, 1].map(|i| DRAG_PER_M * self.drag_m[i] / self.law.friction[i].max(1e-6));
        let over = share[0].hypot(share[1]);
        if over > 1.0 {
            self.drag_m = self.drag_m.map(|d| d / over);
        }
        for (drag, axis) in self.drag_m.iter().zip(&axes) {
            contact.force_in_back += axis.into_inner() * (DRAG_PER_M * drag * contact.force_n);
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
    fn carried_to(&self, place: &Contact, foot: &Foot) -> Contact {
        let solved = &self.contact;
        let travel_m = place.depth_m - solved.depth_m;
        let force_n = (solved.force_n + self.stiffness_n_m() * travel_m).max(0.0);
        let scale = if solved.force_n > 0.0 {
            force_n / solved.force_n
        } else {
            0.0
        };
        Contact {
            force_n,
            force_in_back: -foot.normal.into_inner() * force_n,
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
