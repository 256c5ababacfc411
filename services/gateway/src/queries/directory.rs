//! People and roles.

use async_graphql::{Context, Enum, ID, InputObject, Object, connection::Connection};
use directory::{PeopleFilter, PeopleQuery, PeopleSort};
use domain::Rejection;
use schema::Timestamp;

use crate::{
    access::Reading,
    app::{ContextExt, Source},
    errors::Stop,
    objects::{
        person::{AccountOrigin, LoginMethod, Person, PersonStatus, visible_person},
        role::Role,
    },
    paging::{InAll, connection, paging, size_for_cost},
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
    /// Their department, case and accents aside; the empty text for those who have none. So it is with division, location
    /// and manager.
    department: Option<String>,
    /// Their division.
    division: Option<String>,
    /// Their office or city.
    location: Option<String>,
    /// Email address of their manager.
    manager_email: Option<String>,
    /// Language of their mails and pages, a BCP 47 tag.
    locale: Option<String>,
    /// Where the account came from.
    origin: Option<AccountOrigin>,
    /// Added then or later.
    created_from: Option<Timestamp>,
    /// Added before.
    created_until: Option<Timestamp>,
}

impl PersonFilter {
    fn parse(self) -> Result<PeopleFilter, Rejection> {
        Ok(PeopleFilter {
            status: self.status.map(Into::into),
            role: self.role_id.map(|id| parse_id(&id, "filter.roleId")).transpose()?,
            domain: self.domain.map(|domain| domain.to_lowercase()),
            login_method: self.login_method.map(Into::into),
            department: self.department,
            division: self.division,
            location: self.location,
            manager_email: self.manager_email,
            locale: self.locale,
            origin: self.origin.map(Into::into),
            created_from: self.created_from,
            created_until: self.created_until,
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
    /// The order in which they were added.
    Created,
    /// Added, activated, deactivated.
    Status,
    /// Department, accents and case aside; who has none comes first.
    Department,
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
    ) -> async_graphql::Result<Option<Connection<String, Person, InAll>>> {
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
            let (views, organization) = (app.directory.clone(), reader.organization);
            let in_all = InAll::new(move || {
                let (views, filter, search) = (views.clone(), filter.clone(), search.clone());
                async move { views.people_count(organization, filter, search).await }
            });
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
