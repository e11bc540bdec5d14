//! What the command line asks for, read and checked.

use std::path::Path;
use std::str::FromStr;

use anyhow::Context;

use crate::colour::{PressureUnit, Quantity};
use crate::layout::SIDES;
use crate::orbit::View;
use crate::shot::Wanted;
use crate::show::Show;

/// `view=back,t=12.5,colour=pressure`.
#[derive(Clone, Debug, PartialEq)]
pub struct Wish {
    /// Where one looks from.
    pub view: View,
    /// Time of the run, s.
    pub t_s: f64,
    /// What is shown.
    pub show: Show,
}

impl Default for Wish {
    fn default() -> Wish {
        Wish {
            view: View::Back,
            t_s: 0.0,
            show: Show::default(),
        }
    }
}

const KEYS: &str = "view, t, colour, unit, top, show, hide";

impl FromStr for Wish {
    type Err = String;

    fn from_str(text: &str) -> Result<Wish, String> {
        let mut wish = Wish::default();
        let mut top = None;
        for part in text.split(',').filter(|part| !part.trim().is_empty()) {
            let (key, value) = part
                .split_once('=')
                .ok_or_else(|| format!("`{part}`: expected KEY=VALUE; keys: {KEYS}"))?;
            let value = value.trim();
            match key.trim() {
                "view" => {
                    wish.view = View::from_name(value)
                        .ok_or_else(|| unknown("view", value, &View::names()))?
                }
                "t" => wish.t_s = number(value)?,
                "colour" | "color" => {
                    let names = Quantity::ALL.map(Quantity::name);
                    wish.show.quantity = Quantity::from_name(value)
                        .ok_or_else(|| unknown("colour", value, &names))?;
                }
                "unit" => {
                    let names = PressureUnit::ALL.map(|u| u.per_pa().0);
                    let unit = PressureUnit::ALL
                        .into_iter()
                        .find(|u| u.per_pa().0 == value);
                    wish.show.unit = unit.ok_or_else(|| unknown("unit", value, &names))?;
                }
                "top" => top = Some(number(value)?),
                "show" => wish.switch(value, true)?,
                "hide" => wish.switch(value, false)?,
                other => return Err(format!("no key is called `{other}`; there are {KEYS}")),
            }
        }
        wish.show.section = wish.view == View::Section;
        // In the unit of the quantity, whichever of the keys came first.
        let per_si = wish.show.quantity.unit(wish.show.unit).1;
        wish.show.top = top.map(|top| top / per_si);
        Ok(wish)
    }
}

impl Wish {
    fn switch(&mut self, names: &str, on: bool) -> Result<(), String> {
        for name in names.split('+') {
            let marks = &mut self.show.marks;
            let more = [
                ("zones", &mut marks.zones),
                ("keep-outs", &mut marks.keep_outs),
            ];
            let mut layers: Vec<_> = self.show.layers.each().into_iter().chain(more).collect();
            let known: Vec<&str> = layers.iter().map(|(n, _)| *n).collect();
            match layers.iter_mut().find(|(n, _)| *n == name) {
                Some((_, layer)) => **layer = on,
                None => return Err(unknown("layer", name, &known)),
            }
        }
        Ok(())
    }
}

fn unknown(what: &str, value: &str, names: &[&str]) -> String {
    format!(
        "no {what} is called `{value}`; there are {}",
        names.join(", ")
    )
}

fn number(text: &str) -> Result<f64, String> {
    match text.trim().parse::<f64>() {
        Ok(value) if value.is_finite() && value >= 0.0 => Ok(value),
        _ => Err(format!("`{text}` is no number from 0 up")),
    }
}

/// `FROM..TO@RATE`, both ends included.
pub fn frames(text: &str) -> Result<Vec<f64>, String> {
    let wrong = || format!("`{text}`: expected FROM..TO@RATE, such as 0..10@25");
    let (span, rate) = text.split_once('@').ok_or_else(wrong)?;
    let (from, to) = span.split_once("..").ok_or_else(wrong)?;
    let (from, to, rate) = (number(from)?, number(to)?, number(rate)?);
    let count = (to - from) * rate;
    if rate <= 0.0 || !(0.0..100_000.0).contains(&count) {
        return Err(wrong());
    }
    Ok((0..=count.round() as usize)
        .map(|i| from + i as f64 / rate)
        .collect())
}

/// `FROM..TO`, seconds.
pub fn span(text: &str) -> Result<[f64; 2], String> {
    let wrong = || format!("`{text}`: expected FROM..TO, such as 12..20");
    let (from, to) = text.split_once("..").ok_or_else(wrong)?;
    let (from, to) = (number(from)?, number(to)?);
    if from < to {
        Ok([from, to])
    } else {
        Err(wrong())
    }
}

/// Names for many pictures in a folder, which is made.
pub fn numbered(folder: &Path, wish: &Wish, times_s: &[f64]) -> anyhow::Result<Vec<Wanted>> {
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let picture = |(i, t_s): (usize, &f64)| Wanted {
        wish: Wish {
            t_s: *t_s,
            ..wish.clone()
        },
        path: folder.join(format!("frame-{i:05}.png")),
    };
    Ok(times_s.iter().enumerate().map(picture).collect())
}

/// `WIDTHxHEIGHT`.
pub fn size(text: &str) -> Result<[u32; 2], String> {
    let (width, height) = text
        .split_once('x')
        .ok_or("expected WIDTHxHEIGHT, such as 1280x960")?;
    let side = |text: &str| match text.parse() {
        Ok(pixels) if SIDES.contains(&pixels) => Ok(pixels),
        _ => Err(format!(
            "`{text}` is not a number from {} to {}",
            SIDES.start(),
            SIDES.end()
        )),
    };
    Ok([side(width)?, side(height)?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_are_read() {
        let wish: Wish =
            "view=corner,t=12.5,colour=dose,top=200,unit=mmHg,show=zones+points,hide=pad"
                .parse()
                .unwrap();
        assert_eq!((wish.view, wish.t_s), (View::Corner, 12.5));
        assert_eq!(wish.show.quantity, Quantity::Dose);
        assert!(wish.show.marks.zones && wish.show.layers.points && !wish.show.layers.pad);
        // 200 mmHg s.
        assert!((wish.show.top.unwrap() - 200.0 * 133.322).abs() < 1e-6);
        assert!("view=section".parse::<Wish>().unwrap().show.section);
    }

    #[test]
    fn wrong_wishes_say_what_there_is() {
        let wrong = |text: &str| text.parse::<Wish>().unwrap_err();
        assert!(wrong("view=top").contains("section"));
        assert!(wrong("t=-1").contains("-1"));
        assert!(wrong("show=hair").contains("acupoints") || wrong("show=hair").contains("points"));
        assert!(wrong("angle=3").contains("colour"));
        assert!(wrong("back").contains("KEY=VALUE"));
        assert!(frames("3..1@25").is_err() && frames("1..2").is_err());
        assert_eq!(frames("1..2@2").unwrap(), [1.0, 1.5, 2.0]);
        assert!(span("3..1").is_err() && span("3").is_err() && span("-1..2").is_err());
        assert_eq!(span("1.5..2").unwrap(), [1.5, 2.0]);
    }
}
