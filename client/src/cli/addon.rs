//! The arguments of the commands about the add-on itself.

use clap::{Args, Subcommand};
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

use super::addon_examples as examples;
use super::args::{BY_FLAGS, OneTarget, TargetFlags};

/// A question about an add-on.
#[derive(Args, Debug)]
pub struct AddonArgs {
    /// Which add-on.
    #[command(flatten)]
    pub target: OneTarget,
    /// Print JSON, with the service's own fields
    #[arg(long)]
    pub json: bool,
}

/// The target, and then a name; or a name alone.
#[derive(Args, Debug)]
pub struct NameArgs {
    /// The name; before it the target, unless flags say which add-on is meant
    #[arg(value_name = "NAME", required = true, num_args = 1..=2)]
    pub words: Vec<String>,
    /// The target by flags.
    #[command(flatten)]
    pub flags: TargetFlags,
}

/// What cannot be undone is confirmed.
#[derive(Args, Debug)]
pub struct ConfirmFlag {
    /// The add-on's name, to be asked nothing
    #[arg(short, long, value_name = "NAME")]
    pub confirm: Option<String>,
}

/// `extensions`.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct ExtensionsArgs {
    /// What to do; without it they are listed.
    #[command(subcommand)]
    pub command: Option<ExtensionsCommand>,
    /// Of which add-on.
    #[command(flatten)]
    pub list: AddonArgs,
}

/// The verbs of `extensions`.
#[derive(Debug, Subcommand)]
pub enum ExtensionsCommand {
    /// Install an extension
    #[command(after_help = examples::EXTENSIONS_INSTALL)]
    #[command(override_usage = "borealisctl extensions install [OPTIONS] [TARGET] <NAME>")]
    Install(InstallArgs),
    /// Remove an extension
    #[command(after_help = examples::EXTENSIONS_REMOVE)]
    #[command(override_usage = "borealisctl extensions remove [OPTIONS] [TARGET] <NAME>")]
    Remove(UninstallArgs),
}

/// `extensions install`.
#[derive(Args, Debug)]
pub struct InstallArgs {
    /// The name; before it the target, unless flags say which add-on is meant
    #[arg(value_name = "NAME", required = true, num_args = 1..=2)]
    pub words: Vec<String>,
    /// The app [default: HEROKU_APP, else the one app of the git remotes]
    #[arg(short, long, value_name = "APP", help_heading = BY_FLAGS)]
    pub app: Option<String>,
    /// The add-on, or the name of its attachment
    #[arg(short = 'o', long, value_name = "ADDON", help_heading = BY_FLAGS)]
    pub addon: Option<String>,
    /// The git remote that names the app; its usual -r means --recursive here
    #[arg(long, value_name = "REMOTE", conflicts_with = "app", help_heading = BY_FLAGS)]
    pub remote: Option<String>,
    /// Install what it needs as well
    #[arg(short, long)]
    pub recursive: bool,
    /// It is no failure when it is installed already
    #[arg(short, long)]
    pub suppress_conflict: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `extensions remove`.
#[derive(Args, Debug)]
pub struct UninstallArgs {
    /// Which one, where.
    #[command(flatten)]
    pub name: NameArgs,
    /// Whether it is meant.
    #[command(flatten)]
    pub confirm: ConfirmFlag,
    /// It is no failure when it is not installed
    #[arg(short, long)]
    pub suppress_missing: bool,
}

/// `users`.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct UsersArgs {
    /// What to do; without it they are listed.
    #[command(subcommand)]
    pub command: Option<UsersCommand>,
    /// Of which add-on.
    #[command(flatten)]
    pub list: AddonArgs,
}

/// The verbs of `users`.
#[derive(Debug, Subcommand)]
pub enum UsersCommand {
    /// Give the application new credentials, and deactivate all personal users
    #[command(after_help = examples::USERS_RESET)]
    Reset(ConfirmedArgs),
}

/// What is done to all of an add-on.
#[derive(Args, Debug)]
pub struct ConfirmedArgs {
    /// Which add-on.
    #[command(flatten)]
    pub target: OneTarget,
    /// Whether it is meant.
    #[command(flatten)]
    pub confirm: ConfirmFlag,
}

/// `integrations`.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct IntegrationsArgs {
    /// What to do; without it they are listed.
    #[command(subcommand)]
    pub command: Option<IntegrationsCommand>,
    /// Of which add-on.
    #[command(flatten)]
    pub list: AddonArgs,
}

/// The verbs of `integrations`.
#[derive(Debug, Subcommand)]
pub enum IntegrationsCommand {
    /// Let a program of somebody else's log in, with its own SSH key
    #[command(after_help = examples::INTEGRATIONS_REGISTER)]
    #[command(
        override_usage = "borealisctl integrations register [OPTIONS] --name <NAME> [TARGET] <KEY>..."
    )]
    Register(RegisterArgs),
    /// Let it log in no more
    #[command(visible_alias = "deregister", after_help = examples::INTEGRATIONS_REMOVE)]
    #[command(override_usage = "borealisctl integrations remove [OPTIONS] [TARGET] <NAME>")]
    Remove(DeregisterArgs),
}

/// `integrations register`.
#[derive(Args, Debug)]
pub struct RegisterArgs {
    /// Its SSH public key, TYPE BASE64; before it the target, unless flags say which add-on is meant
    #[arg(value_name = "KEY", required = true)]
    pub words: Vec<String>,
    /// The target by flags.
    #[command(flatten)]
    pub flags: TargetFlags,
    /// What to call it: 1 to 25 of a-z, 0-9 and _
    #[arg(short, long, value_name = "NAME")]
    pub name: String,
    /// It may write
    #[arg(short, long)]
    pub write_access: bool,
    /// Print JSON, with the service's own fields
    #[arg(long)]
    pub json: bool,
}

