//! `kill`: cancels a query, or ends its connection. Postgres lets users stop what they may act
//! for: themselves, and for the read-write user the application.

use borealis_proto::{QueryEvent, QueryRequest, ServerMessage};

use super::backends;
use super::shared::Held;
use crate::cli::{KillArgs, OneTarget};
use crate::exit::Code;
use crate::output::{notes, rows, server_message};
use crate::{Context, Error, api, two_factor};

/// SQLSTATE of "must be a member of the role".
const NOT_ALLOWED: &str = "42501";

/// What Postgres says to it.
enum Verdict {
    /// The result, and whether there was such a backend.
    Signalled {
        result: Vec<QueryEvent>,
        found: bool,
    },
    Refused(Box<ServerMessage>),
}

pub(super) async fn run(context: &Context, args: KillArgs) -> Result<Code, Error> {
    let (mut target, pid) = parse(&args)?;
    let verb = if args.force { "pg_terminate_backend" } else { "pg_cancel_backend" };
    let sql = format!("select {verb}({pid})");
    let mut verdict = Err(Error::Api(api::Error::Truncated));
    for write_access in [false, true] {
        if args.write_access && !write_access {
            continue;
        }
        let held = backends::open(context, &target, write_access).await?;
        // What a person has chosen from a list is not asked for twice.
        target = OneTarget { target: Some(held.session.target.clone()), ..OneTarget::default() };
        let ask = async || ask(&held, &sql).await;
        verdict = two_factor::answering(&held.api, |_verdict| None, ask).await;
        let not_allowed =
            matches!(&verdict, Ok(Verdict::Refused(said)) if said.code == NOT_ALLOWED);
        if !not_allowed {
            break;
        }
    }
    match verdict? {
        Verdict::Signalled { result, found } => show(result, found, args.json),
        Verdict::Refused(said) => {
            notes::error(&server_message::error(&said, &sql));
            Ok(Code::FAILED)
        }
    }
}

fn parse(args: &KillArgs) -> Result<(OneTarget, u32), Error> {
    let (target, pid) = match args.words.as_slice() {
        [target, pid] => (Some(target.clone()), pid.as_str()),
        [pid] => (None, pid.as_str()),
        _ => (None, ""),
    };
    let number = pid.parse().map_err(|_no_number| Error::Usage {
        message: format!("{pid:?} is not the number of a backend"),
        hint: "borealisctl ps shows them: borealisctl kill TARGET PID".to_owned(),
    })?;
    Ok((OneTarget { target, flags: args.flags.clone() }, number))
}

async fn ask(held: &Held, sql: &str) -> Result<Verdict, Error> {
    let request = QueryRequest::new(held.session.id.clone(), sql);
    let mut events = held.api.query(&request).await?;
    let (mut result, mut found) = (Vec::new(), false);
    while let Some(event) = events.next().await? {
        match event {
            QueryEvent::Done => return Ok(Verdict::Signalled { result, found }),
            QueryEvent::Error { server: Some(said), .. } => {
                return Ok(Verdict::Refused(Box::new(said)));
            }
            QueryEvent::Error { detail, server: None } => {
                let (code, message, hint) = (detail.code, detail.message, detail.hint);
                return Err(Error::Query { code, message, hint });
            }
            QueryEvent::Notice { notice } => notes::note(&server_message::notice(&notice)),
            QueryEvent::Row { values } => {
                found = values.first().and_then(Option::as_deref) == Some("t");
                result.push(QueryEvent::Row { values });
            }
            event @ (QueryEvent::Columns { .. } | QueryEvent::Complete { .. }) => {
                result.push(event)
            }
            QueryEvent::CopyOut { .. }
            | QueryEvent::CopyData { .. }
            | QueryEvent::CopyIn
            | QueryEvent::Unknown => {}
        }
    }
    Err(api::Error::Truncated.into())
}

fn show(result: Vec<QueryEvent>, found: bool, json: bool) -> Result<Code, Error> {
    let mut out = rows::writer(backends::format(json), std::io::stdout());
    for event in result {
        match event {
            QueryEvent::Columns { columns } => out.columns(columns)?,
            QueryEvent::Row { values } => out.row(values)?,
            QueryEvent::Complete { tag } => out.end(&tag)?,
            QueryEvent::CopyOut { .. }
            | QueryEvent::CopyData { .. }
            | QueryEvent::CopyIn
            | QueryEvent::Notice { .. }
            | QueryEvent::Error { .. }
            | QueryEvent::Done
            | QueryEvent::Unknown => {}
        }
    }
    out.flush()?;
    Ok(if found { Code::DONE } else { Code::FAILED })
}
