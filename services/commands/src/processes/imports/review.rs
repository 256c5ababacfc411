//! The rows of an import with what is wrong with each.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use domain::{Aggregate, Code, EmailReservation, Import, Organization, text::DomainName};
use futures::{StreamExt, stream};
use schema::{EmailKey, ImportId, OrganizationId, StreamId};
use spreadsheets::PeopleTable;
use uuid::Uuid;

use super::entry::{Entry, Problem, Readable, field};
use crate::{Failure, Loaded, Platform};

/// Reservations that are looked at at a time.
const AT_A_TIME: usize = 64;

/// The rows of an import as they stand, with what is wrong with each.
#[derive(Clone)]
pub struct Review {
    table: Arc<PeopleTable>,
    edits: BTreeMap<u32, (Uuid, Entry)>,
    removed: BTreeSet<u32>,
    /// What is wrong with a row by itself, or because somebody has the address. What is wrong with its domain is in
    /// `domains`: it changes without the row.
    own: BTreeMap<u32, Vec<Problem>>,
    /// The address of each row, if it can be read.
    emails: Vec<Option<Box<str>>>,
    /// Rows whose address stands in an earlier one.
    duplicates: BTreeSet<u32>,
    /// The domains of the addresses, and what is wrong with each.
    domains: HashMap<Box<str>, Option<Problem>>,
    /// How many events of the organization it knows, which says what domains are allowed.
    pub(super) allowed: u64,
    /// How many changes of rows it knows.
    pub(super) row_changes: u64,
    /// What kind each row is.
    kinds: Vec<Kind>,
    counts: RowCounts,
    problem_counts: BTreeMap<Code, usize>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Ready,
    WithProblems,
    Removed,
}

/// Which rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RowFilter {
    /// All that were not taken out.
    #[default]
    All,
    /// Those that become accounts.
    Ready,
    /// Those that have to be mended first.
    WithProblems,
}

/// How many rows there are of each kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RowCounts {
    /// All of the file.
    pub total: usize,
    /// Those that become accounts.
    pub ready: usize,
    /// Those that have to be mended first.
    pub with_problems: usize,
    /// Those that were taken out.
    pub removed: usize,
}

