use chrono::Duration;
use data_encoding::BASE64;
use samael::crypto::{Crypto, CryptoProvider};
use schema::{SsoCheck, Timestamp};
use url::Url;

use super::{names::*, *};
use crate::Transcript;

mod hostile;
mod keys;

const REQUEST: &str = "_0123456789abcdef0123456789abcdef";
const ACS: &str = "https://accounts.example/saml/sso_1/acs";
const SLO: &str = "https://accounts.example/saml/sso_1/slo";
const ENTITY_ID: &str = "https://accounts.example/saml/sso_1/metadata";
const ISSUER: &str = "https://idp.example/metadata?a=1&b=2";
const EMAIL_OF_ANNA: &str = "anna@northwind.example";

fn now() -> Timestamp {
    Timestamp::from_timestamp(1_800_000_000, 0).unwrap()
}

/// Keys are costly to make.
fn key() -> &'static SigningKey {
    static KEY: std::sync::OnceLock<SigningKey> = std::sync::OnceLock::new();
    KEY.get_or_init(|| SigningKey::generate(now(), [1; 16]).unwrap())
}

fn foreign() -> &'static SigningKey {
    static KEY: std::sync::OnceLock<SigningKey> = std::sync::OnceLock::new();
    KEY.get_or_init(|| SigningKey::generate(now(), [2; 16]).unwrap())
}

fn service() -> ServiceProvider {
    ServiceProvider { entity_id: ENTITY_ID.into(), acs_url: ACS.into(), slo_url: SLO.into() }
}

fn provider() -> Provider {
    Provider {
        issuer: ISSUER.into(),
        sso_url: "https://idp.example/sso".into(),
        logout_url: Some("https://idp.example/slo".into()),
        certificates: vec![foreign().certificate().clone(), key().certificate().clone()],
    }
}

/// The signature of an element, to be filled in.
fn template(id: &str) -> String {
    format!(
        r##"<ds:Signature xmlns:ds="{SIGNATURE}"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="{EXCLUSIVE}"/><ds:SignatureMethod Algorithm="{RSA_SHA256}"/><ds:Reference URI="#{id}"><ds:Transforms><ds:Transform Algorithm="{ENVELOPED}"/><ds:Transform Algorithm="{EXCLUSIVE}"/></ds:Transforms><ds:DigestMethod Algorithm="{SHA256}"/><ds:DigestValue/></ds:Reference></ds:SignedInfo><ds:SignatureValue/></ds:Signature>"##
    )
}

fn sign(xml: &str, key: &SigningKey) -> String {
    let signed = Crypto::sign_xml(xml, &key.der().unwrap()).unwrap();
    signed.trim_start_matches(r#"<?xml version="1.0" encoding="UTF-8"?>"#).trim().to_owned()
}

/// A response with gaps for what tests change.
fn response(response_signature: &str, assertion_signature: &str) -> String {
    let issuer = ISSUER.replace('&', "&amp;");
    let at = |minutes| (now() + Duration::minutes(minutes)).format("%Y-%m-%dT%H:%M:%SZ").to_string();
    let (issued, until) = (at(-1), at(5));
    format!(
        r#"<samlp:Response xmlns:samlp="{PROTOCOL}" xmlns:saml="{ASSERTION}" ID="_response" Version="2.0" IssueInstant="{issued}" Destination="{ACS}" InResponseTo="{REQUEST}"><saml:Issuer>{issuer}</saml:Issuer>{response_signature}<samlp:Status><samlp:StatusCode Value="{SUCCESS}"/></samlp:Status><saml:Assertion ID="_assertion" Version="2.0" IssueInstant="{issued}"><saml:Issuer>{issuer}</saml:Issuer>{assertion_signature}<saml:Subject><saml:NameID Format="{EMAIL}">{EMAIL_OF_ANNA}</saml:NameID><saml:SubjectConfirmation Method="{BEARER}"><saml:SubjectConfirmationData NotOnOrAfter="{until}" Recipient="{ACS}" InResponseTo="{REQUEST}"/></saml:SubjectConfirmation></saml:Subject><saml:Conditions NotBefore="{issued}" NotOnOrAfter="{until}"><saml:AudienceRestriction><saml:Audience>{ENTITY_ID}</saml:Audience></saml:AudienceRestriction></saml:Conditions><saml:AuthnStatement AuthnInstant="{issued}" SessionIndex="s1"><saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement></saml:Assertion></samlp:Response>"#
    )
}

/// Changed, and only then signed: what the provider itself would have said.
fn said(change: impl Fn(&str) -> String) -> String {
    sign(&change(&response("", &template("_assertion"))), key())
}

fn replaced(from: &str, to: &str) -> impl Fn(&str) -> String {
    move |text| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    }
}

