//! A person's account on a real log: what admins do with it, and what comes of that for sessions, roles and links.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::{collections::BTreeSet, sync::Arc};

use commands::{Failure, Platform, Request, processes::sign_in::SignedIn};
use domain::{Account, AccountStatus, Code, Principal, Roles, RolesCommand};
use schema::{AccountId, OrganizationId, Right, RoleId};
use uuid::Uuid;

use support::{PASSWORD, World, password, person, token_in};

fn code<T: std::fmt::Debug>(result: Result<T, Failure>) -> Code {
    result.unwrap_err().code().expect("a refusal")
}

struct Stage {
    world: World,
    organization: OrganizationId,
    anna: AccountId,
    admin: Request,
}

impl Stage {
    async fn new() -> Self {
        let world = World::new();
        let (founded, admin) = world.found("anna@northwind.example").await;
        Self { world, organization: founded.organization, anna: founded.account, admin }
    }

    fn platform(&self) -> &Arc<Platform> {
        &self.world.platform
    }

    /// A new request of the founder.
    fn admin(&self) -> Request {
        self.platform().request(self.admin.principal.clone())
    }

    async fn add(&self, email: &str) -> AccountId {
        self.platform().create_account(&self.admin(), self.organization, person(email)).await.unwrap().account
    }

    async fn activate(&self, email: &str) -> Option<()> {
        let token = token_in(&self.world.mail_to(email).await.text);
        self.platform().activate_account(&self.world.anonymous(), &token, password(PASSWORD)).await.ok().map(drop)
    }

    async fn add_active(&self, email: &str) -> AccountId {
        let account = self.add(email).await;
        self.activate(email).await.unwrap();
        account
    }

    async fn sign_in(&self, email: &str) -> Result<SignedIn, Failure> {
        let proven = self.platform().check_credentials(email, password(PASSWORD)).await?;
        self.platform()
            .start_session(
                &self.world.anonymous(),
                proven,
                commands::processes::sign_in::SessionStart::by_password(Default::default()),
            )
            .await
    }

    async fn is_signed_in(&self, session: &SignedIn) -> bool {
        matches!(self.platform().authenticate(&session.token).await.unwrap(), Principal::Person { .. })
    }

    /// A role with these rights for the account, and a request of its holder.
    async fn give_role(&self, number: u128, account: AccountId, rights: &[Right]) {
        let (role, name) = (RoleId(Uuid::from_u128(number)), format!("Role {number}"));
        let rights = BTreeSet::from_iter(rights.iter().copied());
        let create = RolesCommand::Create { role, name, rights };
        self.platform().execute::<Roles>(&self.admin(), &self.organization, create).await.unwrap();
        self.platform().assign_role(&self.admin(), self.organization, role, account).await.unwrap();
    }

    async fn make_system_admin(&self, account: AccountId) {
        let role = commands::processes::sign_up::system_admin_role(self.organization);
        self.platform().assign_role(&self.admin(), self.organization, role, account).await.unwrap();
    }

    async fn by(&self, email: &str) -> Request {
        self.platform().request(self.sign_in(email).await.unwrap().principal)
    }

    async fn status(&self, account: AccountId) -> AccountStatus {
        self.platform().load::<Account>(&account).await.unwrap().state.status()
    }

    async fn is_active_admin(&self, account: AccountId) -> bool {
        let admin = self.platform().load::<Roles>(&self.organization).await.unwrap().state.of(account).0;
        admin && self.status(account).await == AccountStatus::Activated
    }
}

const BEN: &str = "ben@northwind.example";

