//! What is signed beside the content, in the forms that have such.

use api::KeyView;
use clap::Args;
use model::{Form, Instant, Parameters, SignatureOf};

use crate::failure::Failure;
use crate::reading::ReadFile;

/// What whoever signs says of it.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ParameterArgs {
    /// What a minisign signature says in words, its trusted comment; otherwise time and file name, as minisign puts them
    #[arg(long, value_name = "TEXT")]
    trusted_comment: Option<String>,
    /// The namespace of an SSH signature; otherwise the first in which the key signs
    #[arg(long, value_name = "NAMESPACE")]
    namespace: Option<String>,
    /// A key of OpenPGP signs the file as a text, and both come into one file, NAME.asc: for InRelease, and .prov of Helm
    #[arg(long)]
    pub(crate) clearsign: bool,
}

impl ParameterArgs {
    /// The parameters of a file's item for this key.
    pub(crate) fn of(&self, key: &KeyView, file: &ReadFile, now: Instant) -> Result<Parameters, Failure> {
        match key.form {
            Form::Minisign => {
                let usual = || format!("timestamp:{}\tfile:{}\thashed", now.seconds(), file.name);
                let comment = self.trusted_comment.clone().unwrap_or_else(usual);
                Ok(Parameters { trusted_comment: Some(comment), ..Parameters::default() })
            }
            Form::Dsse => {
                let payload_type = Some(envelope::dsse::IN_TOTO.to_owned());
                Ok(Parameters { payload_type, ..Parameters::default() })
            }
            Form::SshSig => {
                let first = key.namespaces.first();
                let namespace = self.namespace.as_ref().or(first).ok_or_else(|| Failure::Usage {
                    what: format!("key `{}` signs in no namespace", key.key.name),
                    advice: "name one of the key's with `--namespace`",
                })?;
                Ok(Parameters { namespace: Some(namespace.clone()), ..Parameters::default() })
            }
            Form::OpenPgp => {
                let of = if file.text.is_some() { SignatureOf::Text } else { SignatureOf::Binary };
                Ok(Parameters { signature_of: Some(of), ..Parameters::default() })
            }
            _ => Ok(Parameters::default()),
        }
    }
}
