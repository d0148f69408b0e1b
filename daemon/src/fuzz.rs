//! Fuzz targets are ordinary tests: each hands [`check`] a property that holds for whatever bytes
//! come.
//!
//! The tests put to it every file of the target's seed corpus (`daemon/fuzz/NAME/`), and for a
//! second what chance makes of those. `scripts/fuzz` compiles the same targets for libFuzzer, which
//! looks for inputs that reach new code. What it finds becomes a file of the corpus, for ever.

#[cfg(not(feature = "libfuzzer"))]
mod chance;
#[cfg(feature = "libfuzzer")]
mod libfuzzer;

#[cfg(not(feature = "libfuzzer"))]
pub(crate) use chance::check;
#[cfg(feature = "libfuzzer")]
pub(crate) use libfuzzer::check;

/// Put into inputs where a secret belongs: no error and no `Debug` may show it.
pub(crate) const CANARY: &str = "c4n4ry-7f3a-secret";

/// Where a person reads it: on one line, of bounded length, and nothing in it that a terminal obeys.
pub(crate) fn assert_fit_for_people(text: &str) {
    assert!(text.chars().count() <= 4_000, "{} characters", text.chars().count());
    let obeyed = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    assert!(!text.contains(obeyed), "{}", text.escape_debug());
}