#[tokio::test]
async fn who_is_deactivated_is_out_at_the_next_request_and_comes_back_with_the_roles() {
    let stage = Stage::new().await;
    let ben = stage.add_active(BEN).await;
    stage.give_role(5, ben, &[Right::ManageDevices]).await;
    let session = stage.sign_in(BEN).await.unwrap();
    let act = || (stage.admin(), stage.organization, ben);
    let (request, organization, account) = act();
    let position = stage.platform().deactivate_account(&request, organization, account).await.unwrap();
    assert!(position.is_some());
    assert!(!stage.is_signed_in(&session).await);
    assert_eq!(code(stage.sign_in(BEN).await), Code::WrongCredentials);
    let again = stage.platform().deactivate_account(&stage.admin(), organization, ben).await.unwrap();
    assert_eq!(again, None);
    stage.platform().reactivate_account(&stage.admin(), organization, ben).await.unwrap();
    assert!(!stage.is_signed_in(&session).await, "the session does not come back");
    let Principal::Person { rights, .. } = stage.sign_in(BEN).await.unwrap().principal else { panic!() };
    assert_eq!(*rights, BTreeSet::from([Right::ManageDevices]));
}

#[tokio::test]
async fn logging_out_ends_every_session_and_what_was_proven_before_it_begins_none() {
    let stage = Stage::new().await;
    let ben = stage.add_active(BEN).await;
    let (one, two) = (stage.sign_in(BEN).await.unwrap(), stage.sign_in(BEN).await.unwrap());
    let proven = stage.platform().check_credentials(BEN, password(PASSWORD)).await.unwrap();
    stage.platform().log_out_everywhere(&stage.admin(), stage.organization, ben).await.unwrap();
    assert!(!stage.is_signed_in(&one).await && !stage.is_signed_in(&two).await);
    let late = stage
        .platform()
        .start_session(
            &stage.world.anonymous(),
            proven,
            commands::processes::sign_in::SessionStart::by_password(Default::default()),
        )
        .await;
    assert_eq!(code(late), Code::WrongCredentials, "the password was checked before");
    let new = stage.sign_in(BEN).await.unwrap();
    assert!(stage.is_signed_in(&new).await);
}

#[tokio::test]
async fn set_back_the_person_activates_the_account_again_and_has_the_roles_again() {
    let stage = Stage::new().await;
    let ben = stage.add_active(BEN).await;
    stage.make_system_admin(ben).await;
    let session = stage.sign_in(BEN).await.unwrap();
    let credential = stage.platform().load::<Account>(&ben).await.unwrap().state.credential().unwrap();
    let verifier = format!("password/{ben}/{}", credential.simple());
    let vault = &stage.world.embedded;
    assert!(eventlog::Vault::get(&**vault, &verifier).await.unwrap().is_some());
    let platform = stage.platform();
    platform.set_account_status_to_created(&stage.admin(), stage.organization, ben).await.unwrap();
    assert_eq!(stage.status(ben).await, AccountStatus::Added);
    assert!(eventlog::Vault::get(&**vault, &verifier).await.unwrap().is_none(), "the password is deleted");
    assert!(!stage.is_signed_in(&session).await);
    assert_eq!(code(stage.sign_in(BEN).await), Code::WrongCredentials);
    // Now Anna is the last one who is active.
    let founder = stage.by("anna@northwind.example").await;
    let demote = RolesCommand::Unassign {
        role: commands::processes::sign_up::system_admin_role(stage.organization),
        account: stage.anna,
    };
    assert_eq!(code(platform.execute::<Roles>(&founder, &stage.organization, demote).await), Code::LastSystemAdmin);
    // The link is shown, not mailed: it is for this account only, and once.
    let link = platform.generate_activation_link(&stage.admin(), stage.organization, ben, false).await.unwrap();
    let token = link.token.unwrap().to_text();
    let activate = || platform.activate_account(&founder, &token, password(PASSWORD));
    activate().await.unwrap();
    assert_eq!(code(activate().await), Code::LinkInvalid);
    assert!(stage.is_active_admin(ben).await);
    let again = platform.generate_activation_link(&stage.admin(), stage.organization, ben, true).await;
    assert_eq!(code(again), Code::AlreadyActivated);
}

