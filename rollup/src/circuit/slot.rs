//! One slot: a transfer, or nothing.
//!
//! An inactive slot carries a fixed dummy transfer with a valid signature in a tree of its own; the flag `active` frees
//! it from the baton's root and makes all three values of the baton pass unchanged.

use std::sync::LazyLock;

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};
use proofyard_proof_system::circuit::{Arith, Cell, Gate};
use proofyard_proof_system::poseidon2::Domain;

use super::layout::{Layout, Point, Var, Wire, linear, power_of_two};
use super::range::{DIGITS_32, DIGITS_64, Limb, chain};
use super::signature::{SignatureValues, signer, verify};
use super::tree::{Branch, Index, Parent, index, indicators, update};
use crate::account::{Account, leaf_hash};
use crate::baton::Baton;
use crate::executor::TransferTrace;
use crate::schnorr::SecretKey;
use crate::transfer::{SignedTransfer, Transfer};
use crate::tree::{StateTree, nodes_of_path};

/// What the prover supplies for a slot, as field elements: what the circuit demands of them, it demands by gates.
#[derive(Clone)]
pub(super) struct SlotValues {
    pub(super) active: Fr,
    /// Root, data hash and fees before the slot.
    pub(super) baton: [Fr; 3],
    /// Leaf of the sender.
    pub(super) from: u32,
    /// Leaf of the recipient.
    pub(super) to: u32,
    pub(super) amount: Fr,
    pub(super) fee: Fr,
    /// The nonce that the transfer carries.
    pub(super) nonce: Fr,
    pub(super) signature: SignatureValues,
    pub(super) sender_key: (Fr, Fr),
    pub(super) sender_balance: Fr,
    pub(super) recipient_key: (Fr, Fr),
    /// Whether the recipient's leaf is unused.
    pub(super) is_new: Fr,
    pub(super) recipient_balance: Fr,
    pub(super) recipient_nonce: Fr,
    pub(super) sender_branch: Branch,
    pub(super) recipient_branch: Branch,
}

impl SlotValues {
    /// A slot that carries a transfer.
    pub(super) fn active(trace: &TransferTrace) -> Self {
        let SignedTransfer { transfer, signature } = trace.signed;
        let sender = trace.sender_before;
        let recipient = trace.recipient_before;
        Self {
            active: Fr::ONE,
            baton: trace.baton_before.to_array(),
            from: transfer.from,
            to: transfer.to,
            amount: Fr::from(transfer.amount),
            fee: Fr::from(transfer.fee),
            nonce: Fr::from(transfer.nonce),
            signature: SignatureValues { e: signature.e, s: signature.s },
            sender_key: (sender.key.x(), sender.key.y()),
            sender_balance: Fr::from(sender.balance),
            recipient_key: (transfer.to_key.x(), transfer.to_key.y()),
            is_new: Fr::from(recipient.is_none()),
            recipient_balance: recipient.map_or(Fr::ZERO, |account| Fr::from(account.balance)),
            recipient_nonce: recipient.map_or(Fr::ZERO, |account| Fr::from(account.nonce)),
            sender_branch: Branch::executed(transfer.from, trace.sender_path, &trace.sender_nodes),
            recipient_branch: Branch::executed(transfer.to, trace.recipient_path, &trace.recipient_nodes),
        }
    }

    /// The dummy transfer of an inactive slot.
    pub(super) fn idle() -> Self {
        IDLE.clone()
    }

    /// A slot without a transfer.
    pub(super) fn inactive(baton: Baton) -> Self {
        Self { baton: baton.to_array(), ..Self::idle() }
    }
}

