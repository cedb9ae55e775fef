//! Memory of columns, handed on from one to the next: a page that the system has to find and clear costs more than its share
//! of a transform.

use std::{
    ops::{Deref, DerefMut},
    sync::{Mutex, PoisonError},
};

use ark_bn254::Fr;
use ark_ff::Zero;

/// Freed columns that are kept.
const SPARES: usize = 4;

/// Elements below which the allocator is as good.
const MIN_SIZE: usize = 1 << 12;

/// The columns freed last, of any sizes.
static SPARE: Mutex<Vec<Vec<Fr>>> = Mutex::new(Vec::new());

/// A column's elements.
#[derive(Debug)]
pub(super) struct Memory(Vec<Fr>);

impl Memory {
    /// `size` elements of any value, to be overwritten.
    pub(super) fn unset(size: usize) -> Self {
        if size >= MIN_SIZE {
            let mut spare = SPARE.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(found) = spare.iter().position(|spare| spare.len() == size) {
                return Self(spare.remove(found));
            }
        }
        Self(vec![Fr::zero(); size])
    }
}

impl From<Vec<Fr>> for Memory {
    fn from(values: Vec<Fr>) -> Self {
        Self(values)
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        let values = std::mem::take(&mut self.0);
        // What has room to spare would hold more than it shows.
        if values.len() < MIN_SIZE || values.capacity() != values.len() {
            return;
        }
        let mut spare = SPARE.lock().unwrap_or_else(PoisonError::into_inner);
        let oldest = (spare.len() == SPARES).then(|| spare.remove(0));
        spare.push(values);
        drop(spare);
        // Given back to the system outside the lock.
        drop(oldest);
    }
}

impl Deref for Memory {
    type Target = [Fr];

    fn deref(&self) -> &[Fr] {
        &self.0
    }
}

impl DerefMut for Memory {
    fn deref_mut(&mut self) -> &mut [Fr] {
        &mut self.0
    }
}
