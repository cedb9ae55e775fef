//! Signed requests: what is signed, what a server takes, and that what it remembers is bounded.

use alloy_primitives::{Address, B256, U256, hex};
use alloy_signer::Signer;
use alloy_signer_local::PrivateKeySigner;
use proofyard_coordinator_client::auth::{
    AuthError, Nonce, Rate, RateLimit, Replay, ReplayLimits, Stamp, WINDOW_MS, signed_text,
};
use proptest::prelude::*;

const NOW: u64 = 1_700_000_000_000;
const BODY: [u8; 32] = [7; 32];

fn signer(seed: u8) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&B256::repeat_byte(seed)).expect("a key")
}

async fn stamp(seed: u8, date_ms: u64, nonce: u8) -> Stamp {
    Stamp::sign(&signer(seed), "POST", "/v1/quotes?a=b", &BODY, date_ms, Nonce([nonce; 16])).await.expect("signed")
}

#[test]
fn the_text_is_the_documented_one() {
    let text = signed_text("POST", "/v1/quotes?a=b", 12, &Nonce([0xab; 16]), &[0xcd; 32]);
    let (nonce, body) = ("ab".repeat(16), "cd".repeat(32));
    assert_eq!(text, format!("proofyard request v1\nPOST\n/v1/quotes?a=b\n12\n{nonce}\n{body}"));
}

#[tokio::test]
async fn a_signature_is_any_wallets_personal_signature_and_survives_its_headers() {
    let stamp = stamp(1, NOW, 2).await;
    let read = Stamp::parse(Some(&stamp.date_header()), Some(&stamp.auth_header())).expect("readable");
    assert_eq!(read, stamp);
    read.verify("POST", "/v1/quotes?a=b", &BODY).expect("verified");
    let text = signed_text("POST", "/v1/quotes?a=b", NOW, &Nonce([2; 16]), &BODY);
    let plain = signer(1).sign_message(text.as_bytes()).await.expect("signed");
    let header = format!("{:#x} {} {}", signer(1).address(), Nonce([2; 16]), hex::encode_prefixed(plain.as_bytes()));
    assert_eq!(stamp.auth_header(), header);
    let checksummed = header.replacen(&format!("{:#x}", signer(1).address()), &signer(1).address().to_string(), 1);
    assert_eq!(Stamp::parse(Some(&NOW.to_string()), Some(&checksummed)), Ok(stamp));
}

#[tokio::test]
async fn what_was_altered_is_noticed() {
    let signed = stamp(1, NOW, 2).await;
    let refused = Err(AuthError::Signature { address: signer(1).address() });
    assert_eq!(signed.verify("GET", "/v1/quotes?a=b", &BODY), refused);
    assert_eq!(signed.verify("POST", "/v1/quotes?a=c", &BODY), refused);
    assert_eq!(signed.verify("POST", "/v1/quotes", &BODY), refused);
    assert_eq!(signed.verify("POST", "/v1/quotes?a=b", &[8; 32]), refused);
    let altered = [Stamp { date_ms: NOW + 1, ..signed.clone() }, Stamp { nonce: Nonce([3; 16]), ..signed.clone() }];
    for altered in altered {
        assert_eq!(altered.verify("POST", "/v1/quotes?a=b", &BODY), refused);
    }
    let stolen = Stamp { address: signer(2).address(), ..signed };
    assert!(matches!(stolen.verify("POST", "/v1/quotes?a=b", &BODY), Err(AuthError::Signature { .. })));
}

#[tokio::test]
async fn headers_have_one_form() {
    let signed = stamp(1, NOW, 2).await;
    let (date, auth) = (signed.date_header(), signed.auth_header());
    let parse = |date: Option<&str>, auth: Option<&str>| Stamp::parse(date, auth).map_err(|error| error.code());
    assert_eq!(parse(None, Some(&auth)), Err("PY-H-010"));
    assert_eq!(parse(Some(&date), None), Err("PY-H-010"));
    for wrong in ["", "0", "01", "-1", "+1", "1.5", "0x1", " 1", "99999999999999999999"] {
        assert_eq!(parse(Some(wrong), Some(&auth)), Err("PY-H-011"), "{wrong:?}");
    }
    let parts: Vec<_> = auth.split(' ').collect();
    let signature = parts[2];
    let high_s = {
        let order = U256::from_str_radix("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141", 16);
        let s = U256::from_str_radix(&signature[66..130], 16).expect("s");
        let v = if &signature[130..] == "1b" { "1c" } else { "1b" };
        format!("{}{:064x}{v}", &signature[..66], order.expect("n") - s)
    };
    for wrong in [
        String::new(),
        auth.replace(' ', "  "),
        auth.to_uppercase(),
        format!("{auth} "),
        format!(" {auth}"),
        format!("{} {} {}", parts[0], parts[1].replace('0', "A"), signature),
        format!("{} {} {}00", parts[0], parts[1], &signature[..130]),
        format!("{} {} {}", parts[0], parts[1], high_s),
        format!("{} {} 0x{}", parts[0], parts[1], "f".repeat(130)),
    ] {
        assert_eq!(parse(Some(&date), Some(&wrong)), Err("PY-H-011"), "{wrong:?}");
    }
}

#[tokio::test]
async fn dates_within_the_window_are_taken() {
    for (off, taken) in [(0, true), (WINDOW_MS, true), (WINDOW_MS + 1, false), (u64::MAX - NOW, false)] {
        assert_eq!(stamp(1, NOW, 1).await.check_date(NOW + off).is_ok(), taken, "{off}");
        assert_eq!(stamp(1, NOW, 1).await.check_date(NOW.saturating_sub(off)).is_ok(), taken, "-{off}");
    }
}

