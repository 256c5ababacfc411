use ed25519_dalek::pkcs8::EncodePrivateKey as _;
use jsonwebtoken::{EncodingKey, Header};
use p256::elliptic_curve::sec1::ToEncodedPoint as _;
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;

const NOW: i64 = 1_767_225_600;
const AUDIENCE: &str = "https://accounts.example.com/oauth/token";

/// A unit with a key pair of its own.
struct Unit {
    sign: EncodingKey,
    algorithm: Algorithm,
    jwk: Value,
}

impl Unit {
    fn p256(seed: u8) -> Self {
        let secret = p256::SecretKey::from_slice(&[seed; 32]).unwrap();
        let point = secret.public_key().to_encoded_point(false);
        let (x, y) = (BASE64URL_NOPAD.encode(point.x().unwrap()), BASE64URL_NOPAD.encode(point.y().unwrap()));
        Self {
            sign: EncodingKey::from_ec_der(secret.to_pkcs8_der().unwrap().as_bytes()),
            algorithm: Algorithm::ES256,
            jwk: json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y }),
        }
    }

    fn ed25519(seed: u8) -> Self {
        let secret = ed25519_dalek::SigningKey::from_bytes(&[seed; 32]);
        let x = BASE64URL_NOPAD.encode(secret.verifying_key().as_bytes());
        Self {
            sign: EncodingKey::from_ed_der(secret.to_pkcs8_der().unwrap().as_bytes()),
            algorithm: Algorithm::EdDSA,
            jwk: json!({ "kty": "OKP", "crv": "Ed25519", "x": x }),
        }
    }

    fn key(&self) -> UnitKey {
        UnitKey::parse(&self.jwk.to_string()).unwrap()
    }

    fn jwt(&self, claims: &Value) -> String {
        jsonwebtoken::encode(&Header::new(self.algorithm), claims, &self.sign).unwrap()
    }
}

fn device() -> DeviceId {
    DeviceId(Uuid::from_u128(1))
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_timestamp(seconds, 0).unwrap()
}

fn claims() -> Value {
    let device = device().to_string();
    json!({ "iss": device, "sub": device, "aud": AUDIENCE, "iat": NOW, "exp": NOW + 300, "jti": "a" })
}

fn verify(unit: &Unit, claims: &Value) -> Result<Assertion, AssertionError> {
    unit.key().verify_assertion(&unit.jwt(claims), AUDIENCE, device(), at(NOW))
}

fn parse(jwk: &Value) -> Result<String, UnitKeyError> {
    UnitKey::parse(&jwk.to_string()).map(|key| key.canonical_json().to_owned())
}

