use borealis_proto::Endpoint;

use super::*;

#[test]
fn colons_and_backslashes_do_not_end_a_field() {
    let credentials = Credentials {
        endpoint: Endpoint { host: "::1".into(), port: 15873, socket: None },
        database: "d1".into(),
        user: "p_ro_ab12".into(),
        password: r"a:b\c".into(),
    };
    assert_eq!(libpq::password_line(&credentials), "\\:\\:1:15873:d1:p_ro_ab12:a\\:b\\\\c\n");
}
