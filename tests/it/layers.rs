//! Promise: the house keeps its shape. A crate uses only crates above it, each border keeps its
//! rule, and the top level holds what ARCHITECTURE.md says and nothing else.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The house from top to bottom: folder under `crates/`, package name.
const HOUSE: [(&str, &str); 10] = [
    ("tissue", "tissue"),
    ("back", "back"),
    ("mechanism", "mechanism"),
    ("program", "program"),
    ("scene", "scene"),
    ("sim", "sim"),
    ("tune", "tune"),
    ("table", "table"),
    ("cli", "kneadlab"),
    ("view", "kneadlab-view"),
];

/// Packages that one crate alone may use: name or its beginning, the folder, why.
const PRIVATE: [(&str, &str, &str); 4] = [
    ("rapier", "sim", "no other crate knows the engine"),
    ("parry", "sim", "no other crate knows the engine"),
    ("bevy", "view", "deleting the viewer changes no number"),
    ("rayon", "tune", "tuning is the only parallelism"),
];

/// Words that the sources of some crates must not hold: words, the folders that may, what to do.
const WORDS: [(&[&str], &[&str], &str); 3] = [
    (
        &["std::fs", "File::open", "File::create", "OpenOptions"],
        &["scene", "cli", "view"],
        "only scene reads files and cli and view write them; take the text as an argument or return it",
    ),
    (
        &[
            "std::thread",
            "thread::spawn",
            "std::time",
            "Instant",
            "SystemTime",
        ],
        &["tune", "cli", "view"],
        "a result must not depend on threads or on the clock; let the caller own both",
    ),
    (
        &["println!", "print!", "eprintln!", "eprint!"],
        &["cli", "view"],
        "only programs print; return a value or a problem instead",
    ),
];

/// The folders of the top level, dot folders aside.
const TOP: [&str; 5] = ["benches", "crates", "scenes", "tests", "tools"];

#[test]
fn every_crate_has_its_place_in_the_house() {
    let found: BTreeSet<String> = folders(&root().join("crates")).into_iter().collect();
    let listed: BTreeSet<String> = HOUSE.iter().map(|(folder, _)| folder.to_string()).collect();
    assert_eq!(
        found, listed,
        "crates/ and the table of crates differ. A new crate is a design change: give it its place in HOUSE \
         (tests/it/layers.rs) and in ARCHITECTURE.md, or fold it into a crate that is there"
    );
    none(HOUSE.iter().filter_map(|(folder, package)| {
        let name = manifest(folder)["package"]["name"]
            .as_str()
            .map(String::from);
        (name.as_deref() != Some(package)).then(|| {
            format!(
                "crates/{folder}/Cargo.toml: the package is called {name:?}, expected {package}"
            )
        })
    }));
}

#[test]
fn a_crate_uses_only_crates_above_it() {
    none(
        HOUSE
            .iter()
            .flat_map(|(folder, _)| upward(folder, &dependencies(&manifest(folder)))),
    );
}

#[test]
fn private_packages_stay_in_their_crate() {
    none(
        HOUSE
            .iter()
            .flat_map(|(folder, _)| trespass(folder, &dependencies(&manifest(folder)))),
    );
}

#[test]
fn files_clock_threads_and_printing_stay_outside_the_model() {
    let mut problems = Vec::new();
    for (folder, _) in HOUSE {
        for path in rust_files(&root().join("crates").join(folder).join("src")) {
            let text = fs::read_to_string(&path).unwrap();
            let path = path.strip_prefix(root()).unwrap().display().to_string();
            problems.extend(forbidden_words(folder, &text).map(|(line, word, advice)| {
                format!("{path}:{line}: `{word}` does not belong here: {advice}")
            }));
        }
    }
    none(problems);
}

#[test]
fn every_crate_has_a_chapter() {
    none(HOUSE.iter().filter_map(|(folder, _)| {
        let dir = root().join("crates").join(folder);
        let top = ["src/lib.rs", "src/main.rs"].into_iter().find(|f| dir.join(f).exists());
        let source = top.map(|f| fs::read_to_string(dir.join(f)).unwrap()).unwrap_or_default();
        let ok = dir.join("README.md").exists() && source.contains("include_str!(\"../README.md\")");
        (!ok).then(|| {
            format!(
                "crates/{folder}: write README.md, the crate's chapter, and open src/lib.rs (or src/main.rs) \
                 with #![doc = include_str!(\"../README.md\")]"
            )
        })
    }));
}

#[test]
fn the_top_level_is_fixed() {
    let ignored = fs::read_to_string(root().join(".gitignore")).unwrap_or_default();
    let ignored: BTreeSet<&str> = ignored
        .lines()
        .filter_map(|line| line.strip_prefix('/'))
        .collect();
    let found: Vec<String> = folders(&root())
        .into_iter()
        .filter(|f| !f.starts_with('.') && !ignored.contains(f.as_str()))
        .collect();
    assert_eq!(
        found, TOP,
        "the top level holds these folders only; find a place for yours inside one of them"
    );
    none(
        entries(&root())
            .into_iter()
            .filter(|path| path.is_file())
            .filter_map(|path| {
                let text = fs::read(&path).is_ok_and(|bytes| String::from_utf8(bytes).is_ok());
                (!text).then(|| format!("{}: the top level holds text files only", path.display()))
            }),
    );
}

