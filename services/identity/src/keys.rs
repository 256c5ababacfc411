//! The keys of one installation, all derived from one master key.

use std::fmt;

use data_encoding::HEXLOWER;
use hmac::{Hmac, Mac};
use schema::{
    EmailKey, FederatedSubjectKey, HardwareKey, ImportFileKey, OrganizationId, SamlAssertionKey, SsoProviderId,
    UserCodeKey,
};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::{UserCode, tag::Tag};

/// A key for one purpose.
pub(crate) type Subkey = Zeroizing<[u8; 32]>;

/// Block of SHA-256 in bytes, to which HMAC pads its key with zeros (RFC 2104 section 2).
const BLOCK_BYTES: usize = 64;

/// The keys of one installation, one per purpose, so that a value made for one purpose proves nothing for another.
/// Derived with HKDF-SHA-256 (RFC 5869) from the master key; the same master key gives the same keys for ever.
pub struct ServerKeys {
    vault: Subkey,
    email: Subkey,
    hardware: Subkey,
    user_code: Subkey,
    import_file: Subkey,
    challenge: Subkey,
    device_code: Subkey,
    access_token: Subkey,
    cookie: Subkey,
    federation: Subkey,
}

impl ServerKeys {
    /// Derives every key. The labels are frozen: the history holds hashes made with these keys.
    pub fn from_master(master: &[u8; 32]) -> Self {
        let subkey = |label: &str| derive(master, format!("work-accounts/v1/{label}").as_bytes());
        Self {
            vault: subkey("vault"),
            email: subkey("email"),
            hardware: subkey("hardware"),
            user_code: subkey("user-code"),
            import_file: subkey("import-file"),
            challenge: subkey("challenge"),
            device_code: subkey("device-code"),
            access_token: subkey("access-token"),
            cookie: subkey("cookie"),
            federation: subkey("federation"),
        }
    }

    /// Seals the vault.
    pub fn vault_key(&self) -> &[u8; 32] {
        &self.vault
    }

    /// Seals what a browser keeps for us between two requests, such as the state of a single sign-on.
    pub fn cookie_key(&self) -> &[u8; 32] {
        &self.cookie
    }

    /// Keyed hash of an email address, which must be normalised: equal for equal addresses, silent about them.
    pub fn email_key(&self, normalised: &str) -> EmailKey {
        EmailKey(hexadecimal(&tag(&self.email, &[normalised.as_bytes()])))
    }

    /// Keyed hash that names a piece of hardware across all organizations.
    pub fn hardware_key(&self, model: &str, serial: &str) -> HardwareKey {
        HardwareKey(hexadecimal(&tag(&self.hardware, &[model.as_bytes(), serial.as_bytes()])))
    }

    /// Keyed hash of the code that a unit shows.
    pub fn user_code_key(&self, code: &UserCode) -> UserCodeKey {
        UserCodeKey(hexadecimal(&tag(&self.user_code, &[code.letters()])))
    }

    /// Keyed hash of what an identity provider calls a person or a session.
    pub fn federated_subject_key(&self, provider: SsoProviderId, name: &str) -> FederatedSubjectKey {
        FederatedSubjectKey(hexadecimal(&tag(&self.federation, &[b"subject", provider.0.as_bytes(), name.as_bytes()])))
    }

    /// Keyed hash of the issuer that a provider is.
    pub fn federated_issuer_key(&self, provider: SsoProviderId, issuer: &str) -> FederatedSubjectKey {
        FederatedSubjectKey(hexadecimal(&tag(&self.federation, &[b"issuer", provider.0.as_bytes(), issuer.as_bytes()])))
    }

    /// Keyed hash of the id of an assertion.
    pub fn saml_assertion_key(&self, provider: SsoProviderId, id: &str) -> SamlAssertionKey {
        SamlAssertionKey(hexadecimal(&tag(&self.federation, &[b"assertion", provider.0.as_bytes(), id.as_bytes()])))
    }

    /// Keyed hash of a file of people: equal for the same file of the same organization.
    pub fn import_file_key(&self, organization: OrganizationId, file: &[u8]) -> ImportFileKey {
        ImportFileKey(hexadecimal(&tag(&self.import_file, &[organization.0.as_bytes(), file])))
    }

    pub(crate) fn challenge_key(&self) -> &[u8; 32] {
        &self.challenge
    }

