//! Timestamp tokens: when a signature existed, and on whose word.

use std::slice;
use std::time::Duration;

use envelope::timestamp::{self, Authority, OpenedToken, Stamped, TimestampError};
use pki::{Certificate, PathError};

use crate::anchors::{Anchors, TrustedAuthority, window_text};
use crate::refused::{Fault, Gap};
use crate::{BelievedTime, Evidence, NotChecked, Part, Present, Proven, Refused, Whose};

/// How far a token may be ahead of the verifier's clock: clocks differ, and nothing is won by a small lead.
const LEAD_MAX: Duration = Duration::from_secs(300);

/// When a signature is believed to have been made.
pub(crate) struct Dated {
    pub(crate) time: BelievedTime,
    pub(crate) proven: Option<Proven>,
    pub(crate) open: Option<NotChecked>,
}

/// Finds the time of a signature: that of its token, or where none is asked for, the present.
pub(crate) fn date(
    token: Option<&[u8]>,
    signature: &[u8],
    anchors: &Anchors,
    evidence: Evidence,
    present: Present,
) -> Result<Dated, Refused> {
    match (token, evidence) {
        (Some(token), _) => believe(token, signature, anchors, present),
        (None, Evidence::Required) => Err(Refused::cannot_check(Part::Timestamp, Gap::NoTimestamp)),
        (None, Evidence::IfPresent) => {
            let time = BelievedTime { at: present.at, whose: Whose::Verifier(present.source) };
            Ok(Dated { time, proven: None, open: Some(NotChecked::NoTimestamp) })
        }
    }
}

fn believe(token: &[u8], signature: &[u8], anchors: &Anchors, present: Present) -> Result<Dated, Refused> {
    let opened = timestamp::open(token).map_err(refusal)?;
    let at = opened.tst_info().time;
    let mut refused = Refused::cannot_check(Part::Timestamp, Gap::NoAuthority);
    for authority in &anchors.authorities {
        match vouched(&opened, signature, authority) {
            Ok(_) if at > present.at.after(LEAD_MAX) => {
                let gap = Gap::FromTheFuture { at, now: present.at };
                return Err(Refused::cannot_check(Part::Timestamp, gap));
            }
            Ok(subject) => {
                let whose = Whose::TimestampAuthority { subject: subject.clone() };
                let proven = Some(Proven::Timestamp { authority: subject, at });
                return Ok(Dated { time: BelievedTime { at, whose }, proven, open: None });
            }
            // What one authority makes bad, another that does not know it does not put right.
            Err(because) if matches!(refused, Refused::CannotCheck { .. }) => refused = because,
            Err(_) => {}
        }
    }
    Err(refused)
}

/// The subject of the authority's certificate, if this authority made the token in its time.
fn vouched(token: &OpenedToken, signature: &[u8], authority: &TrustedAuthority) -> Result<String, Refused> {
    let known = Authority { certificates: &authority.chain, roots: slice::from_ref(&authority.root) };
    let verified = timestamp::verify(token, Stamped::Bytes(signature), known).map_err(refusal)?;
    // INVARIANT: the signer is the one whom the trust root lists, not anybody below its root that a token brings along.
    let signer = verified.path().leaf();
    if authority.chain.first().is_some_and(|listed| listed != signer) {
        let gap = Gap::UnlistedAuthority { subject: signer.subject_text() };
        return Err(Refused::cannot_check(Part::Timestamp, gap));
    }
    let path = verified.path();
    let on_path =
        |one: &Certificate| one == signer || path.intermediates().contains(one) || one == path.root();
    if !token.certificates().iter().all(on_path) {
        return Err(Refused::bad(Part::Timestamp, Fault::Stowaway));
    }
    if !authority.window.contains(verified.time()) {
        let window = window_text(&authority.window);
        return Err(Refused::bad(Part::Timestamp, Fault::OutsideWindow { window, at: verified.time() }));
    }
    Ok(signer.subject_text())
}

fn refusal(cause: TimestampError) -> Refused {
    match cause {
        TimestampError::Path(path @ PathError::CannotCheck { .. }) => {
            Refused::cannot_check(Part::Timestamp, Gap::Path(path))
        }
        TimestampError::Path(path @ PathError::UntrustedIssuer { .. }) => {
            Refused::cannot_check(Part::Timestamp, Gap::UnknownIssuer(path))
        }
        other => Refused::bad(Part::Timestamp, Fault::Timestamp(Box::new(other))),
    }
}
