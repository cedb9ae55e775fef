//! The files of durable state: a coordinator's ledger and a sidecar's file. Read only; not touched while a process has them.

use std::path::Path;

use proofyard_coordinator::ledger::{
    Identity, LedgerError,
    sqlite::{self, look},
};
use proofyard_settlement::{sidecar_client::Deployment, signer::Key};
use proofyard_sidecar::{
    StoreError,
    core::types::Bytes,
    store::{self, identity},
};

use super::report::About;
use crate::view::size;

/// A coordinator's ledger, which should be of `identity` where that is known.
pub fn coordinator(path: &Path, identity: Option<Identity>, about: &mut About<'_>) {
    let shown = path.display();
    match look(path, identity) {
        Ok(sqlite::Look::Missing) => {
            about.ok("ledger", format!("{shown} is not there; the coordinator makes it at its first start"))
        }
        Ok(sqlite::Look::InUse) => {
            about.ok("ledger", format!("{shown} is in use by a running coordinator; not touched"))
        }
        Ok(sqlite::Look::Sound { bytes, open_quotes }) => {
            about.ok("ledger", format!("{shown}: sound, {}, {open_quotes} open quotes", size(bytes)));
        }
        Err(error) => about.fail("ledger", error.to_string(), remedy(&error)),
    }
}

fn remedy(error: &LedgerError) -> &'static str {
    match error {
        LedgerError::OtherContracts { .. } => "give settlement.ledger and settlement.deployment of the same deployment",
        LedgerError::Damaged { .. } | LedgerError::Foreign { .. } => {
            "take it away and put a backup in its place; without one, keep it, begin a new ledger, and use a new key until all \
             quotes of this one have expired: what the old one signed is not known any more"
        }
        _ => "let the user of the process read and write the file and its folder",
    }
}

/// A sidecar's file, which should be of this deployment and key where they are known.
pub fn sidecar(path: &Path, owner: Option<(&Deployment, &Key)>, about: &mut About<'_>) {
    let owner = owner.map(|(deployment, key)| {
        let [contract, sequencer] = [deployment.sidecar, key.address()].map(|address| Bytes(address.into_array()));
        identity(deployment.chain_id, contract, sequencer)
    });
    let shown = path.display();
    match store::look(path, owner.as_deref()) {
        Ok(store::Look::Missing) => {
            about.ok("ledger", format!("{shown} is not there; the sidecar makes it at its first start"))
        }
        Ok(store::Look::InUse) => about.ok("ledger", format!("{shown} is in use by a running sidecar; not touched")),
        Ok(store::Look::Sound { bytes }) => about.ok("ledger", format!("{shown}: sound, {}", size(bytes))),
        Err(error @ StoreError::Foreign { .. }) => {
            let remedy = "name this sidecar's own file with `state`, or put a backup in its place; with a new file, salts of prepared \
                          proposals are lost";
            about.fail("ledger", error.to_string(), remedy);
        }
        Err(error) => {
            about.fail(
                "ledger",
                error.to_string(),
                "let the user of the process read and write the file and its folder",
            );
        }
    }
}
