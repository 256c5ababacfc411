//! Relay connections over the pages of the views.

use async_graphql::{
    Context, Object, ObjectType, OutputType,
    connection::{Connection, ConnectionNameType, Edge, EmptyFields},
};
use domain::{Code, Rejection};
use engine::{
    ViewError,
    listing::Count,
    paging::{LARGEST_PAGE, Page, Paging},
};
use futures::future::BoxFuture;
use tokio::sync::OnceCell;

use crate::app::ContextExt;

/// Entries of a page unless told otherwise.
pub(crate) const DEFAULT_PAGE: i32 = 50;

/// A page size that a client asked for.
pub(crate) fn checked_size(size: i32) -> Result<usize, Rejection> {
    usize::try_from(size).ok().filter(|size| (1..=LARGEST_PAGE).contains(size)).ok_or(Code::InvalidPageSize.at("first"))
}

/// What a page size counts in the cost of a request. Sizes that will be refused count as the nearest that is not.
pub(crate) fn size_for_cost(first: impl Into<Option<i32>>, last: Option<i32>) -> usize {
    let size = last.or(first.into()).unwrap_or(DEFAULT_PAGE);
    usize::try_from(size).unwrap_or(1).clamp(1, LARGEST_PAGE)
}

/// Reads the arguments of a connection.
pub(crate) fn paging(
    first: Option<i32>,
    after: Option<String>,
    last: Option<i32>,
    before: Option<String>,
) -> Result<Paging, Rejection> {
    let forward = first.is_some() || after.is_some();
    match (last, before) {
        (None, None) => Ok(Paging::Forward { first: checked_size(first.unwrap_or(DEFAULT_PAGE))?, after }),
        _ if forward => {
            Err(Rejection::new(Code::InvalidPageSize, "Pass either first and after, or last and before.").at("last"))
        }
        (last, before) => {
            let last = checked_size(last.unwrap_or(DEFAULT_PAGE)).map_err(|rejection| rejection.at("last"))?;
            Ok(Paging::Backward { last, before })
        }
    }
}

/// Makes a connection of the first `size` of `rows`, which has one more row if more follow.
pub(crate) fn first_of<R, N: OutputType + From<R>, Name: ConnectionNameType>(
    rows: Vec<R>,
    size: usize,
    cursor: impl Fn(&R) -> String,
) -> Connection<String, N, EmptyFields, EmptyFields, Name> {
    let mut connection = Connection::new(false, rows.len() > size);
    connection.edges.extend(rows.into_iter().take(size).map(|row| Edge::new(cursor(&row), row.into())));
    connection
}

/// Makes a connection of a page.
pub(crate) fn connection<R, N: OutputType + From<R>, F: ObjectType>(
    page: Page<R>,
    fields: F,
) -> Connection<String, N, F> {
    let mut connection = Connection::with_additional_fields(page.has_previous, page.has_next, fields);
    connection.edges.extend(page.edges.into_iter().map(|edge| Edge::new(edge.cursor, edge.node.into())));
    connection
}

type Counting = dyn Fn() -> BoxFuture<'static, Result<Count, ViewError>> + Send + Sync;

/// What a connection has besides its page. Counts only if it is asked for, and once.
pub(crate) struct InAll {
    count: Box<Counting>,
    counted: OnceCell<Count>,
}

impl InAll {
    /// Counts with `count`, which is called at most once.
    pub(crate) fn new<R>(count: impl Fn() -> R + Send + Sync + 'static) -> Self
    where
        R: Future<Output = Result<Count, ViewError>> + Send + 'static,
    {
        Self { count: Box::new(move || Box::pin(count())), counted: OnceCell::new() }
    }

    async fn counted(&self, context: &Context<'_>) -> async_graphql::Result<Count> {
        let counted = self.counted.get_or_try_init(|| (self.count)()).await;
        counted.copied().map_err(|error| context.report(error.into()))
    }
}

#[Object]
impl InAll {
    /// How many fit in all, or at least how many, see `totalCountIsExact`. Takes a moment in large organizations; leave it
    /// out where it is not shown.
    #[graphql(complexity = 20)]
    async fn total_count(&self, context: &Context<'_>) -> async_graphql::Result<u64> {
        Ok(self.counted(context).await?.rows)
    }

    /// Whether exactly `totalCount` fit, and not more. Only a search that finds more than about 20,000 is not counted to the
    /// end.
    #[graphql(complexity = 1)]
    async fn total_count_is_exact(&self, context: &Context<'_>) -> async_graphql::Result<bool> {
        Ok(!self.counted(context).await?.or_more)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_from_1_to_200_in_one_direction() {
        let forward = |first, after: Option<&str>| Paging::Forward { first, after: after.map(str::to_owned) };
        assert_eq!(paging(None, None, None, None), Ok(forward(50, None)));
        assert_eq!(paging(Some(200), Some("c".into()), None, None), Ok(forward(200, Some("c"))));
        assert_eq!(paging(None, None, Some(1), None), Ok(Paging::Backward { last: 1, before: None }));
        assert_eq!(
            paging(None, None, None, Some("c".into())),
            Ok(Paging::Backward { last: 50, before: Some("c".into()) })
        );
        for (first, last) in [(Some(0), None), (Some(201), None), (Some(-1), None), (None, Some(0)), (Some(1), Some(1))]
        {
            assert_eq!(paging(first, None, last, None).unwrap_err().code, Code::InvalidPageSize, "{first:?} {last:?}");
        }
        let costs = [
            size_for_cost(None, None),
            size_for_cost(i32::MAX, None),
            size_for_cost(0, None),
            size_for_cost(7, Some(9)),
        ];
        assert_eq!(costs, [50, 200, 1, 9]);
    }
}