fn verify(message: &str) -> (Option<Assertion>, Transcript) {
    let (provider, service) = (provider(), service());
    let mut transcript = Transcript::default();
    let expected = Expected { provider: &provider, service: &service, request: REQUEST, now: now() };
    let assertion = verify_response(message, &expected, &mut transcript);
    assert_eq!(assertion.is_some(), transcript.failed().is_none(), "{:?}", transcript.results());
    (assertion, transcript)
}

fn refused(message: &str) -> (SsoCheck, String) {
    let (assertion, transcript) = verify(message);
    assert_eq!(assertion, None, "{message}");
    let failed = transcript.failed().unwrap();
    (failed.check, failed.actual.clone())
}

#[test]
fn a_response_signs_in_whatever_of_it_is_signed() {
    let assertion_signed = said(str::to_owned);
    let both = {
        let text = assertion_signed.replacen("</saml:Issuer>", &format!("</saml:Issuer>{}", template("_response")), 1);
        sign(&text, key())
    };
    let response_signed = sign(&response(&template("_response"), ""), key());
    for message in [assertion_signed, both, response_signed] {
        let (assertion, transcript) = verify(&message);
        let assertion = assertion.unwrap_or_else(|| panic!("{:?}", transcript.failed()));
        assert_eq!(assertion.email, EMAIL_OF_ANNA);
        assert_eq!(assertion.subject.value, EMAIL_OF_ANNA);
        assert_eq!((assertion.id.as_str(), assertion.session_index.as_deref()), ("_assertion", Some("s1")));
        let encoded = BASE64
            .encode(message.as_bytes())
            .as_bytes()
            .chunks(76)
            .map(String::from_utf8_lossy)
            .collect::<Vec<_>>()
            .join("\r\n");
        assert_eq!(decode_post(&encoded).unwrap(), message);
    }
}

