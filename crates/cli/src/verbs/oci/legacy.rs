//! Signatures as cosign made them before version 3, for those that look for nothing else: a payload that names the image, signed as a
//! file is, and kept under a tag.

use client::oci::{Found, RepositoryClient};
use envelope::detached;
use formats::oci::{Manifest, SimpleSigning, signature_tag, with_signature};
use formats::{Blob, Format};
use model::{Carried, Form};

use super::make::{Made, MakeArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::parameters::ParameterArgs;
use crate::reading::ReadFile;
use crate::terminal::Terminal;
use crate::verbs::sign::call::{Call, Signed, conclude};

impl MakeArgs {
    /// Signs each image so, with the profile's key of form blob.
    pub(super) fn run_legacy(
        &self,
        client: &RepositoryClient,
        images: &[Found],
        terminal: Terminal,
    ) -> Result<Exit, Failure> {
        let context = self.context.load()?;
        let server = context.client()?;
        let profile = crate::online::call(server.profile(&self.request.profile))?;
        let keys = profile.keys.iter().filter(|key| key.form != Form::Dsse);
        let carried: Vec<Carried> = keys.map(|key| key.form.carries(key.public_key.algorithm())).collect();
        let payloads: Vec<Vec<u8>> = images
            .iter()
            .map(|image| SimpleSigning::new(client.repository(), &image.digest).encode())
            .collect();
        let files = images.iter().zip(&payloads);
        let files: Vec<ReadFile> = files
            .map(|(image, payload)| self.payload(client, image, payload, &carried))
            .collect::<Result<_, _>>()?;
        let parameters = ParameterArgs::default();
        let call = Call { request: &self.request, parameters: &parameters, out: None, context: &context };
        let (view, signed) = call.sign(&server, &files)?;
        if signed.is_empty() {
            return Ok(conclude(&view, signed, self.json, terminal));
        }
        let mut made = Vec::with_capacity(images.len());
        for ((image, payload), file) in images.iter().zip(&payloads).zip(&files) {
            let digest = file.prepared.digests.sha256().to_string();
            let its = signed.iter().find(|one| one.sha256 == digest);
            made.push(keep(client, image, payload, its)?);
        }
        self.tell(&made, terminal);
        Ok(Exit::Done)
    }

    fn payload(
        &self,
        client: &RepositoryClient,
        image: &Found,
        payload: &[u8],
        carried: &[Carried],
    ) -> Result<ReadFile, Failure> {
        let name = format!("{}.simplesigning.json", client.repository().name());
        let beside = format!("{}.sha256-{}.simplesigning.json", client.repository().name(), image.digest);
        let prepared =
            Blob.prepare(&mut &payload[..], carried).map_err(Failure::inside("read what is to be signed"))?;
        Ok(ReadFile { path: Some(self.out.join(beside)), name, format: Blob.name(), prepared, text: None })
    }
}

/// Puts a signature beside those that are there.
fn keep(
    client: &RepositoryClient,
    image: &Found,
    payload: &[u8],
    signed: Option<&Signed>,
) -> Result<Made, Failure> {
    let written = signed.map(|one| one.written.clone()).unwrap_or_default();
    let suffix = detached::Kind::Signature.suffix();
    let path = written.iter().find(|path| path.to_string_lossy().ends_with(suffix));
    let path = path.ok_or_else(|| Failure::Usage {
        what: "the profile has no key of form blob, which alone signs so".to_owned(),
        advice: "name a profile that has one, or sign without `--legacy`",
    })?;
    let signature = crate::files::read_bounded(path, model::limits::SIGNATURE_BYTES_MAX)?;
    let tag = signature_tag(&image.digest);
    let digest = crate::online::go_on::<_, client::oci::OciError>(async {
        let present = client.tagged(&tag).await?.and_then(|found| match found.manifest {
            Manifest::Image(image) => Some(image),
            Manifest::Index(_) => None,
        });
        let (signatures, config) = with_signature(present, payload, &signature);
        client.put_blob(payload).await?;
        client.put_blob(&config).await?;
        let bytes = signatures.encode();
        client.put_manifest(&tag, &signatures.media_type, &bytes).await?;
        Ok(model::Digest::of(&bytes))
    })?;
    let image = client.repository().image(&image.digest);
    Ok(Made { image, attached: vec![format!("sha256:{digest}")], tag: Some(tag), written })
}
