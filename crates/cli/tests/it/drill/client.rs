//! One of those who sign and verify while everything is rotated.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::Ordering;
use std::time::Instant;

use super::{Counts, Times};
use crate::command_line::text;
use crate::holders::{World, public_url};

/// When a client fetches what it trusts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Refresh {
    /// Before each thing that it does.
    Before,
    /// Only once it has become old.
    WhenOld,
}

/// Whom a client asks for what it trusts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    /// The server.
    Server,
    /// The TUF repository.
    Repository,
}

/// What a client does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Deed {
    Sign,
    Verify,
}

/// Where clients of TUF keep what they follow.
const FOLLOWED: &str = "trust";

/// One of those who sign and verify.
pub(super) struct Client<'a> {
    pub(super) world: &'a World,
    pub(super) counts: &'a Counts,
    times: &'a Times,
    number: usize,
    pub(super) folder: PathBuf,
    pub(super) refresh: Refresh,
    source: Source,
    fetched: Option<Instant>,
}

impl<'a> Client<'a> {
    pub(super) fn new(world: &'a World, counts: &'a Counts, times: &'a Times, number: usize) -> Self {
        let folder = PathBuf::from(world.site.path(&format!("client-{number}")));
        fs::create_dir(&folder).unwrap();
        let context = fs::read_to_string(world.site.path("context.toml")).unwrap();
        let own = folder.join("trust-root.json");
        let line = context.lines().find(|line| line.starts_with("trust_root = ")).unwrap().to_owned();
        fs::write(folder.join("context.toml"), context.replace(&line, &format!("trust_root = {own:?}")))
            .unwrap();
        fs::copy(world.site.dir.join("client/trust-root.json"), own).unwrap();
        // Each kind of client refreshes in both ways; of those who go by the files of Sigstore some follow the repository.
        let of_kind = number / 3;
        let refresh = if of_kind.is_multiple_of(2) { Refresh::Before } else { Refresh::WhenOld };
        let follows = !number.is_multiple_of(3) && of_kind % 4 >= 2;
        let source = if follows { Source::Repository } else { Source::Server };
        Self { world, counts, times, number, folder, refresh, source, fetched: None }
    }

    /// The same, with nothing but the server to ask.
    pub(super) fn of_the_server(self) -> Self {
        Self { source: Source::Server, ..self }
    }

    pub(super) fn command(&self) -> Command {
        let mut command = self.world.site.command();
        command.env("AVOUCH_CONTEXT", self.folder.join("context.toml")).current_dir(&self.folder);
        command.env("SSL_CERT_FILE", self.world.site.dir.join("server/tls/ca.pem"));
        command
    }

    /// Does it, and keeps what went wrong.
    pub(super) fn good(&self, arguments: &[&str]) -> bool {
        let output = self.command().args(arguments).output().unwrap();
        if !output.status.success() {
            self.failed(format!("{arguments:?}: {}", text(&output)));
        }
        output.status.success()
    }

    /// Something went wrong; it counts unless what this client trusts is older than anybody was promised.
    pub(super) fn failed(&self, what: String) {
        if self.fetched.is_some_and(|at| at.elapsed() > self.times.late()) {
            self.counts.late.fetch_add(1, Ordering::Relaxed);
        } else {
            self.counts.failures.lock().unwrap().push(format!("client {}: {what}", self.number));
        }
    }

    pub(super) fn refresh(&mut self) {
        let is_old = self.fetched.is_none_or(|at| at.elapsed() > self.times.age_max());
        if self.refresh == Refresh::Before || is_old {
            let at = Instant::now();
            let (count, is_good) = match self.source {
                Source::Server => (&self.counts.refreshed, self.good(&["sigstore", "files", "."])),
                Source::Repository => (&self.counts.followed, self.follow()),
            };
            if is_good {
                count.fetch_add(1, Ordering::Relaxed);
                self.fetched = Some(at);
            }
        }
    }

    /// Goes by the repository, from the root that there was before anything was rotated.
    fn follow(&self) -> bool {
        if self.fetched.is_some() {
            return self.good(&["trust", "follow", FOLLOWED]);
        }
        let repository = format!("{}/tuf", public_url(&self.world.site));
        let (root, ca) = (self.world.site.path("root.json"), self.world.site.path("data/server/tls/ca.pem"));
        let from = ["--repository", &repository, "--root", &root, "--ca", &ca];
        self.good(&[&["trust", "follow", FOLLOWED], &from[..]].concat())
    }

    /// By what it signs and verifies without a key of its own.
    fn place(&self, deed: Deed) -> Vec<String> {
        let below = match (self.source, self.refresh) {
            // The commands follow by themselves.
            (Source::Repository, Refresh::Before) => return vec!["--tuf".to_owned(), FOLLOWED.to_owned()],
            (Source::Repository, Refresh::WhenOld) => Path::new(FOLLOWED).join("targets"),
            (Source::Server, _) => PathBuf::new(),
        };
        let named = |flag: &str, name| vec![flag.to_owned(), below.join(name).to_string_lossy().into_owned()];
        let root = named("--trusted-root", "trusted_root.json");
        match deed {
            Deed::Verify => root,
            Deed::Sign => [root, named("--signing-config", "signing_config.v0.2.json")].concat(),
        }
    }

    /// Signs with a key of the platform, and verifies.
    pub(super) fn sign(&mut self, turn: u64) {
        let name = format!("managed-{turn}.tar");
        fs::write(self.folder.join(&name), format!("bytes {turn} of {}", self.folder.display())).unwrap();
        if self.good(&["sign", &name]) {
            self.counts.signed.fetch_add(1, Ordering::Relaxed);
            self.verify(&["verify", &name]);
        }
    }

    /// Signs as the holder of a token, and verifies.
    pub(super) fn sign_keyless(&mut self, turn: u64) {
        let name = format!("keyless-{turn}.tar");
        fs::write(self.folder.join(&name), format!("bytes {turn} of {}", self.folder.display())).unwrap();
        let who = identity(self.number, turn);
        fs::write(self.folder.join("token"), self.world.token(&who)).unwrap();
        let place = self.place(Deed::Sign);
        let place = place.iter().map(String::as_str);
        let sign = ["sign", &name, "--keyless", "--identity-token", "@token"];
        if self.good(&sign.into_iter().chain(place).collect::<Vec<_>>()) {
            self.counts.keyless.fetch_add(1, Ordering::Relaxed);
            self.verify_keyless(&name, &who);
        }
    }

    /// Verifies by what this client trusts.
    pub(super) fn verify_keyless(&self, name: &str, who: &str) {
        let place = self.place(Deed::Verify);
        self.verify_keyless_by(name, who, &place.iter().map(String::as_str).collect::<Vec<_>>());
    }

    pub(super) fn verify_keyless_by(&self, name: &str, who: &str, place: &[&str]) {
        let (bundle, issuer) = (format!("{name}.sigstore.json"), self.world.issuer.url());
        let by = ["--identity", who, "--issuer", &issuer];
        self.verify(&[&["verify", name, "--bundle", &bundle], &by[..], place].concat());
    }

    pub(super) fn verify(&self, arguments: &[&str]) {
        if self.good(arguments) {
            self.counts.verified.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Who signs: another person each time, for a token is good for one certificate.
pub(super) fn identity(number: usize, turn: u64) -> String {
    format!("client-{number}.{turn}@example.com")
}