/// The key of RFC 8037 appendix A.2 and its thumbprint in A.3; the key of RFC 7515 appendix A.3.
#[test]
fn reads_the_keys_of_the_rfcs() {
    let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    let key = UnitKey::parse(&json!({ "x": x, "crv": "Ed25519", "kty": "OKP", "kid": "1" }).to_string()).unwrap();
    assert_eq!(key.canonical_json(), format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#));
    assert_eq!(key.thumbprint(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    let (x, y) = ("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0");
    let key = UnitKey::parse(&json!({ "kty": "EC", "y": y, "crv": "P-256", "x": x, "use": "sig" }).to_string());
    assert_eq!(key.unwrap().canonical_json(), format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#));
}

#[test]
fn only_sound_public_keys_are_taken() {
    let with = |unit: Unit, name: &str, value: Value| {
        let mut jwk = unit.jwk;
        jwk[name] = value;
        parse(&jwk)
    };
    for unit in [Unit::p256, Unit::ed25519] {
        assert!(parse(&unit(1).jwk).is_ok());
        assert_eq!(with(unit(1), "d", json!("AQ")), Err(UnitKeyError::Private));
        assert_eq!(with(unit(1), "d", Value::Null), Err(UnitKeyError::Private));
        assert_eq!(with(unit(1), "k", json!("AQ")), Err(UnitKeyError::Private));
        assert_eq!(with(unit(1), "use", json!("enc")), Err(UnitKeyError::Unsupported));
        assert_eq!(with(unit(1), "alg", json!("HS256")), Err(UnitKeyError::Unsupported));
        assert_eq!(with(unit(1), "crv", json!("P-384")), Err(UnitKeyError::Unsupported));
        assert_eq!(with(unit(1), "kty", json!("RSA")), Err(UnitKeyError::Unsupported));
        assert_eq!(with(unit(1), "x", json!(BASE64URL_NOPAD.encode(&[1; 31]))), Err(UnitKeyError::InvalidPoint));
        assert_eq!(with(unit(1), "x", json!(BASE64URL_NOPAD.encode(&[1; 33]))), Err(UnitKeyError::InvalidPoint));
        assert_eq!(with(unit(1), "x", json!("=")), Err(UnitKeyError::Malformed));
        assert_eq!(with(unit(1), "x", json!(5)), Err(UnitKeyError::Malformed));
        assert_eq!(with(unit(1), "note", json!("a".repeat(MAX_JWK_BYTES))), Err(UnitKeyError::TooLong));
        // A member that is there twice: two parsers could see two keys.
        let twice = unit(1).jwk.to_string().replace('{', r#"{"x":"AQ","#);
        assert_eq!(UnitKey::parse(&twice).map(|_| ()), Err(UnitKeyError::Malformed));
    }
    // Not on the curve: the y of another point; zero; an x without a point; a point of small order.
    assert_eq!(with(Unit::p256(1), "y", Unit::p256(2).jwk["y"].clone()), Err(UnitKeyError::InvalidPoint));
    let zero = json!(BASE64URL_NOPAD.encode(&[0; 32]));
    assert_eq!(with(Unit::p256(1), "x", zero.clone()), Err(UnitKeyError::InvalidPoint));
    assert_eq!(with(Unit::ed25519(1), "x", zero), Err(UnitKeyError::InvalidPoint));
    let mut two = [0; 32];
    two[0] = 2;
    assert_eq!(with(Unit::ed25519(1), "x", json!(BASE64URL_NOPAD.encode(&two))), Err(UnitKeyError::InvalidPoint));
}

#[test]
fn an_assertion_of_either_kind_is_taken() {
    for unit in [Unit::p256(1), Unit::ed25519(1)] {
        let taken = Assertion { id: "a".to_owned(), expires_at: at(NOW + 300) };
        assert_eq!(verify(&unit, &claims()), Ok(taken.clone()));
        let mut several = claims();
        several["aud"] = json!(["https://elsewhere.example.com", AUDIENCE]);
        several["iat"] = json!(NOW as f64 + 0.5);
        several["nbf"] = json!(NOW + 60);
        assert_eq!(verify(&unit, &several), Ok(taken));
        assert_eq!(claimed_device(&unit.jwt(&claims())), Some(device()));
    }
    assert_eq!(claimed_device("a.b.c"), None);
}

#[test]
fn each_claim_counts() {
    let unit = Unit::ed25519(1);
    let other = DeviceId(Uuid::from_u128(2)).to_string();
    for (name, value, error) in [
        ("iss", json!(other), AssertionError::WrongDevice),
        ("sub", json!(other), AssertionError::WrongDevice),
        ("aud", json!("https://accounts.example.com/oauth/token/"), AssertionError::WrongAudience),
        ("aud", json!([]), AssertionError::WrongAudience),
        ("exp", json!(NOW), AssertionError::Expired),
        ("exp", json!(NOW + 301), AssertionError::LivesTooLong),
        ("exp", json!(1e300), AssertionError::LivesTooLong),
        ("exp", json!("soon"), AssertionError::Unverified),
        ("iat", json!(NOW + 61), AssertionError::NotYetValid),
        ("iat", json!(NOW - 1), AssertionError::LivesTooLong),
        ("iat", json!(-1e300), AssertionError::LivesTooLong),
        ("nbf", json!(NOW + 61), AssertionError::NotYetValid),
        ("jti", json!(""), AssertionError::NoUsableId),
        ("jti", json!("a".repeat(129)), AssertionError::NoUsableId),
        ("jti", json!(1), AssertionError::Unverified),
        ("note", json!("a".repeat(MAX_TOKEN_BYTES)), AssertionError::Unverified),
    ] {
        let mut changed = claims();
        changed[name] = value;
        assert_eq!(verify(&unit, &changed), Err(error), "{name}");
    }
    for name in ["iss", "sub", "aud", "iat", "exp", "jti"] {
        let mut less = claims();
        less.as_object_mut().unwrap().remove(name);
        assert_eq!(verify(&unit, &less), Err(AssertionError::Unverified), "{name}");
    }
}

#[test]
fn only_the_unit_can_sign() {
    let (p256, ed25519) = (Unit::p256(1), Unit::ed25519(1));
    let refused = |key: &UnitKey, jwt: &str| {
        assert_eq!(key.verify_assertion(jwt, AUDIENCE, device(), at(NOW)), Err(AssertionError::Unverified), "{jwt}");
    };
    refused(&p256.key(), &Unit::p256(2).jwt(&claims()));
    refused(&p256.key(), &ed25519.jwt(&claims()));
    refused(&ed25519.key(), &p256.jwt(&claims()));
    refused(&ed25519.key(), &Unit::ed25519(2).jwt(&claims()));
    for unit in [&p256, &ed25519] {
        let signed = unit.jwt(&claims());
        let (body, _) = signed.split_once('.').and_then(|(_, rest)| rest.split_once('.')).unwrap();
        for header in [json!({ "alg": "none" }), json!({ "alg": "none", "typ": "JWT" }), json!({})] {
            refused(&unit.key(), &format!("{}.{body}.", BASE64URL_NOPAD.encode(header.to_string().as_bytes())));
        }
        // The public key taken for a secret of HMAC, in any form in which it could be.
        for secret in [unit.key().verify.as_bytes(), unit.key().canonical_json().as_bytes()] {
            let key = EncodingKey::from_secret(secret);
            refused(&unit.key(), &jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims(), &key).unwrap());
        }
        // An extension that must be understood.
        let header = Header { crit: Some(vec!["exp".to_owned()]), ..Header::new(unit.algorithm) };
        refused(&unit.key(), &jsonwebtoken::encode(&header, &claims(), &unit.sign).unwrap());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_canonical_form_is_a_fixed_point(seed in 1u8..255, elliptic: bool) {
        let key = if elliptic { Unit::p256(seed).key() } else { Unit::ed25519(seed).key() };
        let again = UnitKey::parse(key.canonical_json()).unwrap();
        prop_assert_eq!(again.canonical_json(), key.canonical_json());
        prop_assert_eq!(again.thumbprint(), key.thumbprint());
    }

    #[test]
    fn any_altered_assertion_is_refused(place: prop::sample::Index, with in "[A-Za-z0-9_.-]") {
        let unit = Unit::ed25519(1);
        let mut jwt = unit.jwt(&claims());
        let place = place.index(jwt.len());
        prop_assume!(jwt[place..=place] != with);
        jwt.replace_range(place..=place, &with);
        let answer = unit.key().verify_assertion(&jwt, AUDIENCE, device(), at(NOW));
        prop_assert_eq!(answer, Err(AssertionError::Unverified));
    }

    #[test]
    fn any_json_is_read_without_harm(text in ".*|\\{\"kty\":\"(EC|OKP)\",\"crv\":\"(P-256|Ed25519)\",\"x\":\"[A-Za-z0-9_-]{43}\"(,\"y\":\"[A-Za-z0-9_-]{43}\")?\\}") {
        if let Ok(key) = UnitKey::parse(&text) {
            prop_assert!(text.contains("\"kty\":\"OKP\"") && !key.thumbprint().is_empty());
        }
    }
}
