//! Requests in pages, the newest first, for whoever wants to know which there are.

use engine::{Standing, State, StoreError};
use model::{Instant, PrincipalId, RequestId, Space};
use rusqlite::params;

use crate::Store;
use crate::row::{principal_id, request_id, space, standing, time};

/// Entries of one page.
const PAGE: usize = 100;

/// So many rows are looked at for one page, whoever may see them: a page is an answer in bounded time.
const ROWS_MAX: usize = 10_000;

/// Which requests are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestFilter {
    /// Those in this state.
    pub state: Option<State>,
    /// Those under this profile.
    pub profile: Option<Space>,
    /// Those that are older than this one.
    pub after: Option<RequestId>,
}

/// A request in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedRequest {
    /// Its id.
    pub id: RequestId,
    /// The signing profile.
    pub profile: Space,
    /// Who submitted it.
    pub requester: PrincipalId,
    /// When it was submitted.
    pub submitted: Instant,
    /// Until when it may be signed.
    pub deadline: Instant,
    /// How it stands.
    pub standing: Standing,
}

/// A page of requests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestPage {
    /// What is on it.
    pub requests: Vec<ListedRequest>,
    /// After which request the next page begins; `None` on the last one. A page may be short, and not the last.
    pub next: Option<RequestId>,
}

impl Store {
    /// A page of the requests that are asked for and may be seen, the newest first.
    pub fn request_page(
        &self,
        filter: &RequestFilter,
        may_see: impl Fn(&ListedRequest) -> bool,
    ) -> Result<RequestPage, StoreError> {
        let RequestFilter { state, profile, after } = filter;
        self.query("list requests", |connection| {
            let mut statement = connection.prepare_cached(include_str!("../sql/request_page.sql"))?;
            let after = after.as_ref().map(RequestId::as_bytes);
            let mut rows = statement.query(params![
                after,
                state.map(State::word),
                profile.as_ref().map(Space::as_str)
            ])?;
            let mut page = RequestPage::default();
            let mut last = None;
            for _ in 0..ROWS_MAX {
                let Some(row) = rows.next()? else { return Ok(page) };
                if page.requests.len() == PAGE {
                    break;
                }
                let listed = ListedRequest {
                    id: request_id(row, "id")?,
                    profile: space(row, "profile")?,
                    requester: principal_id(row, "principal")?,
                    submitted: time(row, "submitted")?,
                    deadline: time(row, "deadline")?,
                    standing: standing(row)?,
                };
                last = Some(listed.id);
                page.requests.extend(Some(listed).filter(&may_see));
            }
            page.next = last;
            Ok(page)
        })
    }
}
