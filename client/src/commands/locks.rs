//! `locks`: who keeps others from writing, as `heroku pg:locks` shows it.

use super::backends;
use crate::cli::LocksArgs;
use crate::exit::Code;
use crate::{Context, Error};

const LOCKS: &str = "\
select activity.pid, class.relname, held.transactionid, held.granted,
       case when length(query) <= 40 then query else left(query, 39) || '…' end as query_snippet,
       age(clock_timestamp(), query_start) as age
from pg_stat_activity as activity
join pg_locks as held using (pid)
left join pg_class as class on held.relation = class.oid
where datname = current_database() and activity.pid <> pg_backend_pid()
  and query <> '<insufficient privilege>'
  and held.mode in ('RowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
order by query_start";

pub(super) async fn run(context: &Context, args: &LocksArgs) -> Result<Code, Error> {
    backends::show(context, &args.target, args.write_access, LOCKS, args.json).await
}
