//! Promise: a window on a display plays: time goes on in it, the run is simulated to its end meanwhile, and it closes when it is
//! told to. Once a scrubber that rounded what it showed stopped every window at its first frame, and no test saw it.
//!
//! The display is an X server of its own. Skipped visibly where there is none, or no Vulkan driver; a failure where
//! `KNEADLAB_REQUIRE` names `xvfb` or `vulkan`.

#![cfg(target_os = "linux")]

mod common;

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use common::skip;
use x11rb::connection::Connection;
use x11rb::protocol::xproto::{AtomEnum, ClientMessageEvent, ConnectionExt, EventMask, Window};
use x11rb::rust_connection::RustConnection;

const VIEW: &str = env!("CARGO_BIN_EXE_kneadlab-view");
const SCENE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scenes/checks/slab.toml");

/// Much longer than a step takes on a loaded machine: to the first picture, to the end of the run, to the window's end.
const PATIENCE: Duration = Duration::from_secs(120);

#[test]
fn a_window_plays_until_it_is_closed() {
    let Some((_server, number)) = server() else {
        return skip("xvfb", "Xvfb does not start");
    };
    let display = format!(":{number}");
    // What windows look like is the user's affair; this one is small, and all picture.
    let settings = tempfile::tempdir().unwrap();
    let kept = settings.path().join("kneadlab");
    std::fs::create_dir(&kept).unwrap();
    std::fs::write(kept.join("view.toml"), "sliders = false\nplots = false\n").unwrap();
    let mut view = Command::new(VIEW)
        .args([SCENE, "--size", "320x240", "--timed"])
        .env("DISPLAY", &display)
        .env("XDG_CONFIG_HOME", settings.path())
        .env_remove("WAYLAND_DISPLAY")
        .stderr(Stdio::piped())
        .spawn()
        .map(Guard)
        .unwrap();
    let talk = lines(view.0.stderr.take().unwrap());

    let mut played = false;
    let mut last = [0.0; 2];
    let start = Instant::now();
    loop {
        let left = PATIENCE.saturating_sub(start.elapsed());
        let Ok(line) = talk.recv_timeout(left) else {
            panic!(
                "the window stands still, or is gone: at {:.2} s, simulated to {:.2} s",
                last[0], last[1]
            );
        };
        println!("{line}");
        if line.contains("no Vulkan driver") {
            return skip("vulkan", &line);
        }
        let Some([t_s, simulated_s]) = times_s(&line) else {
            continue;
        };
        played |= t_s > last[0] && last[0] > 0.0;
        let ended = simulated_s > 0.0 && simulated_s == last[1];
        last = [t_s, simulated_s];
        if played && ended {
            break;
        }
    }
    close(&display, "slab.toml");
    let start = Instant::now();
    let status = loop {
        if let Some(status) = view.0.try_wait().unwrap() {
            break status;
        }
        assert!(start.elapsed() < PATIENCE, "the window does not close");
        thread::sleep(Duration::from_millis(20));
    };
    assert!(status.success(), "{status}");
}

/// `... at 3.10 s, simulated to 17.52 s`: how far the picture is, and the simulation.
fn times_s(line: &str) -> Option<[f64; 2]> {
    let (_, times) = line.split_once(" at ")?;
    let (t_s, simulated_s) = times.split_once(" s, simulated to ")?;
    let simulated_s = simulated_s.strip_suffix(" s")?;
    Some([t_s.parse().ok()?, simulated_s.parse().ok()?])
}

/// A child that ends with whoever holds it.
struct Guard(Child);

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An X server and the number of its display, which it chooses itself; it tells once it is ready.
fn server() -> Option<(Guard, u32)> {
    let mut server = Command::new("Xvfb")
        .args([
            "-displayfd",
            "1",
            "-screen",
            "0",
            "640x480x24",
            "-nolisten",
            "tcp",
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map(Guard)
        .ok()?;
    let mut number = String::new();
    let said = BufReader::new(server.0.stdout.take()?).read_line(&mut number);
    said.ok()?;
    Some((server, number.trim().parse().ok()?))
}

/// What is said, line by line.
fn lines(stderr: ChildStderr) -> Receiver<String> {
    let (teller, told) = channel();
    thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            let _ = teller.send(line);
        }
    });
    told
}

/// Asks the window whose title has a word in it to close, as a click on its cross does.
fn close(display: &str, word: &str) {
    let (connection, screen) = x11rb::connect(Some(display)).unwrap();
    let root = connection.setup().roots[screen].root;
    let tree = connection.query_tree(root).unwrap().reply().unwrap();
    let atom = |name: &[u8]| {
        let atom = connection.intern_atom(false, name).unwrap();
        atom.reply().unwrap().atom
    };
    let is_meant = |window: &Window| title(&connection, *window).contains(word);
    let window = tree.children.into_iter().find(is_meant);
    let window = window.expect("no window has that title");
    let protocols = atom(b"WM_PROTOCOLS");
    let data = [atom(b"WM_DELETE_WINDOW"), 0, 0, 0, 0];
    let event = ClientMessageEvent::new(32, window, protocols, data);
    let sent = connection.send_event(false, window, EventMask::NO_EVENT, event);
    sent.unwrap().check().unwrap();
}

fn title(connection: &RustConnection, window: Window) -> String {
    let (name, text) = (AtomEnum::WM_NAME, AtomEnum::ANY);
    let property = connection.get_property(false, window, name, text, 0, 1024);
    let value = property.unwrap().reply().map(|reply| reply.value);
    String::from_utf8_lossy(&value.unwrap_or_default()).into_owned()
}
