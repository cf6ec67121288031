use model::{Base64, Digest, Instant, Kind, Request};
use quorum::{Decision, Endorsement, Exclusion, Moment, Proof, Registry, Rule, Shortfall, Touch, count};

use testkit::Person;

use crate::people::{T0, at, genesis, genesis_entry, proven, request, rule};

struct Scene {
    workload: Person,
    people: [Person; 3],
    registry: Registry,
    request: Request,
    digest: Digest,
}

/// Two of three may release; a workload, which is nobody's endorser, asks.
fn scene() -> Scene {
    let (ada, ben) = (Person::new(1), Person::new(2));
    let people = [Person::new(3), Person::new(4), Person::new(5)];
    let endorsers: Vec<&Person> = people.iter().collect();
    let registry =
        Registry::begin(&genesis_entry(genesis(&[&ada, &ben], 2, &endorsers), &[&ada, &ben])).unwrap();
    let workload = Person::new(9);
    let request = request(&registry, &workload, Kind::Admin { changes: Digest::ZERO });
    let digest = Request::digest(&request.encode());
    Scene { workload, people, registry, request, digest }
}

impl Scene {
    fn endorse(&self, n: usize) -> Endorsement {
        self.people[n].endorse(&self.registry.platform(), &self.digest, at(1))
    }

    fn count_at(&self, rule: &Rule, endorsements: &[Endorsement], now: Instant) -> Result<usize, Shortfall> {
        let moment = Moment::Live(now);
        count(&self.registry, rule, &self.request, &self.digest, endorsements, moment)
            .map(|c| c.persons().len())
    }

    fn count(&self, endorsements: &[Endorsement]) -> Result<usize, Shortfall> {
        self.count_at(&rule("release", 2), endorsements, at(2))
    }
}

#[test]
fn two_of_three_are_enough_and_one_is_not() {
    let scene = scene();
    assert_eq!(scene.count(&[scene.endorse(0), scene.endorse(2)]), Ok(2));
    for too_few in [vec![], vec![scene.endorse(1)], vec![scene.endorse(1), scene.endorse(1)]] {
        assert!(matches!(scene.count(&too_few), Err(Shortfall::TooFew { need: 2, .. })));
    }
}

/// CVE-2026-49834: a threshold counted entries, and not those who made them.
#[test]
fn one_person_with_two_principals_counts_once() {
    let (ada, ben) = (Person::new(1), Person::new(2));
    let (cleo, dan) = (Person::new(3), Person::new(4));
    let mut founding = genesis(&[&ada, &ben], 2, &[&cleo, &dan]);
    let mut second = Person::new(30);
    second.person = cleo.person;
    founding.principals.push(second.registered());
    let registry = Registry::begin(&genesis_entry(founding, &[&ada, &ben])).unwrap();
    let request = request(&registry, &Person::new(9), Kind::Admin { changes: Digest::ZERO });
    let digest = Request::digest(&request.encode());
    let says = |human: &Person| human.endorse(&registry.platform(), &digest, at(1));
    let counted = |given: &[Endorsement]| {
        count(&registry, &rule("release", 2), &request, &digest, given, Moment::Live(at(2))).is_ok()
    };
    assert!(!counted(&[says(&cleo), says(&second)]));
    assert!(counted(&[says(&dan), says(&second)]));
}

#[test]
fn a_requester_is_never_counted() {
    let mut scene = scene();
    scene.request.requester.person = scene.people[0].person;
    scene.digest = Request::digest(&scene.request.encode());
    let refused = scene.count(&[scene.endorse(0), scene.endorse(1)]).unwrap_err();
    assert!(refused.to_string().ends_with("does not count: is the requester's own"), "{refused}");
    assert_eq!(scene.count(&[scene.endorse(0), scene.endorse(1), scene.endorse(2)]), Ok(2));
}

