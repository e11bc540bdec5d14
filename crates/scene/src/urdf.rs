//! Robot descriptions (URDF): their links, joints and mimics as the tables that a rig file would have written.
//!
//! Both describe a tree whose joint frames are their children's frames, with attitudes as turns about fixed x, y, z, so
//! nothing but units changes. The root link, which a robot's user places, is welded to the ground by a joint of the root's
//! name. Every value keeps the line of the element that it came from, so what is out of range is told there.

use std::sync::Arc;

use nalgebra::{Matrix3, Rotation3};
use roxmltree::{Document, ParsingOptions};

use crate::document::{Node, Origin, Raw};
use crate::problem::{Problem, Severity};
use mechanism::GROUND;

/// What a robot description adds to a rig.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    /// `[[link]]`s; those without mass have no `mass_kg`.
    pub links: Vec<Node>,
    /// `[[joint]]`s, the root's weld first.
    pub joints: Vec<Node>,
    /// `[[coupling]]`s.
    pub couplings: Vec<Node>,
}

/// Reads a description; problems are told at their lines, and what can be kept is kept: nothing, if it is none at all.
pub(crate) fn read(text: &str, file: &str, problems: &mut Vec<Problem>) -> Option<Parts> {
    let options = ParsingOptions::default();
    let document = match Document::parse_with_options(text, options) {
        Ok(document) => document,
        Err(e) => {
            let message = format!("not XML: {e}");
            problems.push(problem(
                file,
                e.pos().row as usize,
                "",
                message,
                Severity::Error,
            ));
            return None;
        }
    };
    let mut reader = Reader {
        file: file.into(),
        document: &document,
        problems,
    };
    reader.robot()
}

type Element<'a> = roxmltree::Node<'a, 'a>;

struct Reader<'a> {
    file: Arc<str>,
    document: &'a Document<'a>,
    problems: &'a mut Vec<Problem>,
}

/// What draws or collides: of no use here, and in nearly every file, so nothing is said of it.
const QUIET: [&str; 4] = ["visual", "collision", "material", "inertial"];

