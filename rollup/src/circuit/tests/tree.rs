//! Lies about leaf indices and tree paths.

use super::*;

const PATH: &str = "recipient's path";
const CHANGED: [&str; 4] = ["changed child 0", "changed child 1", "changed child 2", "changed child 3"];

#[test]
fn an_unrelated_leaf_changes_with_the_update() {
    for level in [0, 7, 15] {
        let digit = (5 >> (2 * level)) & 3;
        for j in (0..4).filter(|j| *j != digit) {
            // The place that must stay gets the change of a balance, say.
            let tamper = cell(PATH, level, "changes", j, Lie::Add(Fr::from(9u64)));
            assert_eq!(Forge::default().failures(tamper), [gate(PATH, level, "replace", j + 1)]);
        }
        // The leaf's own place does not get what it should.
        let tamper = cell(PATH, level, "changes", digit, Lie::Add(Fr::from(9u64)));
        assert_eq!(Forge::default().failures(tamper), [gate(PATH, level, "replace", digit + 1)]);
    }
}

#[test]
fn a_child_that_is_not_the_old_one_plus_its_change() {
    for (j, row) in CHANGED.into_iter().enumerate() {
        let tamper = cell(PATH, 3, row, 2, Lie::Add(Fr::from(j as u64 + 1)));
        assert_eq!(Forge::default().failures(tamper), [gate(PATH, 3, row, 0)]);
    }
}

#[test]
fn an_old_leaf_that_is_not_in_the_tree() {
    // The sender claims more than its leaf holds; the change then also lands on another value than it takes away.
    let mut values = Forge::default().values();
    values.sender_balance += Fr::from(1000u64);
    let failures = Trial::new(&values, Tamper::default()).failures();
    assert!(failures.contains(&gate("sender's path", 0, "children", 1)), "{failures:?}");
    // At the recipient nothing follows but the new root.
    let mut values = Forge::default().values();
    values.recipient_balance += Fr::from(1000u64);
    assert_eq!(Trial::new(&values, Tamper::default()).failures(), [gate(PATH, 0, "children", 1)]);
}

#[test]
fn a_path_in_another_tree() {
    // A tree in which the recipient has more, made up to level l, then grafted into the true one.
    let rich = Forge { recipient_balance: Fr::from(1_000_000u64), ..Forge::default() };
    let (mut values, true_values) = (rich.values(), Forge::default().values());
    values.baton = true_values.baton;
    values.sender_branch = true_values.sender_branch;
    let failures = Trial::new(&values, Tamper::default()).failures();
    assert_eq!(failures, [gate("root", 0, "root between the updates", 0)]);
    for level in [1, 8, 15] {
        let mut values = values.clone();
        values.recipient_branch.path[level..].copy_from_slice(&true_values.recipient_branch.path[level..]);
        let grafted = values.recipient_branch.path[level][(5 >> (2 * level)) & 3];
        let tamper = cell(PATH, level, "old node", 2, Lie::Set(grafted));
        assert_eq!(Trial::new(&values, tamper).failures(), [gate(PATH, level, "old node", 0)]);
        let failures = Trial::new(&values, Tamper::default()).failures();
        assert_eq!(failures, [gate(PATH, level, "children", 1)]);
    }
}

#[test]
fn a_new_node_of_the_provers_own() {
    let tamper = cell(PATH, 9, "new node", 2, Lie::Set(Fr::from(1u64)));
    assert_eq!(Forge::default().failures(tamper), [gate(PATH, 9, "new node", 0)]);
}

#[test]
fn a_hash_of_the_provers_own() {
    for row in ["old parent", "new parent"] {
        let level = 15;
        let tamper = output(PATH, level, row, Fr::from(1u64));
        let failures = Forge::default().failures(tamper);
        // Named after the permutation: its last transition gives the output.
        assert!(failures.contains(&gate(PATH, level, row, 1)), "{failures:?}");
    }
    // Only the new root depends on the new parent.
    let failures = Forge::default().failures(output(PATH, 15, "new parent", Fr::from(1u64)));
    assert_eq!(failures, [gate(PATH, 15, "new parent", 1)]);
}

#[test]
fn a_new_root_of_the_provers_own() {
    let tamper = cell("root", 0, "step of the root", 3, Lie::Add(Fr::from(5u64)));
    assert_eq!(Forge::default().failures(tamper), [gate("root", 0, "step of the root", 0)]);
}

#[test]
fn an_index_that_is_not_its_digits() {
    // Signed for leaf 5 + 64, applied to leaf 5: the accumulator of level 3 is one too large.
    for level in [0, 3, 15] {
        let signed_to = Fr::from(5u64) + power_of_two(2 * level);
        let forge = Forge { signed_to, ..Forge::default() };
        let tamper = cell("recipient's index", level as usize, "append digit", 3, Lie::Add(Fr::ONE));
        assert_eq!(forge.failures(tamper), [gate("recipient's index", level as usize, "append digit", 0)]);
    }
    let forge = Forge { signed_from: Fr::from(6u64 + 4), ..Forge::default() };
    let tamper = cell("sender's index", 1, "append digit", 3, Lie::Add(Fr::ONE));
    assert_eq!(forge.failures(tamper), [gate("sender's index", 1, "append digit", 0)]);
}

#[test]
fn an_index_digit_that_is_no_pair_of_bits() {
    // Leaf 1 with bits (1, 0) becomes (b, 0) or (1, b): the mixture of the children is made to be the old leaf.
    let two = Fr::from(2u64);
    for (bit, leaf, constraint) in [(0, 1u32, 5), (1, 3, 6)] {
        let forge = Forge { to: leaf, signed_to: Fr::from(u64::from(leaf)), ..Forge::default() };
        // ind = (1 - 2, 2) on places (0, 1), or on (1, 3).
        let other = if bit == 0 { 0 } else { 1 };
        let old = leaf_value(Forge::recipient_key(), forge.recipient_packed());
        let mut forge = Forge { recipient_leaf: Some(old), ..forge };
        let mut values = forge.values();
        let mixed = |tree: &FieldTree| {
            let mut tree = tree.clone();
            tree.set(other, old);
            tree
        };
        // old = 2 old - old on the two places.
        let (tree, between) = (mixed(&forge.tree()), mixed(&forge.tree_between()));
        forge.signed_to = if bit == 0 { two } else { Fr::ONE + two.double() };
        let signature = forge.secret.sign(forge.digest());
        values.signature = SignatureValues { e: signature.e, s: signature.s };
        values.baton[0] = tree.root();
        values.sender_branch.path = tree.path(forge.from);
        values.recipient_branch.path = between.path(leaf);
        let failures = Trial::new(&values, choose("recipient's index", bit, two)).failures();
        assert_eq!(failures, [gate(PATH, 0, "replace", constraint)]);
    }
}
