//! Typed identifiers. Each is a UUID that is written with a prefix naming what it identifies (`acc_0190…`), so that an
//! id pasted into the wrong place is refused instead of looked up.

use std::{fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

/// The text is not an id of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an id of the form {prefix}_<32 hexadecimal digits>")]
pub struct InvalidId {
    /// The prefix that the expected kind of id has.
    pub prefix: &'static str,
}

/// Parses without a copy of the text: replaying a log reads millions of ids.
struct FromText<T>(std::marker::PhantomData<T>);

impl<T: FromStr<Err: fmt::Display>> de::Visitor<'_> for FromText<T> {
    type Value = T;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an id")
    }
    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub Uuid);

        impl $name {
            /// What the written form starts with, before the underscore.
            pub const PREFIX: &'static str = $prefix;
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "_{}"), self.0.simple())
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                text.strip_prefix(concat!($prefix, "_"))
                    .filter(|hex| hex.len() == 32 && hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)))
                    .and_then(|hex| Uuid::try_parse(hex).ok())
                    .map(Self)
                    .ok_or(InvalidId { prefix: $prefix })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(FromText(std::marker::PhantomData))
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn inline_schema() -> bool {
                true
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "pattern": concat!("^", $prefix, "_[0-9a-f]{32}$") })
            }
        }
    )*};
}

ids! {
    /// An organization: the tenant that owns accounts, roles and devices.
    OrganizationId = "org";
    /// A person's work account. Also names the key that seals the person's data.
    AccountId = "acc";
    /// An admin role of one organization.
    RoleId = "role";
    /// One attempt to sign an organization up.
    SignupId = "signup";
    /// A signed-in browser or client.
    SessionId = "ses";
    /// What a mailed code or link answers; the code itself is derived from it and never stored.
    ChallengeId = "chal";
    /// One attempt to connect a Portal unit (a device authorization of RFC 8628).
    PairingId = "pair";
    /// A Portal unit during one enrollment; the same hardware set up again is another device.
    DeviceId = "dev";
    /// A command to a unit.
    CommandId = "cmd";
    /// An email domain of an organization: [`DomainId::of`] both.
    DomainId = "dom";
    /// A file of people that an admin uploaded.
    ImportId = "imp";
    /// A request to the support.
    SupportRequestId = "sup";
    /// An identity provider of an organization.
    SsoProviderId = "sso";
    /// A test of an identity provider's configuration.
    SsoTestId = "ssotest";
    /// A request to an identity provider to sign somebody in.
    SsoRequestId = "ssoreq";
}

impl DomainId {
    /// The id of a domain in ASCII form within an organization. It follows from both, so no event has to hold it.
    pub fn of(organization: OrganizationId, domain: &str) -> Self {
        Self(Uuid::new_v5(&organization.0, domain.as_bytes()))
    }
}

macro_rules! keyed_hashes {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        #[schemars(extend("pattern" = "^[0-9a-f]{64}$"))]
        pub struct $name(pub String);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

keyed_hashes! {
    /// Keyed hash (HMAC-SHA-256, hexadecimal) of a normalised email address: equal for equal addresses, silent about them.
    EmailKey;
    /// Keyed hash of a unit's serial number and model: names the hardware across organizations.
    HardwareKey;
    /// Keyed hash of the code a unit shows while it waits to be connected.
    UserCodeKey;
    /// Keyed hash of an uploaded file of people and its organization: equal for the same file.
    ImportFileKey;
    /// Keyed hash of an assertion's id and its provider.
    SamlAssertionKey;
    /// Keyed hash of what an identity provider calls a person, and the provider.
    FederatedSubjectKey;
}
