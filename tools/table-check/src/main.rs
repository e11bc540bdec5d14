#![doc = include_str!("../README.md")]

mod image;
mod rules;
mod twin;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder] = arguments.as_slice() else {
        eprintln!("usage: table-check EXPORT_FOLDER | FILE.bin");
        return ExitCode::from(2);
    };
    match check(Path::new(folder)) {
        Ok(summary) => {
            println!("{summary}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("table-check: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Reads the `.bin`, applies every rule of the layout page, and compares with the `.json` beside it.
fn check(path: &Path) -> Result<String> {
    let bin = if path.is_dir() {
        only_bin(path)?
    } else {
        path.to_owned()
    };
    let data = std::fs::read(&bin).with_context(|| format!("cannot read {}", bin.display()))?;
    let image = image::Image::parse(&data)?;
    let content = rules::Content::decode(&image)?;
    content.check()?;
    let json = bin.with_extension("json");
    let text = std::fs::read_to_string(&json)
        .with_context(|| format!("cannot read {}", json.display()))?;
    let value = serde_json::from_str(&text).with_context(|| json.display().to_string())?;
    let compared = twin::compare(&image, &content, &value)?;
    Ok(format!(
        "{}: {} bytes, {} sections, {} techniques, {} classes, {} columns, {} levels\n\
         {} lookups answered as the vectors say, {compared} values equal to the JSON\ngood",
        image.name,
        data.len(),
        image.sections.len(),
        content.techniques,
        content.classes,
        content.columns,
        content.levels,
        content.vectors.len()
    ))
}

fn only_bin(folder: &Path) -> Result<PathBuf> {
    let mut found = Vec::new();
    for entry in
        std::fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?
    {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "bin") {
            found.push(path);
        }
    }
    match found.as_slice() {
        [one] => Ok(one.clone()),
        _ => bail!(
            "{} holds {} .bin files, not one",
            folder.display(),
            found.len()
        ),
    }
}

#[cfg(test)]
mod tests {
    //! Against an image that the exporter wrote and that lies here as a file.

    use super::{check, image, rules, twin};
    use std::path::Path;

    const BIN: &[u8] = include_bytes!("../tests/golden/demo.bin");
    const JSON: &str = include_str!("../tests/golden/demo.json");

    fn read(data: &[u8]) -> anyhow::Result<usize> {
        let image = image::Image::parse(data)?;
        let content = rules::Content::decode(&image)?;
        content.check()?;
        twin::compare(&image, &content, &serde_json::from_str(JSON)?)
    }

    #[test]
    fn golden_export_is_good() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
        let summary = check(&folder).expect("good");
        assert!(summary.ends_with("good"), "{summary}");
    }

    #[test]
    fn every_changed_byte_is_found() {
        for at in 0..BIN.len() {
            let mut data = BIN.to_vec();
            data[at] ^= 0x21;
            assert!(read(&data).is_err(), "byte {at}");
        }
    }

    /// From the directory on, every byte says something that the rules or the JSON contradict. (The
    /// header's minor version, and an older runtime version, may change: the page allows it.)
    #[test]
    fn changed_bytes_with_right_crcs_are_found() {
        read(BIN).expect("good");
        for at in 64..BIN.len() {
            let mut data = BIN.to_vec();
            data[at] ^= 0x03;
            image::repair(&mut data);
            // A changed CRC is itself made right again.
            assert!(
                data == BIN || read(&data).is_err(),
                "byte {at} changed and nobody noticed"
            );
        }
    }

    #[test]
    fn a_changed_json_is_found() {
        let image = image::Image::parse(BIN).expect("good");
        let content = rules::Content::decode(&image).expect("good");
        for pointer in [
            "/depth/0/0/0/0",
            "/force/2/1/3/1",
            "/caps/0/1/dwell",
            "/limits/watchdog",
        ] {
            let mut value: serde_json::Value = serde_json::from_str(JSON).expect("JSON");
            let number = value.pointer_mut(pointer).expect(pointer);
            *number = (number.as_i64().expect("a number") + 1).into();
            assert!(
                twin::compare(&image, &content, &value).is_err(),
                "{pointer}"
            );
        }
    }
}
