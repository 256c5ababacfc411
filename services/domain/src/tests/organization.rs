use schema::events::organization::{
    OrganizationCreated, OrganizationDomainAllowed, OrganizationLogoChanged, OrganizationRenamed,
};

use super::{account, organization};
use crate::{Code, Organization, OrganizationCommand, spec::given, text::DomainName};

fn create(name: &str) -> OrganizationCommand {
    OrganizationCommand::Create {
        organization: organization(1),
        name: name.to_owned(),
        founder: account(1),
        domain: "example.com".to_owned(),
    }
}

#[test]
fn it_begins_with_the_domain_of_its_founder_and_once() {
    let created =
        OrganizationCreated { organization: organization(1), name: "Example".to_owned(), founder: account(1) };
    let story = given::<Organization>([])
        .when(create("Example"))
        .then([created.into(), OrganizationDomainAllowed { domain: "example.com".to_owned() }.into()])
        .when(create("Example"))
        .then_nothing()
        .when(create("Another name"))
        .then_nothing();
    let allows = |domain: &str| story.state().allows(&DomainName::parse(domain).unwrap());
    assert!(allows("example.com") && allows("EXAMPLE.com."));
    assert!(!allows("mail.example.com") && !allows("example.org"));
}

#[test]
fn it_has_another_name_or_logo_once() {
    let rename = |name: &str| OrganizationCommand::Rename { name: name.to_owned() };
    let logo = |digit: &str| OrganizationLogoChanged { sha256: digit.repeat(64), width: 600, height: 300 };
    let story = given::<Organization>([])
        .when(rename("Nobody"))
        .then_rejected(Code::NotFound)
        .when(OrganizationCommand::ChangeLogo(logo("a")))
        .then_rejected(Code::NotFound)
        .when(create("Example"))
        .then_accepted()
        .when(rename("Example"))
        .then_nothing()
        .when(rename("Other"))
        .then([OrganizationRenamed { name: "Other".to_owned() }.into()])
        .when(OrganizationCommand::ChangeLogo(logo("a")))
        .then([logo("a").into()])
        .when(OrganizationCommand::ChangeLogo(logo("a")))
        .then_nothing()
        .when(OrganizationCommand::ChangeLogo(logo("b")))
        .then([logo("b").into()]);
    assert_eq!((story.state().name(), story.state().logo()), ("Other", Some(&logo("b"))));
}