/// The checks above would be worth nothing if they could not fail.
#[test]
fn the_checks_can_fail() {
    let deps = |names: &[&str]| names.iter().map(|n| n.to_string()).collect::<Vec<_>>();
    assert_eq!(upward("back", &deps(&["tissue", "serde"])).len(), 0);
    assert_eq!(upward("tissue", &deps(&["back"])).len(), 1);
    assert_eq!(upward("back", &deps(&["back"])).len(), 1);
    assert_eq!(upward("scene", &deps(&["kneadlab-view"])).len(), 1);
    assert_eq!(trespass("sim", &deps(&["rapier3d-f64"])).len(), 0);
    assert_eq!(
        trespass("tune", &deps(&["rapier3d-f64", "bevy_egui", "rayon"])).len(),
        2
    );
    let words = |text| {
        forbidden_words("tissue", text)
            .map(|(line, word, _)| (line, word))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        words("// std::fs\nlet t = Instant::now();"),
        [(2, "Instant")]
    );
    assert_eq!(words("let e = InstantModulus; // Instant"), []);
    assert_eq!(
        words("use std::fs;\n#[cfg(test)]\nmod tests {\nuse std::thread;"),
        [(1, "std::fs")]
    );
    assert_eq!(words("eprintln!(\"{x}\");"), [(1, "eprintln!")]);
}

/// Names of the crates of the house in `dependencies` that do not stand above `folder`.
fn upward(folder: &str, dependencies: &[String]) -> Vec<String> {
    let place = |name: &str| {
        HOUSE
            .iter()
            .position(|(folder, package)| *folder == name || *package == name)
    };
    let own = place(folder).unwrap();
    let order = HOUSE.map(|(_, package)| package).join(" < ");
    dependencies
        .iter()
        .filter(|name| HOUSE.iter().any(|(_, package)| package == name) && place(name).unwrap() >= own)
        .map(|name| {
            format!(
                "crates/{folder}/Cargo.toml: `{name}` does not stand above `{folder}`; the order is {order}. \
                 Move what you need up, or hand it down as an argument"
            )
        })
        .collect()
}

/// Packages in `dependencies` that belong to another crate than `folder` alone.
fn trespass(folder: &str, dependencies: &[String]) -> Vec<String> {
    let mut problems = Vec::new();
    for name in dependencies {
        for (private, owner, why) in PRIVATE {
            if name.starts_with(private) && folder != owner {
                problems.push(format!(
                    "crates/{folder}/Cargo.toml: `{name}` belongs to {owner} alone, because {why}; remove it \
                     and call {owner} instead"
                ));
            }
        }
    }
    problems
}

/// The forbidden words in the source of a crate of `folder`: line, word, what to do. Comments and
/// the tests at the end of a file are free.
fn forbidden_words<'a>(
    folder: &'a str,
    text: &'a str,
) -> impl Iterator<Item = (usize, &'static str, &'static str)> + 'a {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    text.lines().enumerate().flat_map(move |(index, line)| {
        let code = line.split("//").next().unwrap();
        WORDS
            .iter()
            .filter(move |(_, allowed, _)| !allowed.contains(&folder))
            .flat_map(move |(words, _, advice)| {
                words
                    .iter()
                    .filter(move |word| has_word(code, word))
                    .map(move |word| (index + 1, *word, *advice))
            })
    })
}

/// Whether `word` stands in `code` on its own, not as a part of a longer name.
fn has_word(code: &str, word: &str) -> bool {
    let part_of_name = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).any(|(at, _)| {
        !code[..at].ends_with(part_of_name) && !code[at + word.len()..].starts_with(part_of_name)
    })
}

/// Every package that a manifest names, for building, testing and for single targets alike.
fn dependencies(manifest: &toml::Table) -> Vec<String> {
    let mut tables = vec![manifest];
    if let Some(targets) = manifest.get("target").and_then(toml::Value::as_table) {
        tables.extend(targets.values().filter_map(toml::Value::as_table));
    }
    let kinds = ["dependencies", "dev-dependencies", "build-dependencies"];
    let sections = tables
        .iter()
        .flat_map(|t| kinds.iter().filter_map(|kind| t.get(*kind)?.as_table()));
    sections
        .flatten()
        .map(|(name, value)| {
            value
                .get("package")
                .and_then(toml::Value::as_str)
                .unwrap_or(name)
                .to_string()
        })
        .collect()
}

fn manifest(folder: &str) -> toml::Table {
    let path = root().join("crates").join(folder).join("Cargo.toml");
    fs::read_to_string(&path)
        .unwrap_or_else(|e| panic!("{}: {e}", path.display()))
        .parse()
        .unwrap()
}

/// Folder names in `dir`, sorted.
fn folders(dir: &Path) -> Vec<String> {
    let dirs = entries(dir).into_iter().filter(|path| path.is_dir());
    dirs.map(|path| path.file_name().unwrap().to_str().unwrap().to_string())
        .collect()
}

/// All `.rs` files under `dir`.
fn rust_files(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for path in entries(dir) {
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
    files
}

/// What lies in `dir`, sorted.
fn entries(dir: &Path) -> Vec<PathBuf> {
    let list = fs::read_dir(dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display()));
    let mut paths: Vec<PathBuf> = list.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Fails with all problems at once.
fn none(problems: impl IntoIterator<Item = String>) {
    let problems: Vec<String> = problems.into_iter().collect();
    assert!(
        problems.is_empty(),
        "{} problem(s):\n{}",
        problems.len(),
        problems.join("\n")
    );
}
