//! The heart: load an aggregate, let it decide, append what it decided, again if somebody else was faster.

use std::{any::Any, sync::Arc, time::Duration};

use domain::{Aggregate, Code, Intent, Principal, Rejection, authorize};
use eventlog::{AppendError, Clock, EventLog, Expected, StreamAppend, Vault};
use files::Files;
use identity::{Entropy, EntropyExt, PasswordHasher, PasswordPolicy, ServerKeys};
use moka::future::Cache;
use schema::{EventId, NewEvent, Position, StreamId, events::EventFamily};
use tokio::sync::Semaphore;

use crate::{
    Failure, Request, domain_proof::Outbound, last_use::LastUse, people_keys::PeopleKeys, processes::imports::Imports,
    processes::organization::LOGOS_AT_ONCE,
};

/// Aggregates kept in memory. At about 1 KB each; the rest is read from the log when it is needed.
const CACHED_AGGREGATES: u64 = 20_000;
/// How often a command that others overtook decides anew before it gives up. With exactly one winner per round, this
/// many writers of one stream can race and all get through.
const ATTEMPTS: u32 = 200;
/// How often an append of unknown outcome is repeated.
const REPEATS: u32 = 5;
/// Events per read when a long stream is folded.
const READ_EVENTS: usize = 1000;

/// An aggregate as the log has it.
#[derive(Debug, Clone, Default)]
pub struct Loaded<A> {
    /// Folded from all its events.
    pub state: A,
    /// How many events it has.
    pub events: u64,
}

/// What came of a command.
#[derive(Debug, Clone)]
pub struct Done<A: Aggregate> {
    /// The aggregate afterwards.
    pub after: Arc<Loaded<A>>,
    /// What happened; empty if it was so already.
    pub events: Vec<A::Event>,
    /// Where the last of the events stands in the log.
    pub position: Option<Position>,
}

/// What the platform is made of.
pub struct PlatformParts {
    /// The log.
    pub log: Arc<dyn EventLog>,
    /// The secrets.
    pub vault: Arc<dyn Vault>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub entropy: Arc<dyn Entropy>,
    /// The keys of this installation.
    pub keys: ServerKeys,
    /// Bounded password hashing.
    pub passwords: PasswordHasher,
    /// Logos and files of people to import.
    pub files: Files,
    /// The way out to the internet, for proofs of domains.
    pub outbound: Outbound,
}

/// Takes commands. Cheap to share behind an `Arc`.
pub struct Platform {
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) vault: Arc<dyn Vault>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) keys: Arc<ServerKeys>,
    pub(crate) passwords: PasswordHasher,
    pub(crate) password_policy: PasswordPolicy,
    pub(crate) people: PeopleKeys,
    pub(crate) last_use: LastUse,
    pub(crate) files: Files,
    pub(crate) outbound: Outbound,
    pub(crate) logo_turns: Arc<Semaphore>,
    pub(crate) imports: Imports,
    cache: Cache<StreamId, Arc<dyn Any + Send + Sync>>,
}

impl Platform {
    /// Puts it together.
    pub fn new(parts: PlatformParts) -> Self {
        let PlatformParts { log, vault, clock, entropy, keys, passwords, files, outbound } = parts;
        let people = PeopleKeys::new(vault.clone(), entropy.clone());
        let cache = Cache::new(CACHED_AGGREGATES);
        let password_policy = PasswordPolicy::default();
        let last_use = LastUse::new(clock.now());
        let logo_turns = Arc::new(Semaphore::new(LOGOS_AT_ONCE));
        Self {
            log,
            vault,
            clock,
            entropy,
            keys: Arc::new(keys),
            passwords,
            password_policy,
            people,
            last_use,
            files,
            outbound,
            logo_turns,
            imports: Imports::default(),
            cache,
        }
    }

