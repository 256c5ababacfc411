//! Roles that rest while their holder is deactivated or set back, and that an active system admin always remains.

use std::collections::BTreeSet;

use proptest::{collection::vec, prelude::*};
use schema::{
    Right,
    events::role::{RoleAssigned, RoleCreated, RoleEvent, RoleHolderResumed, RoleHolderSuspended, RoleUnassigned},
};

use super::{
    account as id,
    account::{activated, challenge, created},
    organization, role, uuid,
};
use crate::{
    Account, AccountCommand, AccountStatus, Code, Roles, RolesCommand,
    spec::{Given, given},
};

const ADMIN: u128 = 100;
const DESK: u128 = 1;

fn founded() -> Given<Roles> {
    let made = |number, name: &str, rights: &[Right], system_admin| {
        let (name, rights) = (name.to_owned(), BTreeSet::from_iter(rights.iter().copied()));
        RoleEvent::from(RoleCreated { role: role(number), organization: organization(1), name, rights, system_admin })
    };
    given([
        made(ADMIN, "System admin", &Right::ALL, true),
        made(DESK, "Desk", &[Right::ManageDevices], false),
        RoleAssigned { role: role(ADMIN), account: id(1) }.into(),
    ])
}

fn assign(number: u128, to: u128, activated: bool) -> RolesCommand {
    RolesCommand::Assign { role: role(number), account: id(to), activated }
}

fn unassign(number: u128, from: u128) -> RolesCommand {
    RolesCommand::Unassign { role: role(number), account: id(from) }
}

fn suspend(who: u128, session_epoch: u64) -> RolesCommand {
    RolesCommand::Suspend { account: id(who), session_epoch, set_back: false }
}

fn suspended(who: u128, session_epoch: u64) -> RoleEvent {
    RoleHolderSuspended { account: id(who), session_epoch, set_back: false }.into()
}

fn resume(who: u128, session_epoch: u64) -> RolesCommand {
    RolesCommand::Resume { account: id(who), session_epoch }
}

fn resumed(who: u128) -> RoleEvent {
    RoleHolderResumed { account: id(who) }.into()
}

#[test]
fn roles_rest_and_come_back() {
    let story = founded().when(assign(DESK, 2, true)).then_accepted();
    let desk = (false, BTreeSet::from([Right::ManageDevices]));
    let story = story.when(suspend(2, 0)).then([suspended(2, 0)]).when(suspend(2, 0)).then_nothing();
    assert_eq!(story.state().of(id(2)), (false, BTreeSet::new()));
    assert_eq!(story.state().held(id(2)), desk, "what the person has once active again");
    let story = story.when(resume(2, 1)).then([resumed(2)]).when(resume(2, 1)).then_nothing();
    assert_eq!(story.state().of(id(2)), desk);
    // Whoever has no roles is noted as well: they are given none meanwhile that need somebody active.
    founded()
        .when(suspend(3, 0))
        .then([suspended(3, 0)])
        .when(assign(ADMIN, 3, true))
        .then_rejected(Code::AccountNotActivated);
    founded().when(suspend(3, 0)).then_accepted().when(assign(DESK, 3, true)).then_accepted();
}

#[test]
fn the_last_active_system_admin_is_not_suspended() {
    let story = founded().when(suspend(1, 0)).then_rejected(Code::LastSystemAdmin);
    let two = story.when(assign(ADMIN, 2, true)).then_accepted();
    let story = two.clone().when(suspend(1, 0)).then([suspended(1, 0)]);
    story
        .when(suspend(2, 0))
        .then_rejected(Code::LastSystemAdmin)
        .when(unassign(ADMIN, 2))
        .then_rejected(Code::LastSystemAdmin)
        // One who rests is none of the active ones.
        .when(unassign(ADMIN, 1))
        .then([RoleUnassigned { role: role(ADMIN), account: id(1) }.into()]);
    two.when(suspend(1, 0)).then_accepted().when(resume(1, 1)).then_accepted().when(suspend(2, 0)).then_accepted();
}

#[test]
fn a_suspension_is_undone_only_by_what_came_after_it() {
    let story = founded().when(assign(ADMIN, 2, true)).then_accepted().when(suspend(2, 4)).then_accepted();
    story
        .clone()
        .when(resume(2, 3))
        .then_nothing()
        .when(resume(2, 4))
        .then_nothing()
        .when(suspend(2, 3))
        .then_nothing()
        // The account was logged out meanwhile: it is suspended from then on.
        .when(suspend(2, 5))
        .then([suspended(2, 5)])
        .when(resume(2, 5))
        .then_nothing()
        .when(resume(2, 6))
        .then([resumed(2)]);
    founded().when(resume(1, 9)).then_nothing();
    given::<Roles>([]).when(suspend(1, 0)).then_rejected(Code::NotFound).when(resume(1, 9)).then_nothing();
}

