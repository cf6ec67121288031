//! ID tokens for signing without a key of one's own: given, found in a CI job, or asked for in a browser.

mod ambient;
mod browser;
pub(crate) mod development;
mod device;
mod flow;
mod page;

use std::path::PathBuf;

use clap::Args;
use identity::oidc::{Fetcher, Limits};
use pki::token::IdToken;
use zeroize::Zeroizing;

use crate::failure::Failure;

/// The audience of tokens for signing, unless an issuer's record says otherwise.
pub(crate) const AUDIENCE: &str = "sigstore";

/// Where an ID token comes from.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct TokenArgs {
    /// The ID token itself, or `@FILE`; otherwise `$SIGSTORE_ID_TOKEN`, that of the CI job, or a login
    #[arg(long, value_name = "TOKEN|@FILE")]
    pub(crate) identity_token: Option<String>,
    /// Where to log in; otherwise where the signing config or the platform's registry says
    #[arg(long, value_name = "URL")]
    pub(crate) oidc_issuer: Option<String>,
    /// Who asks there, and for whom the token is to be
    #[arg(long, value_name = "ID", default_value = AUDIENCE)]
    pub(crate) oidc_client_id: String,
    /// Log in with a code on another device, where this one has no browser
    #[arg(long)]
    pub(crate) device: bool,
    /// Print the address to log in at, and open no browser
    #[arg(long)]
    pub(crate) no_browser: bool,
}

/// An ID token that was read; whoever has it is whom it names, for a few minutes.
pub(crate) struct Held {
    /// As it came.
    pub(crate) text: Zeroizing<String>,
    /// What is in it, believed by nobody yet.
    pub(crate) token: IdToken,
}

impl TokenArgs {
    /// Gets a token from wherever there is one.
    pub(crate) fn get(
        &self,
        ca_pem: Option<&str>,
        issuer: impl FnOnce() -> Result<Option<String>, Failure>,
    ) -> Result<Held, Failure> {
        if let Some(given) = &self.identity_token {
            return Held::read(&text_or_file(given)?);
        }
        let fetcher = Fetcher::new(ca_pem, Limits::default()).map_err(Failure::from)?;
        if let Some(found) = ambient::find(&fetcher, &self.oidc_client_id)? {
            return Held::read(&found);
        }
        let named = self.oidc_issuer.clone().map_or_else(issuer, |url| Ok(Some(url)))?;
        let issuer = named.ok_or_else(|| Failure::Usage {
            what: "there is no ID token, and nobody says where to log in".to_owned(),
            advice: "name a token with `--identity-token @FILE`, or an issuer with `--oidc-issuer URL`",
        })?;
        let login = flow::Login { fetcher: &fetcher, issuer: &issuer, client: &self.oidc_client_id };
        let token = match (self.device, self.no_browser) {
            (true, _) => device::log_in(&login)?,
            (false, true) => browser::log_in(&login, browser::Opening::ByHand)?,
            (false, false) => browser::log_in(&login, browser::Opening::Browser)?,
        };
        Held::read(&token)
    }
}

impl Held {
    fn read(text: &str) -> Result<Self, Failure> {
        let text = Zeroizing::new(text.trim().to_owned());
        let token = IdToken::parse(text.as_bytes()).map_err(Failure::input("the token", "an ID token"))?;
        Ok(Self { text, token })
    }

    /// What a certificate authority wants signed with the key: the address where the token has one, else its subject.
    pub(crate) fn challenge(&self) -> Result<&str, Failure> {
        let claims = self.token.unverified();
        claims.text("email").or_else(|| claims.text("sub")).ok_or_else(|| Failure::Usage {
            what: "the ID token names nobody: it has neither `email` nor `sub`".to_owned(),
            advice: "ask its issuer for one with the scopes `openid email`",
        })
    }
}

fn text_or_file(given: &str) -> Result<Zeroizing<String>, Failure> {
    match given.strip_prefix('@') {
        None => Ok(Zeroizing::new(given.to_owned())),
        Some(path) => file(&PathBuf::from(path)),
    }
}

fn file(path: &std::path::Path) -> Result<Zeroizing<String>, Failure> {
    let bytes = crate::files::read_bounded(path, model::limits::ID_TOKEN_BYTES_MAX + 2)?;
    let text = String::from_utf8(bytes).map_err(Failure::input(path.display().to_string(), "an ID token"))?;
    Ok(Zeroizing::new(text))
}
