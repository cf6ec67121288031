//! Return values of PKCS #11, as faults.

use cryptoki::error::{Error, RvError};

use crate::pkcs11::fault::LaneFault;

/// A refusal under a name that PKCS #11 has for it.
pub(super) fn because(action: &str, code: &str) -> LaneFault {
    LaneFault::Refused { action: action.to_owned(), code: code.to_owned() }
}

/// What the module says when it was asked for something.
///
/// Some return values are about what was asked, and come again for the same; every other says that module, token or
/// session are in a state that nobody knows, which a new process does not inherit.
pub(super) fn fault(action: &'static str) -> impl Fn(Error) -> LaneFault {
    move |error| {
        let (code, lasting) = match &error {
            Error::Pkcs11(value, _) => (name(value), is_lasting(value)),
            Error::NullFunctionPointer | Error::NotSupported => {
                ("CKR_FUNCTION_NOT_SUPPORTED".to_owned(), true)
            }
            other => (other.to_string(), false),
        };
        if lasting { because(action, &code) } else { LaneFault::Gone { action: action.to_owned(), code } }
    }
}

const fn is_lasting(value: &RvError) -> bool {
    matches!(
        value,
        RvError::ActionProhibited
            | RvError::AttributeReadOnly
            | RvError::AttributeTypeInvalid
            | RvError::AttributeValueInvalid
            | RvError::CurveNotSupported
            | RvError::DataInvalid
            | RvError::DataLenRange
            | RvError::DomainParamsInvalid
            | RvError::FunctionNotSupported
            | RvError::KeyFunctionNotPermitted
            | RvError::KeySizeRange
            | RvError::KeyTypeInconsistent
            | RvError::MechanismInvalid
            | RvError::MechanismParamInvalid
            | RvError::SessionCount
            | RvError::TemplateIncomplete
            | RvError::TemplateInconsistent
            | RvError::TokenWriteProtected
            | RvError::UserPinNotInitialized
    )
}

/// Is it about the algorithm?
pub(super) const fn is_unable(value: &RvError) -> bool {
    matches!(
        value,
        RvError::MechanismInvalid
            | RvError::CurveNotSupported
            | RvError::KeySizeRange
            | RvError::FunctionNotSupported
    )
}

/// The name in PKCS #11: `TokenNotPresent` is `CKR_TOKEN_NOT_PRESENT`.
fn name(value: &RvError) -> String {
    let mut name = "CKR".to_owned();
    for character in format!("{value:?}").chars() {
        if character.is_ascii_uppercase() {
            name.push('_');
        }
        name.push(character.to_ascii_uppercase());
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_return_value_is_told_by_its_name_in_the_standard() {
        assert_eq!(name(&RvError::TokenNotPresent), "CKR_TOKEN_NOT_PRESENT");
        assert_eq!(name(&RvError::PinIncorrect), "CKR_PIN_INCORRECT");
    }
}