impl Reader<'_> {
    fn robot(&mut self) -> Option<Parts> {
        let root = self.document.root_element();
        if root.tag_name().name() != "robot" {
            let message = format!(
                "a robot description begins with <robot>, this with <{}>",
                root.tag_name().name()
            );
            self.tell(root, "", message, Severity::Error);
            return None;
        }
        let mut parts = Parts::default();
        let mut strange = Vec::new();
        for element in root.children().filter(Element::is_element) {
            match element.tag_name().name() {
                _ if element.tag_name().namespace().is_some() => {
                    let message = "this is a macro (xacro), not yet a robot description".into();
                    self.tell(element, "", message, Severity::Error);
                    self.hint("expand it first: xacro arm.urdf.xacro > arm.urdf".into());
                    return None;
                }
                "link" => parts.links.extend(self.link(element, &mut strange)),
                "joint" => self.joint(element, &mut parts, &mut strange),
                _ => strange.push(element),
            }
        }
        self.strange(&strange);
        self.tree(root, &mut parts);
        (!parts.links.is_empty()).then_some(parts)
    }

    /// Elements that say nothing here: one warning for each kind, at the first.
    fn strange(&mut self, elements: &[Element<'_>]) {
        let mut told: Vec<&str> = Vec::new();
        for element in elements {
            let name = element.tag_name().name();
            if QUIET.contains(&name) || told.contains(&name) {
                continue;
            }
            told.push(name);
            let count = elements
                .iter()
                .filter(|e| e.tag_name().name() == name)
                .count();
            let times = match count {
                1 => String::new(),
                n => format!(", here and {} times more", n - 1),
            };
            let message = format!("<{name}> says nothing to a rig and is left out{times}");
            self.tell(*element, "", message, Severity::Warning);
            self.hint(match name {
                "transmission" => {
                    "motors stand in the rig file: [[drive]] names the joint".to_owned()
                }
                "safety_controller" => {
                    "stops are those of <limit>, or range_deg and range_mm in the rig file".into()
                }
                _ => "take it out, or say what it means in the rig file".into(),
            });
        }
    }

    fn link<'a>(&mut self, element: Element<'a>, strange: &mut Vec<Element<'a>>) -> Option<Node> {
        let name = self.name(element, "link")?;
        let part = format!("link {name:?}");
        let mut entries = vec![("name".to_owned(), self.text(element, &name))];
        for child in element.children().filter(Element::is_element) {
            match child.tag_name().name() {
                "inertial" => self.inertial(child, &part, &mut entries),
                _ => strange.push(child),
            }
        }
        Some(self.node(element, Raw::Table(entries)))
    }

    fn inertial(&mut self, element: Element<'_>, part: &str, entries: &mut Vec<(String, Node)>) {
        let (at, turn) = self.origin(element, part);
        let mass = child(element, "mass");
        let mass_kg = mass.and_then(|e| self.number(e, "value", part));
        let Some(mass_kg) = mass_kg.filter(|m| *m != 0.0) else {
            // A frame: the caller gives it next to nothing.
            return;
        };
        let from = mass.unwrap_or(element);
        entries.push(("mass_kg".into(), self.node(from, Raw::Number(mass_kg))));
        entries.push((
            "centre_mm".into(),
            self.list(child(element, "origin").unwrap_or(element), &mm(at)),
        ));
        let Some(inertia) = child(element, "inertia") else {
            let message = "mass without <inertia>: it has that of a block of 30 mm".into();
            self.tell(element, part, message, Severity::Warning);
            self.hint("add <inertia>, or size_mm to a [[link]] of this name in the rig".into());
            return;
        };
        let mut value = |key| match inertia.has_attribute(key) {
            true => self.number(inertia, key, part),
            false => Some(0.0),
        };
        let (Some(xx), Some(yy), Some(zz), Some(xy), Some(xz), Some(yz)) = (
            value("ixx"),
            value("iyy"),
            value("izz"),
            value("ixy"),
            value("ixz"),
            value("iyz"),
        ) else {
            return;
        };
        let turn = Rotation3::from_euler_angles(turn[0], turn[1], turn[2]);
        let own = Matrix3::new(xx, xy, xz, xy, yy, yz, xz, yz, zz);
        let here = turn * own * turn.transpose();
        let principal = own.symmetric_eigenvalues();
        let (least, most) = (principal.min(), principal.max());
        if least.is_nan() || least <= 0.0 {
            let message =
                format!("no body has this inertia: its least principal moment is {least:e} kg m^2");
            self.tell(inertia, part, message, Severity::Error);
            self.hint("moments are positive, and products smaller than the moments".into());
            return;
        }
        // Of three moments two make up the third at least; a thin plate just so.
        if most > (principal.sum() - most) * (1.0 + 1e-3) {
            let message = format!(
                "no body has this inertia: the principal moments {:e}, {:e}, {:e} kg m^2 break the triangle rule",
                principal[0], principal[1], principal[2]
            );
            self.tell(inertia, part, message, Severity::Warning);
            self.hint("the largest is at most the sum of the others; look at the units".into());
        }
        let g_cm2 = |j: f64| 1e7 * j;
        let moments = [here[(0, 0)], here[(1, 1)], here[(2, 2)]].map(g_cm2);
        entries.push(("moment_inertia_g_cm2".into(), self.list(inertia, &moments)));
        let products = [here[(0, 1)], here[(0, 2)], here[(1, 2)]];
        if products.iter().any(|p| p.abs() > 1e-12 * most) {
            entries.push((
                "product_inertia_g_cm2".into(),
                self.list(inertia, &products.map(g_cm2)),
            ));
        }
    }

    fn joint<'a>(
        &mut self,
        element: Element<'a>,
        parts: &mut Parts,
        strange: &mut Vec<Element<'a>>,
    ) {
        let Some(name) = self.name(element, "joint") else {
            return;
        };
        let part = format!("joint {name:?}");
        let word = element.attribute("type").unwrap_or_default();
        let kind = match word {
            "revolute" | "continuous" => "revolute",
            "prismatic" => "prismatic",
            "fixed" => "fixed",
            _ => {
                let message = match word {
                    "" => "it has no type".to_owned(),
                    "floating" | "planar" => {
                        format!("a {word} joint cannot be described in a rig")
                    }
                    _ => format!("there is no type {word:?}"),
                };
                self.tell(element, &part, message, Severity::Error);
                self.allow("revolute, continuous, prismatic, fixed".into());
                self.hint(match word {
                    "floating" => {
                        "make it fixed; what a hand holds is [mounting] kind = \"held\"".into()
                    }
                    "planar" => "write two prismatic joints and a revolute one".to_owned(),
                    _ => "a ball is fixed here, and kind = \"spherical\" in a [[joint]] of this name in the rig"
                        .into(),
                });
                return;
            }
        };
        let (turns, slides) = (kind == "revolute", kind == "prismatic");
        let mut entries = vec![
            ("name".to_owned(), self.text(element, &name)),
            ("kind".to_owned(), self.text(element, kind)),
        ];
        for (key, tag) in [("parent", "parent"), ("child", "child")] {
            let named = child(element, tag);
            match named.and_then(|e| Some((e, e.attribute("link")?))) {
                Some((at, link)) => entries.push((key.into(), self.text(at, link))),
                None => {
                    let message = format!("it names no {tag}");
                    self.tell(named.unwrap_or(element), &part, message, Severity::Error);
                    self.hint(format!("write <{tag} link=\"...\"/>"));
                    return;
                }
            }
        }
        let (at, turn) = self.origin(element, &part);
        let origin = child(element, "origin").unwrap_or(element);
        entries.push(("at_mm".into(), self.list(origin, &mm(at))));
        entries.push((
            "turn_deg".into(),
            self.list(origin, &turn.map(f64::to_degrees)),
        ));
        if let Some(axis) = child(element, "axis").filter(|_| kind != "fixed")
            && let Some(v) = self.numbers(axis, "xyz", &part)
        {
            // Its length says nothing; a rig's numbers are at most 1.
            let size = v.iter().fold(1.0_f64, |a, b| a.max(b.abs()));
            entries.push(("axis".into(), self.list(axis, &v.map(|x| x / size))));
        }
        if slides || word == "revolute" {
            self.limit(element, &part, turns, &mut entries);
        }
        if let Some(dynamics) = child(element, "dynamics").filter(|_| kind != "fixed") {
            let keys = match turns {
                true => [("friction", "friction_nm"), ("damping", "damping_nm_s")],
                false => [("friction", "friction_n"), ("damping", "damping_n_s_m")],
            };
            for (from, key) in keys {
                if dynamics.has_attribute(from)
                    && let Some(v) = self.number(dynamics, from, &part)
                {
                    entries.push((key.into(), self.node(dynamics, Raw::Number(v))));
                }
            }
        }
        if let Some(mimic) = child(element, "mimic") {
            self.mimic(mimic, &part, &name, slides, parts);
        }
        let known = [
            "parent", "child", "origin", "axis", "limit", "dynamics", "mimic",
        ];
        strange.extend(
            element
                .children()
                .filter(|e| e.is_element() && !known.contains(&e.tag_name().name())),
        );
        parts.joints.push(self.node(element, Raw::Table(entries)));
    }

    fn limit(
        &mut self,
        element: Element<'_>,
        part: &str,
        turns: bool,
        entries: &mut Vec<(String, Node)>,
    ) {
        let Some(limit) = child(element, "limit") else {
            let message = "it has no <limit>: it is taken without stops".into();
            self.tell(element, part, message, Severity::Warning);
            self.hint("add <limit lower=\"...\" upper=\"...\"/>, or make it continuous".into());
            return;
        };
        let mut end = |key| match limit.has_attribute(key) {
            true => self.number(limit, key, part),
            false => Some(0.0),
        };
        let (Some(low), Some(high)) = (end("lower"), end("upper")) else {
            return;
        };
        if low >= high {
            let message = format!("its lower limit {low} is not below its upper limit {high}");
            self.tell(limit, part, message, Severity::Error);
            self.hint("a limit that is left out is 0; what does not move is type=\"fixed\"".into());
            return;
        }
        let (key, ends) = match turns {
            true => ("range_deg", [low, high].map(f64::to_degrees)),
            false => ("range_mm", [low, high].map(|v| 1e3 * v)),
        };
        entries.push((key.into(), self.list(limit, &ends)));
    }

    fn mimic(
        &mut self,
        mimic: Element<'_>,
        part: &str,
        follower: &str,
        slides: bool,
        parts: &mut Parts,
    ) {
        let Some(leader) = mimic.attribute("joint") else {
            let message = "<mimic> names no joint".into();
            return self.tell(mimic, part, message, Severity::Error);
        };
        let mut value = |key, default| match mimic.has_attribute(key) {
            true => self.number(mimic, key, part),
            false => Some(default),
        };
        let (Some(ratio), Some(offset)) = (value("multiplier", 1.0), value("offset", 0.0)) else {
            return;
        };
        // Slides of a slide or of a turn, per SI unit of the leader alike; so is a turn of either.
        let offset = match slides {
            true => ("offset_mm", 1e3 * offset),
            false => ("offset_deg", offset.to_degrees()),
        };
        let entries = vec![
            ("joint".to_owned(), self.text(mimic, follower)),
            ("to".to_owned(), self.text(mimic, leader)),
            ("ratio".to_owned(), self.node(mimic, Raw::Number(ratio))),
            (offset.0.to_owned(), self.node(mimic, Raw::Number(offset.1))),
        ];
        parts.couplings.push(self.node(mimic, Raw::Table(entries)));
    }

    /// Welds the root to the ground; tells names that are taken twice and roots that are several. The rest of the tree is
    /// the rig's to check.
    fn tree(&mut self, robot: Element<'_>, parts: &mut Parts) {
        let links: Vec<String> = parts.links.iter().map(|n| text_of(n, "name")).collect();
        let children: Vec<String> = parts.joints.iter().map(|n| text_of(n, "child")).collect();
        let roots: Vec<usize> = (0..links.len())
            .filter(|&i| !children.contains(&links[i]))
            .collect();
        match roots[..] {
            [root] if links[root] == GROUND => {
                parts.links.remove(root);
            }
            [root] => {
                let at = parts.links[root].origin.clone();
                let text = |v: &str| Node {
                    origin: at.clone(),
                    raw: Raw::Text(v.to_owned()),
                };
                let taken = |name: &str| parts.joints.iter().any(|j| text_of(j, "name") == name);
                let mut name = links[root].clone();
                while taken(&name) {
                    name += "_mount";
                }
                let weld = vec![
                    ("name".to_owned(), text(&name)),
                    ("kind".to_owned(), text("fixed")),
                    ("parent".to_owned(), text(GROUND)),
                    ("child".to_owned(), text(&links[root])),
                ];
                let weld = Node {
                    origin: at.clone(),
                    raw: Raw::Table(weld),
                };
                parts.joints.insert(0, weld);
            }
            [] => {
                let message = match links.is_empty() {
                    true => "there is no <link> in it".to_owned(),
                    false => "it has no root: every link is the child of a joint".into(),
                };
                self.tell(robot, "", message, Severity::Error);
                self.hint(
                    "joints make a tree; loops are closed in the rig file by [[closing]]".into(),
                );
            }
            [_, ..] => {
                let names: Vec<&str> = roots.iter().map(|&i| links[i].as_str()).collect();
                let message = format!("it has {} roots: {}", roots.len(), names.join(", "));
                self.tell(robot, "", message, Severity::Error);
                self.hint("one link is the root; every other is the child of one joint".into());
            }
        }
    }

    fn name(&mut self, element: Element<'_>, what: &str) -> Option<String> {
        match element.attribute("name").map(str::trim) {
            Some(name) if !name.is_empty() => Some(name.to_owned()),
            _ => {
                let message = format!("this {what} has no name");
                self.tell(element, "", message, Severity::Error);
                None
            }
        }
    }

    /// `xyz`, m, and `rpy`, rad; zeros where there are none.
    fn origin(&mut self, element: Element<'_>, part: &str) -> ([f64; 3], [f64; 3]) {
        let Some(origin) = child(element, "origin") else {
            return ([0.0; 3], [0.0; 3]);
        };
        let mut of = |key| match origin.has_attribute(key) {
            true => self.numbers(origin, key, part).unwrap_or_default(),
            false => [0.0; 3],
        };
        (of("xyz"), of("rpy"))
    }

    fn numbers(&mut self, element: Element<'_>, key: &str, part: &str) -> Option<[f64; 3]> {
        let text = element.attribute(key).unwrap_or_default();
        let numbers: Vec<f64> = text
            .split_whitespace()
            .filter_map(|word| word.parse().ok())
            .filter(|v: &f64| v.is_finite())
            .collect();
        match numbers[..] {
            [x, y, z] if text.split_whitespace().count() == 3 => Some([x, y, z]),
            _ => {
                let message = format!("{key}=\"{text}\" is not three numbers");
                self.tell(element, part, message, Severity::Error);
                self.hint("such as \"0 0.05 0.1\", in m and rad".into());
                None
            }
        }
    }

    fn number(&mut self, element: Element<'_>, key: &str, part: &str) -> Option<f64> {
        let text = element.attribute(key).unwrap_or_default();
        match text.trim().parse() {
            Ok(v) if f64::is_finite(v) => Some(v),
            _ => {
                let tag = element.tag_name().name();
                let message = match element.has_attribute(key) {
                    true => format!("{key}=\"{text}\" of <{tag}> is not a number"),
                    false => format!("<{tag}> has no {key}"),
                };
                self.tell(element, part, message, Severity::Error);
                None
            }
        }
    }

    fn text(&self, at: Element<'_>, value: &str) -> Node {
        self.node(at, Raw::Text(value.to_owned()))
    }

    fn list(&self, at: Element<'_>, values: &[f64]) -> Node {
        let items = values.iter().map(|v| self.node(at, Raw::Number(*v)));
        self.node(at, Raw::List(items.collect()))
    }

    fn node(&self, at: Element<'_>, raw: Raw) -> Node {
        Node {
            origin: Origin {
                file: self.file.clone(),
                line: self.line(at),
            },
            raw,
        }
    }

    fn line(&self, at: Element<'_>) -> usize {
        self.document.text_pos_at(at.range().start).row as usize
    }

    fn tell(&mut self, at: Element<'_>, part: &str, message: String, severity: Severity) {
        let problem = problem(&self.file, self.line(at), part, message, severity);
        self.problems.push(problem);
    }

    /// Adds a hint to what was told last.
    fn hint(&mut self, hint: String) {
        if let Some(problem) = self.problems.last_mut() {
            problem.hint = Some(hint);
        }
    }

    fn allow(&mut self, allowed: String) {
        if let Some(problem) = self.problems.last_mut() {
            problem.allowed = allowed;
        }
    }
}

