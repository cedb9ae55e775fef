//! Reading bodies: capped while they come, as sent and as unpacked, and within what all bodies together may hold.

use std::{
    io::{self, Write},
    sync::Arc,
    time::Duration,
};

use axum::{
    body::Body,
    http::{HeaderMap, header},
};
use flate2::write::GzDecoder;
use futures::StreamExt;
use sha2::{Digest, Sha256};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use super::fault::Fault;

/// Memory is counted in pieces of this many bytes.
const PIECE: usize = 4 << 10;
/// A refused body is read on and dropped for this long, so that the sender sees the answer rather than a broken connection.
const DRAIN_TIME: Duration = Duration::from_secs(1);

/// What all bodies may hold at once.
#[derive(Debug, Clone)]
pub(super) struct Budget(Arc<Semaphore>);

impl Budget {
    pub fn new(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new((bytes / PIECE).min(Semaphore::MAX_PERMITS))))
    }
}

/// A whole body, and its part of the budget until it is dropped.
#[derive(Debug)]
pub(super) struct Received {
    /// Unpacked.
    pub bytes: Vec<u8>,
    /// SHA-256 of it as sent.
    pub sha256: [u8; 32],
    /// Its part of the budget.
    pub held: Held,
}

/// A part of the budget.
#[derive(Debug)]
pub(super) struct Held {
    budget: Budget,
    permit: Option<OwnedSemaphorePermit>,
    bytes: usize,
}

impl Held {
    /// Makes the part large enough for `bytes`.
    fn grow(&mut self, bytes: usize) -> bool {
        while self.bytes < bytes {
            let pieces = (bytes - self.bytes).div_ceil(PIECE);
            let Ok(pieces) = u32::try_from(pieces) else { return false };
            let Ok(more) = self.budget.0.clone().try_acquire_many_owned(pieces) else { return false };
            match &mut self.permit {
                Some(permit) => permit.merge(more),
                None => self.permit = Some(more),
            }
            self.bytes += pieces as usize * PIECE;
        }
        true
    }
}

/// Where unpacked bytes go.
struct Sink {
    bytes: Vec<u8>,
    max: usize,
    held: Held,
    refused: Option<Fault>,
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = self.bytes.len() + bytes.len();
        if length > self.max {
            self.refused = Some(Fault::too_long(self.max));
        } else if !self.held.grow(length) {
            self.refused = Some(Fault::busy());
        }
        if self.refused.is_some() {
            return Err(io::ErrorKind::OutOfMemory.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

enum Unpacking {
    Plain(Sink),
    Gzip(Box<GzDecoder<Sink>>),
}

impl Unpacking {
    fn take(&mut self, piece: &[u8]) -> Result<(), Fault> {
        match self {
            Self::Plain(sink) => sink.write_all(piece).map_err(|_| sink.refused.take().unwrap_or_else(Fault::busy)),
            Self::Gzip(gzip) => {
                gzip.write_all(piece).map_err(|_| gzip.get_mut().refused.take().unwrap_or_else(Fault::gzip))
            }
        }
    }

    fn finish(self) -> Result<Sink, Fault> {
        match self {
            Self::Plain(sink) => Ok(sink),
            Self::Gzip(mut gzip) => {
                let finished = gzip.try_finish();
                finished.map_err(|_| gzip.get_mut().refused.take().unwrap_or_else(Fault::gzip))?;
                gzip.finish().map_err(|_| Fault::gzip())
            }
        }
    }
}

/// Whether a body is compressed.
fn is_gzip(headers: &HeaderMap) -> Result<bool, Fault> {
    let mut encodings = headers.get_all(header::CONTENT_ENCODING).iter();
    match (encodings.next().map(|encoding| encoding.as_bytes().to_ascii_lowercase()).as_deref(), encodings.next()) {
        (None | Some(b"identity"), None) => Ok(false),
        (Some(b"gzip" | b"x-gzip"), None) => Ok(true),
        _ => Err(Fault::content_encoding()),
    }
}

/// Reads a body of at most `max` bytes as sent and as unpacked.
pub(super) async fn read(
    headers: &HeaderMap,
    body: Body,
    max: usize,
    budget: &Budget,
    time: Duration,
) -> Result<Received, Fault> {
    let held = Held { budget: budget.clone(), permit: None, bytes: 0 };
    let sink = Sink { bytes: Vec::new(), max, held, refused: None };
    let mut unpacking =
        if is_gzip(headers)? { Unpacking::Gzip(Box::new(GzDecoder::new(sink))) } else { Unpacking::Plain(sink) };
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    let mut pieces = body.into_data_stream();
    let mut hash = Sha256::new();
    let mut sent = 0;
    let receive = async {
        if announced.is_some_and(|announced| announced > max) {
            return Err(Fault::too_long(max));
        }
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(|_| Fault::body_lost())?;
            sent += piece.len();
            if sent > max {
                return Err(Fault::too_long(max));
            }
            hash.update(&piece);
            unpacking.take(&piece)?;
        }
        Ok(())
    };
    match timeout(time, receive).await {
        Err(_) => return Err(Fault::body_time()),
        Ok(Err(fault)) => {
            let expects = headers.contains_key(header::EXPECT);
            drop(unpacking);
            let drain = async {
                let mut left = max;
                while let Some(Ok(piece)) = pieces.next().await {
                    left = left.saturating_sub(piece.len());
                    if left == 0 {
                        break;
                    }
                }
            };
            // Who waits for 100 Continue has not sent anything yet.
            if !expects {
                // Over or not, the answer is the same.
                let _ = timeout(DRAIN_TIME, drain).await;
            }
            return Err(fault);
        }
        Ok(Ok(())) => {}
    }
    let Sink { bytes, held, .. } = unpacking.finish()?;
    Ok(Received { bytes, sha256: hash.finalize().into(), held })
}
