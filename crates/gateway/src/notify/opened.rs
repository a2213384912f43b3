//! A channel with its secrets in the clear, and how they rest.

use serde::{Deserialize, Serialize};
use waybill_model::{
    entity::Sealed,
    notify::{Channel, ChannelBody, ChannelSecrets},
    secret::Secret,
};

use crate::{
    app::Shared,
    vault::{CannotOpen, Purpose, Vault},
};

/// A channel that can be told something.
#[derive(Debug, Clone)]
pub struct Opened {
    /// Its settings.
    pub body: ChannelBody,
    /// Its secrets.
    pub secrets: ChannelSecrets,
}

/// As they are sealed. Lives between the vault and [`ChannelSecrets`] alone.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct AtRest {
    url: Option<String>,
    signing_secret: Option<String>,
    routing_key: Option<String>,
    password: Option<String>,
}

/// Seals a channel's secrets.
pub fn seal(vault: &Vault, secrets: &ChannelSecrets) -> Sealed {
    let exposed = |secret: &Option<Secret>| secret.as_ref().map(|s| s.expose().to_owned());
    let at_rest = AtRest {
        url: exposed(&secrets.url),
        signing_secret: exposed(&secrets.signing_secret),
        routing_key: exposed(&secrets.routing_key),
        password: exposed(&secrets.password),
    };
    // Texts are always JSON.
    let plain = serde_json::to_vec(&at_rest).unwrap_or_default();
    vault.seal(Purpose::Channel, &plain)
}

impl Opened {
    /// Opens a channel's secrets; from then on they are looked for in everything that is shown.
    ///
    /// # Errors
    /// They were sealed with another instance key.
    pub fn of(shared: &Shared, channel: &Channel) -> Result<Opened, CannotOpen> {
        let plain = shared.vault.open(Purpose::Channel, &channel.secrets)?;
        let at_rest: AtRest = serde_json::from_slice(&plain).map_err(|_| CannotOpen)?;
        let secrets = ChannelSecrets {
            url: at_rest.url.map(Secret::new),
            signing_secret: at_rest.signing_secret.map(Secret::new),
            routing_key: at_rest.routing_key.map(Secret::new),
            password: at_rest.password.map(Secret::new),
        };
        shared
            .secrets
            .set_channel(channel.id, to_look_for(&secrets));
        Ok(Opened {
            body: channel.body.clone(),
            secrets,
        })
    }

    /// Where it leads, as far as that may be shown.
    pub fn host(&self) -> Option<String> {
        match &self.body.email {
            Some(email) => Some(email.host.clone()),
            None => host_of(self.secrets.url.as_ref()?.expose()),
        }
    }
}

/// The host and port of an address.
pub fn host_of(url: &str) -> Option<String> {
    let uri: http::Uri = url.parse().ok()?;
    let authority = uri.authority()?.as_str();
    // What stands before an `@` is no part of where it leads.
    authority.rsplit('@').next().map(str::to_owned)
}

/// An address as a whole, what is behind its host, and the tokens in that: a receiver may quote any of them.
fn to_look_for(secrets: &ChannelSecrets) -> Vec<Secret> {
    let ChannelSecrets {
        url,
        signing_secret,
        routing_key,
        password,
    } = secrets;
    let parts = url.iter().flat_map(|url| {
        let uri: Option<http::Uri> = url.expose().parse().ok();
        let path = uri.as_ref().and_then(http::Uri::path_and_query);
        let path = path
            .map(|path| path.as_str().to_owned())
            .unwrap_or_default();
        let tokens: Vec<String> = path
            .split(['/', '?', '&', '='])
            .filter(|part| is_token(part))
            .map(str::to_owned)
            .collect();
        let whole = (path.len() >= SHORTEST_TOKEN).then_some(path);
        whole.into_iter().chain(tokens).map(Secret::new)
    });
    [url, signing_secret, routing_key, password]
        .into_iter()
        .flatten()
        .cloned()
        .chain(parts)
        .collect()
}

/// What is shorter is a word like any other.
const SHORTEST_TOKEN: usize = 16;

fn is_token(part: &str) -> bool {
    let is_odd = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_uppercase();
    part.len() >= SHORTEST_TOKEN && part.bytes().any(is_odd)
}
