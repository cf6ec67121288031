//! An administrator's SSH key: the signature of the one who answers for a change of the registry.
//!
//! Two ways lead to it. A key that `init` made lies encrypted in `DIR/admin`; it is opened with its passphrase and
//! signs here. Any other key (in an agent, on a hardware token) signs through `ssh-keygen -Y sign`, and its private
//! half is never seen.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use aws_lc_rs::signature::Ed25519KeyPair;
use data_encoding::BASE64;
use envelope::sshsig::{self, Holder, SshKey, SshSig};
use model::{Base64, Digest, Hash, Instant, PlatformId, PrincipalId};
use quorum::{Decision, Endorsement, Proof, SSH_NAMESPACE, Touch};
use ssh_key::private::{Ed25519Keypair, KeypairData};
use ssh_key::{Cipher, Kdf, LineEnding, PrivateKey};
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::random;

/// Rounds of bcrypt: what `ssh-keygen` of today takes.
const BCRYPT_ROUNDS: u32 = 24;

/// A key that makes endorsements.
#[derive(Debug)]
pub(crate) struct EndorsingKey {
    public: SshKey,
    hand: Hand,
}

/// Who makes the signature.
#[derive(Debug)]
enum Hand {
    /// This process, with the private key in its memory.
    Own(Box<PrivateKey>),
    /// `ssh-keygen`, which asks an agent, a hardware token, or the private key beside this file.
    Keygen(PathBuf),
}

impl EndorsingKey {
    /// Makes an Ed25519 key.
    pub(crate) fn generate(comment: &str) -> Self {
        let seed = Zeroizing::new(random::bytes::<32>());
        let pair = Ed25519Keypair::from_seed(&seed);
        let private =
            PrivateKey::new(KeypairData::Ed25519(pair), comment).expect("an Ed25519 pair is a whole key");
        let wire = private.public_key().to_bytes().expect("a public key that was just made always encodes");
        let public = SshKey::from_wire(&wire).expect("an Ed25519 key is one that the registry takes");
        Self { public, hand: Hand::Own(Box::new(private)) }
    }

    /// Writes the private key, encrypted, and the public key beside it. Only the user may read the former.
    pub(crate) fn save(&self, path: &Path, passphrase: &str) -> Result<(), Failure> {
        let Hand::Own(private) = &self.hand else { return Ok(()) };
        let kdf = Kdf::Bcrypt { salt: random::bytes::<16>().to_vec(), rounds: BCRYPT_ROUNDS };
        let checkint = u32::from_be_bytes(random::bytes());
        let inside = Failure::inside("encrypt the administrator's key");
        let encrypted = private.encrypt_with(Cipher::Aes256Ctr, kdf, checkint, passphrase).map_err(inside)?;
        let pem =
            encrypted.to_openssh(LineEnding::LF).map_err(Failure::inside("write the administrator's key"))?;
        crate::files::write_private(path, pem.as_bytes())?;
        crate::files::write(&path.with_extension("pub"), format!("{}\n", self.line()).as_bytes())
    }

    /// The key whose public half is in this file: opened with a passphrase where `init` made it, else by way of
    /// `ssh-keygen`.
    pub(crate) fn open(public_file: &Path, passphrase_file: Option<&Path>) -> Result<Self, Failure> {
        let text = fs::read_to_string(public_file).map_err(Failure::file("read", public_file))?;
        let not_a_key =
            Failure::input(public_file.display().to_string(), "an SSH public key that can endorse");
        let public = SshKey::from_line(text.trim()).map_err(not_a_key)?;
        let hand = match passphrase_file {
            None => Hand::Keygen(public_file.to_owned()),
            Some(passphrase_file) => {
                Hand::Own(Box::new(unlock(&public_file.with_extension(""), passphrase_file)?))
            }
        };
        Ok(Self { public, hand })
    }

    /// The key in SSH wire format, as the registry holds it.
    pub(crate) fn wire(&self) -> Base64 {
        Base64(self.public.to_wire())
    }

    /// The line of an `authorized_keys` file.
    pub(crate) fn line(&self) -> String {
        self.public.to_line()
    }

    /// Keys on hardware tokens are touched for each signature.
    pub(crate) fn touch(&self) -> Touch {
        match self.public.holder() {
            Holder::Token { .. } => Touch::Required,
            _ => Touch::NotRequired,
        }
    }

    /// Endorses, or rejects, a request digest.
    pub(crate) fn endorse(
        &self,
        platform: &PlatformId,
        request: &Digest,
        decision: Decision,
        principal: PrincipalId,
        time: Instant,
    ) -> Result<Endorsement, Failure> {
        let message = quorum::message(platform, request, decision, &principal, None, time);
        let armored = match &self.hand {
            Hand::Own(private) => self.sign(private, message.as_bytes())?,
            Hand::Keygen(public_file) => sign_with_keygen(public_file, message.as_bytes())?,
        };
        let blob = blob("the answer", &armored)?;
        // INVARIANT: a signature that does not verify never leaves.
        let sealed = SshSig::from_blob(&blob).map_err(Failure::inside("read the new SSH signature"))?;
        sealed
            .verify(SSH_NAMESPACE, message.as_bytes(), &self.public)
            .map_err(Failure::inside("verify the new SSH signature"))?;
        Ok(Endorsement {
            principal,
            decision,
            facet: None,
            time,
            proof: Proof::Ssh { signature: Base64(blob) },
        })
    }

