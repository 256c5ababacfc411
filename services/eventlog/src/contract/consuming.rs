//! Consumer groups.

use std::collections::BTreeSet;

use super::*;
use crate::{Consumer, Delivery, Expected};

async fn append(log: &dyn EventLog, event_type: &'static str, count: usize) -> Vec<EventId> {
    let events: Vec<_> = (0..count).map(|number| event_of(event_type, &number.to_string())).collect();
    let ids = ids(&events);
    log.append(&new_stream(), Expected::NoStream, events).await.unwrap();
    ids
}

async fn next(consumer: &mut Box<dyn Consumer>) -> Delivery {
    soon(consumer.next()).await.unwrap()
}

/// The next delivery must be this event for the `attempt`-th time.
async fn expect(consumer: &mut Box<dyn Consumer>, id: EventId, attempt: u32) -> Delivery {
    let delivery = next(consumer).await;
    assert_eq!((delivery.event.id, delivery.attempt), (id, attempt));
    delivery
}

fn new_group() -> String {
    format!("group-{}", unique().simple())
}

/// From the beginning of the log, its own types only, and what was acknowledged does not come back.
pub async fn a_group_sees_its_types_in_order_and_remembers(installation: &dyn Installation) {
    let (log, vault) = installation.open(Arc::new(clock())).await;
    let (group, one, two, other) = (new_group(), new_type(), new_type(), new_type());
    let mut wanted = append(log.as_ref(), one, 3).await;
    append(log.as_ref(), other, 3).await;
    wanted.extend(append(log.as_ref(), two, 2).await);
    let mut consumer = log.consumer(&group, &[one, two]).await.unwrap();
    for id in &wanted {
        let delivery = expect(&mut consumer, *id, 1).await;
        consumer.ack(&delivery).await.unwrap();
    }
    waits(consumer.next()).await;
    append(log.as_ref(), other, 1).await;
    let live = append(log.as_ref(), one, 1).await;
    let delivery = expect(&mut consumer, live[0], 1).await;
    consumer.ack(&delivery).await.unwrap();
    drop((consumer, log, vault));

    let (log, _vault) = installation.open(Arc::new(clock())).await;
    let mut consumer = log.consumer(&group, &[one, two]).await.unwrap();
    waits(consumer.next()).await;
    let live = append(log.as_ref(), two, 1).await;
    expect(&mut consumer, live[0], 1).await;
    // Another group has its own progress.
    let mut beginner = log.consumer(&new_group(), &[one, two]).await.unwrap();
    expect(&mut beginner, wanted[0], 1).await;
}

/// A member that goes away, or a process that ends, leaves nothing undone.
pub async fn what_is_not_answered_comes_back(installation: &dyn Installation) {
    let (log, vault) = installation.open(Arc::new(clock())).await;
    let (group, kind) = (new_group(), new_type());
    let ids = append(log.as_ref(), kind, 3).await;
    let mut consumer = log.consumer(&group, &[kind]).await.unwrap();
    let delivery = expect(&mut consumer, ids[0], 1).await;
    consumer.ack(&delivery).await.unwrap();
    expect(&mut consumer, ids[1], 1).await;
    drop(consumer);
    let mut consumer = log.consumer(&group, &[kind]).await.unwrap();
    let again = next(&mut consumer).await;
    assert_eq!(again.event.id, ids[1]);
    drop((consumer, log, vault));

    let (log, _vault) = installation.open(Arc::new(clock())).await;
    let mut consumer = log.consumer(&group, &[kind]).await.unwrap();
    for id in &ids[1..] {
        let delivery = next(&mut consumer).await;
        assert_eq!(delivery.event.id, *id);
        consumer.ack(&delivery).await.unwrap();
    }
    waits(consumer.next()).await;
}

/// What was acknowledged while something before it was not does not come back either.
pub async fn answers_may_come_in_any_order(installation: &dyn Installation) {
    let (log, vault) = installation.open(Arc::new(clock())).await;
    let (group, kind) = (new_group(), new_type());
    let ids = append(log.as_ref(), kind, 5).await;
    let mut consumer = log.consumer(&group, &[kind]).await.unwrap();
    let mut deliveries = Vec::new();
    for id in &ids {
        deliveries.push(expect(&mut consumer, *id, 1).await);
    }
    for index in [4, 0, 2] {
        consumer.ack(&deliveries[index]).await.unwrap();
    }
    drop((consumer, log, vault));

    let (log, _vault) = installation.open(Arc::new(clock())).await;
    let mut consumer = log.consumer(&group, &[kind]).await.unwrap();
    for index in [1, 3] {
        let delivery = next(&mut consumer).await;
        assert_eq!(delivery.event.id, ids[index]);
        consumer.ack(&delivery).await.unwrap();
    }
    waits(consumer.next()).await;
}

