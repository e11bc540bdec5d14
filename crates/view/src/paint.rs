//! The picture on the skin: bare skin, what is drawn on it, and the colours of what the nodes do.

use std::sync::Arc;

use back::Back;

use crate::colour::{Quantity, colour, cover};
use crate::run::{Moment, Run};
use crate::skin::{STATIONS, Skin, half_width_m};

/// What is drawn on the skin besides colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Marks {
    /// The zones of the back and their borders.
    pub zones: bool,
    /// Where nodes must not press.
    pub keep_outs: bool,
}

/// The picture of one run's skin; four bytes a pixel, sRGB.
pub struct Paint {
    skin: Arc<Skin>,
    marks: Marks,
    bare: Vec<[u8; 4]>,
    /// Pixels that differ from bare skin.
    painted: Vec<usize>,
    values: Vec<f32>,
    dose: Dose,
    largest: Largest,
}

/// Largest values of a film, as far as it was looked at.
#[derive(Clone, Copy, Debug, Default)]
pub struct Largest {
    looked: usize,
    pressure_pa: f32,
    shear_pa: f32,
    depth_m: f32,
    fraction: f32,
}

/// Pressure over time up to a moment of the film.
#[derive(Default)]
struct Dose {
    moments: usize,
    pa_s: Vec<f32>,
    largest_pa_s: f32,
}

impl Paint {
    /// Bare skin.
    pub fn new(skin: Arc<Skin>, marks: Marks) -> Paint {
        let pixels = skin.atlas.size[0] * skin.atlas.size[1];
        Paint {
            bare: bare(&skin, marks),
            skin,
            marks,
            painted: Vec::new(),
            values: vec![0.0; pixels],
            dose: Dose::default(),
            largest: Largest::default(),
        }
    }

    /// Bare skin as bytes.
    pub fn blank(&self) -> Vec<u8> {
        self.bare.concat()
    }

    /// Chooses what is drawn on the skin; whether that is something else than before.
    pub fn mark(&mut self, marks: Marks) -> bool {
        let other = self.marks != marks;
        if other {
            self.marks = marks;
            self.bare = bare(&self.skin, marks);
        }
        other
    }

    /// Largest value of a quantity in the film so far, in SI, but for what comes after the horizon.
    pub fn largest(&mut self, run: &Run, quantity: Quantity, horizon_s: f64) -> f64 {
        self.largest.look(run, horizon_s);
        f64::from(match quantity {
            Quantity::Pressure => self.largest.pressure_pa,
            Quantity::Shear => self.largest.shear_pa,
            Quantity::Indentation => self.largest.depth_m,
            Quantity::PainFraction => self.largest.fraction,
            Quantity::Dose => self.dose.largest_pa_s,
            Quantity::Nothing => 0.0,
        })
    }

    /// Paints a moment over `pixels`, which hold what was painted last, or bare skin. `top` is the value at the end of the scale.
    pub fn paint(
        &mut self,
        pixels: &mut [u8],
        run: &Run,
        moment: &Moment,
        quantity: Quantity,
        top: f64,
    ) {
        for pixel in self.painted.drain(..) {
            pixels[4 * pixel..4 * pixel + 4].copy_from_slice(&self.bare[pixel]);
        }
        self.weigh(run, moment, quantity);
        for &pixel in &self.painted {
            let share = f64::from(self.values[pixel]) / top.max(1e-12);
            let over = cover(share);
            let map = colour(share);
            for channel in 0..3 {
                let bare = f64::from(self.bare[pixel][channel]);
                pixels[4 * pixel + channel] =
                    (bare + (f64::from(map[channel]) - bare) * over).round() as u8;
            }
        }
        for &pixel in &self.painted {
            self.values[pixel] = 0.0;
        }
    }

    /// The values of a moment on the pixels.
    fn weigh(&mut self, run: &Run, moment: &Moment, quantity: Quantity) {
        if quantity == Quantity::Dose {
            self.dose.follow(run, &self.skin, moment.t_s);
            let dosed = self.dose.pa_s.iter().enumerate().filter(|(_, d)| **d > 0.0);
            for (pixel, dose) in dosed {
                self.painted.push(pixel);
                self.values[pixel] = *dose;
            }
            return;
        }
        for touch in &moment.touches {
            for cell in &touch.cells {
                let Some(pixel) = self.skin.atlas.pixel(cell.at) else {
                    continue;
                };
                let value = match quantity {
                    Quantity::Pressure => cell.pressure_pa,
                    Quantity::Shear => cell.shear_pa,
                    Quantity::Indentation => cell.depth_m,
                    Quantity::PainFraction => cell.pressure_pa / touch.pain_pa.max(1.0) as f32,
                    Quantity::Dose | Quantity::Nothing => continue,
                };
                if value > 0.0 {
                    if self.values[pixel] == 0.0 {
                        self.painted.push(pixel);
                    }
                    // Where two patches overlap, pressures add up; of the others the larger one shows.
                    let old = self.values[pixel];
                    self.values[pixel] = match quantity {
                        Quantity::Pressure | Quantity::PainFraction => old + value,
                        _ => old.max(value),
                    };
                }
            }
        }
    }
}