/// The dummy transfer: leaf 0 of a tree without other accounts pays itself nothing.
static IDLE: LazyLock<SlotValues> = LazyLock::new(|| {
    let secret = SecretKey::from_seed(b"proofyard/idle-slot/v1");
    let before = Account { key: secret.public_key(), balance: 0, nonce: 0 };
    let after = Account { nonce: 1, ..before };
    let mut tree = StateTree::default();
    tree.set(0, before);
    let baton = Baton { root: Fr::ZERO, data_hash: Fr::ZERO, fees: Fr::ZERO };
    let transfer = Transfer { from: 0, to: 0, to_key: before.key, amount: 0, fee: 0, nonce: 0 };
    let sender_path = tree.set(0, after);
    let recipient_path = tree.path(0);
    let after_hash = leaf_hash(Some(&after));
    let trace = TransferTrace {
        signed: transfer.sign(&secret),
        sender_before: before,
        recipient_before: Some(after),
        sender_path,
        recipient_path,
        sender_nodes: nodes_of_path(&sender_path, 0, after_hash),
        recipient_nodes: nodes_of_path(&recipient_path, 0, after_hash),
        baton_before: baton,
        baton_after: baton,
    };
    SlotValues { active: Fr::ZERO, ..SlotValues::active(&trace) }
});

/// The cells where a slot meets its neighbours, and what was counted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    /// Root, data hash and fees before.
    pub(super) input: [Cell; 3],
    /// Root, data hash and fees after.
    pub(super) output: [Var; 3],
    /// Rows of the signature: key on the curve, both multiples, challenge.
    pub(super) signature_rows: usize,
}

/// The transfer's numbers, range-checked.
struct Numbers {
    fee: Var,
    packed: Var,
    /// `balance + nonce 2^64` of an account, before and after.
    sender: [Var; 2],
    recipient: [Var; 2],
}

/// Lays a slot.
pub(super) fn slot(layout: &mut Layout, values: &SlotValues) -> Slot {
    let from = index(layout, "sender's index", values.from);
    let to = index(layout, "recipient's index", values.to);
    let numbers = numbers(layout, values, &from, &to);

    layout.section("transfer", 0);
    let (x, y) = values.recipient_key;
    let signed = [numbers.packed.into(), Wire::New(x), Wire::New(y)];
    let (digest, [_, x, y]) = layout.hash3("digest", Domain::Transfer, signed);
    let recipient_key = Point { x, y };
    let before_signature = layout.rows();
    let sender_key = signer(layout, values.sender_key);
    verify(layout, sender_key, digest, values.signature);
    let signature_rows = layout.rows() - before_signature;

    layout.section("sender's leaf", 0);
    let [old, new] = numbers.sender;
    let sender = [("old", old), ("new", new)].map(|(row, packed)| leaf(layout, row, sender_key, packed));
    layout.section("recipient's leaf", 0);
    let [old, new] = numbers.recipient;
    let [recipient_old, recipient_new] =
        [("old", old), ("new", new)].map(|(row, packed)| leaf(layout, row, recipient_key, packed));
    let (is_new, recipient_old) = unused(layout, values.is_new, numbers.recipient[0], recipient_old);

    let [root_old, root_between] = update(layout, "sender's path", &from, &values.sender_branch, sender);
    let [between, root_new] =
        update(layout, "recipient's path", &to, &values.recipient_branch, [recipient_old, recipient_new]);
    layout.section("root", 0);
    layout.expect("root between the updates", root_between.value() == between.value());
    let wires = [root_between.output, root_between.first, between.output, between.first].map(Wire::Copy);
    layout.arith("root between the updates", Arith::small([1, 1, -1, -1], 0), wires);
    let (input, output) = baton(layout, values, Ends { root_old, root_new, digest, fee: numbers.fee, is_new });
    Slot { input, output, signature_rows }
}

