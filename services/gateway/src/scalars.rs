//! Scalars and ids as the API writes them.

use std::str::FromStr;

use async_graphql::{ID, InputValueError, InputValueResult, Scalar, ScalarType, Value};
use domain::{Code, Rejection};

/// A place in the event history. Opaque: pass it on as it is. Mutations return the position of what they changed;
/// passed to a query as `afterPosition`, the answer contains that change and all before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position(pub(crate) schema::Position);

/// A place in the event history. Opaque: pass it on as it is. Mutations return the position of what they changed;
/// passed to a query as `afterPosition`, the answer contains that change and all before it.
#[Scalar]
impl ScalarType for Position {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::String(text) => text.parse().map(Self).map_err(|_| InputValueError::custom("not a position")),
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

/// Reads an id that a client passed as `field`.
pub(crate) fn parse_id<T: FromStr>(id: &ID, field: &'static str) -> Result<T, Rejection> {
    id.parse().map_err(|_| Code::InvalidId.at(field))
}

/// Writes an id.
pub(crate) fn id(id: impl std::fmt::Display) -> ID {
    ID(id.to_string())
}
