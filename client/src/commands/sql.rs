//! SQL of `run`: rows go out as they come in, and nothing is read ahead of what is written.

use std::io::{self, BufWriter};

use borealis_proto::{QueryEvent, QueryRequest, ServerMessage};
use futures_util::FutureExt;

use super::shared::Held;
use crate::Error;
use crate::api::{self, Lines};
use crate::cli::Format;
use crate::exit::Code;
use crate::output::rows::{self, Rows};
use crate::output::{notes, server_message};
use crate::signals::Signals;

/// Large enough that a write costs little beside the rows in it.
const BUFFER: usize = 64 << 10;

/// Where the output stands.
struct Printer {
    rows: Box<dyn Rows>,
    /// Between `columns` and `complete`.
    in_result: bool,
    sql: String,
}

/// Whether to go on.
enum Next {
    Event,
    End(Code),
}

/// Asks, prints, and ends with the code. A signal drops the request, which cancels the query.
pub(super) async fn run(held: &Held, sql: String, format: Format) -> Result<Code, Error> {
    let mut signals = Signals::catch()?;
    let request = QueryRequest { session: held.session.id.clone(), sql: sql.clone() };
    let out = BufWriter::with_capacity(BUFFER, io::stdout());
    let printer = Printer { rows: rows::writer(format, out), in_result: false, sql };
    tokio::select! {
        code = async { printer.print_all(held.api.query(&request).await?).await } => code,
        signal = signals.next() => Ok(signal.code()),
    }
}

impl Printer {
    async fn print_all(mut self, mut events: Lines<QueryEvent>) -> Result<Code, Error> {
        loop {
            let event = match events.next().now_or_never() {
                Some(event) => event?,
                None => {
                    // Nothing more is here yet: what is complete should not wait for it.
                    self.rows.flush()?;
                    events.next().await?
                }
            };
            match self.print(event.ok_or(api::Error::Truncated)?)? {
                Next::Event => {}
                Next::End(code) => {
                    self.rows.flush()?;
                    return Ok(code);
                }
            }
        }
    }

    fn print(&mut self, event: QueryEvent) -> Result<Next, Error> {
        match event {
            QueryEvent::Columns { columns } => {
                self.in_result = true;
                self.rows.columns(columns)?;
            }
            QueryEvent::Row { values } => self.rows.row(values)?,
            QueryEvent::Complete { tag } if self.in_result => {
                self.in_result = false;
                self.rows.end(&tag)?;
            }
            QueryEvent::Complete { tag } => self.rows.command(&tag)?,
            QueryEvent::Notice { notice } => {
                self.rows.flush()?;
                notes::note(&server_message::notice(&notice));
            }
            QueryEvent::Error { detail, server: None } => {
                self.rows.flush()?;
                let (code, message, hint) = (detail.code, detail.message, detail.hint);
                return Err(Error::Query { code, message, hint });
            }
            QueryEvent::Error { server: Some(message), .. } => return self.refusal(&message),
            QueryEvent::Done => return Ok(Next::End(Code::DONE)),
            QueryEvent::Unknown => {}
        }
        Ok(Next::Event)
    }

    fn refusal(&mut self, message: &ServerMessage) -> Result<Next, Error> {
        self.rows.flush()?;
        notes::error(&server_message::error(message, &self.sql));
        Ok(Next::End(Code::FAILED))
    }
}