/// Range checks and balances: 66 rows.
fn numbers(layout: &mut Layout, values: &SlotValues, from: &Index, to: &Index) -> Numbers {
    let SlotValues { amount, fee, nonce, .. } = *values;
    let constants = layout.constants();
    let two_64 = power_of_two(64);
    let bits_64 = |value| Limb { value, digits: DIGITS_64 };
    let bits_32 = |value| Limb { value, digits: DIGITS_32 };

    // packed = ((fee 2^64 + amount) 2^32 + nonce) 2^64 + to 2^32 + from
    layout.section("transfer's numbers", 0);
    let limbs = [bits_64(fee), bits_64(amount), bits_32(nonce)];
    let packed = {
        let limbs = [from.value.value, to.value.value * power_of_two(32), nonce * two_64];
        let wide = [amount * power_of_two(96), fee * power_of_two(160)];
        limbs.into_iter().chain(wide).sum()
    };
    let relation = linear([two_64, Fr::ONE, power_of_two(32), -Fr::ONE]);
    let wires = [from.value.into(), to.value.into(), Wire::New(packed)];
    let numbers = chain(layout, constants.zero.into(), &limbs, |_, _| (relation, wires));
    let [fee_cell, fee_amount] = [numbers.marks[0], numbers.marks[1]];
    let [with_nonce, _, _, packed] = numbers.last;

    // What the sender pays, less the 2^64 by which the nonce's step raises balance + nonce 2^64.
    layout.section("sender's payment", 0);
    let fee_factor = two_64 - Fr::ONE;
    let payment = fee_amount.value - fee_factor * fee_cell.value - two_64;
    let wires = [fee_amount.into(), fee_cell.into(), constants.one.into(), Wire::New(payment)];
    let payment = layout.arith("payment", linear([Fr::ONE, -fee_factor, -two_64, -Fr::ONE]), wires)[3];

    layout.section("sender's old balance", 0);
    let limbs = [bits_64(values.sender_balance)];
    let nonce = layout.choose("sender's nonce", nonce);
    let relation = linear([Fr::ZERO, Fr::ONE, -power_of_two(32), -Fr::ONE]);
    let sender_old = chain(layout, Wire::New(nonce), &limbs, |start, _| {
        (relation, [with_nonce.into(), fee_amount.into(), start.into()])
    });
    let (nonce_cell, sender_old) = (sender_old.start, sender_old.last[0]);

    layout.section("sender's new balance", 0);
    let next_nonce = layout.choose("next nonce", nonce_cell.value + Fr::ONE);
    let balance = layout.choose("sender's new balance", sender_old.value - payment.value - next_nonce * two_64);
    let limbs = [bits_32(next_nonce), bits_64(balance)];
    let relation = linear([-Fr::ONE, Fr::ONE, -Fr::ONE, Fr::ZERO]);
    let sender_new = chain(layout, constants.zero.into(), &limbs, |_, _| {
        (relation, [sender_old.into(), payment.into(), Wire::Empty])
    });
    let (next_nonce, sender_new) = (sender_new.marks[0], sender_new.last[0]);

    layout.section("recipient's old balance", 0);
    let limbs = [bits_32(values.recipient_nonce), bits_64(values.recipient_balance)];
    let relation = linear([Fr::ZERO, Fr::ONE, -Fr::ONE, -Fr::ONE]);
    let recipient_old = chain(layout, constants.zero.into(), &limbs, |_, _| {
        (relation, [next_nonce.into(), nonce_cell.into(), constants.one.into()])
    });
    layout.expect("last accumulator", next_nonce.value == nonce_cell.value + Fr::ONE);
    let (recipient_nonce, recipient_old) = (recipient_old.marks[0], recipient_old.last[0]);

    layout.section("recipient's new balance", 0);
    let amount = fee_amount.value - two_64 * fee_cell.value;
    let balance = recipient_old.value + amount - recipient_nonce.value * two_64;
    let limbs = [bits_64(layout.choose("recipient's new balance", balance))];
    let relation = linear([-Fr::ONE, Fr::ONE, Fr::ONE, -two_64]);
    let wires = [recipient_old.into(), fee_amount.into(), fee_cell.into()];
    let recipient_new = chain(layout, recipient_nonce.into(), &limbs, |_, _| (relation, wires)).last[0];

    Numbers { fee: fee_cell, packed, sender: [sender_old, sender_new], recipient: [recipient_old, recipient_new] }
}

/// `hash3(Account, [key.x, key.y, balance + nonce 2^64])`.
fn leaf(layout: &mut Layout, row: &'static str, key: Point, packed: Var) -> Var {
    layout.hash3(row, Domain::Account, [key.x.into(), key.y.into(), packed.into()]).0
}

