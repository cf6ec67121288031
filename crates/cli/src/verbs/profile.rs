//! `avouch profile`: signing profiles.

use std::path::PathBuf;

use api::ProfileVersion;
use clap::{Args, Subcommand};
use model::{Class, Form, Logging, Profile, ProfileKey, Space, Timestamping};

use crate::context::FolderArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::Terminal;

/// The flags of `avouch profile`.
#[derive(Debug, Args)]
pub(crate) struct ProfileArgs {
    #[command(subcommand)]
    verb: ProfileVerb,
}

#[derive(Debug, Subcommand)]
enum ProfileVerb {
    /// List the profiles in force
    #[command(after_help = "Example:\n  avouch profile list --dir /var/lib/avouch")]
    List {
        #[command(flatten)]
        folder: FolderArgs,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show a profile
    #[command(after_help = "Example:\n  avouch profile show default")]
    Show {
        /// Its name
        name: Space,
        #[command(flatten)]
        folder: FolderArgs,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Put a version of a profile into force
    #[command(
        after_help = "Examples:\n  avouch profile create payments/api --class release --key cms=payments/cms --key blob=payments/blob\n  avouch profile create --file profile.json"
    )]
    Create(Create),
}

#[derive(Debug, Args)]
struct Create {
    /// Its name, with the space it lives in
    #[arg(required_unless_present = "file")]
    name: Option<Space>,
    /// The decision that its signatures support
    #[arg(long, default_value = "release")]
    class: Class,
    /// A key and the form it signs, such as `blob=payments/blob`; one for each form
    #[arg(long = "key", value_name = "FORM=KEY", value_parser = profile_key, required_unless_present = "file")]
    keys: Vec<ProfileKey>,
    /// Signatures without timestamp token
    #[arg(long)]
    without_timestamp: bool,
    /// Signatures without log entry
    #[arg(long)]
    without_log: bool,
    /// The whole profile as JSON, as `avouch profile show --json` has it under `profile`, instead of flags
    #[arg(long, conflicts_with_all = ["keys", "name"])]
    file: Option<PathBuf>,
    #[command(flatten)]
    folder: FolderArgs,
}

fn profile_key(text: &str) -> Result<ProfileKey, String> {
    let (form, key) = text.split_once('=').ok_or("use FORM=KEY, such as `blob=payments/blob`")?;
    let form: Form = form.parse().map_err(|cause| format!("{cause}"))?;
    let key: Space = key.parse().map_err(|cause| format!("{cause}"))?;
    Ok(ProfileKey { form, key })
}

pub(super) fn run(args: &ProfileArgs, terminal: Terminal) -> Result<Exit, Failure> {
    match &args.verb {
        ProfileVerb::List { folder, json } => {
            let profiles = list(folder)?;
            if *json {
                terminal.line(super::json(&profiles));
            } else {
                profiles.iter().for_each(|version| show(version, terminal));
            }
        }
        ProfileVerb::Show { name, folder, json } => {
            let found = list(folder)?.into_iter().find(|version| version.profile.name == *name);
            let found = found.ok_or_else(|| Failure::Usage {
                what: format!("there is no profile `{name}`"),
                advice: "`avouch profile list` shows all profiles",
            })?;
            if *json { terminal.line(super::json(&found)) } else { show(&found, terminal) }
        }
        ProfileVerb::Create(create) => {
            let profile = create.profile()?;
            let admin = create.folder.admin()?;
            let version = crate::online::call(admin.put_profile(&profile))?;
            show(&version, terminal);
        }
    }
    Ok(Exit::Done)
}

impl Create {
    fn profile(&self) -> Result<Profile, Failure> {
        if let Some(path) = &self.file {
            let bytes = crate::files::read_bounded(path, 64 * 1024)?;
            return serde_json::from_slice(&bytes)
                .map_err(Failure::input(path.display().to_string(), "a profile"));
        }
        let name = self.name.clone().ok_or_else(|| Failure::Usage {
            what: "the profile has no name".to_owned(),
            advice: "name it, or bring the whole profile with `--file`",
        })?;
        Ok(Profile {
            name,
            class: self.class,
            keys: self.keys.clone(),
            timestamp: if self.without_timestamp { Timestamping::None } else { Timestamping::Rfc3161 },
            log: if self.without_log { Logging::None } else { Logging::Transparency },
        })
    }
}

fn list(folder: &FolderArgs) -> Result<Vec<ProfileVersion>, Failure> {
    let admin = folder.admin()?;
    crate::online::call(async {
        let (mut all, mut after): (Vec<ProfileVersion>, Option<Space>) = (Vec::new(), None);
        loop {
            let page = admin.profiles(after.as_ref()).await?;
            all.extend(page.items);
            match page.next.and_then(|next| next.parse().ok()) {
                Some(next) => after = Some(next),
                None => return Ok::<_, client::ClientError>(all),
            }
        }
    })
}

fn show(version: &ProfileVersion, terminal: Terminal) {
    let profile = &version.profile;
    let keys: Vec<String> = profile.keys.iter().map(|key| format!("{}={}", key.form, key.key)).collect();
    let timestamp = if profile.timestamp == Timestamping::None { ", no timestamp" } else { "" };
    let log = if profile.log == Logging::None { ", no log entry" } else { "" };
    terminal.line(format_args!(
        "{}  {}  {}{timestamp}{log}  {}",
        terminal.bold(profile.name.as_str()),
        profile.class,
        keys.join(" "),
        terminal.dim(&format!("version {}", version.version))
    ));
}
