//! The key tables of `scenes/README.md`.

use crate::kind::FileKind;
use crate::spec::{Fallback, Field, Kind, Table};

/// Every key of a kind of file as Markdown tables.
pub fn reference(kind: FileKind) -> String {
    let mut out = String::new();
    section(kind.table(), "", &mut out);
    out
}

/// More words than this stand below their table.
const FEW: usize = 6;

fn section(table: &'static Table, path: &str, out: &mut String) {
    let title = if path.is_empty() {
        "Top level".to_string()
    } else {
        format!("`{path}`")
    };
    *out += &format!(
        "\n**{title}.** {}\n\n| key | takes | default | what it is |\n|---|---|---|---|\n",
        table.about
    );
    let mut below = Vec::new();
    for field in table.fields {
        *out += &row(field);
        let inner = join(path, field.key);
        match field.kind {
            Kind::Table(spec) => below.push((spec, format!("[{inner}]"))),
            Kind::Tables(spec, _) => below.push((spec, format!("[[{inner}]]"))),
            _ => {}
        }
    }
    for field in table.fields {
        if let Kind::Choices(words) = field.kind
            && words().len() > FEW
        {
            let words: Vec<String> = words().iter().map(|w| format!("`{w}`")).collect();
            *out += &format!("\nWords for `{}`: {}.\n", field.key, words.join(", "));
        }
    }
    for (spec, path) in below {
        section(spec, &path, out);
    }
}

fn row(field: &Field) -> String {
    let default = match field.fallback {
        Fallback::Required => "**required**".to_string(),
        Fallback::RequiredWithout(other) => format!("**required** without `{other}`"),
        _ => field.default_text(),
    };
    let takes = match field.kind {
        Kind::Choices(words) if words().len() > FEW => "a list of words (below)".into(),
        Kind::WordLists(words) if words().len() > FEW => "lists of words".into(),
        _ => field.allowed(),
    };
    let mut meaning = field.meaning.to_string();
    if let Some((choice, values)) = field.when {
        meaning += &format!(" (with {choice} = {})", values.join(" or "));
    }
    if !field.source.is_empty() {
        meaning += &format!(" [{}]", field.source);
    }
    format!("| `{}` | {takes} | {default} | {meaning} |\n", field.key)
}

fn join(path: &str, key: &str) -> String {
    let path = path.trim_matches(['[', ']']);
    if path.is_empty() {
        key.to_string()
    } else {
        format!("{path}.{key}")
    }
}
