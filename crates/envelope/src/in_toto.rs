//! In-toto statements ([attestation framework v1](https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md)):
//! what they are about, what kind of claim they make, and whether the claim is shaped as its kind says.
//!
//! A statement that was read names at least one artifact by a digest that means something. The kinds of claims that are
//! looked into stand in one list, [`PredicateKind::ALL`]; any other is taken as it is, by its URI.

mod json;
mod predicate;
mod statement;

pub use json::{DEPTH_MAX, JsonError, VALUES_MAX};
pub use predicate::{Breadth, PredicateError, PredicateKind, PredicateType};
pub use statement::{STATEMENT_V1, SUBJECTS_MAX, Statement, StatementError, Subject};

/// The format of an item whose content is a statement: it is about a file, and does not live in it.
pub const FORMAT: &str = "in-toto";
