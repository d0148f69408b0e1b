//! `ps`: what runs in a database, as `heroku pg:ps` shows it.

use super::backends;
use crate::cli::PsArgs;
use crate::exit::Code;
use crate::{Context, Error};

/// Ours is left out; queries of others are shown by those who may see them.
const BUSY: &str = "\
select pid, state, application_name as source, usename as username,
       age(clock_timestamp(), xact_start) as running_for, xact_start as transaction_start,
       wait_event is not null as waiting, query
from pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid()
  and query <> '<insufficient privilege>'";
const NOT_IDLE: &str = " and state <> 'idle'";
const ORDER: &str = " order by query_start desc";

pub(super) async fn run(context: &Context, args: &PsArgs) -> Result<Code, Error> {
    let state = if args.idle { "" } else { NOT_IDLE };
    let sql = [BUSY, state, ORDER].concat();
    backends::show(context, &args.target, args.write_access, &sql, args.json).await
}