impl Largest {
    fn look(&mut self, run: &Run, horizon_s: f64) {
        for moment in run.moments(self.looked, usize::MAX - 1) {
            if moment.t_s > horizon_s + 1e-9 {
                break;
            }
            self.looked += 1;
            for touch in &moment.touches {
                let pain_pa = touch.pain_pa.max(1.0) as f32;
                for cell in &touch.cells {
                    self.pressure_pa = self.pressure_pa.max(cell.pressure_pa);
                    self.shear_pa = self.shear_pa.max(cell.shear_pa);
                    self.depth_m = self.depth_m.max(cell.depth_m);
                    self.fraction = self.fraction.max(cell.pressure_pa / pain_pa);
                }
            }
        }
    }
}

impl Dose {
    /// Sums the film's moments up to a time, each for as long as it stood since the one before.
    fn follow(&mut self, run: &Run, skin: &Skin, t_s: f64) {
        let wanted = run.index_at(t_s + 1e-9) + 1;
        if wanted < self.moments || self.pa_s.is_empty() {
            self.moments = 0;
            self.pa_s.clear();
            self.pa_s
                .resize(skin.atlas.size[0] * skin.atlas.size[1], 0.0);
        }
        if wanted == self.moments {
            return;
        }
        let from = self.moments.saturating_sub(1);
        let moments = run.moments(from, wanted - 1);
        let mut before_s = if self.moments == 0 {
            0.0
        } else {
            moments.first().map_or(0.0, |m| m.t_s)
        };
        for moment in moments.iter().skip(usize::from(self.moments > 0)) {
            let dt_s = (moment.t_s - before_s) as f32;
            before_s = moment.t_s;
            for cell in moment.touches.iter().flat_map(|t| &t.cells) {
                if let Some(pixel) = skin.atlas.pixel(cell.at) {
                    self.pa_s[pixel] += dt_s * cell.pressure_pa;
                    self.largest_pa_s = self.largest_pa_s.max(self.pa_s[pixel]);
                }
            }
        }
        self.moments = wanted;
    }
}

/// Bare skin with its marks.
fn bare(skin: &Skin, marks: Marks) -> Vec<[u8; 4]> {
    let [rows, columns] = skin.atlas.size;
    let scale = skin.bed.cell_m() / 0.002;
    let mut pixels: Vec<[u8; 4]> = (0..rows * columns)
        .map(|i| {
            let at = [(i / columns) as f64 * scale, (i % columns) as f64 * scale];
            tone(at, skin.back.is_some())
        })
        .collect();
    let Some(back) = &skin.back else {
        return pixels;
    };
    fade(&mut pixels, skin, back);
    if marks == Marks::default() {
        return pixels;
    }
    let zones: Vec<_> = (0..rows * columns)
        .map(|i| {
            let [u, x_m] = skin.place([i / columns, i % columns]);
            marks.zones.then(|| back.zone(u, x_m).zone)
        })
        .collect();
    for i in 0..rows * columns {
        let (row, column) = (i / columns, i % columns);
        if let Some(zone) = zones[i] {
            let border = [(row + 1, column), (row, column + 1)]
                .into_iter()
                .any(|(r, c)| r < rows && c < columns && zones[r * columns + c] != zones[i]);
            // Neighbours in the list of zones get hues far apart.
            let hue = colorous::TABLEAU10[(zone as usize * 7) % 10];
            let over = if border { 0.85 } else { 0.28 };
            blend(&mut pixels[i], [hue.r, hue.g, hue.b], over);
        }
        let cell = [
            row as isize + skin.atlas.first[0],
            column as isize + skin.atlas.first[1],
        ];
        let [bed_rows, bed_columns] = skin.bed.size();
        let on_bed = (0..bed_rows as isize).contains(&cell[0])
            && (0..bed_columns as isize).contains(&cell[1]);
        if marks.keep_outs
            && on_bed
            && skin.bed.is_barred(cell[0] as usize, cell[1] as usize)
            && (row + column) % 6 < 2
        {
            blend(&mut pixels[i], [176, 32, 48], 0.8);
        }
    }
    pixels
}

