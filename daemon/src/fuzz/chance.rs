//! What the tests put to a target: its corpus, and for a second what chance makes of it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::time::Instant;

/// For each target, beside its corpus.
const FOR: Duration = Duration::from_secs(1);
/// What stands in the formats that are fuzzed, and chance would not come upon.
const WORDS: &[&[u8]] = &[
    b"\0",
    b"\n",
    b"\r\n",
    b"\x1b[2J",
    b"|",
    b":=",
    b"\"",
    b"\\",
    b"{",
    b"[",
    b"null",
    b"-1",
    b"65536",
    b"\xff\xff\xff\xff",
    "\u{202e}".as_bytes(),
    b"ssh-rsa ",
    b"password ",
];

pub(crate) fn check(name: &str, property: impl Fn(&[u8])) {
    let corpus = corpus(name);
    for (file, bytes) in &corpus {
        put(&property, bytes, file);
    }
    let (seed, until) = (rand::random::<u64>(), Instant::now() + FOR);
    let mut chance = StdRng::seed_from_u64(seed);
    while Instant::now() < until {
        let bytes = changed(&mut chance, &corpus);
        put(&property, &bytes, &format!("chance {seed}"));
    }
}

fn put(property: &impl Fn(&[u8]), bytes: &[u8], origin: &str) {
    let done = catch_unwind(AssertUnwindSafe(|| property(bytes)));
    assert!(done.is_ok(), "{origin}: input b\"{}\"", bytes.escape_ascii());
}

fn corpus(name: &str) -> Vec<(String, Vec<u8>)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(name);
    let read = |file: std::io::Result<std::fs::DirEntry>| {
        let path = file.unwrap().path();
        (path.display().to_string(), std::fs::read(&path).unwrap())
    };
    let corpus: Vec<_> = std::fs::read_dir(&dir).unwrap().map(read).collect();
    assert!(corpus.len() > 1, "no seed corpus in {}", dir.display());
    corpus
}

fn changed(chance: &mut StdRng, corpus: &[(String, Vec<u8>)]) -> Vec<u8> {
    let pick = |chance: &mut StdRng| &corpus[chance.random_range(0..corpus.len())].1;
    let mut bytes = pick(chance).clone();
    for _ in 0..chance.random_range(1..=4) {
        let from = chance.random_range(0..=bytes.len());
        let to = chance.random_range(from..=bytes.len().min(from + 16));
        match chance.random_range(0..6) {
            0 => bytes.truncate(from),
            1 => drop(bytes.drain(from..to)),
            2 => bytes
                .splice(from..from, WORDS[chance.random_range(0..WORDS.len())].to_vec())
                .for_each(drop),
            3 => bytes.splice(from..to, (0..4).map(|_| chance.random())).for_each(drop),
            4 => bytes.extend_from_within(from..to),
            _ => {
                let other = pick(chance);
                let at = chance.random_range(0..=other.len());
                bytes.splice(from.., other[at..].to_vec()).for_each(drop);
            }
        }
    }
    bytes
}
