//! Parquet files, row by row: written to a place beside theirs, brought to the disk, then renamed.

use super::journal::cannot_write;
use anyhow::{Context, bail};
use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use parquet::column::reader::ColumnReader;
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, Int32Type, Int64Type};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{ColumnPath, Type};
use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A whole number from 0, 64 bits.
    Count,
    /// A whole number from 0, 32 bits.
    Index,
    /// A double.
    Number,
    /// A double, or nothing.
    MaybeNumber,
    /// Text.
    Text,
    /// Text, or nothing.
    MaybeText,
    /// True or false.
    Flag,
}

/// A cell.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// See [`Kind`].
    Count(u64),
    /// See [`Kind`].
    Index(u32),
    /// Of `Number` and `MaybeNumber`.
    Number(f64),
    /// Of `Text` and `MaybeText`.
    Text(String),
    /// See [`Kind`].
    Flag(bool),
    /// Of `MaybeNumber` and `MaybeText`.
    Nothing,
}

impl Cell {
    /// The whole number in it; 0 where there is none.
    pub fn count(&self) -> u64 {
        match self {
            Cell::Count(v) => *v,
            Cell::Index(v) => u64::from(*v),
            _ => 0,
        }
    }

    /// The number in it, if there is one.
    pub fn number(&self) -> Option<f64> {
        match self {
            Cell::Number(v) => Some(*v),
            _ => None,
        }
    }

    /// The text in it; empty where there is none.
    pub fn text(&self) -> &str {
        match self {
            Cell::Text(v) => v,
            _ => "",
        }
    }
}

/// Values of a column; what may be missing has a level for each row: 1 there, 0 not.
#[derive(Debug)]
enum Values {
    Longs(Vec<i64>),
    Ints(Vec<i32>),
    Doubles(Vec<f64>),
    Texts(Vec<ByteArray>),
    Flags(Vec<bool>),
}

#[derive(Debug)]
struct Column {
    kind: Kind,
    values: Values,
    levels: Vec<i16>,
}

impl Column {
    fn new(kind: Kind) -> Column {
        let values = match kind {
            Kind::Count => Values::Longs(Vec::new()),
            Kind::Index => Values::Ints(Vec::new()),
            Kind::Number | Kind::MaybeNumber => Values::Doubles(Vec::new()),
            Kind::Text | Kind::MaybeText => Values::Texts(Vec::new()),
            Kind::Flag => Values::Flags(Vec::new()),
        };
        Column {
            kind,
            values,
            levels: Vec::new(),
        }
    }

    fn optional(&self) -> bool {
        matches!(self.kind, Kind::MaybeNumber | Kind::MaybeText)
    }

    /// A cell of another kind than the column's is left out where it may be.
    fn push(&mut self, cell: &Cell) -> anyhow::Result<()> {
        let optional = self.optional();
        match (&mut self.values, cell) {
            (Values::Longs(v), Cell::Count(x)) => v.push(*x as i64),
            (Values::Ints(v), Cell::Index(x)) => v.push(*x as i32),
            (Values::Doubles(v), Cell::Number(x)) => v.push(*x),
            (Values::Texts(v), Cell::Text(x)) => v.push(ByteArray::from(x.as_str())),
            (Values::Flags(v), Cell::Flag(x)) => v.push(*x),
            (_, Cell::Nothing) if optional => {
                self.levels.push(0);
                return Ok(());
            }
            (_, cell) => bail!("{cell:?} does not fit into a column of {:?}", self.kind),
        }
        if optional {
            self.levels.push(1);
        }
        Ok(())
    }

    fn clear(&mut self) {
        self.levels.clear();
        match &mut self.values {
            Values::Longs(v) => v.clear(),
            Values::Ints(v) => v.clear(),
            Values::Doubles(v) => v.clear(),
            Values::Texts(v) => v.clear(),
            Values::Flags(v) => v.clear(),
        }
    }
}

/// Rows of a group. All groups of a file but the last have as many, however the rows came.
const GROUP: usize = 65_536;

/// A Parquet file in the making. It appears when it is finished.
pub struct Sheet {
    target: PathBuf,
    work: PathBuf,
    writer: Option<SerializedFileWriter<BufWriter<File>>>,
    columns: Vec<Column>,
    rows: usize,
}

impl Sheet {
    /// Begins a file of these columns; `about` goes into its metadata under the key `kneadlab`.
    pub fn begin(target: &Path, columns: &[(String, Kind)], about: &str) -> anyhow::Result<Sheet> {
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        let work = target.with_file_name(format!(
            ".{name}.{}-{}.part",
            super::place::host(),
            std::process::id()
        ));
        let fields = columns.iter().map(|(name, kind)| field(name, *kind));
        let fields: Result<Vec<Arc<Type>>, _> = fields.collect();
        let schema = Type::group_type_builder("rows")
            .with_fields(fields?)
            .build()?;
        let mut properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_dictionary_enabled(false)
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .set_max_row_group_row_count(Some(GROUP))
            .set_key_value_metadata(Some(vec![KeyValue::new(
                "kneadlab".to_string(),
                about.to_string(),
            )]));
        for (name, kind) in columns {
            if matches!(kind, Kind::Text | Kind::MaybeText) {
                let path = ColumnPath::new(vec![name.clone()]);
                properties = properties.set_column_dictionary_enabled(path, true);
            }
        }
        let file = File::create(&work).map_err(|e| cannot_write(&work, &e))?;
        let writer = SerializedFileWriter::new(
            BufWriter::new(file),
            Arc::new(schema),
            Arc::new(properties.build()),
        )?;
        Ok(Sheet {
            target: target.into(),
            work,
            writer: Some(writer),
            columns: columns.iter().map(|(_, kind)| Column::new(*kind)).collect(),
            rows: 0,
        })
    }

