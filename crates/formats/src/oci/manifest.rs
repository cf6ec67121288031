//! Manifests: of one image or artifact, and indexes of several.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::descriptor::{Descriptor, or_none};

/// A manifest: registries take no longer one.
pub const MANIFEST_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The media type of an image's manifest.
pub const MEDIA_IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";
/// The media type of an index.
pub const MEDIA_INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// What docker called an image's manifest.
const DOCKER_IMAGE: &str = "application/vnd.docker.distribution.manifest.v2+json";
/// What docker called an index.
const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";

/// The manifests that are read, as a registry is asked for them.
pub const ACCEPTED: &str = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.v2+json, application/vnd.docker.distribution.manifest.list.v2+json";

/// A manifest that was read: well formed, and nothing in it is believed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Manifest {
    /// Of one image or artifact.
    Image(Image),
    /// Of several, most often one a platform.
    Index(Index),
}

/// The manifest of one image or artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// The media type that it has.
    pub media_type: String,
    /// What it is, where that is no image.
    pub artifact_type: Option<String>,
    /// Its configuration.
    pub config: Descriptor,
    /// What it consists of.
    pub layers: Vec<Descriptor>,
    /// What it refers to.
    pub subject: Option<Descriptor>,
    /// What is said of it.
    pub annotations: BTreeMap<String, String>,
}

/// A list of manifests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    /// The media type that it has.
    pub media_type: String,
    /// The manifests.
    pub manifests: Vec<Descriptor>,
    /// What it refers to.
    pub subject: Option<Descriptor>,
    /// What is said of it.
    pub annotations: BTreeMap<String, String>,
}

/// Why bytes are not a manifest.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// More bytes than registries take.
    #[error("a manifest of {length} bytes, where at most {MANIFEST_BYTES_MAX} are read")]
    TooLong {
        /// How many there are.
        length: usize,
    },
    /// Not the JSON of a manifest.
    #[error("not a manifest")]
    Json(#[source] serde_json::Error),
    /// Of a kind or a version that is not read.
    #[error("a manifest of version {version} and media type `{media_type}`, which is not read")]
    Unknown {
        /// Its version.
        version: u32,
        /// What it says it is.
        media_type: String,
    },
    /// Two readers would see two things.
    #[error(
        "a manifest whose `{field}` does not go with its media type: others may read something else in it"
    )]
    Ambiguous {
        /// What does not belong there.
        field: &'static str,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Wire {
    pub(super) schema_version: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) media_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) artifact_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) config: Option<Descriptor>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) layers: Option<Vec<Descriptor>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) manifests: Option<Vec<Descriptor>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) subject: Option<Descriptor>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "or_none")]
    pub(super) annotations: BTreeMap<String, String>,
}

impl Manifest {
    /// Reads a manifest that came with this media type.
    ///
    /// CVE-2021-41190: bytes that are a manifest to one reader and an index to another have one digest and two meanings.
    /// So the media types outside and inside must agree, and no field of the one kind may stand in the other.
    pub fn parse(bytes: &[u8], content_type: Option<&str>) -> Result<Self, ManifestError> {
        if bytes.len() > MANIFEST_BYTES_MAX {
            return Err(ManifestError::TooLong { length: bytes.len() });
        }
        let wire: Wire = serde_json::from_slice(bytes).map_err(ManifestError::Json)?;
        let outside = content_type.map(|kind| kind.split(';').next().unwrap_or_default().trim());
        let outside = outside.filter(|kind| is_image(kind) || is_index(kind));
        let inside = wire.media_type.as_deref();
        if let (Some(outside), Some(inside)) = (outside, inside)
            && outside != inside
        {
            return Err(ManifestError::Ambiguous { field: "mediaType" });
        }
        let media_type = inside.or(outside).unwrap_or_default().to_owned();
        if wire.schema_version == 2 && is_image(&media_type) {
            return wire.into_image(media_type).map(Self::Image);
        }
        if wire.schema_version == 2 && is_index(&media_type) {
            return wire.into_index(media_type).map(Self::Index);
        }
        let media_type = media_type.chars().filter(|c| !c.is_control()).take(128).collect();
        Err(ManifestError::Unknown { version: wire.schema_version, media_type })
    }

    /// The media type.
    pub fn media_type(&self) -> &str {
        match self {
            Self::Image(image) => &image.media_type,
            Self::Index(index) => &index.media_type,
        }
    }

    /// What it refers to.
    pub const fn subject(&self) -> Option<&Descriptor> {
        match self {
            Self::Image(image) => image.subject.as_ref(),
            Self::Index(index) => index.subject.as_ref(),
        }
    }
}

fn is_image(media_type: &str) -> bool {
    matches!(media_type, MEDIA_IMAGE | DOCKER_IMAGE)
}

fn is_index(media_type: &str) -> bool {
    matches!(media_type, MEDIA_INDEX | DOCKER_LIST)
}

impl Wire {
    fn into_image(self, media_type: String) -> Result<Image, ManifestError> {
        let Self { artifact_type, config, layers, manifests, subject, annotations, .. } = self;
        let ambiguous = |field| ManifestError::Ambiguous { field };
        if manifests.is_some() {
            return Err(ambiguous("manifests"));
        }
        let config = config.ok_or(ambiguous("config"))?;
        let layers = layers.ok_or(ambiguous("layers"))?;
        Ok(Image { media_type, artifact_type, config, layers, subject, annotations })
    }

