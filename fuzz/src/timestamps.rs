//! The room `envelope`: what a timestamp authority is asked, and what it answers.

use envelope::timestamp::{Authority, Request, Stamped, TstInfo, open, token_of, verify};
use model::Digest;

use crate::Reading::{self, Refused, Taken};
use crate::known::{CERTIFICATES, ROOTS, STAMPED, TOKEN, UNSIGNED};

/// A request: written by us and read again it is the same.
pub fn request(bytes: &[u8]) -> Reading {
    let Ok(request) = Request::parse(bytes) else { return Refused };
    let again = request.encode().expect("what was read can be written");
    assert_eq!(Request::parse(&again).expect("our own request"), request);
    if let Ok(info) = TstInfo::answer(&request, crate::known::THEN, 7) {
        assert_eq!(info.imprint, request.imprint);
        assert_eq!(info.nonce, request.nonce);
        let der = info.encode().expect("an answer to what was read can be written");
        assert_eq!(TstInfo::parse(&der).expect("our own answer"), info);
    }
    Taken
}

/// What a token says: written by us, which leaves the authority's name out, and read again it is the same.
pub fn info(bytes: &[u8]) -> Reading {
    let Ok(info) = TstInfo::parse(bytes) else { return Refused };
    let der = info.encode().expect("what was read can be written");
    let again = TstInfo::parse(&der).expect("our own");
    assert_eq!((&again.policy, &again.imprint, &again.serial), (&info.policy, &info.imprint, &info.serial));
    assert_eq!((again.time, &again.nonce), (info.time, &info.nonce));
    assert_eq!(again.encode().expect("what was read can be written"), der);
    Taken
}

/// A response or a bare token: below the worked example's roots only its own token verifies.
pub fn response(bytes: &[u8]) -> Reading {
    let token = token_of(bytes);
    assert!(token.is_ok() || open(bytes).is_err(), "what is opened is a token");
    let Ok(token) = open(bytes) else { return Refused };
    let _ = (token.tst_info(), token.certificates(), token.signing_time(), token.signature());
    let authority = Authority { certificates: &CERTIFICATES, roots: &ROOTS };
    for stamped in [Stamped::Bytes(UNSIGNED), Stamped::Sha256(Digest::of(UNSIGNED))] {
        assert!(verify(&token, stamped, authority).is_err(), "nobody stamped that");
    }
    if let Ok(verified) = verify(&token, Stamped::Bytes(STAMPED), authority) {
        let known = open(TOKEN).expect("the worked example's token");
        assert_eq!(token.to_be_signed(), known.to_be_signed(), "nobody signed these attributes");
        assert_eq!(verified.tst_info(), known.tst_info());
    }
    Taken
}
