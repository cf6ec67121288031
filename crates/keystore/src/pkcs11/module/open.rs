//! From a URI to sessions: load the module, find the token, log in once.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::{Limit, Slot, TokenInfo};
use cryptoki::types::RawAuthPin;
use zeroize::Zeroizing;

use super::keys::Keys;
use super::refused;
use super::template::Kind;
use crate::pkcs11::fault::LaneFault;
use crate::pkcs11::token::HardwareToken;
use crate::pkcs11::uri::{Pkcs11Uri, Select};
use crate::pkcs11::wire::Login;

/// The most bytes of a PIN: no module has a field for more.
const PIN_BYTES_MAX: usize = 255;

/// A module that is open.
pub(super) struct Opened {
    pub(super) keys: Arc<Keys>,
    pub(super) token: HardwareToken,
    pub(super) sessions: Vec<Session>,
}

/// Loads the module and opens its token, with at most so many sessions.
pub(super) fn open(uri: &Pkcs11Uri, login: Login, sessions: usize) -> Result<Opened, LaneFault> {
    let module = Pkcs11::new(uri.module()).map_err(|error| not_loaded(uri.module(), &error))?;
    let arguments = CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK);
    module.initialize(arguments).map_err(refused::fault("initialise itself"))?;
    let (slot, facts) = find(&module, uri.select())?;
    let token = describe(&module, slot, &facts)?;
    let sessions = match login {
        Login::Nobody => Vec::new(),
        Login::User => log_in(&module, slot, &facts, uri.pin_file(), sessions)?,
    };
    Ok(Opened { keys: Arc::new(Keys::new(module, slot)), token, sessions })
}

fn not_loaded(path: &Path, error: &Error) -> LaneFault {
    LaneFault::Module { path: path.display().to_string(), why: model::told(error) }
}

/// The one slot whose token is the one.
fn find(module: &Pkcs11, select: &Select) -> Result<(Slot, TokenInfo), LaneFault> {
    let slots = module.get_slots_with_token().map_err(refused::fault("list its slots"))?;
    let mut found = slots.into_iter().filter_map(|slot| {
        // A token that goes away while it is looked at is not there.
        let facts = module.get_token_info(slot).ok()?;
        matches(select, slot, &facts).then_some((slot, facts))
    });
    let first = found.next().ok_or_else(|| LaneFault::NoToken { select: select.to_string() })?;
    match u32::try_from(found.count()) {
        Ok(0) => Ok(first),
        more => {
            let count = more.unwrap_or(u32::MAX).saturating_add(1);
            Err(LaneFault::SeveralTokens { select: select.to_string(), count })
        }
    }
}

fn matches(select: &Select, slot: Slot, facts: &TokenInfo) -> bool {
    let is = |wanted: &Option<String>, found: &str| wanted.as_deref().is_none_or(|wanted| wanted == found);
    facts.token_initialized()
        && is(&select.label, facts.label())
        && is(&select.manufacturer, facts.manufacturer_id())
        && is(&select.model, facts.model())
        && is(&select.serial, facts.serial_number())
        && select.slot.is_none_or(|wanted| wanted == slot.id())
}

fn describe(module: &Pkcs11, slot: Slot, facts: &TokenInfo) -> Result<HardwareToken, LaneFault> {
    let library = module.get_library_info().map_err(refused::fault("describe itself"))?;
    let mechanisms = module.get_mechanism_list(slot).map_err(refused::fault("list its mechanisms"))?;
    Ok(HardwareToken {
        label: facts.label().to_owned(),
        manufacturer: facts.manufacturer_id().to_owned(),
        model: facts.model().to_owned(),
        serial: facts.serial_number().to_owned(),
        module: format!("{} {}", library.library_description(), library.library_version()),
        algorithms: Kind::offered(&mechanisms),
        sessions_open: facts.session_count(),
        sessions_max: maximum(facts.max_session_count()),
    })
}

const fn maximum(limit: Limit) -> Option<u64> {
    match limit {
        Limit::Max(count) => Some(count),
        Limit::Unavailable | Limit::Infinite => None,
    }
}

/// Opens the sessions and logs in, which holds for all of them.
fn log_in(
    module: &Pkcs11,
    slot: Slot,
    facts: &TokenInfo,
    pin_file: &Path,
    sessions: usize,
) -> Result<Vec<Session>, LaneFault> {
    // Asked before the PIN is even read: a wrong one here would lock the token for everybody.
    if facts.user_pin_locked() {
        return Err(LaneFault::PinLocked);
    }
    if facts.user_pin_final_try() {
        return Err(LaneFault::PinFinalTry);
    }
    let pin = read_pin(pin_file)?;
    // One session stays free for making a key, which needs another kind.
    let free = maximum(facts.max_session_count()).map_or(sessions, |count| {
        usize::try_from(count.saturating_sub(1)).unwrap_or(sessions).clamp(1, sessions)
    });
    let open = || module.open_ro_session(slot).map_err(refused::fault("open a session"));
    let opened = (0..free).map(|_| open()).collect::<Result<Vec<_>, _>>()?;
    let first = opened.first().ok_or_else(|| refused::because("open a session", "CKR_SESSION_COUNT"))?;
    match first.login_with_raw(UserType::User, &pin) {
        Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(opened),
        Err(Error::Pkcs11(
            RvError::PinIncorrect | RvError::PinInvalid | RvError::PinLenRange | RvError::PinExpired,
            _,
        )) => Err(LaneFault::PinRefused),
        Err(Error::Pkcs11(RvError::PinLocked, _)) => Err(LaneFault::PinLocked),
        Err(error) => Err(refused::fault("log in")(error)),
    }
}

/// Reads the PIN; one line end at its end is not part of it.
fn read_pin(path: &Path) -> Result<RawAuthPin, LaneFault> {
    let cannot = |why: &str| LaneFault::PinFile { path: path.display().to_string(), why: why.to_owned() };
    let file = File::open(path).map_err(|error| cannot(&error.to_string()))?;
    let mode = file.metadata().map_err(|error| cannot(&error.to_string()))?.permissions().mode();
    if mode & 0o007 != 0 {
        return Err(cannot("everybody may use it; `chmod o= FILE`"));
    }
    let mut content = Zeroizing::new(Vec::with_capacity(PIN_BYTES_MAX + 3));
    let limit = u64::try_from(PIN_BYTES_MAX + 3).unwrap_or(u64::MAX);
    file.take(limit).read_to_end(&mut content).map_err(|error| cannot(&error.to_string()))?;
    let line = content.strip_suffix(b"\n").unwrap_or(&content);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    match line.len() {
        1..=PIN_BYTES_MAX => Ok(RawAuthPin::new(Box::new(line.to_vec()))),
        0 => Err(cannot("it is empty")),
        _ => Err(cannot("it is longer than a PIN")),
    }
}
