//! TLS to Postgres inside the tunnel, wherever Postgres offers it.
//!
//! Any certificate is accepted. The service gives us nothing to check one against; who is at the
//! other end is known by the pinned host key of the SSH server, which alone can reach that
//! Postgres. TLS here keeps what is said from being read between the two, and satisfies a server
//! that insists on it.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::crypto::{CryptoProvider, aws_lc_rs};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};

use super::error::QueryError;
use super::wire::Transport;
use crate::postgres::proof::SSL_REQUEST;

/// What was agreed on.
pub(super) struct Secured<'a> {
    pub(super) stream: Box<dyn Transport + 'a>,
    /// Whether it is encrypted.
    pub(super) encrypted: bool,
}

/// Asks for TLS and takes it if it is to be had.
pub(super) async fn negotiate<'a>(
    mut stream: impl Transport + 'a,
) -> Result<Secured<'a>, QueryError> {
    stream.write_all(&SSL_REQUEST).await?;
    stream.flush().await?;
    // One byte and no more: what came with it would have been sent in the clear.
    match stream.read_u8().await? {
        b'S' => {
            let connector = TlsConnector::from(Arc::new(config()?));
            // An address, so that no name is sent.
            let nobody = ServerName::from(IpAddr::V4(Ipv4Addr::LOCALHOST));
            let stream = connector.connect(nobody, stream).await.map_err(QueryError::Tls)?;
            Ok(Secured { stream: Box::new(stream), encrypted: true })
        }
        b'N' => Ok(Secured { stream: Box::new(stream), encrypted: false }),
        other => Err(QueryError::Protocol(format!("byte {other:#04x} instead of S or N"))),
    }
}

fn config() -> Result<ClientConfig, QueryError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| QueryError::Tls(std::io::Error::other(error)))?;
    let verifier = Arc::new(AnyCertificate(provider));
    Ok(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
}

/// See the module. Signatures are not looked at either: they would prove possession of a key that
/// means nothing to us.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
