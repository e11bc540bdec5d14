//! Pins that what the fuzzer kept (tools/fuzz/corpus) still passes: the reader, the exported crate, and the C under the address and
//! undefined-behaviour sanitizers take every script without a fault and agree on what is refused.

mod common;
#[allow(dead_code)]
#[path = "common/edits.rs"]
mod edits;
#[allow(dead_code)]
#[path = "../runtime/kneadlab_rt.rs"]
mod rt;

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use common::{build_pc, text, write_export};
use table::{emit, example, quantise, read};

#[test]
fn the_corpus_passes_in_rust_and_in_c_under_sanitizers() {
    let mut model = example::model(2, 4, 2);
    model.channels = example::channels();
    model.channels.truncate(1);
    let sound = emit::blob(&quantise(&model).expect("the example is sound"));
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tools/fuzz/corpus/blob");
    let mut paths: Vec<_> = std::fs::read_dir(corpus)
        .expect("the corpus")
        .map(|entry| entry.expect("readable").path())
        .collect();
    paths.sort();
    assert!(!paths.is_empty());
    let mut input = Vec::new();
    let mut codes = Vec::new();
    let mut taken = 0;
    for path in &paths {
        let image = edits::mutant(&sound, &std::fs::read(path).expect("readable"));
        let opened = rt::Context::open(&image, &image).and_then(|mut c| {
            rt::Context::open_fallback(&image)?;
            rt::Channel::open(&image, 0)?;
            c.selftest(&image)
        });
        codes.push(opened.map_or_else(|error| error as u32, |_| 0));
        taken += usize::from(read::blob(&image).is_ok());
        input.extend((image.len() as u32).to_le_bytes());
        input.extend(image);
    }
    eprintln!("{} scripts, {taken} images taken", paths.len());
    assert!(taken > 0, "the sound image is among them");
    let dir = tempfile::tempdir().expect("a folder");
    write_export(dir.path(), &model);
    let flags = [
        "-O1",
        "-g",
        "-fsanitize=address,undefined",
        "-fno-sanitize-recover=all",
    ];
    let Some(program) = build_pc(dir.path(), &["damage.c", "kneadlab_channel.c"], &flags) else {
        return;
    };
    let mut child = Command::new(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    let feeder = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().expect("it ends");
    feeder.join().expect("no panic").expect("it reads on");
    assert!(output.status.success(), "{}", output.status);
    let lines = text(&output.stdout);
    let in_c: Vec<u32> = lines
        .lines()
        .map(|l| {
            l.split(' ')
                .next()
                .and_then(|n| n.parse().ok())
                .expect("a code")
        })
        .collect();
    assert_eq!(in_c, codes, "C left, the exported crate right");
}
