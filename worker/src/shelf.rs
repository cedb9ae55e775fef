//! Where sessions are between their jobs.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use proofyard_job_schema::SessionId;

enum Place<S> {
    Kept(S),
    /// A job has it.
    Out {
        /// Not to be kept when it comes back.
        unwanted: bool,
    },
}

/// The sessions of a worker, shared by the threads that prove.
pub(crate) struct Shelf<S>(Mutex<BTreeMap<SessionId, Place<S>>>);

impl<S> Shelf<S> {
    pub fn new() -> Self {
        Self(Mutex::default())
    }

    fn places(&self) -> MutexGuard<'_, BTreeMap<SessionId, Place<S>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The session for a job, if it is here; in any case [`Shelf::put_back`] must follow.
    pub fn take(&self, id: SessionId) -> Option<S> {
        match self.places().insert(id, Place::Out { unwanted: false })? {
            Place::Kept(session) => Some(session),
            Place::Out { .. } => None,
        }
    }

    /// What a job leaves of a session.
    pub fn put_back(&self, id: SessionId, session: Option<S>) {
        let mut places = self.places();
        let unwanted = matches!(places.remove(&id), Some(Place::Out { unwanted: true }));
        if let Some(session) = session.filter(|_| !unwanted) {
            places.insert(id, Place::Kept(session));
        }
    }

    /// Forgets a session, at the latest when its job is done.
    pub fn forget(&self, id: SessionId) {
        let mut places = self.places();
        match places.get_mut(&id) {
            Some(Place::Out { unwanted }) => *unwanted = true,
            Some(Place::Kept(_)) => {
                places.remove(&id);
            }
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proofyard_job_schema::{BlockId, SubtreeIndex};

    use super::*;

    #[test]
    fn a_session_comes_back_unless_it_was_forgotten_meanwhile() {
        let shelf = Shelf::new();
        let id = SessionId { block: BlockId([1; 32]), subtree: SubtreeIndex(0) };
        assert_eq!(shelf.take(id), None);
        shelf.put_back(id, Some("one"));
        assert_eq!(shelf.take(id), Some("one"));
        shelf.forget(id);
        shelf.put_back(id, Some("two"));
        assert_eq!(shelf.take(id), None);
        shelf.put_back(id, Some("three"));
        shelf.forget(id);
        assert_eq!(shelf.take(id), None);
        shelf.put_back(id, None);
        assert_eq!(shelf.take(id), None);
    }
}
