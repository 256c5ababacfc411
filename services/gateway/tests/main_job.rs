//! The main job through the API: sign-up, people, roles, sessions, pairing, commands.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod support;

use serde_json::{Value, json};
use support::{Installation, PASSWORD, Unit};

fn form_error((status, body): &(u16, Value)) -> (u16, &str) {
    (*status, body["error"].as_str().unwrap())
}

#[tokio::test]
async fn an_organization_is_set_up_and_whoever_writes_reads_it_at_once() {
    let installation = Installation::start().await;
    let admin = installation.found("anna@northwind.example").await;
    let viewer = admin
        .query("{ viewer { person { id email displayName status roles { name isSystemAdmin holderCount holders { nodes { givenName } } } } organization { id name allowedDomains founder { email } } isSystemAdmin rights session { id expiresAt } } }")
        .await;
    let viewer = &viewer["viewer"];
    assert_eq!(viewer["person"]["email"], "anna@northwind.example");
    assert_eq!(viewer["person"]["status"], "ACTIVATED");
    assert_eq!(
        viewer["person"]["roles"],
        json!([{ "name": "System admin", "isSystemAdmin": true, "holderCount": 1, "holders": { "nodes": [{ "givenName": "Anna" }] } }])
    );
    assert_eq!(viewer["organization"]["allowedDomains"], json!(["northwind.example"]));
    assert_eq!(viewer["organization"]["founder"]["email"], "anna@northwind.example");
    assert_eq!((&viewer["isSystemAdmin"], viewer["rights"].as_array().unwrap().len()), (&json!(true), 6));
    assert_eq!(viewer["session"]["expiresAt"], "2026-01-31T00:00:00+00:00");

    // The same address again: the same answer, no code that works, a mail that says so.
    let nobody = installation.nobody();
    let again =
        nobody.mutate("beginSignup", json!({ "email": "Anna@northwind.example" }), "signupId codeExpiresAt").await;
    assert!(again["signupId"].is_string() && again["codeExpiresAt"].is_string());
    assert!(installation.mail("anna@northwind.example", 1).await.contains("has a work account already"));

    let input = json!({
        "email": "ben@northwind.example", "givenName": "Ben", "familyName": "Okafor", "department": "Facilities",
        "startDate": "2026-02-01", "locale": "de-DE",
    });
    let selection =
        "person { id email displayName department startDate locale status origin loginMethod roles { id } }";
    let created = admin.mutate("createAccount", input, selection).await;
    let ben = &created["person"];
    assert_eq!(
        (&ben["displayName"], &ben["department"], &ben["startDate"]),
        (&json!("Ben Okafor"), &json!("Facilities"), &json!("2026-02-01"))
    );
    assert_eq!(
        (&ben["status"], &ben["origin"], &ben["loginMethod"], &ben["roles"]),
        (&json!("ADDED"), &json!("ADMIN"), &json!("PASSWORD"), &json!([]))
    );

    let people: Vec<_> = (0..60)
        .map(|n| json!({ "email": format!("p{n}@northwind.example"), "givenName": format!("P{n:02}"), "familyName": "Quist" }))
        .collect();
    let many = admin.mutate("createAccounts", json!({ "people": people }), "people { email }").await;
    assert_eq!(many["people"].as_array().unwrap().len(), 60);
    assert_eq!(many["people"][59]["email"], "p59@northwind.example");

    let first = admin.query("{ people(first: 40, sort: { field: NAME }) { totalCount pageInfo { hasNextPage hasPreviousPage endCursor } nodes { displayName } } }").await;
    assert_eq!(
        (&first["people"]["totalCount"], &first["people"]["pageInfo"]["hasNextPage"]),
        (&json!(62), &json!(true))
    );
    let cursor = first["people"]["pageInfo"]["endCursor"].as_str().unwrap();
    let second = admin.query(&format!("{{ people(first: 40, after: \"{cursor}\") {{ pageInfo {{ hasNextPage hasPreviousPage }} nodes {{ displayName }} }} }}")).await;
    assert_eq!(second["people"]["nodes"].as_array().unwrap().len(), 22);
    assert_eq!(second["people"]["pageInfo"], json!({ "hasNextPage": false, "hasPreviousPage": true }));
    let found = admin.query("{ people(search: \"oka facil\") { nodes { id } } a: people(search: \"OKA\", filter: { department: \"facilities\", status: ADDED }) { nodes { id } } }").await;
    assert_eq!((&found["people"]["nodes"], &found["a"]["nodes"]), (&json!([]), &json!([{ "id": ben["id"] }])));

    // One node of each kind, by id.
    let organization = viewer["organization"]["id"].as_str().unwrap();
    let ben_id = ben["id"].as_str().unwrap();
    let nodes = admin.query(&format!("{{ a: node(id: \"{organization}\") {{ id __typename }} b: node(id: \"{ben_id}\") {{ __typename ... on Person {{ email }} }} }}")).await;
    assert_eq!(
        nodes,
        json!({ "a": { "id": organization, "__typename": "Organization" }, "b": { "__typename": "Person", "email": "ben@northwind.example" } })
    );
}

