//! From files and a profile to a request: what travels is digests and descriptions, never a file.

use std::time::Duration;

use api::{KeyView, ProfileView, Submission};
use envelope::in_toto;
use model::{
    Disclosure, Form, Hex16, Hex32, Instant, Item, Items, Kind, Parameters, Purpose, Request, RequestId,
    Signing, Subject, limits,
};

use crate::failure::Failure;
use crate::parameters::ParameterArgs;
use crate::random;
use crate::reading::ReadFile;

/// How far this machine's clock may be from the server's.
const CLOCKS_APART_MAX: Duration = Duration::from_secs(300);

/// What is asked about the files.
#[derive(Debug, Clone)]
pub(crate) struct Asked<'a> {
    pub(crate) files: &'a [ReadFile],
    pub(crate) subject: Subject,
    pub(crate) reason: String,
    /// The class that the caller expects of the profile.
    pub(crate) class: Option<model::Class>,
    pub(crate) again: bool,
    /// What is signed beside the content.
    pub(crate) parameters: ParameterArgs,
}

/// Composes a request for these files: for each of them one item a key of the profile.
pub(crate) fn compose(view: &ProfileView, asked: &Asked<'_>, now: Instant) -> Result<Submission, Failure> {
    check_clock(view.now, now)?;
    if let Some(class) = asked.class.filter(|class| *class != view.profile.class) {
        return Err(Failure::Usage {
            what: format!(
                "profile `{}` signs for class {}, not for {class}",
                view.profile.name, view.profile.class
            ),
            advice: "choose a profile of that class; `avouch whoami` lists yours",
        });
    }
    nameable(asked.files)?;
    signable(view, asked.files)?;
    let items = items(view, asked)?;
    let request = Request {
        version: 1,
        id: RequestId::new(random::bytes()),
        space: view.space.clone(),
        platform: view.platform,
        registry: view.registry,
        policy: view.policy,
        nonce: Hex32(random::bytes()),
        created: view.now,
        deadline: view.now.after(Duration::from_secs(view.period_s_max)),
        requester: view.requester.clone(),
        reason: asked.reason.clone(),
        kind: Kind::Sign(Signing {
            profile: view.profile.name.clone(),
            profile_version: view.version,
            purpose: Purpose::Code,
            class: view.profile.class,
            subject: asked.subject.clone(),
            evidence: Vec::new(),
            disclosure: Disclosure::Items,
            items: items.tree(),
        }),
    };
    let encoded = request.encode();
    Request::parse(&encoded).map_err(Failure::input("what is asked", "a request that can stand"))?;
    Ok(Submission {
        request: text(encoded),
        items: items.iter().map(|(bytes, _)| text(bytes.to_vec())).collect(),
        again: asked.again,
    })
}

fn items(view: &ProfileView, asked: &Asked<'_>) -> Result<Items, Failure> {
    let keys = |file: &'_ ReadFile| view.keys.iter().filter(|key| signs(key, file)).collect::<Vec<_>>();
    let pairs = asked.files.iter().flat_map(|file| keys(file).into_iter().map(move |key| (file, key)));
    let items = pairs.zip(0..).map(|((file, key), index)| {
        let parameters = asked.parameters.of(key, file, view.now)?;
        Ok(Item { parameters, ..item(index, file, key)? })
    });
    let encoded = items.map(|item: Result<Item, Failure>| Ok(item?.encode()));
    let encoded: Vec<Vec<u8>> = encoded.collect::<Result<_, Failure>>()?;
    if encoded.len() > limits::ITEMS_MAX {
        return Err(Failure::Usage {
            what: format!("{} signatures, where one request holds {}", encoded.len(), limits::ITEMS_MAX),
            advice: "sign fewer files at a time",
        });
    }
    Items::parse(encoded).map_err(Failure::input("a file's name", "one that a receipt can hold"))
}

/// A claim about a file is signed by the profile's key for claims, and the file itself by the others.
fn signs(key: &KeyView, file: &ReadFile) -> bool {
    (key.form == Form::Dsse) == (file.format == in_toto::FORMAT)
}

/// Every file must have somebody who signs it.
fn signable(view: &ProfileView, files: &[ReadFile]) -> Result<(), Failure> {
    let unsigned = files.iter().find(|file| !view.keys.iter().any(|key| signs(key, file)));
    let Some(file) = unsigned else { return Ok(()) };
    let profile = &view.profile.name;
    Err(if file.format == in_toto::FORMAT {
        Failure::Usage {
            what: format!("profile `{profile}` has no key for attestations, of form dsse"),
            advice: "make one with `avouch key create NAME --form dsse`, and name it in a profile: `avouch profile create PROFILE --key dsse=NAME`",
        }
    } else {
        Failure::Usage {
            what: format!("profile `{profile}` has only a key for attestations, and none for files"),
            advice: "say something about the file with `avouch attest`, or choose another profile; `avouch whoami` lists yours",
        }
    })
}

fn item(index: u32, file: &ReadFile, key: &KeyView) -> Result<Item, Failure> {
    let (format, content) = file.content(key.form, key.form.carries(key.public_key.algorithm()));
    let content = content.ok_or_else(|| Failure::Usage {
        what: format!("key `{}` was exchanged while `{}` was read", key.key.name, file.name),
        advice: "run the same command again",
    })?;
    Ok(Item {
        index,
        salt: Hex16(random::bytes()),
        name: file.name.clone(),
        format: format.parse().expect("formats have well-formed names"),
        form: key.form,
        parameters: Parameters::default(),
        key: key.key.clone(),
        content: content.clone(),
        file: file.prepared.file(),
    })
}

/// A receipt holds names that can be shown.
fn nameable(files: &[ReadFile]) -> Result<(), Failure> {
    let unfit = |name: &str| {
        name.is_empty() || name.len() > limits::NAME_BYTES_MAX || name.contains(char::is_control)
    };
    match files.iter().find(|file| unfit(&file.name)) {
        None => Ok(()),
        Some(file) => Err(Failure::Usage {
            what: format!("a receipt cannot hold the file's name {:?}", file.name),
            advice: "rename it: a name is not empty, at most 255 bytes long, and has no line breaks in it",
        }),
    }
}

fn check_clock(server: Instant, here: Instant) -> Result<(), Failure> {
    if server.since(here).max(here.since(server)) <= CLOCKS_APART_MAX {
        return Ok(());
    }
    Err(Failure::Usage {
        what: format!("this machine's clock says {here}, and the server's {server}"),
        advice: "set the clock that is wrong; a signature with a wrong time is of no use",
    })
}

fn text(json: Vec<u8>) -> String {
    String::from_utf8(json).expect("canonical JSON is UTF-8")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    #[test]
    fn clocks_five_minutes_apart_will_do_and_a_second_more_is_refused_either_way() {
        let server = Instant::from_seconds(1_795_165_602);
        for here in [server, server.after(CLOCKS_APART_MAX), server.before(CLOCKS_APART_MAX)] {
            assert!(check_clock(server, here).is_ok(), "{here}");
        }
        let apart = CLOCKS_APART_MAX + Duration::from_secs(1);
        let said = [server.after(apart), server.before(apart)]
            .map(|here| check_clock(server, here).unwrap_err().to_string());
        assert_eq!(
            said,
            [
                "this machine's clock says 2026-11-20T09:11:43Z, and the server's 2026-11-20T09:06:42Z",
                "this machine's clock says 2026-11-20T09:01:41Z, and the server's 2026-11-20T09:06:42Z"
            ]
        );
    }
}