/// Towards the edges of the drawn back skin passes over into the clay of the rest of the user: there the model ends.
fn fade(pixels: &mut [[u8; 4]], skin: &Skin, back: &Back) {
    const OVER_M: f64 = 0.045;
    const CLAY: [u8; 3] = [204, 195, 187];
    let columns = skin.atlas.size[1];
    let length_m = back.arc_length_m();
    for (row, line) in pixels.chunks_mut(columns).enumerate() {
        let [u, _] = skin.place([row, columns / 2]);
        let half_m = half_width_m(back, u);
        let to_end_m = (u - STATIONS[0]).min(STATIONS[1] - u) * length_m;
        for (column, pixel) in line.iter_mut().enumerate() {
            let [_, x_m] = skin.place([row, column]);
            let left = ((half_m - x_m.abs()).min(to_end_m) / OVER_M).clamp(0.0, 1.0);
            let share = left * left * (3.0 - 2.0 * left);
            blend(pixel, CLAY, 1.0 - share);
        }
    }
}

/// Skin, or the even grey of a bench slab. Mottled a little: an even colour looks like plastic.
fn tone([row, column]: [f64; 2], is_skin: bool) -> [u8; 4] {
    if !is_skin {
        return [206, 203, 198, 255];
    }
    let broad = noise([row / 31.0, column / 31.0]);
    let fine = noise([row / 5.0, column / 5.0]);
    let light = 1.0 + 0.030 * broad + 0.018 * fine;
    let red = 0.022 * noise([row / 53.0 + 9.0, column / 53.0]);
    let channel = |value: f64, tint: f64| (value * light * (1.0 + tint)).clamp(0.0, 255.0) as u8;
    [
        channel(228.0, red),
        channel(178.0, -red),
        channel(152.0, -red),
        255,
    ]
}

/// Smooth noise from -1 to 1, the same on every machine.
fn noise([y, x]: [f64; 2]) -> f64 {
    let lattice = |i: i64, j: i64| {
        let mut h = (i.wrapping_mul(0x9E37_79B9) ^ j.wrapping_mul(0x85EB_CA6B)) as u64;
        h = (h ^ (h >> 15)).wrapping_mul(0x2C1B_3C6D);
        h = (h ^ (h >> 12)).wrapping_mul(0x297A_2D39);
        ((h ^ (h >> 15)) & 0xffff) as f64 / 32767.5 - 1.0
    };
    let (i, j) = (y.floor() as i64, x.floor() as i64);
    let ease = |t: f64| t * t * (3.0 - 2.0 * t);
    let (ty, tx) = (ease(y - y.floor()), ease(x - x.floor()));
    let row = |i: i64| lattice(i, j) + (lattice(i, j + 1) - lattice(i, j)) * tx;
    row(i) + (row(i + 1) - row(i)) * ty
}