    /// Adds a row, a cell for each column.
    pub fn push(&mut self, row: &[Cell]) -> anyhow::Result<()> {
        if row.len() != self.columns.len() {
            bail!("{} cells for {} columns", row.len(), self.columns.len());
        }
        for (column, cell) in self.columns.iter_mut().zip(row) {
            column.push(cell)?;
        }
        self.rows += 1;
        if self.rows == GROUP {
            self.write_group()?;
        }
        Ok(())
    }

    fn write_group(&mut self) -> anyhow::Result<()> {
        let Some(writer) = self.writer.as_mut() else {
            return Ok(());
        };
        let mut written = || -> parquet::errors::Result<()> {
            let mut group = writer.next_row_group()?;
            for column in &self.columns {
                let levels = column.optional().then_some(column.levels.as_slice());
                let Some(mut out) = group.next_column()? else {
                    break;
                };
                match &column.values {
                    Values::Longs(v) => out.typed::<Int64Type>().write_batch(v, levels, None)?,
                    Values::Ints(v) => out.typed::<Int32Type>().write_batch(v, levels, None)?,
                    Values::Doubles(v) => out.typed::<DoubleType>().write_batch(v, levels, None)?,
                    Values::Texts(v) => {
                        out.typed::<ByteArrayType>().write_batch(v, levels, None)?
                    }
                    Values::Flags(v) => out.typed::<BoolType>().write_batch(v, levels, None)?,
                };
                out.close()?;
            }
            group.close()?;
            Ok(())
        };
        written().map_err(|e| unwrapped(&self.work, e))?;
        self.columns.iter_mut().for_each(Column::clear);
        self.rows = 0;
        Ok(())
    }

    /// Brings the file to the disk and to its place.
    pub fn finish(mut self) -> anyhow::Result<()> {
        if self.rows > 0 {
            self.write_group()?;
        }
        if let Some(writer) = self.writer.take() {
            let inner = writer.into_inner().map_err(|e| unwrapped(&self.work, e))?;
            let file = inner
                .into_inner()
                .map_err(|e| cannot_write(&self.work, e.error()))?;
            file.sync_all().map_err(|e| cannot_write(&self.work, &e))?;
        }
        fs::rename(&self.work, &self.target).map_err(|e| cannot_write(&self.target, &e))?;
        super::place::sync_folder(&self.target);
        Ok(())
    }
}

impl Drop for Sheet {
    fn drop(&mut self) {
        if self.writer.is_some() {
            // Unfinished: nothing of it stays behind.
            let _ = fs::remove_file(&self.work);
        }
    }
}

/// The error of the file below, where there is one.
fn unwrapped(path: &Path, error: parquet::errors::ParquetError) -> anyhow::Error {
    match error {
        parquet::errors::ParquetError::External(inner) => {
            match inner.downcast::<std::io::Error>() {
                Ok(io) => cannot_write(path, &io),
                Err(other) => anyhow::anyhow!("cannot write {}: {other}", path.display()),
            }
        }
        // It tells the last flush of a file in words only.
        other if other.to_string().contains("No space left") => {
            cannot_write(path, &std::io::ErrorKind::StorageFull.into())
        }
        other => anyhow::anyhow!("cannot write {}: {other}", path.display()),
    }
}

fn field(name: &str, kind: Kind) -> parquet::errors::Result<Arc<Type>> {
    let (physical, logical) = match kind {
        Kind::Count => (Physical::INT64, Some(LogicalType::integer(64, false))),
        Kind::Index => (Physical::INT32, Some(LogicalType::integer(32, false))),
        Kind::Number | Kind::MaybeNumber => (Physical::DOUBLE, None),
        Kind::Text | Kind::MaybeText => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        Kind::Flag => (Physical::BOOLEAN, None),
    };
    let repetition = match kind {
        Kind::MaybeNumber | Kind::MaybeText => Repetition::OPTIONAL,
        _ => Repetition::REQUIRED,
    };
    Type::primitive_type_builder(name, physical)
        .with_repetition(repetition)
        .with_logical_type(logical)
        .build()
        .map(Arc::new)
}

/// A Parquet file read again, group by group.
pub struct Pages {
    path: PathBuf,
    reader: SerializedFileReader<File>,
    /// Names of its columns.
    pub names: Vec<String>,
    group: usize,
}

