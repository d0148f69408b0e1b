//! Add-ons, for people: the service's words as its documentation shows them, times in the local
//! zone. A word or a time that is not known is shown as it came.

use std::fmt::Write;

use borealis_proto::{
    AddonInfo, AddonState, DbUser, InstalledExtension, Integration, IntegrationLogin, PgExtension,
    RestoreCapabilities, UpgradeInfo, UpgradeStarted,
};
use jiff::Timestamp;
use unicode_width::UnicodeWidthStr;

use super::human::{self, Clock};

/// Who has no name of his own.
const APP_USER: &str = "Heroku App User";

/// `info`.
#[must_use]
pub fn info(info: &AddonInfo, clock: &Clock) -> String {
    let AddonInfo { addon_name, status, .. } = info;
    let (used, most) = (info.db_storage_usage_bytes, info.db_storage_max_bytes);
    let storage = format!("{} of {}{}", human::bytes(used), human::bytes(most), share(used, most));
    let local = |time: &str| moment(time, &clock.standing());
    let mut fields = Fields::headed(&format!("{addon_name}  {}", status_word(status)));
    fields.add("plan", &info.plan_name);
    fields.add("region", region(&info.region));
    fields.add("tenancy", tenancy(&info.db_tenancy_type));
    fields.add("postgres", &info.postgres_version);
    fields.add("replicas", &info.replica_quantity.to_string());
    fields.add("storage", &storage);
    fields.add("compliance", compliance(&info.storage_compliance_status));
    fields.maybe("deadline", info.storage_compliance_deadline.as_deref().map(local));
    fields.maybe("database", info.app_db_name.clone());
    fields.maybe("restored from", info.restore_source_addon_name.clone());
    fields.add("created", &moment(&info.created_at, clock));
    fields.text
}

/// `extensions`.
#[must_use]
pub fn extensions(all: &[PgExtension]) -> String {
    let row = |one: &PgExtension| [one.name.clone(), one.version.clone(), one.schema.clone()];
    columns(["EXTENSION", "VERSION", "SCHEMA"], all.iter().map(row))
}

/// `extensions install`.
#[must_use]
pub fn installed(all: &[InstalledExtension]) -> String {
    let line = |one: &InstalledExtension| {
        let (name, version) = (plain(&one.pg_extension_name), plain(&one.pg_extension_version));
        format!("{name}  {version}  installed in schema {}\n", plain(&one.pg_extension_schema))
    };
    all.iter().map(line).collect()
}

/// `users`.
#[must_use]
pub fn users(all: &[DbUser]) -> String {
    let row = |one: &DbUser| {
        let name = one.display_name.clone().unwrap_or_else(|| APP_USER.to_owned());
        [name, one.read_only_username.clone(), one.read_write_username.clone()]
    };
    columns(["USER", "READ-ONLY", "READ-WRITE"], all.iter().map(row))
}

/// `integrations`.
#[must_use]
pub fn integrations(all: &[Integration], clock: &Clock) -> String {
    let row = |one: &Integration| {
        let access = if one.write_access { "read-write" } else { "read-only" };
        let created = moment(&one.created_at, clock);
        let users = [one.db_username.clone(), one.ssh_username.clone()];
        let [db, ssh] = users;
        [one.name.clone(), access.to_owned(), db, ssh, created]
    };
    columns(["INTEGRATION", "ACCESS", "DB USER", "SSH USER", "CREATED"], all.iter().map(row))
}

/// `integrations register`.
#[must_use]
pub fn integration_login(login: &IntegrationLogin) -> String {
    let mut fields = Fields::default();
    fields.add("db host", &login.db_host);
    fields.add("db port", &login.db_port.to_string());
    fields.add("db name", &login.db_name);
    fields.add("db user", &login.db_username);
    fields.add("db password", &login.db_password);
    fields.add("ssh host", &login.ssh_host);
    fields.add("ssh port", &login.ssh_port.to_string());
    fields.add("ssh user", &login.ssh_username);
    fields.add("ssh host key", &login.public_ssh_host_key);
    fields.text
}

/// `restore capabilities`.
#[must_use]
pub fn capabilities(all: &RestoreCapabilities, clock: &Clock) -> String {
    let when = |time: &Option<String>| time.as_deref().map(|time| moment(time, clock));
    let yes_or_no = |yes: bool| if yes { "yes" } else { "no" };
    let mut fields = Fields::default();
    fields.add("clone", yes_or_no(all.clone_supported));
    fields.add("restore", yes_or_no(all.restore_supported));
    fields.maybe("earliest", when(&all.earliest_restorable_time));
    fields.maybe("latest", when(&all.latest_restorable_time));
    fields.text
}