fn problem(file: &str, line: usize, part: &str, message: String, severity: Severity) -> Problem {
    Problem {
        file: file.to_owned(),
        line,
        key: part.to_owned(),
        value: String::new(),
        message,
        allowed: String::new(),
        hint: None,
        severity,
    }
}

fn child<'a>(element: Element<'a>, tag: &str) -> Option<Element<'a>> {
    element.children().find(|e| e.has_tag_name(tag))
}

fn mm(m: [f64; 3]) -> [f64; 3] {
    m.map(|v| 1e3 * v)
}

/// The text of an entry; empty if there is none.
fn text_of(node: &Node, key: &str) -> String {
    match node.entries().iter().find(|(k, _)| k == key) {
        Some((
            _,
            Node {
                raw: Raw::Text(text),
                ..
            },
        )) => text.clone(),
        _ => String::new(),
    }
}

/// Lays the parts of a description under what the rig file says: a `[[link]]` or `[[joint]]` of the same name, a
/// `[[coupling]]` of the same joint, says more of it or something else; others stand beside them.
pub(crate) fn lay_under(
    entries: &mut Vec<(String, Node)>,
    parts: Parts,
    at: &Origin,
    problems: &mut Vec<Problem>,
) {
    let imported: Vec<String> = parts.links.iter().map(|n| text_of(n, "name")).collect();
    lay(entries, "link", "name", parts.links, at);
    lay(entries, "joint", "name", parts.joints, at);
    lay(entries, "coupling", "joint", parts.couplings, at);
    frames(entries, &imported, problems);
}