#[test]
fn one_rejection_is_enough() {
    let scene = scene();
    let no = scene.people[2].say(Decision::Reject, &scene.registry.platform(), &scene.digest, at(1));
    let given = [scene.endorse(0), scene.endorse(1), no];
    assert_eq!(scene.count(&given), Err(Shortfall::Rejected { principal: scene.people[2].principal }));
}

#[test]
fn a_stranger_neither_counts_nor_rejects() {
    let scene = scene();
    let stranger = &scene.workload;
    let no = stranger.say(Decision::Reject, &scene.registry.platform(), &scene.digest, at(1));
    let yes = stranger.endorse(&scene.registry.platform(), &scene.digest, at(1));
    assert_eq!(scene.count(&[scene.endorse(0), no, scene.endorse(1)]), Ok(2));
    assert!(scene.count(&[scene.endorse(0), yes]).is_err());
}

/// CVE-2020-16250, CVE-2020-16251: what was signed was read out of the proof, and not put together again.
#[test]
fn an_endorsement_counts_for_one_request_one_platform_one_principal_one_time_and_one_namespace() {
    let scene = scene();
    let good = scene.endorse(0);
    let human = &scene.people[0];
    let platform = scene.registry.platform();
    let other_request = human.endorse(&platform, &Digest::of(b"other"), at(1));
    let other_platform = human.endorse(&model::PlatformId::new(Digest::of(b"other")), &scene.digest, at(1));
    let other_principal = Endorsement { principal: scene.people[2].principal, ..good.clone() };
    let other_time = Endorsement { time: at(0), ..good.clone() };
    let other_decision = human.say(Decision::Reject, &platform, &scene.digest, at(1));
    let turned = Endorsement { decision: Decision::Endorse, ..other_decision };
    let text = good.message(&platform, &scene.digest);
    let for_git = Proof::Ssh { signature: Base64(human.sshsig("git", text.as_bytes())) };
    let other_namespace = Endorsement { proof: for_git, ..good.clone() };
    for (what, bad) in [
        ("request", other_request),
        ("platform", other_platform),
        ("principal", other_principal),
        ("time", other_time),
        ("decision", turned),
        ("namespace", other_namespace),
    ] {
        assert!(scene.count(&[bad, scene.endorse(1)]).is_err(), "{what}");
    }
    assert_eq!(scene.count(&[good, scene.endorse(1)]), Ok(2));
}

#[test]
fn every_byte_of_an_endorsements_signature_matters() {
    let scene = scene();
    let Proof::Ssh { signature } = &scene.endorse(0).proof else { panic!("people have SSH keys here") };
    for at in 0..signature.0.len() {
        let mut bytes = signature.0.clone();
        bytes[at] ^= 1;
        let bad = Endorsement { proof: Proof::Ssh { signature: Base64(bytes) }, ..scene.endorse(0) };
        assert!(scene.count(&[bad, scene.endorse(1)]).is_err(), "byte {at}");
    }
}

#[test]
fn times_must_lie_within_the_request_and_the_request_within_the_rule() {
    let scene = scene();
    let given = [scene.endorse(0), scene.endorse(1)];
    let two = rule("release", 2);
    assert_eq!(scene.count_at(&two, &given, at(3_599)), Ok(2));
    assert!(matches!(scene.count_at(&two, &given, at(3_600)), Err(Shortfall::Time { .. })));
    assert!(matches!(
        scene.count_at(&two, &given, T0.before(std::time::Duration::from_nanos(1))),
        Err(Shortfall::Time { .. })
    ));
    // Endorsed at second 1, seen at second 0: its time has not come.
    assert!(matches!(scene.count_at(&two, &given, T0), Err(Shortfall::TooFew { .. })));
    let short = Rule { period_s_max: 3_599, ..rule("release", 2) };
    assert!(matches!(scene.count_at(&short, &given, at(2)), Err(Shortfall::Period { .. })));
}

