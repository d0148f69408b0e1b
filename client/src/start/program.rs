//! Which borealisd is meant: the one that belongs to this borealisctl.

use std::env;
use std::path::PathBuf;

/// `BOREALISD`, else beside this program, else on the PATH.
#[must_use]
pub fn find() -> Option<PathBuf> {
    let named = env::var_os("BOREALISD").filter(|path| !path.is_empty()).map(PathBuf::from);
    named.or_else(beside_us).or_else(|| which::which("borealisd").ok())
}

fn beside_us() -> Option<PathBuf> {
    let name = format!("borealisd{}", env::consts::EXE_SUFFIX);
    let path = env::current_exe().ok()?.parent()?.join(name);
    path.is_file().then_some(path)
}
