//! HTTP requests and the TLS settings of streams.
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use crate::ExchangeError;
use crate::backoff::Backoff;

/// Number of attempts of a request.
const ATTEMPTS: u32 = 6;
/// Longest time of a request.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Client of the exchanges' public interfaces: HTTPS requests, TLS of streams.
#[derive(Debug, Clone)]
pub struct Client {
    agent: ureq::Agent,
    pub(crate) tls: Arc<ClientConfig>,
}

impl Default for Client {
    fn default() -> Self {
        Self::new(&[])
    }
}

impl Client {
    /// Creates a client that trusts the public certificate authorities, or only the given root
    /// certificates (DER), for example those of a proxy of your own.
    pub fn new(roots: &[Vec<u8>]) -> Self {
        let mut store = RootCertStore::empty();
        if roots.is_empty() {
            store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        } else {
            store.add_parsable_certificates(roots.iter().cloned().map(CertificateDer::from));
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("invariant: the provider supports TLS 1.2 and 1.3")
            .with_root_certificates(store)
            .with_no_client_auth();
        let own = roots.iter().map(|der| Certificate::from_der(der).to_owned());
        let root_certs = if roots.is_empty() { RootCerts::WebPki } else { RootCerts::from(own) };
        let agent = ureq::Agent::config_builder()
            .timeout_global(Some(TIMEOUT))
            .http_status_as_error(false)
            .tls_config(TlsConfig::builder().root_certs(root_certs).build())
            .build()
            .new_agent();
        Self { agent, tls: Arc::new(tls) }
    }

    /// Requests a JSON document. Failed connections, rate limits (418, 429) and errors of the
    /// server are repeated after growing pauses.
    ///
    /// # Errors
    /// [`ExchangeError::Http`] after the last attempt, and at once for other statuses.
    pub fn get(&self, url: &str) -> Result<Value, ExchangeError> {
        let mut backoff = Backoff::default();
        loop {
            let (problem, may_repeat) = match self.attempt(url) {
                Ok(value) => return Ok(value),
                Err(failed) => failed,
            };
            let pause = backoff.pause();
            if !may_repeat || backoff.failures == ATTEMPTS {
                return Err(ExchangeError::Http { url: url.to_string(), problem });
            }
            std::thread::sleep(pause);
        }
    }

    /// One attempt: the document, or the problem and whether another attempt may help.
    fn attempt(&self, url: &str) -> Result<Value, (String, bool)> {
        let mut answer = self.agent.get(url).call().map_err(|error| {
            // A certificate that is not trusted will not be trusted later either.
            let is_tls = matches!(&error, ureq::Error::Rustls(_) | ureq::Error::Tls(_))
                || matches!(&error, ureq::Error::Io(io) if io.kind() == ErrorKind::InvalidData);
            (error.to_string(), !is_tls)
        })?;
        let status = answer.status().as_u16();
        let text = answer.body_mut().read_to_string().map_err(|error| (error.to_string(), true))?;
        if !(200..300).contains(&status) {
            let start: String = text.chars().take(200).collect();
            let may_repeat = matches!(status, 418 | 429 | 500..=599);
            return Err((format!("status {status}: {start}"), may_repeat));
        }
        serde_json::from_str(&text).map_err(|error| (format!("no JSON: {error}"), false))
    }
}
