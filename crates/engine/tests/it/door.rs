//! What is not taken, and in which words; and that it fails alone.

use engine::{Decision, Engine, LeafKind, Ledger, State, Submission, SubmitError};
use model::{Algorithm, Class, Content, Digest, Form, Hex16, Purpose};
use quorum::{Change, KeyRecord};

use crate::world::{Asking, MINUTE, World, profile, space};

/// What is changed in a good request.
type Bend<'a> = &'a dyn Fn(&mut Asking);

fn refused(world: &World, engine: &Engine, asking: &Asking) -> String {
    let error = asking.submit(world, engine).unwrap_err();
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

#[test]
fn each_request_that_cannot_stand_is_refused_in_its_own_words_and_nothing_is_recorded() {
    let world = World::new();
    let engine = world.engine();
    let good = world.asking(&engine, "default", &["a"]);
    let bent = |bend: &dyn Fn(&mut Asking)| {
        let mut asking = good.clone();
        bend(&mut asking);
        refused(&world, &engine, &asking.recompose())
    };
    let table: [(Bend<'_>, &str); 10] = [
        (&|a| a.signing.profile = space("none"), "there is no signing profile `none`"),
        (
            &|a| a.signing.class = Class::Update,
            "the request's `class` is `update`, and the profile `default` asks for `release`",
        ),
        (
            &|a| a.signing.purpose = Purpose::Tuf,
            "the request's `purpose` is `tuf`, and the profile `default` asks for `code`",
        ),
        (
            &|a| a.request.deadline = a.request.created.after(16 * MINUTE),
            "the request is open for 960 s, where this profile's keys allow 900 s",
        ),
        (&|a| a.request.created = a.request.created.after(MINUTE), "outside the request's time"),
        (&|a| a.items[1].form = Form::Dsse, "the profile writes no `dsse`; it writes cms, blob"),
        (
            &|a| a.items[0].key.name = space("default/other"),
            "it names key `default/other`, and the profile's key for `cms` is `default/cms`",
        ),
        (
            &|a| a.items[1].parameters.namespace = Some("file".to_owned()),
            "cannot be signed in the form `blob`",
        ),
        (
            &|a| {
                let twin = a.items[0].clone();
                a.items.push(model::Item { index: 2, salt: Hex16([1; 16]), ..twin });
            },
            "item 0 is the same file in the same form",
        ),
        (&|a| a.idempotency_key = Some("two words".to_owned()), "1 to 255 visible ASCII"),
    ];
    for (bend, words) in table {
        let text = bent(bend);
        assert!(text.contains(words), "{text}");
    }
    let mut swapped = good.clone();
    swapped.items[0].content = Content::Sha256 { digest: Digest::of(b"evil"), length: 4 };
    assert!(refused(&world, &engine, &swapped).contains("the items are not those of the request"));
    let spaced = Submission { request: [good.bytes(), b" ".to_vec()].concat(), ..good.submission() };
    let (reply, answered) = crate::world::reply();
    engine.submit(world.caller(), spaced, reply);
    assert!(matches!(answered.wait().unwrap_err(), SubmitError::Request(_)));
    assert_eq!((world.store().head().unwrap().size, world.line.signed()), (0, 0));
    assert_eq!(good.submit(&world, &engine).unwrap().state, State::Done);
}

#[test]
fn a_request_that_is_out_of_date_is_stale_field_by_field_and_comes_with_the_present_view() {
    let world = World::new();
    let engine = world.engine();
    let good = world.asking(&engine, "default", &["a"]);
    let other = Digest::of(b"other");
    let table: [(Bend<'_>, &str); 7] = [
        (&|a| a.request.platform = model::PlatformId::new(other), "platform"),
        (&|a| a.request.requester.person = model::PersonId::new([1; 16]), "requester"),
        (&|a| a.request.space = space("payments"), "space"),
        (&|a| a.signing.profile_version = other, "kind.sign.profileVersion"),
        (&|a| a.request.policy = other, "policy"),
        (&|a| a.request.registry = other, "registry"),
        (&|a| a.items[0].key.record = other, "key"),
    ];
    for (bend, expected) in table {
        let mut asking = good.clone();
        bend(&mut asking);
        let error = asking.recompose().submit(&world, &engine).unwrap_err();
        let SubmitError::Stale { field, profile } = error else { panic!("{expected}: {error}") };
        assert_eq!(field, expected);
        assert_eq!(*profile, engine.profile_view(&world.caller(), &space("default")).unwrap());
    }
    assert_eq!(world.line.signed(), 0);
}

#[test]
fn a_rotated_key_makes_requests_stale_and_a_longer_registry_alone_does_not() {
    let world = World::new();
    let engine = world.engine();
    let old = world.asking(&engine, "default", &["a"]);
    world.enter(vec![Change::Key(world.record("default/unrelated", Form::Blob, Algorithm::EcdsaP256))]);
    assert_eq!(old.submit(&world, &engine).unwrap().state, State::Done);
    let stale = world.asking(&engine, "default", &["b"]);
    let second = world.record("default/blob", Form::Blob, Algorithm::EcdsaP256);
    world.enter(vec![Change::Key(KeyRecord { generation: 2, ..second })]);
    world.clock.advance(std::time::Duration::from_secs(2));
    let SubmitError::Stale { field, profile } = stale.submit(&world, &engine).unwrap_err() else { panic!() };
    assert_eq!((field, profile.keys[1].key.generation), ("key", 2));
    let fresh = world.asking(&engine, "default", &["b"]).submit(&world, &engine).unwrap();
    assert_eq!(fresh.state, State::Done);
}

#[test]
fn a_key_that_was_just_made_stands_in_its_profile_at_once() {
    let world = World::new();
    let engine = world.engine();
    let view = |name: &str| engine.profile_view(&world.caller(), &space(name)).unwrap();
    // What the engine knows of the platform is kept for a second from here on; the clock stands still.
    assert_eq!(view("default").keys.len(), 2);
    world.enter(vec![Change::Key(world.record("default/new", Form::Blob, Algorithm::EcdsaP256))]);
    let keys = [(Form::Cms, "default/cms"), (Form::Blob, "default/new")];
    world.store().set_profile(&profile("default/newer", &keys)).unwrap();
    assert_eq!(view("default/newer").keys.len(), 2);
}

#[test]
fn a_bad_member_of_a_batch_fails_alone() {
    let world = World::new();
    let engine = world.engine();
    *world.policy.says.lock().unwrap() = |question| match question.request.reason.as_str() {
        "bad" => Decision::Forbid { reasons: vec!["the script forbids it".to_owned()] },
        _ => Decision::Permit { reasons: Vec::new() },
    };
    let askings: Vec<Asking> = (0..20)
        .map(|number| {
            let mut asking = world.asking(&engine, "default", &[&format!("file-{number}")]);
            if number % 5 == 3 {
                asking.request.reason = "bad".to_owned();
            }
            asking
        })
        .collect();
    let answers: Vec<_> = askings.iter().map(|asking| asking.submit_later(&world, &engine)).collect();
    for (number, answer) in answers.into_iter().enumerate() {
        let view = answer.wait().unwrap();
        let expected = if number % 5 == 3 { State::Refused } else { State::Done };
        assert_eq!(view.state, expected, "{number}: {:?}", view.reasons);
    }
}

#[test]
fn policy_that_forbids_the_second_time_is_obeyed_and_the_refusal_is_in_the_ledger() {
    let world = World::new();
    let engine = world.engine();
    *world.policy.says.lock().unwrap() = |question| match question.moment {
        engine::Moment::Submission => Decision::Permit { reasons: Vec::new() },
        engine::Moment::BeforeSigning => Decision::Forbid { reasons: vec!["not any more".to_owned()] },
    };
    let view = world.asking(&engine, "default", &["a"]).submit(&world, &engine).unwrap();
    assert_eq!((view.state, view.reasons), (State::Refused, vec!["not any more".to_owned()]));
    assert_eq!(world.line.signed(), 0);
    let leaves = world.store().leaves(0, 9).unwrap();
    let kinds: Vec<LeafKind> = leaves.iter().map(|leaf| leaf.kind).collect();
    assert_eq!(kinds, [LeafKind::Submission, LeafKind::Outcome]);
    assert!(String::from_utf8(leaves[1].record.clone()).unwrap().contains("not any more"));
}

#[test]
fn a_policy_that_the_registry_does_not_name_signs_nothing() {
    let world = World::new();
    let engine = world.engine();
    let asking = world.asking(&engine, "default", &["a"]);
    world.enter(vec![Change::Policy { digest: Digest::of(b"another") }]);
    world.clock.advance(std::time::Duration::from_secs(2));
    let error = asking.submit(&world, &engine).unwrap_err();
    assert!(matches!(error, SubmitError::Policy { .. }), "{error}");
}

#[test]
fn a_draining_engine_finishes_what_is_in_flight_and_takes_nothing_more() {
    let world = World::new();
    let engine = world.engine();
    let asking = world.asking(&engine, "default", &["a"]);
    let late = world.asking(&engine, "default", &["b"]);
    let answer = asking.submit_later(&world, &engine);
    engine.drain();
    assert_eq!(answer.is_there().expect("it was in flight").unwrap().state, State::Done);
    let error = late.submit(&world, &engine).unwrap_err();
    assert_eq!(error.to_string(), "the server is going down: try again in 1 s");
}
