//! Creates the accounts of confirmed imports in the background, then issues their invitations, and deletes the rows of
//! imports whose time has come. Every step can be repeated: an account's id follows from import and row, so a crash
//! anywhere neither doubles nor loses anybody.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use domain::{
    Account, AccountCommand, Code, EmailReservation, Import, ImportCommand, ImportStatus, Organization,
    reservation::EmailCommand, text::DomainName,
};
use eventlog::Delivery;
use futures::{StreamExt, stream};
use schema::{
    AccountId, AccountOrigin, ChallengeId, EmailKey, Event, ImportId, LoginMethod, OrganizationId, RefusedRow,
    events::{ImportEvent, account::AccountCreated, import::ImportProgressed},
};
use uuid::Uuid;

use super::{Reactor, Verdict};
use crate::{
    Failure, Platform, Request,
    processes::imports::{Readable, Review, imported_account},
};

/// Rows that are dealt with at a time.
const BATCH: u32 = 500;
/// Batches after which the progress is noted: what a crash has repeated at most.
const BATCHES_NOTED: u32 = 4;
/// Batches that are under way at once.
const BATCHES_AT_ONCE: usize = 3;
/// Invitations that are issued at a time.
const INVITATIONS: usize = 32;
/// How long the work goes on before it is handed over to the next delivery: well below the longest try.
const SHIFT: Duration = Duration::from_secs(60);

/// See the module.
pub struct Importer;

#[async_trait]
impl Reactor for Importer {
    const NAME: &'static str = "importer";
    const TYPES: &'static [&'static str] =
        &["import.uploaded", "import.confirmed", "import.finished", "import.cancelled"];

    async fn react(&self, platform: &Platform, request: &Request, delivery: &Delivery, event: Event) -> Verdict {
        let Ok(import) = delivery.event.stream.id().parse::<ImportId>() else {
            return Verdict::Park("the stream is of no import".to_owned());
        };
        let Event::Import(event) = event else { return Verdict::Finished };
        let due = match event {
            ImportEvent::Confirmed(_) => {
                return work(platform, request, import)
                    .await
                    .unwrap_or_else(|failure| Verdict::Retry(failure.to_string()));
            }
            ImportEvent::Uploaded(e) => e.expires_at,
            ImportEvent::Finished(e) => e.kept_until,
            ImportEvent::Cancelled(e) => e.kept_until,
            _ => return Verdict::Finished,
        };
        if request.at < due {
            return Verdict::At(due);
        }
        platform.discard_import(request, import).await.into()
    }
}

/// Goes on with an import from where the log says it stands.
async fn work(platform: &Platform, request: &Request, import: ImportId) -> Result<Verdict, Failure> {
    let loaded = platform.load::<Import>(&import).await?;
    let (Some(uploaded), Some(confirmed)) = (loaded.state.uploaded(), loaded.state.confirmed()) else {
        return Ok(Verdict::Finished);
    };
    let cancelled = match loaded.state.status() {
        ImportStatus::Running => false,
        ImportStatus::Cancelled => true,
        _ => return Ok(Verdict::Finished),
    };
    let Some(review) = platform.review_import(import, &loaded).await? else {
        return Ok(Verdict::Park("the rows of the import are gone".to_owned()));
    };
    let job = Job { platform, request, import, organization: uploaded.organization, locale: &confirmed.locale, review };
    if cancelled {
        job.end_round(loaded.state.through(), uploaded.rows).await?;
        return Ok(Verdict::Finished);
    }
    let until = Instant::now() + SHIFT;
    let mut shift = job.create_accounts(loaded.state.through(), uploaded.rows, until).await?;
    if shift == Shift::Done && confirmed.send_invitations {
        shift = job.invite(uploaded.rows, until).await?;
    }
    match shift {
        Shift::Done => {}
        Shift::Cancelled => return Ok(Verdict::Finished),
        Shift::Over => return Ok(Verdict::At(platform.clock().now())),
    }
    platform.execute::<Import>(&job.now(), &import, ImportCommand::Finish).await?;
    Ok(Verdict::Finished)
}

/// Whether a problem is looked at anew when the account is created.
fn decided_later(code: Code) -> bool {
    matches!(code, Code::EmailTaken | Code::DomainNotAllowed | Code::DomainTaken)
}

/// Whether there is time to go on.
#[derive(PartialEq, Eq)]
enum Shift {
    /// All is done.
    Done,
    /// An admin stopped it.
    Cancelled,
    /// Another delivery goes on.
    Over,
}

struct Job<'a> {
    platform: &'a Platform,
    request: &'a Request,
    import: ImportId,
    organization: OrganizationId,
    locale: &'a str,
    review: Arc<Review>,
}

/// A row that is to become an account.
struct Row {
    row: u32,
    account: AccountId,
    email_key: EmailKey,
    readable: Readable,
}

