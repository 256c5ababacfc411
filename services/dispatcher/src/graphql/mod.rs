//! The GraphQL interface of a unit.

pub(crate) mod errors;
pub(crate) mod frames;
mod mutations;
mod queries;
mod subscriptions;

use std::sync::Arc;

use async_graphql::{Context, Result, Schema};
use commands::processes::pairing::UnitIdentity;
use graphql_ws_server::limits::Limits;

use self::{mutations::Mutation, queries::Query, subscriptions::Subscription};
use crate::shared::{Registration, Shared};

/// Deepest nesting of an operation: what introspection needs, which is more than anything else here.
const MAX_DEPTH: usize = 16;
/// Most fields of an operation: enough for introspection.
const MAX_FIELDS: usize = 300;
/// Most directives on one field.
const MAX_DIRECTIVES: usize = 4;

/// The executable schema.
pub(crate) type UnitSchema = Schema<Query, Mutation, Subscription>;

/// Who asks: the unit, and its connection if it came on one.
pub(crate) struct Caller {
    pub(crate) identity: UnitIdentity,
    pub(crate) registration: Option<Registration>,
}

pub(crate) fn schema(shared: Arc<Shared>) -> UnitSchema {
    builder().data(shared).finish()
}

/// The schema in SDL, as units see it.
pub(crate) fn sdl() -> String {
    builder().finish().sdl()
}

fn builder() -> async_graphql::SchemaBuilder<Query, Mutation, Subscription> {
    Schema::build(Query, Mutation, Subscription)
        .limit_depth(MAX_DEPTH)
        .limit_complexity(MAX_FIELDS)
        .limit_directives(MAX_DIRECTIVES)
        .extension(Limits)
}

/// What each operation works with.
pub(crate) fn parts<'a>(context: &Context<'a>) -> Result<(&'a Arc<Shared>, &'a Caller)> {
    Ok((context.data()?, context.data()?))
}