#[tokio::test]
async fn a_link_that_is_shown_voids_the_one_that_was_mailed_and_the_other_way_round() {
    let stage = Stage::new().await;
    let ben = stage.add(BEN).await;
    let mailed = token_in(&stage.world.mail_to(BEN).await.text);
    let platform = stage.platform();
    let shown = platform.generate_activation_link(&stage.admin(), stage.organization, ben, false).await.unwrap();
    let shown = shown.token.unwrap().to_text();
    let activate =
        async |token: &str| platform.activate_account(&stage.world.anonymous(), token, password(PASSWORD)).await;
    assert_eq!(code(activate(&mailed).await), Code::LinkInvalid);
    let link = platform.generate_activation_link(&stage.admin(), stage.organization, ben, true).await.unwrap();
    assert!(link.token.is_none());
    assert_eq!(code(activate(&shown).await), Code::LinkInvalid);
    let newest = support::eventually(|| async {
        let mails = stage.world.mailbox.latest().into_iter().filter(|m| m.mail.to == BEN);
        mails.map(|m| token_in(&m.mail.text)).find(|token| *token != mailed)
    })
    .await;
    activate(&newest).await.unwrap();
}

#[tokio::test]
async fn nobody_acts_on_who_has_more_rights() {
    let stage = Stage::new().await;
    let platform = stage.platform();
    let (ben, dora) = (stage.add_active(BEN).await, stage.add_active("dora@northwind.example").await);
    stage.give_role(5, ben, &[Right::ManageAccounts]).await;
    stage.give_role(6, dora, &[Right::ManageAccounts, Right::ManageDevices]).await;
    let eve = stage.add("eve@northwind.example").await;
    let (help_desk, organization) = (stage.by(BEN).await, stage.organization);
    for stronger in [stage.anna, dora] {
        let refused = |position: Result<Option<schema::Position>, Failure>| code(position) == Code::MorePowerful;
        assert!(refused(platform.deactivate_account(&help_desk, organization, stronger).await));
        assert!(refused(platform.reactivate_account(&help_desk, organization, stronger).await));
        assert!(refused(platform.log_out_everywhere(&help_desk, organization, stronger).await));
        assert!(refused(platform.force_password_reset(&help_desk, organization, stronger).await));
        assert!(refused(platform.set_account_status_to_created(&help_desk, organization, stronger).await));
        assert!(refused(platform.edit_person(&help_desk, organization, stronger, Default::default()).await));
        let link = platform.generate_activation_link(&help_desk, organization, stronger, false).await;
        assert_eq!(code(link), Code::MorePowerful);
    }
    // Nor while the rights of the other one rest.
    platform.deactivate_account(&stage.admin(), organization, dora).await.unwrap();
    let reactivated = platform.reactivate_account(&help_desk, organization, dora).await;
    assert_eq!(code(reactivated), Code::MorePowerful);
    // Those who have no more are theirs to help.
    platform.deactivate_account(&help_desk, organization, eve).await.unwrap();
    platform.log_out_everywhere(&help_desk, organization, ben).await.unwrap();
    for own in [
        platform.deactivate_account(&help_desk, organization, ben).await,
        platform.set_account_status_to_created(&help_desk, organization, ben).await,
        platform.deactivate_account(&stage.admin(), organization, stage.anna).await,
    ] {
        assert_eq!(code(own), Code::NotYourself);
    }
    // Without the right, nothing is told about who exists.
    let member = stage.platform().request(
        stage
            .sign_in("dora@northwind.example")
            .await
            .map_or_else(|_| Principal::Anonymous, |signed_in| signed_in.principal),
    );
    let nobody = AccountId(Uuid::from_u128(77));
    for target in [stage.anna, nobody] {
        let refused = platform.deactivate_account(&member, organization, target).await;
        assert_eq!(code(refused), Code::NotSignedIn);
    }
    assert_eq!(code(platform.deactivate_account(&stage.admin(), organization, nobody).await), Code::NotFound);
}

