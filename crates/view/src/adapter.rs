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
        let display = std::env::var("DISPLAY").unwrap_or_default();
        if !display_answers(&display) {
            bail!(
                "there is no X display to open a window on (DISPLAY is \"{display}\")\n\
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

/// Other systems always have a display.
#[cfg(not(target_os = "linux"))]
fn display_answers(_display: &str) -> bool {
    true
}