#[tokio::test]
async fn a_nonce_is_taken_once_for_as_long_as_its_date_is() {
    let mut replay = Replay::new(ReplayLimits::default(), 0);
    // Dated as far ahead as is allowed: it must be remembered longest.
    let ahead = stamp(1, NOW + WINDOW_MS, 1).await;
    assert_eq!(replay.admit(NOW, &ahead), Ok(()));
    for later in [0, 1, WINDOW_MS, 2 * WINDOW_MS] {
        assert_eq!(replay.admit(NOW + later, &ahead), Err(AuthError::Replayed), "{later}");
    }
    assert!(matches!(replay.admit(NOW + 2 * WINDOW_MS + 1, &ahead), Err(AuthError::Date { .. })));
    assert!(replay.is_empty(), "forgotten once its date is not taken any more");
    assert_eq!(replay.admit(NOW, &stamp(2, NOW, 1).await), Ok(()), "another signer's nonce is another nonce");
}

#[tokio::test]
async fn requests_from_before_the_start_are_refused() {
    let mut replay = Replay::new(ReplayLimits::default(), NOW);
    assert_eq!(replay.admit(NOW + 5, &stamp(1, NOW - 1, 1).await), Err(AuthError::BeforeStart));
    assert_eq!(replay.admit(NOW + 5, &stamp(1, NOW, 1).await), Ok(()));
}

#[tokio::test]
async fn the_memory_for_nonces_is_bounded_and_comes_back() {
    let mut replay = Replay::new(ReplayLimits { nonces: 5, nonces_per_caller: 3 }, 0);
    for nonce in 0..3 {
        assert_eq!(replay.admit(NOW, &stamp(1, NOW, nonce).await), Ok(()));
    }
    assert!(matches!(replay.admit(NOW, &stamp(1, NOW, 3).await), Err(AuthError::TooMany { .. })));
    assert_eq!(replay.admit(NOW, &stamp(2, NOW, 0).await), Ok(()));
    assert_eq!(replay.admit(NOW, &stamp(2, NOW, 1).await), Ok(()));
    assert_eq!(replay.admit(NOW, &stamp(3, NOW, 0).await), Err(AuthError::Full { wait_ms: WINDOW_MS + 1 }));
    assert_eq!(replay.len(), 5, "a full memory forgets nothing that still counts");
    let later = NOW + WINDOW_MS + 1;
    assert_eq!(replay.admit(later, &stamp(1, later, 3).await), Ok(()));
    assert_eq!(replay.len(), 1);
}

#[test]
fn a_bucket_gives_its_burst_and_then_its_rate() {
    let (one, other) = (Address::repeat_byte(1), Address::repeat_byte(2));
    let mut rate = RateLimit::new(Rate { per_minute: 60, burst: 3, callers: 10 });
    for _ in 0..3 {
        assert_eq!(rate.check(0, one), Ok(()));
        assert_eq!(rate.take(0, one), Ok(()));
    }
    assert_eq!(rate.take(0, one), Err(AuthError::TooMany { wait_ms: 1_000 }));
    assert_eq!(rate.check(0, one), Err(AuthError::TooMany { wait_ms: 1_000 }));
    assert_eq!(rate.take(0, other), Ok(()), "another caller's bucket is full");
    assert_eq!(rate.take(999, one), Err(AuthError::TooMany { wait_ms: 1 }));
    assert_eq!(rate.take(1_000, one), Ok(()));
    assert!(rate.take(1_000, one).is_err());
    for _ in 0..3 {
        assert_eq!(rate.take(60_000, one), Ok(()), "never more than the burst");
    }
    assert!(rate.take(60_000, one).is_err());
}

#[test]
fn the_memory_for_buckets_is_bounded_and_comes_back() {
    let mut rate = RateLimit::new(Rate { per_minute: 60, burst: 1, callers: 2 });
    assert_eq!(rate.take(0, Address::repeat_byte(1)), Ok(()));
    assert_eq!(rate.take(500, Address::repeat_byte(2)), Ok(()));
    assert_eq!(rate.take(600, Address::repeat_byte(3)), Err(AuthError::Full { wait_ms: 1_000 }));
    assert_eq!(rate.len(), 2);
    assert_eq!(rate.take(1_001, Address::repeat_byte(3)), Ok(()), "the first bucket is full again and forgotten");
    assert_eq!(rate.len(), 2);
}

proptest! {
    #[test]
    fn no_header_makes_the_reader_panic(date in "\\PC{0,30}", auth in "\\PC{0,260}") {
        prop_assert!(Stamp::parse(Some(&date), Some(&auth)).is_err());
    }

    #[test]
    fn any_length_of_digits_is_read_or_refused(
        date in "[0-9]{1,22}", address in "[0-9a-fA-F]{40}", nonce in "[0-9a-f]{32}", signature in "[0-9a-f]{128}(1b|1c|00)",
    ) {
        let _ = Stamp::parse(Some(&date), Some(&format!("0x{address} {nonce} 0x{signature}")))
            .map(|stamp| stamp.verify("POST", "/", &BODY));
    }

    #[test]
    fn no_more_than_burst_and_rate_pass(steps in proptest::collection::vec((0_u64..400, 0_u8..3), 1..200)) {
        let mut rate = RateLimit::new(Rate { per_minute: 120, burst: 4, callers: 8 });
        let (mut now, mut taken) = (0, [0_u64; 3]);
        for (step, caller) in steps {
            now += step;
            if rate.take(now, Address::repeat_byte(caller)).is_ok() {
                taken[usize::from(caller)] += 1;
            }
            prop_assert!(taken.iter().all(|taken| *taken <= 4 + now / 500));
        }
    }
}