impl Review {
    /// How many rows the file has.
    pub fn len(&self) -> usize {
        self.table.len()
    }
    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }
    /// Bytes that it takes in memory, about.
    pub(super) fn size(&self) -> usize {
        let emails: usize = self.emails.iter().flatten().map(|email| email.len() + 16).sum();
        let problems: usize = self.own.values().map(|own| 64 + size_of::<Problem>() * own.capacity()).sum();
        let edits: usize = self.edits.values().map(|(_, entry)| 64 + size_of::<Entry>() + entry.len()).sum();
        self.table.size() + emails + 17 * self.emails.len() + problems + edits + 32 * self.duplicates.len()
    }
    /// Columns of the file that are not known and were left out.
    pub fn ignored_columns(&self) -> &[String] {
        &self.table.ignored_columns
    }
    /// Where a row stands in the file, from 1.
    pub fn line(&self, row: u32) -> Option<u32> {
        self.table.row(row as usize).map(|row| row.line())
    }
    /// What stands in a row.
    pub fn entry(&self, row: u32) -> Option<Entry> {
        match self.edits.get(&row) {
            Some((_, entry)) => Some(entry.clone()),
            None => self.table.row(row as usize).map(Entry::of),
        }
    }
    /// Whether a row was taken out.
    pub fn is_removed(&self, row: u32) -> bool {
        self.removed.contains(&row)
    }
    /// What is wrong with a row; nothing with one that was taken out.
    pub fn problems(&self, row: u32) -> Vec<Problem> {
        if self.is_removed(row) {
            return Vec::new();
        }
        let duplicate = self.duplicates.contains(&row).then(|| Problem {
            code: Code::DuplicateRow,
            field: "email",
            message: Code::DuplicateRow.message().into(),
        });
        let domain = self.of_domain(row).cloned();
        self.own.get(&row).into_iter().flatten().cloned().chain(domain).chain(duplicate).collect()
    }
    fn of_domain(&self, row: u32) -> Option<&Problem> {
        let (_, domain) = self.emails.get(row as usize)?.as_deref()?.rsplit_once('@')?;
        self.domains.get(domain)?.as_ref()
    }
    /// The rows of a kind from `start` on.
    pub fn rows(&self, filter: RowFilter, start: u32) -> impl Iterator<Item = u32> + '_ {
        let wanted = move |kind: Kind| match filter {
            RowFilter::All => kind != Kind::Removed,
            RowFilter::Ready => kind == Kind::Ready,
            RowFilter::WithProblems => kind == Kind::WithProblems,
        };
        let rows = (0..).zip(&self.kinds).skip(start as usize);
        rows.filter(move |(_, kind)| wanted(**kind)).map(|(row, _)| row)
    }
    /// How many rows there are of each kind.
    pub fn counts(&self) -> RowCounts {
        self.counts
    }
    /// How many rows have a problem of each kind.
    pub fn problem_counts(&self) -> &BTreeMap<Code, usize> {
        &self.problem_counts
    }

    /// Counts once what is asked for again and again.
    fn summarize(&mut self) {
        let (mut kinds, mut problem_counts) = (Vec::with_capacity(self.len()), BTreeMap::new());
        let mut counts = RowCounts { total: self.len(), ..RowCounts::default() };
        for row in 0..u32::try_from(self.len()).unwrap_or(u32::MAX) {
            let codes: BTreeSet<_> = self.problems(row).into_iter().map(|problem| problem.code).collect();
            let (kind, count) = match codes.is_empty() {
                _ if self.is_removed(row) => (Kind::Removed, &mut counts.removed),
                true => (Kind::Ready, &mut counts.ready),
                false => (Kind::WithProblems, &mut counts.with_problems),
            };
            *count += 1;
            kinds.push(kind);
            codes.into_iter().for_each(|code| *problem_counts.entry(code).or_insert(0) += 1);
        }
        (self.kinds, self.counts, self.problem_counts) = (kinds, counts, problem_counts);
    }

    /// Reads rows anew, and notes what is wrong with each by itself.
    fn read(&mut self, rows: impl IntoIterator<Item = u32>) {
        for row in rows {
            let Some(entry) = self.entry(row) else { continue };
            let code = Code::FormulaIgnored;
            let formula = |column| Problem { code, field: field(column), message: code.message().into() };
            let mut problems: Vec<_> = entry.formulas().map(formula).collect();
            self.own.remove(&row);
            let email = match entry.read() {
                Ok(Readable { email, .. }) => Some(email.as_str().into()),
                Err(found) => {
                    problems.extend(found);
                    None
                }
            };
            if let Some(place) = self.emails.get_mut(row as usize) {
                *place = email;
            }
            if !problems.is_empty() {
                self.own.insert(row, problems);
            }
        }
    }

    /// Of rows with the same address the first counts, those that were taken out aside.
    fn find_duplicates(&mut self) {
        let mut seen = HashSet::new();
        self.duplicates = (0..)
            .zip(&self.emails)
            .filter(|(row, _)| !self.removed.contains(row))
            .filter_map(|(row, email)| email.as_deref().filter(|email| !seen.insert(*email)).map(|_| row))
            .collect();
    }
}

impl Platform {
    /// Looks at the domains of the addresses as they are allowed now.
    async fn look_at_domains(&self, organization: OrganizationId, review: &mut Review) -> Result<(), Failure> {
        let owner = self.load::<Organization>(&organization).await?;
        let emails = review.emails.iter().flatten();
        let names: HashSet<Box<str>> = emails.filter_map(|email| Some(email.rsplit_once('@')?.1.into())).collect();
        review.domains = HashMap::with_capacity(names.len());
        review.allowed = owner.events;
        for name in names {
            let Ok(domain) = DomainName::parse(&name) else { continue };
            let problem = match self.check_domain(organization, &owner.state, &domain).await {
                Ok(()) => None,
                Err(Failure::Rejected(rejection)) => {
                    Some(Problem { code: rejection.code, field: "email", message: rejection.message })
                }
                Err(failure) => return Err(failure),
            };
            review.domains.insert(name, problem);
        }
        Ok(())
    }

