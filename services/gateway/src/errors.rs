//! Refusals and faults as clients see them.
//!
//! What a person can mend is a [`UserError`] in the payload of a mutation. Everything else is a GraphQL error with a
//! stable `extensions.code`: the names of [`domain::Code`] for refused queries, and the constants here.

use std::borrow::Cow;

use async_graphql::{
    ContextSelectionSet, ErrorExtensions, Name, OutputType, Positioned, ServerResult, SimpleObject, Value,
    indexmap::IndexMap,
    parser::types::Field,
    registry::{Deprecation, MetaEnumValue, MetaType, MetaTypeId, Registry},
};
use commands::Failure;
use domain::{Code, Rejection};
use engine::ViewError;

/// `extensions.code` of a request that is not GraphQL or does not fit the schema or its limits.
pub(crate) const BAD_REQUEST: &str = "BAD_REQUEST";
/// `extensions.code` of a fault on the server. The log tells more under the id of the request.
pub(crate) const INTERNAL: &str = "INTERNAL";

/// The code of a user error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct UserErrorCode(pub(crate) Code);

/// Made from [`Code::ALL`], so a new code is in the schema as soon as the rules have it.
impl OutputType for UserErrorCode {
    fn type_name() -> Cow<'static, str> {
        "UserErrorCode".into()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        registry.create_output_type::<Self, _>(MetaTypeId::Enum, |_| MetaType::Enum {
            name: Self::type_name().into_owned(),
            description: Some(
                "Why something was refused. Match on these; they are never renamed, only added to. Queries give them as \
                 `extensions.code` of a GraphQL error."
                    .to_owned(),
            ),
            enum_values: Code::ALL.iter().map(|code| (code.name().to_owned(), enum_value(*code))).collect::<IndexMap<_, _>>(),
            visible: None,
            inaccessible: false,
            tags: Vec::new(),
            rust_typename: Some(std::any::type_name::<Self>()),
            directive_invocations: Vec::new(),
            requires_scopes: Vec::new(),
        })
    }

    async fn resolve(&self, _: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        Ok(Value::Enum(Name::new(self.0.name())))
    }
}

fn enum_value(code: Code) -> MetaEnumValue {
    MetaEnumValue {
        name: code.name().to_owned(),
        description: Some(code.description().trim().to_owned()),
        deprecation: Deprecation::NoDeprecated,
        visible: None,
        inaccessible: false,
        tags: Vec::new(),
        directive_invocations: Vec::new(),
    }
}

/// Something that the person can mend, or that is not allowed. Nothing was changed.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct UserError {
    /// What to match on.
    code: UserErrorCode,
    /// The input field to mend, as a path such as `email` or `people.3.email`; null if it is about no single field.
    field: Option<String>,
    /// What to do, in English, to be shown as it is.
    message: String,
}

impl From<Rejection> for UserError {
    fn from(rejection: Rejection) -> Self {
        Self {
            code: UserErrorCode(rejection.code),
            field: rejection.field.map(Cow::into_owned),
            message: rejection.message.into_owned(),
        }
    }
}

/// Why an operation did not come to its end.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Refused.
    Rejected(Vec<Rejection>),
    /// A part of the platform is not available; the text is for the log only.
    Unavailable(String),
    /// A fault; the text is for the log only.
    Fault(String),
}

impl From<Rejection> for Stop {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(vec![rejection])
    }
}

impl From<Code> for Stop {
    fn from(code: Code) -> Self {
        Rejection::from(code).into()
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Rejected(rejection) => rejection.into(),
            Failure::OutOfOrder(reason) => Self::Unavailable(reason),
        }
    }
}

impl From<Vec<Failure>> for Stop {
    /// A part that is not available outweighs refusals: those may be mended and the rest still not be possible.
    fn from(failures: Vec<Failure>) -> Self {
        let mut rejections = Vec::with_capacity(failures.len());
        for failure in failures {
            match failure {
                Failure::Rejected(rejection) => rejections.push(rejection),
                Failure::OutOfOrder(reason) => return Self::Unavailable(reason),
            }
        }
        Self::Rejected(rejections)
    }
}

impl From<ViewError> for Stop {
    fn from(error: ViewError) -> Self {
        match error {
            ViewError::Cursor(_) => Code::InvalidCursor.at("after").into(),
            ViewError::PageSize => Code::InvalidPageSize.at("first").into(),
            ViewError::Building | ViewError::Stopped => Self::Unavailable(error.to_string()),
            ViewError::Rows(_) => Self::Fault(error.to_string()),
        }
    }
}

impl Stop {
    /// As the error of a query.
    pub(crate) fn into_error(self) -> async_graphql::Error {
        match self {
            Self::Rejected(rejections) => match rejections.into_iter().next() {
                Some(rejection) => refused(rejection),
                None => coded(INTERNAL, "Something went wrong."),
            },
            Self::Unavailable(_) => refused(Code::Unavailable.into()),
            Self::Fault(_) => coded(INTERNAL, "Something went wrong; the id of the request helps to find out what."),
        }
    }

    /// What the log is told; none if nothing is wrong with the platform.
    pub(crate) fn trouble(&self) -> Option<&str> {
        match self {
            Self::Rejected(_) => None,
            Self::Unavailable(reason) | Self::Fault(reason) => Some(reason),
        }
    }
}

fn refused(rejection: Rejection) -> async_graphql::Error {
    coded(rejection.code.name(), rejection.message).extend_with(|_, extensions| {
        if let Some(field) = &rejection.field {
            extensions.set("field", field.as_ref());
        }
    })
}

/// A GraphQL error with a code.
pub(crate) fn coded(code: &'static str, message: impl Into<String>) -> async_graphql::Error {
    async_graphql::Error::new(message).extend_with(|_, extensions| extensions.set("code", code))
}
