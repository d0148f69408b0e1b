use proptest::prelude::*;

use super::*;

fn found(text: &str) -> Option<String> {
    password(text, "api.heroku.com").map(|password| password.expose().clone())
}

#[test]
fn the_entries_of_a_netrc() {
    let table = [
        ("machine api.heroku.com\n  login me@x\n  password tok\n", Some("tok")),
        ("machine api.heroku.com password tok login me", Some("tok")),
        ("machine git.heroku.com password no\nmachine api.heroku.com password tok", Some("tok")),
        ("machine api.heroku.com password 1st\nmachine api.heroku.com password 2nd", Some("1st")),
        ("machine api.heroku.com login me\nmachine api.heroku.com password 2nd", None),
        ("machine api.heroku.com login me\ndefault password no", None),
        ("default login me password no", None),
        (r#"machine "api.heroku.com" password "a \"b\" \\c" "#, Some(r#"a "b" \c"#)),
        ("machine api.heroku.com password a#b", Some("a#b")),
        ("# machine api.heroku.com password old\nmachine api.heroku.com password tok", Some("tok")),
        ("#\nmachine api.heroku.com password tok", Some("tok")),
        (
            "macdef init\nmachine api.heroku.com password no\n\nmachine api.heroku.com password tok",
            Some("tok"),
        ),
        ("macdef init\r\ncd x\r\n\r\nmachine api.heroku.com\r\npassword tok\r\n", Some("tok")),
        ("machine x login machine password api.heroku.com", None),
        ("machine x login password password no\nmachine api.heroku.com password tok", Some("tok")),
        ("machine api.heroku.com password", None),
        ("machine api.heroku.com password \"", Some("")),
        ("machine", None),
        ("", None),
    ];
    for (text, expected) in table {
        assert_eq!(found(text).as_deref(), expected, "{text}");
    }
}

#[test]
fn another_host_is_found_with_its_port_or_without() {
    let table: [(&str, &[&str]); 3] = [
        ("https://api.heroku.com/", &["api.heroku.com"]),
        ("http://127.0.0.1:8080", &["127.0.0.1:8080", "127.0.0.1"]),
        ("https://api.staging.test", &["api.staging.test"]),
    ];
    for (url, expected) in table {
        assert_eq!(machines(&url.parse().unwrap()), expected, "{url}");
    }
}

fn files(files: &[PathBuf]) -> NetrcFiles {
    NetrcFiles::new(files.to_vec(), &"https://api.heroku.com".parse().unwrap())
}

#[tokio::test]
async fn the_first_file_that_exists_counts() {
    let dir = tempfile::tempdir().unwrap();
    let (missing, empty, full) = (dir.path().join("a"), dir.path().join("b"), dir.path().join("c"));
    std::fs::write(&empty, "machine x password y").unwrap();
    std::fs::write(&full, "machine api.heroku.com password tok").unwrap();
    let token = files(&[missing.clone(), full.clone()]).token().await.unwrap();
    assert_eq!(token, Some(Secret::new("tok".to_owned())));
    assert_eq!(files(&[empty, full]).token().await.unwrap(), None);
    assert_eq!(files(&[missing]).token().await.unwrap(), None);
    let error = files(&[dir.path().to_owned()]).token().await.unwrap_err();
    assert!(matches!(error, LoginError::Unreadable { .. }), "{error}");
}

#[cfg(unix)]
mod gpg {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// Stands in for gpg, which needs keys and an agent.
    fn with_gpg(dir: &Path, script: &str) -> NetrcFiles {
        let (gpg, file) = (dir.join("gpg"), dir.join(".netrc.gpg"));
        std::fs::write(&gpg, format!("#!/bin/sh\n{script}")).unwrap();
        std::fs::set_permissions(&gpg, std::fs::Permissions::from_mode(0o700)).unwrap();
        std::fs::write(&file, "machine api.heroku.com password encrypted").unwrap();
        std::fs::write(dir.join(".netrc"), "machine api.heroku.com password plain").unwrap();
        NetrcFiles { gpg: gpg.into(), ..files(&[file, dir.join(".netrc")]) }
    }

    #[tokio::test]
    async fn an_encrypted_file_wins() {
        let dir = tempfile::tempdir().unwrap();
        let netrc = with_gpg(
            dir.path(),
            r#"test "$1 $2 $3 $4" = "--batch --quiet --decrypt --" && cat "$5""#,
        );
        let token = netrc.token().await.unwrap();
        assert_eq!(token, Some(Secret::new("encrypted".to_owned())));
    }

    #[tokio::test]
    async fn what_gpg_says_is_told_and_the_plain_file_is_not_used_instead() {
        let dir = tempfile::tempdir().unwrap();
        let netrc = with_gpg(dir.path(), "echo canary; echo 'no secret key' >&2; exit 2");
        let error = netrc.token().await.unwrap_err().to_string();
        assert!(error.ends_with("gpg: no secret key"), "{error}");
        assert!(!error.contains("canary"), "{error}");
    }

    /// gpg's agent asks for a passphrase; a look that nobody asked for must not do so again.
    #[tokio::test]
    async fn a_glance_calls_gpg_once_for_each_file() {
        let dir = tempfile::tempdir().unwrap();
        let netrc = with_gpg(dir.path(), r#"echo asked >> "$0.calls"; cat "$5""#);
        let calls = || {
            let calls = std::fs::read_to_string(dir.path().join("gpg.calls"));
            calls.unwrap_or_default().lines().count()
        };
        assert!(netrc.glance().await.unwrap().is_some());
        assert_eq!((netrc.glance().await.unwrap(), calls()), (None, 1), "asked about already");
        assert!(netrc.token().await.unwrap().is_some(), "a person wants it");
        assert_eq!((netrc.glance().await.unwrap(), calls()), (None, 2));
        let file = std::fs::File::options().append(true).open(dir.path().join(".netrc.gpg"));
        let later = SystemTime::now() + std::time::Duration::from_secs(2);
        file.unwrap().set_modified(later).unwrap();
        assert!(netrc.glance().await.unwrap().is_some(), "it is another one");
        assert_eq!(calls(), 3);
    }

    #[tokio::test]
    async fn without_gpg_it_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let netrc = with_gpg(dir.path(), "");
        let netrc = NetrcFiles { gpg: dir.path().join("nowhere").into(), ..netrc };
        let error = netrc.token().await.unwrap_err().to_string();
        assert!(error.contains("gpg does not start"), "{error}");
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

proptest! {
    #[test]
    fn no_text_breaks_the_parser(text in any::<String>()) {
        drop(password(&text, "api.heroku.com"));
    }

    #[test]
    fn no_arrangement_of_words_breaks_the_parser(
        words in proptest::collection::vec(
            prop_oneof![
                Just("machine"), Just("api.heroku.com"), Just("password"), Just("login"),
                Just("macdef"), Just("default"), Just("\n"), Just("\n\n"), Just("#"), Just("\""),
            ],
            0..40,
        )
    ) {
        drop(password(&words.join(" "), "api.heroku.com"));
    }

    #[test]
    fn what_is_written_is_read(
        before in proptest::collection::vec(("[a-z.]{1,12}", any::<String>()), 0..5),
        token in any::<String>(),
        after in any::<String>(),
    ) {
        let mut text = String::new();
        for (host, other) in &before {
            text.push_str(&format!("machine {host}\n\tlogin me\n\tpassword {}\n", quoted(other)));
        }
        text.push_str(&format!("machine api.heroku.com\n\tpassword {}\n{after}", quoted(&token)));
        prop_assume!(before.iter().all(|(host, _)| host != "api.heroku.com"));
        prop_assert_eq!(found(&text), Some(token));
    }
}
