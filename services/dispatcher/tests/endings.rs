//! Who is let in, and how connections end.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::time::{Duration, Instant};

use dispatcher::DispatcherConfig;
use domain::AccountCommand;
use portal::{
    Secret,
    protocol::{ConnectionError, DeviceFrame},
};
use schema::events::device::DeviceEvent;
use serde_json::json;
use uuid::Uuid;

use support::{PATIENCE, World, close_code, command};

const BOOT: Uuid = Uuid::from_u128(1);
const SUBSCRIPTION: &str = "subscription { deviceCommands { __typename } }";
/// A token of this age has 2 to 3 seconds left.
const NEARLY_OVER: Duration = Duration::from_secs(597);

fn code<T>(result: Result<T, ConnectionError>) -> u16 {
    match result {
        Err(ConnectionError::Closed(code)) => code.0,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("let in"),
    }
}

#[tokio::test]
async fn only_a_valid_token_of_a_current_enrollment_lets_in() {
    let world = World::start().await;
    let unit = world.enroll().await;
    for token in ["", "nonsense", &world.token(&unit, Duration::from_secs(601))] {
        assert_eq!(code(world.unit_with(token).await), 4401, "{token}");
    }
    let other_epoch = support::Enrolled { epoch: 2, ..unit.clone() };
    assert_eq!(code(world.unit_with(&world.token(&other_epoch, Duration::ZERO)).await), 4403);
    world.release(&unit).await;
    assert_eq!(code(world.unit_with(&world.token(&unit, Duration::ZERO)).await), 4403);
}

#[tokio::test]
async fn breaches_of_the_protocol_have_their_codes() {
    let config = DispatcherConfig::default();
    let socket = graphql_ws_server::Settings { init_timeout: Duration::from_millis(200), ..config.socket };
    let world = World::configured(DispatcherConfig { socket, ..config }).await;
    let unit = world.enroll().await;
    // No connection_init.
    assert_eq!(world.raw().await.close_code().await, Some(4408));
    // Subscribing before it.
    let mut raw = world.raw().await;
    raw.subscribe("1", SUBSCRIPTION).await;
    assert_eq!(raw.close_code().await, Some(4401));
    // Twice.
    let mut raw = world.raw_unit(&unit).await;
    raw.init("again").await;
    assert_eq!(raw.close_code().await, Some(4429));
    // An id that is in use.
    let mut raw = world.raw_unit(&unit).await;
    raw.subscribe("1", SUBSCRIPTION).await;
    raw.subscribe("1", SUBSCRIPTION).await;
    assert_eq!(raw.close_code().await, Some(4409));
    // Garbage.
    for garbage in ["", "{", "null", r#"{"type":"launch"}"#, r#"{"type":"subscribe","id":"1"}"#] {
        let mut raw = world.raw_unit(&unit).await;
        raw.send(garbage).await;
        assert_eq!(raw.close_code().await, Some(4400), "{garbage}");
    }
    let mut raw = world.raw_unit(&unit).await;
    raw.send_binary(vec![0xff; 10]).await;
    assert_eq!(raw.close_code().await, Some(4400));
    // Too big.
    let mut raw = world.raw_unit(&unit).await;
    raw.send("x".repeat(17 * 1024)).await;
    assert!(matches!(raw.close_code().await, Some(1009) | None), "cut off while we were still writing at worst");
    // After all that, an honest unit is served.
    world.following(&unit, None, 4, BOOT).await;
}