    /// Signs with the one crypto library.
    fn sign(&self, private: &PrivateKey, message: &[u8]) -> Result<String, Failure> {
        const ACTION: &str = "sign with the administrator's key";
        let pair = private.key_data().ed25519().ok_or_else(|| Failure::Usage {
            what: "only an Ed25519 key can sign here".to_owned(),
            advice: "leave the passphrase file out, so that `ssh-keygen` signs",
        })?;
        let seed = Zeroizing::new(pair.private.to_bytes());
        let signer = Ed25519KeyPair::from_seed_unchecked(seed.as_ref()).map_err(Failure::inside(ACTION))?;
        let signature = signer.sign(&sshsig::signed_data(SSH_NAMESPACE, Hash::Sha512, message));
        sshsig::seal(&self.public, SSH_NAMESPACE, Hash::Sha512, signature.as_ref())
            .map_err(Failure::inside(ACTION))
    }
}

fn unlock(private_file: &Path, passphrase_file: &Path) -> Result<PrivateKey, Failure> {
    let passphrase = fs::read_to_string(passphrase_file).map_err(Failure::file("read", passphrase_file))?;
    let passphrase = Zeroizing::new(passphrase);
    let pem = fs::read(private_file).map_err(Failure::file("read", private_file))?;
    let not_a_key = Failure::input(private_file.display().to_string(), "an OpenSSH private key");
    let locked = PrivateKey::from_openssh(&pem).map_err(not_a_key)?;
    if !locked.is_encrypted() {
        return Ok(locked);
    }
    locked.decrypt(passphrase.trim_end()).map_err(|_| Failure::Usage {
        what: format!(
            "the passphrase in `{}` does not open `{}`",
            passphrase_file.display(),
            private_file.display()
        ),
        advice: "give the passphrase that was printed when the key was made",
    })
}

fn sign_with_keygen(public_file: &Path, message: &[u8]) -> Result<String, Failure> {
    let failed = |fault: String| Failure::Process { process: "`ssh-keygen -Y sign`", fault };
    let mut child = Command::new("ssh-keygen")
        .args(["-Y", "sign", "-n", SSH_NAMESPACE, "-f"])
        .arg(public_file)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .map_err(|cause| failed(format!("cannot be started: {cause}; install OpenSSH's client")))?;
    let mut stdin = child.stdin.take().expect("the standard input was asked for as a pipe");
    stdin.write_all(message).map_err(|cause| failed(format!("does not take the message: {cause}")))?;
    drop(stdin);
    let output = child.wait_with_output().map_err(|cause| failed(format!("broke off: {cause}")))?;
    if !output.status.success() {
        return Err(failed(
            "did not sign; is the key in the agent, or its private half beside the public file? For a key that \
             `avouch init` made, name the file with its passphrase (`--help` says how)"
                .to_owned(),
        ));
    }
    String::from_utf8(output.stdout)
        .map_err(|_| failed("answered with something that is no signature".to_owned()))
}

/// The blob inside the armor of an SSH signature.
pub(crate) fn blob(name: &str, armored: &str) -> Result<Vec<u8>, Failure> {
    let body: String = armored.lines().filter(|line| !line.starts_with("-----")).collect();
    BASE64.decode(body.trim().as_bytes()).map_err(Failure::input(name, "an SSH signature"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    #[test]
    fn a_key_that_was_saved_opens_with_its_passphrase_and_with_no_other() {
        let folder = testkit::temp_folder();
        let path = folder.path().join("administrator");
        let made = EndorsingKey::generate("administrator@test");
        made.save(&path, "correct horse").unwrap();
        let passphrase_file = folder.path().join("passphrase");
        fs::write(&passphrase_file, "correct horse\n").unwrap();
        let public_file = path.with_extension("pub");
        let opened = EndorsingKey::open(&public_file, Some(&passphrase_file)).unwrap();
        assert_eq!(opened.wire(), made.wire());

        let (platform, digest) = (PlatformId::new(Digest::of(b"p")), Digest::of(b"r"));
        let (principal, time) = (PrincipalId::new([1; 16]), Instant::from_seconds(5));
        let endorsement = opened.endorse(&platform, &digest, Decision::Endorse, principal, time).unwrap();
        let Proof::Ssh { signature } = &endorsement.proof else { unreachable!() };
        let message = endorsement.message(&platform, &digest);
        let sealed = SshSig::from_blob(&signature.0).unwrap();
        sealed.verify(SSH_NAMESPACE, message.as_bytes(), &made.public).unwrap();
        assert!(sealed.verify("git", message.as_bytes(), &made.public).is_err());

        fs::write(&passphrase_file, "wrong\n").unwrap();
        assert!(EndorsingKey::open(&public_file, Some(&passphrase_file)).is_err());
    }
}
