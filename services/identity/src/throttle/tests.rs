use proptest::prelude::*;

use super::*;

/// 2026-01-01T00:00:00Z.
const MIDNIGHT: i64 = 1_767_225_600;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_timestamp(MIDNIGHT + seconds, 0).unwrap()
}

fn wait(limiter: &Limiter<&'static str>, now: i64) -> u64 {
    limiter.check(&"anna", at(now)).map_or_else(|e| e.seconds(), |()| 0)
}

#[test]
fn the_soft_lock_grows_as_kanidm_has_it() {
    let limiter = Limiter::new(SIGN_IN_PER_ACCOUNT);
    let mut now = 0;
    for tries in 1..=100 {
        assert_eq!(limiter.admit("anna", at(now)), Ok(()), "try {tries}");
        let due = match tries {
            1..3 => 1,
            3..9 => 3,
            9..25 => 5,
            25..100 => 10,
            _ => 86_400 - now as u64,
        };
        assert_eq!(wait(&limiter, now), due, "after {tries}");
        assert!(limiter.admit("anna", at(now)).is_err(), "a second guess at once");
        now += due as i64;
    }
    assert_eq!(now, 86_400);
    assert_eq!(limiter.admit("anna", at(now)), Ok(()));
    assert_eq!(wait(&limiter, now), 1, "the next day starts from the beginning");
}

#[test]
fn nobody_gets_more_than_a_hundred_guesses_a_day() {
    let limiter = Limiter::new(SIGN_IN_PER_ACCOUNT);
    let guesses = (0..86_400).filter(|second| limiter.admit("anna", at(*second)).is_ok()).count();
    assert_eq!(guesses, 100);
}

#[test]
fn a_success_forgets_and_others_are_not_touched() {
    let limiter = Limiter::new(SIGN_IN_PER_ACCOUNT);
    for second in 0..50 {
        limiter.failed("anna", at(second));
    }
    assert_eq!(wait(&limiter, 50), 9);
    assert_eq!(limiter.check(&"berta", at(50)), Ok(()));
    limiter.succeeded(&"anna");
    assert_eq!(wait(&limiter, 50), 0);
}

#[test]
fn what_is_taken_back_counts_for_nothing_and_opens_no_lock() {
    let limiter = Limiter::new(SIGN_IN_PER_ACCOUNT);
    for _ in 0..50 {
        limiter.admit("anna", at(0)).unwrap();
        limiter.take_back(&"anna");
    }
    assert_eq!(wait(&limiter, 0), 0);
    (0..3).for_each(|_| limiter.failed("anna", at(0)));
    let locked = wait(&limiter, 0);
    assert!(locked > 0);
    limiter.failed("anna", at(0));
    limiter.take_back(&"anna");
    assert!(wait(&limiter, 0) >= locked);
}

#[test]
fn many_at_once_share_one_quota() {
    let limiter = Limiter::new(USER_CODE_PER_ACCOUNT);
    let admitted = std::thread::scope(|scope| {
        let attempt = || (0..100).filter(|_| limiter.admit("anna", at(0)).is_ok()).count();
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(attempt)).collect();
        threads.into_iter().map(|t| t.join().unwrap()).sum::<usize>()
    });
    assert_eq!(admitted, 5);
}

#[test]
fn an_assertion_is_used_once() {
    let limiter = Limiter::new(ONE_USE_OF_ASSERTION);
    assert_eq!(limiter.admit("anna", at(0)), Ok(()));
    assert_eq!(limiter.admit("anna", at(419)).map_err(|e| e.seconds()), Err(1));
}

#[test]
fn a_flood_of_keys_neither_fills_memory_nor_pushes_a_lock_out() {
    let limiter = Limiter::with_capacity(SIGN_IN_PER_ACCOUNT, 64);
    for second in 0..30 {
        limiter.failed(u32::MAX, at(second));
    }
    for key in 0..10_000 {
        limiter.failed(key, at(30));
        assert!(limiter.lock().len() <= 64);
    }
    assert_eq!(limiter.check(&u32::MAX, at(30)).map_err(|e| e.seconds()), Err(9));
    // Finished counts leave before any that still runs.
    limiter.failed(u32::MAX - 1, at(86_400));
    for key in 0..100 {
        limiter.failed(key, at(86_400));
    }
    assert!(limiter.check(&99, at(86_400)).is_err());
}

#[test]
fn addresses_of_one_subscriber_count_as_one() {
    let throttled = |text: &str| throttled_address(text.parse().unwrap()).to_string();
    assert_eq!(throttled("192.0.2.7"), "192.0.2.7");
    assert_eq!(throttled("::ffff:192.0.2.7"), "192.0.2.7");
    assert_eq!(throttled("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
}

proptest! {
    #[test]
    fn a_quota_holds_in_every_window(gaps in prop::collection::vec(0i64..40, 1..300), most in 1u32..6, seconds in 1u32..120) {
        let limiter = Limiter::new(Policy::quota(most, seconds));
        let (mut now, mut start, mut admitted) = (0, None, 0);
        for gap in gaps {
            now += gap;
            if start.is_none_or(|s| now >= s + i64::from(seconds)) {
                (start, admitted) = (Some(now), 0);
            }
            // A model that is nothing but the definition of the quota.
            let expected = admitted < most;
            let answer = limiter.admit("anna", at(now));
            prop_assert_eq!(answer.is_ok(), expected);
            match answer {
                Ok(()) => admitted += 1,
                Err(after) => prop_assert_eq!(now + after.seconds() as i64, start.unwrap() + i64::from(seconds)),
            }
        }
    }

    #[test]
    fn what_check_says_is_when_it_opens(tries in 1u32..120, start in 0i64..86_400) {
        let limiter = Limiter::new(SIGN_IN_PER_ACCOUNT);
        (0..tries).for_each(|_| limiter.failed("anna", at(start)));
        let left = wait(&limiter, start) as i64;
        prop_assert!(left > 0);
        prop_assert_eq!(wait(&limiter, start + left), 0);
        prop_assert_eq!(wait(&limiter, start + left - 1), 1);
    }
}
