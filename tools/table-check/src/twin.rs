//! The JSON beside the image must say the same.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::image::Image;
use crate::rules::Content;

/// Number of values compared.
pub fn compare(image: &Image<'_>, content: &Content, json: &Value) -> Result<usize> {
    let mut twin = Twin { json, compared: 0 };
    twin.text("/name", &image.name)?;
    twin.text(
        "/source/content_hash",
        &format!("{:016x}", image.content_hash),
    )?;
    twin.number("/source/scene_id", i64::from(image.scene_id))?;
    twin.number("/axis/from_q14", content.axis[0])?;
    twin.number("/axis/to_q14", content.axis[1])?;
    twin.number("/axis/stations", content.columns as i64)?;
    twin.number("/axis/station_one", 2048)?;
    twin.number("/levels", content.levels as i64)?;
    twin.flat("/depth", &content.depth)?;
    twin.flat("/flags", &content.flags)?;
    twin.flat("/force", &content.force)?;
    twin.flat("/current", &content.current)?;
    for (row, caps) in content.caps.chunks(content.columns).enumerate() {
        twin.records(
            &format!("/caps/{row}"),
            &["depth", "force", "dwell", "tap", "zone"],
            caps,
        )?;
    }
    let bands = ["stature_min", "stature_max", "bmi_min", "bmi_max"];
    twin.records("/classes", &bands, &content.bands)?;
    let limits = [
        "session",
        "watchdog",
        "speed_q8",
        "accel",
        "retracted",
        "station_tolerance",
        "depth_tolerance",
        "requires",
        "forbids",
    ];
    for (key, value) in limits.iter().zip(&content.limits) {
        twin.number(&format!("/limits/{key}"), *value)?;
    }
    let step = [
        "technique",
        "end",
        "level",
        "press",
        "from",
        "to",
        "spacing",
        "hold",
        "cycles",
        "park",
        "speed",
        "timeout",
    ];
    twin.records("/programme", &step, &content.steps)?;
    twin.records("/fallback", &step, &content.fallback)?;
    twin.flat("/vectors", &content.vectors.concat())?;
    let channels = twin.at("/channels")?.as_array().map_or(0, Vec::len);
    ensure!(channels == content.channels.len(), "{channels} channels");
    for (i, c) in content.channels.iter().enumerate() {
        for (key, value) in ["axis", "shift"].iter().zip(c) {
            twin.number(&format!("/channels/{i}/{key}"), *value)?;
        }
        for (key, value) in ["low", "high", "nano_per_unit"].iter().zip(&c[4..]) {
            twin.number(&format!("/channels/{i}/{key}"), *value)?;
        }
        let own = &content.knots[c[3] as usize..(c[3] + c[2]) as usize];
        twin.flat(&format!("/channels/{i}/knots"), &own.concat())?;
    }
    for (i, name) in content.names.iter().enumerate() {
        let (t, c) = (content.techniques, content.classes);
        let place = match i {
            _ if i < t => format!("/techniques/{i}"),
            _ if i < t + c => format!("/classes/{}/name", i - t),
            _ => format!("/zones/{}", i - t - c),
        };
        twin.text(&place, name)?;
    }
    Ok(twin.compared)
}

struct Twin<'a> {
    json: &'a Value,
    compared: usize,
}

impl<'a> Twin<'a> {
    fn at(&self, pointer: &str) -> Result<&'a Value> {
        self.json
            .pointer(pointer)
            .with_context(|| format!("the JSON has no {pointer}"))
    }

    fn number(&mut self, pointer: &str, value: i64) -> Result<()> {
        let twin = self.at(pointer)?;
        ensure!(
            twin.as_i64() == Some(value),
            "{pointer}: image {value}, JSON {twin}"
        );
        self.compared += 1;
        Ok(())
    }

    fn text(&mut self, pointer: &str, value: &str) -> Result<()> {
        let twin = self.at(pointer)?;
        ensure!(
            twin.as_str() == Some(value),
            "{pointer}: image {value:?}, JSON {twin}"
        );
        self.compared += 1;
        Ok(())
    }

    /// Nested arrays of any depth against the values in order.
    fn flat(&mut self, pointer: &str, values: &[i64]) -> Result<()> {
        fn leaves(value: &Value, out: &mut Vec<Option<i64>>) {
            match value.as_array() {
                Some(items) => items.iter().for_each(|v| leaves(v, out)),
                None => out.push(value.as_i64()),
            }
        }
        let mut twin = Vec::new();
        leaves(self.at(pointer)?, &mut twin);
        ensure!(
            twin.len() == values.len(),
            "{pointer} has {} values",
            twin.len()
        );
        for (i, (twin, value)) in twin.iter().zip(values).enumerate() {
            ensure!(
                *twin == Some(*value),
                "{pointer}, value {i}: image {value}, JSON {twin:?}"
            );
        }
        self.compared += values.len();
        Ok(())
    }

    fn records(&mut self, pointer: &str, keys: &[&str], rows: &[Vec<i64>]) -> Result<()> {
        let twins = self.at(pointer)?.as_array().map_or(0, Vec::len);
        ensure!(
            twins == rows.len(),
            "{pointer} has {twins} rows, the image {}",
            rows.len()
        );
        for (i, row) in rows.iter().enumerate() {
            for (key, value) in keys.iter().zip(row).filter(|(key, _)| !key.is_empty()) {
                self.number(&format!("{pointer}/{i}/{key}"), *value)?;
            }
        }
        Ok(())
    }
}
