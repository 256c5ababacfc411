//! Events of the history.

use async_graphql::{ComplexObject, Context, ID, InputObject, SimpleObject};
use domain::{Code, Rejection};
use history::Subject;
use schema::{Actor, Timestamp};
use serde_json::Value;
use uuid::Uuid;

use super::{command::ActorKind, node::Node};
use crate::{
    access::Reading,
    app::ContextExt,
    history::{Told, subject_of},
    objects::node,
    scalars::{Position, id, parse_id},
};

/// Which events of the history. What is left out does not matter.
#[derive(Debug, Clone, Default, InputObject)]
pub(crate) struct HistoryFilter {
    /// Who caused them: the id of a person or a device, or of any other `HistoryActor`.
    actor: Option<ID>,
    /// What they are about: the id of a person, device, command, role, domain, import, session or of your organization.
    subject: Option<ID>,
    /// Of one of these types, such as `account.created`; `historyEventTypes` lists them.
    types: Option<Vec<String>>,
    /// Not before this time.
    from: Option<Timestamp>,
    /// Before this time.
    until: Option<Timestamp>,
}

impl HistoryFilter {
    /// Reads what a client passed in a field of this name.
    pub(crate) fn parse(self) -> Result<history::HistoryFilter, Rejection> {
        Ok(history::HistoryFilter {
            actor: self.actor.map(|id| parse_actor(&id, "filter.actor")).transpose()?,
            subject: self.subject.map(|id| parse_id(&id, "filter.subject")).transpose()?,
            types: known_types(self.types.unwrap_or_default(), "filter.types")?,
            from: self.from,
            until: self.until,
        })
    }
}

/// Reads the id of an actor, which is the id of the person or unit if it is one.
pub(crate) fn parse_actor(text: &str, field: &'static str) -> Result<Actor, Rejection> {
    match text.parse() {
        Ok(Subject::Account(account)) => Ok(Actor::Account(account)),
        Ok(Subject::Device(device)) => Ok(Actor::Device(device)),
        Ok(_) => Err(Code::InvalidId.at(field)),
        Err(_) => match text.parse() {
            Ok(actor @ (Actor::System(_) | Actor::Anonymous)) => Ok(actor),
            _ => Err(Code::InvalidId.at(field)),
        },
    }
}

/// Types of events that there are, each once.
pub(crate) fn known_types(mut types: Vec<String>, field: &'static str) -> Result<Vec<String>, Rejection> {
    types.sort_unstable();
    types.dedup();
    match types.iter().all(|wanted| history::event_types().any(|known| known.name == wanted)) {
        true => Ok(types),
        false => Err(Rejection::new(Code::InvalidValue, "There is no such type of event.").at(field)),
    }
}

/// An event: something that happened and is never altered.
#[derive(Debug, Clone, SimpleObject)]
#[graphql(complex)]
pub(crate) struct HistoryEntry {
    #[graphql(skip)]
    told: Told,
    /// Id of the event.
    id: ID,
    /// Where it stands in the history.
    position: Position,
    /// When it happened.
    occurred_at: Timestamp,
    /// Its type, such as `account.created`.
    #[graphql(name = "type")]
    event_type: String,
    /// Who caused it.
    actor: HistoryActor,
    /// What it is about, the thing that it happened to first.
    subjects: Vec<HistorySubject>,
    /// One id for all that followed from one request.
    correlation_id: Uuid,
    /// Id of the event that this one reacts to.
    cause_id: Option<ID>,
}

#[ComplexObject]
impl HistoryEntry {
    /// What happened, in an English sentence with the names that people and things have now.
    async fn summary(&self) -> String {
        self.told.summary()
    }

    /// The fields that it changed, in alphabetical order. Empty for events that change no field, and if the person was
    /// erased.
    #[graphql(complexity = "1 + child_complexity")]
    async fn changes(&self, context: &Context<'_>) -> async_graphql::Result<Vec<HistoryFieldChange>> {
        let changes = self.told.changes().map_err(|stop| context.report(stop))?.into_iter();
        let changes = changes.map(|change| HistoryFieldChange {
            field: change.field,
            before: change.before,
            after: change.after,
        });
        Ok(changes.collect())
    }