    /// The log, for those who follow it.
    pub fn log(&self) -> &Arc<dyn EventLog> {
        &self.log
    }
    /// Time.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }
    /// Chance.
    pub fn entropy(&self) -> &Arc<dyn Entropy> {
        &self.entropy
    }
    /// Logos and files of people to import.
    pub fn files(&self) -> &Files {
        &self.files
    }
    /// The way out to the internet.
    pub fn outbound(&self) -> &Outbound {
        &self.outbound
    }
    /// The keys of this installation.
    pub fn keys(&self) -> &ServerKeys {
        &self.keys
    }
    /// Seals and opens what is personal.
    pub fn people(&self) -> &PeopleKeys {
        &self.people
    }

    /// A new request by `principal`, now.
    pub fn request(&self, principal: Principal) -> Request {
        let intent = self.entropy.uuid_v4();
        Request { principal, intent, at: self.clock.now(), correlation: intent, cause: None }
    }

    /// The aggregate as it stands in the log at this moment: what the cache has is brought up to date by reading on
    /// from where it ends, so no decision is taken on a stale state.
    pub async fn load<A: Aggregate>(&self, id: &A::Id) -> Result<Arc<Loaded<A>>, Failure> {
        self.load_stream(&StreamId::new(A::CATEGORY, id)).await
    }

    async fn load_stream<A: Aggregate>(&self, stream: &StreamId) -> Result<Arc<Loaded<A>>, Failure> {
        let cached = self.cache.get(stream).await.and_then(|any| any.downcast::<Loaded<A>>().ok());
        let mut current = cached.unwrap_or_default();
        loop {
            let news = self.log.read_stream(stream, current.events, READ_EVENTS).await?;
            if news.is_empty() {
                return Ok(current);
            }
            let mut next = Arc::unwrap_or_clone(current);
            for event in &news {
                next.state = next.state.evolve(&A::Event::decode(&event.event_type, event.version, &event.payload)?);
                next.events = event.revision + 1;
            }
            current = Arc::new(next);
            self.cache.insert(stream.clone(), current.clone()).await;
            if news.len() < READ_EVENTS {
                return Ok(current);
            }
        }
    }

    /// Authorizes, decides and appends; decides anew if the stream has moved on meanwhile.
    ///
    /// A stream that is not in memory is first taken to be new, which most are: if the command can bring it into being,
    /// the append holds only if there is no such stream, so nothing rests on the guess. If it was wrong, or the command
    /// needs something that is there, the stream is loaded.
    pub async fn execute<A: Aggregate>(
        &self,
        request: &Request,
        id: &A::Id,
        command: A::Command,
    ) -> Result<Done<A>, Failure> {
        let stream = StreamId::new(A::CATEGORY, id);
        let intent = request.intend(command);
        let mut guess = !self.cache.contains_key(&stream);
        for _ in 0..ATTEMPTS {
            let guessed = std::mem::take(&mut guess).then(Arc::<Loaded<A>>::default);
            let known = guessed.map(|new| (judge(request, &new.state, &intent), new));
            let (events, loaded) = match known {
                Some((Ok(events), new)) if !events.is_empty() => (events, new),
                _ => {
                    let loaded = self.load_stream::<A>(&stream).await?;
                    (judge(request, &loaded.state, &intent)?, loaded)
                }
            };
            if events.is_empty() {
                return Ok(Done { after: loaded, events, position: None });
            }
            let after = events.iter().fold(loaded.state.clone(), |state, event| state.evolve(event));
            let new = self.envelopes::<A>(request, &intent, &stream, loaded.events, &after, &events)?;
            match self.append(&stream, loaded.events, new).await {
                Ok(position) => {
                    let after = Arc::new(Loaded { state: after, events: loaded.events + events.len() as u64 });
                    self.cache.insert(stream, after.clone()).await;
                    return Ok(Done { after, events, position: Some(position) });
                }
                Err(AppendError::Conflict { .. }) => tokio::task::yield_now().await,
                Err(other) => return Err(other.into()),
            }
        }
        Err(Code::Busy.into())
    }

