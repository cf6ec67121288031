//! The verbs: one file each.

mod adopt;
mod api_key;
mod attest;
mod backup;
mod checksums;
mod ci;
mod completions;
mod config;
mod demo;
mod doctor;
mod endorse;
mod explain;
mod fsck;
pub(crate) mod git_sign;
mod govern;
mod init;
mod inspect;
mod issuer;
mod key;
mod log;
mod login;
mod man;
mod oci;
mod principal;
mod profile;
mod request;
mod restore;
mod serve;
mod server;
mod sign;
pub(crate) mod signerd;
mod sigstore;
mod sigstore_conformance;
mod trust;
mod tuf_conformance;
mod upgrade;
mod verify;
mod whoami;
mod witness;

use clap::Subcommand;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::Terminal;

/// What avouch can be told to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Show the whole cycle on this machine, with nothing configured
    Demo(demo::DemoArgs),
    /// Make a data folder: keys, registry, certificates, first client
    Init(init::InitArgs),
    /// Run the key process and the server of a data folder
    Serve(serve::ServeArgs),
    /// Run the key process alone, under an init system of its own
    Signerd(signerd::SignerdArgs),
    /// Run the server alone
    #[command(hide = true)]
    Server(server::ServerArgs),
    /// Sign files
    Sign(sign::SignArgs),
    /// Write a list of files with their digests, to be signed in their stead
    Checksums(checksums::ChecksumsArgs),
    /// Say something about files: an in-toto attestation, such as a bill of materials or a provenance
    Attest(attest::AttestArgs),
    /// Container images: sign, attest, verify and inspect them where they are, copy what is attached to them
    Oci(oci::OciArgs),
    /// Sign commits and tags, as git calls `ssh-keygen` (`gpg.ssh.program`)
    GitSign(git_sign::GitSignArgs),
    /// The same, as git calls `gpgsm` (`gpg.x509.program`)
    #[command(hide = true)]
    GitGpgsm(git_sign::GitGpgsmArgs),
    /// Verify a file offline, against a trust root
    Verify(verify::VerifyArgs),
    /// Show what is in a receipt, bundle, CMS signature, timestamp or trust root
    Inspect(inspect::InspectArgs),
    /// Tell the story of a signature: who, from what, by which rule, when, and what that does not prove
    Explain(explain::ExplainArgs),
    /// Show who the server thinks you are, and which profiles you may use
    Whoami(whoami::WhoamiArgs),
    /// Store how a server is reached and how you prove yourself
    Login(login::LoginArgs),
    /// Keys of the platform
    Key(key::KeyArgs),
    /// Issuers of ID tokens, whose holders sign without a key of their own
    Issuer(issuer::IssuerArgs),
    /// How the clients of Sigstore sign and verify with this platform
    Sigstore(sigstore::SigstoreArgs),
    /// What a CI job needs to sign in its own name, and whether it has it
    Ci(ci::CiArgs),
    /// Signing profiles
    Profile(profile::ProfileArgs),
    /// Who may ask
    Principal(principal::PrincipalArgs),
    /// API keys
    ApiKey(api_key::ApiKeyArgs),
    /// Requests: list and read them, take them back; put administrative ones in force
    Request(request::RequestArgs),
    /// Endorse a request, or reject it, with an SSH key
    Endorse(endorse::EndorseArgs),
    /// Let several administrators govern a platform that one person governs (solo)
    Govern(govern::GovernArgs),
    /// Read and check the transparency log
    Log(log::LogArgs),
    /// Be a witness of other people's logs, or have witnesses of this platform's
    Witness(witness::WitnessArgs),
    /// The trust root that verifiers start from
    Trust(trust::TrustArgs),
    /// Look at a configuration
    Config(config::ConfigArgs),
    /// Check that this machine and a data folder are ready
    Doctor(doctor::DoctorArgs),
    /// Copy a data folder while it is in use
    Backup(backup::BackupArgs),
    /// Put a backup into an empty folder
    Restore(restore::RestoreArgs),
    /// Say what this release would do to a data folder
    Upgrade(upgrade::UpgradeArgs),
    /// Hold the books of a data folder against each other
    Fsck(fsck::FsckArgs),
    /// Print completions for a shell
    Completions(completions::CompletionsArgs),
    /// Write the manual pages
    Man(man::ManArgs),
    /// Speak the protocol of the public conformance suite for clients of Sigstore
    #[command(hide = true)]
    SigstoreConformance(sigstore_conformance::ConformanceArgs),
    /// Speak the protocol of the public conformance suite for clients of TUF
    #[command(hide = true)]
    TufConformance(tuf_conformance::TufConformanceArgs),
}

impl Verb {
    /// Does it.
    pub(crate) fn run(self, terminal: Terminal) -> Result<Exit, Failure> {
        match self {
            Self::Demo(args) => demo::run(&args, terminal),
            Self::Init(args) => init::run(&args, terminal),
            Self::Serve(args) => serve::run(&args, terminal),
            Self::Signerd(args) => signerd::run(args, terminal),
            Self::Server(args) => server::run(&args),
            Self::Sign(args) => sign::run(&args, terminal),
            Self::Checksums(args) => checksums::run(&args, terminal),
            Self::Attest(args) => attest::run(&args, terminal),
            Self::Oci(args) => oci::run(&args, terminal),
            Self::GitSign(args) => git_sign::run(&args),
            Self::GitGpgsm(args) => git_sign::run_gpgsm(&args),
            Self::Verify(args) => verify::run(&args, terminal),
            Self::Inspect(args) => inspect::run(&args, terminal),
            Self::Explain(args) => explain::run(&args, terminal),
            Self::Whoami(args) => whoami::run(&args, terminal),
            Self::Login(args) => login::run(&args, terminal),
            Self::Key(args) => key::run(&args, terminal),
            Self::Issuer(args) => issuer::run(&args, terminal),
            Self::Sigstore(args) => sigstore::run(&args, terminal),
            Self::Ci(args) => ci::run(&args, terminal),
            Self::Profile(args) => profile::run(&args, terminal),
            Self::Principal(args) => principal::run(&args, terminal),
            Self::ApiKey(args) => api_key::run(&args, terminal),
            Self::Request(args) => request::run(&args, terminal),
            Self::Endorse(args) => endorse::run(&args, terminal),
            Self::Govern(args) => govern::run(&args, terminal),
            Self::Log(args) => log::run(&args, terminal),
            Self::Witness(args) => witness::run(&args, terminal),
            Self::Trust(args) => trust::run(&args, terminal),
            Self::Config(args) => config::run(&args, terminal),
            Self::Doctor(args) => doctor::run(&args, terminal),
            Self::Backup(args) => backup::run(&args, terminal),
            Self::Restore(args) => restore::run(&args, terminal),
            Self::Upgrade(args) => upgrade::run(&args, terminal),
            Self::Fsck(args) => fsck::run(&args, terminal),
            Self::Completions(args) => completions::run(&args, terminal),
            Self::Man(args) => man::run(&args, terminal),
            Self::SigstoreConformance(args) => sigstore_conformance::run(&args, terminal),
            Self::TufConformance(args) => tuf_conformance::run(&args, terminal),
        }
    }
}

/// JSON for programs, indented, because people look at it too.
pub(crate) fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(value).expect("avouch's own types always encode as JSON")
}
