//! Completions and manual pages: what shells and readers get.

mod common;

use std::{fs, process::Command};

use common::{last_line, proofyard, text};

#[test]
fn a_shell_reads_the_completions() {
    let folder = tempfile::tempdir().expect("a folder");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = proofyard(&["completions", shell]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let script = String::from_utf8(output.stdout).expect("text");
        for word in ["drain", "doctor", "completions"] {
            assert!(script.contains(word), "{word} for {shell}");
        }
        if shell == "bash" {
            let path = folder.path().join("proofyard.bash");
            fs::write(&path, script).expect("written");
            let read = Command::new("bash").args(["-n", text(&path)]).output().expect("bash starts");
            assert!(read.status.success() && read.stderr.is_empty(), "{}", String::from_utf8_lossy(&read.stderr));
        }
    }
    assert_eq!(proofyard(&["completions", "tcsh"]).status.code(), Some(2));
}

#[test]
fn every_command_has_a_manual_page() {
    let folder = tempfile::tempdir().expect("a folder");
    let pages = folder.path().join("man1");
    let written = last_line(&proofyard(&["--json", "man", "--out", text(&pages)]));
    let names: Vec<String> = fs::read_dir(&pages)
        .expect("the folder")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"))
        .collect();
    assert_eq!(written["pages"], names.len());
    // Commands as the help lists them: two spaces, the name, its words.
    let commands = |arguments: &[&str]| -> Vec<String> {
        let help = String::from_utf8(proofyard(arguments).stdout).expect("text");
        let listed =
            help.split_once("Commands:\n").expect("commands").1.split("\n\n").next().unwrap_or_default().to_owned();
        let names = listed.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
        names
            .filter_map(|line| line.split_whitespace().next().map(str::to_owned))
            .filter(|name| name != "help")
            .collect()
    };
    let mut expected = vec!["proofyard.1".to_owned()];
    for command in commands(&["-h"]) {
        if ["l1", "block"].contains(&command.as_str()) {
            expected.extend(commands(&[&command, "-h"]).iter().map(|below| format!("proofyard-{command}-{below}.1")));
        }
        expected.push(format!("proofyard-{command}.1"));
    }
    assert!(expected.contains(&"proofyard-drain.1".to_owned()) && expected.len() > 20, "{expected:?}");
    for name in &expected {
        assert!(names.contains(name), "{name} is missing in {names:?}");
    }
    for name in names {
        let page = fs::read_to_string(pages.join(&name)).expect("a page");
        let title = format!(".TH {}", name.trim_end_matches(".1"));
        assert!(page.lines().any(|line| line.starts_with(&title)), "{name}: {page}");
    }
    let first = proofyard(&["man"]);
    assert!(String::from_utf8_lossy(&first.stdout).contains(".TH proofyard 1"));
}
