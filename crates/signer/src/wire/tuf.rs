//! TUF metadata, as the key process tells of it.

use envelope::tuf::Named;
use model::layout::{LayoutError, Reader, Writer};
use model::{Instant, KeyId, TufRole, limits};

use crate::TufVersion;

/// More versions than there ever are: every root, and one of each other role.
const VERSIONS_MAX: usize = 1 << 16;

/// The signatures of one version.
const SIGNATURES_MAX: usize = 16;

pub(crate) fn put_versions(writer: &mut Writer, versions: &[TufVersion]) {
    writer.list(versions, |writer, one| {
        writer.bytes(one.role.word().as_bytes()).long(one.version).long(one.expires.nanoseconds());
        writer.option(one.names, |writer, named| named.put(writer));
        writer.list(&one.signatures, |writer, (key, signature)| {
            writer.digest(key.digest()).bytes(signature);
        });
    });
}

pub(crate) fn take_versions(reader: &mut Reader<'_>) -> Result<Vec<TufVersion>, LayoutError> {
    reader.list("TUF versions", VERSIONS_MAX, |reader| {
        Ok(TufVersion {
            role: take_role(reader)?,
            version: reader.long("version")?,
            expires: Instant::from_nanoseconds(reader.long("expires")?),
            names: reader.option("names", Named::take)?,
            signatures: reader.list("signatures", SIGNATURES_MAX, |reader| {
                let key = KeyId::new(reader.digest("key")?);
                let signature = reader.bytes("signature", limits::SIGNATURE_BYTES_MAX)?.to_vec();
                Ok::<_, LayoutError>((key, signature))
            })?,
        })
    })
}

fn take_role(reader: &mut Reader<'_>) -> Result<TufRole, LayoutError> {
    let field = "role";
    reader.text(field, limits::NAME_BYTES_MAX)?.parse().map_err(|_| LayoutError::Value { field })
}
