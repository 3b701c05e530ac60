//! Finds a Spin that runs our components: the one on PATH, if it is new enough.
//! Never fetches one.

use std::path::PathBuf;
use std::process::Command;

use crate::on_path;

/// The executable and its version, as it names itself, of the `spin` on PATH if it is 4.1 or newer.
///
/// # Errors
/// When there is none: why not, in words for the user.
pub fn executable() -> Result<(PathBuf, String), String> {
    let path = on_path("spin").ok_or("there is no `spin` on PATH")?;
    let said = Command::new(&path).arg("--version").output();
    let said = said.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let said = said.unwrap_or_default();
    if runs_ours(&said) {
        return Ok((path, said.trim().to_owned()));
    }
    Err(format!(
        "{} is {:?}, not 4.1 or newer",
        path.display(),
        said.trim()
    ))
}

/// Whether this version of Spin has WASI HTTP 0.3.0, given what `spin --version` says: `spin 4.1.0 (…)`.
fn runs_ours(said: &str) -> bool {
    let version = said.split(' ').nth(1).unwrap_or_default();
    let mut numbers = version
        .split(['.', '-'])
        .map_while(|part| part.parse().ok());
    let (major, minor): (u32, u32) = (
        numbers.next().unwrap_or_default(),
        numbers.next().unwrap_or_default(),
    );
    (major, minor) >= (4, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spins_before_4_1_are_not_taken() {
        assert!(runs_ours("spin 4.1.0 (1a2b3c4 2026-09-01)\n"));
        assert!(runs_ours("spin 4.1.0-pre0 (1a2b3c4 2026-09-01)\n"));
        assert!(runs_ours("spin 10.0.0\n"));
        assert!(!runs_ours("spin 4.0.2 (1a2b3c4 2026-05-01)\n"));
        assert!(!runs_ours("Spin, a model checker\n"));
        assert!(!runs_ours(""));
    }
}
