//! The key file of a Google service account, and the assertion that is signed with it.
//!
//! In: the JSON file, a time. Out: a JWT (RS256) as Google documents it
//! (<https://developers.google.com/identity/protocols/oauth2/service-account#httprest>). Promises: a key that
//! was read can sign; no mistake quotes the file. Must not know: how the assertion is sent.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    rand::SystemRandom,
    signature::{RSA_PKCS1_SHA256, RsaKeyPair},
};
use serde::Deserialize;
use serde_json::json;
use tokio_rustls::rustls::pki_types::{PrivatePkcs8KeyDer, pem::PemObject as _};
use waybill_model::{secret::Secret, time::UnixMillis};

use super::definition::{GOOGLE_TOKEN_URL, address};

/// Longest key file, in bytes. Google's are about 2.4 KiB.
const MAX_FILE_BYTES: usize = 32 << 10;

/// How long an assertion is good for: the most that Google accepts.
const ASSERTION_SECONDS: i64 = 3_600;

/// A service account's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFile {
    /// Who signs.
    client_email: String,
    /// Which of its keys.
    private_key_id: Option<String>,
    /// The key, PEM.
    private_key: Secret,
    token_url: String,
    /// The file as it was given.
    text: Secret,
}

/// The fields of the file that matter; it has others.
#[derive(Deserialize)]
struct File {
    #[serde(rename = "type")]
    kind: Option<String>,
    client_email: Option<String>,
    private_key_id: Option<String>,
    private_key: Option<Secret>,
    token_uri: Option<String>,
}

impl KeyFile {
    /// Reads the text of a key file.
    pub fn read(text: &Secret) -> Result<KeyFile, String> {
        if text.expose().len() > MAX_FILE_BYTES {
            return Err(format!(
                "it is longer than {MAX_FILE_BYTES} bytes: that is no key file"
            ));
        }
        let file: File = serde_json::from_str(text.expose()).map_err(|error| {
            // What serde quotes may be the key.
            format!(
                "it is not the JSON of a key file (line {}, column {})",
                error.line(),
                error.column()
            )
        })?;
        if file.kind.as_deref() != Some("service_account") {
            return Err("its `type` is not service_account".to_owned());
        }
        let missing = |field: &str| format!("it has no `{field}`");
        let client_email = file
            .client_email
            .filter(|email| !email.is_empty())
            .ok_or_else(|| missing("client_email"))?;
        let private_key = file.private_key.ok_or_else(|| missing("private_key"))?;
        let token_url = file
            .token_uri
            .unwrap_or_else(|| GOOGLE_TOKEN_URL.to_owned());
        address(&token_url).map_err(|why| format!("its `token_uri`: {why}"))?;
        pair(&private_key)?;
        Ok(KeyFile {
            client_email,
            private_key_id: file.private_key_id,
            private_key,
            token_url,
            text: text.clone(),
        })
    }

    /// Where access tokens are had.
    pub fn token_url(&self) -> &str {
        &self.token_url
    }

    /// Whose key it is.
    pub fn client_email(&self) -> &str {
        &self.client_email
    }

    /// The file as it was given.
    pub fn text(&self) -> &Secret {
        &self.text
    }

    /// The key, whole and line by line: a part of it is no less of a secret.
    pub fn secrets(&self) -> Vec<Secret> {
        let lines = self.private_key.expose().lines();
        let lines = lines
            .filter(|line| !line.starts_with("-----"))
            .map(Secret::new);
        [self.private_key.clone()]
            .into_iter()
            .chain(lines)
            .collect()
    }

    /// The assertion for a token for `scopes`, at `now`.
    pub fn assertion(&self, scopes: &[String], now: UnixMillis) -> Result<Secret, String> {
        let issued_at = now.0.div_euclid(1_000);
        let mut header = json!({"alg": "RS256", "typ": "JWT"});
        if let Some(id) = &self.private_key_id {
            header["kid"] = id.as_str().into();
        }
        let claims = json!({
            "iss": self.client_email,
            "scope": scopes.join(" "),
            "aud": self.token_url,
            "iat": issued_at,
            "exp": issued_at + ASSERTION_SECONDS,
        });
        let part = |part: &serde_json::Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let signed = format!("{}.{}", part(&header), part(&claims));
        let pair = pair(&self.private_key)?;
        let mut signature = vec![0; pair.public().modulus_len()];
        pair.sign(
            &RSA_PKCS1_SHA256,
            &SystemRandom::new(),
            signed.as_bytes(),
            &mut signature,
        )
        .map_err(|_| "the key cannot sign".to_owned())?;
        Ok(Secret::new(format!(
            "{signed}.{}",
            URL_SAFE_NO_PAD.encode(signature)
        )))
    }
}

fn pair(private_key: &Secret) -> Result<RsaKeyPair, String> {
    let der = PrivatePkcs8KeyDer::from_pem_slice(private_key.expose().as_bytes())
        .map_err(|_| "its `private_key` is not a PEM of PKCS #8 (BEGIN PRIVATE KEY)".to_owned())?;
    RsaKeyPair::from_pkcs8(der.secret_pkcs8_der())
        .map_err(|_| "its `private_key` is no RSA key of 2048 bits or more".to_owned())
}