    pub(crate) fn device_code_key(&self) -> &[u8; 32] {
        &self.device_code
    }

    pub(crate) fn access_token_key(&self) -> &[u8; 32] {
        &self.access_token
    }
}

impl fmt::Debug for ServerKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerKeys(…)")
    }
}

/// Authenticates a list of parts. Each is preceded by its length, so that no two lists give the same message.
pub(crate) fn tag(key: &[u8; 32], parts: &[&[u8]]) -> Tag {
    let mut mac = keyed(key);
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    Tag::new(mac.finalize().into_bytes().into())
}

/// HKDF-SHA-256 without salt, for 32 bytes: extract, then the first block of expand (RFC 5869 sections 2.2 and 2.3).
fn derive(secret: &[u8], info: &[u8]) -> Subkey {
    let extracted = Zeroizing::new(<[u8; 32]>::from(keyed(&[0; 32]).chain_update(secret).finalize().into_bytes()));
    Zeroizing::new(keyed(&extracted).chain_update(info).chain_update([1]).finalize().into_bytes().into())
}

/// HMAC-SHA-256 under `key`. The padding is done here, because a full block has no wrong length.
fn keyed(key: &[u8; 32]) -> Hmac<Sha256> {
    let mut block = Zeroizing::new([0; BLOCK_BYTES]);
    block.iter_mut().zip(key).for_each(|(padded, byte)| *padded = *byte);
    <Hmac<Sha256> as Mac>::new((&*block).into())
}

fn hexadecimal(tag: &Tag) -> String {
    HEXLOWER.encode(tag.as_bytes())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// RFC 5869 appendix A.3: no salt, no info; the first 32 of the 42 bytes.
    #[test]
    fn derives_as_the_rfc_does() {
        let okm = derive(&[0x0b; 22], b"");
        assert_eq!(HEXLOWER.encode(&*okm), "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d");
    }

    /// RFC 4231 test case 2, with its key padded as HMAC does.
    #[test]
    fn authenticates_as_the_rfc_does() {
        let mut key = [0; 32];
        key[..4].copy_from_slice(b"Jefe");
        let mac = keyed(&key).chain_update(b"what do ya want for nothing?").finalize().into_bytes();
        assert_eq!(HEXLOWER.encode(&mac), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }

    /// The history holds such hashes: if this fails, every email address and unit of an installation is a stranger.
    #[test]
    fn hashes_are_frozen() {
        let keys = ServerKeys::from_master(&[7; 32]);
        assert_eq!(
            keys.email_key("anna@example.com").0,
            "82068ce69d0c8efc2a96828471c114be7351185e896ec059402ed1a94fc7d86f"
        );
        assert_eq!(
            keys.hardware_key("portal-10", "SN0001").0,
            "09d49141bd7f3e40a4e5d5a068089e5728b5211a3a35bb611b81b9515c962c77"
        );
        assert_eq!(
            keys.user_code_key(&"BCDF-GHJK".parse().unwrap()).0,
            "2963d68cc8aa1eb454062181d3f3518d1c9133b0cbaf959a543dc4ba9d11e31d"
        );
        assert_eq!(
            HEXLOWER.encode(keys.vault_key()),
            "ab3ac8ec9b3d33ed9aadcdc775bd0d1dae2171eb300c2d8c1c236b017108c02a"
        );
    }

    #[test]
    fn each_purpose_has_a_key_of_its_own() {
        let k = ServerKeys::from_master(&[7; 32]);
        let all =
            [&k.vault, &k.email, &k.hardware, &k.user_code, &k.challenge, &k.device_code, &k.access_token, &k.cookie];
        assert_eq!(all.iter().map(|key| ***key).collect::<BTreeSet<_>>().len(), all.len());
        assert_eq!(format!("{k:?}"), "ServerKeys(…)");
    }

    proptest! {
        #[test]
        fn hardware_is_told_apart_by_both_parts(a in "[ab]{0,3}", b in "[ab]{0,3}", c in "[ab]{0,3}", d in "[ab]{0,3}") {
            let keys = ServerKeys::from_master(&[7; 32]);
            prop_assert_eq!(keys.hardware_key(&a, &b) == keys.hardware_key(&c, &d), (a, b) == (c, d));
        }
    }
}
