use std::fs;

use borealis_proto::{Access, SessionId};
use proptest::prelude::*;

use super::*;

fn session(id: &str, port: u16) -> WantedSession {
    WantedSession {
        id: SessionId::new(id),
        app: "sushi".into(),
        attachment: "DATABASE".into(),
        addon: "borealis-pg-hex-12345".into(),
        addon_id: "01234567-89ab-cdef-0123-456789abcdef".into(),
        access: Access::ReadOnly,
        port,
    }
}

struct Home {
    dir: tempfile::TempDir,
    path: PathBuf,
}

fn home() -> Home {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("sessions.json");
    Home { dir, path }
}

impl Home {
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.dir.path()).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    /// The one file there, whose name says `word`, and which the notice names.
    fn moved(&self, word: &str, loaded: &Loaded) -> PathBuf {
        let names = self.names();
        assert_eq!(names.len(), 1, "{word}: {names:?}");
        assert!(names[0].starts_with(&format!("sessions.json.{word}-2")), "{word}: {names:?}");
        let notice = loaded.notice.as_deref().unwrap_or_default();
        assert!(notice.contains(&names[0]), "{word}: {notice}");
        assert!(loaded.sessions.is_empty(), "{word}");
        self.dir.path().join(&names[0])
    }
}

#[tokio::test]
async fn what_is_saved_is_there_again() {
    let home = home();
    let sessions = vec![session("7k2m", 15873), session("9x9x", 15874)];
    let Loaded { store, sessions: none, notice } = Store::load(&home.path);
    assert_eq!((none, notice), (Vec::new(), None));
    store.save(&[session("old", 1)]).await.unwrap();
    store.save(&sessions).await.unwrap();
    let loaded = Store::load(&home.path);
    assert_eq!((loaded.sessions, loaded.notice), (sessions, None));
    assert_eq!(home.names(), ["sessions.json"]);
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_may_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let home = home();
    Store::load(&home.path).store.save(&[]).await.unwrap();
    assert_eq!(fs::metadata(&home.path).unwrap().permissions().mode() & 0o777, 0o600);
}

/// Kept for ever: files of this format are out there. Never change the golden file.
#[test]
fn the_first_format_is_still_read() {
    let home = home();
    fs::write(&home.path, include_bytes!("../../tests/golden/sessions.v1.json")).unwrap();
    let loaded = Store::load(&home.path);
    let written = WantedSession { access: Access::ReadWrite, ..session("9x9x", 15874) };
    assert_eq!(loaded.sessions, [session("7k2m", 15873), written]);
    assert_eq!(loaded.notice, None);
}

#[test]
fn whatever_is_not_right_is_moved_aside_whole() {
    let good = String::from_utf8(format::to_text(&[session("7k2m", 15873)]).unwrap()).unwrap();
    let two = |a, b| String::from_utf8(format::to_text(&[a, b]).unwrap()).unwrap();
    let table = [
        ("truncated", String::new()),
        ("truncated", good[..good.len() / 2].to_owned()),
        ("corrupt", "\0\0\0\0".to_owned()),
        ("corrupt", "not json".to_owned()),
        ("corrupt", "[]".to_owned()),
        ("corrupt", "{}".to_owned()),
        ("corrupt", format!("{good}{good}")),
        ("corrupt", "{\"version\":1}".to_owned()),
        ("corrupt", "{\"version\":0,\"sessions\":[]}".to_owned()),
        ("corrupt", "{\"version\":\"1\",\"sessions\":[]}".to_owned()),
        ("corrupt", good.replace("15873", "0")),
        ("corrupt", good.replace("15873", "65536")),
        ("corrupt", good.replace("read-only", "root")),
        ("corrupt", good.replace("sushi", "../sushi")),
        ("corrupt", good.replace("ses_7k2m", "7k2m")),
        ("corrupt", two(session("a", 1), session("a", 2))),
        ("corrupt", two(session("a", 1), session("b", 1))),
        ("newer", "{\"version\":2,\"rooms\":{}}".to_owned()),
        ("newer", good.replace("\"version\": 1", "\"version\": 18446744073709551615")),
        ("too-large", " ".repeat(1024 * 1024 + 1)),
    ];
    for (word, text) in table {
        let home = home();
        fs::write(&home.path, &text).unwrap();
        let loaded = Store::load(&home.path);
        let moved = home.moved(word, &loaded);
        assert_eq!(fs::read_to_string(moved).unwrap(), text, "{word}");
    }
}

