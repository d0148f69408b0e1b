//! `export`: a session as other tools import it. Only `pgpass` has the password in it; the others
//! point libpq's password file out, so that one place holds the secret.

mod dbeaver;
mod libpq;
mod pgadmin;

use std::path::{Path, PathBuf};

use borealis_proto::{Access, Credentials, Session, shell_word};

use super::{connect, shared};
use crate::cli::{ExportTool, ExportedArgs};
use crate::exit::Code;
use crate::output::{self, notes};
use crate::{Context, Error};

/// What every tool wants to know, and none has to hide.
#[derive(Clone, Debug)]
struct Exported {
    /// `sushi/DATABASE`, or `sushi/DATABASE read-write`: names must differ where sessions do.
    name: String,
    target: String,
    id: String,
    access: Access,
    host: String,
    port: u16,
    database: String,
    user: String,
}

pub(super) async fn run(context: &Context, tool: ExportTool) -> Result<Code, Error> {
    match tool {
        ExportTool::Pgpass(args) => pgpass(context, &args).await?,
        ExportTool::Service(args) => {
            let (exported, kept) = exported(context, &args).await?;
            output::print(&libpq::service(&exported, kept.as_deref()))?;
            notes::note(&format!("use it: psql 'service={}'", libpq::service_name(&exported)));
            where_the_password_is(&args, &exported, kept.as_deref());
        }
        ExportTool::Pgadmin(args) => {
            let (exported, kept) = exported(context, &args).await?;
            let file = kept.clone().or_else(passfile);
            output::json(&pgadmin::servers(&exported, file.as_deref()))?;
            notes::note("import it: Tools > Import/Export Servers in pgAdmin");
            where_the_password_is(&args, &exported, kept.as_deref());
        }
        ExportTool::Dbeaver(args) => {
            let (exported, _kept) = exported(context, &args).await?;
            output::json(&dbeaver::data_sources(&exported))?;
            notes::note(
                "DBeaver reads it from .dbeaver/data-sources-borealis.json in a project's folder",
            );
            // It reads one of libpq's usual places, and can be told no other.
            where_the_password_is(&args, &exported, None);
        }
    }
    Ok(Code::DONE)
}

async fn pgpass(context: &Context, args: &ExportedArgs) -> Result<(), Error> {
    let (api, session) = shared::opened(context, &args.target, args.write_access).await?;
    let credentials = connect::of(&api, &session, args.timeout).await?;
    output::print(&credentials.passfile_line(&credentials.database))?;
    notes::warning("this line has the password in it; keep it where only you can read it");
    notes::note(
        "once the password is changed, by a reset of users for one, put a new line in its place: \
         the first that fits counts",
    );
    Ok(())
}

/// What is open says it without a secret; only what is not up yet has to be waited for. With it,
/// the password file that the daemon keeps right, if it has one.
async fn exported(
    context: &Context,
    args: &ExportedArgs,
) -> Result<(Exported, Option<PathBuf>), Error> {
    let (api, session) = shared::opened(context, &args.target, args.write_access).await?;
    let kept = api.daemon().await?.passfile.map(PathBuf::from);
    if let (Some(database), Some(user)) = (session.database.clone(), session.user.clone()) {
        return Ok((Exported::new(session, database, user), kept));
    }
    let Credentials { database, user, .. } = connect::of(&api, &session, args.timeout).await?;
    Ok((Exported::new(session, database, user), kept))
}

fn where_the_password_is(args: &ExportedArgs, exported: &Exported, kept: Option<&Path>) {
    if let Some(file) = kept {
        return notes::note(&format!(
            "no password is in it: borealisd keeps that right in {} while it runs",
            file.display()
        ));
    }
    let flag = if args.write_access { " --write-access" } else { "" };
    let file = passfile().map_or("libpq's password file".into(), |file| shell_word(&file));
    let append = format!("borealisctl export pgpass {}{flag} >> {file}", exported.target);
    // libpq passes over a file that others may read.
    let append = if cfg!(windows) { append } else { format!("(umask 077; {append})") };
    notes::note(&format!(
        "no password is in it; this puts the password where it is looked for:\n  {append}"
    ));
}

/// Where libpq looks for passwords.
fn passfile() -> Option<PathBuf> {
    let var = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    var("PGPASSFILE").or_else(|| match cfg!(windows) {
        true => Some(var("APPDATA")?.join("postgresql").join("pgpass.conf")),
        false => Some(std::env::home_dir()?.join(".pgpass")),
    })
}

impl Exported {
    fn new(session: Session, database: String, user: String) -> Self {
        let Session { target, access, endpoint, id, .. } = session;
        let name = match access {
            Access::ReadWrite => format!("{target} read-write"),
            Access::ReadOnly | Access::Unknown => target.clone(),
        };
        let (host, port) = (endpoint.host, endpoint.port);
        Self { name, target, id: id.to_string(), access, host, port, database, user }
    }

    fn may_write(&self) -> bool {
        self.access == Access::ReadWrite
    }
}
