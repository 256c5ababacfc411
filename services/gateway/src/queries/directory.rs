//! People and roles.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object, connection::Connection};
use directory::{PeopleFilter, PeopleQuery, PeopleSort};
use domain::Rejection;

use crate::{
    access::{Reader, Reading},
    app::{App, ContextExt, Source},
    errors::Stop,
    objects::{
        person::{LoginMethod, Person, PersonStatus, visible_person},
        role::Role,
    },
    paging::{connection, paging, size_for_cost},
    scalars::{Position, parse_id},
};

/// Which people. What is left out does not matter.
#[derive(Debug, Default, InputObject)]
struct PersonFilter {
    /// Where the account stands.
    status: Option<PersonStatus>,
    /// A role that they hold.
    role_id: Option<ID>,
    /// Domain of their email address.
    domain: Option<String>,
    /// How they sign in.
    login_method: Option<LoginMethod>,
    /// Their department, whatever the case of the letters.
    department: Option<String>,
}

impl PersonFilter {
    fn parse(self) -> Result<PeopleFilter, Rejection> {
        Ok(PeopleFilter {
            status: self.status.map(Into::into),
            role: self.role_id.map(|id| parse_id(&id, "filter.roleId")).transpose()?,
            domain: self.domain.map(|domain| domain.to_lowercase()),
            login_method: self.login_method.map(Into::into),
            department: self.department,
        })
    }
}

/// What to sort people by.
#[derive(Debug, Enum, Copy, Clone, Eq, PartialEq)]
#[graphql(remote = "directory::SortField")]
enum PersonSortField {
    /// Displayed name, accents and case aside.
    Name,
    /// Email address.
    Email,
    /// When they were added.
    Created,
    /// Added, activated, deactivated.
    Status,
}

/// How to sort people.
#[derive(Debug, InputObject)]
struct PersonSort {
    /// By what.
    field: PersonSortField,
    /// Whether the greatest comes first.
    #[graphql(default)]
    descending: bool,
}

/// What a connection of people has besides its page.
pub(crate) struct PeopleInAll {
    app: Arc<App>,
    reader: Reader,
    filter: PeopleFilter,
    search: Option<String>,
}

#[Object]
impl PeopleInAll {
    /// How many people fit in all. Takes a moment in large directories; leave it out where it is not shown.
    #[graphql(complexity = 20)]
    async fn total_count(&self, context: &Context<'_>) -> async_graphql::Result<u64> {
        let (filter, search) = (self.filter.clone(), self.search.clone());
        let counted = self.app.directory.people_count(self.reader.organization, filter, search).await;
        counted.map_err(|error| context.report(error.into()))
    }
}

#[derive(Default)]
pub(crate) struct DirectoryQueries;

#[Object]
impl DirectoryQueries {
    /// The people of your organization. Needs any admin right.
    #[graphql(complexity = "5 + size_for_cost(first, last) * child_complexity")]
    #[expect(clippy::too_many_arguments, reason = "they are the arguments of the field")]
    async fn people(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which people.")] filter: Option<PersonFilter>,
        #[graphql(desc = "Words of which each must be part of the name or the email address, in any script.")]
        search: Option<String>,
        #[graphql(desc = "In which order; by name unless told otherwise.")] sort: Option<PersonSort>,
        #[graphql(desc = "How many from the start, from 1 to 200; 50 unless told otherwise.")] first: Option<i32>,
        #[graphql(desc = "Start after this cursor, of the same sort field.")] after: Option<String>,
        #[graphql(desc = "How many from the end, from 1 to 200.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor, of the same sort field.")] before: Option<String>,
        #[graphql(desc = "The answer contains at least this change.")] after_position: Option<Position>,
    ) -> async_graphql::Result<Option<Connection<String, Person, PeopleInAll>>> {
        let reader = context.reader(Reading::Directory)?;
        let app = context.app()?;
        let work = async {
            let paging = paging(first, after, last, before)?;
            let filter = filter.unwrap_or_default().parse()?;
            app.reach(Source::Directory, after_position).await?;
            let sort = sort.map(|sort| PeopleSort { field: sort.field.into(), descending: sort.descending });
            let query =
                PeopleQuery { filter: filter.clone(), search: search.clone(), sort: sort.unwrap_or_default(), paging };
            let page = app.directory.people(reader.organization, query).await?;
            let in_all = PeopleInAll { app: app.clone(), reader: reader.clone(), filter, search };
            Ok::<_, Stop>(connection(page, in_all))
        };
        work.await.map(Some).map_err(|stop| context.report(stop))
    }

    /// A person of your organization. Needs any admin right, except for yourself.
    #[graphql(complexity = "2 + child_complexity")]
    async fn person(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Id of the account.")] id: ID,
        #[graphql(desc = "The answer contains at least this change.")] after_position: Option<Position>,
    ) -> async_graphql::Result<Option<Person>> {
        let reader = context.reader(Reading::Own)?;
        let account = parse_id(&id, "id").map_err(|rejection| context.report(rejection.into()))?;
        if !reader.sees_person(account) {
            context.reader(Reading::Directory)?;
        }
        context.app()?.reach(Source::Directory, after_position).await.map_err(|stop| context.report(stop))?;
        visible_person(context, account).await
    }

    /// The admin roles of your organization: system admin first, then by name. At most 100. Needs any admin right.
    #[graphql(complexity = "5 + 10 * child_complexity")]
    async fn roles(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The answer contains at least this change.")] after_position: Option<Position>,
    ) -> async_graphql::Result<Option<Vec<Role>>> {
        let reader = context.reader(Reading::Directory)?;
        let app = context.app()?;
        app.reach(Source::Directory, after_position).await.map_err(|stop| context.report(stop))?;
        let rows = app.directory.roles(reader.organization).await.map_err(|error| context.report(error.into()))?;
        Ok(Some(rows.into_iter().map(Role::from).collect()))
    }

    /// An admin role of your organization. Needs any admin right.
    #[graphql(complexity = "2 + child_complexity")]
    async fn role(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Id of the role.")] id: ID,
        #[graphql(desc = "The answer contains at least this change.")] after_position: Option<Position>,
    ) -> async_graphql::Result<Option<Role>> {
        let reader = context.reader(Reading::Directory)?;
        let app = context.app()?;
        let work = async {
            let role = parse_id(&id, "id")?;
            app.reach(Source::Directory, after_position).await?;
            Ok::<_, Stop>(app.directory.role(reader.organization, role).await?.map(Role::from))
        };
        work.await.map_err(|stop| context.report(stop))
    }
}