fn lay(entries: &mut Vec<(String, Node)>, key: &str, by: &str, parts: Vec<Node>, at: &Origin) {
    if parts.is_empty() {
        return;
    }
    let place = match entries.iter().position(|(k, _)| k == key) {
        Some(place) => place,
        None => {
            let raw = Raw::List(Vec::new());
            entries.push((
                key.to_owned(),
                Node {
                    origin: at.clone(),
                    raw,
                },
            ));
            entries.len() - 1
        }
    };
    let Raw::List(items) = &mut entries[place].1.raw else {
        // Told by whoever checks the tree.
        return;
    };
    let mut all = parts;
    for item in std::mem::take(items) {
        let name = text_of(&item, by);
        let under = all
            .iter_mut()
            .find(|part| !name.is_empty() && text_of(part, by) == name);
        match (under, item.raw) {
            (
                Some(Node {
                    raw: Raw::Table(under),
                    ..
                }),
                Raw::Table(over),
            ) => {
                if over.iter().any(|(k, _)| k == "size_mm") {
                    under.retain(|(k, _)| !k.ends_with("_inertia_g_cm2"));
                }
                for (k, node) in over {
                    match under.iter_mut().find(|(have, _)| *have == k) {
                        Some((_, old)) => *old = node,
                        None => under.push((k, node)),
                    }
                }
            }
            (_, raw) => all.push(Node {
                origin: item.origin,
                raw,
            }),
        }
    }
    *items = all;
}