/// Put off, it waits for the clock while others go on; each delivery counts.
pub async fn what_is_put_off_comes_back_when_due(installation: &dyn Installation) {
    let clock = clock();
    let (log, _) = installation.open(Arc::new(clock.clone())).await;
    let (group, kind) = (new_group(), new_type());
    let ids = append(log.as_ref(), kind, 3).await;
    let mut consumer = log.consumer(&group, &[kind]).await.unwrap();
    let minute = chrono::Duration::minutes(1);

    let delivery = expect(&mut consumer, ids[0], 1).await;
    consumer.retry_at(&delivery, clock.now() + minute * 2).await.unwrap();
    let delivery = expect(&mut consumer, ids[1], 1).await;
    consumer.retry_at(&delivery, clock.now() + minute).await.unwrap();
    let delivery = expect(&mut consumer, ids[2], 1).await;
    consumer.ack(&delivery).await.unwrap();
    waits(consumer.next()).await;

    // The one that is due first comes first, to a member that is already waiting.
    let waiting = tokio::spawn(async move {
        let delivery = next(&mut consumer).await;
        (consumer, delivery)
    });
    tokio::time::sleep(Duration::from_millis(20)).await;
    clock.advance(minute);
    let (mut consumer, delivery) = soon(waiting).await.unwrap();
    assert_eq!((delivery.event.id, delivery.attempt), (ids[1], 2));
    consumer.ack(&delivery).await.unwrap();
    waits(consumer.next()).await;

    clock.advance(minute);
    let delivery = expect(&mut consumer, ids[0], 2).await;
    // A time that has passed means at once.
    consumer.retry_at(&delivery, clock.now() - minute).await.unwrap();
    let delivery = expect(&mut consumer, ids[0], 3).await;
    consumer.ack(&delivery).await.unwrap();
    clock.advance(minute * 100);
    waits(consumer.next()).await;
}

/// Putting off is remembered: the time, and how often it was delivered.
pub async fn what_is_put_off_is_due_also_after_a_restart(installation: &dyn Installation) {
    let clock = clock();
    let (log, vault) = installation.open(Arc::new(clock.clone())).await;
    let (group, kind) = (new_group(), new_type());
    let ids = append(log.as_ref(), kind, 2).await;
    let mut consumer = log.consumer(&group, &[kind]).await.unwrap();
    let minute = chrono::Duration::minutes(1);
    let first = expect(&mut consumer, ids[0], 1).await;
    let second = expect(&mut consumer, ids[1], 1).await;
    // The later one first, so that what is put off lies beyond what is not answered.
    consumer.retry_at(&second, clock.now() + minute).await.unwrap();
    drop((consumer, log, vault));

    let (log, vault) = installation.open(Arc::new(clock.clone())).await;
    let mut consumer = log.consumer(&group, &[kind]).await.unwrap();
    let again = next(&mut consumer).await;
    assert_eq!(again.event.id, first.event.id);
    consumer.ack(&again).await.unwrap();
    waits(consumer.next()).await;
    drop((consumer, log, vault));

    clock.advance(minute);
    let (log, vault) = installation.open(Arc::new(clock.clone())).await;
    let mut consumer = log.consumer(&group, &[kind]).await.unwrap();
    let delivery = expect(&mut consumer, ids[1], 2).await;
    consumer.ack(&delivery).await.unwrap();
    drop((consumer, log, vault));

    let (log, _vault) = installation.open(Arc::new(clock.clone())).await;
    let mut consumer = log.consumer(&group, &[kind]).await.unwrap();
    clock.advance(minute * 100);
    waits(consumer.next()).await;
}

