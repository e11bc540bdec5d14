//! Reads the tables of `tests/reference/`: plain CSV without quotes, the unit in the name of the column.

use std::path::{Path, PathBuf};

/// A table with named columns.
pub struct Table {
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// One row of a table.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    columns: &'a [String],
    cells: &'a [String],
}

impl Table {
    /// Reads `tests/reference/<name>`.
    pub fn read(name: &str) -> Table {
        let path = reference(name);
        let text =
            std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let mut lines = text
            .lines()
            .map(|l| l.split(',').map(String::from).collect::<Vec<_>>());
        let columns = lines.next().unwrap_or_default();
        let rows: Vec<_> = lines.collect();
        assert!(
            rows.iter().all(|r| r.len() == columns.len()),
            "{name}: a row is cut"
        );
        Table { columns, rows }
    }

    /// All rows.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().map(|cells| Row {
            columns: &self.columns,
            cells,
        })
    }
}

impl<'a> Row<'a> {
    /// The text in a column.
    pub fn text(&self, column: &str) -> &'a str {
        let i = self.columns.iter().position(|c| c == column);
        &self.cells[i.unwrap_or_else(|| panic!("no column {column} in {:?}", self.columns))]
    }

    /// The number in a column.
    pub fn number(&self, column: &str) -> f64 {
        let text = self.text(column);
        text.parse()
            .unwrap_or_else(|_| panic!("{column} = {text:?} is no number"))
    }
}

/// Path of a file of the reference data.
pub fn reference(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/reference")
        .join(name)
}
