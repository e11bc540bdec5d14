//! What a file may say, as data: the one source of checking, defaults, `params`, the schemas and the key tables.

use crate::unit::{Unit, show};

/// One table of a file and its keys, in the order in which people should read them.
#[derive(Debug)]
pub struct Table {
    /// What it describes, one line.
    pub about: &'static str,
    /// Its keys.
    pub fields: &'static [Field],
}

/// One key.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its name, unit last; the unit is read from it.
    pub key: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// What holds if it is left out.
    pub fallback: Fallback,
    /// The key applies only if this choice beside it has one of these values.
    pub when: Option<(&'static str, &'static [&'static str])>,
    /// What it is, one line.
    pub meaning: &'static str,
    /// Where default and range come from: V verified, D derived, W well known, M memory, E estimate; empty for choices
    /// that are the user's alone.
    pub source: &'static str,
}

/// What a key takes. Ranges include their ends and are in the unit of the key.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// A number.
    Number {
        /// Smallest.
        min: f64,
        /// Largest.
        max: f64,
    },
    /// A whole number.
    Integer {
        /// Smallest.
        min: i64,
        /// Largest.
        max: i64,
    },
    /// Free text.
    Text,
    /// `true` or `false`.
    Flag,
    /// One of these words.
    Choice(Words),
    /// Any of these words, in a list.
    Choices(Words),
    /// A list of numbers.
    Numbers {
        /// Smallest.
        min: f64,
        /// Largest.
        max: f64,
        /// How many, at least and at most.
        count: (usize, usize),
    },
    /// A list of `[low, high]`, of this length.
    Bands {
        /// Smallest.
        min: f64,
        /// Largest.
        max: f64,
        /// How many.
        count: usize,
    },
    /// A list of lists of these words.
    WordLists(Words),
    /// A list of numbers, or a list of words.
    Values,
    /// A table.
    Table(&'static Table),
    /// A list of tables, at least so many.
    Tables(&'static Table, usize),
    /// The name of a file that holds this table, or the table itself.
    File(fn() -> &'static Table),
    /// The same for one of several tables: that of which the file has most keys, of equals the first.
    AnyFile(&'static [fn() -> &'static Table]),
    /// The name of another file that is no TOML. Once read it is a path that holds wherever the value goes.
    Beside,
    /// The name of a robot description, whose links, joints and couplings stand under those of the table; the key itself
    /// is gone once it is read.
    Urdf,
    /// Named numbers for expressions.
    Params,
}

/// A list of allowed words.
pub type Words = fn() -> Vec<&'static str>;

/// What holds if a key is left out.
#[derive(Clone, Copy, Debug)]
pub enum Fallback {
    /// The file is wrong without it.
    Required,
    /// The same, unless this key stands beside it.
    RequiredWithout(&'static str),
    /// A number in the unit of the key.
    Number(f64),
    /// A whole number.
    Integer(i64),
    /// A flag.
    Flag(bool),
    /// A word or text.
    Text(&'static str),
    /// A list of numbers.
    Numbers(&'static [f64]),
    /// A table of defaults, or an empty list.
    Empty,
    /// Nothing: the key is not there.
    Absent,
}

impl Kind {
    /// The tables that a file may hold; empty where the key takes no file.
    pub fn files(&self) -> Vec<&'static Table> {
        match self {
            Kind::File(table) => vec![table()],
            Kind::AnyFile(tables) => tables.iter().map(|table| table()).collect(),
            _ => Vec::new(),
        }
    }

    /// That of [`files`](Kind::files) which a file with these keys is meant for.
    pub fn file_with<'a>(
        &self,
        keys: impl Iterator<Item = &'a str> + Clone,
    ) -> Option<&'static Table> {
        let known = |table: &&Table| {
            let known = keys.clone().filter(|k| table.field_by_stem(k).is_some());
            known.count()
        };
        // Of equals the first: `max_by_key` would take the last.
        self.files().into_iter().rev().max_by_key(known)
    }
}

impl Table {
    /// The field of this name.
    pub fn field(&self, key: &str) -> Option<&'static Field> {
        self.fields.iter().find(|f| f.key == key)
    }

    /// The field of this name, whatever its unit: `thickness_m` finds `thickness_mm`.
    pub fn field_by_stem(&self, key: &str) -> Option<&'static Field> {
        let stem = Unit::split(key).0;
        self.field(key)
            .or_else(|| self.fields.iter().find(|f| [key, stem].contains(&f.stem())))
    }

    /// All keys.
    pub fn keys(&self) -> Vec<&'static str> {
        self.fields.iter().map(|f| f.key).collect()
    }
}

