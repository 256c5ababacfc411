//! What goes on by itself about domains: looking for records, watching over proofs, finishing what a crash left, and
//! that a domain never has two owners whatever crosses each other.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "domains/stage.rs"]
mod stage;
mod support;

use std::{sync::Arc, sync::atomic::Ordering, time::Duration as RealTime};

use chrono::Duration;
use commands::{
    Platform,
    reactors::{self, prober::Prober},
};
use domain::Code;
use hickory_resolver::proto::op::ResponseCode;
use schema::VerificationMethod::{DnsTxt, Email, HtmlFile};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use stage::{Admin, Stage, code, file_of, record_of, wrong};
use support::{
    eventually,
    faulty::Faulty,
    internet::{Page, Texts},
};

/// A prober that runs until it is stopped.
struct Running(CancellationToken, JoinHandle<()>);

impl Running {
    fn on(stage: &Stage, platform: Arc<Platform>) -> Self {
        let stop = stage.world.stop.child_token();
        let task = tokio::spawn(reactors::run(platform, Prober::default(), stop.clone()));
        Self(stop, task)
    }

    fn start(stage: &Stage) -> Self {
        Self::on(stage, stage.world.platform.clone())
    }

    async fn stop(self) {
        self.0.cancel();
        self.1.await.unwrap();
    }
}

impl Stage {
    /// Waits until somebody has looked so often, and for a moment whether nobody looks more often.
    async fn looked(&self, what: &str, times: usize) {
        eventually(|| async { (self.internet.asked(what) >= times).then_some(()) }).await;
        tokio::time::sleep(RealTime::from_millis(100)).await;
        assert_eq!(self.internet.asked(what), times, "{what}");
    }
}

async fn failure(admin: &Admin, id: schema::DomainId) -> String {
    eventually(|| async { admin.view(id).await.state.attempt.and_then(|attempt| attempt.failed) }).await
}

#[tokio::test]
async fn a_record_is_looked_for_by_itself_through_a_restart() {
    let stage = Stage::new().await;
    let anna = stage.found("anna@northwind.example").await;
    let id = anna.add("fabrikam.example").await;
    let (name, text) = record_of(&anna.begin(id, DnsTxt).await);
    let prober = Running::start(&stage);
    stage.looked(&name, 1).await;
    stage.world.clock.advance(Duration::seconds(59));
    stage.looked(&name, 1).await;
    stage.world.clock.advance(Duration::seconds(1));
    stage.looked(&name, 2).await;
    prober.stop().await;
    // While it is down nobody looks, and afterwards not before it is time.
    let another = stage.world.another(stage.world.embedded.clone(), 5);
    let prober = Running::on(&stage, another);
    stage.looked(&name, 2).await;
    stage.internet.set_texts(&name, Texts::Records(vec![text]));
    stage.world.clock.advance(Duration::minutes(1));
    eventually(|| async { anna.is_verified(id).await.then_some(()) }).await;
    assert_eq!(stage.holder("fabrikam.example").await, Some(anna.organization));
    stage.looked(&name, 3).await;
    prober.stop().await;
}

#[tokio::test]
async fn after_72_hours_it_is_given_up() {
    let stage = Stage::new().await;
    let anna = stage.found("anna@northwind.example").await;
    let id = anna.add("fabrikam.example").await;
    let (name, text) = record_of(&anna.begin(id, DnsTxt).await);
    let _prober = Running::start(&stage);
    stage.looked(&name, 1).await;
    for hour in 1..=72 {
        let seen = stage.internet.asked(&name);
        stage.world.clock.advance(Duration::hours(1));
        eventually(|| async { (stage.internet.asked(&name) > seen).then_some(()) }).await;
        // A name server that is out of order does not end it before.
        let answer = if hour == 30 { ResponseCode::ServFail } else { ResponseCode::NXDomain };
        stage.internet.set_texts(&name, Texts::Code(answer));
    }
    assert_eq!(failure(&anna, id).await, "EXPIRED");
    let looks = stage.internet.asked(&name);
    assert!((73..80).contains(&looks), "an hour apart, and again at once when a server is out of order: {looks}");
    // Too late.
    stage.internet.set_texts(&name, Texts::Records(vec![text]));
    stage.world.clock.advance(Duration::hours(2));
    stage.looked(&name, looks).await;
    let anna = anna.signed_in_again(&stage).await;
    assert_eq!(code(anna.verify(id, None).await), Code::WrongState);
    // The same name can be tried again, with another token.
    anna.prove(&stage, id).await;
}

