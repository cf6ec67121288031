//! `avouch trust rotate`: another key takes the place of one of the platform's own.
//!
//! One entry of the registry says all of it, with its times: the new key, which verifiers know from now on; when it takes
//! over; until when the old one is believed. Nobody has to come back for the rest: key process, server and verifiers go by
//! these times.

use std::time::Duration;

use clap::{Args, ValueEnum};
use model::{Form, Instant, Space};
use quorum::{Change, Key, KeyRecord, KeyState, Registry};

use super::publish::{self, PublishArgs};
use super::standing::Standing;
use crate::administration::{Granted, Successor, Then, generate};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::Terminal;
use crate::verbs::key::EndorserArgs;

/// For how long a certificate of a holder may be used: an authority that ends sooner makes signatures fail.
const CERTIFICATE_PERIOD: Duration = Duration::from_secs(600);

/// The flags of `avouch trust rotate`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  avouch trust rotate log                              a new shard of the transparency log, in a week
  avouch trust rotate tsa --lead 12h --overlap 1d
  avouch trust rotate signing-root                     every key of the platform's is certified anew
  avouch trust rotate ca --lead 0s --overlap 0s        at once, after `avouch key disable --revoke`

The new key stands in the trust root from now on, and takes over after `--lead`: within that time every
verifier must fetch the trust root. The old key is believed for `--overlap` beside it, and then refused.
What it signed until then verifies for ever.")]
pub(crate) struct RotateArgs {
    /// What is rotated
    what: Role,
    /// How long verifiers have to learn of the new key before it signs, such as 7d, 12h, 30m or 90s
    #[arg(long, default_value = "7d", value_parser = period)]
    lead: Duration,
    /// How long the old key is believed beside the new one
    #[arg(long, default_value = "1d", value_parser = period)]
    overlap: Duration,
    /// The key store that makes and keeps the new key: one of `[signerd.stores]`; otherwise that of the old one
    #[arg(long)]
    store: Option<Space>,
    /// For how many days the new key may sign; otherwise 3650, of a signing root 7300
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=7300))]
    days: Option<u64>,
    #[command(flatten)]
    endorser: EndorserArgs,
}

/// A role that a key of the platform has, and another takes over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Role {
    /// The root that certifies the platform's own keys: each gets another certificate under the new one
    SigningRoot,
    /// The authority that certifies holders of ID tokens, which is its own root
    Ca,
    /// The transparency log: another shard begins
    Log,
    /// The timestamp authority
    Tsa,
    /// The log of certificates: another shard begins
    Ct,
    /// The log of Rekor v1: another tree begins
    RekorV1,
}

impl Role {
    /// All of them.
    pub(super) const ALL: [Self; 6] =
        [Self::SigningRoot, Self::Ca, Self::Log, Self::Tsa, Self::Ct, Self::RekorV1];

    /// The form of its keys.
    pub(super) const fn form(self) -> Form {
        match self {
            Self::SigningRoot => Form::Ca,
            Self::Ca => Form::Certificate,
            Self::Log => Form::Checkpoint,
            Self::Tsa => Form::Timestamp,
            Self::Ct => Form::Sct,
            Self::RekorV1 => Form::Set,
        }
    }

    /// What people call it.
    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::SigningRoot => "root of the platform's own keys",
            Self::Ca => "authority for holders of ID tokens",
            Self::Log => "transparency log",
            Self::Tsa => "timestamp authority",
            Self::Ct => "log of certificates",
            Self::RekorV1 => "log of Rekor v1",
        }
    }

    /// Its name on the command line.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::SigningRoot => "signing-root",
            Self::Ca => "ca",
            Self::Log => "log",
            Self::Tsa => "tsa",
            Self::Ct => "ct",
            Self::RekorV1 => "rekor-v1",
        }
    }

    /// For how many days a new key may sign, unless it is said. A root must outlive what it certifies.
    const fn days(self) -> u64 {
        match self {
            Self::SigningRoot => 7300,
            _ => 3650,
        }
    }
}

/// A whole number of days, hours, minutes or seconds.
fn period(text: &str) -> Result<Duration, String> {
    let wrong = || "use a number with its unit, such as 7d, 12h, 30m or 90s".to_owned();
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(wrong)?;
    let seconds = match unit {
        "d" => 86_400,
        "h" => 3_600,
        "m" => 60,
        "s" => 1,
        _ => return Err(wrong()),
    };
    let number: u32 = number.parse().map_err(|_| wrong())?;
    Ok(Duration::from_secs(u64::from(number) * seconds))
}

