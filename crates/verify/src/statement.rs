//! What an attestation says of a file: whether it is about this one, shaped as its kind says, and what was expected.

use envelope::dsse;
use envelope::in_toto::{PredicateType, Statement};
use model::told;

use crate::receipt::unreadable;
use crate::refused::{Fault, Gap};
use crate::sigstore::Pattern;
use crate::{Artifact, NotChecked, Part, Proven, Refused, Verified, VerifiedItem};

/// What a verifier expects of a claim. What is left open is not compared, and the verdict says so.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StatementExpectations {
    /// Must there be a claim, or will a signature of the file itself do?
    pub wanted: Wanted,
    /// The kind of claim; a predicate of it must be shaped as the kind says.
    pub predicate: Option<PredicateType>,
    /// Who must have built it, as a provenance says.
    pub builder: Option<Pattern>,
    /// The repository from which it must have been built, as a provenance says.
    pub source: Option<Pattern>,
}

/// Must there be a claim about the file?
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Wanted {
    /// A signature of the file itself will do.
    #[default]
    Whatever,
    /// A claim, and nothing else.
    Statement,
}

/// What a statement proves of a file that it is about, and what it leaves open.
pub(crate) struct About {
    pub(crate) proven: Proven,
    pub(crate) open: Vec<NotChecked>,
}

/// Reads what was signed, and finds the file in it.
pub(crate) fn about(payload_type: &str, payload: &[u8], artifact: &Artifact) -> Result<About, Refused> {
    if payload_type != dsse::IN_TOTO {
        let gap = Gap::Unsupported { what: "an envelope whose payload is no in-toto statement" };
        return Err(Refused::cannot_check(Part::Statement, gap));
    }
    let statement = Statement::parse(payload).map_err(unreadable(Part::Statement))?;
    let Some(subject) = statement.names(&artifact.digests) else {
        return Err(match statement.hash_needed(&artifact.digests) {
            Some(hash) => Refused::cannot_check(Part::File, Gap::DigestUnknown { hash }),
            None => Refused::bad(Part::File, other_subject(&statement, artifact)),
        });
    };
    let mut open = Vec::new();
    if artifact.name.as_ref().is_some_and(|name| *name != subject.name) && !subject.name.is_empty() {
        open.push(NotChecked::FileName { signed_as: subject.name.clone() });
    }
    open.push(match (statement.predicate_type.kind(), malformed(&statement)) {
        (_, Some(fault)) => NotChecked::Misshapen { fault },
        (Some(kind), None) => NotChecked::Claim { what: kind.open },
        (None, None) => NotChecked::UnknownPredicate,
    });
    Ok(About { proven: Proven::Attested { statement }, open })
}

fn other_subject(statement: &Statement, artifact: &Artifact) -> Fault {
    const SHOWN_MAX: usize = 3;
    let name = |name: &String| name.chars().filter(|c| !c.is_control()).take(64).collect();
    let mut names: Vec<String> =
        statement.subject.iter().take(SHOWN_MAX).map(|subject| name(&subject.name)).collect();
    if statement.subject.len() > SHOWN_MAX {
        names.push("…".to_owned());
    }
    Fault::OtherSubject { found: artifact.digests.sha256(), names: names.join("`, `") }
}

/// In what a predicate is not shaped as its type says.
fn malformed(statement: &Statement) -> Option<String> {
    statement.predicate_type.check(&statement.predicate).err().map(|cause| told(&cause))
}

impl Verified {
    /// Holds what is claimed to what was expected.
    pub fn expect(mut self, expected: &StatementExpectations) -> Result<Self, Refused> {
        let is_named =
            expected.predicate.is_some() || expected.builder.is_some() || expected.source.is_some();
        let statements: Vec<&Statement> = self.items.iter().filter_map(VerifiedItem::statement).collect();
        if statements.is_empty() && (is_named || expected.wanted == Wanted::Statement) {
            return Err(Refused::expectation(Fault::NoStatement));
        }
        let mut open = Vec::new();
        for statement in statements {
            expected.check(statement, &mut open)?;
        }
        self.not_checked.extend(open);
        Ok(self)
    }
}

impl StatementExpectations {
    fn check(&self, statement: &Statement, open: &mut Vec<NotChecked>) -> Result<(), Refused> {
        let (kind, predicate) = (&statement.predicate_type, &statement.predicate);
        match &self.predicate {
            Some(expected) if !kind.is_one_of(expected) => {
                return Err(unexpected("predicate type", expected, kind));
            }
            // INVARIANT: who asks for a kind of claim gets one that can be read as that kind.
            Some(_) => kind.check(predicate).map_err(|cause| {
                Refused::bad(Part::Statement, Fault::Predicate { kind: kind.clone(), cause: Box::new(cause) })
            })?,
            None => open.push(NotChecked::Expectation { what: "predicate type", found: kind.to_string() }),
        }
        let builder: Vec<&str> = kind.builder(predicate).into_iter().collect();
        compare("builder", self.builder.as_ref(), &builder, open)?;
        compare("source repository", self.source.as_ref(), &kind.sources(predicate), open)
    }
}

/// All that is said must be what is expected: whoever says two things could mean either.
fn compare(
    what: &'static str,
    expected: Option<&Pattern>,
    found: &[&str],
    open: &mut Vec<NotChecked>,
) -> Result<(), Refused> {
    let shown = |text: &str| -> String { text.chars().filter(|c| !c.is_control()).take(512).collect() };
    let Some(expected) = expected else {
        open.extend(found.iter().map(|found| NotChecked::Expectation { what, found: shown(found) }));
        return Ok(());
    };
    if found.is_empty() {
        return Err(Refused::cannot_check(Part::Expectation, Gap::NotSaid { what }));
    }
    match found.iter().find(|found| !expected.matches(found)) {
        Some(found) => Err(unexpected(what, expected, &shown(found))),
        None => Ok(()),
    }
}

fn unexpected(what: &'static str, expected: &dyn ToString, found: &dyn ToString) -> Refused {
    Refused::expectation(Fault::Unexpected { what, expected: expected.to_string(), found: found.to_string() })
}
