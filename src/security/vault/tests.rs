//! The vault: round trips, and every byte of an envelope tampered with.

use super::*;

const HOST: &str = "api.openai.com";

fn vault(master: u8) -> KeyRing {
    KeyRing::new(&[master; 32], &[]).unwrap()
}

fn provider(bits: u128) -> ProviderId {
    ProviderId::from_u128(bits)
}

fn sealed(plain: &str) -> Sealed {
    vault(7).seal_provider_key(provider(1), HOST, &Secret::new(plain)).unwrap()
}

#[test]
fn what_is_sealed_opens_again() {
    for plain in ["sk-proj-0123456789", "", "clé à molette", &"k".repeat(MAX_PLAIN_BYTES)] {
        let opened = vault(7).open_provider_key(provider(1), HOST, &sealed(plain)).unwrap();
        assert_eq!(opened.expose(), plain);
    }
}

#[test]
fn the_host_is_compared_without_case() {
    assert!(vault(7).open_provider_key(provider(1), "API.OpenAI.com", &sealed("sk-up")).is_ok());
}

#[test]
fn sealing_twice_shows_nothing_and_never_the_same() {
    let (one, other) = (sealed("sk-proj-0123456789"), sealed("sk-proj-0123456789"));
    assert_ne!(one, other);
    assert!(!one.0.windows(7).any(|window| window == b"sk-proj"));
}

#[test]
fn every_altered_byte_is_refused() {
    let good = sealed("sk-up");
    for at in 0..good.0.len() {
        for bit in 0..8 {
            let mut bytes = good.0.to_vec();
            bytes[at] ^= 1 << bit;
            let refused = vault(7).open_provider_key(provider(1), HOST, &Sealed(bytes.as_slice().into())).unwrap_err();
            let expected = match (at, bit) {
                (0, 0) => VaultError::Format,
                (0, _) => VaultError::Version(VERSION ^ (1 << bit)),
                (1..=KEY_ID_BYTES, _) => VaultError::MasterKey(id_in(&bytes)),
                _ => VaultError::Tag,
            };
            assert_eq!(refused, expected, "byte {at}, bit {bit}");
        }
    }
}

#[test]
fn every_cut_is_refused() {
    let good = sealed("sk-up");
    let shortest = 1 + KEY_ID_BYTES + NONCE_BYTES + TAG_BYTES;
    for length in 0..good.0.len() {
        let refused = vault(7).open_provider_key(provider(1), HOST, &Sealed(good.0[..length].into())).unwrap_err();
        let expected = if length < shortest { VaultError::Format } else { VaultError::Tag };
        assert_eq!(refused, expected, "{length} bytes");
    }
}

#[test]
fn a_key_moved_to_another_provider_or_host_is_refused() {
    let good = sealed("sk-up");
    assert_eq!(vault(7).open_provider_key(provider(2), HOST, &good), Err(VaultError::Tag));
    assert_eq!(vault(7).open_provider_key(provider(1), "evil.example", &good), Err(VaultError::Tag));
    assert_eq!(vault(7).open_provider_key(provider(1), "", &good), Err(VaultError::Tag));
}

#[test]
fn another_master_key_is_told_from_tampering() {
    assert_eq!(
        vault(8).open_provider_key(provider(1), HOST, &sealed("sk-up")),
        Err(VaultError::MasterKey(vault(7).id()))
    );
}

#[test]
fn plain_text_in_the_column_is_not_taken_for_a_key() {
    let plain = Sealed(b"sk-proj-0123456789-0123456789-0123456789-0123456789-0123456789".as_slice().into());
    assert_eq!(vault(7).open_provider_key(provider(1), HOST, &plain), Err(VaultError::Version(b's')));
    assert_eq!(vault(7).open_provider_key(provider(1), HOST, &Sealed(Vec::new().into())), Err(VaultError::Format));
}

#[test]
fn an_absurdly_long_key_is_refused() {
    let long = Secret::new("k".repeat(MAX_PLAIN_BYTES + 1));
    assert_eq!(vault(7).seal_provider_key(provider(1), HOST, &long), Err(VaultError::TooLong));
}

#[test]
fn associated_data_is_unambiguous() {
    let of = |provider: &str, host: &str| {
        Purpose::ProviderKeys.associated(&[provider.as_bytes(), host.as_bytes()], MasterId([0; KEY_ID_BYTES]))
    };
    assert_ne!(of("p", "ab"), of("p", "a"));
    assert_ne!(of("pa", "b"), of("p", "ab"));
    assert!(of("p", "a").starts_with(&25_u64.to_be_bytes()));
}

#[test]
fn a_kept_answer_opens_in_its_own_place_and_is_no_provider_key() {
    let kept = Purpose::KeptAnswers;
    let sealed = seal(&vault(7), kept, &[b"here"], b"the answer").unwrap();
    assert!(!sealed.windows(6).any(|window| window == b"answer"));
    assert_eq!(open(&vault(7), kept, &[b"here"], &sealed), Ok(b"the answer".to_vec()));
    assert_eq!(open(&vault(7), kept, &[b"there"], &sealed), Err(VaultError::Tag));
    assert_eq!(open(&vault(8), kept, &[b"here"], &sealed), Err(VaultError::MasterKey(vault(7).id())));
    let elsewhere = open(&vault(7), Purpose::ProviderKeys, &[b"here"], &sealed);
    assert_eq!(elsewhere, Err(VaultError::Tag), "another purpose, another key");
}

#[test]
fn a_former_master_key_opens_what_it_sealed_and_seals_nothing_more() {
    let old = sealed("sk-up");
    let ring = KeyRing::new(&[9; 32], &[Zeroizing::new([7; 32])]).unwrap();
    assert_eq!(ring.open_provider_key(provider(1), HOST, &old), Ok(Secret::new("sk-up")));
    assert_eq!(ring.open_provider_key(provider(2), HOST, &old), Err(VaultError::Tag), "bound to its place as before");
    let new = ring.seal_provider_key(provider(1), HOST, &Secret::new("sk-up")).unwrap();
    assert_eq!(vault(9).open_provider_key(provider(1), HOST, &new), Ok(Secret::new("sk-up")));
    assert_eq!(vault(7).open_provider_key(provider(1), HOST, &new), Err(VaultError::MasterKey(vault(9).id())));
}

/// The id an envelope names.
fn id_in(sealed: &[u8]) -> MasterId {
    MasterId(sealed[1..=KEY_ID_BYTES].try_into().unwrap())
}
