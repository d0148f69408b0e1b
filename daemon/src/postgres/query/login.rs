//! From a bare stream to a connection that takes queries.

use std::io;

use fallible_iterator::FallibleIterator;
use postgres_protocol::authentication::md5_hash;
use postgres_protocol::authentication::sasl::{ChannelBinding, SCRAM_SHA_256, ScramSha256};
use postgres_protocol::message::backend::{AuthenticationSaslBody, BackendKeyDataBody, Message};
use postgres_protocol::message::frontend;

use super::error::QueryError;
use super::tls::{self, Secured};
use super::wire::{Transport, Wire, malformed};
use super::{BackendKey, Login, message};

/// What `pg_stat_activity` shows.
const APPLICATION_NAME: &str = "borealisctl";

/// Encrypts if it can be, says who asks, proves it.
pub(super) async fn enter<'a>(
    stream: impl Transport + 'a,
    login: Login<'_>,
) -> Result<(Wire<'a>, BackendKey), QueryError> {
    let Secured { stream, encrypted } = tls::negotiate(stream).await?;
    let mut wire = Wire::new(stream);
    let parameters = [
        ("user", login.user),
        ("database", login.database),
        ("application_name", APPLICATION_NAME),
        ("client_encoding", "UTF8"),
    ];
    wire.send(|out| frontend::startup_message(parameters, out)).await?;
    authenticate(&mut wire, login, encrypted).await?;
    let key = ready(&mut wire).await?;
    Ok((wire, key))
}

#[expect(clippy::wildcard_enum_match_arm, reason = "anything else is out of place here")]
async fn authenticate(
    wire: &mut Wire<'_>,
    login: Login<'_>,
    encrypted: bool,
) -> Result<(), QueryError> {
    let password = login.password.expose().as_bytes();
    let unsupported = |method| Err(QueryError::Authentication(method));
    loop {
        match wire.next().await? {
            Message::AuthenticationOk => return Ok(()),
            Message::AuthenticationCleartextPassword if encrypted => {
                wire.send(|out| frontend::password_message(password, out)).await?;
            }
            Message::AuthenticationCleartextPassword => return Err(QueryError::ClearPassword),
            Message::AuthenticationMd5Password(body) => {
                let hash = md5_hash(login.user.as_bytes(), password, body.salt());
                wire.send(|out| frontend::password_message(hash.as_bytes(), out)).await?;
            }
            Message::AuthenticationSasl(body) => scram(wire, &body, password).await?,
            Message::AuthenticationGss => return unsupported("GSSAPI"),
            Message::AuthenticationSspi => return unsupported("SSPI"),
            Message::AuthenticationKerberosV5 => return unsupported("Kerberos V5"),
            Message::AuthenticationScmCredential => return unsupported("SCM credentials"),
            Message::NoticeResponse(_) => (),
            other => return Err(unexpected(other, "while logging in")),
        }
    }
}

/// SCRAM-SHA-256, which also proves to us that Postgres knows the password.
async fn scram(
    wire: &mut Wire<'_>,
    offer: &AuthenticationSaslBody,
    password: &[u8],
) -> Result<(), QueryError> {
    let mut mechanisms = offer.mechanisms();
    if !mechanisms.any(|name| Ok(name == SCRAM_SHA_256)).map_err(malformed)? {
        return Err(QueryError::Authentication("SASL without SCRAM-SHA-256"));
    }
    let mut scram = ScramSha256::new(password, ChannelBinding::unsupported());
    wire.send(|out| frontend::sasl_initial_response(SCRAM_SHA_256, scram.message(), out)).await?;
    let answer = wire.next().await?;
    let Message::AuthenticationSaslContinue(challenge) = answer else {
        return Err(unexpected(answer, "in the middle of SCRAM"));
    };
    scram.update(challenge.data()).map_err(malformed)?;
    wire.send(|out| frontend::sasl_response(scram.message(), out)).await?;
    let answer = wire.next().await?;
    let Message::AuthenticationSaslFinal(proof) = answer else {
        return Err(unexpected(answer, "at the end of SCRAM"));
    };
    scram.finish(proof.data()).map_err(malformed)
}

/// Parameters, the key, and at last `ReadyForQuery`.
#[expect(clippy::wildcard_enum_match_arm, reason = "anything else is out of place here")]
async fn ready(wire: &mut Wire<'_>) -> Result<BackendKey, QueryError> {
    let mut key = BackendKey { process: 0, secret: 0 };
    loop {
        match wire.next().await? {
            Message::BackendKeyData(body) => key = backend_key(&body),
            Message::ParameterStatus(_) | Message::NoticeResponse(_) => (),
            Message::ReadyForQuery(_) => return Ok(key),
            other => return Err(unexpected(other, "after the login")),
        }
    }
}

fn backend_key(body: &BackendKeyDataBody) -> BackendKey {
    BackendKey {
        process: body.process_id().cast_unsigned(),
        secret: body.secret_key().cast_unsigned(),
    }
}

/// An error of Postgres, or what it should not have sent now.
fn unexpected(message: Message, when: &str) -> QueryError {
    let Message::ErrorResponse(body) = message else {
        return malformed(io::Error::other(format!("an unexpected message {when}")));
    };
    match message::read(body.fields()) {
        Ok(said) => QueryError::Server(Box::new(said)),
        Err(error) => malformed(error),
    }
}