impl Job<'_> {
    /// The request with the time of this moment.
    fn now(&self) -> Request {
        Request { at: self.platform.clock().now(), ..self.request.clone() }
    }

    async fn is_cancelled(&self) -> Result<bool, Failure> {
        Ok(self.platform.load::<Import>(&self.import).await?.state.status() != ImportStatus::Running)
    }

    async fn create_accounts(&self, mut through: u32, rows: u32, until: Instant) -> Result<Shift, Failure> {
        while through < rows {
            through = self.create_round(through, rows).await?;
            if self.is_cancelled().await? {
                return Ok(Shift::Cancelled);
            }
            if Instant::now() >= until && through < rows {
                return Ok(Shift::Over);
            }
        }
        Ok(Shift::Done)
    }

    /// Deals with some batches and notes it; the first row after them.
    async fn create_round(&self, through: u32, rows: u32) -> Result<u32, Failure> {
        let end = through.saturating_add(BATCH * BATCHES_NOTED).min(rows);
        let batches = (through..end).step_by(BATCH as usize).map(|start| (start, start.saturating_add(BATCH).min(end)));
        let batches = batches.map(|(start, end)| self.create_batch(start, end));
        // One is worked out while another is being written. All are brought to their end, whatever becomes of one.
        let done: Vec<_> = stream::iter(batches.collect::<Vec<_>>()).buffered(BATCHES_AT_ONCE).collect().await;
        let mut progress = ImportProgressed { through: end, created: 0, refused: Vec::new() };
        for batch in done {
            let (created, refused) = batch?;
            progress.created = progress.created.saturating_add(created);
            progress.refused.extend(refused);
        }
        let through = end;
        self.platform.execute::<Import>(&self.now(), &self.import, ImportCommand::Progress(progress)).await?;
        Ok(through)
    }

    /// Of an import that was cancelled: a round that was begun, before a crash, is brought to its end, so that no address
    /// stays reserved without an account and the result tells of every account.
    async fn end_round(&self, through: u32, rows: u32) -> Result<(), Failure> {
        let end = through.saturating_add(BATCH * BATCHES_NOTED).min(rows);
        for row in (through..end).filter(|row| !self.review.is_removed(*row)) {
            let Ok(readable) = self.readable(row) else { continue };
            if self.has_reserved(&self.row(row, readable)).await? {
                return self.create_round(through, rows).await.map(drop);
            }
        }
        Ok(())
    }

    /// Deals with the rows from `start` to before `end`: how many accounts there are now, and the rows that were refused.
    async fn create_batch(&self, start: u32, end: u32) -> Result<(u32, Vec<RefusedRow>), Failure> {
        let request = self.now();
        let mut refused = Vec::new();
        let mut refuse = |row: u32, code: Code| refused.push(RefusedRow { row, code: code.name().to_owned() });
        let (mut wanted, mut domains) = (Vec::new(), HashSet::new());
        for row in (start..end).filter(|row| !self.review.is_removed(*row)) {
            match self.readable(row) {
                Ok(readable) => {
                    domains.insert(readable.email.domain().clone());
                    wanted.push((row, readable));
                }
                Err(code) => refuse(row, code),
            }
        }
        let refused_domains = self.refused_domains(domains).await?;
        let mut rows = Vec::with_capacity(wanted.len());
        for (row, readable) in wanted {
            let code = refused_domains.get(readable.email.domain());
            let row = self.row(row, readable);
            match code {
                // What was allowed when it was reserved, before a crash, is brought to its end.
                Some(code) if !self.has_reserved(&row).await? => refuse(row.row, *code),
                _ => rows.push(row),
            }
        }
        let mut reserved = Vec::with_capacity(rows.len());
        for (row, outcome) in self.reserve(&request, rows).await {
            match outcome {
                Ok(()) => reserved.push(row),
                Err(failure) if failure.code() == Some(Code::EmailTaken) => refuse(row.row, Code::EmailTaken),
                Err(failure) => return Err(failure),
            }
        }
        let created = u32::try_from(reserved.len()).unwrap_or(u32::MAX);
        self.create(&request, reserved).await?;
        refused.sort_unstable_by_key(|refused| refused.row);
        Ok((created, refused))
    }

    fn row(&self, row: u32, readable: Readable) -> Row {
        let email_key = self.platform.keys().email_key(readable.email.as_str());
        Row { row, account: imported_account(self.import, row), email_key, readable }
    }

    async fn has_reserved(&self, row: &Row) -> Result<bool, Failure> {
        let reservation = self.platform.load::<EmailReservation>(&row.email_key).await?;
        Ok(reservation.state.holder() == Some(row.account))
    }

    /// The row, or the first thing that is wrong with it by itself. Whether somebody has the address is for its reservation
    /// to say: it may be this import itself, before a crash. Whether its domain is allowed, may have changed since.
    fn readable(&self, row: u32) -> Result<Readable, Code> {
        let problems = self.review.problems(row);
        if let Some(problem) = problems.iter().find(|problem| !decided_later(problem.code)) {
            return Err(problem.code);
        }
        let entry = self.review.entry(row).ok_or(Code::NotFound)?;
        entry.read().map_err(|problems| problems.first().map_or(Code::InvalidValue, |problem| problem.code))
    }

    /// The domains that accounts may not have at this moment, and why.
    async fn refused_domains(&self, domains: HashSet<DomainName>) -> Result<HashMap<DomainName, Code>, Failure> {
        let owner = self.platform.load::<Organization>(&self.organization).await?;
        let mut refused = HashMap::new();
        for domain in domains {
            match self.platform.check_domain(self.organization, &owner.state, &domain).await {
                Ok(()) => {}
                Err(failure) => match failure.code() {
                    Some(code) => drop(refused.insert(domain, code)),
                    None => return Err(failure),
                },
            }
        }
        Ok(refused)
    }

    async fn reserve(&self, request: &Request, rows: Vec<Row>) -> Vec<(Row, Result<(), Failure>)> {
        let import = self.import;
        let command =
            |row: &Row| (row.email_key.clone(), EmailCommand::ReserveForImport { account: row.account, import });
        let outcomes = self.platform.begin_many::<EmailReservation>(request, rows.iter().map(command).collect()).await;
        rows.into_iter().zip(outcomes).collect()
    }

    /// How people sign in who are added now, by the domain of their addresses.
    async fn login_methods(&self, rows: &[Row]) -> Result<HashMap<String, LoginMethod>, Failure> {
        let domains: HashSet<_> = rows.iter().map(|row| row.readable.email.domain().as_str()).collect();
        let mut methods = HashMap::new();
        for domain in domains {
            methods.insert(domain.to_owned(), self.platform.method_for_new(self.organization, domain).await?);
        }
        Ok(methods)
    }

    async fn create(&self, request: &Request, rows: Vec<Row>) -> Result<(), Failure> {
        let accounts: Vec<_> = rows.iter().map(|row| row.account).collect();
        let keys = self.platform.people().obtain_many(&accounts).await?;
        let mut commands = Vec::with_capacity(rows.len());
        let methods = self.login_methods(&rows).await?;
        for (Row { account, email_key, readable, .. }, key) in rows.into_iter().zip(keys) {
            let people = self.platform.people();
            let created = AccountCreated {
                account,
                organization: self.organization,
                email: people.seal(&key, account, &readable.email.as_str().to_owned())?,
                email_key,
                domain: readable.email.domain().as_str().to_owned(),
                profile: people.seal(&key, account, &readable.profile)?,
                locale: readable.locale.unwrap_or_else(|| self.locale.to_owned()),
                login_method: methods.get(readable.email.domain().as_str()).copied().unwrap_or(LoginMethod::Password),
                origin: AccountOrigin::Import,
            };
            let create = AccountCommand::Create { account: Box::new(created), invite: None, credential: None };
            commands.push((account, create));
        }
        self.platform.begin_many::<Account>(request, commands).await.into_iter().collect()
    }

    /// Has an activation link mailed to everybody who was created, once all are.
    async fn invite(&self, rows: u32, until: Instant) -> Result<Shift, Failure> {
        let loaded = self.platform.load::<Import>(&self.import).await?;
        if loaded.state.status() != ImportStatus::Running {
            return Ok(Shift::Cancelled);
        }
        let refused: HashSet<_> = loaded.state.refused().iter().map(|refused| refused.row).collect();
        let mut through = loaded.state.invited_through();
        while through < rows {
            let next = through.saturating_add(BATCH).min(rows);
            let request = self.now();
            let created = (through..next).filter(|row| !self.review.is_removed(*row) && !refused.contains(row));
            let issued = stream::iter(created.map(|row| self.issue(&request, row)).collect::<Vec<_>>());
            let issued: Vec<_> = issued.buffer_unordered(INVITATIONS).collect().await;
            issued.into_iter().collect::<Result<(), _>>()?;
            through = next;
            let noted = ImportCommand::ProgressInvitations { through };
            self.platform.execute::<Import>(&request, &self.import, noted).await?;
            if self.is_cancelled().await? {
                return Ok(Shift::Cancelled);
            }
            if Instant::now() >= until && through < rows {
                return Ok(Shift::Over);
            }
        }
        Ok(Shift::Done)
    }

    async fn issue(&self, request: &Request, row: u32) -> Result<(), Failure> {
        let account = imported_account(self.import, row);
        let challenge = ChallengeId(Uuid::new_v5(&account.0, b"invite"));
        let issue = AccountCommand::IssueActivationLink { challenge, mailed: true };
        match self.platform.execute::<Account>(request, &account, issue).await {
            // Activated by another link or deactivated since: nobody has to be invited.
            Err(failure) if failure.code().is_some_and(|code| code != Code::Busy) => Ok(()),
            other => other.map(drop),
        }
    }
}
