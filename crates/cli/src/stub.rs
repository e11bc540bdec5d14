//! Stands in for `tissue::Durometer::profile` until tissue has it.

/// Says that it is not there.
pub fn profile(_: &tissue::Durometer, _: f64, _: bool) -> anyhow::Result<Vec<(f64, f64)>> {
    anyhow::bail!("indent --profile is not there yet")
}
