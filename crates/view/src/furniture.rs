//! What the user sits or lies on. Of all this only the pad's face plays a part in a run.

use std::f64::consts::TAU;

use mechanism::{GROUND, JointKind, Linkage, TrackCurve};
use nalgebra::{Isometry3, Point3, Translation3, UnitQuaternion, Vector3};
use scene::{Chair, Scene, Stand, Surface};
use sim::RigSim;

use crate::figure;
use crate::parts::{Finish, Form, Part};
use crate::skin::{Sheet, lerp, pad};

/// How the user is there.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Pose {
    /// In a chair, leaning on its backrest.
    #[default]
    Sitting,
    /// On the back.
    Supine,
    /// On the belly, the machine above.
    Prone {
        /// How far the way down to the bench leans from the back frame's y to its z, rad.
        down_rad: f64,
    },
}

/// Everything that stands around, in the machine's frame.
#[derive(Clone, Debug, Default)]
pub struct Furniture {
    /// Tilt of the machine frame's z from the vertical, backwards, rad; negative for one who lies on the belly.
    pub recline_rad: f64,
    /// Height of the ground, m.
    pub ground_m: f64,
    /// How the user is there.
    pub pose: Pose,
    /// Whether pad and seat carry a user who gives way.
    pub carries: bool,
    /// Whether the machine is small beside the user: it is looked at from near.
    pub close: bool,
    /// Face of the pad.
    pub pad: Option<Sheet>,
    /// The pieces.
    pub parts: Vec<Part>,
}

/// From this recline on, the user lies.
pub const LYING_RAD: f64 = 1.2;
/// Height of a chair's ground under its seat, m.
const CHAIR_GROUND_M: f64 = -0.46;
/// Height of bed and bench, m.
const BED_M: f64 = 0.56;
/// Half the slot of a bed that rollers come through, m.
const SLOT_HALF_M: f64 = 0.155;

impl Furniture {
    /// Of a scene with a carriage.
    pub fn of_carriage(scene: &Scene) -> Furniture {
        if scene.surface != Surface::Back {
            return Furniture::bare();
        }
        let track = TrackCurve::new(&scene.mechanism.track);
        let face = pad(&track, scene.chair.pad.offset_m, scene.chair.pad.width_m);
        Furniture::under(&scene.chair, face)
    }

    /// Of a rig's scene. Who does not give way lies prone, as on a bench: that is how the scenes have it, and a run does not ask.
    pub fn of_rig(sim: &RigSim) -> Furniture {
        let scene = sim.scene();
        if scene.surface != Surface::Back {
            return Furniture::bare();
        }
        if !scene.placement.leans {
            let front = figure::front(&sim.subject().back);
            let pose = sim.machine_from_back();
            let lowest = front.iter().map(|p| (pose * p).y);
            let lowest = lowest.fold(f64::MIN, f64::max);
            let down = pose.rotation.inverse() * Vector3::y();
            return Furniture {
                pose: Pose::Prone {
                    down_rad: down.z.atan2(down.y),
                },
                ..Furniture::bench(lowest, pose * figure::face(&sim.subject().back))
            };
        }
        let chair = &scene.chair;
        let face = match rail(sim.linkage(), &scene.placement.stand) {
            Some((track, offset)) => {
                let mut face = pad(&track, chair.pad.offset_m, chair.pad.width_m);
                face.points.iter_mut().for_each(|p| *p += offset);
                face
            }
            None => flat(chair),
        };
        let stands_on_skin = matches!(scene.placement.stand, Stand::Skin { .. });
        let mut furniture = Furniture::under(chair, face);
        furniture.close |= stands_on_skin;
        furniture
    }

    /// Nothing: a bench slab, or a machine in the air.
    pub fn bare() -> Furniture {
        Furniture {
            ground_m: CHAIR_GROUND_M,
            ..Furniture::default()
        }
    }

    fn under(chair: &Chair, face: Sheet) -> Furniture {
        let lies = chair.recline_rad > LYING_RAD;
        let mut furniture = Furniture {
            recline_rad: chair.recline_rad,
            ground_m: CHAIR_GROUND_M,
            pose: if lies { Pose::Supine } else { Pose::Sitting },
            carries: true,
            close: lies,
            pad: Some(face),
            parts: Vec::new(),
        };
        if lies {
            furniture.bed(chair);
        } else {
            furniture.chair(chair.seat_z_m);
        }
        furniture
    }