#[tokio::test]
async fn people_of_another_organization_do_not_exist() {
    let stage = Stage::new().await;
    let (south, sid) = stage.world.found("sid@southwind.example").await;
    let platform = stage.platform();
    for organization in [south.organization, stage.organization] {
        for refused in [
            platform.deactivate_account(&sid, organization, stage.anna).await,
            platform.reactivate_account(&sid, organization, stage.anna).await,
            platform.log_out_everywhere(&sid, organization, stage.anna).await,
            platform.force_password_reset(&sid, organization, stage.anna).await,
            platform.set_account_status_to_created(&sid, organization, stage.anna).await,
            platform.edit_person(&sid, organization, stage.anna, Default::default()).await,
            platform.generate_activation_link(&sid, organization, stage.anna, false).await.map(|link| link.position),
        ] {
            assert_eq!(code(refused), Code::NotFound);
        }
    }
    assert_eq!(stage.status(stage.anna).await, AccountStatus::Activated);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_admins_who_end_each_others_access_at_the_same_moment_one_remains() {
    let stage = Stage::new().await;
    let ben = stage.add_active(BEN).await;
    stage.make_system_admin(ben).await;
    let (organization, platform) = (stage.organization, stage.platform());
    let (anna_session, ben_session) = (stage.admin.principal.clone(), stage.by(BEN).await.principal);
    for round in 0..100 {
        let (by_anna, by_ben) = (platform.request(anna_session.clone()), platform.request(ben_session.clone()));
        let (anna, set_back) = (stage.anna, round % 2 == 1);
        let end = |request: Request, account| {
            let platform = platform.clone();
            tokio::spawn(async move {
                if set_back {
                    platform.set_account_status_to_created(&request, organization, account).await
                } else {
                    platform.deactivate_account(&request, organization, account).await
                }
            })
        };
        let (one, two) = tokio::join!(end(by_anna, ben), end(by_ben, anna));
        let (one, two) = (one.unwrap(), two.unwrap());
        assert!(one.is_ok() != two.is_ok(), "round {round}: {one:?} {two:?}");
        let (loser, winner) = if one.is_ok() { (ben, anna) } else { (anna, ben) };
        assert_eq!(code(one.and(two)), Code::LastSystemAdmin);
        assert!(stage.is_active_admin(winner).await && !stage.is_active_admin(loser).await, "round {round}");
        // As before, for the next round.
        let helper = platform.request(if winner == anna { anna_session.clone() } else { ben_session.clone() });
        if set_back {
            let link = platform.generate_activation_link(&helper, organization, loser, false).await.unwrap();
            let token = link.token.unwrap().to_text();
            // A costly hash each time: enough of them is enough.
            platform.activate_account(&helper, &token, password(PASSWORD)).await.unwrap();
        } else {
            platform.reactivate_account(&helper, organization, loser).await.unwrap();
        }
        assert!(stage.is_active_admin(anna).await && stage.is_active_admin(ben).await, "round {round}");
    }
}

#[tokio::test]
async fn a_request_to_the_support_is_kept_and_mailed() {
    let stage = Stage::new().await;
    let platform = stage.platform();
    let submit = async |subject, text| platform.submit_support_request(&stage.admin(), subject, text).await;
    assert_eq!(code(submit("", "How?").await), Code::Required);
    assert_eq!(code(submit("A question", " ").await), Code::Required);
    let (id, position) = submit("A question", "How?\nAnd why?").await.unwrap();
    assert!(position.is_some());
    let mail = stage.world.mail_to("support@example.com").await;
    assert!(mail.text.contains("How?") && mail.text.contains(&id.to_string()), "{}", mail.text);
    let kept = platform.load::<domain::SupportRequest>(&id).await.unwrap().state.requested().cloned().unwrap();
    assert_eq!(platform.people().open(&kept.message).await.unwrap().as_deref(), Some("How?\nAnd why?"));
    let (_, north) = (stage.add_active(BEN).await, stage.by(BEN).await);
    let refused = platform.submit_support_request(&north, "A question", "How?").await;
    assert_eq!(code(refused), Code::Forbidden);
}
