//! Runs GraphQL requests of both transports: parses each text once, holds it to the limits, and sees that every error
//! has a code.

use std::{collections::HashSet, sync::Arc};

use async_graphql::{
    Data, Executor, Request, Response, Schema, ServerError,
    futures_util::stream::BoxStream,
    parser::{
        parse_query,
        types::{ExecutableDocument, Selection},
    },
};
use futures::{StreamExt, stream};
use graphql_ws_server::limits::{self, TooMuch};
use identity::{EntropyExt, SessionToken};
use moka::future::Cache;

use crate::{
    app::App,
    errors::{BAD_REQUEST, Stop},
    mutations::Mutation,
    queries::Query,
    session::{Caller, Sender},
    subscriptions::Subscription,
};

/// The schema of the gateway.
pub(crate) type ApiSchema = Schema<Query, Mutation, Subscription>;

/// Bytes of request texts whose parsed form is kept. A parsed request takes some ten times its text.
const KEPT_TEXTS: u64 = 1024 * 1024;
/// Longer ones are parsed each time: they are not what a frontend sends again and again.
const LONGEST_KEPT_TEXT: usize = 8 * 1024;

/// How much a request may cost, with every field counted as often as the page it is in has entries.
const MOST_COST: usize = 20_000;

/// Builds the schema, without data if it is only to be looked at.
pub(crate) fn schema(app: Option<Arc<App>>) -> ApiSchema {
    let builder =
        Schema::build(Query::default(), Mutation::default(), Subscription::default()).limit_complexity(MOST_COST);
    match app {
        Some(app) => builder.data(app).finish(),
        None => builder.finish(),
    }
}

/// See the module. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Api {
    pub(crate) app: Arc<App>,
    schema: ApiSchema,
    parsed: Cache<String, Arc<ExecutableDocument>>,
    names: Arc<HashSet<String>>,
}

/// Who a WebSocket belongs to, by what it proved when it opened.
#[derive(Debug, Clone)]
pub(crate) struct SocketOwner {
    pub(crate) token: SessionToken,
    pub(crate) sender: Sender,
}

impl Api {
    pub(crate) fn new(app: Arc<App>) -> Self {
        let schema = schema(Some(app.clone()));
        let weigh = |text: &String, _: &Arc<ExecutableDocument>| u32::try_from(text.len()).unwrap_or(u32::MAX);
        let parsed = Cache::builder().max_capacity(KEPT_TEXTS).weigher(weigh).build();
        Self { names: Arc::new(schema.names().into_iter().collect()), app, schema, parsed }
    }

    /// Runs a query or mutation.
    pub(crate) async fn execute(&self, request: Request, caller: Caller) -> Response {
        match self.prepare(request).await {
            Ok(request) => with_codes(self.schema.execute(request.data(Arc::new(caller))).await),
            Err(refused) => *refused,
        }
    }

    /// Parses a request, or takes what was parsed before, and holds it to the limits.
    async fn prepare(&self, mut request: Request) -> Result<Request, Box<Response>> {
        let document = match self.parsed.get(&request.query).await {
            Some(known) => known,
            None => {
                let document = Arc::new(parse(&request.query)?);
                if request.query.len() <= LONGEST_KEPT_TEXT {
                    self.parsed.insert(request.query.clone(), document.clone()).await;
                }
                document
            }
        };
        self.count(&document, request.operation_name.as_deref());
        request.set_parsed_query((*document).clone());
        Ok(request)
    }

    /// Counts the root fields by name. Names that the schema does not know could be anything and are left out.
    fn count(&self, document: &ExecutableDocument, operation: Option<&str>) {
        for (name, definition) in document.operations.iter() {
            let is_meant = operation.is_none() || name.is_some_and(|name| Some(name.as_str()) == operation);
            let root = if is_meant { definition.node.selection_set.node.items.as_slice() } else { &[] };
            for selection in root {
                if let Selection::Field(field) = &selection.node
                    && let field = field.node.name.node.as_str()
                    && self.names.contains(field)
                {
                    self.app.metrics.operated(field);
                }
            }
        }
    }

    /// Runs any operation of a WebSocket. Its owner is authenticated anew for each.
    async fn begin(&self, request: Request, data: Arc<Data>) -> BoxStream<'static, Response> {
        let only = |response: Response| stream::once(std::future::ready(response)).boxed();
        let request = match self.prepare(request).await {
            Ok(request) => request,
            Err(refused) => return only(*refused),
        };
        let Some(owner) =
            data.get(&std::any::TypeId::of::<SocketOwner>()).and_then(|any| any.downcast_ref::<SocketOwner>())
        else {
            return only(failed(Stop::Fault("a WebSocket has no owner".to_owned())));
        };
        let correlation = self.app.platform.entropy().uuid_v4();
        let token = Some(owner.token.clone());
        match Caller::authenticate(&self.app.platform, token, owner.sender.clone(), correlation).await {
            Ok(caller) => {
                let request = request.data(Arc::new(caller));
                self.schema.execute_stream_with_session_data(request, data).map(with_codes).boxed()
            }
            Err(failure) => {
                tracing::error!(request = %correlation, reason = %failure, "a request failed");
                only(failed(failure.into()))
            }
        }
    }
}

impl Executor for Api {
    async fn execute(&self, _: Request) -> Response {
        failed(Stop::Fault("a request has no sender".to_owned()))
    }

    fn execute_stream(&self, request: Request, data: Option<Arc<Data>>) -> BoxStream<'static, Response> {
        let api = self.clone();
        stream::once(async move { api.begin(request, data.unwrap_or_default()).await }).flatten().boxed()
    }
}

fn parse(query: &str) -> Result<ExecutableDocument, Box<Response>> {
    let too_much = |TooMuch(message)| Box::new(bad_request(message));
    limits::check_text(query).map_err(too_much)?;
    let document =
        parse_query(query).map_err(|error| Box::new(with_codes(Response::from_errors(vec![error.into()]))))?;
    limits::check_document(&document).map_err(too_much)?;
    Ok(document)
}

/// A response that says what is wrong with the request as such.
pub(crate) fn bad_request(message: impl Into<String>) -> Response {
    with_codes(Response::from_errors(vec![ServerError::new(message, None)]))
}

/// A response to a request that was not even begun.
pub(crate) fn failed(stop: Stop) -> Response {
    Response::from_errors(vec![stop.into_error().into_server_error(Default::default())])
}

/// Errors of our own have codes; the others say that the request does not fit the schema.
fn with_codes(mut response: Response) -> Response {
    for error in &mut response.errors {
        let extensions = error.extensions.get_or_insert_default();
        if extensions.get("code").is_none() {
            extensions.set("code", BAD_REQUEST);
        }
    }
    response
}
