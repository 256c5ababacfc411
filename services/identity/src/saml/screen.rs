//! What a signed message may look like. Everything that samael's parser and signature check would act upon before they
//! know the signer is looked at here, and what is not known to be harmless is refused.

use super::{
    names::{ASSERTION, ENVELOPED, EXCLUSIVE, SIGNATURE},
    xml::{Element, Malformed},
};

/// How messages may be signed: SHA-256 or better (NIST SP 800-131A).
const SIGNATURE_METHODS: [&str; 6] = [
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384",
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
    "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
    "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384",
    "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512",
];
const DIGEST_METHODS: [&str; 3] = [
    "http://www.w3.org/2001/04/xmlenc#sha256",
    "http://www.w3.org/2001/04/xmldsig-more#sha384",
    "http://www.w3.org/2001/04/xmlenc#sha512",
];
/// Parts of a `KeyInfo`: it is ignored, but must not make anything be fetched or computed.
const KEY_PARTS: [&str; 16] = [
    "KeyName",
    "KeyValue",
    "RSAKeyValue",
    "Modulus",
    "Exponent",
    "ECKeyValue",
    "NamedCurve",
    "PublicKey",
    "X509Data",
    "X509Certificate",
    "X509IssuerSerial",
    "X509IssuerName",
    "X509SerialNumber",
    "X509SKI",
    "X509SubjectName",
    "X509Digest",
];

/// The parts of a message that are signed, by their identifiers.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Signed {
    /// The message as a whole.
    pub(super) root: bool,
    /// The assertion in it.
    pub(super) assertion: bool,
}

/// Screens a message and tells what of it is signed. A response has exactly one assertion, and that right below it.
pub(super) fn screen(root: &Element, has_assertion: bool) -> Result<Signed, Malformed> {
    let named = |name: &'static str| root.descendants().filter(move |element| element.name == name).count();
    if named("EncryptedAssertion") + named("EncryptedID") + named("EncryptedAttribute") > 0 {
        return Err(Malformed("it is encrypted; have the provider sign without encrypting"));
    }
    let assertion = root.only(ASSERTION, "Assertion");
    // By the local name alone: an assertion in another namespace has no business in a message.
    if named("Assertion") != usize::from(has_assertion) || assertion.is_some() != has_assertion {
        return Err(Malformed(match has_assertion {
            true => "it does not have exactly one assertion right below its root",
            false => "it has an assertion",
        }));
    }
    let mut signed = Signed { root: false, assertion: false };
    let mut signatures = 0;
    for (holder, found) in [(Some(root), &mut signed.root), (assertion, &mut signed.assertion)] {
        let Some(holder) = holder else { continue };
        let mut own = holder.all(SIGNATURE, "Signature");
        let Some(signature) = own.next() else { continue };
        if own.next().is_some() {
            return Err(Malformed("an element has two signatures"));
        }
        signatures += screen_signature(signature, holder.attribute("ID").unwrap_or_default())?;
        *found = true;
    }
    let all = root.descendants().filter(|element| element.namespace == SIGNATURE).count();
    if all != signatures {
        return Err(Malformed("a signature, or a part of one, stands where none belongs"));
    }
    if !signed.root && !signed.assertion {
        return Err(Malformed("it is not signed"));
    }
    Ok(signed)
}

/// Returns how many elements of the namespace of signatures it has.
fn screen_signature(signature: &Element, id: &str) -> Result<usize, Malformed> {
    let odd = Malformed("a signature has an unusual form");
    let names: Vec<_> = signature.children.iter().map(|child| (&*child.namespace, &*child.name)).collect();
    let (info, key_info) = match (&*names, &*signature.children) {
        ([(SIGNATURE, "SignedInfo"), (SIGNATURE, "SignatureValue")], [info, value]) if value.text().is_some() => {
            (info, None)
        }
        (
            [(SIGNATURE, "SignedInfo"), (SIGNATURE, "SignatureValue"), (SIGNATURE, "KeyInfo")],
            [info, value, key_info],
        ) if value.text().is_some() => (info, Some(key_info)),
        _ => return Err(odd),
    };
    let [canonicalization, method, reference] = &*info.children else {
        return Err(Malformed("a signature does not have exactly one reference"));
    };
    algorithm(canonicalization, "CanonicalizationMethod", &[EXCLUSIVE])?;
    algorithm(method, "SignatureMethod", &SIGNATURE_METHODS)?;
    if !method.children.is_empty() {
        return Err(odd);
    }
    if !reference.is(SIGNATURE, "Reference") || id.is_empty() {
        return Err(odd);
    }
    if reference.attribute("URI").and_then(|uri| uri.strip_prefix('#')) != Some(id) {
        return Err(Malformed("a signature is over another element than the one it stands in"));
    }
    let [transforms, digest, value] = &*reference.children else { return Err(odd) };
    if !transforms.is(SIGNATURE, "Transforms") || !value.is(SIGNATURE, "DigestValue") || value.text().is_none() {
        return Err(odd);
    }
    let [first, rest @ ..] = &*transforms.children else { return Err(odd) };
    algorithm(first, "Transform", &[ENVELOPED])?;
    match rest {
        [second] => algorithm(second, "Transform", &[EXCLUSIVE])?,
        _ => return Err(Malformed("a signature has other transforms than enveloped and exclusive canonicalization")),
    }
    algorithm(digest, "DigestMethod", &DIGEST_METHODS)?;
    if let Some(key_info) = key_info {
        screen_key_info(key_info)?;
    }
    Ok(signature.descendants().filter(|element| element.namespace == SIGNATURE).count())
}

fn algorithm(element: &Element, name: &str, allowed: &[&str]) -> Result<(), Malformed> {
    if !element.is(SIGNATURE, name) {
        return Err(Malformed("a signature has an unusual form"));
    }
    if !element.attribute("Algorithm").is_some_and(|algorithm| allowed.contains(&algorithm)) {
        return Err(Malformed(match name {
            "SignatureMethod" => "the signature is weaker than RSA or ECDSA with SHA-256",
            "DigestMethod" => "the digest is weaker than SHA-256",
            "CanonicalizationMethod" => "the canonicalization is not the exclusive one",
            _ => "a signature has other transforms than enveloped and exclusive canonicalization",
        }));
    }
    // Each prefix is looked for at each element: a long list would be work without end.
    let few = |list: &str| list.len() <= 256 && list.split_ascii_whitespace().count() <= 10;
    let prefixes = |child: &Element| {
        let list = child.attribute("PrefixList").unwrap_or_default();
        child.is(EXCLUSIVE, "InclusiveNamespaces") && child.children.is_empty() && few(list)
    };
    match element.children.iter().all(prefixes) && element.children.len() <= 1 {
        true => Ok(()),
        false => Err(Malformed("a signature has an unusual form")),
    }
}

fn screen_key_info(key_info: &Element) -> Result<(), Malformed> {
    let harmless = key_info.descendants().skip(1).all(|part| KEY_PARTS.contains(&part.name.as_str()));
    if harmless { Ok(()) } else { Err(Malformed("a signature says in an unusual way which key it is by")) }
}
