//! Timestamp tokens: the key process chooses time and number, and builds what is signed.

use envelope::Chosen;
use envelope::timestamp::{CertificateWish, Imprint, Request, TstInfo, compose};
use keystore::Stores;
use model::{Form, Hash, told};
use signer::{Refusal, RefusalCode, TimestampOrder};

use crate::certificate;
use crate::guard::Reading;
use crate::intended::{Intended, Prepared, PrivateKey, Recall, own_intent};
use crate::journal::Work;
use crate::standing::{check_clock, platform_key, refuse};
use crate::state::State;

/// Takes an order as far as its intent, or says why not.
pub(crate) fn prepare(
    state: &State,
    keys: &Stores,
    order: &TimestampOrder,
    now: Reading,
) -> Result<Prepared, Refusal> {
    check_clock(now)?;
    let key = platform_key(state, &order.key, Form::Timestamp, now.time)?;
    let certificate = certificate::shown(state, key, now.time)?;
    // Neither goes back: the time is at least the journal's mark, the number one more than the last.
    let serial = state.serial + 1;
    let malformed = |error| refuse(RefusalCode::Malformed, told(&error));
    let tst_info = TstInfo::answer(&request(order)?, now.time, serial).and_then(|info| info.encode());
    let to_be_signed =
        tst_info.and_then(|tst_info| compose(&tst_info, &certificate, now.time)).map_err(malformed)?;
    let private = PrivateKey::of(&key.record, keys)?;
    let intent = own_intent(
        state,
        key,
        now.time,
        order.digest(),
        to_be_signed.sha256(),
        Chosen::Stamp { time: now.time, serial }.encode(),
    )?;
    let work = Work::Timestamp { serial };
    Ok(Prepared::Intended(work, Intended { intent, to_be_signed, key: private, recall: Recall::Once }))
}

/// The order as the request that a token answers; who gets certificates is no part of what is signed.
fn request(order: &TimestampOrder) -> Result<Request, Refusal> {
    let imprint = match &order.imprint {
        signer::Imprint::Sha256(digest) => Imprint::from_digest(Hash::Sha256, digest.to_vec()),
        signer::Imprint::Sha384(digest) => Imprint::from_digest(Hash::Sha384, digest.to_vec()),
        signer::Imprint::Sha512(digest) => Imprint::from_digest(Hash::Sha512, digest.to_vec()),
    };
    let imprint = imprint.map_err(|error| refuse(RefusalCode::Malformed, told(&error)))?;
    Ok(Request { imprint, policy: None, nonce: order.nonce.clone(), certificate: CertificateWish::Omitted })
}