pub(super) fn run(args: &RotateArgs, terminal: Terminal) -> Result<Exit, Failure> {
    let (folder, mut registry) = args.endorser.open()?;
    let now = crate::clock::now();
    let old = args.what.newest(&registry, now)?;
    let mut made = None;
    let reason = format!("rotation of the {}", args.what.title());
    let before = registry.clone();
    let make = |key_process: &_| {
        let store = args.store.clone().unwrap_or_else(|| old.store.clone());
        let public_key = generate(key_process, &store, old.public_key.algorithm())?;
        // A key store may take its time: what is counted begins afterwards.
        let now = crate::clock::now();
        let (takes_over, retires) = args.times(now);
        let days = args.days.unwrap_or_else(|| args.what.days());
        let new = Successor { public_key, store, published: now, takes_over: Some(takes_over), days };
        let new = new.of(&old, &before);
        made = Some((new.clone(), takes_over, retires));
        let mut changes = vec![Change::Key(new)];
        changes.extend(args.what.retire(&before, now, retires, &reason));
        Ok(changes)
    };
    let granted = args.endorser.change(&folder, &mut registry, make, &reason)?;
    if let Some((new, takes_over, retires)) = &made {
        args.tell(new, *takes_over, *retires, terminal);
    }
    if let Granted::Waits(waiting) = granted {
        terminal.line("  it is to be endorsed well before that: verifiers learn of the new key only then");
        terminal.line("  and once it is in force, `avouch trust publish` brings it to clients of TUF");
        return Ok(waiting.tell(Then::Submit, terminal));
    }
    // Clients of TUF learn of it with the next targets.
    if registry.tuf().root().is_some() {
        publish::run(&PublishArgs::by(args.endorser.clone()), terminal)?;
    }
    terminal.line(terminal.bold("next:"));
    terminal.line(
        "  avouch trust export     verifiers fetch the new trust root; it holds for the whole rotation",
    );
    terminal.line("  avouch trust show       says how it stands");
    Ok(Exit::Done)
}

impl RotateArgs {
    /// When the new key takes over, and when the old one is retired.
    fn times(&self, now: Instant) -> (Instant, Instant) {
        let takes_over = now.after(self.lead).whole_second();
        let takes_over = match self.what {
            // What was signed a moment ago names a certificate by the old root, also when it is ordered once more.
            Role::SigningRoot => takes_over.after(Duration::from_secs(1)),
            _ => takes_over,
        };
        (takes_over, takes_over.after(self.overlap))
    }

    fn tell(&self, new: &KeyRecord, takes_over: Instant, retires: Instant, terminal: Terminal) {
        terminal.line(format_args!("{} of the {}", terminal.bold("rotation"), self.what.title()));
        let log = new.origin.as_ref().map(|origin| format!(", log `{origin}`")).unwrap_or_default();
        terminal.line(format_args!("  {}#{} takes over at {takes_over}{log}", new.name, new.generation));
        terminal.line(format_args!("  the one before it is believed until {retires}, and then refused"));
        if self.what == Role::Ca && self.overlap < CERTIFICATE_PERIOD {
            terminal.line("  an overlap of less than ten minutes: a certificate that is in use then cannot be used to its end");
        }
    }
}

impl Role {
    /// The key that is to be followed; none, while another is about to take over.
    fn newest(self, registry: &Registry, now: Instant) -> Result<KeyRecord, Failure> {
        let of_role = || registry.keys().filter(|key| key.record.form == self.form());
        if let Some(next) = of_role().find(|key| Standing::of(key, registry, now) == Standing::Next) {
            let (name, generation) = (&next.record.name, next.record.generation);
            return Err(Failure::Usage {
                what: format!("`{name}` generation {generation} is about to take over already"),
                advice: "`avouch trust show` says when; rotate again after that",
            });
        }
        let newest = registry.in_use(self.form(), now).or_else(|| of_role().max_by_key(|key| key.place));
        newest.map(|key| key.record.clone()).ok_or_else(|| Failure::Usage {
            what: format!("this platform has no {}", self.title()),
            advice: match self {
                Self::RekorV1 => "`avouch key create platform/rekor-v1 --form set` begins one",
                _ => "`avouch key list` shows all keys",
            },
        })
    }

    /// Every key that is in use until then retires.
    fn retire(self, registry: &Registry, now: Instant, retires: Instant, reason: &str) -> Vec<Change> {
        let ends = |key: &&Key| {
            key.record.form == self.form()
                && key.is_active_at(now)
                && (key.state == KeyState::Active || key.since > retires)
        };
        let retire = |key: &Key| Change::KeyState {
            key: key.record.id(),
            state: KeyState::Retired,
            since: retires,
            reason: reason.to_owned(),
        };
        registry.keys().filter(ends).map(retire).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_has_a_number_and_a_unit() {
        assert_eq!(period("7d"), Ok(Duration::from_secs(7 * 86_400)));
        assert_eq!(period("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(period("0s"), Ok(Duration::ZERO));
        for wrong in ["", "7", "d", "-1d", "1.5h", "7 d", "7w", "7ü"] {
            assert!(period(wrong).is_err(), "{wrong}");
        }
    }
}
