//! What the service does not do on one call and no other, in the daemon's words.

use borealis_proto::ErrorCode;

use crate::refusals::Refusal;

pub const EXTENSION_TAKEN: Refusal = (
    "conflict",
    ErrorCode::AlreadyExists,
    "extension hstore is installed already on add-on borealis-pg-hex-12345, or a schema of that \
     name is there",
    "see what is installed: borealisctl extensions borealis-pg-hex-12345",
);

pub const EXTENSION_MISSING: Refusal = (
    "missing",
    ErrorCode::NoSuchPart,
    "extension hstore is not installed on add-on borealis-pg-hex-12345",
    "see what is installed: borealisctl extensions borealis-pg-hex-12345",
);

pub const TO_INSTALL: [Refusal; 3] = [
    (
        "dependencies",
        ErrorCode::Refused,
        "extension hstore of add-on borealis-pg-hex-12345 needs cube",
        "have that installed as well: borealisctl extensions install --recursive \
         borealis-pg-hex-12345 hstore",
    ),
    (
        "unsupported",
        ErrorCode::Refused,
        "extension hstore is not supported on add-on borealis-pg-hex-12345",
        "check its name; `select name from pg_available_extensions` lists them",
    ),
    EXTENSION_TAKEN,
];

pub const TO_UNINSTALL: [Refusal; 3] = [
    (
        "needed",
        ErrorCode::Refused,
        "extension hstore of add-on borealis-pg-hex-12345 is needed by others, or by tables",
        "remove what needs it first",
    ),
    EXTENSION_MISSING,
    NOT_CONFIRMED,
];

pub const NOT_CONFIRMED: Refusal = (
    "not-confirmed",
    ErrorCode::BadRequest,
    "the name to confirm is not that of add-on borealis-pg-hex-12345; nothing was done",
    "if this is the one: --confirm borealis-pg-hex-12345",
);

pub const WRITE_REVOKED: Refusal = (
    "write-revoked",
    ErrorCode::AccessRevoked,
    "write access to add-on borealis-pg-hex-12345 is revoked: its database has stayed over its \
     storage limit",
    "free storage or choose a larger plan, then try again",
);

pub const TO_RESET: [Refusal; 3] = [
    (
        "maintenance",
        ErrorCode::Maintenance,
        "add-on borealis-pg-hex-12345 is under maintenance: its credentials cannot be reset just \
         now",
        "see how it is, and try again later: borealisctl info borealis-pg-hex-12345",
    ),
    WRITE_REVOKED,
    NOT_CONFIRMED,
];

pub const TO_REGISTER: [Refusal; 3] = [
    (
        "invalid",
        ErrorCode::Refused,
        "data integration bi cannot be registered with add-on borealis-pg-hex-12345 (the service \
         says: Invalid key)",
        "a name has 1 to 25 of a-z, 0-9 and _; a key is TYPE BASE64, as in a .pub file",
    ),
    (
        "taken",
        ErrorCode::AlreadyExists,
        "add-on borealis-pg-hex-12345 has a data integration bi already",
        "see what is registered: borealisctl integrations borealis-pg-hex-12345",
    ),
    WRITE_REVOKED,
];

pub const TO_DEREGISTER: [Refusal; 2] = [
    (
        "missing",
        ErrorCode::NoSuchPart,
        "add-on borealis-pg-hex-12345 has no data integration bi",
        "see what is registered: borealisctl integrations borealis-pg-hex-12345",
    ),
    NOT_CONFIRMED,
];

pub const TO_RESTORE: [Refusal; 3] = [
    (
        "impossible",
        ErrorCode::Refused,
        "add-on borealis-pg-hex-12345 cannot be restored or cloned",
        "see what can be: borealisctl restore capabilities borealis-pg-hex-12345",
    ),
    ("heroku-refuses", ErrorCode::Refused, "Heroku refuses that (it says: no such plan)", ""),
    NOT_CONFIRMED,
];

pub const TO_UPGRADE: [Refusal; 4] = [
    (
        "impossible",
        ErrorCode::Refused,
        "add-on borealis-pg-hex-12345 cannot be upgraded",
        "see how it stands: borealisctl upgrade info borealis-pg-hex-12345",
    ),
    (
        "forbidden",
        ErrorCode::AccessRevoked,
        "add-on borealis-pg-hex-12345 cannot be upgraded while access to it is revoked: its \
         database has stayed over its storage limit",
        "free storage or choose a larger plan, then try again",
    ),
    (
        "maintenance",
        ErrorCode::Maintenance,
        "add-on borealis-pg-hex-12345 is under maintenance: it cannot be upgraded just now",
        "see how it is, and try again later: borealisctl info borealis-pg-hex-12345",
    ),
    NOT_CONFIRMED,
];

pub const TO_CANCEL: [Refusal; 2] = [
    (
        "none-running",
        ErrorCode::NoSuchPart,
        "no upgrade of add-on borealis-pg-hex-12345 is in progress",
        "see how it stands: borealisctl upgrade info borealis-pg-hex-12345",
    ),
    NOT_CONFIRMED,
];
