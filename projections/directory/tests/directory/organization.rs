//! The organization itself.

use directory::{DirectoryChange, LogoRow};
use engine::Update;
use schema::{
    StreamId,
    events::{
        OrganizationEvent,
        organization::{
            OrganizationDomainAllowed, OrganizationDomainRemoved, OrganizationLogoChanged, OrganizationRenamed,
        },
    },
};

use crate::{setup::Setup, support::system};

#[tokio::test]
async fn an_organization_and_its_domains() {
    let setup = Setup::new().await;
    let stream = StreamId::new("organization", &setup.organization);
    for domain in ["example.org", "example.com", "example.org"] {
        let allowed = OrganizationDomainAllowed { domain: domain.into() };
        setup.seen(setup.world.append(&stream, system(), OrganizationEvent::DomainAllowed(allowed)).await).await;
    }
    let row = async || setup.directory.organization(setup.organization).await.unwrap().unwrap();
    let both = vec!["example.com".to_owned(), "example.org".into()];
    assert_eq!((row().await.name.as_str(), row().await.domains), ("Example", both));
    let mut heard = setup.view.changes();
    let removed = OrganizationDomainRemoved { domain: "example.com".into() };
    setup.seen(setup.world.append(&stream, system(), OrganizationEvent::DomainRemoved(removed)).await).await;
    assert_eq!(row().await.domains, ["example.org"]);
    let Some(Update::Changed(update)) = heard.next(setup.organization).await else { panic!("nothing was heard") };
    assert_eq!(update.what, DirectoryChange::OrganizationChanged);
}

#[tokio::test]
async fn an_organization_changes_its_name_and_its_logo() {
    let setup = Setup::new().await;
    let mut heard = setup.view.changes();
    let stream = StreamId::new("organization", &setup.organization);
    let row = setup.directory.organization(setup.organization).await.unwrap().unwrap();
    assert_eq!((row.name.as_str(), row.logo), ("Example", None));
    let logo = |sha256: &str, width| OrganizationLogoChanged { sha256: sha256.into(), width, height: 300 };
    for event in [
        OrganizationEvent::Renamed(OrganizationRenamed { name: "Beispiel".into() }),
        OrganizationEvent::LogoChanged(logo("aa", 500)),
        OrganizationEvent::LogoChanged(logo("bb", 600)),
    ] {
        setup.seen(setup.world.append(&stream, system(), event).await).await;
        let Some(Update::Changed(update)) = heard.next(setup.organization).await else { panic!("nothing was heard") };
        assert_eq!(update.what, DirectoryChange::OrganizationChanged);
    }
    let row = setup.directory.organization(setup.organization).await.unwrap().unwrap();
    let logo = LogoRow { sha256: "bb".into(), width: 600, height: 300 };
    assert_eq!((row.name.as_str(), row.logo), ("Beispiel", Some(logo)));
}
