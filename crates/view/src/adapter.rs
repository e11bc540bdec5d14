//! Asks for a graphics driver and a display before the engine does: it would panic without them.

use anyhow::bail;
use bevy::tasks::block_on;

/// Vulkan, or what a system has in its place.
pub const BACKENDS: wgpu::Backends = wgpu::Backends::PRIMARY;

/// What draws.
#[derive(Clone, Debug)]
pub struct Driver {
    /// The processor does, in the absence of a graphics card.
    pub is_processor: bool,
}

/// Fails with advice where there is nothing to draw with.
pub fn probe(headless: bool) -> anyhow::Result<Driver> {
    if !headless {
        let [display, wayland] =
            ["DISPLAY", "WAYLAND_DISPLAY"].map(|name| std::env::var(name).unwrap_or_default());
        // The engine takes Wayland where it is named, and looks for X11 only where it is not.
        let answers = match wayland.as_str() {
            "" => display_answers(&display),
            name => wayland_answers(name),
        };
        if !answers {
            bail!(
                "there is no display to open a window on (DISPLAY is \"{display}\", WAYLAND_DISPLAY \"{wayland}\")\n\
                 hint: `--headless --shot view=back -o shot.png` takes a picture without one"
            );
        }
    }
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor {
        backends: BACKENDS,
        ..wgpu::InstanceDescriptor::new_without_display_handle()
    });
    let Ok(adapter) = block_on(instance.request_adapter(&wgpu::RequestAdapterOptions::default()))
    else {
        bail!(
            "no Vulkan driver was found, so nothing can be drawn\n\
             hint: on Debian and Ubuntu `apt-get install mesa-vulkan-drivers` draws on the processor"
        );
    };
    Ok(Driver {
        is_processor: adapter.get_info().device_type == wgpu::DeviceType::Cpu,
    })
}

/// Whether somebody listens at a local display such as `:0`. Displays of other hosts are believed.
#[cfg(target_os = "linux")]
fn display_answers(display: &str) -> bool {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixStream};

    let Some((host, number)) = display.rsplit_once(':') else {
        return false;
    };
    let number = number.split('.').next().unwrap_or_default();
    let path = format!("/tmp/.X11-unix/X{number}");
    !matches!(host, "" | "unix")
        || UnixStream::connect(&path).is_ok()
        || SocketAddr::from_abstract_name(&path)
            .is_ok_and(|at| UnixStream::connect_addr(&at).is_ok())
}

/// Whether a compositor listens at a name such as `wayland-0`, or at a path.
#[cfg(target_os = "linux")]
fn wayland_answers(name: &str) -> bool {
    use std::os::unix::net::UnixStream;

    let folder = std::env::var("XDG_RUNTIME_DIR").unwrap_or_default();
    let path = std::path::Path::new(&folder).join(name);
    UnixStream::connect(path).is_ok()
}

/// Other systems have none, and do not ask for it.
#[cfg(not(target_os = "linux"))]
fn wayland_answers(_name: &str) -> bool {
    false
}

/// Other systems always have a display.
#[cfg(not(target_os = "linux"))]
fn display_answers(_display: &str) -> bool {
    true
}