fn blend(pixel: &mut [u8; 4], over: [u8; 3], share: f64) {
    for channel in 0..3 {
        let (a, b) = (f64::from(pixel[channel]), f64::from(over[channel]));
        pixel[channel] = (a + (b - a) * share) as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::{Bench, Order};
    use sim::{MapFrame, Movie, Recording, record_rig, record_with};
    use std::path::Path;

    fn order() -> Order {
        Order {
            path: Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("../../scenes/checks/knead_turns.toml"),
            ..Order::default()
        }
    }

    fn recording() -> Recording {
        Recording {
            movie_hz: 500.0,
            ..Recording::rows(50.0)
        }
    }

    /// A run of the viewer's own up to a time.
    fn watched(order: &Order, until_s: f64) -> Arc<Run> {
        let mut live = Bench::default().set_up(order).unwrap();
        let run = Arc::clone(live.run());
        while run.recorded().0 < until_s {
            assert!(live.step());
        }
        run
    }

    /// At three cells the picture's colour is the map's colour of the pressure that a recording without the viewer has there.
    fn has_colours_of(run: &Run, until_s: f64, movie: &Movie) {
        let moment = run.at(until_s).unwrap();
        let off = |frame: &MapFrame| (frame.t_s - moment.t_s).abs();
        let frame = movie.frames.iter().min_by(|a, b| off(a).total_cmp(&off(b)));
        let frame = frame.unwrap();
        assert!(off(frame) < 1e-9, "{} {}", frame.t_s, moment.t_s);

        let skin = Arc::clone(run.skin.as_ref().unwrap());
        let mut paint = Paint::new(Arc::clone(&skin), Marks::default());
        let mut pixels = paint.blank();
        let top_pa = 40e3;
        paint.paint(&mut pixels, run, &moment, Quantity::Pressure, top_pa);

        let mut by_pressure = frame.cells.clone();
        by_pressure.sort_by(|a, b| b.1.total_cmp(&a.1));
        let count = by_pressure.len();
        assert!(count > 20, "{count} cells are pressed");
        let three = [0, count / 4, count / 2].map(|i| by_pressure[i]);
        for (cell, pressure_pa) in three {
            let at = [
                cell as usize / movie.grid.columns,
                cell as usize % movie.grid.columns,
            ];
            let pixel = skin.atlas.pixel(at.map(|n| n as u16)).unwrap();
            let share = f64::from(pressure_pa) / top_pa;
            assert!(share > 0.05, "below this the skin shows through: {share}");
            let got = &pixels[4 * pixel..4 * pixel + 3];
            // Two sums in another order: the last digits of single precision.
            for (got, wanted) in got.iter().zip(colour(share)) {
                assert!(
                    got.abs_diff(wanted) <= 1,
                    "cell {cell}, {pressure_pa} Pa: {got} {wanted}"
                );
            }
        }
        // Painting another moment leaves nothing of this one.
        let nothing = Moment::default();
        paint.paint(&mut pixels, run, &nothing, Quantity::Pressure, top_pa);
        assert!(pixels == paint.blank());
    }

    /// The promise of the heat map for a carriage. The scene's cells are 4 mm wide, as the recording's are.
    #[test]
    fn colours_are_the_pressures_of_the_run() {
        let until_s = 9.0;
        let run = watched(&order(), until_s);
        let scene = Arc::new(scene::load(&order().path, &[]).unwrap().scene);
        let envelope = tune::seat::allow(&scene.conditions).unwrap();
        let mut sim = tune::seat::seat(&scene, envelope).unwrap();
        let trace = record_with(&mut sim, &recording(), &mut |t_s, _| t_s < until_s);
        has_colours_of(&run, until_s, &trace.movie.unwrap());
    }

    /// The same for a rig, whose user leans on it: four nodes of a pillow while its discs turn.
    #[test]
    fn colours_are_the_pressures_of_a_rig() {
        let until_s = 3.0;
        let order = Order {
            path: Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenes/pillow.toml"),
            sets: vec![("solver.cell_mm".into(), "4.0".into())],
            ..Order::default()
        };
        let run = watched(&order, until_s);
        let scene = scene::load_rig_scene(&order.path, &order.sets)
            .unwrap()
            .scene;
        let scene = Arc::new(scene);
        let envelope = tune::seat::allow_rig(&scene).unwrap();
        let groundwork = sim::Bed::groundwork(scene.solver.cell_m);
        let mut sim = tune::seat::seat_at_rig(&scene, envelope, &groundwork).unwrap();
        let trace = record_rig(&mut sim, &recording(), &mut |t_s, _| t_s < until_s);
        has_colours_of(&run, until_s, &trace.movie.unwrap());
        let pressing = run
            .at(until_s)
            .unwrap()
            .touches
            .iter()
            .filter(|t| t.force_n > 1.0)
            .count();
        assert!(pressing >= 2, "{pressing} nodes press");
    }

    /// A dose is the sum of pressure times time, whichever way one came to its time.
    #[test]
    fn doses_follow_the_scrubber_both_ways() {
        let mut live = Bench::default().set_up(&order()).unwrap();
        let run = Arc::clone(live.run());
        while run.recorded().0 < 9.0 {
            assert!(live.step());
        }
        let skin = Arc::clone(run.skin.as_ref().unwrap());
        let (mut straight, mut there_and_back) = (Dose::default(), Dose::default());
        straight.follow(&run, &skin, 8.0);
        for t_s in [3.0, 9.0, 2.0, 7.0, 8.0] {
            there_and_back.follow(&run, &skin, t_s);
        }
        // Sums in the same order: the same bits.
        assert!(straight.pa_s == there_and_back.pa_s);
        assert!(straight.largest_pa_s > 0.0);
        let cell_m2 = skin.bed.cell_m().powi(2);
        let impulse: f64 = straight.pa_s.iter().map(|d| f64::from(*d) * cell_m2).sum();
        let by_forces: f64 = run
            .moments(0, run.index_at(8.0))
            .windows(2)
            .map(|w| (w[1].t_s - w[0].t_s) * w[1].touches.iter().map(|t| t.force_n).sum::<f64>())
            .sum();
        assert!(
            (impulse - by_forces).abs() < 1e-3 * by_forces,
            "{impulse} {by_forces}"
        );
    }
}
