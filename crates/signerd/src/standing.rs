//! What every order is checked for, whatever it asks: a key in the registry that may sign now.

use std::time::Duration;

use model::{Form, Instant, KeyId};
use quorum::{Key, KeyState, Registry};
use signer::{Refusal, RefusalCode};

use crate::guard::{Belief, Reading};
use crate::rate::Window;
use crate::state::{SIGNINGS_MAX, State};

/// How long before it takes over a key may be used: the server's clock may be so far ahead of this one.
const EARLY_MAX: Duration = Duration::from_secs(60);

/// A refusal with a text for people.
pub(crate) fn refuse(code: RefusalCode, text: impl Into<String>) -> Refusal {
    Refusal { code, text: text.into() }
}

/// The registry, once a platform is begun.
pub(crate) fn registry(state: &State) -> Result<&Registry, Refusal> {
    let missing = || refuse(RefusalCode::OtherPlatform, "no platform is begun here yet; run `avouch init`");
    state.registry.as_ref().ok_or_else(missing)
}

/// The platform's own key of this id, which must be of this form and may sign now.
pub(crate) fn platform_key<'a>(
    state: &'a State,
    id: &KeyId,
    form: Form,
    now: Instant,
) -> Result<&'a Key, Refusal> {
    let key = own_key(state, id, form)?;
    check_key(key, now)?;
    check_rate(state, key, now)?;
    Ok(key)
}

/// The platform's own key of this id, which must be of this form, whatever it may still do.
pub(crate) fn own_key<'a>(state: &'a State, id: &KeyId, form: Form) -> Result<&'a Key, Refusal> {
    let key = registry(state)?.key(id);
    let key = key.ok_or_else(|| refuse(RefusalCode::Key, format!("the registry knows no {id}")))?;
    // INVARIANT: one key, one form. The record says which, and nothing in an order can say otherwise.
    if key.record.form != form {
        let text = format!("key `{}` signs form {}, and not {form}", key.record.name, key.record.form);
        return Err(refuse(RefusalCode::Key, text));
    }
    Ok(key)
}

/// May the key sign now, as far as state and validity go?
pub(crate) fn check_key(key: &Key, now: Instant) -> Result<(), Refusal> {
    let (name, generation) = (&key.record.name, key.record.generation);
    // INVARIANT: a key that was retired does not come back: the time of its end is in the registry, and time here does not
    // go back either.
    if !key.is_active_at(now) {
        let text = format!("key `{name}` generation {generation} is {} and does not sign", word(key.state));
        return Err(refuse(RefusalCode::Key, text));
    }
    if now.after(EARLY_MAX) < key.record.in_use_from() {
        let from = key.record.in_use_from();
        let text = format!("key `{name}` generation {generation} takes over at {from}; it is {now}");
        return Err(refuse(RefusalCode::Key, text));
    }
    if !key.record.is_valid_at(now) {
        let (from, until) = (key.record.not_before, key.record.not_after);
        let text =
            format!("key `{name}` generation {generation} may sign from {from} until {until}; it is {now}");
        return Err(refuse(RefusalCode::Key, text));
    }
    Ok(())
}

const fn word(state: KeyState) -> &'static str {
    match state {
        KeyState::Suspended => "suspended",
        KeyState::Retired => "retired",
        KeyState::Revoked => "revoked",
        _ => "not active",
    }
}

/// Is the key's rate used up?
pub(crate) fn check_rate(state: &State, key: &Key, now: Instant) -> Result<(), Refusal> {
    let Some(rate) = &key.record.rate else { return Ok(()) };
    let count = state.rates.get(&key.record.id()).map_or(0, |window: &Window| window.count(rate, now));
    if count < rate.signatures_max {
        return Ok(());
    }
    let text = format!(
        "key `{}` has made its {} signatures in {} s; order again later",
        key.record.name, rate.signatures_max, rate.period_s
    );
    Err(refuse(RefusalCode::Rate, text))
}

/// Is the clock good for something that bears a time, or that people endorsed until a time?
pub(crate) fn check_clock(reading: Reading) -> Result<(), Refusal> {
    match reading.belief {
        Belief::Believed => Ok(()),
        Belief::Doubted { wall } => {
            let text = format!(
                "the clock says {wall}, where about {} is expected; set it right, or start the key process again",
                reading.time
            );
            Err(refuse(RefusalCode::Clock, text))
        }
    }
}

/// What a signing is remembered for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Remembered {
    /// A request that somebody asked and others may have endorsed.
    Request,
    /// An ID token.
    Token,
}

impl Remembered {
    /// INVARIANT: tokens leave a quarter of the room to requests. Where a record takes the server's word for whose a token is,
    /// an owned server has as many as it makes up, and must not keep what people endorse from being signed. Past half of the
    /// room what is past its time is forgotten, so that both find room again.
    const fn room(self) -> usize {
        match self {
            Self::Request => SIGNINGS_MAX,
            Self::Token => SIGNINGS_MAX / 4 * 3,
        }
    }
}

/// What is signed is remembered until its request's deadline; when that is too much, nothing new is signed.
pub(crate) fn check_room(remembered: usize, reason: Remembered) -> Result<(), Refusal> {
    if remembered < reason.room() {
        return Ok(());
    }
    let whose = match reason {
        Remembered::Request => "until the deadlines of their requests",
        Remembered::Token => "beside which the room that is left is for requests",
    };
    let text = format!("{remembered} signings are remembered {whose}, and no more can be; order again later");
    Err(refuse(RefusalCode::Rate, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_has_an_end_and_a_later_order_may_succeed() {
        for reason in [Remembered::Request, Remembered::Token] {
            check_room(reason.room() - 1, reason).expect("there is room for one more");
            let refusal = check_room(reason.room(), reason).expect_err("there is no room");
            assert!(refusal.code == RefusalCode::Rate && refusal.code.is_transient());
        }
    }

    #[test]
    fn invented_tokens_leave_room_for_what_people_endorse_and_are_forgotten_in_time() {
        let filled = Remembered::Token.room();
        check_room(filled, Remembered::Token).expect_err("no token finds room");
        check_room(filled, Remembered::Request).expect("a request does");
        assert!(filled >= SIGNINGS_MAX / 2, "from half of the room on, what is past its time is forgotten");
    }
}
