//! A run as an MCAP file, for Foxglove and its like: rows of the trace and pressure maps, as JSON messages at simulated times.
//!
//! No clock: the same run gives the same bytes.

use anyhow::Context;
use base64::prelude::{BASE64_STANDARD, Engine};
use mcap::records::MessageHeader;
use mcap::{WriteOptions, Writer};
use serde_json::{Map, Value, json};
use sim::Movie;
use std::collections::BTreeMap;
use std::io::Cursor;

/// Rows of the trace: one object a row, its keys the columns of `trace.csv`.
pub const TRACE: &str = "/trace";
/// Pressure over the unrolled back, kPa: a `foxglove.Grid`, x down the midline from C7, y to the user's right, m.
pub const PRESSURE: &str = "/pressure";

/// The file of a trace (`csv` as `run` writes it, the time in seconds first) and of its maps.
pub fn file(csv: &str, movie: Option<&Movie>) -> anyhow::Result<Vec<u8>> {
    let program = concat!("kneadlab ", env!("CARGO_PKG_VERSION"));
    let options = WriteOptions::library(WriteOptions::new(), program).compression(None);

    let mut log = Writer::with_options(Cursor::new(Vec::new()), options)?;
    let mut lines = csv.lines();
    let columns: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
    let rows: Vec<Vec<&str>> = lines.map(|l| l.split(',').collect()).collect();
    let trace = channel(
        &mut log,
        TRACE,
        "kneadlab.Trace",
        &trace_schema(&columns, rows.first()),
    )?;
    let pressure = match movie {
        Some(_) => Some(channel(
            &mut log,
            PRESSURE,
            "foxglove.Grid",
            &json!({ "type": "object" }),
        )?),
        None => None,
    };
    // In the order of time, maps after the row of their moment.
    let mut messages: BTreeMap<(u64, u16), Value> = BTreeMap::new();
    for row in &rows {
        let t_s: f64 = row[0].parse().context("a row without a time")?;
        let cells = columns.iter().zip(row).map(|(name, cell)| {
            let number = cell.parse().ok().and_then(serde_json::Number::from_f64);
            let value = number.map_or_else(|| Value::from(*cell), Value::Number);
            ((*name).to_string(), value)
        });
        messages.insert(
            (nanoseconds(t_s), trace),
            Value::Object(cells.collect::<Map<_, _>>()),
        );
    }
    if let (Some(movie), Some(pressure)) = (movie, pressure) {
        for (i, frame) in movie.frames.iter().enumerate() {
            messages.insert((nanoseconds(frame.t_s), pressure), grid(movie, i));
        }
    }
    for (sequence, ((time, channel_id), message)) in messages.iter().enumerate() {
        let header = MessageHeader {
            channel_id: *channel_id,
            sequence: u32::try_from(sequence).unwrap_or(u32::MAX),
            log_time: *time,
            publish_time: *time,
        };
        log.write_to_known_channel(&header, &serde_json::to_vec(message)?)?;
    }
    log.finish()?;
    Ok(log.into_inner().into_inner())
}

fn channel(
    log: &mut Writer<Cursor<Vec<u8>>>,
    topic: &str,
    schema: &str,
    shape: &Value,
) -> anyhow::Result<u16> {
    let schema = log.add_schema(schema, "jsonschema", &serde_json::to_vec(shape)?)?;
    Ok(log.add_channel(schema, topic, "json", &BTreeMap::new())?)
}

fn trace_schema(columns: &[&str], first: Option<&Vec<&str>>) -> Value {
    let kind = |i: usize| match first.and_then(|row| row.get(i)).map(|c| c.parse::<f64>()) {
        Some(Err(_)) => "string",
        _ => "number",
    };
    let properties = columns.iter().enumerate();
    let properties: Map<String, Value> = properties
        .map(|(i, name)| ((*name).to_string(), json!({ "type": kind(i) })))
        .collect();
    json!({ "type": "object", "properties": properties })
}

/// A map as `foxglove.Grid`: rows of 32-bit floats.
fn grid(movie: &Movie, frame: usize) -> Value {
    let (grid, frame) = (&movie.grid, &movie.frames[frame]);
    let mut kpa = vec![0.0f32; grid.len()];
    for (cell, pa) in &frame.cells {
        kpa[*cell as usize] = 1e-3 * pa;
    }
    let bytes: Vec<u8> = kpa.iter().flat_map(|v| v.to_le_bytes()).collect();
    let [right_m, down_m] = grid.first_m;
    let [across_m, along_m] = grid.pitch_m;
    let time = nanoseconds(frame.t_s);
    const FLOAT32: u8 = 7;
    json!({
        "timestamp": { "sec": time / 1_000_000_000, "nsec": time % 1_000_000_000 },
        "frame_id": "back",
        // The corner of the first cell. Columns run along the frame's x: to the user's right; rows along y: down.
        "pose": {
            "position": { "x": right_m - 0.5 * across_m, "y": down_m - 0.5 * along_m, "z": 0.0 },
            "orientation": { "x": 0.0, "y": 0.0, "z": 0.0, "w": 1.0 },
        },
        "column_count": grid.columns,
        "cell_size": { "x": across_m, "y": along_m },
        "row_stride": 4 * grid.columns,
        "cell_stride": 4,
        "fields": [{ "name": "pressure_kpa", "offset": 0, "type": FLOAT32 }],
        "data": BASE64_STANDARD.encode(bytes),
    })
}

fn nanoseconds(t_s: f64) -> u64 {
    (1e9 * t_s).round().max(0.0) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use sim::{Grid, MapFrame};

    /// The format's own reader finds what was written: times, columns, words, the force of a map. Twice the same bytes.
    #[test]
    fn val_the_formats_own_reader_finds_the_run() {
        let csv = "t_s,technique,force_n\n0,press,1.5\n0.02,press,nan\n0.04,knead,2\n";
        let movie = Movie {
            grid: Grid {
                rows: 2,
                columns: 3,
                first_m: [-0.004, 0.1],
                pitch_m: [0.004, 0.004],
            },
            frames: vec![MapFrame {
                t_s: 0.02,
                cells: vec![(4, 5000.0)],
            }],
        };
        let bytes = file(csv, Some(&movie)).unwrap();
        assert_eq!(bytes, file(csv, Some(&movie)).unwrap());
        let found: Vec<(String, u64, Value)> = mcap::MessageStream::new(&bytes)
            .unwrap()
            .map(|m| {
                let m = m.unwrap();
                let value = serde_json::from_slice(&m.data).unwrap();
                (m.channel.topic.clone(), m.log_time, value)
            })
            .collect();
        let times: Vec<(&str, u64)> = found.iter().map(|m| (m.0.as_str(), m.1)).collect();
        let ms = 1_000_000;
        assert_eq!(
            times,
            [
                (TRACE, 0),
                (TRACE, 20 * ms),
                (PRESSURE, 20 * ms),
                (TRACE, 40 * ms)
            ]
        );
        assert_eq!(found[0].2["technique"], "press");
        assert_eq!(found[0].2["force_n"], 1.5);
        let map = &found[2].2;
        let data = BASE64_STANDARD
            .decode(map["data"].as_str().unwrap())
            .unwrap();
        let kpa: Vec<f32> = data
            .chunks_exact(4)
            .map(|b| f32::from_le_bytes(b.try_into().unwrap()))
            .collect();
        assert_eq!(kpa, [0.0, 0.0, 0.0, 0.0, 5.0, 0.0]);
        assert_eq!(map["column_count"], 3);
    }
}
