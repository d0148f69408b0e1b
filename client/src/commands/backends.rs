//! What `ps`, `locks` and `kill` do alike: ask Postgres about itself, as the personal user.

use borealis_proto::Identity;

use super::shared::{Held, Wish};
use super::sql::{self, Sql};
use crate::cli::{Format, OneTarget};
use crate::exit::Code;
use crate::{Context, Error};

/// The session that is open, or one for as long as it takes.
pub(super) async fn open(
    context: &Context,
    target: &OneTarget,
    write_access: bool,
) -> Result<Held, Error> {
    let wish = Wish { target, write_access, identity: Identity::Personal, port: None };
    Held::open(context, &wish).await?.up()
}

/// Prints what Postgres answers.
pub(super) async fn show(
    context: &Context,
    target: &OneTarget,
    write_access: bool,
    sql: &str,
    json: bool,
) -> Result<Code, Error> {
    let held = open(context, target, write_access).await?;
    sql::run(&held, Sql::plain(sql, format(json))).await
}

pub(super) fn format(json: bool) -> Format {
    if json { Format::Json } else { Format::Table }
}
