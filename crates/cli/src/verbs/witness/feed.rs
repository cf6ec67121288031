//! `avouch witness feed`: goes between a platform and its witnesses. It holds no key and orders nothing: the key process
//! hears it at a socket of its own, and believes cosignatures alone; so does whoever reads what it leaves for the server.

mod journal;
mod log;
mod porters;
mod way;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use clap::Args;
use signer::{Anchor, Occasion, Offer};

use crate::config::Folder;
use crate::context::FolderArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::launch;
use crate::terminal::Terminal;
use crate::verbs::init;
use journal::Journal;
use log::{Log, Reached};
use porters::{Brought, Errand, Porters, Said};
pub(crate) use way::Way;

/// How often it is asked whether somebody waits for a witness to see what is to be signed.
const TICK: Duration = Duration::from_millis(250);

/// How soon it is gone again where too few witnesses were reached.
const SOON: Duration = Duration::from_secs(5);

/// Rounds at a time: what was shown to a witness before the key process started is heard of first, and then what is new.
const ROUNDS: usize = 2;

/// The flags of `avouch witness feed`.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  avouch witness feed --dir /var/lib/avouch    under the server's user, by the init system

Where each witness is stands in `[witnesses]` of avouch.toml, by the name under which it cosigns:

  [witnesses]
  \"w1.example.com\" = \"https://w1.example.com\"")]
pub(super) struct FeedArgs {
    #[command(flatten)]
    folder: FolderArgs,
    /// Go once, and end
    #[arg(long)]
    once: bool,
    /// How often to go, in seconds; what is older than five minutes holds nothing
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=240))]
    every: u64,
}

pub(super) fn run(args: &FeedArgs, terminal: Terminal) -> Result<Exit, Failure> {
    let folder = args.folder.open()?;
    let wiring = &folder.config.witnesses;
    if wiring.is_empty() {
        return Err(folder.wrong("witnesses", "it says of no witness where that is"));
    }
    let mut ways = BTreeMap::new();
    for (name, address) in wiring {
        ways.insert(name.clone(), Way::new(address)?);
    }
    // Its walls are up before it hears a word from anybody.
    let own = folder.at(&folder.config.server.folder).join(server::COSIGNED);
    terminal.note(launch::lock_feed_in(&folder, &own)?);
    let mut feed = Feed::new(&folder, ways, terminal);
    if args.once {
        return feed.once();
    }
    loop {
        feed.turn()?;
        let turn = Duration::from_secs(args.every);
        let pause = if feed.is_held() { turn } else { turn.min(SOON) };
        let until = Instant::now() + pause;
        while Instant::now() < until {
            feed.tick()?;
        }
    }
}

/// All that goes between.
struct Feed<'a> {
    folder: &'a Folder,
    journal: Journal,
    log: Log,
    porters: Porters,
    /// What is still to be brought to witnesses of the journal.
    offers: BTreeMap<String, Offer>,
    /// How the journal was anchored when that was heard last; `None` where nobody could say.
    anchor: Option<Anchor>,
    told: Told,
}

/// What was said last of each matter, so that nothing is said twice in a row.
struct Told {
    terminal: Terminal,
    last: BTreeMap<String, String>,
}

impl<'a> Feed<'a> {
    fn new(folder: &'a Folder, ways: BTreeMap<String, Way>, terminal: Terminal) -> Self {
        let (journal, log, porters) = (Journal::new(folder), Log::new(folder), Porters::start(ways));
        let told = Told { terminal, last: BTreeMap::new() };
        Self { folder, journal, log, porters, offers: BTreeMap::new(), anchor: None, told }
    }

    /// Goes to everybody, and waits for all of them.
    fn once(&mut self) -> Result<Exit, Failure> {
        for _ in 0..ROUNDS {
            self.turn()?;
            while self.porters.are_away() {
                self.tick()?;
            }
            if self.is_held() {
                break;
            }
        }
        self.tell_log();
        let held = !matches!(self.journal.tell(Vec::new())?, Anchor::Loose { .. });
        let held = held && self.log.reached().is_none_or(|log| log.by.len() >= log.needed);
        Ok(if held { Exit::Done } else { Exit::CannotCheck })
    }

    fn is_held(&self) -> bool {
        self.anchor.as_ref().is_some_and(|anchor| !matches!(anchor, Anchor::Loose { .. }))
    }