/// `restore execute`.
#[must_use]
pub fn restored(new: &AddonState) -> String {
    let (name, app) = (plain(&new.name), plain(&new.app.name));
    format!("{name}  {}  in {app}, {}\n", plain(&new.state), plain(&new.plan.name))
}

/// `upgrade info`.
#[must_use]
pub fn upgrade(info: &UpgradeInfo) -> String {
    let mut fields = Fields::default();
    fields.add("current", &format!("PostgreSQL {}", info.current_pg_major_version));
    fields.maybe("next", info.next_pg_major_version.as_ref().map(|n| format!("PostgreSQL {n}")));
    fields.add("status", upgrade_word(&info.upgrade_status));
    fields.text
}

/// `upgrade execute`.
#[must_use]
pub fn upgrade_started(started: &UpgradeStarted) -> String {
    let (from, to) = (&started.current_pg_major_version, &started.target_pg_major_version);
    format!("upgrading from PostgreSQL {} to {}\n", plain(from), plain(to))
}

/// A text that is not ours, without what moves a cursor.
#[must_use]
pub fn plain(text: &str) -> String {
    let escaped = |c: char| match c.is_control() {
        true => c.escape_unicode().to_string(),
        false => c.to_string(),
    };
    text.chars().map(escaped).collect()
}

fn status_word(status: &str) -> &str {
    match status {
        "available" => "Available",
        "awaiting" | "configuring" | "provisioning" => "Provisioning",
        "requested" => "Requested",
        "maintenance" => "Undergoing maintenance",
        "maintenance-db-credentials-full-reset" => "Resetting DB credentials",
        "maintenance-plan-change" => "Changing add-on plan",
        "maintenance-postgresql-major-version-upgrade" => "Upgrading PostgreSQL major version",
        "maintenance-restore-db-write-access" => "Restoring DB write access",
        "maintenance-revoke-db-write-access" => "Revoking DB write access",
        other => other,
    }
}

fn compliance(status: &str) -> &str {
    match status {
        "ok" => "OK",
        "proximity-warning" => "Proximity Warning",
        "restricted" => "Restricted",
        "violating" => "Violating",
        other => other,
    }
}

fn tenancy(kind: &str) -> &str {
    match kind {
        "isolated" => "Single Tenant",
        "shared" => "Multi-tenant",
        other => other,
    }
}

fn region(region: &str) -> &str {
    match region {
        "us-east-1" => "N. Virginia (United States)",
        "eu-west-1" => "Ireland (Europe)",
        "eu-central-1" => "Frankfurt",
        "ap-northeast-1" => "Tokyo",
        "ap-southeast-2" => "Sydney",
        "us-west-2" => "Oregon",
        other => other,
    }
}

fn upgrade_word(status: &str) -> &str {
    match status {
        "available" => "can be upgraded",
        "upgrading" => "is being upgraded",
        "maximum" => "is the newest version in service",
        other => other,
    }
}

fn moment(time: &str, clock: &Clock) -> String {
    match time.parse::<Timestamp>() {
        Ok(at) => clock.past(at),
        Err(_not_iso) => time.to_owned(),
    }
}

/// ` (3.4 %)`; nothing where there is no whole.
fn share(part: u64, whole: u64) -> String {
    match (u128::from(part) * 1000).checked_div(u128::from(whole)) {
        Some(tenths) => format!(" ({}.{} %)", tenths / 10, tenths % 10),
        None => String::new(),
    }
}

/// Lines of a name and a value.
#[derive(Default)]
struct Fields {
    text: String,
    indent: &'static str,
}

impl Fields {
    fn headed(head: &str) -> Self {
        Self { text: format!("{}\n", plain(head)), indent: "  " }
    }

    fn add(&mut self, name: &str, value: &str) {
        // A String takes everything.
        let _infallible = writeln!(self.text, "{}{name:<14} {}", self.indent, plain(value));
    }

    fn maybe(&mut self, name: &str, value: Option<String>) {
        if let Some(value) = value {
            self.add(name, &value);
        }
    }
}

fn columns<const N: usize>(head: [&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let head = head.map(str::to_owned);
    let rows: Vec<[String; N]> =
        std::iter::once(head).chain(rows.map(|row| row.map(|cell| plain(&cell)))).collect();
    let mut widths = [0; N];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.width().max(*width);
        }
    }
    rows.iter().map(|row| line(row, &widths)).collect()
}

fn line(row: &[String], widths: &[usize]) -> String {
    let padded = row.iter().zip(widths).map(|(cell, width)| {
        let blanks = " ".repeat(width.saturating_sub(cell.width()));
        format!("{cell}{blanks}")
    });
    let line = padded.collect::<Vec<_>>().join("  ");
    format!("{}\n", line.trim_end())
}
