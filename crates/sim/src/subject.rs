//! A body in a chair: everything about a run that depends on who sits there.

use crate::bed::Bed;
use crate::groundwork::Groundwork;
use crate::shoulder::Shoulder;
use crate::trunk::{Lean, Support};
use back::{Back, Body, BodyProblem, Envelope};
use mechanism::{GROUND, JointKind, Kinematics, Linkage, Mechanism, TrackCurve};
use program::Placement;
use scene::{RigScene, Scene, Stand, Surface};
use std::sync::Arc;

/// Reach of the contact surface to each side of the midline, m.
const HALF_WIDTH_M: f64 = 0.130;

/// The back, its contact surface, its seat and what the body scan tells the machine; shared by all runs of the body.
#[derive(Clone, Debug)]
pub struct Subject {
    /// Who it is.
    pub back: Arc<Back>,
    /// The skin as nodes meet it.
    pub bed: Bed,
    /// Pad, hip and gravity; `None` for a bench slab, which cannot move.
    pub support: Option<Arc<Support>>,
    /// Station to carriage position, as an ideal body scan gives it, or that which found `shoulder`.
    pub placement: Placement,
    /// What a body scan found, if there was one.
    pub shoulder: Option<Shoulder>,
}

impl Subject {
    /// Seats a body in the scene's chair, on a bed of the groundwork's cells; what the envelope keeps nodes out of is
    /// marked on it.
    ///
    /// # Errors
    /// What is implausible about the body.
    pub fn new(
        scene: &Scene,
        body: &Body,
        kinematics: &Kinematics,
        groundwork: &Groundwork,
        envelope: &Envelope,
    ) -> Result<Subject, Vec<BodyProblem>> {
        let back = Arc::new(Back::new(body)?);
        let (bed, support) = match &scene.surface {
            Surface::Back => {
                let support = Support::new(&back, &scene.chair, kinematics.curve());
                let bed = Subject::skin(&back, groundwork, envelope);
                (bed, Some(Arc::new(support)))
            }
            Surface::Slab { stack, size_m } => {
                let radii_m = Subject::law_radii_m(&scene.mechanism);
                (Bed::slab(stack, groundwork, &radii_m, *size_m), None)
            }
        };
        let subject = Subject::of_parts(scene, kinematics, back, bed, support);
        subject.bed.solve_laws();
        Ok(subject)
    }

    /// The same from parts that are at hand: a back, a bed of it (see [`Subject::skin`]; its nodes become the scene's), its seat. Laws of the
    /// bed are solved when a node needs them ([`Bed::solve_laws`]).
    pub fn of_parts(
        scene: &Scene,
        kinematics: &Kinematics,
        back: Arc<Back>,
        bed: Bed,
        support: Option<Arc<Support>>,
    ) -> Subject {
        let placement = placement(&back, support.as_deref(), kinematics, scene);
        let bed = bed.for_nodes(&Subject::law_radii_m(&scene.mechanism));
        Subject {
            back,
            bed,
            support,
            placement,
            shoulder: None,
        }
    }

    /// Puts a body on the pad of a rig's scene: the pad follows the rig's track, if it has one that stands on its ground, and is
    /// flat else. There are no carriage positions for stations.
    ///
    /// # Errors
    /// What is implausible about the body.
    pub fn at_rig(
        scene: &RigScene,
        linkage: &Linkage,
        groundwork: &Groundwork,
        envelope: &Envelope,
    ) -> Result<Subject, Vec<BodyProblem>> {
        let back = Arc::new(Back::new(&scene.body)?);
        let bed = match &scene.surface {
            Surface::Back => Subject::skin(&back, groundwork, envelope),
            Surface::Slab { stack, size_m } => {
                let radii_m = Subject::rig_law_radii_m(linkage);
                Bed::slab(stack, groundwork, &radii_m, *size_m)
            }
        };
        let subject = Subject::at_rig_of_parts(scene, linkage, back, bed);
        subject.bed.solve_laws();
        Ok(subject)
    }

    /// The same from parts that are at hand, as [`Subject::of_parts`].
    pub fn at_rig_of_parts(
        scene: &RigScene,
        linkage: &Linkage,
        back: Arc<Back>,
        bed: Bed,
    ) -> Subject {
        let support = match &scene.surface {
            Surface::Back => {
                let shell = shell(scene, linkage);
                Some(Arc::new(Support::on(&back, &scene.chair, shell)))
            }
            Surface::Slab { .. } => None,
        };
        Subject {
            back,
            bed: bed.for_nodes(&Subject::rig_law_radii_m(linkage)),
            support,
            placement: Placement {
                walk_at: Vec::new(),
            },
            shoulder: None,
        }
    }

