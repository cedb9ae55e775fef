//! What the live page decides without a browser: its modules' own tests, by Node's test runner.

use std::{path::Path, process::Command};

#[test]
fn the_modules_of_the_page_pass_their_tests() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/page");
    let files = ["changes.test.mjs", "farm.test.mjs", "format.test.mjs"].map(|name| folder.join(name));
    // Numbers and times are written in the reader's notation.
    let output = Command::new("node").arg("--test").args(files).env("LC_ALL", "en_GB.UTF-8").env("TZ", "UTC").output();
    let output = output.expect("node starts: install Node.js 20 or later");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
