//! Which addresses are on the public internet.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether the address is one of the public internet, and so no way into the network that the platform stands in. What the
/// IANA special-purpose address registries (RFC 6890, as of October 2025) do not call globally reachable is refused,
/// multicast too. An address that carries one of IPv4 to be translated is judged by that; a mapped one is refused.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(matches!(a, 0 | 10 | 127)
        || address.is_link_local()
        || (a == 100 && (64..128).contains(&b))
        || (a == 172 && (16..32).contains(&b))
        || (a == 192 && b == 168)
        // Protocol assignments, the old anycast of 6to4.
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || address.is_documentation()
        // Benchmarking.
        || (a == 198 && (18..20).contains(&b))
        // Multicast, reserved, broadcast.
        || a >= 224)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, c, d, e, f, g, h] = address.segments();
    let embedded = |high: u16, low: u16| {
        let ([w, x], [y, z]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(w, x, y, z))
    };
    match (a, b) {
        // Translated (RFC 6052); only the well-known prefix is global.
        (0x64, 0xff9b) => (c, d, e, f) == (0, 0, 0, 0) && embedded(g, h),
        // 6to4 (RFC 3056).
        (0x2002, _) => embedded(b, c),
        // Protocol assignments with Teredo and benchmarking, documentation.
        (0x2001, 0..=0x1ff) | (0x2001, 0xdb8) | (0x3fff, 0..=0xfff) => false,
        // What is not global unicast (2000::/3): unspecified, loopback, mapped, compatible, link-local, unique-local,
        // multicast and all that is not assigned.
        _ => a & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The IANA special-purpose address registries and multicast, as of October 2025: each block, and whether it is
    /// globally reachable. What they leave open ("N/A": the old 6to4 anycast, Teredo, ORCHID) counts as not; 6to4 and
    /// 64:ff9b::/96, which carry IPv4 addresses, are tested apart.
    /// <https://www.iana.org/assignments/iana-ipv4-special-registry>,
    /// <https://www.iana.org/assignments/iana-ipv6-special-registry>,
    /// <https://www.iana.org/assignments/multicast-addresses> (224.0.0.0/4), RFC 4291 (ff00::/8).
    const REGISTRIES: &[(&str, u32, bool)] = &[
        ("0.0.0.0", 8, false),
        ("0.0.0.0", 32, false),
        ("10.0.0.0", 8, false),
        ("100.64.0.0", 10, false),
        ("127.0.0.0", 8, false),
        ("169.254.0.0", 16, false),
        ("172.16.0.0", 12, false),
        ("192.0.0.0", 24, false),
        ("192.0.0.0", 29, false),
        ("192.0.0.8", 32, false),
        ("192.0.0.9", 32, true),
        ("192.0.0.10", 32, true),
        ("192.0.0.170", 32, false),
        ("192.0.0.171", 32, false),
        ("192.0.2.0", 24, false),
        ("192.31.196.0", 24, true),
        ("192.52.193.0", 24, true),
        ("192.88.99.0", 24, false),
        ("192.168.0.0", 16, false),
        ("192.175.48.0", 24, true),
        ("198.18.0.0", 15, false),
        ("198.51.100.0", 24, false),
        ("203.0.113.0", 24, false),
        ("224.0.0.0", 4, false),
        ("240.0.0.0", 4, false),
        ("255.255.255.255", 32, false),
        ("::1", 128, false),
        ("::", 128, false),
        ("::ffff:0:0", 96, false),
        ("64:ff9b:1::", 48, false),
        ("100::", 64, false),
        ("100:0:0:1::", 64, false),
        ("2001::", 23, false),
        ("2001::", 32, false),
        ("2001:1::1", 128, true),
        ("2001:1::2", 128, true),
        ("2001:1::3", 128, true),
        ("2001:2::", 48, false),
        ("2001:3::", 32, true),
        ("2001:4:112::", 48, true),
        ("2001:10::", 28, false),
        ("2001:20::", 28, true),
        ("2001:30::", 28, true),
        ("2001:db8::", 32, false),
        ("2620:4f:8000::", 48, true),
        ("3fff::", 20, false),
        ("5f00::", 16, false),
        ("fc00::", 7, false),
        ("fe80::", 10, false),
        ("ff00::", 8, false),
    ];

    /// Blocks that are not globally reachable but have parts that are: those are no place for a website, and are refused
    /// with the rest.
    const REFUSED_WHOLE: &[(&str, u32)] = &[("192.0.0.0", 24), ("2001::", 23)];

    /// The address as a number and how many bits it has; the two kinds never compare as equal.
    fn bits(address: IpAddr) -> (u32, u128) {
        match address {
            IpAddr::V4(v4) => (32, v4.to_bits().into()),
            IpAddr::V6(v6) => (128, v6.to_bits()),
        }
    }

    fn holds(block: &str, prefix: u32, address: IpAddr) -> bool {
        let ((kind, first), (its_kind, bits)) = (bits(block.parse().unwrap()), bits(address));
        kind == its_kind && (prefix == 0 || first >> (kind - prefix) == bits >> (kind - prefix))
    }

    /// What the registries say: the smallest block decides.
    fn registered(address: IpAddr) -> Option<bool> {
        if REFUSED_WHOLE.iter().any(|(block, prefix)| holds(block, *prefix, address)) {
            return Some(false);
        }
        let blocks = REGISTRIES.iter().filter(|(block, prefix, _)| holds(block, *prefix, address));
        blocks.max_by_key(|(_, prefix, _)| prefix).map(|(_, _, reachable)| *reachable)
    }

    /// Of the rest, the whole of IPv4 is in use, and of IPv6 what RFC 4291 has as global unicast.
    fn expected(address: IpAddr) -> bool {
        registered(address).unwrap_or(address.is_ipv4() || holds("2000::", 3, address))
    }

    fn carries_another(address: IpAddr) -> bool {
        holds("2002::", 16, address) || holds("64:ff9b::", 96, address)
    }

    /// An address of the same kind with another number, if it has one.
    fn numbered(like: IpAddr, number: u128) -> IpAddr {
        match like {
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::from_bits((number & u128::from(u32::MAX)) as u32)),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::from_bits(number)),
        }
    }

    /// Anywhere in a block, or right before or behind it.
    fn around_a_block() -> impl Strategy<Value = IpAddr> {
        let chosen = (0..REGISTRIES.len(), any::<u128>(), 0..4_u8);
        chosen.prop_map(|(index, random, place)| {
            let (block, prefix, _) = REGISTRIES[index];
            let block: IpAddr = block.parse().unwrap();
            let (kind, first) = bits(block);
            let others = if prefix == 0 { u128::MAX } else { (1_u128 << (kind - prefix)) - 1 };
            let number = match place {
                0 => first.wrapping_sub(1),
                1 => (first | others).wrapping_add(1),
                2 => first | others,
                _ => first | (random & others),
            };
            numbered(block, number)
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn the_registries_are_kept(
            near in around_a_block(), v4: u32, v6: u128, global in 0x2000_u128 << 112..0x4000_u128 << 112
        ) {
            let anywhere = [near, Ipv4Addr::from_bits(v4).into(), numbered(near, v6), Ipv6Addr::from_bits(global).into()];
            for address in anywhere.into_iter().filter(|address| !carries_another(*address)) {
                prop_assert_eq!(is_public(address), expected(address), "{}", address);
            }
        }

        #[test]
        fn an_address_inside_another_is_judged_by_itself(near in around_a_block(), octets: [u8; 4], rest: u128) {
            let inner = match near { IpAddr::V4(v4) => v4, IpAddr::V6(_) => octets.into() };
            let number = u128::from(inner.to_bits());
            let public = expected(inner.into());
            let to_4 = (0x2002_u128 << 112) | (number << 80) | (rest >> 48);
            let translated = (0x64_ff9b_u128 << 96) | number;
            prop_assert_eq!(is_public(Ipv6Addr::from_bits(to_4).into()), public, "{} by 6to4", inner);
            prop_assert_eq!(is_public(Ipv6Addr::from_bits(translated).into()), public, "{} translated", inner);
            // These mean the very same host, or nothing.
            prop_assert!(!is_public(inner.to_ipv6_mapped().into()), "{} mapped", inner);
            prop_assert!(!is_public(inner.to_ipv6_compatible().into()), "{} compatible", inner);
        }
    }

    #[test]
    fn what_attackers_try_first_is_refused() {
        let tried = [
            "127.0.0.1",
            "0.0.0.0",
            "169.254.169.254",
            "10.0.0.1",
            "192.168.1.1",
            "100.100.100.200",
            "::1",
            "::",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "64:ff9b::169.254.169.254",
            "2002:a9fe:a9fe::",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "255.255.255.255",
        ];
        for address in tried {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
        for address in ["1.1.1.1", "93.184.215.14", "2606:4700::1111", "2002:808:808::", "64:ff9b::8.8.8.8"] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }
}