#[tokio::test]
async fn codes_and_files_are_given_up_in_time_without_looking() {
    let stage = Stage::new().await;
    let anna = stage.found("anna@northwind.example").await;
    let (mailed, filed) = (anna.add("fabrikam.example").await, anna.add("contoso.example").await);
    anna.begin(mailed, Email).await;
    let (name, _) = file_of(&anna.begin(filed, HtmlFile).await);
    let _prober = Running::start(&stage);
    stage.world.clock.advance(Duration::minutes(10));
    assert_eq!(failure(&anna, mailed).await, "EXPIRED");
    assert_eq!(anna.view(filed).await.state.attempt.unwrap().failed, None);
    stage.world.clock.advance(Duration::hours(72));
    assert_eq!(failure(&anna, filed).await, "EXPIRED");
    assert_eq!(stage.internet.asked(&format!("/{name}")), 0);
}

#[tokio::test]
async fn a_lost_proof_is_noted_and_locks_nobody_out() {
    let stage = Stage::new().await;
    let anna = stage.found("anna@northwind.example").await;
    let (by_record, by_file) = (anna.add("fabrikam.example").await, anna.add("contoso.example").await);
    let (record, text) = record_of(&anna.begin(by_record, DnsTxt).await);
    let (file, content) = file_of(&anna.begin(by_file, HtmlFile).await);
    stage.internet.set_texts(&record, Texts::Records(vec![text.clone()]));
    stage.internet.set_page(&file, Page::Content(200, content.clone()));
    anna.verify(by_record, None).await.unwrap();
    anna.verify(by_file, None).await.unwrap();
    let _prober = Running::start(&stage);
    let lost = async || (anna.view(by_record).await.state.proof_lost, anna.view(by_file).await.state.proof_lost);
    let path = format!("/{file}");
    let unable = (Texts::Code(ResponseCode::ServFail), Page::Content(503, String::new()));
    let gone = (Texts::Code(ResponseCode::NXDomain), Page::Content(404, String::new()));
    let there = (Texts::Records(vec![text]), Page::Content(200, content));
    for (state, expected) in [(&unable, false), (&gone, true), (&unable, true), (&there, false), (&gone, true)] {
        stage.internet.set_texts(&record, state.0.clone());
        stage.internet.set_page(&file, state.1.clone());
        let seen = (stage.internet.asked(&record), stage.internet.asked(&path));
        stage.world.clock.advance(Duration::days(1));
        let looked = || (stage.internet.asked(&record) > seen.0 && stage.internet.asked(&path) > seen.1).then_some(());
        eventually(|| async { looked() }).await;
        tokio::time::sleep(RealTime::from_millis(100)).await;
        eventually(|| async { (lost().await == (expected, expected)).then_some(()) }).await;
    }
    assert!(anna.is_verified(by_record).await && anna.is_verified(by_file).await);
    let anna = anna.signed_in_again(&stage).await;
    anna.create("ben@fabrikam.example").await.unwrap();
    // What was removed is watched no more.
    anna.remove(by_record).await.unwrap();
    let seen = (stage.internet.asked(&record), stage.internet.asked(&path));
    stage.world.clock.advance(Duration::days(1));
    stage.looked(&path, seen.1 + 1).await;
    stage.looked(&record, seen.0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_organizations_that_verify_a_domain_at_the_same_moment_one_gets_it() {
    let stage = Stage::new().await;
    let anna = stage.found("anna@northwind.example").await;
    let zoe = stage.found("zoe@tailspin.example").await.on(stage.world.another(stage.world.embedded.clone(), 5));
    for round in 0..60 {
        let name = format!("d{round}.fabrikam.example");
        let (ours, theirs) = (anna.add(&name).await, zoe.add(&name).await);
        for view in [anna.begin(ours, DnsTxt).await, zoe.begin(theirs, DnsTxt).await] {
            stage.internet.publish(&view.proof.unwrap());
        }
        let verify = |admin: &Admin, id| {
            let admin = admin.clone();
            tokio::spawn(async move { admin.verify(id, None).await })
        };
        let (a, z) = (verify(&anna, ours), verify(&zoe, theirs));
        let results = [a.await.unwrap(), z.await.unwrap()];
        let winners = [anna.is_verified(ours).await, zoe.is_verified(theirs).await];
        assert_eq!(results.each_ref().map(Result::is_ok), winners);
        assert_ne!(winners[0], winners[1], "exactly one has it");
        let (winner, loser, id) = if winners[0] { (&anna, &zoe, theirs) } else { (&zoe, &anna, ours) };
        assert_eq!(stage.holder(&name).await, Some(winner.organization));
        assert_eq!(loser.view(id).await.state.attempt.unwrap().failed.as_deref(), Some("DOMAIN_TAKEN"));
        assert_eq!(code(results.into_iter().find(Result::is_err).unwrap()), Code::DomainTaken);
    }
}

/// Begins and verifies as often as it is told, whatever comes of it.
async fn insist(stage: &Stage, admin: Admin, name: &str, remove_first: bool) {
    let Ok(mut id) = admin.try_add(name).await else { return };
    if remove_first {
        admin.remove(id).await.ok();
        let Ok(again) = admin.try_add(name).await else { return };
        id = again;
    }
    for _ in 0..2 {
        admin.begin_with(id, DnsTxt, None).await.ok();
        let sought = admin.find(id).await.and_then(|view| view.proof);
        sought.iter().for_each(|sought| stage.internet.publish(sought));
        admin.verify(id, None).await.ok();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_crosses_each_other_a_verified_domain_is_reserved_for_its_one_owner() {
    let stage = Stage::new().await;
    let anna = stage.found("anna@northwind.example").await;
    let zoe = stage.found("zoe@tailspin.example").await;
    let processes: Vec<_> = (5..8).map(|seed| stage.world.another(stage.world.embedded.clone(), seed)).collect();
    let _prober = Running::start(&stage);
    let mut verified = 0;
    for round in 0..25 {
        let name = format!("d{round}.fabrikam.example");
        let on = |admin: &Admin, process: usize| admin.on(processes[process].clone());
        tokio::join!(
            insist(&stage, on(&anna, 0), &name, false),
            insist(&stage, on(&anna, 1), &name, false),
            insist(&stage, on(&anna, 2), &name, true),
            insist(&stage, on(&zoe, 0), &name, false),
            insist(&stage, on(&zoe, 1), &name, true),
        );
        let mut owners = Vec::new();
        for admin in [&anna, &zoe] {
            let views = admin.domains().await;
            let is_owner = views.iter().any(|view| view.name.as_str() == name && view.state.verified.is_some());
            owners.extend(is_owner.then_some(admin.organization));
        }
        assert!(owners.len() <= 1, "{name} has two owners");
        if let Some(owner) = owners.first() {
            assert_eq!(stage.holder(&name).await, Some(*owner), "{name}");
            verified += 1;
        }
    }
    assert!(verified > 0, "nobody ever got through");
}

#[tokio::test]
async fn a_verification_that_broke_off_after_the_reservation_is_finished() {
    let stage = Stage::new().await;
    let anna = stage.found("anna@northwind.example").await;
    let zoe = stage.found("zoe@tailspin.example").await;
    let (ours, theirs) = (anna.add("fabrikam.example").await, zoe.add("fabrikam.example").await);
    for view in [anna.begin(ours, DnsTxt).await, zoe.begin(theirs, DnsTxt).await] {
        stage.internet.publish(&view.proof.unwrap());
    }
    die_after(&stage, &anna, 1, async |admin| admin.verify(ours, None).await.unwrap_err()).await;
    assert!(!anna.is_verified(ours).await);
    // The proof was found first: nobody else comes in between.
    assert_eq!(code(zoe.verify(theirs, None).await), Code::DomainTaken);
    let _prober = Running::start(&stage);
    stage.world.clock.advance(Duration::minutes(2));
    eventually(|| async { anna.is_verified(ours).await.then_some(()) }).await;
    assert_eq!(stage.holder("fabrikam.example").await, Some(anna.organization));
}

/// Lets a process of the admin die after so many appends.
async fn die_after(stage: &Stage, admin: &Admin, appends: i64, work: impl AsyncFnOnce(Admin) -> commands::Failure) {
    let faulty = Faulty::new(stage.world.embedded.clone());
    let dying = stage.world.another(faulty.clone(), 77);
    faulty.left.store(appends, Ordering::SeqCst);
    let failure = work(admin.on(dying)).await;
    assert_eq!(failure.code(), None, "it died: {failure}");
}

#[tokio::test]
async fn a_reservation_of_an_attempt_that_is_void_stands_in_nobodys_way() {
    for begun_anew in [true, false] {
        let stage = Stage::new().await;
        let anna = stage.found("anna@northwind.example").await;
        let zoe = stage.found("zoe@tailspin.example").await;
        let (ours, theirs) = (anna.add("fabrikam.example").await, zoe.add("fabrikam.example").await);
        for view in [anna.begin(ours, DnsTxt).await, zoe.begin(theirs, DnsTxt).await] {
            stage.internet.publish(&view.proof.unwrap());
        }
        die_after(&stage, &anna, 1, async |admin| admin.verify(ours, None).await.unwrap_err()).await;
        if begun_anew {
            let view = anna.begin(ours, DnsTxt).await;
            stage.internet.publish(&view.proof.unwrap());
            anna.verify(ours, None).await.unwrap();
            assert_eq!(code(zoe.verify(theirs, None).await), Code::DomainTaken);
        } else {
            anna.remove(ours).await.unwrap();
            zoe.verify(theirs, None).await.unwrap();
        }
        // Whoever clears away later finds it in order.
        let _prober = Running::start(&stage);
        stage.world.clock.advance(Duration::minutes(2));
        tokio::time::sleep(RealTime::from_millis(300)).await;
        let owner = if begun_anew { &anna } else { &zoe };
        assert_eq!(stage.holder("fabrikam.example").await, Some(owner.organization));
        assert_eq!((anna.is_verified(ours).await, zoe.is_verified(theirs).await), (begun_anew, !begun_anew));
    }
}

#[tokio::test]
async fn a_removal_that_broke_off_frees_the_domain_all_the_same() {
    for by_itself in [true, false] {
        let stage = Stage::new().await;
        let anna = stage.found("anna@northwind.example").await;
        let zoe = stage.found("zoe@tailspin.example").await;
        let theirs = zoe.add("fabrikam.example").await;
        let ours = anna.add("fabrikam.example").await;
        let view = zoe.begin(theirs, DnsTxt).await;
        anna.prove(&stage, ours).await;
        die_after(&stage, &anna, 1, async |admin| admin.remove(ours).await.unwrap_err()).await;
        assert!(anna.find(ours).await.is_none());
        assert_eq!(stage.holder("fabrikam.example").await, Some(anna.organization));
        if by_itself {
            let _prober = Running::start(&stage);
            eventually(|| async { stage.holder("fabrikam.example").await.is_none().then_some(()) }).await;
            stage.sign_up("new@fabrikam.example").await.unwrap();
        } else {
            stage.internet.publish(&view.proof.unwrap());
            zoe.verify(theirs, None).await.unwrap();
            assert_eq!(stage.holder("fabrikam.example").await, Some(zoe.organization));
        }
    }
}

#[tokio::test]
async fn tries_that_are_used_up_meanwhile_void_a_verification_that_broke_off() {
    let stage = Stage::new().await;
    let anna = stage.found("anna@northwind.example").await;
    let id = anna.add("fabrikam.example").await;
    anna.begin(id, Email).await;
    let right = stage.world.code_for("postmaster@fabrikam.example").await;
    die_after(&stage, &anna, 1, async |admin| admin.verify(id, Some(&right)).await.unwrap_err()).await;
    while code(anna.verify(id, Some(&wrong(&right))).await) == Code::WrongCode {}
    let _prober = Running::start(&stage);
    stage.world.clock.advance(Duration::minutes(2));
    assert_eq!(failure(&anna, id).await, "TOO_MANY_TRIES");
    eventually(|| async { stage.holder("fabrikam.example").await.is_none().then_some(()) }).await;
}
