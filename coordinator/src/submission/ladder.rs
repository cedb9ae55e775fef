//! Where a group stands on the ladder of docs/sidecar.md, section 7, as a function of what is known.

use proofyard_coordinator_client::Rung;

use super::{Farm, Group, Sending};
use crate::ledger::QuoteState;

/// A rung, with a reason where the ladder ended early or will.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The rung.
    pub rung: Rung,
    /// A code and words, when it is slashed, reorged or declined, or was given up and will be.
    pub reason: Option<(&'static str, String)>,
}

/// Where a group stands. Only the present facts count: after a reorg it stands lower, and on `Reorged` when what undid it is an end.
pub fn standing(group: &Group) -> Standing {
    let at = |rung| Standing { rung, reason: None };
    let ended = |rung, code, reason: String| Standing { rung, reason: Some((code, reason)) };
    let facts = group.facts();
    let deep = |block: u64| group.head >= block.saturating_add(group.policy.finality_depth);
    let why = || facts.end_reason().unwrap_or_default();
    if facts.height_proven_at().is_some_and(deep) {
        return at(Rung::Finalized);
    }
    if facts.proven().is_some() {
        return at(Rung::Verified);
    }
    if facts.slashed_at().is_some() {
        return ended(Rung::Slashed, "PY-C-301", why());
    }
    if facts.released_at().is_some() {
        return ended(Rung::Reorged, "PY-C-302", why());
    }
    let committed = facts.committed_to(group.terms.prover).is_some();
    if !committed && facts.committed_at().is_some() {
        return ended(Rung::Declined, "PY-C-303", "the group was committed to another prover".to_owned());
    }
    match group.quote {
        QuoteState::Expired => {
            let reason = format!("the quote was not published until L1 block {}", group.terms.commit_by);
            return ended(Rung::Declined, "PY-C-304", reason);
        }
        QuoteState::Declined => {
            return ended(Rung::Declined, "PY-C-305", "the quote was given up before it was signed".to_owned());
        }
        _ => {}
    }
    // Given up, and not yet slashed: it stands where it stood, with the reason.
    let at = |rung| Standing { rung, reason: group.given_up.clone().map(|reason| ("PY-C-306", reason)) };
    let sent = matches!(&group.sending, Some((_, Sending::Underway | Sending::Included | Sending::Succeeded)));
    match &group.farm {
        Farm::Proven if sent => at(Rung::Published),
        Farm::Proven => at(Rung::Proven),
        Farm::Proving => at(Rung::Proving),
        Farm::Missing | Farm::Waiting | Farm::Failed { .. } if committed => at(Rung::Committed),
        _ if facts.revealed_at().is_some() => at(Rung::Revealed),
        _ if facts.proposed_at().is_some() => at(Rung::Proposed),
        _ => at(Rung::Executing),
    }
}
