use proptest::prelude::*;

use super::*;

const FULL: &str = "ADDON_ID:=1|POSTGRES_WRITER_HOST:=w|POSTGRES_READER_HOST:=r|POSTGRES_PORT:=6543|\
    POSTGRES_DB_NAME:=d|POSTGRES_WRITER_USERNAME:=wu|POSTGRES_WRITER_PASSWORD:=canary:=w|\
    POSTGRES_READER_USERNAME:=ru|POSTGRES_READER_PASSWORD:=canary-r|SSH_HOST:=s|SSH_PORT:=2222|\
    SSH_PUBLIC_HOST_KEY:=ssh-ed25519 AAAA|SSH_USERNAME:=su|SSH_USER_PRIVATE_KEY:=canary\\nkey\\n";

fn find(name: &str, value: &str) -> Result<ConnInfo, ConnInfoError> {
    let vars = HashMap::from([(name.to_owned(), Secret::new(value.to_owned()))]);
    ConnInfo::find(&vars, "sushi", "DATABASE", Generation(3))
}

fn info(value: &str) -> ConnInfo {
    find("DATABASE_TUNNEL_BPG_CONN_INFO", value).unwrap()
}

#[test]
fn everything_in_its_place() {
    let info = info(FULL);
    let ssh = info.ssh().unwrap();
    assert_eq!((&*ssh.host, ssh.port, &*ssh.user), ("s", 2222, "su"));
    assert_eq!(ssh.host_key, "ssh-ed25519 AAAA");
    assert_eq!(ssh.private_key.expose(), "canary\nkey\n");
    let reader = info.database(Access::ReadOnly).unwrap();
    assert_eq!((&*reader.host, reader.port, &*reader.user), ("r", 6543, "ru"));
    assert_eq!((&*reader.database, reader.password.expose().as_str()), ("d", "canary-r"));
    let writer = info.database(Access::ReadWrite).unwrap();
    assert_eq!((&*writer.host, &*writer.user), ("w", "wu"));
    assert_eq!(writer.password.expose(), "canary:=w");
    assert_eq!(writer.generation, Generation(3));
    assert!(!format!("{info:?}").contains("canary"));
}

#[test]
fn a_missing_port_is_the_usual_one() {
    let info =
        info(&FULL.replace("POSTGRES_PORT:=6543|", "").replace("SSH_PORT:=2222", "SSH_PORT:="));
    assert_eq!(info.database(Access::ReadOnly).unwrap().port, 5432);
    assert_eq!(info.ssh().unwrap().port, 22);
}

#[test]
fn what_is_missing_is_named_and_matters_only_to_who_needs_it() {
    let no_reader = info(&FULL.replace("POSTGRES_READER_HOST:=r", "POSTGRES_READER_HOST:="));
    assert!(no_reader.database(Access::ReadWrite).is_ok() && no_reader.ssh().is_ok());
    let failure = no_reader.database(Access::ReadOnly).unwrap_err().failure();
    assert_eq!(failure.reason.code, ErrorCode::ConnInfoInvalid);
    for part in ["DATABASE_TUNNEL_BPG_CONN_INFO", "POSTGRES_READER_HOST", "edited by hand"] {
        assert!(failure.reason.message.contains(part), "{failure:?}");
    }
}

#[test]
fn a_port_that_is_none_is_named() {
    for port in ["x", "0", "70000", "-1", "canary"] {
        let error = info(&FULL.replace("6543", port)).database(Access::ReadOnly).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("POSTGRES_PORT") && !text.contains("canary"), "{text}");
    }
}

#[test]
fn the_older_name_is_found_and_the_newer_one_wins() {
    let older = "DATABASE_SSH_TUNNEL_BPG_CONNECTION_INFO";
    assert_eq!(find(older, FULL).unwrap().ssh().unwrap().host, "s");
    let secret = |text: &str| Secret::new(text.to_owned());
    let vars = HashMap::from([
        (older.to_owned(), secret("SSH_HOST:=older")),
        ("DATABASE_TUNNEL_BPG_CONN_INFO".to_owned(), secret(FULL)),
    ]);
    let info = ConnInfo::find(&vars, "sushi", "DATABASE", Generation(1)).unwrap();
    assert_eq!(info.ssh().unwrap().host, "s");
}

#[test]
fn without_the_config_var_its_name_is_told() {
    let error = find("DATABASE_URL", FULL).unwrap_err();
    assert_eq!(error.to_string(), "app sushi has no config var DATABASE_TUNNEL_BPG_CONN_INFO");
}

proptest! {
    #[test]
    fn no_text_breaks_the_parser(text in any::<String>()) {
        let info = info(&text);
        drop((info.ssh(), info.database(Access::ReadOnly), info.database(Access::ReadWrite)));
    }

    #[test]
    fn what_is_written_is_read(
        written in proptest::collection::hash_map("[A-Z_]{1,20}", "[^|\\\\]{1,30}", 0..12)
    ) {
        let escape = |(key, value): (&String, &String)| format!("{key}:={}", value.replace('\n', "\\n"));
        let text = written.iter().map(escape).collect::<Vec<_>>().join("|");
        let read: HashMap<_, _> =
            items(&text).into_iter().map(|(key, value)| (key, value.expose().clone())).collect();
        prop_assert_eq!(read, written);
    }
}
