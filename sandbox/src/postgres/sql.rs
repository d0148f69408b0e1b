//! One short connection a query, over the private socket: it works again by itself after a restart,
//! and none of ours is open while a test counts connections.

use std::error::Error as _;
use std::path::Path;

use tokio_postgres::{Config, Error, NoTls, SimpleQueryMessage};

use super::Rows;

pub(super) async fn rows(
    socket_dir: &Path,
    port: u16,
    user: &str,
    database: &str,
    query: &str,
) -> Result<Rows, Error> {
    let (client, connection) = Config::new()
        .host_path(socket_dir)
        .port(port)
        .user(user)
        .dbname(database)
        .application_name("borealis-sandbox")
        .connect(NoTls)
        .await?;
    let answer = async move {
        // Dropping the client is what ends the connection's future.
        let messages = client.simple_query(query).await;
        drop(client);
        messages
    };
    let (messages, ended) = tokio::join!(answer, connection);
    let messages = messages?;
    ended?;
    Ok(messages.iter().filter_map(row).collect())
}

fn row(message: &SimpleQueryMessage) -> Option<Vec<Option<String>>> {
    let SimpleQueryMessage::Row(row) = message else { return None };
    Some((0..row.len()).map(|column| row.get(column).map(str::to_owned)).collect())
}

/// What Postgres itself said; the driver's own `Display` says only "db error".
pub(super) fn describe(error: &Error) -> String {
    match (error.as_db_error(), error.source()) {
        (Some(said), _) => format!("{}: {}", said.severity(), said.message()),
        (None, Some(cause)) => format!("{error}: {cause}"),
        (None, None) => error.to_string(),
    }
}

/// Text as an SQL literal.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Text as an SQL identifier.
pub(crate) fn identifier(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_doubled() {
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(identifier("a\"b"), "\"a\"\"b\"");
    }
}