#[test]
fn independent_endorsements_need_a_touch_key_on_record() {
    let scene = scene();
    let strict = Rule { independent: 1, ..rule("release", 2) };
    let refused = scene.count_at(&strict, &[scene.endorse(0), scene.endorse(1)], at(2)).unwrap_err();
    assert_eq!(refused, Shortfall::NotIndependent { have: 0, need: 1 });
}

#[test]
fn a_key_without_hardware_does_not_pass_for_a_touch_key() {
    let (ada, ben, cleo) = (Person::new(1), Person::new(2), Person::new(3));
    let mut founding = genesis(&[&ada, &ben], 2, &[&cleo]);
    founding.principals[2] = cleo.registered_with(Touch::Required);
    let registry = Registry::begin(&genesis_entry(founding, &[&ada, &ben])).unwrap();
    let request = request(&registry, &Person::new(9), Kind::Admin { changes: Digest::ZERO });
    let digest = Request::digest(&request.encode());
    let given = [cleo.endorse(&registry.platform(), &digest, at(1))];
    let refused =
        count(&registry, &rule("release", 1), &request, &digest, &given, Moment::Live(at(2))).unwrap_err();
    assert!(refused.to_string().ends_with("the credential was not touched"), "{refused}");
}

#[test]
fn where_the_rule_wants_it_the_requester_must_say_so_and_still_does_not_count() {
    let mut scene = scene();
    let proven = proven(rule("release", 2));
    let given = [scene.endorse(0), scene.endorse(1)];
    // The server says that a workload asks, which no credential shows.
    let refused = scene.count_at(&proven, &given, at(2)).unwrap_err();
    assert!(matches!(refused, Shortfall::Requester { .. }), "{refused}");
    let (principal, person) = (scene.people[0].principal, scene.people[0].person);
    (scene.request.requester.principal, scene.request.requester.person) = (principal, person);
    scene.digest = Request::digest(&scene.request.encode());
    let others = [scene.endorse(1), scene.endorse(2)];
    assert!(matches!(scene.count_at(&proven, &others, at(2)), Err(Shortfall::Requester { .. })));
    let with_own = [scene.endorse(0), scene.endorse(1), scene.endorse(2)];
    assert_eq!(scene.count_at(&proven, &with_own, at(2)), Ok(2));
    let own_and_one = [scene.endorse(0), scene.endorse(1)];
    assert!(matches!(scene.count_at(&proven, &own_and_one, at(2)), Err(Shortfall::TooFew { .. })));
}

#[test]
fn where_only_policy_asks_anybody_will_do_but_the_requester() {
    let mut scene = scene();
    // One of the people asks this time.
    let [ada, ..] = &scene.people;
    scene.request.requester.person = ada.person;
    scene.request.requester.principal = ada.principal;
    scene.digest = Request::digest(&scene.request.encode());
    let anybody = |endorsements: &[Endorsement]| {
        let (registry, request, digest) = (&scene.registry, &scene.request, &scene.digest);
        quorum::count_anybody(registry, 86_400, request, digest, endorsements, Moment::Live(at(2)))
            .map(|counted| counted.persons().len())
    };
    assert_eq!(anybody(&[scene.endorse(1)]).unwrap(), 1);
    for nobody in [vec![], vec![scene.endorse(0)]] {
        let shortfall = anybody(&nobody).unwrap_err();
        assert!(
            matches!(&shortfall, Shortfall::Nobody { excluded } if excluded.len() == nobody.len()),
            "{shortfall}"
        );
    }
}

#[test]
fn one_endorsement_is_examined_whatever_others_there_are_and_whatever_it_says() {
    let scene = scene();
    let examine = |endorsement: &Endorsement| {
        let (registry, request, digest) = (&scene.registry, &scene.request, &scene.digest);
        quorum::examine(registry, request, digest, endorsement, Moment::Live(at(2)))
    };
    let good = scene.endorse(0);
    assert_eq!(examine(&good).unwrap(), scene.people[0].person);
    let mut other = good.clone();
    other.time = at(2);
    assert_eq!(examine(&other).unwrap_err(), Exclusion::BadSignature);
}
