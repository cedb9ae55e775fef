//! What makes a request signed.

use std::{fmt, str::FromStr};

use alloy_primitives::{Address, Signature, hex};
use alloy_signer::Signer;

use crate::auth::{AUTH_HEADER, AuthError, DATE_HEADER, WINDOW_MS};

/// Longest [`AUTH_HEADER`] that is read: address, nonce, signature, two spaces.
const AUTH_BYTES: usize = 42 + 1 + 32 + 1 + 132;

/// Chosen anew for each request, at random.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nonce(pub [u8; 16]);

impl fmt::Display for Nonce {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex::encode(self.0))
    }
}

impl FromStr for Nonce {
    type Err = AuthError;

    /// Reads 32 hexadecimal digits in lower case.
    fn from_str(text: &str) -> Result<Self, AuthError> {
        lower_case(text).map(Self).ok_or(MALFORMED)
    }
}

/// N bytes as digits in lower case, the one way they are written.
fn lower_case<const N: usize>(digits: &str) -> Option<[u8; N]> {
    let canonical = digits.len() == 2 * N && digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    let mut bytes = [0; N];
    (canonical && hex::decode_to_slice(digits, &mut bytes).is_ok()).then_some(bytes)
}

const MALFORMED: AuthError = AuthError::Malformed {
    header: AUTH_HEADER,
    expected: "an address, 32 hexadecimal digits and a 65-byte signature with v 27 or 28 and low s, with a space between each",
};

/// The text that is signed, by EIP-191. `body_sha256` is of the body as it is sent.
pub fn signed_text(method: &str, path_and_query: &str, date_ms: u64, nonce: &Nonce, body_sha256: &[u8; 32]) -> String {
    let body = hex::encode(body_sha256);
    format!("proofyard request v1\n{method}\n{path_and_query}\n{date_ms}\n{nonce}\n{body}")
}

/// Who signed a request, when, and the signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// Who says that they signed; true once [`Stamp::verify`] agrees.
    pub address: Address,
    /// Used once.
    pub nonce: Nonce,
    /// Unix milliseconds.
    pub date_ms: u64,
    /// Over [`signed_text`].
    pub signature: Signature,
}

impl Stamp {
    /// Signs a request.
    pub async fn sign(
        signer: &(dyn Signer + Send + Sync),
        method: &str,
        path_and_query: &str,
        body_sha256: &[u8; 32],
        date_ms: u64,
        nonce: Nonce,
    ) -> Result<Self, AuthError> {
        let text = signed_text(method, path_and_query, date_ms, &nonce, body_sha256);
        let signed = signer.sign_message(text.as_bytes()).await;
        let signature = signed.map_err(|error| AuthError::Signer(error.to_string()))?.normalized_s();
        Ok(Self { address: signer.address(), nonce, date_ms, signature })
    }

    /// The value of [`DATE_HEADER`].
    pub fn date_header(&self) -> String {
        self.date_ms.to_string()
    }

    /// The value of [`AUTH_HEADER`].
    pub fn auth_header(&self) -> String {
        format!("{:#x} {} {}", self.address, self.nonce, hex::encode_prefixed(self.signature.as_bytes()))
    }

    /// Reads the two headers.
    pub fn parse(date: Option<&str>, auth: Option<&str>) -> Result<Self, AuthError> {
        let auth = auth.ok_or(AuthError::Unsigned(AUTH_HEADER))?;
        let date = date.ok_or(AuthError::Unsigned(DATE_HEADER))?;
        let expected = "Unix milliseconds in decimal digits";
        let no_date = || AuthError::Malformed { header: DATE_HEADER, expected };
        // A leading zero or plus sign would be a second way to write the same date.
        if date.len() > 19 || !date.bytes().all(|digit| digit.is_ascii_digit()) || date.starts_with('0') {
            return Err(no_date());
        }
        let date_ms = date.parse().map_err(|_| no_date())?;
        if auth.len() != AUTH_BYTES {
            return Err(MALFORMED);
        }
        let mut parts = auth.split(' ');
        let (Some(address), Some(nonce), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(MALFORMED);
        };
        let address = address.strip_prefix("0x").ok_or(MALFORMED)?.to_ascii_lowercase();
        let address = Address::new(lower_case(&address).ok_or(MALFORMED)?);
        let signature: [u8; 65] = signature.strip_prefix("0x").and_then(lower_case).ok_or(MALFORMED)?;
        if !matches!(signature[64], 27 | 28) {
            return Err(MALFORMED);
        }
        let signature = Signature::from_raw_array(&signature).map_err(|_| MALFORMED)?;
        if signature.normalize_s().is_some() {
            return Err(MALFORMED);
        }
        Ok(Self { address, nonce: nonce.parse()?, date_ms, signature })
    }

    /// Checks that the request was sent less than [`WINDOW_MS`] before or after `now_ms`.
    pub fn check_date(&self, now_ms: u64) -> Result<(), AuthError> {
        let off_ms = now_ms.abs_diff(self.date_ms);
        if off_ms <= WINDOW_MS { Ok(()) } else { Err(AuthError::Date { off_ms }) }
    }

    /// Checks the signature. `method`, `path_and_query` and `body_sha256` are those of the request as it came.
    pub fn verify(&self, method: &str, path_and_query: &str, body_sha256: &[u8; 32]) -> Result<(), AuthError> {
        let text = signed_text(method, path_and_query, self.date_ms, &self.nonce, body_sha256);
        match self.signature.recover_address_from_msg(text.as_bytes()) {
            Ok(signer) if signer == self.address => Ok(()),
            _ => Err(AuthError::Signature { address: self.address }),
        }
    }
}
