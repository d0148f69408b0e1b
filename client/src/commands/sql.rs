//! SQL of `run`: rows go out as they come in, and nothing is read ahead of what is written.

use std::io::{self, BufWriter};

use borealis_proto::{OnError, QueryEvent, QueryRequest, ServerMessage};
use futures_util::FutureExt;

use super::shared::Held;
use super::stdin::{self, Start};
use crate::api::{self, Lines};
use crate::cli::Format;
use crate::exit::Code;
use crate::output::rows::{self, Rows};
use crate::output::{copied, notes, server_message};
use crate::signals::Signals;
use crate::{Error, two_factor};

/// Large enough that a write costs little beside the rows in it.
const BUFFER: usize = 64 << 10;

/// What to ask, and how to show the answer.
pub(super) struct Sql {
    pub(super) text: String,
    pub(super) format: Format,
    pub(super) on_error: OnError,
    pub(super) single_transaction: bool,
    /// Whether stdin is free for `COPY … FROM STDIN`.
    pub(super) stdin: bool,
}

impl Sql {
    /// One of our own questions.
    pub(super) fn plain(text: &str, format: Format) -> Self {
        Self {
            text: text.to_owned(),
            format,
            on_error: OnError::Stop,
            single_transaction: false,
            stdin: false,
        }
    }
}

/// Where the output stands.
struct Printer<'a> {
    rows: Box<dyn Rows>,
    within: Within,
    sql: &'a Sql,
    stdin: Option<Start>,
    /// When all is answered.
    code: Code,
}

/// What the next `complete` completes.
enum Within {
    Nothing,
    Rows,
    Copy { binary: bool },
}

/// Whether to go on.
enum Next {
    Event,
    End(Code),
}

/// Asks, prints, and ends with the code. A signal drops the request, which cancels the query.
pub(super) async fn run(held: &Held, sql: Sql) -> Result<Code, Error> {
    let mut signals = Signals::catch()?;
    let request = QueryRequest {
        session: held.session.id.clone(),
        sql: sql.text.clone(),
        on_error: sql.on_error,
        single_transaction: sql.single_transaction,
    };
    let ask = async || {
        let mut printer = Printer::new(&sql);
        let events = if sql.stdin && names_stdin(&sql.text) {
            let (start, data) = stdin::data();
            printer.stdin = Some(start);
            held.api.query_with(&request, data).await?
        } else {
            held.api.query(&request).await?
        };
        printer.print_all(events).await
    };
    // Heroku asks when a new password is needed, which is before Postgres has said anything.
    let asked = two_factor::answering(&held.api, |_code| None, ask);
    tokio::select! {
        biased;
        // First: where the input ends at the same moment, it must not count as whole.
        signal = signals.next() => Ok(signal.code()),
        code = asked => code,
    }
}

/// Whether the SQL may want data: too often is harmless, stdin is only read when asked for.
pub(super) fn names_stdin(sql: &str) -> bool {
    sql.to_ascii_lowercase().contains("stdin")
}

impl<'a> Printer<'a> {
    fn new(sql: &'a Sql) -> Self {
        let out = BufWriter::with_capacity(BUFFER, io::stdout());
        let rows = rows::writer(sql.format, out);
        Self { rows, within: Within::Nothing, sql, stdin: None, code: Code::DONE }
    }

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
                self.within = Within::Rows;
                self.rows.columns(columns)?;
            }
            QueryEvent::Row { values } => self.rows.row(values)?,
            QueryEvent::CopyOut { binary } => self.within = Within::Copy { binary },
            QueryEvent::CopyData { data } => self.copy(&data)?,
            QueryEvent::CopyIn => {
                if let Some(start) = self.stdin.take() {
                    start.now();
                }
            }
            QueryEvent::Complete { tag } => self.complete(&tag)?,
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
            QueryEvent::Done => return Ok(Next::End(self.code)),
            QueryEvent::Unknown => {}
        }
        Ok(Next::Event)
    }

    /// As it is, in every format: what it is was said in the COPY.
    fn copy(&mut self, data: &str) -> io::Result<()> {
        let binary = matches!(self.within, Within::Copy { binary: true });
        self.rows.raw(&copied::bytes(data, binary)?)
    }

    fn complete(&mut self, tag: &str) -> io::Result<()> {
        match std::mem::replace(&mut self.within, Within::Nothing) {
            Within::Nothing => self.rows.command(tag),
            Within::Rows => self.rows.end(tag),
            // Behind the data it would be taken for some.
            Within::Copy { .. } => Ok(()),
        }
    }

    fn refusal(&mut self, message: &ServerMessage) -> Result<Next, Error> {
        if let Within::Rows = std::mem::replace(&mut self.within, Within::Nothing) {
            self.rows.cut()?;
        }
        self.rows.flush()?;
        notes::error(&server_message::error(message, &self.sql.text));
        self.code = Code::FAILED;
        match self.sql.on_error {
            OnError::Continue => Ok(Next::Event),
            OnError::Stop | OnError::Unknown => Ok(Next::End(Code::FAILED)),
        }
    }
}