    /// The skin that nodes may meet, with what the envelope keeps them out of.
    pub fn skin(back: &Back, groundwork: &Groundwork, envelope: &Envelope) -> Bed {
        let mut bed = Bed::of_back(back, groundwork, &[], HALF_WIDTH_M);
        // Midline zones lie inside the midline half width: only a condition makes zones worth looking up.
        let zones_matter = !envelope.policy().exclude.is_empty();
        bed.bar(|u, x_m| {
            x_m.abs() <= envelope.midline_half_m()
                || zones_matter && envelope.keeps_out(&back.zone(u, x_m), x_m)
        });
        bed
    }

    /// As [`Subject::law_radii_m`], of a rig's nodes.
    pub fn rig_law_radii_m(linkage: &Linkage) -> Vec<f64> {
        let heads = linkage.rig().heads.iter();
        let mut radii_m: Vec<f64> = heads.map(|h| h.node.shape.law_radius_m()).collect();
        radii_m.sort_by(f64::total_cmp);
        radii_m.dedup();
        radii_m
    }

    /// Radii that large-strain laws are wanted for, m: one for each kind of node.
    pub fn law_radii_m(mechanism: &Mechanism) -> Vec<f64> {
        let mut radii_m: Vec<f64> = mechanism
            .nodes
            .iter()
            .map(|n| n.shape.law_radius_m())
            .collect();
        radii_m.dedup();
        radii_m
    }
}

/// What carries the pad of a rig's scene: y over z in the backrest's frame. The track joint that stands on the ground, as a
/// chair's rail does, else a plane.
fn shell(scene: &RigScene, linkage: &Linkage) -> impl Fn(f64) -> f64 {
    let offset_m = match scene.placement.stand {
        Stand::Chair { offset_m } => offset_m,
        Stand::Skin { .. } => [0.0; 3],
    };
    let rail = linkage.rig().joints.iter().find_map(|joint| {
        let upright = joint.parent == GROUND && joint.turn_rad == [0.0; 3];
        match &joint.kind {
            JointKind::Track { track, .. } if upright => {
                let [_, y_m, z_m] = joint.at_m;
                Some((TrackCurve::new(track), y_m, z_m))
            }
            _ => None,
        }
    });
    let on_chair = matches!(scene.placement.stand, Stand::Chair { .. });
    move |z_m| match &rail {
        Some((curve, at_y_m, at_z_m)) if on_chair => {
            let z_m = z_m - at_z_m - offset_m[2];
            curve.pose(curve.s_at_z(z_m)).y_m + at_y_m + offset_m[1]
        }
        _ => 0.0,
    }
}

/// Carriage positions at which the rocker pivots (shaft parked at the session's first angle) face each station's skin.
///
/// The scan is ideal here: the machine knows where C7 and S2 of the seated user are.
fn placement(
    back: &Back,
    support: Option<&Support>,
    kinematics: &Kinematics,
    scene: &Scene,
) -> Placement {
    let pose = support.map(|s| s.machine_from_back(&Lean::default()));
    facing(scene, kinematics, |u| match pose {
        Some(pose) => {
            let point = pose * back.point(u, 0.0);
            [point.y, point.z]
        }
        // A bench slab: stations run down its length.
        None => [0.0, kinematics.curve().pose(0.0).z_m - 0.15 - 0.5 * u],
    })
}

/// Carriage positions from which the shaft, parked as the session's first step has it, faces each station; `at_m` tells where a station is,
/// y and z in the machine frame.
pub(crate) fn facing(
    scene: &Scene,
    kinematics: &Kinematics,
    at_m: impl Fn(f64) -> [f64; 2],
) -> Placement {
    let first = scene.session.steps.first();
    let park_rad = first.map_or(0.0, |step| step.park_deg.to_radians());
    let walk_at = (0..=110).filter_map(|i| {
        let u = -0.05 + 0.01 * f64::from(i);
        let [y_m, z_m] = at_m(u);
        Some((u, kinematics.walk_facing(y_m, z_m, park_rad)?))
    });
    Placement {
        walk_at: walk_at.collect(),
    }
}