    /// Upwards, in the machine's frame.
    fn up(&self) -> Vector3<f64> {
        let (sin, cos) = self.recline_rad.sin_cos();
        Vector3::new(0.0, sin, cos)
    }

    fn chair(&mut self, seat_z_m: f64) {
        // Square to the backrest, as the machine frame has it; it starts a little behind the user.
        let foremost = self.pad.iter().flat_map(|pad| pad.points.last());
        let end = foremost.map(|p| p.y).fold(0.0, f64::max);
        let z = seat_z_m;
        use Finish::{Leather, Paint};
        let cushion = (0.50, 0.52, 0.10, 0.035);
        self.block(cushion, [0.0, end + 0.235, z - 0.05], Leather);
        // Under the arms, wherever the backrest's foot ends.
        let rear = end.min(0.12);
        let long = 0.46 + end - rear;
        for side in [-1.0, 1.0] {
            let x = side * 0.30;
            self.block(
                (0.085, long, 0.075, 0.030),
                [x, rear + 0.04 + 0.5 * long, z + 0.17],
                Leather,
            );
            self.block((0.030, 0.10, 0.24, 0.010), [x, end + 0.25, z + 0.02], Paint);
        }
        self.block(
            (0.68, 0.14, 0.035, 0.012),
            [0.0, end + 0.25, z - 0.115],
            Paint,
        );
        self.block(
            (0.36, 0.05, 0.035, 0.012),
            [0.0, end - 0.06, z - 0.085],
            Paint,
        );
        self.block(
            (0.05, 0.36, 0.035, 0.012),
            [0.0, end + 0.10, z - 0.115],
            Paint,
        );
        // The foot stands upright, whatever the recline.
        let hinge = Point3::new(0.0, end + 0.20, z - 0.12);
        self.column(hinge, 0.040);
        let up = self.up();
        let ground = hinge - up * (hinge.coords.dot(&up) - self.ground_m - 0.014);
        self.upright(ground, 0.27, 0.028);
    }

    /// Two mattresses beside the slot that the machine comes through, on a frame with four legs. The one on the user's right, where
    /// one looks from, is glass: what goes on under the user is seen through it.
    fn bed(&mut self, chair: &Chair) {
        let face_m = chair.pad.offset_m;
        let thick_m = chair.pad.thickness_m.max(0.06);
        let (width, length) = (0.22, 1.98);
        let middle_z = 0.06;
        self.ground_m = face_m - BED_M;
        for side in [-1.0, 1.0] {
            let x = side * (SLOT_HALF_M + 0.5 * width);
            let at = [x, face_m - 0.5 * thick_m, middle_z];
            let finish = if side > 0.0 {
                Finish::Glass
            } else {
                Finish::Fabric
            };
            self.block((width, thick_m, length, 0.025), at, finish);
            let outer = side * (SLOT_HALF_M + width - 0.03);
            let under = face_m - thick_m - 0.02;
            let rail = [outer, under, middle_z];
            self.block((0.035, 0.05, length - 0.04, 0.010), rail, Finish::Paint);
            for end in [-1.0, 1.0] {
                let z = middle_z + end * (0.5 * length - 0.04);
                self.column(Point3::new(outer, under, z), 0.017);
            }
        }
        for end in [-1.0, 1.0] {
            let z = middle_z + end * (0.5 * length - 0.05);
            let across = 2.0 * (SLOT_HALF_M + width) - 0.03;
            let at = [0.0, face_m - thick_m - 0.02, z];
            self.block((across, 0.05, 0.04, 0.010), at, Finish::Paint);
        }
    }

    /// A massage bench under one who lies on the belly, whose lowest point is at `y_m`, with a cushion around the face.
    fn bench(y_m: f64, head: Point3<f64>) -> Furniture {
        let mut bench = Furniture {
            recline_rad: -std::f64::consts::FRAC_PI_2,
            ground_m: -y_m - BED_M,
            close: true,
            ..Furniture::default()
        };
        let (thick_m, width, length, middle_z) = (0.07, 0.62, 1.62, -0.20);
        let at = |y: f64, z: f64| [0.0, y, z];
        let face = y_m - 0.012;
        let mattress = (width, thick_m, length, 0.030);
        bench.block(
            mattress,
            at(face + 0.5 * thick_m, middle_z),
            Finish::Leather,
        );
        let frame = (width - 0.08, 0.03, length - 0.08, 0.010);
        bench.block(frame, at(face + thick_m + 0.015, middle_z), Finish::Paint);
        for side in [-1.0, 1.0] {
            for end in [-1.0, 1.0] {
                let x = side * (0.5 * width - 0.07);
                let z = middle_z + end * (0.5 * length - 0.14);
                bench.column(Point3::new(x, face + thick_m + 0.02, z), 0.021);
            }
        }
        bench.headrest(head, face + thick_m, middle_z + 0.5 * length);
        bench
    }

