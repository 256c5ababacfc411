//! A Portal unit as far as the gateway sees it.

use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use p256::{elliptic_curve::sec1::ToEncodedPoint, pkcs8::EncodePrivateKey};
use serde_json::{Value, json};

use super::{Installation, ORIGIN};

pub struct Unit {
    serial: String,
    secret: p256::SecretKey,
}

impl Unit {
    pub fn new(serial: &str) -> Self {
        let mut seed = [1; 32];
        seed.iter_mut().zip(serial.bytes()).for_each(|(byte, letter)| *byte = letter);
        Self { serial: serial.to_owned(), secret: p256::SecretKey::from_slice(&seed).unwrap() }
    }

    pub fn jwk(&self) -> String {
        let point = self.secret.public_key().to_encoded_point(false);
        let [x, y] = [point.x(), point.y()].map(|part| BASE64URL_NOPAD.encode(part.unwrap()));
        json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y }).to_string()
    }

    pub fn description(&self) -> Vec<(&'static str, String)> {
        vec![
            ("client_id", "portal".into()),
            ("serial", self.serial.clone()),
            ("model", "Portal Mini".into()),
            ("software_version", "1.0.0".into()),
            ("jwk", self.jwk()),
        ]
    }

    /// The device code and the code on the screen.
    pub async fn authorize(&self, installation: &Installation) -> (String, String) {
        let (status, body) = form(installation, "/oauth/device_authorization", &self.description()).await;
        assert_eq!(status, 200, "{body}");
        let text = |name: &str| body[name].as_str().unwrap().to_owned();
        (text("device_code"), text("user_code"))
    }

    /// Asks for the token, once.
    pub async fn poll(&self, installation: &Installation, device_code: &str) -> (u16, Value) {
        let grant = "urn:ietf:params:oauth:grant-type:device_code".to_owned();
        let parameters =
            [("grant_type", grant), ("device_code", device_code.to_owned()), ("client_id", "portal".to_owned())];
        form(installation, "/oauth/token", &parameters).await
    }

    pub fn assertion(&self, device: &str, jti: &str, iat: i64) -> String {
        let aud = format!("{ORIGIN}/oauth/token");
        let claims = json!({ "iss": device, "sub": device, "aud": aud, "iat": iat, "exp": iat + 60, "jti": jti });
        let key = EncodingKey::from_ec_der(self.secret.to_pkcs8_der().unwrap().as_bytes());
        jsonwebtoken::encode(&Header::new(Algorithm::ES256), &claims, &key).unwrap()
    }
}

pub async fn form(installation: &Installation, path: &str, parameters: &[(&str, String)]) -> (u16, Value) {
    let response = installation.post(path).form(parameters).send().await.unwrap();
    assert_eq!(response.headers()["cache-control"], "no-store");
    (response.status().as_u16(), response.json().await.unwrap())
}
