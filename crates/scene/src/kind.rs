//! The kinds of files, and how to tell them apart.

use std::fmt;
use std::path::Path;

use crate::document;
use crate::fields::{BODY, SCENE, STACK, STUDY, TECHNIQUE};
use crate::mechanism_fields::mechanism;
use crate::problem::{Problem, Problems, Severity};
use crate::rig_fields::rig;
use crate::rig_scene_fields::RIG_SCENE;
use crate::spec::Table;

/// What a file describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// The complete input of one run.
    Scene,
    /// The complete input of one run of a rig.
    RigScene,
    /// A scene, the people it is tuned for, and what counts as good.
    Study,
    /// What massages.
    Mechanism,
    /// What massages, described by its links, joints and loops.
    Rig,
    /// Layers of tissue.
    Stack,
    /// Who is massaged.
    Body,
    /// What hands do.
    Technique,
}

impl FileKind {
    /// All of them.
    pub const ALL: [FileKind; 8] = [
        FileKind::Scene,
        FileKind::RigScene,
        FileKind::Study,
        FileKind::Mechanism,
        FileKind::Rig,
        FileKind::Stack,
        FileKind::Body,
        FileKind::Technique,
    ];

    /// `scene`, `rig_scene`, `study`, `mechanism`, `rig`, `stack`, `body` or `technique`.
    pub fn name(self) -> &'static str {
        match self {
            FileKind::Scene => "scene",
            FileKind::RigScene => "rig_scene",
            FileKind::Study => "study",
            FileKind::Mechanism => "mechanism",
            FileKind::Rig => "rig",
            FileKind::Stack => "stack",
            FileKind::Body => "body",
            FileKind::Technique => "technique",
        }
    }

    /// The kind of this name.
    pub fn named(name: &str) -> Option<FileKind> {
        FileKind::ALL.into_iter().find(|k| k.name() == name)
    }

    /// The keys that such a file may have.
    pub fn table(self) -> &'static Table {
        match self {
            FileKind::Scene => &SCENE,
            FileKind::RigScene => &RIG_SCENE,
            FileKind::Study => &STUDY,
            FileKind::Mechanism => mechanism(),
            FileKind::Rig => rig(),
            FileKind::Stack => &STACK,
            FileKind::Body => &BODY,
            FileKind::Technique => &TECHNIQUE,
        }
    }

    /// The kind of a file by its keys: that of which it has most.
    ///
    /// # Errors
    /// If the file cannot be read, or has no key of any kind.
    pub fn of(path: &Path) -> Result<FileKind, Problems> {
        let mut problems = Problems::default();
        // An empty table resolves nothing: only the file itself is read.
        static NOTHING: Table = Table {
            about: "",
            fields: &[],
        };
        let Some(node) = document::read(path, &NOTHING, &[], &mut problems) else {
            return Err(problems);
        };
        let score = |kind: FileKind| {
            node.entries()
                .iter()
                .filter(|(k, _)| k != "name" && kind.table().field_by_stem(k).is_some())
                .count()
        };
        // Of equals the first: `max_by_key` would take the last.
        let best = FileKind::ALL.into_iter().rev().max_by_key(|k| score(*k));
        match best {
            Some(kind) if score(kind) > 0 => Ok(kind),
            _ => {
                problems.0.push(Problem {
                    file: document::shown(path),
                    line: 1,
                    key: String::new(),
                    value: String::new(),
                    message: "this is no scene, study, mechanism, rig, stack, body or technique".into(),
                    allowed: String::new(),
                    hint: Some(
                        "a scene has body and mechanism or rig; a rig has [[link]]; a stack has [[layer]]".into(),
                    ),
                    severity: Severity::Error,
                });
                Err(problems)
            }
        }
    }
}

impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