/// The recipient's old leaf: 0 when unused, and then without balance or nonce.
fn unused(layout: &mut Layout, is_new: Fr, packed: Var, hash: Var) -> (Var, Var) {
    layout.expect("an unused leaf has nothing", (is_new * packed.value) == Fr::ZERO);
    let wires = [Wire::New(is_new), packed.into(), Wire::Empty, Wire::Empty];
    let [is_new, ..] = layout.arith("an unused leaf has nothing", Arith::small([0; 4], 1), wires);
    let leaf = Wire::New(hash.value - is_new.value * hash.value);
    let wires = [is_new.into(), hash.into(), leaf, Wire::Empty];
    let leaf = layout.arith("an unused leaf is zero", Arith::small([0, 1, -1, 0], -1), wires)[2];
    (is_new, leaf)
}

/// What the slot hands to the baton.
struct Ends {
    root_old: Parent,
    root_new: Parent,
    digest: Var,
    fee: Var,
    is_new: Var,
}

/// Ties the slot to the baton. `active = 0`: the old root is not compared and everything passes unchanged.
fn baton(layout: &mut Layout, values: &SlotValues, ends: Ends) -> ([Cell; 3], [Var; 3]) {
    let [root_in, hash_in, fees_in] = values.baton.map(Wire::New);
    let zero = layout.constants().zero;

    // DEMUX with active as its first bit: the places 1 and 3 get active (root_in - old root), which must be 0; its
    // second bit is the other flag, which becomes boolean on the way.
    let root_old = ends.root_old.lay(layout, "old root");
    let wires = [Wire::New(values.active), ends.is_new.into(), root_old.into(), root_in];
    let [active, is_new, from, to] = layout.row("old root is the baton's", Gate::Demux, Arith::NONE, wires);
    let root_in = to;
    let parts =
        indicators([active.value, is_new.value]).map(|indicator| Wire::New(indicator * (to.value - from.value)));
    layout.expect("old root is the baton's", active.value * (to.value - from.value) == Fr::ZERO);
    layout.row("difference of the roots", Gate::Free, Arith::small([0, 1, 0, 1], 0), parts);

    // root_out = root_in + active (new root - root_in)
    let step = Wire::New(ends.root_new.value() - root_in.value);
    let wires = [ends.root_new.output.into(), ends.root_new.first.into(), root_in.into(), step];
    let step = layout.arith("step of the root", Arith::small([1, 1, -1, -1], 0), wires)[3];
    let root_out = Wire::New(root_in.value + active.value * step.value);
    let wires = [active.into(), step.into(), root_in.into(), root_out];
    let root_out = layout.arith("root after", Arith::small([0, 0, 1, -1], 1), wires)[3];

    // SELECT with active as both bits.
    layout.section("data hash", 0);
    let inputs = [hash_in, ends.digest.into(), zero.into()];
    let (hashed, [hash_in, ..]) = layout.hash3("hash", Domain::DataHash, inputs);
    let choices = [hash_in, hashed, hash_in, hashed].map(Wire::Copy);
    layout.row("data hash before and hashed", Gate::Select, Arith::NONE, choices);
    let indicators = indicators([active.value; 2]);
    let selected = (indicators[0] + indicators[2]) * hash_in.value + (indicators[1] + indicators[3]) * hashed.value;
    let wires = [active.into(), active.into(), Wire::New(selected), Wire::Empty];
    let hash_out = layout.arith("data hash after", Arith::NONE, wires)[2];

    // fees_out = fees_in + active fee
    layout.section("fees", 0);
    let fees_out = Wire::New(values.baton[2] + active.value * ends.fee.value);
    let [_, _, fees_in, fees_out] =
        layout.arith("fees after", Arith::small([0, 0, 1, -1], 1), [active.into(), ends.fee.into(), fees_in, fees_out]);
    ([root_in, hash_in, fees_in].map(|var| var.cell), [root_out, hash_out, fees_out])
}
