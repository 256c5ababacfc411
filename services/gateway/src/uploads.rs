//! Files that come with a request, as the GraphQL multipart request specification has it: a part `operations` with the
//! request in JSON, a part `map` that says which of its variables is the file, and the file.
//! <https://github.com/jaydenseric/graphql-multipart-request-spec>

use std::{collections::HashMap, time::Duration};

use async_graphql::{
    Context, InputValueError, InputValueResult, Request as GraphQlRequest, Scalar, ScalarType, Value, Variables,
};
use axum::{
    body::{BodyDataStream, Bytes},
    http::{HeaderMap, header},
};
use futures::StreamExt;
use multer::{Constraints, Multipart, SizeLimit};
use tokio::time::timeout;

use crate::{
    config::LARGEST_BODY,
    errors::{BAD_REQUEST, coded},
};

/// Largest request with a file, in bytes: a file of 10 MiB, and the request itself.
const LARGEST_UPLOAD: u64 = 11 * 1024 * 1024;
/// Largest `map`, in bytes; it names one file and the variables that are meant.
const LARGEST_MAP: u64 = 1024;
/// How much is read, and for how long, of a request that is refused: a client that still sends does not listen.
const MOST_DISCARDED: usize = 64 * 1024 * 1024;
const LONGEST_DISCARDING: Duration = Duration::from_secs(10);
/// Requests with a file at once: each is kept in memory until it is answered.
pub(crate) const UPLOADS_AT_ONCE: usize = 16;
/// Of which so many may be of one organization.
pub(crate) const UPLOADS_OF_ONE: usize = 4;
/// What a variable that is a file holds. No client can send it, as JSON has no binary values, and a message that shows it
/// is no longer for it.
const PLACEHOLDER: &[u8] = b"file";

/// The file of a request.
#[derive(Debug, Clone)]
struct UploadedFile(Bytes);

/// An input that is the file which came with the request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Upload;

/// A file, at most 10 MiB. Send the request as `multipart/form-data`, with one file and the header `X-Requested-With`.
#[Scalar(specified_by_url = "https://github.com/jaydenseric/graphql-multipart-request-spec")]
impl ScalarType for Upload {
    fn parse(value: Value) -> InputValueResult<Self> {
        if Self::is_valid(&value) {
            Ok(Self)
        } else {
            Err(InputValueError::custom("Send the file as a part of a multipart request."))
        }
    }

    fn is_valid(value: &Value) -> bool {
        matches!(value, Value::Binary(placeholder) if placeholder == PLACEHOLDER)
    }

    fn to_value(&self) -> Value {
        Value::Null
    }
}

impl Upload {
    /// What the file holds.
    pub(crate) fn bytes(self, context: &Context<'_>) -> async_graphql::Result<Bytes> {
        let file = context.data::<UploadedFile>();
        Ok(file.map_err(|_| coded(BAD_REQUEST, "The file did not come with the request."))?.0.clone())
    }
}

/// Why a request with a file is not one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotTaken {
    /// It is not as the specification has it; says what to do.
    Malformed(&'static str),
    /// It is too large.
    TooLarge,
}

impl From<multer::Error> for NotTaken {
    fn from(error: multer::Error) -> Self {
        match error {
            multer::Error::StreamSizeExceeded { .. } | multer::Error::FieldSizeExceeded { .. } => Self::TooLarge,
            _ => Self::Malformed("The multipart request is damaged."),
        }
    }
}

/// What separates the parts of a request with a file; none if it is another kind of request.
pub(crate) fn boundary(headers: &HeaderMap) -> Option<String> {
    multer::parse_boundary(headers.get(header::CONTENT_TYPE)?.to_str().ok()?).ok()
}

/// Reads a request and its file.
pub(crate) async fn read(body: &mut BodyDataStream, boundary: String) -> Result<GraphQlRequest, NotTaken> {
    let limits = SizeLimit::new().whole_stream(LARGEST_UPLOAD);
    let limits = limits.for_field("operations", LARGEST_BODY as u64).for_field("map", LARGEST_MAP);
    let mut parts = Multipart::with_constraints(body, boundary, Constraints::new().size_limit(limits));
    let mut request =
        crate::http::parse_request(&part(&mut parts, "operations").await?).map_err(NotTaken::Malformed)?;
    let map: HashMap<String, Vec<String>> = serde_json::from_slice(&part(&mut parts, "map").await?)
        .map_err(|_| NotTaken::Malformed("The part `map` is not an object of lists of paths."))?;
    const ONE: NotTaken = NotTaken::Malformed("Send exactly one file with a multipart request.");
    let (Some((name, paths)), 1) = (map.iter().next(), map.len()) else { return Err(ONE) };
    let file = part(&mut parts, name).await?;
    if parts.next_field().await?.is_some() {
        return Err(ONE);
    }
    for path in paths {
        let no_variable =
            NotTaken::Malformed("The part `map` has a path to something else than a variable that is null.");
        *null_at(&mut request.variables, path).ok_or(no_variable)? = Value::Binary(Bytes::from_static(PLACEHOLDER));
    }
    Ok(request.data(UploadedFile(file)))
}

/// The next part, which has to be this one.
async fn part(parts: &mut Multipart<'_>, name: &str) -> Result<Bytes, NotTaken> {
    match parts.next_field().await? {
        Some(field) if field.name() == Some(name) => Ok(field.bytes().await?),
        _ => Err(NotTaken::Malformed("Send the parts `operations`, `map` and the file that it names, in this order.")),
    }
}

/// The variable at a path such as `variables.input.logo`, if it is null as it has to be.
fn null_at<'a>(variables: &'a mut Variables, path: &str) -> Option<&'a mut Value> {
    let mut steps = path.strip_prefix("variables.")?.split('.');
    let first = variables.get_mut(steps.next()?)?;
    let found = steps.try_fold(first, |value, step| match value {
        Value::Object(object) => object.get_mut(step),
        Value::List(list) => list.get_mut(step.parse::<usize>().ok()?),
        _ => None,
    })?;
    matches!(found, Value::Null).then_some(found)
}

/// Reads what a client still sends, within bounds, so that it comes to read its answer.
pub(crate) async fn discard(body: &mut BodyDataStream) {
    let mut left = MOST_DISCARDED;
    let reading = async {
        while left > 0
            && let Some(Ok(chunk)) = body.next().await
        {
            left = left.saturating_sub(chunk.len());
        }
    };
    timeout(LONGEST_DISCARDING, reading).await.unwrap_or_default();
}
