//! Requests, composed as a client does, of digests that nobody asked for before.

use std::time::Duration;

use api::{ProfileView, RequestState, RequestView, Submission};
use model::{
    Content, Digest, Disclosure, FileClaim, Hex16, Hex32, Item, Items, Kind, Parameters, Purpose, Request,
    RequestId, Signing, Space, Subject,
};

use crate::failure::Failure;
use crate::wire::Connection;

/// How the server is asked to wait.
const SUBMIT: &str = "/v1/requests?wait=30";

/// Asks under one profile, again and again.
pub(crate) struct Submitter {
    view: ProfileView,
    files: u32,
    number: u64,
    /// Which of several submitters.
    own: u32,
}

impl Submitter {
    /// One of several, who asks for so many files at a time.
    pub(crate) fn new(view: &ProfileView, own: u32, files: u32) -> Self {
        Self { view: view.clone(), files, number: 0, own }
    }

    /// Asks for signatures of files of its own, and waits for them.
    pub(crate) fn ask(&mut self, connection: &mut Connection) -> Result<RequestView, Failure> {
        self.number += 1;
        let body = serde_json::to_vec(&self.compose()).expect("texts always encode");
        let answer = connection.post(SUBMIT, "application/json", &body)?;
        let view: RequestView = serde_json::from_slice(&answer.body)
            .map_err(|why| Failure::bad("an answer that is no request")(&why))?;
        if view.state == RequestState::Done {
            return Ok(view);
        }
        Err(Failure::bad("a request is not done")(&view.reasons.join("; ")))
    }

    fn unique(&self, file: u32) -> Digest {
        Digest::of(&[&self.own.to_be_bytes()[..], &self.number.to_be_bytes(), &file.to_be_bytes()].concat())
    }

    fn compose(&self) -> Submission {
        let view = &self.view;
        let pairs = (0..self.files).flat_map(|file| view.keys.iter().map(move |key| (file, key)));
        let items: Vec<Vec<u8>> = (0_u32..)
            .zip(pairs)
            .map(|(index, (file, key))| {
                let sha256 = self.unique(file);
                let item = Item {
                    index,
                    salt: Hex16(aws_random()),
                    name: format!("file-{file}.bin"),
                    format: "blob".parse().expect("a format's name is well-formed"),
                    form: key.form,
                    parameters: Parameters::default(),
                    key: key.key.clone(),
                    content: Content::Sha256 { digest: sha256, length: 1_048_576 },
                    file: FileClaim { sha256, size: 1_048_576 },
                };
                item.encode()
            })
            .collect();
        let request = Request {
            version: 1,
            id: RequestId::new(aws_random()),
            space: view.space.clone(),
            platform: view.platform,
            registry: view.registry,
            policy: view.policy,
            nonce: Hex32(aws_random()),
            // The server's time is what it was when the profile was looked at; a request may be older than now.
            created: view.now,
            deadline: view.now.after(Duration::from_secs(view.period_s_max)),
            requester: view.requester.clone(),
            reason: String::new(),
            kind: Kind::Sign(Signing {
                profile: view.profile.name.clone(),
                profile_version: view.version,
                purpose: Purpose::Code,
                class: view.profile.class,
                subject: Subject::default(),
                evidence: Vec::new(),
                disclosure: Disclosure::Items,
                items: Items::parse(items.clone()).expect("items that were just made").tree(),
            }),
        };
        let text = |bytes| String::from_utf8(bytes).expect("canonical JSON is UTF-8");
        Submission {
            request: text(request.encode()),
            items: items.into_iter().map(text).collect(),
            again: true,
        }
    }
}

/// The profile as the server shows it.
pub(crate) fn view(connection: &mut Connection, profile: &str) -> Result<ProfileView, Failure> {
    let name: Space = profile.parse().map_err(|why| Failure::bad("a profile's name")(&why))?;
    let answer = connection.get(&format!("/v1/profiles/{name}"))?;
    serde_json::from_slice(&answer.body).map_err(|why| Failure::bad("an answer that is no profile")(&why))
}

fn aws_random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).expect("the system gives random bytes");
    bytes
}