impl Field {
    /// The unit that the key ends in, where it takes numbers.
    pub fn unit(&self) -> Option<&'static Unit> {
        match self.kind {
            Kind::Number { .. }
            | Kind::Numbers { .. }
            | Kind::Integer { .. }
            | Kind::Bands { .. } => Unit::split(self.key).1,
            _ => None,
        }
    }

    /// The key without its unit.
    pub fn stem(&self) -> &'static str {
        match self.unit() {
            Some(_) => Unit::split(self.key).0,
            None => self.key,
        }
    }

    /// What is allowed, in words.
    pub fn allowed(&self) -> String {
        let unit = self
            .unit()
            .map(|u| format!(" {}", u.symbol))
            .unwrap_or_default();
        match self.kind {
            Kind::Number { min, max } => format!("{} to {}{unit}", show(min), show(max)),
            Kind::Integer { min, max } if max == i64::MAX => {
                format!("a whole number from {min}{unit}")
            }
            Kind::Integer { min, max } => format!("a whole number, {min} to {max}{unit}"),
            Kind::Text => "text".into(),
            Kind::Beside => "the name of a file".into(),
            Kind::Flag => "true or false".into(),
            Kind::Choice(words) => words().join(", "),
            Kind::Choices(words) => format!("any of {}", words().join(", ")),
            Kind::WordLists(words) => format!("lists of any of {}", words().join(", ")),
            Kind::Values => "a list of numbers or of words".into(),
            Kind::Numbers { min, max, count } => {
                format!(
                    "{} numbers, {} to {}{unit}",
                    how_many(count),
                    show(min),
                    show(max)
                )
            }
            Kind::Bands { min, max, count } => {
                format!(
                    "{count} pairs [low, high], {} to {}{unit}",
                    show(min),
                    show(max)
                )
            }
            Kind::Table(_) => "a table".into(),
            Kind::Tables(_, 0) => "a list of tables".into(),
            Kind::Tables(_, least) => format!("a list of tables, at least {least}"),
            Kind::File(_) | Kind::AnyFile(_) => "the name of a file, or a table".into(),
            Kind::Urdf => "the name of a URDF".into(),
            Kind::Params => "tables with value, unit, min, max, meaning".into(),
        }
    }

    /// The default as one would write it; empty where there is none.
    pub fn default_text(&self) -> String {
        match self.fallback {
            Fallback::Required | Fallback::RequiredWithout(_) => String::new(),
            Fallback::Number(v) => show(v),
            Fallback::Integer(v) => v.to_string(),
            Fallback::Flag(v) => v.to_string(),
            Fallback::Text(v) => format!("{v:?}"),
            Fallback::Numbers(v) => format!(
                "[{}]",
                v.iter().map(|v| show(*v)).collect::<Vec<_>>().join(", ")
            ),
            Fallback::Absent => "none".into(),
            Fallback::Empty => match self.kind {
                Kind::Table(_) | Kind::File(_) | Kind::AnyFile(_) => "its defaults".into(),
                _ => "none".into(),
            },
        }
    }
}

/// `5`, or `1 to 9`.
pub(crate) fn how_many((least, most): (usize, usize)) -> String {
    if least == most {
        least.to_string()
    } else {
        format!("{least} to {most}")
    }
}

/// A number with a default.
pub(crate) const fn number(
    key: &'static str,
    (min, default, max): (f64, f64, f64),
    meaning: &'static str,
    source: &'static str,
) -> Field {
    field(
        key,
        Kind::Number { min, max },
        Fallback::Number(default),
        meaning,
        source,
    )
}

/// A whole number with a default.
pub(crate) const fn integer(
    key: &'static str,
    (min, default, max): (i64, i64, i64),
    meaning: &'static str,
) -> Field {
    field(
        key,
        Kind::Integer { min, max },
        Fallback::Integer(default),
        meaning,
        "",
    )
}

/// Any field.
pub(crate) const fn field(
    key: &'static str,
    kind: Kind,
    fallback: Fallback,
    meaning: &'static str,
    source: &'static str,
) -> Field {
    Field {
        key,
        kind,
        fallback,
        when: None,
        meaning,
        source,
    }
}

impl Field {
    /// The same, but it must be given.
    pub(crate) const fn required(mut self) -> Field {
        self.fallback = Fallback::Required;
        self
    }

    /// The same, but it may be left out, and then nothing stands for it.
    pub(crate) const fn optional(mut self) -> Field {
        self.fallback = Fallback::Absent;
        self
    }

    /// The same, but it applies only if the choice `key` has one of `values`.
    pub(crate) const fn when(
        mut self,
        key: &'static str,
        values: &'static [&'static str],
    ) -> Field {
        self.when = Some((key, values));
        self
    }
}