    /// A ring that the face lies in, on two bars that come out from under the bench, which ends at `end_z`.
    fn headrest(&mut self, head: Point3<f64>, under_y: f64, end_z: f64) {
        const HALF_M: [f64; 2] = [0.078, 0.105];
        const THICK_M: f64 = 0.032;
        let at = |turn: f64| {
            let (sin, cos) = turn.sin_cos();
            head + Vector3::new(HALF_M[0] * cos, 0.0, HALF_M[1] * sin)
        };
        let steps = 32;
        // Closed: it ends on its first stretch.
        let ring = (0..steps + 2).map(|i| at(TAU * f64::from(i) / f64::from(steps)));
        self.tube(ring.collect(), THICK_M, Finish::Leather);
        for side in [-1.0, 1.0] {
            let x = side * HALF_M[0];
            let bar = vec![
                Point3::new(x, under_y, end_z - 0.20),
                Point3::new(x, under_y, end_z + 0.01),
                Point3::new(x, head.y + 0.6 * THICK_M, head.z - 0.04),
                Point3::new(x, head.y + 0.6 * THICK_M, head.z + 0.04),
            ];
            self.tube(bar, 0.009, Finish::Steel);
        }
    }

    fn tube(&mut self, path: Vec<Point3<f64>>, radius_m: f64, finish: Finish) {
        self.parts.push(Part {
            body: 0,
            pose: Isometry3::identity(),
            form: Form::Tube { path, radius_m },
            finish,
        });
    }

    fn block(&mut self, (x, y, z, edge_m): (f64, f64, f64, f64), at: [f64; 3], finish: Finish) {
        let size_m = Vector3::new(x, y, z);
        self.parts.push(Part {
            body: 0,
            pose: Translation3::from(Vector3::from(at)).into(),
            form: Form::Block { size_m, edge_m },
            finish,
        });
    }

    /// From a point down to the ground.
    fn column(&mut self, top: Point3<f64>, radius_m: f64) {
        let length_m = top.coords.dot(&self.up()) - self.ground_m;
        let middle = top - self.up() * (0.5 * length_m);
        self.upright(middle, radius_m, length_m);
    }

    fn upright(&mut self, middle: Point3<f64>, radius_m: f64, length_m: f64) {
        let turn = UnitQuaternion::rotation_between(&Vector3::x(), &self.up());
        self.parts.push(Part {
            body: 0,
            pose: Isometry3::from_parts(middle.coords.into(), turn.unwrap_or_default()),
            form: Form::Cylinder { radius_m, length_m },
            finish: Finish::Paint,
        });
    }
}

/// The rail that stands on a rig's ground, and where the ground stands: the pad follows it.
fn rail(linkage: &Linkage, stand: &Stand) -> Option<(TrackCurve, Vector3<f64>)> {
    let Stand::Chair { offset_m } = stand else {
        return None;
    };
    linkage.rig().joints.iter().find_map(|joint| {
        let upright = joint.parent == GROUND && joint.turn_rad == [0.0; 3];
        match &joint.kind {
            JointKind::Track { track, .. } if upright => {
                let at = Vector3::from(joint.at_m) + Vector3::from(*offset_m);
                Some((TrackCurve::new(track), at))
            }
            _ => None,
        }
    })
}

/// A plane pad, upright in the machine's frame.
fn flat(chair: &Chair) -> Sheet {
    let (rows, columns) = (40, 9);
    let mut sheet = Sheet::with_capacity(rows, columns);
    let half = 0.5 * chair.pad.width_m;
    for i in 0..rows * columns {
        let z = lerp([0.74, 0.02], i / columns, rows);
        let x = lerp([-half, half], i % columns, columns);
        sheet.points.push(Point3::new(x, chair.pad.offset_m, z));
        sheet.normals.push(-Vector3::y());
    }
    sheet
}