#[test]
fn what_the_provider_says_has_to_fit() {
    let time = |minutes: i64| (now() + Duration::minutes(minutes)).format("%Y-%m-%dT%H:%M:%SZ").to_string();
    let until = format!(r#"NotOnOrAfter="{}""#, time(5));
    let issued = format!(r#"IssueInstant="{}""#, time(-1));
    let from = format!(r#"NotBefore="{}""#, time(-1));
    let condition = format!(r#"<saml:Conditions {from} {until}>"#);
    let audience = format!("<saml:Audience>{ENTITY_ID}</saml:Audience>");
    let restriction = format!("<saml:AudienceRestriction>{audience}</saml:AudienceRestriction>");
    let foreign_restriction = restriction.replace(ENTITY_ID, "https://other.example");
    let data = format!(r#"<saml:SubjectConfirmationData {until} Recipient="{ACS}" InResponseTo="{REQUEST}"/>"#);
    let issuer = format!("<saml:Issuer>{}</saml:Issuer>", ISSUER.replace('&', "&amp;"));
    let other = "<saml:Issuer>https://other.example</saml:Issuer>";
    let name = format!("{EMAIL_OF_ANNA}</saml:NameID>");
    use SsoCheck as Check;
    for (check, from, to) in [
        (Check::Status, SUCCESS, "urn:oasis:names:tc:SAML:2.0:status:Responder"),
        (Check::Format, r#"Version="2.0""#, r#"Version="1.1""#),
        (Check::Issuer, &*issuer, other),
        (Check::Issuer, "<saml:Issuer>", r#"<saml:Issuer Format="urn:x">"#),
        (Check::Destination, &format!(r#" Destination="{ACS}""#), ""),
        (
            Check::Destination,
            &format!(r#" Destination="{ACS}""#),
            r#" Destination="https://accounts.example/saml/sso_2/acs""#,
        ),
        (
            Check::Destination,
            &format!(r#"Recipient="{ACS}""#),
            r#"Recipient="https://accounts.example/saml/sso_2/acs""#,
        ),
        (Check::Request, &format!(r#" InResponseTo="{REQUEST}"><saml:Issuer>"#), "><saml:Issuer>"),
        (Check::Request, &data, &data.replace(REQUEST, "_other")),
        (Check::Request, &data, &data.replace(&format!(r#" InResponseTo="{REQUEST}""#), "")),
        (Check::Confirmation, &data, ""),
        (Check::Confirmation, BEARER, "urn:oasis:names:tc:SAML:2.0:cm:sender-vouches"),
        (Check::Times, &data, &data.replace(&until, "")),
        (Check::Times, &data, &data.replace(&until, &format!(r#"NotOnOrAfter="{}""#, time(-3)))),
        (Check::Times, &condition, &condition.replace(&until, &format!(r#"NotOnOrAfter="{}""#, time(-3)))),
        (Check::Times, &condition, &condition.replace(&from, &format!(r#"NotBefore="{}""#, time(3)))),
        (Check::Times, &condition, &condition.replace(&from, r#"NotBefore="yesterday""#)),
        (Check::Times, &issued, &format!(r#"IssueInstant="{}""#, time(3))),
        (Check::Times, r#"SessionIndex="s1""#, &format!(r#"SessionNotOnOrAfter="{}""#, time(-3))),
        (Check::Audience, &restriction, ""),
        (Check::Audience, &restriction, &foreign_restriction),
        (Check::Audience, &restriction, &format!("{restriction}{foreign_restriction}")),
        (Check::Format, &restriction, &format!(r#"{restriction}<saml:Condition/>"#)),
        (Check::Subject, &name, "</saml:NameID>"),
        (Check::Email, EMAIL, PERSISTENT),
    ] {
        let (failed, actual) = refused(&said(replaced(from, to)));
        assert_eq!(failed, check, "{from} → {to}: {actual}");
    }
    // Off by less than clocks may be.
    let late = condition.replace(&until, &format!(r#"NotOnOrAfter="{}""#, time(-1)));
    assert!(verify(&said(replaced(&condition, &late))).0.is_some());
    // Ours among several.
    let several =
        restriction.replace(&audience, &format!("<saml:Audience>https://other.example</saml:Audience>{audience}"));
    assert!(verify(&said(replaced(&restriction, &several))).0.is_some());
    // Without a statement that the person signed in.
    let (start, end) = ("<saml:AuthnStatement", "</saml:AuthnStatement>");
    let (failed, _) = refused(&said(|text| {
        let (head, tail) = (text.split(start).next().unwrap(), text.split(end).nth(1).unwrap());
        format!("{head}{tail}")
    }));
    assert_eq!(failed, SsoCheck::Confirmation);
}

#[test]
fn the_address_may_stand_in_one_attribute() {
    let attribute = |values: &str| {
        format!(
            r#"<saml:AttributeStatement><saml:Attribute Name="Mail">{values}</saml:Attribute></saml:AttributeStatement></saml:Assertion>"#
        )
    };
    let value = |address: &str| format!("<saml:AttributeValue>{address}</saml:AttributeValue>");
    let with =
        |values: &str| said(|text| text.replace(EMAIL, PERSISTENT).replace("</saml:Assertion>", &attribute(values)));
    let (assertion, _) = verify(&with(&value("ben@northwind.example")));
    let assertion = assertion.unwrap();
    assert_eq!(assertion.email, "ben@northwind.example");
    assert!(assertion.subject.is_persistent());
    let two = format!("{}{}", value("ben@northwind.example"), value("anna@northwind.example"));
    assert_eq!(refused(&with(&two)).0, SsoCheck::Email);
}

#[test]
fn only_what_the_configured_keys_have_signed_counts() {
    let good = said(str::to_owned);
    let unsigned = response("", "");
    assert_eq!(refused(&unsigned).1, "it is not signed");
    let third = SigningKey::generate(now(), [3; 16]).unwrap();
    let by_other = sign(&response("", &template("_assertion")), &third);
    assert_eq!(refused(&by_other).0, SsoCheck::Signature);
    // The key that comes with the message is not the one that counts.
    let key_info = format!(
        "<ds:KeyInfo><ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>",
        third.certificate().base64()
    );
    let with_key = template("_assertion").replace("</ds:Signature>", &key_info);
    assert_eq!(refused(&sign(&response("", &with_key), &third)).0, SsoCheck::Signature);
    for (from, to) in [(EMAIL_OF_ANNA, "eve@northwind.example"), (r#"SessionIndex="s1""#, r#"SessionIndex="s2""#)] {
        assert_eq!(refused(&good.replace(from, to)).0, SsoCheck::Signature);
    }
    // One good signature beside one that is not.
    let both = good.replacen("</saml:Issuer>", &format!("</saml:Issuer>{}", template("_response")), 1);
    assert_eq!(refused(&sign(&both, &third)).0, SsoCheck::Signature);
    let mut bare = provider();
    bare.certificates.clear();
    let (service, mut transcript) = (service(), Transcript::default());
    let expected = Expected { provider: &bare, service: &service, request: REQUEST, now: now() };
    assert_eq!(verify_response(&good, &expected, &mut transcript), None);
}

/// The classic forms of signature wrapping (Somorovsky and others, "On Breaking SAML", 2012): the signed original is moved
/// aside, and a forgery stands where claims are looked for.
#[test]
fn wrapped_signatures_are_refused() {
    let good = said(str::to_owned);
    let part = |text: &str, name: &str| {
        let (start, end) = (text.find(&format!("<{name}")).unwrap(), format!("</{name}>"));
        text[start..text.rfind(&end).unwrap() + end.len()].to_owned()
    };
    let (assertion, signature) = (part(&good, "saml:Assertion"), part(&good, "ds:Signature"));
    let forged = assertion
        .replace(&signature, "")
        .replace(EMAIL_OF_ANNA, "eve@northwind.example")
        .replace("_assertion", "_forged");
    let original = assertion.replace(&signature, "");
    let in_response = |content: &str| good.replace(&assertion, content);
    let end =
        |element: &str, content: &str| element.replace("</saml:Assertion>", &format!("{content}</saml:Assertion>"));
    let with_signature =
        |element: &str, signature: &str| element.replacen("</saml:Issuer>", &format!("</saml:Issuer>{signature}"), 1);
    let object = |content: &str| {
        signature.replace("</ds:Signature>", &format!("<ds:Object>{content}</ds:Object></ds:Signature>"))
    };
    let extensions = |content: &str| format!("<samlp:Extensions>{content}</samlp:Extensions>");

    let whole = sign(&response(&template("_response"), ""), key());
    let whole_signature = part(&whole, "ds:Signature");
    let whole_original = whole.replace(&whole_signature, "");
    let whole_forged = whole_original.replace(EMAIL_OF_ANNA, "eve@northwind.example").replace("_response", "_forged");
    let forms = [
        // 1, 2: the signed response in or beside the signature of a forged one.
        with_signature(
            &whole_forged,
            &whole_signature
                .replace("</ds:Signature>", &format!("<ds:Object>{whole_original}</ds:Object></ds:Signature>")),
        ),
        with_signature(&whole_forged, &format!("{whole_signature}{whole_original}")),
        // 3 to 6: the signed assertion beside, in, after, and in the signature of a forged one.
        in_response(&format!("{forged}{assertion}")),
        in_response(&end(&forged, &assertion)),
        in_response(&format!("{}{original}", with_signature(&forged, &signature))),
        in_response(&with_signature(
            &forged,
            &signature.replace("</ds:Signature>", &format!("{original}</ds:Signature>")),
        )),
        // 7, 8: the forged one among extensions, the original in an object.
        in_response(&format!("{}{assertion}", extensions(&forged))),
        in_response(&with_signature(&forged, &object(&original))),
    ];
    let more = [
        in_response(&with_signature(&forged, &signature)),
        in_response(&format!("{assertion}{forged}")),
        in_response(&format!("{}{forged}", extensions(&assertion))),
        in_response(&format!("{}{}", extensions(&assertion), forged.replace("_forged", "_assertion"))),
        in_response(&assertion.replace("#_assertion", "")),
        in_response(&assertion.replace("#_assertion", "#_response")),
        in_response(&format!("{}{}", extensions(&assertion.replace("saml:Assertion", "samlp:Assertion")), forged)),
    ];
    for message in forms.iter().chain(&more) {
        let (check, actual) = refused(message);
        assert_eq!(check, SsoCheck::Format, "{actual}: {message}");
    }
}

#[test]
fn a_provider_that_refuses_is_quoted() {
    let refusal = format!(
        r#"<samlp:Response xmlns:samlp="{PROTOCOL}" ID="_r" Version="2.0"><samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Responder"><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:AuthnFailed"/></samlp:StatusCode><samlp:StatusMessage>not you</samlp:StatusMessage></samlp:Status></samlp:Response>"#
    );
    let (check, actual) = refused(&refusal);
    assert_eq!(check, SsoCheck::Status);
    assert!(actual.ends_with("status:AuthnFailed not you"), "{actual}");
}

#[test]
fn messages_go_out_escaped_and_signed() {
    let awkward = ServiceProvider { entity_id: "https://a.example/?x=\"<&'".into(), ..service() };
    let to = Url::parse("https://idp.example/sso?tenant=1&x=%3C").unwrap();
    let message = authn_request(REQUEST, &to, &awkward, now());
    let url = message.redirect(Some("a&b=c"), key()).unwrap();
    assert!(url.as_str().starts_with("https://idp.example/sso?tenant=1&x=%3C&SAMLRequest="), "{url}");
    let query = SignedQuery::parse(url.query().unwrap()).unwrap();
    assert!(
        query.is_signed_by(&[key().certificate().clone()]) && !query.is_signed_by(&[foreign().certificate().clone()])
    );
    assert_eq!((query.relay_state.as_deref(), query.is_response), (Some("a&b=c"), false));
    let root = xml::parse(&query.message).unwrap();
    assert!(root.is(PROTOCOL, "AuthnRequest"));
    assert_eq!(root.attribute("Destination"), Some(to.as_str()));
    assert_eq!(claims::issuer(&root), Some(awkward.entity_id.as_str()));
    let form = message.post(None, key()).unwrap();
    let [("SAMLRequest", value)] = &*form.fields else { panic!() };
    let content = signature::signed_content(&decode_post(value).unwrap(), &[key().certificate().clone()]).unwrap();
    assert_eq!(content.attribute("ID"), Some(REQUEST));
    let metadata = xml::parse(&service_metadata(&awkward, key())).unwrap();
    assert_eq!(metadata.attribute("entityID"), Some(awkward.entity_id.as_str()));
    assert_eq!(SigningKey::from_bytes(&key().to_bytes().unwrap()).unwrap().certificate(), key().certificate());
}

#[test]
fn queries_are_read_as_they_were_signed() {
    let to = Url::parse(SLO).unwrap();
    let name = NameId { value: "a<b>&\"@x".into(), format: EMAIL.into(), qualifiers: [Some("\"".into()), None] };
    // The provider's request, made with our builder: the roles are the other way round.
    let idp = ServiceProvider { entity_id: ISSUER.into(), ..service() };
    let message = logout_request("_logout", &to, &idp, now(), (&name, Some("s<1")));
    let url = message.redirect(None, key()).unwrap();
    let (provider, service) = (provider(), service());
    let parties = Parties { provider: &provider, service: &service, now: now() };
    let check = |received: Received<'_>, parties: &Parties<'_>| {
        let mut transcript = Transcript::default();
        let request = verify_logout_request(received, parties, &mut transcript);
        request.ok_or_else(|| transcript.failed().unwrap().check)
    };
    let query = SignedQuery::parse(url.query().unwrap()).unwrap();
    let request = check(Received::Query(&query), &parties).unwrap();
    assert_eq!((&request.id[..], &request.subject), ("_logout", &name));
    assert_eq!(request.session_indexes, ["s<1"]);
    let form = message.post(None, key()).unwrap();
    let text = decode_post(&form.fields[0].1).unwrap();
    assert_eq!(check(Received::Form(&text), &parties).unwrap(), request);
    assert_eq!(check(Received::Form(&text.replace("s&lt;1", "s2")), &parties), Err(SsoCheck::Signature));
    assert_eq!(check(Received::Form(&query.message), &parties), Err(SsoCheck::Format), "not signed");
    let late = Parties { now: now() + Duration::minutes(8), ..parties };
    assert_eq!(check(Received::Query(&query), &late), Err(SsoCheck::Times));
    let other = ServiceProvider { slo_url: "https://accounts.example/saml/sso_2/slo".into(), ..service.clone() };
    assert_eq!(check(Received::Query(&query), &Parties { service: &other, ..parties }), Err(SsoCheck::Destination));

    let text = url.query().unwrap();
    let without = |name: &str| text.split('&').filter(|part| !part.starts_with(name)).collect::<Vec<_>>().join("&");
    for bad in [
        without("SigAlg="),
        without("Signature="),
        without("SAMLRequest="),
        format!("{text}&SAMLResponse=x"),
        format!("{text}&SigAlg=x"),
        String::new(),
    ] {
        assert!(SignedQuery::parse(&bad).is_err(), "{bad}");
    }
    for (from, to) in [
        ("rsa-sha256", "sha256-rsa-MGF1"),
        ("rsa-sha256", "rsa-sha1"),
        ("rsa-sha256", "rsa-sha512"),
        ("&SigAlg", "&RelayState=x&SigAlg"),
    ] {
        let query = SignedQuery::parse(&text.replace(from, to)).unwrap();
        assert_eq!(check(Received::Query(&query), &parties), Err(SsoCheck::Signature), "{to}");
    }
    let response = logout_response("_r", &to, &idp, now(), "_ours").redirect(None, key()).unwrap();
    let response = SignedQuery::parse(response.query().unwrap()).unwrap();
    let answered = |request: &str| {
        verify_logout_response(Received::Query(&response), &parties, request, &mut Transcript::default())
    };
    assert!(answered("_ours") && !answered("_other"));
}

#[test]
fn bombs_in_queries_are_not_unpacked() {
    use std::io::Write;
    let mut deflate = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    deflate.write_all(&vec![b' '; 20 << 20]).unwrap();
    let bomb = BASE64.encode(&deflate.finish().unwrap());
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("SAMLRequest", &bomb).append_pair("SigAlg", RSA_SHA256).append_pair("Signature", "AAAA");
    assert_eq!(SignedQuery::parse(&query.finish()), Err(BindingError("the message is longer than 256 KiB")));
}

#[test]
fn metadata_of_providers_is_read() {
    let certificate = key().certificate().base64();
    let key_descriptor = |r#use: &str, certificate: &str| {
        format!(
            r#"<md:KeyDescriptor{use}><ds:KeyInfo xmlns:ds="{SIGNATURE}"><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"#
        )
    };
    let of = |keys: &str| {
        format!(
            r#"<md:EntityDescriptor xmlns:md="{METADATA}" entityID="{ISSUER_XML}"><md:IDPSSODescriptor protocolSupportEnumeration="{PROTOCOL}">{keys}<md:SingleLogoutService Binding="{REDIRECT}" Location="https://idp.example/slo"/><md:SingleSignOnService Binding="{POST}" Location="https://idp.example/post"/><md:SingleSignOnService Binding="{REDIRECT}" Location="https://idp.example/sso"/></md:IDPSSODescriptor></md:EntityDescriptor>"#,
            ISSUER_XML = ISSUER.replace('&', "&amp;")
        )
    };
    let metadata = read_metadata(&of(&key_descriptor("", &certificate))).unwrap();
    assert_eq!((metadata.issuer.as_str(), metadata.sso_url.as_str()), (ISSUER, "https://idp.example/sso"));
    assert_eq!(metadata.logout_url.as_deref(), Some("https://idp.example/slo"));
    assert_eq!(metadata.certificates, [key().certificate().clone()]);
    let commented = format!(
        "<!-- ours -->{}<!-- a--b -->",
        of(&key_descriptor("", &certificate)).replace("<md:S", "<!-- <x> --><md:S")
    );
    assert_eq!(read_metadata(&commented).unwrap(), metadata);
    let third = SigningKey::generate(now(), [3; 16]).unwrap().certificate().base64();
    let certificates = [&certificate, &foreign().certificate().base64(), &certificate, &third];
    let keys = |count: usize| certificates.iter().take(count).map(|c| key_descriptor("", c)).collect::<String>();
    assert_eq!(read_metadata(&of(&keys(3))).unwrap().certificates.len(), 2);
    for bad in [
        of(&keys(4)),
        format!("{}<!--", of(&key_descriptor("", &certificate))),
        of(""),
        of(&key_descriptor(r#" use="encryption""#, &certificate)),
        of(&key_descriptor("", "AAAA")),
        "<a/>".to_owned(),
        service_metadata(&service(), key()),
    ] {
        assert!(read_metadata(&bad).is_err(), "{bad}");
    }
}