#[tokio::test]
async fn roles_take_effect_at_the_next_request_and_sessions_end_at_once() {
    let installation = Installation::start().await;
    let admin = installation.found("anna@northwind.example").await;
    let (ben, ben_client) = admin.add_person("ben@northwind.example").await;
    let carla = json!({ "email": "carla@northwind.example", "givenName": "Carla", "familyName": "Díaz" });

    // A member sees their own account and nothing else of the directory.
    let own = ben_client.query("{ viewer { person { id } organization { name founder { id } } isSystemAdmin rights } devices { nodes { id } } }").await;
    assert_eq!(
        own["viewer"],
        json!({ "person": { "id": ben }, "organization": { "name": "Northwind", "founder": null }, "isSystemAdmin": false, "rights": [] })
    );
    assert_eq!(ben_client.error("{ people { nodes { id } } }").await, "FORBIDDEN");
    assert_eq!(
        ben_client.query(&format!("{{ person(id: \"{ben}\") {{ givenName }} }}")).await["person"]["givenName"],
        "Ben"
    );
    assert_eq!(ben_client.refusal("createAccount", carla.clone()).await, ("FORBIDDEN".into(), String::new()));

    let role = json!({ "name": "Caretaker", "rights": ["MANAGE_ACCOUNTS"] });
    let role = admin.mutate("createRole", role, "role { id name rights isSystemAdmin }").await["role"].take();
    assert_eq!((&role["rights"], &role["isSystemAdmin"]), (&json!(["MANAGE_ACCOUNTS"]), &json!(false)));
    let both = json!({ "roleId": role["id"], "personId": ben });
    let assigned = admin.mutate("assignRole", both.clone(), "person { roles { name } } role { holderCount }").await;
    assert_eq!(
        (&assigned["person"]["roles"], &assigned["role"]["holderCount"]),
        (&json!([{ "name": "Caretaker" }]), &json!(1))
    );
    ben_client.mutate("createAccount", carla, "person { id }").await;
    assert_eq!(
        admin.query(&format!("{{ people(filter: {{ roleId: {} }}) {{ nodes {{ id }} }} }}", role["id"])).await["people"]
            ["nodes"],
        json!([{ "id": ben }])
    );

    let edited =
        json!({ "roleId": role["id"], "name": "Device caretaker", "rights": ["MANAGE_DEVICES", "READ_HISTORY"] });
    let edited = admin.mutate("editRole", edited, "role { name rights }").await;
    assert_eq!(edited["role"], json!({ "name": "Device caretaker", "rights": ["MANAGE_DEVICES", "READ_HISTORY"] }));
    assert_eq!(
        ben_client.query("{ viewer { rights } }").await["viewer"]["rights"],
        json!(["MANAGE_DEVICES", "READ_HISTORY"])
    );
    let unassigned = admin.mutate("unassignRole", both, "person { roles { id } }").await;
    assert_eq!(unassigned["person"]["roles"], json!([]));
    assert_eq!(ben_client.error("{ roles { id } }").await, "FORBIDDEN");
    admin.mutate("deleteRole", json!({ "roleId": role["id"] }), "roleId").await;
    let roles = admin.query("{ roles { name } }").await;
    assert_eq!(roles["roles"], json!([{ "name": "System admin" }]));

    // Signing in and out: by cookie and by token, one session each.
    let input = json!({ "email": "BEN@northwind.example", "password": PASSWORD });
    let query = "mutation($input: SignInInput!) { signIn(input: $input) { viewer { person { id } session { id } } session { id token } userErrors { code } } }";
    let response = installation.nobody().respond(query, json!({ "input": input })).await;
    let cookie = response.headers()["set-cookie"].to_str().unwrap().to_owned();
    let answer: Value = response.json().await.unwrap();
    let signed_in = &answer["data"]["signIn"];
    assert_eq!(
        (&signed_in["viewer"]["person"]["id"], &signed_in["viewer"]["session"]["id"]),
        (&json!(ben), &signed_in["session"]["id"])
    );
    let token = signed_in["session"]["token"].as_str().unwrap();
    assert_eq!(cookie, format!("session={token}; Max-Age=2592000; Path=/; HttpOnly; SameSite=Lax"));
    let other = installation.client(token);
    let out = other
        .respond(
            "mutation { signOut { sessionId userErrors { code } } viewer: signOut { userErrors { code } } }",
            json!({}),
        )
        .await;
    assert_eq!(out.headers()["set-cookie"], "session=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax");
    let out: Value = out.json().await.unwrap();
    assert_eq!(out["data"]["signOut"]["sessionId"], signed_in["session"]["id"]);
    assert_eq!(
        out["data"]["viewer"]["userErrors"][0]["code"], "NOT_SIGNED_IN",
        "nobody from then on, within the request"
    );
    assert_eq!(other.error("{ viewer { isSystemAdmin } }").await, "NOT_SIGNED_IN");
    ben_client.query("{ viewer { isSystemAdmin } }").await;
    // A session ends by itself after 30 days.
    installation.advance(30 * 24 * 60 * 60);
    assert_eq!(ben_client.error("{ viewer { isSystemAdmin } }").await, "NOT_SIGNED_IN");
}

