//! An import of people.

use std::sync::Arc;

use async_graphql::{
    ComplexObject, Context, Enum, ID, SimpleObject,
    connection::{Connection, Edge, EmptyFields},
};
use commands::{
    Loaded,
    processes::imports::{Problem, Review, RowCounts, RowFilter, imported_account},
};
use domain::{Code, Import, ImportStatus};
use schema::{ImportId, Timestamp};
use spreadsheets::Column;

use super::person::{Person, visible_person};
use crate::{
    app::ContextExt,
    errors::{Stop, UserErrorCode},
    paging::{checked_size, size_for_cost},
    scalars::id,
};

/// Where an import stands.
#[derive(Debug, Enum, Copy, Clone, Eq, PartialEq)]
#[graphql(name = "ImportStatus")]
pub(crate) enum PeopleImportStatus {
    /// It waits to be reviewed and confirmed.
    InReview,
    /// Accounts are being created.
    Running,
    /// Every row is dealt with.
    Finished,
    /// An admin stopped it. Accounts that were created stay.
    Cancelled,
    /// Nobody confirmed it in time; the file was deleted.
    Expired,
}

/// Which rows of an import.
#[derive(Debug, Enum, Copy, Clone, Eq, PartialEq)]
#[graphql(remote = "commands::processes::imports::RowFilter")]
pub(crate) enum ImportRowFilter {
    /// All that were not removed.
    All,
    /// Those that become accounts.
    Ready,
    /// Those that have to be mended first, or are left out.
    WithProblems,
}

/// How far the creation of the accounts is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, SimpleObject)]
pub(crate) struct ImportProgress {
    /// Where the import stands.
    status: PeopleImportStatus,
    /// Rows of the file.
    total: usize,
    /// Rows that are dealt with.
    done: u32,
    /// Accounts that were created.
    created: u32,
    /// Rows of which no account was made.
    refused: usize,
    /// Rows whose people were mailed an activation link if they have an account.
    invited: u32,
}

impl ImportProgress {
    pub(crate) fn of(state: &Import) -> Self {
        let status = match state.status() {
            ImportStatus::Absent | ImportStatus::Expired => PeopleImportStatus::Expired,
            ImportStatus::InReview => PeopleImportStatus::InReview,
            ImportStatus::Running => PeopleImportStatus::Running,
            ImportStatus::Finished => PeopleImportStatus::Finished,
            ImportStatus::Cancelled => PeopleImportStatus::Cancelled,
        };
        Self {
            status,
            total: state.uploaded().map_or(0, |uploaded| uploaded.rows as usize),
            done: state.through(),
            created: state.created(),
            refused: state.refused().len(),
            invited: state.invited_through(),
        }
    }

    /// Whether nothing more comes.
    pub(crate) fn is_final(&self) -> bool {
        !matches!(self.status, PeopleImportStatus::InReview | PeopleImportStatus::Running)
    }
}

/// What keeps a row from becoming an account.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct ImportProblem {
    /// What to match on.
    code: UserErrorCode,
    /// The field to mend, by its name in `editImportRow`.
    field: &'static str,
    /// What to do, in English, to be shown as it is.
    message: String,
}

impl From<Problem> for ImportProblem {
    fn from(problem: Problem) -> Self {
        Self { code: UserErrorCode(problem.code), field: problem.field, message: problem.message.into_owned() }
    }
}

/// How many rows there are of each kind.
#[derive(Debug, Clone, Copy, SimpleObject)]
pub(crate) struct ImportRowCounts {
    /// All of the file.
    total: usize,
    /// Those that become accounts.
    ready: usize,
    /// Those that have to be mended first, or are left out.
    with_problems: usize,
    /// Those that were removed.
    removed: usize,
}

impl From<RowCounts> for ImportRowCounts {
    fn from(counts: RowCounts) -> Self {
        let RowCounts { total, ready, with_problems, removed } = counts;
        Self { total, ready, with_problems, removed }
    }
}

/// How many rows have a problem.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct ImportProblemCount {
    /// The problem.
    code: UserErrorCode,
    /// How many rows have it.
    rows: usize,
}

/// A row of an import, as it is typed: it may be anything.
#[derive(Clone, SimpleObject)]
pub(crate) struct ImportRow {
    /// Names the row in `editImportRow` and `removeImportRow`: counted from 0, without the header.
    row: u32,
    /// Where it stands in the file, as programs for spreadsheets count: from 1, with the header.
    line: u32,
    /// Work email address.
    email: String,
    /// Given name.
    given_name: String,
    /// Family name.
    family_name: String,
    /// Job title.
    job_title: String,
    /// Department.
    department: String,
    /// Division.
    division: String,
    /// Office or city.
    location: String,
    /// Phone number.
    phone: String,
    /// Language; empty for the one that is chosen for the import.
    locale: String,
    /// Email address of the manager.
    manager_email: String,
    /// First day at work.
    start_date: String,
    /// What keeps it from becoming an account; empty if nothing does.
    problems: Vec<ImportProblem>,
}

impl ImportRow {
    pub(crate) fn of(review: &Review, row: u32) -> Option<Self> {
        let entry = review.entry(row)?;
        let cell = |column| entry.get(column).to_owned();
        Some(Self {
            row,
            line: review.line(row)?,
            email: cell(Column::Email),
            given_name: cell(Column::FirstName),
            family_name: cell(Column::LastName),
            job_title: cell(Column::JobTitle),
            department: cell(Column::Department),
            division: cell(Column::Division),
            location: cell(Column::Location),
            phone: cell(Column::Phone),
            locale: cell(Column::Locale),
            manager_email: cell(Column::ManagerEmail),
            start_date: cell(Column::StartDate),
            problems: review.problems(row).into_iter().map(Into::into).collect(),
        })
    }
}