/// Mass of a link that a description leaves without, kg, and its size, mm: a frame, next to nothing.
const FRAME: (f64, f64) = (1e-4, 10.0);

/// Gives imported links without mass next to nothing, and tells those that move.
fn frames(entries: &mut [(String, Node)], imported: &[String], problems: &mut Vec<Problem>) {
    let list = |key: &str| -> Vec<Node> {
        match entries.iter().find(|(k, _)| k == key) {
            Some((
                _,
                Node {
                    raw: Raw::List(items),
                    ..
                },
            )) => items.clone(),
            _ => Vec::new(),
        }
    };
    let joints = list("joint");
    let Some((_, links)) = entries.iter_mut().find(|(k, _)| k == "link") else {
        return;
    };
    let Raw::List(links) = &mut links.raw else {
        return;
    };
    for link in links {
        let name = text_of(link, "name");
        let massless = !link.entries().iter().any(|(k, _)| k == "mass_kg");
        if !massless || !imported.contains(&name) {
            continue;
        }
        let origin = link.origin.clone();
        let carrier = joints.iter().find(|j| text_of(j, "child") == name);
        if carrier.is_some_and(|j| text_of(j, "kind") != "fixed") {
            problems.push(Problem {
                hint: Some(format!(
                    "add <inertial>, or mass_kg to a [[link]] {name:?} in the rig"
                )),
                ..problem(
                    &origin.file,
                    origin.line,
                    &format!("link {name:?}"),
                    format!("it moves and has no mass: it is given {} g", 1e3 * FRAME.0),
                    Severity::Warning,
                )
            });
        }
        if let Raw::Table(entries) = &mut link.raw {
            let node = |raw| Node {
                origin: origin.clone(),
                raw,
            };
            let size = (0..3).map(|_| node(Raw::Number(FRAME.1))).collect();
            entries.push(("mass_kg".into(), node(Raw::Number(FRAME.0))));
            if !entries.iter().any(|(k, _)| k == "size_mm") {
                entries.push(("size_mm".into(), node(Raw::List(size))));
            }
        }
    }
}
