//! How an operation says that something was not done.

use std::borrow::Cow;

use async_graphql::{
    ContextSelectionSet, Error, ErrorExtensions, Name, OutputType, Positioned, ServerResult, SimpleObject, Value,
    parser::types::Field,
    registry::{MetaEnumValue, MetaType, MetaTypeId, Registry},
};
use commands::Failure;
use domain::{Code, Rejection};

/// A stable code: an enum with every [`Code`] there is, so that a new one needs no entry here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct UserErrorCode(Code);

impl OutputType for UserErrorCode {
    fn type_name() -> Cow<'static, str> {
        "UserErrorCode".into()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        registry.create_output_type::<Self, _>(MetaTypeId::Enum, |_| MetaType::Enum {
            name: Self::type_name().into_owned(),
            description: Some("Why something was not done. Codes are never renamed; new ones may be added.".to_owned()),
            enum_values: Code::ALL.iter().map(|code| (code.name().to_owned(), enum_value(*code))).collect(),
            visible: None,
            inaccessible: false,
            tags: vec![],
            rust_typename: Some(std::any::type_name::<Self>()),
            directive_invocations: vec![],
            requires_scopes: vec![],
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
        deprecation: Default::default(),
        visible: None,
        inaccessible: false,
        tags: vec![],
        directive_invocations: vec![],
    }
}

/// An expected failure: what was not done, and why.
#[derive(Debug, SimpleObject)]
pub(crate) struct UserError {
    /// What to match on.
    code: UserErrorCode,
    /// The member of `input` that is to be mended, if it is one.
    field: Option<String>,
    /// What to do, in English, for whoever reads the unit's log.
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

/// What a payload says of a failure. What is out of order stays in our own log.
pub(crate) fn user_errors(failure: Failure) -> Vec<UserError> {
    vec![rejection(failure).into()]
}

/// A failure of an operation that has no payload to say it in: `extensions.code` is the stable code.
pub(crate) fn graphql_error(failure: Failure) -> Error {
    let rejection = rejection(failure);
    Error::new(rejection.message).extend_with(|_, extensions| extensions.set("code", rejection.code.name()))
}

fn rejection(failure: Failure) -> Rejection {
    if let Failure::OutOfOrder(reason) = &failure {
        tracing::error!(reason, "an operation of a unit failed");
    }
    failure.into_rejection()
}
