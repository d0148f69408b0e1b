//! Which room may name which, each with its reason. A new arrow is a decision: it is made here.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// `(room, may name, because)`. `fault`, `secret`, `locked`, `tasks`, `instant` and (for tests) `fuzz` are words, not rooms:
/// everybody may use them.
const ARROWS: &[(&str, &str, &str)] = &[
    ("control", "session", "hands each request to the manager"),
    ("control", "addon", "hands each request about an add-on over"),
    ("control", "doctor", "hands the question over, and its answer back"),
    ("control", "platform", "needs the lock to bind, and checks who calls"),
    ("session", "tunnel", "gets channels, and relays through them"),
    ("session", "credentials", "asks the vault, and keeps database credentials"),
    ("session", "heroku", "resolves targets"),
    ("session", "postgres", "reads first packets, refuses clients, asks its own questions"),
    ("session", "store", "writes what is wanted"),
    ("session", "platform", "tells people what they should hear of, asks whose a connection is"),
    ("addon", "heroku", "resolves targets, makes an add-on out of another"),
    ("addon", "borealis", "has the service do it"),
    ("addon", "credentials", "borrows authorizations that are revoked whatever happens"),
    ("doctor", "session", "has every path proved, and says how each session is"),
    ("doctor", "heroku", "says where the login is, and whether the API answers"),
    ("doctor", "borealis", "says whether the API answers"),
    ("doctor", "http", "reads how an API was reached"),
    ("doctor", "credentials", "tries the login with an authorization that is revoked"),
    ("doctor", "platform", "looks at the state directory and at what people should hear of"),
    ("tunnel", "credentials", "carries SSH credentials from the source to the connector"),
    ("ssh", "tunnel", "implements its traits"),
    ("ssh", "credentials", "logs in with them"),
    ("ssh", "platform", "asks whether what was sent arrives, says that memory was freed"),
    ("credentials", "heroku", "makes and ends authorizations, reads config vars"),
    ("credentials", "borealis", "has users made"),
    ("heroku", "http", "is an HTTP client"),
    ("borealis", "http", "is an HTTP client"),
    ("config", "credentials", "holds a secret"),
];

const WORDS: &[&str] = &["fault", "secret", "locked", "tasks", "instant", "fuzz"];

/// Sees them all.
const WIRING: &str = "run";

fn sources(dir: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            all.push(path);
        }
    }
    all
}

/// The room of a file: its folder below `src`, or its own name.
fn room(source: &Path, root: &Path) -> String {
    let inside = source.strip_prefix(root).unwrap();
    let first = inside.components().next().unwrap().as_os_str().to_str().unwrap();
    first.trim_end_matches(".rs").to_owned()
}

/// What a file names after `crate::`, one name or several in braces.
fn named(text: &str) -> BTreeSet<String> {
    let word = |text: &str| -> String {
        text.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect()
    };
    let mut names = BTreeSet::new();
    for (at, _) in text.match_indices("crate::") {
        let rest = text.get(at + "crate::".len()..).unwrap();
        match rest.strip_prefix('{') {
            Some(list) => {
                let list = list.split(';').next().unwrap();
                names.extend(list.split([',', ' ', '\n', '}']).map(word));
            }
            None => {
                names.insert(word(rest));
            }
        }
    }
    names
}

#[test]
fn each_room_names_only_rooms_below_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let rooms: BTreeSet<String> = sources(&root).iter().map(|file| room(file, &root)).collect();
    let mut used = BTreeSet::new();
    for file in sources(&root) {
        let from = room(&file, &root);
        if matches!(from.as_str(), WIRING | "main" | "lib") {
            continue;
        }
        for to in named(&std::fs::read_to_string(&file).unwrap()) {
            if !rooms.contains(&to) || to == from || WORDS.contains(&to.as_str()) {
                continue;
            }
            let allowed = ARROWS.iter().any(|(a, b, _)| *a == from && *b == to);
            assert!(allowed, "{} names {to}: {from} may not", file.display());
            used.insert((from.clone(), to));
        }
    }
    for (from, to, because) in ARROWS {
        let arrow = ((*from).to_owned(), (*to).to_owned());
        assert!(used.contains(&arrow), "{from} names {to} no more ({because}): remove the row");
    }
}

#[test]
fn the_words_name_no_room() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for word in WORDS {
        let text = std::fs::read_to_string(root.join(format!("{word}.rs"))).unwrap();
        let names = named(&text);
        let others = names.iter().filter(|name| !WORDS.contains(&name.as_str()));
        assert_eq!(others.count(), 0, "{word}: {names:?}");
    }
}

/// Heroku's and Borealis' worlds, SSH's and Postgres': each crate in one room only.
#[test]
fn each_outside_crate_has_its_room() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let table = [
        ("russh::", &["ssh"][..]),
        ("reqwest::", &["http", "heroku", "borealis", "config"]),
        ("axum::", &["control"]),
        ("interprocess::", &["control", "platform"]),
        ("postgres_protocol::", &["postgres"]),
    ];
    for file in sources(&root) {
        // Tests of the two clients speak to a server of their own.
        if file.file_name().unwrap().to_str().unwrap().contains("test") {
            continue;
        }
        let text = std::fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        for (name, rooms) in &table {
            let used = code.contains(&format!("use {name}")) || code.contains(&format!(" {name}"));
            let here = room(&file, &root);
            assert!(!used || rooms.contains(&here.as_str()), "{} uses {name}", file.display());
        }
    }
}
