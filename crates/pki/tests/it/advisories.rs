//! What others got wrong with tokens and their issuers.

use model::limits::ID_TOKEN_BYTES_MAX;
use pki::token::{IdToken, IssuerKind, TokenError, TokenIssuer};

/// CVE-2025-66506: a token was split at its dots, for sixteen times its memory.
#[test]
fn a_token_of_nothing_but_dots_or_without_an_end_is_refused_before_it_is_taken_apart() {
    let dots = ".".repeat(ID_TOKEN_BYTES_MAX);
    assert!(matches!(IdToken::parse(dots.as_bytes()), Err(TokenError::NotCompact)));
    let endless = vec![b'a'; ID_TOKEN_BYTES_MAX + 1];
    assert!(matches!(IdToken::parse(&endless), Err(TokenError::TooLong { .. })));
    // Claims that nest without an end are no claims.
    let nested = data_encoding::BASE64URL_NOPAD.encode("[".repeat(8_000).as_bytes());
    let token = format!("eyJhbGciOiJFUzI1NiJ9.{nested}.AA");
    assert!(matches!(IdToken::parse(token.as_bytes()), Err(TokenError::Json { .. })));
}

/// CVE-2026-22772: an issuer's pattern was found anywhere in an address, so that another host was called.
#[test]
fn an_issuers_pattern_is_of_the_whole_address_and_of_no_other_host() {
    let issuer = TokenIssuer {
        version: 1,
        url: "https://oidc.*.example.com/id/*".to_owned(),
        audience: "sigstore".to_owned(),
        kind: IssuerKind::Kubernetes,
        issuer_claim: None,
        keys: Vec::new(),
    };
    assert!(issuer.is_named_by("https://oidc.eu-1.example.com/id/A"));
    for other in [
        "https://evil.example.net/?https://oidc.eu-1.example.com/id/A",
        "https://evil.example.net/#https://oidc.eu-1.example.com/id/A",
        "https://oidc.evil.example.net/x.example.com/id/A",
        "https://oidc.a@evil.example.net:80.example.com/id/A",
        "https://oidc.eu-1.example.com/id/A?x=https://evil.example.net",
        "https://oidc.eu-1.example.com/id/..",
        "https://oidc.eu-1.example.com/id/A\n",
        "http://oidc.eu-1.example.com/id/A",
    ] {
        assert!(!issuer.is_named_by(other), "{other}");
    }
}