impl Pages {
    /// Opens a file.
    pub fn open(path: &Path) -> anyhow::Result<Pages> {
        let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        let reader = SerializedFileReader::new(file)
            .with_context(|| format!("{} is no whole Parquet file", path.display()))?;
        let columns = reader.metadata().file_metadata().schema_descr().columns();
        let names = columns.iter().map(|c| c.name().to_string()).collect();
        Ok(Pages {
            path: path.into(),
            reader,
            names,
            group: 0,
        })
    }

    /// The next group of rows; `None` at the end.
    pub fn next_group(&mut self) -> anyhow::Result<Option<Vec<Vec<Cell>>>> {
        if self.group >= self.reader.num_row_groups() {
            return Ok(None);
        }
        let read = self.read(self.group);
        self.group += 1;
        let columns = read.with_context(|| format!("cannot read {}", self.path.display()))?;
        let rows = columns.first().map_or(0, Vec::len);
        let mut columns: Vec<_> = columns.into_iter().map(Vec::into_iter).collect();
        let row = |_| {
            columns
                .iter_mut()
                .map(|c| c.next().unwrap_or(Cell::Nothing))
                .collect()
        };
        Ok(Some((0..rows).map(row).collect()))
    }

    fn read(&self, group: usize) -> anyhow::Result<Vec<Vec<Cell>>> {
        let group = self.reader.get_row_group(group)?;
        let rows = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
        let narrow = |i: usize| {
            let physical = group.metadata().column(i).column_type();
            physical == Physical::INT32
        };
        (0..group.num_columns())
            .map(|i| column(group.get_column_reader(i)?, rows, narrow(i)))
            .collect()
    }
}

fn column(reader: ColumnReader, rows: usize, narrow: bool) -> anyhow::Result<Vec<Cell>> {
    macro_rules! cells {
        ($reader:expr, $cell:expr) => {{
            let mut reader = $reader;
            let (mut values, mut levels) = (Vec::new(), Vec::new());
            reader.read_records(rows, Some(&mut levels), None, &mut values)?;
            let mut values = values.into_iter();
            if levels.is_empty() {
                values.map($cell).collect::<Result<Vec<_>, _>>()
            } else {
                levels
                    .into_iter()
                    .map(|level| match level {
                        0 => Ok(Cell::Nothing),
                        _ => values.next().map_or(Ok(Cell::Nothing), $cell),
                    })
                    .collect::<Result<Vec<_>, _>>()
            }
        }};
    }
    match reader {
        ColumnReader::Int64ColumnReader(r) => cells!(r, |v| Ok(Cell::Count(v as u64))),
        ColumnReader::Int32ColumnReader(r) if narrow => cells!(r, |v| Ok(Cell::Index(v as u32))),
        ColumnReader::DoubleColumnReader(r) => cells!(r, |v| Ok(Cell::Number(v))),
        ColumnReader::BoolColumnReader(r) => cells!(r, |v| Ok(Cell::Flag(v))),
        ColumnReader::ByteArrayColumnReader(r) => {
            cells!(r, |v: ByteArray| Ok(Cell::Text(v.as_utf8()?.to_string())))
        }
        _ => bail!("it holds a type that this program does not write"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_reads_back_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.parquet");
        let columns = [
            ("sample", Kind::Count),
            ("body", Kind::Index),
            ("x", Kind::Number),
            ("y", Kind::MaybeNumber),
            ("state", Kind::Text),
            ("message", Kind::MaybeText),
            ("ok", Kind::Flag),
        ]
        .map(|(n, k)| (n.to_string(), k));
        let row = |i: u64| {
            vec![
                Cell::Count(i),
                Cell::Index(i as u32 % 7),
                Cell::Number(0.1 * i as f64),
                if i.is_multiple_of(3) {
                    Cell::Nothing
                } else {
                    Cell::Number(-(i as f64))
                },
                Cell::Text("done".into()),
                if i.is_multiple_of(5) {
                    Cell::Text(format!("why {i}"))
                } else {
                    Cell::Nothing
                },
                Cell::Flag(i.is_multiple_of(2)),
            ]
        };
        let rows = GROUP as u64 + 10;
        let mut sheet = Sheet::begin(&path, &columns, "{}").unwrap();
        (0..rows).for_each(|i| sheet.push(&row(i)).unwrap());
        assert!(!path.exists());
        sheet.finish().unwrap();
        let mut pages = Pages::open(&path).unwrap();
        assert_eq!(pages.names, columns.clone().map(|c| c.0));
        let first = pages.next_group().unwrap().unwrap();
        assert_eq!(first.len(), GROUP);
        let second = pages.next_group().unwrap().unwrap();
        assert!(pages.next_group().unwrap().is_none());
        for (i, found) in first.iter().chain(&second).enumerate() {
            assert_eq!(*found, row(i as u64));
        }
        // Nothing else stays in the folder, also when a file is given up.
        drop(Sheet::begin(&folder.path().join("b.parquet"), &columns, "{}").unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_cell_of_another_kind_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let columns = [("x".to_string(), Kind::Number)];
        let mut sheet = Sheet::begin(&folder.path().join("a"), &columns, "{}").unwrap();
        assert!(sheet.push(&[Cell::Nothing]).is_err());
        assert!(sheet.push(&[]).is_err());
    }
}
