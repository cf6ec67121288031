//! What a module says of its hardware token.

use model::Algorithm;
use model::layout::{LayoutError, Reader, Writer};

/// The longest text that a module says of itself: PKCS #11 has no field of more than 64 bytes.
const TEXT_BYTES_MAX: usize = 256;

/// A hardware token, as its module describes it. None of it is proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HardwareToken {
    /// Its label.
    pub label: String,
    /// Who made it.
    pub manufacturer: String,
    /// Its model.
    pub model: String,
    /// Its serial number.
    pub serial: String,
    /// The module's description of itself, with its version.
    pub module: String,
    /// Which keys it makes.
    pub algorithms: Vec<Algorithm>,
    /// How many sessions are open, if the module says so.
    pub sessions_open: Option<u64>,
    /// How many there may be, if the module says so.
    pub sessions_max: Option<u64>,
}

impl HardwareToken {
    /// How many sessions can still be opened, if the module says so.
    pub fn sessions_free(&self) -> Option<u64> {
        Some(self.sessions_max?.saturating_sub(self.sessions_open?))
    }

    pub(crate) fn put(&self, writer: &mut Writer) {
        for text in [&self.label, &self.manufacturer, &self.model, &self.serial, &self.module] {
            let end = text.floor_char_boundary(TEXT_BYTES_MAX.min(text.len()));
            writer.bytes(&text.as_bytes()[..end]);
        }
        writer.list(&self.algorithms, |writer, algorithm| {
            writer.bytes(algorithm.word().as_bytes());
        });
        for count in [self.sessions_open, self.sessions_max] {
            writer.option(count, |writer, count| {
                writer.long(count);
            });
        }
    }

    pub(crate) fn take(reader: &mut Reader<'_>) -> Result<Self, LayoutError> {
        let mut text = || Ok(reader.text("text", TEXT_BYTES_MAX)?.to_owned());
        let (label, manufacturer, model, serial, module) = (text()?, text()?, text()?, text()?, text()?);
        let algorithm = |reader: &mut Reader<'_>| {
            let word = reader.text("algorithm", 64)?;
            word.parse().map_err(|_| LayoutError::Value { field: "algorithm" })
        };
        Ok(Self {
            label,
            manufacturer,
            model,
            serial,
            module,
            algorithms: reader.list("algorithms", Algorithm::ALL.len(), algorithm)?,
            sessions_open: reader.option("sessions", |reader| reader.long("sessions"))?,
            sessions_max: reader.option("sessions", |reader| reader.long("sessions"))?,
        })
    }
}
