//! `url`: a session's URL, for whatever takes one.

use borealis_proto::Access;
use serde::Serialize;

use super::connect;
use crate::cli::ConnectArgs;
use crate::exit::Code;
use crate::{Context, Error, conninfo, output};

/// `url --json`.
#[derive(Serialize)]
struct Connection {
    target: String,
    access: Access,
    url: String,
    host: String,
    port: u16,
    database: String,
    user: String,
    password: String,
}

pub(super) async fn run(context: &Context, args: ConnectArgs) -> Result<Code, Error> {
    let (session, credentials) = connect::credentials(context, &args).await?;
    let url = conninfo::url(&credentials);
    if !args.json {
        output::print(&format!("{url}\n"))?;
        return Ok(Code::DONE);
    }
    output::json(&Connection {
        target: session.target,
        access: session.access,
        url,
        host: credentials.endpoint.host,
        port: credentials.endpoint.port,
        database: credentials.database,
        user: credentials.user,
        password: credentials.password,
    })?;
    Ok(Code::DONE)
}
