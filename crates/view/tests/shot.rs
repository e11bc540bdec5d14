//! Promise: a picture of a scene can be taken on a machine without a display, and where that or
//! anything else is not possible the program says so and does not panic.

mod common;

use std::path::Path;
use std::process::{Command, Output};

const VIEW: &str = env!("CARGO_BIN_EXE_kneadlab-view");
const CHAIR: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scenes/chair.toml");

#[test]
fn a_picture_of_the_chair_shows_skin_and_nodes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shot.png");
    let near = folder.path().join("near.png");
    let output = view(
        &[
            CHAIR,
            "--headless",
            "--reduced",
            "--shot",
            "view=back",
            "--shot",
            "view=node,hide=machine+pad+trails",
            "--size",
            "640x480",
            "-o",
            near.with_file_name("shot.png").to_str().unwrap(),
            "-o",
        ],
        Some(&near),
    );
    let talk = String::from_utf8_lossy(&output.stderr);
    if talk.contains("no Vulkan driver") {
        return common::skip("vulkan", &talk);
    }
    assert!(output.status.success(), "{talk}");

    let (size, whole) = read_png(&path);
    assert_eq!(size, [640, 480]);
    let share_of = |pixels: &[[u8; 3]], is: fn([i32; 3]) -> bool| {
        let hits = pixels
            .iter()
            .filter(|[r, g, b]| is([i32::from(*r), i32::from(*g), i32::from(*b)]))
            .count();
        hits as f64 / pixels.len() as f64
    };
    let share = |is: fn([i32; 3]) -> bool| share_of(&whole, is);
    // The grey backdrop, the grey ground and the black seat have less than 15 between red and blue.
    let is_skin: fn([i32; 3]) -> bool = |[r, g, b]| r > g + 15 && g > b && r > b + 40;
    // From near and without the machine, skin is most of what is seen; the whole chair has more clay, frame and ground than skin.
    let skin = share_of(&read_png(&near).1, is_skin);
    assert!(
        (0.2..0.95).contains(&skin),
        "share of skin-coloured pixels: {skin}"
    );
    assert!(share(is_skin) > 0.005, "no skin on the whole chair");
    let nodes = share(|[r, g, b]| b > r + 40 && g > r + 20);
    // Four nodes cover under half a hundredth of the picture.
    assert!(
        (0.0005..0.03).contains(&nodes),
        "share of node-coloured pixels: {nodes}"
    );
    let dark = share(|[r, g, b]| r + g + b < 240);
    assert!(dark > 0.005, "the seat and the frame are dark: {dark}");
}

#[test]
fn a_scene_that_is_not_there_is_named() {
    let output = view(&["nowhere.toml", "--headless", "-o", "never.png"], None);
    let talk = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{talk}");
    assert!(talk.contains("nowhere.toml"), "{talk}");
    assert!(!talk.contains("panicked"), "{talk}");
}

/// Numbers need neither a driver nor a display: a row for each moment of the span.
#[test]
fn numbers_are_written_without_a_picture() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("film.csv");
    let turns = CHAIR.replace("chair.toml", "checks/knead_turns.toml");
    let args = [&turns, "--headless", "--span", "1..1.5", "--csv"];
    let output = view(&args, Some(&path));
    let talk = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && talk.contains("26 rows"),
        "{talk}"
    );
    let text = std::fs::read_to_string(&path).unwrap();
    let head: Vec<&str> = text.lines().next().unwrap().split(',').collect();
    assert!(head.contains(&"left_upper_force_n"), "{head:?}");
    assert_eq!(text.lines().count(), 27);
}

#[test]
fn a_folder_of_nothing_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let output = view(&[], Some(folder.path()));
    let talk = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{talk}");
    assert!(
        talk.contains("neither") && !talk.contains("panicked"),
        "{talk}"
    );
}

#[test]
fn a_wrong_wish_says_what_there_is() {
    let output = view(
        &[
            CHAIR,
            "--headless",
            "--shot",
            "view=above",
            "-o",
            "never.png",
        ],
        None,
    );
    let talk = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{talk}");
    assert!(
        talk.contains("section") && talk.contains("corner"),
        "{talk}"
    );
}

#[test]
#[cfg(target_os = "linux")]
fn without_a_display_a_window_is_refused_with_a_hint() {
    let output = view(&[CHAIR], None);
    let talk = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{talk}");
    assert!(
        talk.contains("--headless") && !talk.contains("panicked"),
        "{talk}"
    );
}

fn view(args: &[&str], last: Option<&Path>) -> Output {
    Command::new(VIEW)
        .args(args)
        .args(last)
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .output()
        .unwrap()
}

fn read_png(path: &Path) -> ([u32; 2], Vec<[u8; 3]>) {
    let file = std::io::BufReader::new(std::fs::File::open(path).unwrap());
    let mut reader = png::Decoder::new(file).read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut bytes).unwrap();
    assert_eq!(info.color_type, png::ColorType::Rgb);
    ([info.width, info.height], bytes.as_chunks::<3>().0.to_vec())
}