    /// It is time: everything is shown anew, by what the registry says now.
    fn turn(&mut self) -> Result<(), Failure> {
        self.tell_log();
        self.log.renew();
        let heeded = init::registry(self.folder).map(|registry| self.log.heed(&registry));
        self.told.say("registry", heeded.map(|()| String::new()));
        self.ask(Occasion::Turn);
        self.send()?;
        let anchor = self.journal.tell(Vec::new());
        self.hear_anchor(anchor);
        Ok(())
    }

    /// Takes what was brought, and looks whether there is more to bring.
    fn tick(&mut self) -> Result<(), Failure> {
        let mut patience = TICK;
        while let Some(brought) = self.porters.next(patience) {
            self.take(brought);
            patience = Duration::ZERO;
        }
        self.ask(Occasion::Intent);
        self.send()
    }

    /// Asks the key process what is to be shown.
    fn ask(&mut self, occasion: Occasion) {
        let offers = match self.journal.offers(occasion) {
            Ok(offers) => offers,
            Err(failure) => return self.told.say("journal", Err(failure)),
        };
        for offer in offers {
            match journal::witness(&offer) {
                Ok(name) if self.porters.know(&name) => {
                    self.offers.insert(name, offer);
                }
                Ok(name) => self.told.say(&name, Err(unwired(&name))),
                Err(failure) => self.told.say("journal", Err(failure)),
            }
        }
    }

    /// Sends whoever is ready.
    fn send(&mut self) -> Result<(), Failure> {
        let porters = &mut self.porters;
        self.offers.retain(|name, offer| !porters.send(name, Errand::Journal(offer.clone())));
        // What it was allowed to read is another folder once a log is put aside: whoever started it starts it again.
        for (name, errand) in self.log.errands()? {
            if self.porters.send(&name, Errand::Log(errand)) {
                self.log.asked(&name);
            }
        }
        Ok(())
    }

    fn take(&mut self, brought: Brought) {
        let Brought { witness, said } = brought;
        let heard = match said {
            Ok(Said::Journal(note)) => {
                let anchor = self.journal.tell(vec![note]);
                self.hear_anchor(anchor);
                Ok(String::new())
            }
            Ok(Said::Log { errand, lines }) => self.log.hear(&errand, &lines).map(|()| String::new()),
            Err(failure) => {
                self.log.failed(&witness);
                Err(failure)
            }
        };
        self.told.say(&witness, heard);
    }

    fn hear_anchor(&mut self, anchor: Result<Anchor, Failure>) {
        match anchor {
            Ok(anchor) => {
                self.told.say("anchor", Ok(said(&anchor, self.told.terminal)));
                self.anchor = Some(anchor);
            }
            Err(failure) => {
                self.told.say("anchor", Err(failure));
                self.anchor = None;
            }
        }
    }

    fn tell_log(&mut self) {
        if let Some(Reached { size, by, needed }) = self.log.reached() {
            let by = if by.is_empty() { "nobody".to_owned() } else { by.join(", ") };
            let text = format!("the log of {size} entries is cosigned by {by}; it takes {needed}");
            self.told.say("log", Ok(text));
        }
    }
}

impl Told {
    fn say(&mut self, about: &str, what: Result<String, Failure>) {
        let text = what.as_ref().map_or_else(ToString::to_string, Clone::clone);
        if self.last.get(about) == Some(&text) {
            return;
        }
        match what {
            Ok(said) if said.is_empty() => {}
            Ok(said) => self.terminal.note(said),
            Err(failure) => self.terminal.failure(&failure),
        }
        self.last.insert(about.to_owned(), text);
    }
}

fn unwired(name: &str) -> Failure {
    let what = format!("the registry names the witness `{name}`, and avouch.toml does not say where it is");
    Failure::Usage { what, advice: "add it to `[witnesses]`" }
}

fn said(anchor: &Anchor, terminal: Terminal) -> String {
    match anchor {
        Anchor::Unanchored => "the registry names no witness of the journal: unanchored".to_owned(),
        Anchor::Held { by } => format!("the journal is held by {}", by.join(", ")),
        Anchor::Loose { why } => format!("{} {why}", terminal.bad("not anchored:")),
    }
}