#[tokio::test]
async fn a_unit_is_connected_renamed_and_rebooted() {
    let installation = Installation::start().await;
    let admin = installation.found("anna@northwind.example").await;
    let unit = Unit::new("SN-0001-ABCD");
    let answer = support_form(&installation, &unit).await;
    assert_eq!((&answer["interval"], &answer["expires_in"]), (&json!(5), &json!(600)));
    assert_eq!(answer["verification_uri"], "http://accounts.example.com/device");
    let device_code = answer["device_code"].as_str().unwrap();
    let user_code = answer["user_code"].as_str().unwrap();

    assert_eq!(form_error(&unit.poll(&installation, device_code).await), (400, "authorization_pending"));
    installation.advance(1);
    assert_eq!(form_error(&unit.poll(&installation, device_code).await), (400, "slow_down"));
    assert_eq!(form_error(&unit.poll(&installation, "pair_x.y").await), (400, "invalid_grant"));

    // Case and hyphen do not matter.
    let typed = user_code.to_lowercase().replace('-', " ");
    let query =
        format!("{{ pairing(userCode: \"{typed}\") {{ model serialEnding softwareVersion network state deviceId }} }}");
    assert_eq!(
        admin.query(&query).await["pairing"],
        json!({ "model": "Portal Mini", "serialEnding": "ABCD", "softwareVersion": "1.0.0", "network": "127.0.0.0/24", "state": "PENDING", "deviceId": null })
    );
    let connected = admin
        .mutate(
            "connectDevice",
            json!({ "userCode": typed, "name": "Reception" }),
            "deviceId pairing { state deviceId }",
        )
        .await;
    let device = connected["deviceId"].as_str().unwrap().to_owned();
    assert_eq!(connected["pairing"], json!({ "state": "APPROVED", "deviceId": device }));
    assert_eq!(admin.query(&format!("{{ device(id: \"{device}\") {{ id }} }}")).await["device"], Value::Null);

    installation.advance(10);
    let (status, granted) = unit.poll(&installation, device_code).await;
    assert_eq!((status, &granted["token_type"], &granted["expires_in"]), (200, &json!("Bearer"), &json!(600)));
    assert_eq!((&granted["device_id"], &granted["epoch"]), (&json!(device), &json!(1)));
    assert_eq!(granted["dispatcher_url"], "ws://devices.example.com/graphql");
    let head = installation.log.head().await.unwrap().unwrap();
    let query = format!(
        "{{ devices(afterPosition: \"{head}\") {{ totalCount nodes {{ id name model serial online pendingCommandCount setUpBy {{ email }} }} }} }}"
    );
    assert_eq!(
        admin.query(&query).await["devices"],
        json!({ "totalCount": 1, "nodes": [{
            "id": device, "name": "Reception", "model": "Portal Mini", "serial": "SN-0001-ABCD", "online": false,
            "pendingCommandCount": 0, "setUpBy": { "email": "anna@northwind.example" },
        }] })
    );

    // Set up already: to be reset first.
    let refused = support::form(&installation, "/oauth/device_authorization", &unit.description()).await;
    assert_eq!(form_error(&refused), (400, "access_denied"));

    let renamed = admin
        .mutate("renameDevice", json!({ "deviceId": device, "name": "  Lobby " }), "device { name isUpToDate }")
        .await;
    assert_eq!(renamed["device"], json!({ "name": "Lobby", "isUpToDate": false }));
    let selection = "device { pendingCommandCount commands { nodes { id } pageInfo { hasNextPage } } } command { id kind state sequence attempts expiresAt requestedBy { kind person { email } } steps { state actor { kind } } device { name } }";
    let reboot = admin.mutate("rebootDevice", json!({ "deviceId": device }), selection).await;
    let command = &reboot["command"];
    assert_eq!(
        reboot["device"],
        json!({ "pendingCommandCount": 1, "commands": { "nodes": [{ "id": command["id"] }], "pageInfo": { "hasNextPage": false } } })
    );
    assert_eq!(
        (&command["kind"], &command["state"], &command["sequence"], &command["attempts"]),
        (&json!("REBOOT"), &json!("QUEUED"), &json!(1), &json!(0))
    );
    assert_eq!(command["requestedBy"], json!({ "kind": "PERSON", "person": { "email": "anna@northwind.example" } }));
    assert_eq!(
        command["steps"],
        json!([{ "state": "REQUESTED", "actor": { "kind": "PERSON" } }, { "state": "QUEUED", "actor": { "kind": "PERSON" } }])
    );
    let found = admin.query(&format!("{{ deviceCommand(id: {}) {{ state device {{ id }} }} }}", command["id"])).await;
    assert_eq!(found["deviceCommand"], json!({ "state": "QUEUED", "device": { "id": device } }));

    // Later tokens, for a signed assertion that is good once.
    let now = 1_767_225_600 + 11;
    let grant = |assertion: String| {
        [("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer".to_owned()), ("assertion", assertion)]
    };
    let token = |parameters: [(&'static str, String); 2]| {
        let installation = &installation;
        async move { support::form(installation, "/oauth/token", &parameters).await }
    };
    let (status, granted) = token(grant(unit.assertion(&device, "a", now))).await;
    assert_eq!((status, &granted["device_id"]), (200, &json!(device)));
    let stranger = Unit::new("SN-0002");
    let nobody = "dev_00000000000000000000000000000001";
    for (reason, assertion) in [
        ("replayed", unit.assertion(&device, "a", now)),
        ("expired", unit.assertion(&device, "b", now - 100)),
        ("another key", stranger.assertion(&device, "c", now)),
        ("garbage", "x.y.z".to_owned()),
    ] {
        assert_eq!(form_error(&token(grant(assertion)).await), (400, "invalid_grant"), "{reason}");
    }
    // Only this one tells a unit that it is not set up any more.
    let unknown = token(grant(unit.assertion(nobody, "d", now))).await;
    assert_eq!(form_error(&unknown), (401, "invalid_client"));
}

async fn support_form(installation: &Installation, unit: &Unit) -> Value {
    let (status, body) = support::form(installation, "/oauth/device_authorization", &unit.description()).await;
    assert_eq!(status, 200, "{body}");
    body
}

#[tokio::test]
async fn oauth_errors_are_those_of_the_standard() {
    let installation = Installation::start().await;
    let unit = Unit::new("SN-9");
    let send = |path: &'static str, parameters: Vec<(&'static str, String)>| {
        let installation = &installation;
        async move { support::form(installation, path, &parameters).await }
    };
    for missing in ["client_id", "serial", "model", "software_version", "jwk"] {
        let parameters = unit.description().into_iter().filter(|(name, _)| *name != missing).collect();
        assert_eq!(
            form_error(&send("/oauth/device_authorization", parameters).await),
            (400, "invalid_request"),
            "{missing}"
        );
    }
    let with = |name: &'static str, value: &str| {
        let mut parameters = unit.description();
        parameters.iter_mut().filter(|(known, _)| *known == name).for_each(|(_, old)| *old = value.to_owned());
        parameters
    };
    let private = unit.jwk().replace("\"kty\"", "\"d\":\"AAAA\",\"kty\"");
    for (name, value, status, error) in [
        ("client_id", "other", 401, "invalid_client"),
        ("serial", "\u{202e}abc", 400, "invalid_request"),
        ("serial", &"x".repeat(10_000), 400, "invalid_request"),
        ("model", " ", 400, "invalid_request"),
        ("jwk", "{}", 400, "invalid_request"),
        ("jwk", private.as_str(), 400, "invalid_request"),
    ] {
        let answer = send("/oauth/device_authorization", with(name, value)).await;
        assert_eq!(form_error(&answer), (status, error), "{name}");
    }
    let twice = [unit.description(), vec![("serial", "SN-10".to_owned())]].concat();
    assert_eq!(form_error(&send("/oauth/device_authorization", twice).await), (400, "invalid_request"));
    let grant = vec![("grant_type", "password".to_owned())];
    assert_eq!(form_error(&send("/oauth/token", grant).await), (400, "unsupported_grant_type"));
    assert_eq!(form_error(&send("/oauth/token", vec![]).await), (400, "invalid_request"));
    let json = installation.post("/oauth/token").json(&json!({})).send().await.unwrap();
    assert_eq!(json.status(), 400);

    // A code that nobody enters runs out, for the unit and for the person.
    let (device_code, user_code) = unit.authorize(&installation).await;
    installation.advance(600);
    assert_eq!(form_error(&unit.poll(&installation, &device_code).await), (400, "expired_token"));
    let admin = installation.found("anna@northwind.example").await;
    assert_eq!(
        admin.query(&format!("{{ pairing(userCode: \"{user_code}\") {{ id }} }}")).await["pairing"],
        Value::Null
    );
    assert_eq!(admin.refusal("connectDevice", json!({ "userCode": user_code })).await.0, "USER_CODE_UNKNOWN");

    // 100 requests in 10 minutes from one address, then no more for a while.
    let mut last = 200;
    for n in 0..110 {
        let answer = send("/oauth/device_authorization", Unit::new(&format!("SN-{n}")).description()).await;
        last = answer.0;
        if last == 429 {
            assert_eq!(form_error(&answer).1, "slow_down");
            break;
        }
    }
    assert_eq!(last, 429);
}
