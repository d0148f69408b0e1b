//! The examples of the commands about the add-on itself.

pub(super) const INFO: &str = "\
Examples:
  borealisctl info sushi/DATABASE
  borealisctl info borealis-pg-hex-12345 --json";

pub(super) const EXTENSIONS: &str = "\
Examples:
  borealisctl extensions sushi
  borealisctl extensions install sushi hstore
  borealisctl extensions remove sushi hstore --confirm borealis-pg-hex-12345";

pub(super) const EXTENSIONS_INSTALL: &str = "\
Examples:
  borealisctl extensions install sushi hstore
  borealisctl extensions install --app sushi --recursive earthdistance
  borealisctl extensions install sushi hstore --suppress-conflict";

pub(super) const EXTENSIONS_REMOVE: &str = "\
Examples:
  borealisctl extensions remove sushi hstore
  borealisctl extensions remove sushi hstore --confirm borealis-pg-hex-12345 --suppress-missing";

pub(super) const USERS: &str = "\
Examples:
  borealisctl users sushi
  borealisctl users sushi --json
  borealisctl users reset sushi --confirm borealis-pg-hex-12345";

pub(super) const USERS_RESET: &str = "\
Examples:
  borealisctl users reset sushi
  borealisctl users reset sushi --confirm borealis-pg-hex-12345";

pub(super) const INTEGRATIONS: &str = "\
Examples:
  borealisctl integrations sushi
  borealisctl integrations register sushi -n bi_tool ssh-ed25519 AAAAC3Nza
  borealisctl integrations remove sushi bi_tool --confirm borealis-pg-hex-12345";

pub(super) const INTEGRATIONS_REGISTER: &str = "\
Examples:
  borealisctl integrations register sushi --name bi_tool ssh-ed25519 AAAAC3Nza
  borealisctl integrations register --app sushi -n etl --write-access 'ssh-rsa AAAAB3Nza etl@host'";

pub(super) const INTEGRATIONS_REMOVE: &str = "\
Examples:
  borealisctl integrations remove sushi bi_tool
  borealisctl integrations remove --app sushi --name bi_tool --confirm borealis-pg-hex-12345";

pub(super) const RESTORE: &str = "\
Examples:
  borealisctl restore capabilities sushi
  borealisctl restore execute sushi --as BACKUP --wait";

pub(super) const RESTORE_CAPABILITIES: &str = "\
Examples:
  borealisctl restore capabilities sushi
  borealisctl restore capabilities sushi --json";

pub(super) const RESTORE_EXECUTE: &str = "\
Examples:
  borealisctl restore execute sushi --wait
  borealisctl restore execute sushi --as BACKUP --restore-to-time 2026-11-22T09:14:03Z
  borealisctl restore execute sushi --destination-app sushi-staging --new-plan x2-h20-p20-s20";

pub(super) const UPGRADE: &str = "\
Examples:
  borealisctl upgrade info sushi
  borealisctl upgrade execute sushi --confirm borealis-pg-hex-12345
  borealisctl upgrade cancel sushi --confirm borealis-pg-hex-12345";

pub(super) const UPGRADE_INFO: &str = "\
Examples:
  borealisctl upgrade info sushi
  borealisctl upgrade info sushi --json";

pub(super) const UPGRADE_EXECUTE: &str = "\
Examples:
  borealisctl upgrade execute sushi
  borealisctl upgrade execute sushi --confirm borealis-pg-hex-12345";

pub(super) const UPGRADE_CANCEL: &str = "\
Examples:
  borealisctl upgrade cancel sushi
  borealisctl upgrade cancel sushi --confirm borealis-pg-hex-12345";
