//! A directory that follows a log.

use directory::{Directory, DirectoryProjection, PeopleFilter, PeopleQuery, PeopleSort, PersonRow};
use engine::{View, listing::Count, paging::Paging};
use schema::{
    AccountId, OrganizationId, Position, Profile, StreamId,
    events::{AccountEvent, RoleEvent},
};
use tempfile::TempDir;

use crate::support::{World, soon, system};

pub(crate) struct Setup {
    pub(crate) world: World,
    pub(crate) view: View<DirectoryProjection>,
    pub(crate) directory: Directory,
    pub(crate) organization: OrganizationId,
    _folder: TempDir,
}

impl Setup {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let world = World::open(folder.path());
        let (organization, position) = world.organization("Example").await;
        let view: View<DirectoryProjection> =
            View::start(&world.views, world.log.clone(), world.log.clone()).await.unwrap();
        view.ready(soon()).await.unwrap();
        view.wait_for(position, soon()).await.unwrap();
        let directory = Directory::new(view.reads());
        Self { world, view, directory, organization, _folder: folder }
    }

    pub(crate) async fn person(&self, email: &str, profile: Profile) -> AccountId {
        let (account, position) = self.world.person(self.organization, email, profile).await;
        self.seen(position).await;
        account
    }

    pub(crate) async fn account(&self, account: AccountId, event: impl Into<AccountEvent>) {
        self.seen(self.world.append(&StreamId::new("account", &account), system(), event.into()).await).await;
    }

    pub(crate) async fn role(&self, event: impl Into<RoleEvent>) {
        self.seen(self.world.append(&StreamId::new("roles", &self.organization), system(), event.into()).await).await;
    }

    pub(crate) async fn seen(&self, position: Position) {
        self.view.wait_for(position, soon()).await.unwrap();
    }

    pub(crate) async fn find(&self, search: &str) -> Vec<String> {
        let found = self.all(PeopleFilter::default(), search, PeopleSort::default(), 50).await;
        let count = self.directory.people_count(self.organization, PeopleFilter::default(), Some(search.into())).await;
        assert_eq!(count.unwrap(), exactly(&found), "{search}");
        found
    }

    pub(crate) async fn filtered(&self, filter: PeopleFilter) -> Vec<String> {
        let found = self.all(filter.clone(), "", PeopleSort::default(), 50).await;
        assert_eq!(self.directory.people_count(self.organization, filter, None).await.unwrap(), exactly(&found));
        found
    }

    /// The email addresses of everybody who is found, page by page, and the same from the other end.
    pub(crate) async fn all(&self, filter: PeopleFilter, search: &str, sort: PeopleSort, size: usize) -> Vec<String> {
        let query = |paging| PeopleQuery { filter: filter.clone(), search: Some(search.into()), sort, paging };
        let (mut forward, mut after) = (Vec::new(), None);
        loop {
            let is_first = after.is_none();
            let paging = Paging::Forward { first: size, after: after.take() };
            let page = self.directory.people(self.organization, query(paging)).await.unwrap();
            assert_eq!(page.has_previous, !is_first);
            after = page.edges.last().map(|edge| edge.cursor.clone());
            forward.extend(page.edges.into_iter().map(|edge| email(&edge.node)));
            if !page.has_next {
                break;
            }
        }
        let (mut backward, mut before) = (Vec::new(), None);
        loop {
            let paging = Paging::Backward { last: size, before: before.take() };
            let page = self.directory.people(self.organization, query(paging)).await.unwrap();
            before = page.edges.first().map(|edge| edge.cursor.clone());
            backward.splice(0..0, page.edges.into_iter().map(|edge| email(&edge.node)));
            if !page.has_previous {
                break;
            }
        }
        assert_eq!(forward, backward);
        forward
    }
}

/// As many as these.
pub(crate) fn exactly<T>(rows: &[T]) -> Count {
    Count { rows: rows.len() as u64, or_more: false }
}

pub(crate) fn email(person: &PersonRow) -> String {
    person.email.clone().unwrap_or_default()
}
