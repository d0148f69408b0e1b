//! What sshd is told when it starts.

use std::path::Path;

/// The first OpenSSH that punishes an address for failed logins; ours all come from one address.
const FIRST_WITH_PENALTIES: (u32, u32) = (9, 8);

/// `permitted`: the ports that may be reached.
pub(super) fn of(dir: &Path, port: u16, permitted: &[u16], version: Option<(u32, u32)>) -> String {
    let dir = dir.display();
    let each = permitted.iter().map(|port| format!(" 127.0.0.1:{port} localhost:{port}"));
    let permitted: String = each.collect();
    let mut settings = format!(
        "ListenAddress 127.0.0.1:{port}
HostKey {dir}/host_key
PidFile {dir}/sshd.pid
AuthorizedKeysFile {dir}/authorized_keys
AuthenticationMethods publickey
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
UsePAM no
UseDNS no
StrictModes no
AllowTcpForwarding local
PermitOpen{permitted}
AllowAgentForwarding no
X11Forwarding no
PermitTTY no
PrintMotd no
MaxStartups 200
MaxSessions 1000
LogLevel VERBOSE
"
    );
    if version.is_some_and(|version| version >= FIRST_WITH_PENALTIES) {
        settings.push_str("PerSourcePenalties no\n");
    }
    settings
}

/// With these instead of those of the same name: for most the first counts, for `MaxStartups` the
/// last.
pub(super) fn replaced(settings: &str, by: &[String]) -> String {
    let name = |line: &str| line.split(' ').next().unwrap_or_default().to_ascii_lowercase();
    let stays = |line: &&str| !by.iter().any(|other| name(other) == name(line));
    let lines = settings.lines().filter(stays).chain(by.iter().map(String::as_str));
    lines.map(|line| format!("{line}\n")).collect()
}

/// From what `sshd -V` prints.
pub(super) fn version_in(text: &str) -> Option<(u32, u32)> {
    let (_, rest) = text.split_once("OpenSSH_")?;
    let mut numbers = rest.split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_version_as_printed_by_old_and_new() {
        let table = [
            ("OpenSSH_9.2, OpenSSL 3.0.19 27 Jan 2026", Some((9, 2))),
            ("unknown option -- V\nOpenSSH_8.4p1 Debian-5+deb11u1, OpenSSL 1.1.1", Some((8, 4))),
            ("OpenSSH_10.0p2, LibreSSL 3.3.6", Some((10, 0))),
            ("something else", None),
        ];
        for (text, expected) in table {
            assert_eq!(version_in(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_set_anew_is_set_once() {
        let by = ["maxstartups 1:100:1".to_owned(), "RekeyLimit 1M".to_owned()];
        let settings = replaced("MaxStartups 200\nUseDNS no\n", &by);
        assert_eq!(settings, "UseDNS no\nmaxstartups 1:100:1\nRekeyLimit 1M\n");
    }

    #[test]
    fn only_versions_that_know_penalties_are_told_to_leave_them() {
        let told = |version| of(Path::new("/d"), 1, &[2], version).contains("PerSourcePenalties");
        assert_eq!(
            [None, Some((9, 7)), Some((9, 8)), Some((10, 0))].map(told),
            [false, false, true, true]
        );
    }
}