    /// Which of the addresses have an account, or are about to have one.
    async fn taken(&self, emails: &[(u32, EmailKey)]) -> Result<Vec<u32>, Failure> {
        let streams: Vec<_> = emails.iter().map(|(_, key)| StreamId::new(EmailReservation::CATEGORY, key)).collect();
        let revisions = self.log.revisions(&streams).await?;
        let there = emails.iter().zip(revisions).filter(|(_, revision)| revision.is_some());
        let looks: Vec<_> = there.map(|((row, key), _)| self.row_if_taken(*row, key)).collect();
        let looked: Vec<_> = stream::iter(looks).buffered(AT_A_TIME).collect().await;
        looked.into_iter().filter_map(Result::transpose).collect()
    }

    async fn row_if_taken(&self, row: u32, key: &EmailKey) -> Result<Option<u32>, Failure> {
        Ok(self.load::<EmailReservation>(key).await?.state.holder().map(|_| row))
    }

    /// The review of an import from its file, or brought up to date from an earlier one.
    pub(super) async fn reviewed(
        &self,
        import: ImportId,
        organization: OrganizationId,
        loaded: &Loaded<Import>,
        earlier: Option<Arc<Review>>,
    ) -> Result<Option<Review>, Failure> {
        let (mut review, mut fresh) = match earlier {
            Some(earlier) => (Arc::unwrap_or_clone(earlier), Vec::new()),
            None => {
                let Some(table) = self.staged(import).await? else { return Ok(None) };
                let rows = u32::try_from(table.len()).unwrap_or(u32::MAX);
                let review = Review {
                    emails: vec![None; table.len()],
                    table: Arc::new(table),
                    edits: BTreeMap::new(),
                    removed: BTreeSet::new(),
                    own: BTreeMap::new(),
                    duplicates: BTreeSet::new(),
                    domains: HashMap::new(),
                    allowed: 0,
                    row_changes: 0,
                    kinds: Vec::new(),
                    counts: RowCounts::default(),
                    problem_counts: BTreeMap::new(),
                };
                (review, (0..rows).collect())
            }
        };
        let edits = loaded.state.edits().iter().map(|(row, edit)| (*row, *edit));
        let known = |row: &u32, edit: &Uuid| review.edits.get(row).is_some_and(|(known, _)| known == edit);
        let missing: Vec<_> = edits.filter(|(row, edit)| !known(row, edit)).collect();
        if !missing.is_empty() {
            for (row, edit, entry) in self.staged_edits(import, &missing).await? {
                review.edits.insert(row, (edit, entry));
                fresh.push(row);
            }
        }
        review.removed.clone_from(loaded.state.removed());
        review.row_changes = loaded.state.row_changes();
        self.look_at_rows(organization, review, fresh).await.map(Some)
    }

    async fn look_at_rows(
        &self,
        organization: OrganizationId,
        mut review: Review,
        fresh: Vec<u32>,
    ) -> Result<Review, Failure> {
        let keys = self.keys.clone();
        let (mut review, emails) = blocking(move || {
            review.read(fresh.iter().copied());
            review.find_duplicates();
            let email = |row: &u32| review.emails.get(*row as usize).and_then(|email| email.as_deref());
            let emails: Vec<_> = fresh.iter().filter_map(|row| Some((*row, keys.email_key(email(row)?)))).collect();
            (review, emails)
        })
        .await?;
        self.look_at_domains(organization, &mut review).await?;
        for row in self.taken(&emails).await? {
            let code = Code::EmailTaken;
            let taken = Problem { code, field: "email", message: code.message().into() };
            review.own.entry(row).or_default().push(taken);
        }
        blocking(move || {
            review.summarize();
            review
        })
        .await
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Failure::OutOfOrder(error.to_string()))
}