/// `integrations remove`.
#[derive(Args, Debug)]
pub struct DeregisterArgs {
    /// The name; before it the target, unless flags say which add-on is meant
    #[arg(value_name = "NAME", num_args = 0..=2)]
    pub words: Vec<String>,
    /// The target by flags.
    #[command(flatten)]
    pub flags: TargetFlags,
    /// The name, as a flag
    #[arg(short, long, value_name = "NAME")]
    pub name: Option<String>,
    /// Whether it is meant.
    #[command(flatten)]
    pub confirm: ConfirmFlag,
}

/// `restore`.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct RestoreArgs {
    /// What to do; without it the capabilities are shown.
    #[command(subcommand)]
    pub command: Option<RestoreCommand>,
    /// Of which add-on.
    #[command(flatten)]
    pub capabilities: AddonArgs,
}

/// The verbs of `restore`.
#[derive(Debug, Subcommand)]
pub enum RestoreCommand {
    /// Show what can be restored, and as of when
    #[command(alias = "info", after_help = examples::RESTORE_CAPABILITIES)]
    Capabilities(AddonArgs),
    /// Make a new add-on, billed as any, with the data of this one; this one stays as it is
    #[command(after_help = examples::RESTORE_EXECUTE)]
    Execute(ExecuteArgs),
}

/// `restore execute`.
#[derive(Args, Debug)]
pub struct ExecuteArgs {
    /// The source.
    #[command(flatten)]
    pub target: OneTarget,
    /// What to attach the new add-on as [default: Heroku's choice]
    #[arg(long = "as", value_name = "NAME")]
    pub attachment: Option<String>,
    /// The app that gets the new add-on [default: the target's]
    #[arg(short, long, value_name = "APP")]
    pub destination_app: Option<String>,
    /// The plan of the new add-on [default: that of its source]
    #[arg(short, long, value_name = "PLAN")]
    pub new_plan: Option<String>,
    /// As it was then, in ISO 8601 [default: as it is now]
    #[arg(short = 't', long, value_name = "TIME", value_parser = moment)]
    pub restore_to_time: Option<Timestamp>,
    /// Stay until the new add-on is ready
    #[arg(long)]
    pub wait: bool,
    /// The source's name, compared before anything is made; without it nothing is asked, because
    /// nothing that exists is changed
    #[arg(short, long, value_name = "NAME")]
    pub confirm: Option<String>,
    /// Print JSON, with Heroku's own fields
    #[arg(long)]
    pub json: bool,
}

/// `upgrade`.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct UpgradeArgs {
    /// What to do; without it the state is shown.
    #[command(subcommand)]
    pub command: Option<UpgradeCommand>,
    /// Of which add-on.
    #[command(flatten)]
    pub info: AddonArgs,
}

/// The verbs of `upgrade`.
#[derive(Debug, Subcommand)]
pub enum UpgradeCommand {
    /// Show the major version, and the next one
    #[command(after_help = examples::UPGRADE_INFO)]
    Info(AddonArgs),
    /// Upgrade to the next major version; the database is out of reach meanwhile
    #[command(after_help = examples::UPGRADE_EXECUTE)]
    Execute(ConfirmedArgs),
    /// Cancel the upgrade that is in progress
    #[command(after_help = examples::UPGRADE_CANCEL)]
    Cancel(ConfirmedArgs),
}

/// How an SSH public key begins. An app's name may begin with `sk-`, too.
const KEY_TYPES: [&str; 6] =
    ["ssh-ed25519", "ssh-rsa", "ssh-dss", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-"];

impl NameArgs {
    /// The target, and the name.
    #[must_use]
    pub fn split(self) -> (OneTarget, String) {
        let mut words = self.words;
        // One word at least, says clap.
        let name = words.pop().unwrap_or_default();
        (OneTarget { target: words.pop(), flags: self.flags }, name)
    }
}

impl InstallArgs {
    /// The target, and the name.
    #[must_use]
    pub fn split(&self) -> (OneTarget, String) {
        let (app, addon) = (self.app.clone(), self.addon.clone());
        let flags = TargetFlags { app, addon, remote: self.remote.clone() };
        NameArgs { words: self.words.clone(), flags }.split()
    }
}

impl DeregisterArgs {
    /// The target, and the name if there is one.
    #[must_use]
    pub fn split(self) -> (OneTarget, Option<String>) {
        let mut words = self.words;
        let name = self.name.or_else(|| words.pop());
        (OneTarget { target: words.pop(), flags: self.flags }, name)
    }
}

impl RegisterArgs {
    /// The target, and the key with its words put together again.
    #[must_use]
    pub fn split(&self) -> (OneTarget, String) {
        let begins_key = |word: &String| {
            word.contains(' ') || KEY_TYPES.iter().any(|kind| word.starts_with(kind))
        };
        let (target, key) = match self.words.split_first() {
            Some((target, key)) if !key.is_empty() && !begins_key(target) => (Some(target), key),
            _key_alone => (None, self.words.as_slice()),
        };
        (OneTarget { target: target.cloned(), flags: self.flags.clone() }, key.join(" "))
    }
}

/// For clap: with an offset or a `Z`, else in the local zone.
fn moment(text: &str) -> Result<Timestamp, String> {
    if let Ok(moment) = text.parse() {
        return Ok(moment);
    }
    let local: Option<Timestamp> = text
        .parse::<DateTime>()
        .ok()
        .and_then(|there| there.to_zoned(TimeZone::system()).ok())
        .map(|zoned| zoned.timestamp());
    local.ok_or_else(|| format!("{text:?} is not a time: type 2026-11-22T09:14:03Z"))
}