    fn into_index(self, media_type: String) -> Result<Index, ManifestError> {
        let Self { config, layers, manifests, subject, annotations, .. } = self;
        let ambiguous = |field| ManifestError::Ambiguous { field };
        if config.is_some() {
            return Err(ambiguous("config"));
        }
        if layers.is_some() {
            return Err(ambiguous("layers"));
        }
        let manifests = manifests.ok_or(ambiguous("manifests"))?;
        Ok(Index { media_type, manifests, subject, annotations })
    }
}

impl Image {
    /// What it is: its artifact type, or as was before there were any, the media type of its configuration.
    pub fn kind(&self) -> &str {
        self.artifact_type.as_deref().unwrap_or(&self.config.media_type)
    }

    /// The JSON.
    pub fn encode(&self) -> Vec<u8> {
        let wire = Wire {
            schema_version: 2,
            media_type: Some(self.media_type.clone()),
            artifact_type: self.artifact_type.clone(),
            config: Some(self.config.clone()),
            layers: Some(self.layers.clone()),
            manifests: None,
            subject: self.subject.clone(),
            annotations: self.annotations.clone(),
        };
        serde_json::to_vec(&wire).expect("strings, integers and lists always encode as JSON")
    }
}

impl Index {
    /// One that lists nothing.
    pub fn empty() -> Self {
        let media_type = MEDIA_INDEX.to_owned();
        Self { media_type, manifests: Vec::new(), subject: None, annotations: BTreeMap::new() }
    }

    /// The JSON.
    pub fn encode(&self) -> Vec<u8> {
        let wire = Wire {
            schema_version: 2,
            media_type: Some(self.media_type.clone()),
            artifact_type: None,
            config: None,
            layers: None,
            manifests: Some(self.manifests.clone()),
            subject: self.subject.clone(),
            annotations: self.annotations.clone(),
        };
        serde_json::to_vec(&wire).expect("strings, integers and lists always encode as JSON")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "a test may stop at the first surprise")]
    use super::*;

    const DIGEST: &str = "sha256:c9c5d7e1d2d042e9b5b8b2d5e0ef033b5e2574c2d9a5571ea11c1ab2b731ee01";

    fn image(more: &str) -> String {
        format!(
            r#"{{"schemaVersion":2,"mediaType":"{MEDIA_IMAGE}","config":{{"mediaType":"c","size":2,"digest":"{DIGEST}"}},"layers":[]{more}}}"#
        )
    }

    /// CVE-2021-41190: one digest had two meanings.
    #[test]
    fn a_manifest_that_others_could_read_as_an_index_is_refused() {
        let good = Manifest::parse(image("").as_bytes(), Some(MEDIA_IMAGE)).unwrap();
        assert!(matches!(good, Manifest::Image(_)));
        let parse = |text: &str, kind: Option<&str>| Manifest::parse(text.as_bytes(), kind);
        assert!(matches!(
            parse(&image(r#","manifests":[]"#), None),
            Err(ManifestError::Ambiguous { field: "manifests" })
        ));
        assert!(matches!(
            parse(&image(""), Some(MEDIA_INDEX)),
            Err(ManifestError::Ambiguous { field: "mediaType" })
        ));
        let index =
            format!(r#"{{"schemaVersion":2,"mediaType":"{MEDIA_INDEX}","manifests":[],"layers":[]}}"#);
        assert!(matches!(parse(&index, None), Err(ManifestError::Ambiguous { field: "layers" })));
        let twice = image(r#","layers":[]"#);
        assert!(matches!(parse(&twice, None), Err(ManifestError::Json(_))), "one field stands there twice");
        let first = r#"{"schemaVersion":1,"name":"a"}"#;
        assert!(matches!(parse(first, None), Err(ManifestError::Unknown { version: 1, .. })));
        let long = vec![b' '; MANIFEST_BYTES_MAX + 1];
        assert!(matches!(Manifest::parse(&long, None), Err(ManifestError::TooLong { .. })));
    }

    #[test]
    fn what_others_said_in_a_list_is_written_again_as_it_was() {
        let text = format!(
            r#"{{"schemaVersion":2,"mediaType":"{MEDIA_INDEX}","manifests":[{{"mediaType":"m","size":7,"digest":"{DIGEST}","artifactType":"t","annotations":{{"a":"b"}},"platform":{{"os":"linux","architecture":"arm64"}},"urls":["u"]}},{{"mediaType":"m","size":7,"digest":"sha512:00"}}]}}"#
        );
        let Manifest::Index(index) = Manifest::parse(text.as_bytes(), None).unwrap() else {
            panic!("an index")
        };
        assert_eq!(index.manifests[0].platform().as_deref(), Some("linux/arm64"));
        let again = Manifest::parse(&index.encode(), None).unwrap();
        assert_eq!(again, Manifest::Index(index.clone()));
        let value = |text: &[u8]| serde_json::from_slice::<serde_json::Value>(text).unwrap();
        assert_eq!(value(&index.encode()), value(text.as_bytes()));
    }
}