/// A file of people that an admin uploaded.
#[derive(Clone, SimpleObject)]
#[graphql(complex)]
pub(crate) struct PeopleImport {
    #[graphql(skip)]
    import: ImportId,
    #[graphql(skip)]
    loaded: Arc<Loaded<Import>>,
    /// Id of the import.
    pub(crate) id: ID,
    /// Where it stands.
    status: PeopleImportStatus,
    /// How far the creation of the accounts is.
    progress: ImportProgress,
    /// The very same file was uploaded before, for this import.
    duplicate_of_id: Option<ID>,
    /// When the file is deleted; null while accounts are being created, and once it was.
    kept_until: Option<Timestamp>,
    /// Where the result can be fetched as CSV, one line for each row of the file. Null before it is confirmed, and once the
    /// file was deleted.
    result_url: Option<String>,
}

impl PeopleImport {
    pub(crate) fn new(origin: &str, import: ImportId, loaded: Arc<Loaded<Import>>) -> Self {
        let state = &loaded.state;
        let progress = ImportProgress::of(state);
        let kept = !state.is_discarded();
        let result = kept && state.confirmed().is_some();
        Self {
            import,
            id: id(import),
            status: progress.status,
            progress,
            duplicate_of_id: state.uploaded().and_then(|uploaded| uploaded.duplicate_of).map(id),
            kept_until: state.deletion_due().filter(|_| kept),
            result_url: result.then(|| format!("{origin}/imports/{import}/result.csv")),
            loaded,
        }
    }

    async fn review(&self, context: &Context<'_>) -> async_graphql::Result<Option<Arc<Review>>> {
        let review = context.app()?.platform.review_import(self.import, &self.loaded).await;
        review.map_err(|failure| context.report(failure.into()))
    }
}

#[ComplexObject]
impl PeopleImport {
    /// Who uploaded it.
    #[graphql(complexity = "2 + child_complexity")]
    async fn uploaded_by(&self, context: &Context<'_>) -> async_graphql::Result<Option<Person>> {
        match self.loaded.state.uploaded() {
            Some(uploaded) => visible_person(context, uploaded.account).await,
            None => Ok(None),
        }
    }

    /// How many rows there are of each kind, as reviewed. Null once the file was deleted.
    #[graphql(complexity = "20 + child_complexity")]
    async fn counts(&self, context: &Context<'_>) -> async_graphql::Result<Option<ImportRowCounts>> {
        Ok(self.review(context).await?.map(|review| review.counts().into()))
    }

    /// How many rows have a problem of each kind. Null once the file was deleted.
    #[graphql(complexity = "20 + child_complexity")]
    async fn problem_counts(&self, context: &Context<'_>) -> async_graphql::Result<Option<Vec<ImportProblemCount>>> {
        let counts = self.review(context).await?.map(|review| review.problem_counts().clone());
        let shown = |(code, rows)| ImportProblemCount { code: UserErrorCode(code), rows };
        Ok(counts.map(|counts| counts.into_iter().map(shown).collect()))
    }

    /// Columns of the file that are not known and were left out. Null once the file was deleted.
    #[graphql(complexity = 5)]
    async fn ignored_columns(&self, context: &Context<'_>) -> async_graphql::Result<Option<Vec<String>>> {
        Ok(self.review(context).await?.map(|review| review.ignored_columns().to_vec()))
    }

    /// The rows, in the order of the file. Null once the file was deleted.
    #[graphql(complexity = "20 + size_for_cost(first, None) * child_complexity")]
    async fn rows(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which rows; all that were not removed unless told otherwise.")] filter: Option<
            ImportRowFilter,
        >,
        #[graphql(desc = "How many, from 1 to 200; 50 unless told otherwise.")] first: Option<i32>,
        #[graphql(desc = "Start after this cursor.")] after: Option<String>,
    ) -> async_graphql::Result<Option<Connection<String, ImportRow, EmptyFields, EmptyFields>>> {
        let Some(review) = self.review(context).await? else { return Ok(None) };
        let read = || {
            let size = checked_size(first.unwrap_or(crate::paging::DEFAULT_PAGE))?;
            let start = match &after {
                Some(cursor) => cursor.parse::<u32>().map_err(|_| Code::InvalidCursor.at("after"))?.saturating_add(1),
                None => 0,
            };
            let filter: RowFilter = filter.map_or(RowFilter::All, Into::into);
            let mut rows: Vec<_> = review.rows(filter, start).take(size + 1).collect();
            let more = rows.len() > size;
            rows.truncate(size);
            let mut connection = Connection::new(start > 0, more);
            let edges =
                rows.into_iter().filter_map(|row| Some(Edge::new(row.to_string(), ImportRow::of(&review, row)?)));
            connection.edges.extend(edges);
            Ok::<_, Stop>(connection)
        };
        read().map(Some).map_err(|stop| context.report(stop))
    }
}

/// The account that was made of a row, for the result.
pub(crate) fn account_of(import: ImportId, row: u32) -> String {
    imported_account(import, row).to_string()
}