    /// Gives many commands that each bring a stream into being, in one go. Where there is a stream already, the command is
    /// given to it as [`execute`](Self::execute) does. The outcomes stand in the order of the commands.
    pub(crate) async fn begin_many<A: Aggregate>(
        &self,
        request: &Request,
        commands: Vec<(A::Id, A::Command)>,
    ) -> Vec<Result<(), Failure>> {
        let mut appends = Vec::with_capacity(commands.len());
        let mut outcomes = Vec::with_capacity(commands.len());
        for (id, command) in &commands {
            match self.begin::<A>(request, id, command.clone()) {
                Ok(append) => {
                    outcomes.push(None);
                    appends.push(append);
                }
                Err(failure) => outcomes.push(Some(Err(failure))),
            }
        }
        let mut appended = self.log.append_many(appends).await.into_iter();
        let mut all = Vec::with_capacity(commands.len());
        for ((id, command), outcome) in commands.into_iter().zip(outcomes) {
            all.push(match outcome.or_else(|| appended.next().map(|done| done.map(drop).map_err(Failure::from))) {
                Some(Ok(())) => Ok(()),
                // Not new, or perhaps not: `execute` finds out, and says what is wrong.
                _ => self.execute::<A>(request, &id, command).await.map(drop),
            });
        }
        all
    }

    fn begin<A: Aggregate>(&self, request: &Request, id: &A::Id, command: A::Command) -> Result<StreamAppend, Failure> {
        let (stream, intent) = (StreamId::new(A::CATEGORY, id), request.intend(command));
        let new = A::default();
        let events = judge(request, &new, &intent)?;
        let after = events.iter().fold(new, |state, event| state.evolve(event));
        let events = self.envelopes::<A>(request, &intent, &stream, 0, &after, &events)?;
        Ok(StreamAppend { stream, expected: Expected::NoStream, events })
    }

    /// Authorizes and decides without appending: tells early whether a command would be refused, or change anything.
    pub(crate) async fn rehearse<A: Aggregate>(
        &self,
        request: &Request,
        id: &A::Id,
        command: A::Command,
    ) -> Result<Vec<A::Event>, Failure> {
        Ok(judge(request, &self.load::<A>(id).await?.state, &request.intend(command))?)
    }

    fn envelopes<A: Aggregate>(
        &self,
        request: &Request,
        intent: &Intent<A::Command>,
        stream: &StreamId,
        revision: u64,
        after: &A,
        events: &[A::Event],
    ) -> Result<Vec<NewEvent>, Failure> {
        let envelope = |(index, event): (u64, &A::Event)| {
            Ok(NewEvent {
                id: EventId::derive(request.intent, stream, revision + index),
                event_type: event.event_type(),
                version: event.version(),
                organization: after.organization(),
                actor: intent.actor.clone(),
                recorded_at: request.at,
                cause: request.cause,
                correlation: request.correlation,
                payload: event.encode()?,
            })
        };
        (0..).zip(events).map(envelope).collect()
    }

    async fn append(&self, stream: &StreamId, events: u64, new: Vec<NewEvent>) -> Result<Position, AppendError> {
        let expected = events.checked_sub(1).map_or(Expected::NoStream, Expected::Revision);
        for repeat in 0..REPEATS {
            match self.log.append(stream, expected, new.clone()).await {
                // With the same ids, so it is written once however often it is repeated.
                Err(AppendError::OutcomeUnknown) => tokio::time::sleep(Duration::from_millis(20 << repeat)).await,
                other => return other.map(|appended| appended.position),
            }
        }
        Err(AppendError::OutcomeUnknown)
    }
}

/// Authorizes and decides.
fn judge<A: Aggregate>(request: &Request, state: &A, intent: &Intent<A::Command>) -> Result<Vec<A::Event>, Rejection> {
    let access = A::access(&intent.command);
    // What does not exist yet has no organization; then the command says whose it will be.
    let organization = state.organization().or_else(|| A::target(&intent.command));
    authorize(&request.principal, access, organization, state.owner().as_ref())?;
    state.decide(intent)
}
