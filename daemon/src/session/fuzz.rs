//! What people type, and what tools read in the password file.

use borealis_proto::{Credentials, Endpoint, Target};

use crate::fuzz::assert_fit_for_people;

#[test]
fn fuzz_target() {
    crate::fuzz::check("target", |bytes| {
        let text = String::from_utf8_lossy(bytes);
        match text.parse::<Target>() {
            Ok(target) => {
                // It goes into addresses, messages and the state file.
                let written = target.to_string();
                assert!(written.bytes().all(|byte| byte.is_ascii_graphic()), "{written:?}");
                assert_eq!(written.parse::<Target>().unwrap(), target);
            }
            Err(error) => assert_fit_for_people(&error.to_string()),
        }
    });
}

/// As libpq reads a line: fields end at a colon, and a backslash takes the next byte as it is.
fn fields(line: &str) -> Vec<String> {
    let (mut fields, mut field) = (Vec::new(), String::new());
    let mut chars = line.strip_suffix('\n').unwrap().chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => field.extend(chars.next()),
            ':' => fields.push(std::mem::take(&mut field)),
            c => field.push(c),
        }
    }
    fields.push(field);
    fields
}

/// The input is host, user and password, with zeros between them.
#[test]
fn fuzz_passfile() {
    crate::fuzz::check("passfile", |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let mut parts = text.splitn(3, '\0').map(str::to_owned);
        let mut part = || parts.next().unwrap_or_default();
        let endpoint = Endpoint { host: part(), port: 15873, socket: None };
        let (database, user, password) = ("d1".to_owned(), part(), part());
        let credentials = Credentials { endpoint, database, user, password };
        let line = credentials.passfile_line("*");
        let Credentials { endpoint, user, password, .. } = credentials;
        assert_eq!(
            fields(&line),
            [endpoint.host, "15873".to_owned(), "*".to_owned(), user, password]
        );
    });
}