#[tokio::test]
async fn the_newest_connection_wins() {
    let world = World::start().await;
    let unit = world.enroll().await;
    let mut older = world.following(&unit, None, 4, BOOT).await;
    let mut newer = world.following(&unit, None, 4, BOOT).await;
    assert_eq!(close_code(&mut older).await, 4410);
    drop(older);
    let id = world.reboot(&unit).await;
    assert_eq!(command(&mut newer).await.command_id, id.to_string());
    // The end of the older one does not make the unit offline.
    let events = world
        .until(&unit, "both streams are in the history", |events| {
            events.iter().filter(|e| matches!(e, DeviceEvent::Connected(_))).count() == 2
        })
        .await;
    let mut opened = events.iter().filter_map(|e| match e {
        DeviceEvent::Connected(e) => Some(e.connection),
        _ => None,
    });
    let newest = opened.next_back().unwrap();
    assert!(!events.iter().any(|e| matches!(e, DeviceEvent::Disconnected(e) if e.connection == newest)));
    drop(newer);
    world
        .until(&unit, "offline", |e| {
            e.iter().any(|e| matches!(e, DeviceEvent::Disconnected(e) if e.connection == newest))
        })
        .await;
    let begun = Instant::now();
    while !world.metrics().contains(r#"dispatcher_closes_total{code="4410"} 1"#) {
        assert!(begun.elapsed() < PATIENCE, "{}", world.metrics());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Two processes on one log, as in a cluster.
#[tokio::test]
async fn the_newest_connection_wins_across_dispatchers() {
    let here = World::start().await;
    let there_config = DispatcherConfig { instance: "there".into(), ..DispatcherConfig::default() };
    let there = World::on(here.platform.clone(), there_config).await;
    let unit = here.enroll().await;
    let mut older = here.following(&unit, None, 4, BOOT).await;
    let mut newer = there.following(&unit, None, 4, BOOT).await;
    assert_eq!(close_code(&mut older).await, 4410);
    here.reboot(&unit).await;
    assert_eq!(command(&mut newer).await.sequence, 1);
}

#[tokio::test]
async fn a_revoked_unit_is_told_and_cut_off_at_once() {
    let world = World::start().await;
    let unit = world.enroll().await;
    let mut connection = world.following(&unit, None, 4, BOOT).await;
    let begun = Instant::now();
    world.release(&unit).await;
    assert!(matches!(connection.next_frame().await.unwrap(), DeviceFrame::Revoked(_)));
    assert_eq!(close_code(&mut connection).await, 4403);
    assert!(begun.elapsed() < Duration::from_millis(900), "{:?}", begun.elapsed());

    // Also without an open stream.
    let unit = world.enroll().await;
    let mut connection = world.unit(&unit).await;
    world.release(&unit).await;
    assert_eq!(close_code(&mut connection).await, 4403);
}

#[tokio::test]
async fn a_unit_is_cut_off_at_once_when_its_account_is_logged_out() {
    let world = World::start().await;
    let bystander = world.enroll().await;
    let mut stays = world.following(&bystander, None, 4, BOOT).await;
    for command in [
        AccountCommand::LogOutEverywhere,
        AccountCommand::Deactivate { epoch: None },
        AccountCommand::SetToCreated { epoch: None },
    ] {
        let unit = world.enroll().await;
        let mut connection = world.following(&unit, None, 4, BOOT).await;
        // What leaves units logged in.
        let challenge = schema::ChallengeId(Uuid::from_u128(3));
        world.of_account(&unit, AccountCommand::ForcePasswordReset { challenge }).await;
        let begun = Instant::now();
        world.of_account(&unit, command).await;
        assert!(matches!(connection.next_frame().await.unwrap(), DeviceFrame::Revoked(_)));
        assert_eq!(close_code(&mut connection).await, 4403);
        assert!(begun.elapsed() < Duration::from_millis(900), "{:?}", begun.elapsed());
        // It does not come back, not even once the account is active again; and the history says why, once.
        world.of_account(&unit, AccountCommand::Reactivate).await;
        for _ in 0..2 {
            assert_eq!(code(world.unit_with(&world.token(&unit, Duration::ZERO)).await), 4403);
        }
        let logged_out =
            |events: &[DeviceEvent]| events.iter().filter(|event| matches!(event, DeviceEvent::LoggedOut(_))).count();
        assert_eq!(logged_out(&world.events(&unit).await), 1);
    }
    // Without an open stream.
    let unit = world.enroll().await;
    let mut connection = world.unit(&unit).await;
    world.of_account(&unit, AccountCommand::LogOutEverywhere).await;
    assert_eq!(close_code(&mut connection).await, 4403);
    // The units of others stay.
    world.reboot(&bystander).await;
    assert_eq!(command(&mut stays).await.sequence, 1);
}

/// Its socket may still be open when it reports: nothing of that counts any more.
#[tokio::test]
async fn a_unit_that_was_cut_off_reports_nothing_more() {
    let world = World::start().await;
    let report = format!(
        "mutation {{ a: reportStatus(input: {{ bootId: \"{BOOT}\", lastSequence: 0, softwareVersion: \"9.9\", \
         settingsRevision: 0, connectedAccounts: [] }}) {{ position userErrors {{ code }} }} }}"
    );
    for round in 0..20 {
        let unit = world.enroll().await;
        let mut raw = world.raw_unit(&unit).await;
        if round == 0 {
            let accepted = raw.ask(&report).await;
            assert_eq!(accepted["data"]["a"]["userErrors"], json!([]), "{accepted}");
        }
        let before = world.events(&unit).await.len();
        world.of_account(&unit, AccountCommand::LogOutEverywhere).await;
        // At the same moment as the dispatcher hears of it.
        raw.subscribe("report", &report).await;
        assert_eq!(raw.close_code().await, Some(4403));
        let events = world.events(&unit).await;
        let reported = |event: &DeviceEvent| matches!(event, DeviceEvent::StatusReported(_));
        assert!(!events[before..].iter().any(reported), "{events:?}");
    }
}

#[tokio::test]
async fn a_connection_lasts_as_long_as_its_token_or_a_newer_one() {
    let world = World::start().await;
    let (unit, other) = (world.enroll().await, world.enroll().await);
    let mut ends = world.unit_with(&world.token(&unit, NEARLY_OVER)).await.unwrap();
    let mut lasts = world.unit_with(&world.token(&other, NEARLY_OVER)).await.unwrap();
    let begun = Instant::now();
    for (token, code) in [
        (world.token(&unit, Duration::ZERO), "FORBIDDEN"),
        (world.token(&other, Duration::from_secs(700)), "INVALID_VALUE"),
        ("nonsense".to_owned(), "INVALID_VALUE"),
    ] {
        let answer = lasts.renew_token(&Secret::new(token)).await.unwrap();
        assert_eq!(answer.user_errors[0].code, code);
    }
    let answer = lasts.renew_token(&Secret::new(world.token(&other, Duration::ZERO))).await.unwrap();
    assert!(answer.accepted() && answer.expires_at.is_some(), "{answer:?}");
    assert_eq!(close_code(&mut ends).await, 4401);
    assert!(begun.elapsed() > Duration::from_millis(1_500) && begun.elapsed() < PATIENCE);
    let still = tokio::time::timeout(Duration::from_millis(1_500), lasts.next_frame()).await;
    assert!(still.is_err(), "{still:?}");
}

#[tokio::test]
async fn a_flood_of_reports_is_refused_and_other_units_are_not() {
    let world = World::start().await;
    let (unit, other) = (world.enroll().await, world.enroll().await);
    let mut raw = world.raw_unit(&unit).await;
    let acknowledge = r#"acknowledgeCommand(input: { commandId: "cmd_1", attempt: 1 }) { userErrors { code field } }"#;
    let fifty = (0..50).map(|n| format!("a{n}: {acknowledge}")).collect::<Vec<_>>().join(" ");
    let code = |answer: &serde_json::Value, n: &str| answer["data"][n]["userErrors"][0]["code"].clone();
    let answers =
        [raw.ask(&format!("mutation {{ {fifty} }}")).await, raw.ask(&format!("mutation {{ {fifty} }}")).await];
    assert_eq!(code(&answers[1], "a49"), json!("INVALID_ID"), "{:?}", answers[1]);
    let refused = raw.ask(&format!("mutation {{ a: {acknowledge} }}")).await;
    assert_eq!(code(&refused, "a"), json!("RATE_LIMITED"));
    let mut raw = world.raw_unit(&other).await;
    assert_eq!(code(&raw.ask(&format!("mutation {{ a: {acknowledge} }}")).await, "a"), json!("INVALID_ID"));
}

#[tokio::test]
async fn bad_input_is_refused_with_a_code_and_a_field() {
    let world = World::start().await;
    let unit = world.enroll().await;
    let mut raw = world.raw_unit(&unit).await;
    let status = |software: &str, accounts: &str| {
        format!(
            "mutation {{ a: reportStatus(input: {{ bootId: \"{BOOT}\", lastSequence: 0, softwareVersion: {software}, \
             settingsRevision: 1, connectedAccounts: {accounts} }}) {{ position userErrors {{ code field message }} }} }}"
        )
    };
    let result = |id: &str, detail: &str| {
        format!(
            "mutation {{ a: reportCommandResult(input: {{ commandId: {id}, attempt: 1, outcome: FAILED, detail: {detail} \
             }}) {{ userErrors {{ code field message }} }} }}"
        )
    };
    let unknown = format!("\"{}\"", schema::CommandId(Uuid::nil()));
    let twenty_one = format!("[{}]", ('a'..='u').map(|c| format!("\"{c}\"")).collect::<Vec<_>>().join(","));
    for (query, code, field) in [
        (status("\"\"", "[]"), "REQUIRED", "softwareVersion"),
        (status(&format!("\"{}\"", "x".repeat(201)), "[]"), "TOO_LONG", "softwareVersion"),
        (status("\"a\\u0000b\"", "[]"), "INVALID_CHARACTERS", "softwareVersion"),
        (status("\"1\"", "[\"Portal For Business\"]"), "INVALID_VALUE", "connectedAccounts"),
        (status("\"1\"", &twenty_one), "TOO_MANY", "connectedAccounts"),
        (result("\"cmd_1\"", "null"), "INVALID_ID", "commandId"),
        (result(&unknown, "null"), "COMMAND_UNKNOWN", "commandId"),
        (result(&unknown, "\"a\\u202eb\""), "INVALID_CHARACTERS", "detail"),
    ] {
        let answer = raw.ask(&query).await;
        let error = &answer["data"]["a"]["userErrors"][0];
        assert_eq!((&error["code"], &error["field"]), (&json!(code), &json!(field)), "{query} {answer}");
    }
    // What is not of the right type is no operation at all.
    for query in [
        "subscription { deviceCommands(after: \"-1\") { __typename } }",
        "subscription { deviceCommands(after: \"999999999999999999999\") { __typename } }",
        "subscription { deviceCommands(window: \"4\") { __typename } }",
        "mutation { acknowledgeCommand(input: { commandId: \"cmd_1\", attempt: -1 }) { position } }",
        "{ unit { serial } }",
    ] {
        let errors = raw.ask(query).await;
        assert!(errors[0]["message"].is_string() || errors["errors"][0]["message"].is_string(), "{query} {errors}");
    }
    for window in ["0", "17", "-1"] {
        let errors = raw.ask(&format!("subscription {{ deviceCommands(window: {window}) {{ __typename }} }}")).await;
        assert_eq!(errors["errors"][0]["extensions"]["code"], json!("INVALID_VALUE"), "{window} {errors}");
    }
    assert_eq!(
        raw.ask("{ unit { epoch connected settings { name } } }").await["data"]["unit"],
        json!({ "epoch": 1, "connected": false, "settings": { "name": "Lobby" } })
    );
    assert_eq!(world.events(&unit).await.len(), 1, "nothing but the enrollment");
}

#[tokio::test]
async fn a_second_stream_on_one_connection_is_refused_and_a_later_one_is_not() {
    let world = World::start().await;
    let unit = world.enroll().await;
    let mut raw = world.raw_unit(&unit).await;
    raw.subscribe("1", SUBSCRIPTION).await;
    assert_eq!(raw.next().await["payload"]["data"]["deviceCommands"]["__typename"], json!("Welcome"));
    let refused = raw.ask(SUBSCRIPTION).await;
    assert_eq!(refused["errors"][0]["extensions"]["code"], json!("ALREADY_USED"), "{refused}");
    raw.send(json!({ "type": "complete", "id": "1" }).to_string()).await;
    world.until(&unit, "the first stream ends", |e| matches!(e.last(), Some(DeviceEvent::Disconnected(_)))).await;
    assert_eq!(raw.ask(SUBSCRIPTION).await["data"]["deviceCommands"]["__typename"], json!("Welcome"));
}

#[tokio::test]
async fn requests_over_http_need_the_same_token() {
    let world = World::start().await;
    let unit = world.enroll().await;
    let client = reqwest::Client::new();
    let post = async |token: Option<String>, query: &str| {
        let request = client.post(format!("http://{}/graphql", world.address)).json(&json!({ "query": query }));
        let request = token.into_iter().fold(request, |request, token| request.bearer_auth(token));
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json::<serde_json::Value>().await.unwrap_or_default())
    };
    let (status, body) = post(None, "{ unit { epoch } }").await;
    assert_eq!((status, &body["errors"][0]["extensions"]["code"]), (401, &json!("NOT_SIGNED_IN")));
    let token = || Some(world.token(&unit, Duration::ZERO));
    let (status, body) = post(token(), "{ unit { deviceId } }").await;
    assert_eq!((status, &body["data"]["unit"]["deviceId"]), (200, &json!(unit.device.to_string())));
    let renewal = format!(
        "mutation {{ renewToken(input: {{ accessToken: \"{}\" }}) {{ userErrors {{ code }} }} }}",
        token().unwrap()
    );
    let (_, body) = post(token(), &renewal).await;
    assert_eq!(
        body["data"]["renewToken"]["userErrors"][0]["code"],
        json!("INVALID_VALUE"),
        "no connection to keep open"
    );
    // Fragments that spread one another: a short text that would be 2^60 fields, and hours of validation.
    let bomb: String =
        (0..60).map(|n| format!("fragment f{n} on Unit {{ ...f{next} ...f{next} }} ", next = n + 1)).collect();
    let bomb = format!("{{ unit {{ ...f0 }} }} {bomb} fragment f60 on Unit {{ epoch }}");
    let (_, body) = tokio::time::timeout(Duration::from_secs(5), post(token(), &bomb)).await.expect("refused at once");
    assert!(body["errors"][0]["message"].is_string() && body["data"].is_null(), "{body}");
    let (status, _) = post(token(), &"x".repeat(20_000)).await;
    assert_eq!(status, 413);
    world.release(&unit).await;
    assert_eq!(post(token(), "{ unit { epoch } }").await.0, 403);
}
