//! What the paths of Rekor v1 say of themselves.

use envelope::rekor::SUBMISSION_BYTES_MAX;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Schema, Type};

use super::operation::{Listener, Operation, number_from, operation, text};
use super::public::status;

const QUESTION_BYTES_MAX: usize = 1024 * 1024;
const NAME: &str = "00000000000007ea9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

fn of_v1(id: &str, summary: &str) -> Operation {
    operation(Listener::Public, id, summary)
        .answers_in("application/json", 404, "There is none, or no log of Rekor v1 here.", status())
        .answers_in("application/json", 500, "Something went wrong in avouch.", status())
        .answers_in("application/json", 503, "The log cannot answer now: try again.", status())
}

fn asking(operation: Operation) -> Operation {
    operation
        .answers_in("application/json", 400, "It does not hold; the message says what.", status())
        .answers_in("application/json", 408, "The body took too long.", status())
        .answers_in("application/json", 413, "The body is too large.", status())
        .answers_in("application/json", 405, "The log is frozen, or the server only reads.", status())
}

fn object() -> RefOr<Schema> {
    RefOr::from(Schema::from(ObjectBuilder::new().schema_type(Type::Object)))
}

pub(crate) fn create() -> Operation {
    let operation = of_v1("createLogEntryV1", "Bring an entry to the log of Rekor v1")
        .about("`hashedrekord` 0.0.1 alone, in a log of its own with a key and a promise of its own, for clients that know no later API. There is such a log where the registry has a key of form `set`. No verifier of avouch believes the time in its promise.")
        .takes_any([("application/json", object(), None)], SUBMISSION_BYTES_MAX)
        .answers_in("application/json", 201, "The entry under its id, with proof and promise.", object())
        .answers_in("application/json", 401, "The log takes entries of callers, and this is none.", status())
        .answers_in("application/json", 403, "The log takes no entries of others.", status())
        .answers_in("application/json", 409, "The entry is there already, where `Location` says.", status())
        .answers_in("application/json", 429, "This address brings too many.", status());
    asking(operation)
}

pub(crate) fn named() -> Operation {
    of_v1("readLogEntryV1", "An entry of the log of Rekor v1 by its id")
        .part("id", "The hash of its leaf, behind the number of the tree or by itself.", text(NAME))
        .answers_in("application/json", 200, "The entry under its id.", object())
        .answers_in("application/json", 400, "It is no id.", status())
}

pub(crate) fn at_index() -> Operation {
    of_v1("readLogEntryAtV1", "An entry of the log of Rekor v1 by its index")
        .query("logIndex", "Its index.", number_from(0, 0))
        .answers_in("application/json", 200, "The entry under its id.", object())
        .answers_in("application/json", 400, "It is no index.", status())
}

pub(crate) fn retrieve() -> Operation {
    let list = ArrayBuilder::new().items(object());
    let operation = of_v1("retrieveLogEntriesV1", "Up to ten entries of the log of Rekor v1")
        .about("By `entryUUIDs`, `logIndexes`, or as they were brought, in `entries`.")
        .takes_any([("application/json", object(), None)], QUESTION_BYTES_MAX)
        .answers_in("application/json", 200, "Those that there are.", list);
    asking(operation)
}

pub(crate) fn index() -> Operation {
    let list = ArrayBuilder::new().items(text(NAME));
    let operation = of_v1("searchIndexV1", "The ids of entries that tell this")
        .about("By `email`, `hash` and `publicKey`: entries that tell all that is named.")
        .takes_any([("application/json", object(), None)], QUESTION_BYTES_MAX)
        .answers_in("application/json", 200, "The ids of the first of them.", list);
    asking(operation)
}

pub(crate) fn head() -> Operation {
    of_v1("readLogV1", "The head of the log of Rekor v1").answers_in(
        "application/json",
        200,
        "Size, root, tree and signed checkpoint.",
        object(),
    )
}

pub(crate) fn proof() -> Operation {
    of_v1("readLogProofV1", "That the log of Rekor v1 only grew")
        .query("firstSize", "The smaller size.", number_from(1, 1))
        .query("lastSize", "The larger size.", number_from(1, 1))
        .answers_in(
            "application/json",
            200,
            "The consistency proof, and the root at the larger size.",
            object(),
        )
        .answers_in("application/json", 400, "The log had no such sizes.", status())
}

pub(crate) fn public_key() -> Operation {
    of_v1("readLogKeyV1", "The key of the log of Rekor v1").answers_in(
        "application/x-pem-file",
        200,
        "The key in PEM.",
        text("-----BEGIN PUBLIC KEY-----\n…"),
    )
}
