use schema::events::organization::{OrganizationCreated, OrganizationDomainAllowed};

use super::{account, organization};
use crate::{Organization, OrganizationCommand, spec::given, text::DomainName};

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
