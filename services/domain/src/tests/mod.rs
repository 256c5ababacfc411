//! Every rule as a test: *given* events, *when* a command, *then* events or a refusal.

mod access;
mod access_lost;
mod account;
mod commands;
mod details;
mod device;
mod domains;
mod emails;
mod goldens;
mod import;
mod names;
mod organization;
mod pairing;
mod passwords;
mod properties;
mod reboot;
mod reservation;
mod roles;
mod session;
mod signup;
mod single_sign_on;
mod suspension;

use schema::{AccountId, Actor, CommandId, DeviceId, OrganizationId, PersonKey, Personal, Profile, RoleId};
use uuid::Uuid;

fn uuid(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn account(number: u128) -> AccountId {
    AccountId(uuid(number))
}

fn organization(number: u128) -> OrganizationId {
    OrganizationId(uuid(number))
}

fn role(number: u128) -> RoleId {
    RoleId(uuid(number))
}

fn device(number: u128) -> DeviceId {
    DeviceId(uuid(number))
}

fn command(number: u128) -> CommandId {
    CommandId(uuid(number))
}

fn person(number: u128) -> Actor {
    Actor::Account(account(number))
}

fn sealed<T: serde::Serialize>(value: &T) -> Personal<T> {
    Personal::seal(&PersonKey::new([1; 32]), account(1), [2; 24], value).unwrap()
}

fn email() -> Personal<String> {
    sealed(&"anna@example.com".to_owned())
}

fn anna() -> Profile {
    Profile { given_name: "Anna".to_owned(), family_name: "Sommer".to_owned(), ..Profile::default() }
}
