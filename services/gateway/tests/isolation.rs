//! Goes through every query and mutation that the schema has, found by asking it, as people who may not: nothing of the
//! organization is returned, and nothing changes.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use support::{Client, Installation, PASSWORD};

/// What arguments are filled with: ids of the organization that is attacked.
struct Targets(BTreeMap<&'static str, String>);

impl Targets {
    /// A value for an argument or input field of this name.
    fn text(&self, name: &str) -> String {
        self.0.get(name).cloned().unwrap_or_else(|| match name {
            "email" => "mallory@northwind.example".to_owned(),
            "password" => PASSWORD.to_owned(),
            _ => "Changed".to_owned(),
        })
    }
}

/// The schema as introspection tells it.
struct Schema(BTreeMap<String, Value>);

impl Schema {
    async fn of(client: &Client<'_>) -> Self {
        let answer = client.query(include_str!("introspection.graphql")).await;
        let types = answer["__schema"]["types"].as_array().unwrap().iter();
        Self(types.map(|t| (t["name"].as_str().unwrap().to_owned(), t.clone())).collect())
    }

    fn fields(&self, name: &str) -> impl Iterator<Item = &Value> {
        self.0[name]["fields"].as_array().into_iter().flatten()
    }

    /// A literal for an argument of this type.
    fn literal(&self, targets: &Targets, name: &str, of: &Value) -> Value {
        match of["kind"].as_str().unwrap() {
            "NON_NULL" => self.literal(targets, name, &of["ofType"]),
            "LIST" => json!([self.literal(targets, name, &of["ofType"])]),
            "ENUM" => self.0[of["name"].as_str().unwrap()]["enumValues"][0]["name"].clone(),
            "INPUT_OBJECT" => {
                let fields = self.0[of["name"].as_str().unwrap()]["inputFields"].as_array().unwrap();
                let needed: Vec<_> = fields.iter().filter(|field| field["type"]["kind"] == "NON_NULL").collect();
                // Of an input that has only fields which may be left out, one is passed: it may be one of several.
                let needed = if needed.is_empty() { fields.iter().take(1).collect() } else { needed };
                needed
                    .into_iter()
                    .map(|f| {
                        (
                            f["name"].as_str().unwrap().to_owned(),
                            self.literal(targets, f["name"].as_str().unwrap(), &f["type"]),
                        )
                    })
                    .collect::<Map<_, _>>()
                    .into()
            }
            // The file stands in another part of the request.
            _ if of["name"] == "Upload" => Value::Null,
            _ if of["name"] == "Boolean" => json!(true),
            _ if of["name"] == "Int" => json!(1),
            _ => json!(targets.text(name)),
        }
    }

    /// Everything that can be selected of a type without arguments, three levels deep.
    fn selection(&self, of: &Value, levels: usize) -> Option<String> {
        let mut named = of;
        while let Some(inner) = named.get("ofType").filter(|inner| !inner.is_null()) {
            named = inner;
        }
        let name = named["name"].as_str().unwrap();
        if named["kind"] == "UNION" {
            return Some(" { __typename }".to_owned());
        }
        if !matches!(named["kind"].as_str().unwrap(), "OBJECT" | "INTERFACE") {
            return Some(String::new());
        }
        if levels == 0 {
            return None;
        }
        let fields = self.fields(name).filter_map(|field| {
            let inner = self.selection(&field["type"], levels - 1)?;
            Some(format!("{}{inner} ", field["name"].as_str().unwrap()))
        });
        let fields: String = fields.collect();
        Some(format!(" {{ __typename {fields}}}"))
    }

    /// A request for one root field, and its variables.
    fn request(&self, root: &str, field: &Value, targets: &Targets) -> (String, Value) {
        let name = field["name"].as_str().unwrap();
        let (mut declared, mut passed, mut variables) = (String::new(), String::new(), Map::new());
        for argument in field["args"].as_array().unwrap() {
            let argument_name = argument["name"].as_str().unwrap();
            if argument["type"]["kind"] != "NON_NULL" {
                continue;
            }
            declared += &format!("${argument_name}: {}! ", argument["type"]["ofType"]["name"].as_str().unwrap());
            passed += &format!("{argument_name}: ${argument_name} ");
            variables.insert(argument_name.to_owned(), self.literal(targets, argument_name, &argument["type"]));
        }
        let in_brackets = |text: &str| if text.is_empty() { String::new() } else { format!("({text})") };
        let selection = self.selection(&field["type"], 3).unwrap();
        let kind = root.to_lowercase();
        (
            format!("{kind} Attack{} {{ {name}{}{selection} }}", in_brackets(&declared), in_brackets(&passed)),
            variables.into(),
        )
    }
}

/// What anybody may call: it proves itself by a code, a link or a password.
const OPEN: [&str; 8] = [
    "beginSignup",
    "confirmSignup",
    "completeSignup",
    "signIn",
    "activateAccount",
    "requestPasswordReset",
    "resetPassword",
    // The same for every address of a domain.
    "signInOptions",
];
/// What any member may call; `signOut` and `signOutEverywhere` would end the attack.
const OF_MEMBERS: [&str; 4] = ["connectDevice", "signOut", "signOutEverywhere", "pairing"];

#[tokio::test]
async fn who_may_not_gets_nothing_and_changes_nothing() {
    let installation = Installation::start().await;
    let admin = installation.found("anna@northwind.example").await;
    let (ben, member) = admin.add_person("ben@northwind.example").await;
    let stranger = installation.found("zoe@tailspin.example").await;
    let device = admin.add_device("SN-1").await;
    let command = admin.mutate("rebootDevice", json!({ "deviceId": device }), "command { id }").await;
    let role = json!({ "name": "Caretaker", "rights": ["MANAGE_DEVICES"] });
    let role = admin.mutate("createRole", role, "role { id }").await["role"]["id"].take();
    let anna = admin.query("{ viewer { person { id } organization { id } } }").await["viewer"].take();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let provider = text(&installation.add_provider(&admin).await["id"]);
    let test = admin.mutate("testSsoProvider", json!({ "providerId": provider }), "testId").await["testId"].take();
    let targets = Targets(BTreeMap::from([
        ("personId", text(&anna["person"]["id"])),
        ("roleId", text(&role)),
        ("deviceId", device.clone()),
        ("providerId", provider.clone()),
    ]));
    // What an `id` argument can be, by the field that takes it.
    let ids: BTreeMap<&str, Vec<String>> = BTreeMap::from([
        ("person", vec![text(&anna["person"]["id"])]),
        ("role", vec![text(&role)]),
        ("device", vec![device.clone()]),
        ("deviceCommand", vec![text(&command["command"]["id"])]),
        ("ssoProvider", vec![provider.clone()]),
        ("ssoTest", vec![text(&test)]),
        (
            "node",
            vec![
                text(&anna["person"]["id"]),
                text(&role),
                device,
                text(&command["command"]["id"]),
                text(&anna["organization"]["id"]),
                provider,
            ],
        ),
    ]);
    let known = ["person", "role", "device", "deviceCommand", "ssoProvider", "ssoTest"].map(|kind| &ids[kind][0]);
    let secrets: Vec<&str> = known
        .into_iter()
        .map(String::as_str)
        .chain(["anna@northwind.example", "Caretaker", "Portal Mini", "Northwind login"])
        .collect();
    let schema = Schema::of(&admin).await;
    let before = installation.events().await;
    let mut attacked = BTreeSet::new();
    for (who, client) in [("nobody", installation.nobody()), ("a member", member), ("a stranger", stranger)] {
        for root in ["Query", "Mutation"] {
            for field in schema.fields(root) {
                let name = field["name"].as_str().unwrap();
                if OPEN.contains(&name) || (who != "nobody" && OF_MEMBERS.contains(&name)) {
                    continue;
                }
                for id in ids.get(name).cloned().unwrap_or_else(|| vec!["x".to_owned()]) {
                    let mut targets = Targets(targets.0.clone());
                    targets.0.insert("id", id);
                    let (query, variables) = schema.request(root, field, &targets);
                    let answer = match file_of(&variables) {
                        Some(path) => {
                            let sent = client.upload(&query, variables, &path, b"a file").send().await;
                            sent.unwrap().json().await.unwrap()
                        }
                        None => client.send(&query, variables).await,
                    };
                    attacked.insert(name.to_owned());
                    check(who, name, &answer, &secrets, &ben);
                }
            }
        }
    }
    // A stranger may add things to their own organization; nothing was done to this one.
    let organization: schema::OrganizationId = text(&anna["organization"]["id"]).parse().unwrap();
    let since = installation.log.read_all(Some(schema::Position::at(before)), 1_000).await.unwrap();
    let changes: Vec<_> =
        since.iter().filter(|e| e.organization == Some(organization)).map(|e| e.event_type.clone()).collect();
    assert!(changes.is_empty(), "{changes:?}");
    // Were the schema not understood, nothing would have been attacked.
    let expected =
        ["people", "person", "roles", "role", "devices", "device", "deviceCommand", "node", "viewer", "organization"];
    let changing = [
        "createAccount",
        "createAccounts",
        "createRole",
        "editRole",
        "deleteRole",
        "assignRole",
        "unassignRole",
        "editPerson",
        "deactivateAccount",
        "reactivateAccount",
        "logOutEverywhere",
        "forcePasswordReset",
        "setAccountStatusToCreated",
        "generateActivationLink",
        "changePassword",
        "submitSupportRequest",
        "renameDevice",
        "renameOrganization",
        "changeOrganizationLogo",
        "rebootDevice",
        "addSsoProvider",
        "updateSsoProvider",
        "removeSsoProvider",
        "testSsoProvider",
        "activateSsoProvider",
        "deactivateSsoProvider",
        "setSingleSignOn",
        "setDefaultLoginMethod",
        "setLoginMethod",
        "ssoProviders",
        "ssoProvider",
        "ssoTest",
        "signInPolicy",
    ];
    for name in expected.iter().chain(&changing) {
        assert!(attacked.contains(*name), "{name} was not attacked");
    }
    // The same requests of somebody who may do return something: they are not refused for their form.
    for (name, id) in [
        ("person", &ids["person"][0]),
        ("role", &ids["role"][0]),
        ("device", &ids["device"][0]),
        ("deviceCommand", &ids["deviceCommand"][0]),
        ("ssoProvider", &ids["ssoProvider"][0]),
        ("ssoTest", &ids["ssoTest"][0]),
    ] {
        let field = schema.fields("Query").find(|field| field["name"] == name).unwrap();
        let (query, variables) = schema.request("Query", field, &Targets(BTreeMap::from([("id", id.clone())])));
        let answer = admin.send(&query, variables).await;
        assert_eq!(answer["data"][name]["id"], json!(id), "{query}\n{answer}");
    }
}

/// The path of the variable that is a file.
fn file_of(variables: &Value) -> Option<String> {
    let fields = variables["input"].as_object()?;
    fields.iter().find(|(_, value)| value.is_null()).map(|(name, _)| format!("input.{name}"))
}

fn check(who: &str, name: &str, answer: &Value, secrets: &[&str], ben: &str) {
    let shown = answer.to_string();
    // A member sees their own person, whose address shares nothing with the secrets.
    let leaked = secrets.iter().find(|secret| shown.contains(*secret));
    assert!(leaked.is_none(), "{who} got {leaked:?} from {name}: {shown}");
    if who == "nobody" {
        assert!(!shown.contains("Northwind") && !shown.contains(ben), "{who}, {name}: {shown}");
        let errors = answer["errors"].as_array().into_iter().flatten().map(|error| &error["extensions"]["code"]);
        let user_errors =
            answer["data"][name]["userErrors"].as_array().into_iter().flatten().map(|error| &error["code"]);
        let codes: Vec<_> = errors.chain(user_errors).collect();
        assert_eq!(codes, ["NOT_SIGNED_IN"], "{name}: {shown}");
    }
    assert_ne!(answer["errors"][0]["extensions"]["code"], "BAD_REQUEST", "{name}: {shown}");
    assert_ne!(answer["errors"][0]["extensions"]["code"], "INTERNAL", "{name}: {shown}");
}