/// Parked is for good, whether at the first delivery or a later one.
pub async fn what_is_parked_does_not_come_back(installation: &dyn Installation) {
    let clock = clock();
    let (log, vault) = installation.open(Arc::new(clock.clone())).await;
    let (group, kind) = (new_group(), new_type());
    let ids = append(log.as_ref(), kind, 3).await;
    let mut consumer = log.consumer(&group, &[kind]).await.unwrap();
    let first = expect(&mut consumer, ids[0], 1).await;
    let second = expect(&mut consumer, ids[1], 1).await;
    consumer.park(&second, "the mailbox does not exist").await.unwrap();
    consumer.retry_at(&first, clock.now()).await.unwrap();
    let first = expect(&mut consumer, ids[0], 2).await;
    consumer.park(&first, "it never will").await.unwrap();
    drop((consumer, log, vault));

    let (log, _vault) = installation.open(Arc::new(clock.clone())).await;
    let mut consumer = log.consumer(&group, &[kind]).await.unwrap();
    clock.advance(chrono::Duration::days(1));
    expect(&mut consumer, ids[2], 1).await;
    waits(consumer.next()).await;
}

/// Members and followers are used in `select!`: whenever a wait is given up, what comes is there for the next one.
pub async fn giving_up_a_wait_loses_nothing(installation: &dyn Installation) {
    let (log, _) = installation.open(Arc::new(clock())).await;
    let kind = new_type();
    let mut follower = log.subscribe(log.head().await.unwrap()).await.unwrap();
    let mut consumer = log.consumer(&new_group(), &[kind]).await.unwrap();
    let writer = tokio::spawn({
        let log = log.clone();
        async move {
            let mut ids = Vec::new();
            for _ in 0..60 {
                ids.extend(append(log.as_ref(), kind, 3).await);
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            ids
        }
    });
    let (mut delivered, mut followed) = (Vec::new(), Vec::new());
    soon(async {
        for turn in (0..3).cycle() {
            let patience = Duration::from_millis(turn);
            if let Ok(delivery) = tokio::time::timeout(patience, consumer.next()).await {
                let delivery = delivery.unwrap();
                assert_eq!(delivery.attempt, 1);
                consumer.ack(&delivery).await.unwrap();
                delivered.push(delivery.event.id);
            }
            if let Ok(page) = tokio::time::timeout(patience, follower.next()).await {
                followed.extend(recorded_ids(&page.unwrap()));
            }
            if delivered.len() >= 180 && followed.len() >= 180 {
                break;
            }
        }
    })
    .await;
    let ids = writer.await.unwrap();
    assert_eq!((delivered == ids, followed == ids), (true, true));
    waits(consumer.next()).await;
}

/// Two members at once: each event to one of them, and none lost when one goes away.
pub async fn members_share_the_work(installation: &dyn Installation) {
    let (log, _) = installation.open(Arc::new(clock())).await;
    let (group, kind) = (new_group(), new_type());
    let mut members = Vec::new();
    for _ in 0..2 {
        let mut member = log.consumer(&group, &[kind]).await.unwrap();
        members.push(tokio::spawn(async move {
            let mut seen = Vec::new();
            while let Ok(delivery) = tokio::time::timeout(Duration::from_millis(500), member.next()).await {
                let delivery = delivery.unwrap();
                assert_eq!(delivery.attempt, 1);
                member.ack(&delivery).await.unwrap();
                seen.push(delivery.event.id);
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            seen
        }));
    }
    let ids = append(log.as_ref(), kind, 60).await;
    let (one, two) = (members.remove(0).await.unwrap(), members.remove(0).await.unwrap());
    assert!(!one.is_empty() && !two.is_empty(), "both should have had work");
    assert_eq!(one.len() + two.len(), ids.len());
    assert_eq!(one.iter().chain(&two).collect::<BTreeSet<_>>(), ids.iter().collect());

    // One takes an event and goes away while the other waits.
    let mut goes = log.consumer(&group, &[kind]).await.unwrap();
    let mut stays = log.consumer(&group, &[kind]).await.unwrap();
    let ids = append(log.as_ref(), kind, 1).await;
    assert_eq!(next(&mut goes).await.event.id, ids[0]);
    let waiting = tokio::spawn(async move { next(&mut stays).await });
    tokio::time::sleep(Duration::from_millis(20)).await;
    drop(goes);
    assert_eq!(soon(waiting).await.unwrap().event.id, ids[0]);
}
