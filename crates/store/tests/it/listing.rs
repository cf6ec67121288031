//! Requests in pages.

use engine::{RequestStore, State};
use store::{ListedRequest, RequestFilter};

use crate::world::{World, id, insert, row, space};

fn numbers(requests: &[ListedRequest]) -> Vec<u8> {
    requests.iter().map(|one| one.id.as_bytes()[0]).collect()
}

#[test]
fn pages_follow_each_other_from_the_newest_to_the_oldest_and_leave_none_out() {
    let (_world, store) = World::new();
    let rows: Vec<_> = (0..250).map(|number| insert(row(number, State::Done))).collect();
    RequestStore::write(&store, &rows).unwrap();
    let mut filter = RequestFilter::default();
    let mut seen = Vec::new();
    loop {
        let page = store.request_page(&filter, |one| one.id.as_bytes()[0] % 2 == 0).unwrap();
        seen.extend(numbers(&page.requests));
        filter.after = page.next;
        if filter.after.is_none() {
            break;
        }
        assert_eq!(page.requests.len(), 100);
    }
    assert_eq!(seen, (0..250).rev().filter(|number| number % 2 == 0).collect::<Vec<_>>());
}

#[test]
fn a_page_holds_the_state_and_the_profile_that_are_asked_for() {
    let (_world, store) = World::new();
    let mut waiting = row(2, State::Waiting);
    waiting.profile = space("default/other");
    let rows = [insert(row(1, State::Done)), insert(waiting), insert(row(3, State::Waiting))];
    RequestStore::write(&store, &rows).unwrap();
    let ask = |state, profile: Option<&str>, after: Option<u8>| {
        let filter = RequestFilter { state, profile: profile.map(space), after: after.map(id) };
        numbers(&store.request_page(&filter, |_| true).unwrap().requests)
    };
    assert_eq!(ask(Some(State::Waiting), None, None), [3, 2]);
    assert_eq!(ask(Some(State::Waiting), Some("default/other"), None), [2]);
    assert_eq!(ask(None, Some("default"), Some(3)), [1]);
    assert_eq!(ask(None, None, Some(9)), [0; 0], "older than what is not there");
}