/// One step of somebody who works on three accounts at the same time as others: what was read may be outdated by the time
/// it is used, and whoever is at work may stop anywhere.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// Reads the account.
    Look(usize),
    /// The first half of losing access, on what was read.
    Suspend(usize),
    /// The second half.
    Deactivate(usize),
    /// The second half of being set back.
    SetBack(usize),
    /// Gives roles back, on what was read.
    Resume(usize),
    Reactivate(usize),
    LogOut(usize),
    /// By a new link.
    Activate(usize),
    Assign(usize),
    Unassign(usize),
}

fn any_step() -> impl Strategy<Value = (usize, Step)> {
    let who = || 0..3usize;
    let step = prop_oneof![
        4 => who().prop_map(Step::Look),
        4 => who().prop_map(Step::Suspend),
        3 => who().prop_map(Step::Deactivate),
        2 => who().prop_map(Step::SetBack),
        4 => who().prop_map(Step::Resume),
        3 => who().prop_map(Step::Reactivate),
        1 => who().prop_map(Step::LogOut),
        3 => who().prop_map(Step::Activate),
        2 => who().prop_map(Step::Assign),
        1 => who().prop_map(Step::Unassign),
    ];
    // Two at work.
    (0..2usize, step)
}

struct World {
    roles: Given<Roles>,
    accounts: [Given<Account>; 3],
    /// What each at work has last seen of each account, and the epoch that they have suspended in.
    seen: [[(bool, u64); 3]; 2],
    suspended: [[Option<u64>; 3]; 2],
}

impl World {
    fn new() -> Self {
        let accounts = [(); 3].map(|()| given::<Account>([created(), activated(None, 9)]));
        let roles = founded().when(assign(ADMIN, 2, true)).then_accepted();
        Self { roles, accounts, seen: [[(true, 0); 3]; 2], suspended: [[None; 3]; 2] }
    }

    fn decide_roles(&mut self, command: RolesCommand) -> bool {
        let when = self.roles.clone().when(command);
        let accepted = when.decision().is_ok();
        if accepted {
            self.roles = when.then_accepted();
        }
        accepted
    }

    fn decide_account(&mut self, who: usize, command: AccountCommand) {
        let when = self.accounts[who].clone().when(command);
        if when.decision().is_ok() {
            self.accounts[who] = when.then_accepted();
        }
    }

    fn take(&mut self, by: usize, step: Step) {
        let number = |who: usize| who as u128 + 1;
        match step {
            Step::Look(who) => {
                let state = self.accounts[who].state();
                self.seen[by][who] = (state.status() == AccountStatus::Activated, state.session_epoch());
            }
            Step::Suspend(who) => {
                let (_, epoch) = self.seen[by][who];
                self.suspended[by][who] = self.decide_roles(suspend(number(who), epoch)).then_some(epoch);
            }
            Step::Deactivate(who) => {
                if let Some(epoch) = self.suspended[by][who] {
                    self.decide_account(who, AccountCommand::Deactivate { epoch: Some(epoch) });
                }
            }
            Step::SetBack(who) => {
                if let Some(epoch) = self.suspended[by][who] {
                    self.decide_account(who, AccountCommand::SetToCreated { epoch: Some(epoch) });
                }
            }
            Step::Resume(who) => {
                if let (true, epoch) = self.seen[by][who] {
                    self.decide_roles(resume(number(who), epoch));
                }
            }
            Step::Reactivate(who) => self.decide_account(who, AccountCommand::Reactivate),
            Step::LogOut(who) => self.decide_account(who, AccountCommand::LogOutEverywhere),
            Step::Activate(who) => {
                self.decide_account(who, AccountCommand::IssueActivationLink { challenge: challenge(8), mailed: true });
                let activate = AccountCommand::Activate { challenge: challenge(8), credential: uuid(7) };
                self.decide_account(who, activate);
            }
            Step::Assign(who) => {
                let (activated, _) = self.seen[by][who];
                self.decide_roles(assign(ADMIN, number(who), activated));
            }
            Step::Unassign(who) => drop(self.decide_roles(unassign(ADMIN, number(who)))),
        }
    }

    /// Who can sign in and is a system admin.
    fn active_admins(&self) -> usize {
        let active = |who: &usize| self.accounts[*who].state().status() == AccountStatus::Activated;
        (0..3usize).filter(active).filter(|who| self.roles.state().of(id(*who as u128 + 1)).0).count()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn there_is_always_an_active_system_admin(steps in vec(any_step(), 0..60)) {
        let mut world = World::new();
        for (by, step) in steps {
            world.take(by, step);
            prop_assert!(world.active_admins() >= 1, "after {step:?} by {by}");
        }
    }
}
