//! What would make the parser or the signature check fetch, compute or read something else.

use super::*;

/// They are never shown to samael.
#[test]
fn signatures_of_unusual_forms_are_refused() {
    let xslt = r#"<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116"><x/></ds:Transform>"#;
    let exclusive = format!(r#"<ds:Transform Algorithm="{EXCLUSIVE}"/></ds:Transforms>"#);
    let reference = template("_assertion")
        .split("<ds:Reference")
        .nth(1)
        .unwrap()
        .split("</ds:Reference>")
        .next()
        .unwrap()
        .to_owned();
    let second = format!("</ds:Reference><ds:Reference{reference}</ds:Reference>");
    let retrieval = r#"<ds:KeyInfo><ds:RetrievalMethod URI="http://127.0.0.1/key"/></ds:KeyInfo></ds:Signature>"#;
    for (from, to) in [
        ("#_assertion", "http://127.0.0.1:1/x"),
        ("#_assertion", "file:///etc/passwd"),
        ("#_assertion", "#xpointer(id('_assertion'))"),
        ("#_assertion", "#xpointer(/)"),
        (RSA_SHA256, "http://www.w3.org/2000/09/xmldsig#rsa-sha1"),
        (RSA_SHA256, "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"),
        (SHA256, "http://www.w3.org/2000/09/xmldsig#sha1"),
        (&*exclusive, &format!("{xslt}</ds:Transforms>")),
        (&exclusive, &format!("{xslt}{exclusive}")),
        (&exclusive, "</ds:Transforms>"),
        (&exclusive, r#"<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116"/></ds:Transforms>"#),
        (&format!(r#"<ds:Transform Algorithm="{ENVELOPED}"/>"#), ""),
        (
            &format!(r#"<ds:CanonicalizationMethod Algorithm="{EXCLUSIVE}"/>"#),
            r#"<ds:CanonicalizationMethod Algorithm="http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments"/>"#,
        ),
        ("</ds:Reference>", &second),
        ("</ds:Signature>", "<ds:Object><ds:Manifest/></ds:Object></ds:Signature>"),
        ("</ds:Signature>", retrieval),
        ("</ds:Signature>", "</ds:Signature><ds:Signature/>"),
    ] {
        let signature = replaced(from, to)(&template("_assertion"));
        assert_eq!(refused(&response("", &signature)).0, SsoCheck::Format, "{from} → {to}");
    }
    let good = said(str::to_owned);
    for (from, to) in [
        ("anna@", "anna@<!-- -->"),
        ("<samlp:Response", "<!DOCTYPE x [<!ENTITY y 'z'>]><samlp:Response"),
        ("<samlp:Response", "<?xml version='1.0' encoding='UTF-16'?><samlp:Response"),
        ("</samlp:Response>", ""),
        ("</samlp:Response>", "</samlp:Response><samlp:Response/>"),
        ("<saml:AuthnStatement", "<saml:EncryptedAssertion/><saml:AuthnStatement"),
        ("ID=\"_response\"", "ID=\"_assertion\""),
    ] {
        assert_eq!(refused(&replaced(from, to)(&good)).0, SsoCheck::Format, "{from} → {to}");
    }
    let attributes = "<saml:AttributeValue>x</saml:AttributeValue>".repeat(10_000);
    let many = good.replace("</saml:Assertion>", &format!("{attributes}</saml:Assertion>"));
    assert_eq!(refused(&many).0, SsoCheck::Format);
    for text in ["x", "eA", "PGE+", &BASE64.encode(&vec![b'x'; 300_000]), &"A".repeat(10 << 20), "/////w=="] {
        let refused = decode_post(text).map_or(true, |message| verify(&message).0.is_none());
        assert!(refused);
    }
}

/// libxml2 mends what is not well-formed when samael reads it: markup in the value of an attribute becomes elements that
/// nobody has screened, with a reference that would be fetched, or read from a pipe that never ends.
#[test]
fn nothing_is_smuggled_past_the_screening() {
    for address in ["http://127.0.0.1:9/x", "file:///tmp/pipe"] {
        let signature = template("_response").replace("#_response", address).replace('"', "'");
        let extensions = format!(r#"<samlp:Extensions a="{signature}"/><samlp:Status>"#);
        let message = sign(&response(&template("_response"), ""), key()).replace("<samlp:Status>", &extensions);
        assert_eq!(refused(&message).0, SsoCheck::Format);
        assert!(!signature::is_strict_xml(&message));
    }
    assert!(signature::is_strict_xml(&said(str::to_owned)));
}

/// Each prefix of a list is looked for at each element, each declaration at each: lists without end are work without end.
#[test]
fn canonicalization_has_little_to_do() {
    let with_prefixes = |list: &str| {
        let second = format!(r#"<ds:Transform Algorithm="{EXCLUSIVE}"/></ds:Transforms>"#);
        let inclusive = format!(
            r#"<ds:Transform Algorithm="{EXCLUSIVE}"><ec:InclusiveNamespaces xmlns:ec="{EXCLUSIVE}" PrefixList="{list}"/></ds:Transform></ds:Transforms>"#
        );
        replaced(&second, &inclusive)(&template("_assertion"))
    };
    let signed = |list: &str| sign(&response("", &with_prefixes(list)), key());
    assert!(verify(&signed("xs xsi ds saml")).0.is_some());
    for list in ["q ".repeat(11), "x".repeat(257)] {
        assert_eq!(refused(&response("", &with_prefixes(&list))).0, SsoCheck::Format);
    }
    let declarations: String = (0..17).map(|n| format!(r#" xmlns:n{n}="urn:{n}""#)).collect();
    let many = replaced("<samlp:Status>", &format!("<samlp:Status{declarations}>"))(&said(str::to_owned));
    assert_eq!(refused(&many).0, SsoCheck::Format);
}