    /// All that the event says, as the JSON Schema of its type describes it, with personal values in the open; those of
    /// an erased person are null.
    async fn details(&self, context: &Context<'_>) -> async_graphql::Result<Value> {
        self.told.details().map_err(|stop| context.report(stop))
    }
}

impl From<Told> for HistoryEntry {
    fn from(told: Told) -> Self {
        let recorded = &told.recorded;
        let name = |subject: &Subject| told.subject_name(*subject).map(str::to_owned);
        let subjects = told.subjects.iter().map(|subject| HistorySubject {
            subject: *subject,
            id: id(subject),
            name: name(subject),
        });
        Self {
            id: id(recorded.id),
            position: Position(recorded.position),
            occurred_at: recorded.recorded_at,
            event_type: recorded.event_type.to_string(),
            actor: HistoryActor::new(&recorded.actor, told.actor_name()),
            subjects: subjects.collect(),
            correlation_id: recorded.correlation,
            cause_id: recorded.cause.map(id),
            told,
        }
    }
}

/// A field that an event changed.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct HistoryFieldChange {
    /// Name of the field as it has it in this API, such as `givenName`.
    field: String,
    /// Its value until then; null if it had none.
    before: Value,
    /// Its value from then on; null if it has none.
    after: Value,
}

/// Who caused an event.
#[derive(Debug, Clone, SimpleObject)]
#[graphql(complex)]
pub(crate) struct HistoryActor {
    #[graphql(skip)]
    subject: Option<Subject>,
    /// What kind of actor.
    kind: ActorKind,
    /// Id of the person or device; for the platform `system:` and a name, and `anonymous` for whoever had not signed in.
    id: ID,
    /// What it is called now.
    name: String,
}

impl HistoryActor {
    fn new(actor: &Actor, name: String) -> Self {
        let subject = subject_of(actor);
        let id = subject.map_or_else(|| id(actor), id);
        Self { subject, kind: actor.into(), id, name }
    }
}

#[ComplexObject]
impl HistoryActor {
    /// The person or device, if you may see it.
    #[graphql(complexity = "2 + child_complexity")]
    async fn node(&self, context: &Context<'_>) -> async_graphql::Result<Option<Node>> {
        visible_node(context, self.subject, &self.id).await
    }
}

/// Something that an event is about.
#[derive(Debug, Clone, SimpleObject)]
#[graphql(complex)]
pub(crate) struct HistorySubject {
    #[graphql(skip)]
    subject: Subject,
    /// Its id.
    id: ID,
    /// What it is called now; null if things of its kind have no names.
    name: Option<String>,
}

#[ComplexObject]
impl HistorySubject {
    /// The thing itself, if it is still there and you may see it.
    #[graphql(complexity = "2 + child_complexity")]
    async fn node(&self, context: &Context<'_>) -> async_graphql::Result<Option<Node>> {
        visible_node(context, Some(self.subject), &self.id).await
    }
}

/// The node behind a subject; none if it is of a kind that has none, or not for whoever asks.
async fn visible_node(context: &Context<'_>, subject: Option<Subject>, id: &ID) -> async_graphql::Result<Option<Node>> {
    let is_visible = match subject {
        Some(
            Subject::Account(_)
            | Subject::Role(_)
            | Subject::Device(_)
            | Subject::Command(_)
            | Subject::Organization(_),
        ) => true,
        Some(Subject::Domain(_)) => context.reader(Reading::Own)?.may(Reading::Domains),
        _ => false,
    };
    if is_visible { node::find(context, id).await } else { Ok(None) }
}

/// A type of event.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct HistoryEventType {
    /// Its name, such as `account.created`; never renamed.
    name: &'static str,
    /// What it means.
    description: &'static str,
}

impl HistoryEventType {
    /// The types that can be in an organization's history.
    pub(crate) fn all() -> Vec<Self> {
        history::event_types().map(|t| Self { name: t.name, description: t.description.trim() }).collect()
    }
}