#[test]
fn fields_of_a_later_release_are_passed_over() {
    let home = home();
    let text = String::from_utf8(format::to_text(&[session("7k2m", 15873)]).unwrap()).unwrap();
    fs::write(&home.path, text.replace("\"app\"", "\"colour\": \"red\", \"app\"")).unwrap();
    let loaded = Store::load(&home.path);
    assert_eq!((loaded.sessions, loaded.notice), (vec![session("7k2m", 15873)], None));
}

#[cfg(unix)]
#[test]
fn a_link_is_moved_and_what_it_points_to_left_alone() {
    let (home, elsewhere) = (home(), tempfile::tempdir().unwrap());
    let target = elsewhere.path().join("precious");
    fs::write(&target, "keep").unwrap();
    std::os::unix::fs::symlink(&target, &home.path).unwrap();
    let loaded = Store::load(&home.path);
    home.moved("symlink", &loaded);
    assert_eq!(fs::read_to_string(&target).unwrap(), "keep");
}

#[cfg(unix)]
#[test]
fn pipes_and_directories_are_moved_and_nobody_waits() {
    let fifo = home();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &fifo.path,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
        0,
    )
    .unwrap();
    fifo.moved("not-a-file", &Store::load(&fifo.path));
    let dir = home();
    fs::create_dir(&dir.path).unwrap();
    dir.moved("not-a-file", &Store::load(&dir.path));
}

#[cfg(unix)]
#[test]
fn another_users_file_is_moved() {
    // Only root can make one.
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let home = home();
    fs::write(&home.path, "{\"version\":1,\"sessions\":[]}").unwrap();
    std::os::unix::fs::chown(&home.path, Some(12345), None).unwrap();
    home.moved("foreign", &Store::load(&home.path));
}

#[test]
fn nothing_that_was_moved_is_overwritten() {
    let home = home();
    for text in ["first", "second", "third"] {
        fs::write(&home.path, text).unwrap();
        assert!(Store::load(&home.path).notice.is_some());
    }
    let mut texts: Vec<_> = home
        .names()
        .iter()
        .map(|name| fs::read_to_string(home.dir.path().join(name)).unwrap())
        .collect();
    texts.sort();
    assert_eq!(texts, ["first", "second", "third"]);
}

#[tokio::test]
async fn a_save_that_fails_leaves_the_old_file() {
    let home = home();
    let store = Store::load(&home.path).store;
    store.save(&[session("7k2m", 15873)]).await.unwrap();
    let before = fs::read(&home.path).unwrap();
    let gone = Store { path: home.dir.path().join("gone/sessions.json"), ..store.clone() };
    assert!(matches!(gone.save(&[]).await, Err(SaveError::Io { .. })));
    let occupied = Store { occupied: true, ..store };
    assert!(matches!(occupied.save(&[]).await, Err(SaveError::Occupied { .. })));
    assert_eq!(fs::read(&home.path).unwrap(), before);
    assert_eq!(home.names(), ["sessions.json"]);
}

#[tokio::test]
async fn the_last_save_asked_for_is_the_one_that_stays() {
    let home = home();
    let store = Store::load(&home.path).store;
    let lists: Vec<_> = (1..=20).map(|port| vec![session("a", port)]).collect();
    let saves = lists.iter().map(|list| store.save(list));
    for saved in futures_util::future::join_all(saves).await {
        saved.unwrap();
    }
    assert_eq!(Store::load(&home.path).sessions, [session("a", 20)]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_bytes_break_the_start(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
        let home = home();
        fs::write(&home.path, &bytes).unwrap();
        let loaded = Store::load(&home.path);
        prop_assert!(loaded.notice.is_some() && loaded.sessions.is_empty());
        prop_assert!(!home.path.exists());
    }

    #[test]
    fn no_cut_breaks_the_start(at in 0usize..300) {
        let home = home();
        let text = format::to_text(&[session("7k2m", 15873)]).unwrap();
        // One shorter than whole is whole: the last byte is the line break.
        prop_assume!(at < text.len() - 1);
        fs::write(&home.path, &text[..at]).unwrap();
        let loaded = Store::load(&home.path);
        prop_assert!(loaded.notice.is_some_and(|notice| notice.contains("truncated")));
    }
}
