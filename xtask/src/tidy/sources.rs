//! The tracked files: what must not be in them, and what manifests must say.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::Finding;

/// Source files above this deserve to be cut.
const LINES_MAX: usize = 700;
/// Files above this are not read as text.
const TEXT_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// Left-overs of unfinished work in Rust; in two parts, so that this file does not hold them.
const UNFINISHED: [(&str, &str); 3] = [("todo", "!("), ("unimplemented", "!("), ("dbg", "!(")];
/// Folders that exist on one machine only; in two parts, as above.
const MACHINE_PATHS: [(&str, &str); 4] = [("/wo", "rk/"), ("/ro", "ot/"), ("/ho", "me/"), ("/Us", "ers/")];

/// Checks every file that git tracks or would track.
pub fn check(root: &Path) -> Result<Vec<Finding>> {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .context("git does not start; tidy needs it to know the tracked files")?;
    ensure!(output.status.success(), "git ls-files failed: {}", String::from_utf8_lossy(&output.stderr));
    let names = String::from_utf8(output.stdout).context("a file name is not UTF-8")?;
    let mut findings = Vec::new();
    for name in names.split('\0').filter(|name| !name.is_empty()) {
        let path = root.join(name);
        // A deleted file is listed until the deletion is committed; a link's target is listed by itself.
        let Ok(meta) = fs::symlink_metadata(&path) else { continue };
        if !meta.is_file() || meta.len() > TEXT_BYTES_MAX {
            continue;
        }
        let bytes = fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
        if let Ok(text) = std::str::from_utf8(&bytes)
            && !text.contains('\0')
        {
            check_text(Path::new(name), text, &mut findings);
        }
    }
    Ok(findings)
}

fn check_text(file: &Path, text: &str, findings: &mut Vec<Finding>) {
    let extension = file.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let mut find = |line: usize, warning: bool, text: String| {
        findings.push(Finding { file: PathBuf::from(file), line, warning, text });
    };
    for (number, line) in (1..).zip(text.lines()) {
        if extension == "rs" {
            for (start, end) in UNFINISHED {
                let word = format!("{start}{end}");
                if line.contains(&word) {
                    find(number, false, format!("unfinished: {word}...)"));
                }
            }
        }
        for (start, end) in MACHINE_PATHS {
            let path = format!("{start}{end}");
            if has_absolute(line, &path) {
                find(number, false, format!("the path {path} exists on one machine only"));
            }
        }
        if line.starts_with("<<<<<<< ") || line.starts_with(">>>>>>> ") {
            find(number, false, "left over from a merge".to_owned());
        }
    }
    let lines = text.lines().count();
    if matches!(extension, "rs" | "sol") && lines > LINES_MAX {
        find(0, true, format!("{lines} lines: cut it by concept ({LINES_MAX} at most)"));
    }
    let is_manifest = file.file_name().is_some_and(|name| name == "Cargo.toml");
    // A package that is a workspace of its own, such as a fuzz target, has nothing to inherit.
    if is_manifest && has_section(text, "package") && !has_section(text, "workspace") {
        if !inherits(text, "lints", "workspace") {
            find(0, false, "the workspace's lints are missing: add `[lints]` with `workspace = true`".to_owned());
        }
        for key in ["edition", "rust-version", "license", "publish"] {
            if !inherits(text, "package", &format!("{key}.workspace")) {
                find(0, false, format!("`{key}.workspace = true` is missing"));
            }
        }
    }
}

/// Whether `path` stands in `line` as the start of an absolute path, not as a later part of another one.
fn has_absolute(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|before| before.is_alphanumeric() || "._-}>)~$*".contains(before))
    })
}

fn has_section(manifest: &str, section: &str) -> bool {
    manifest.lines().any(|line| line.trim() == format!("[{section}]"))
}

/// Whether a section of a manifest has `key = true`.
fn inherits(manifest: &str, section: &str, key: &str) -> bool {
    let mut lines = manifest.lines().map(str::trim).skip_while(|line| *line != format!("[{section}]")).skip(1);
    lines.by_ref().take_while(|line| !line.starts_with('[')).any(|line| {
        let (name, value) = line.split_once('=').unwrap_or((line, ""));
        name.trim() == key && value.trim() == "true"
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(file: &str, text: &str) -> Vec<String> {
        let mut findings = Vec::new();
        check_text(Path::new(file), text, &mut findings);
        findings.iter().map(Finding::to_string).collect()
    }

    #[test]
    fn unfinished_work_is_found_with_its_line() {
        let text = format!("fn a() {{\n    {}{});\n}}\n", "todo", "!(");
        let against = found("a/b.rs", &text);
        assert_eq!(against.len(), 1);
        assert!(against[0].starts_with("a/b.rs:2: unfinished"), "{against:?}");
        assert!(found("a/b.md", &text).is_empty());
    }

    #[test]
    fn machine_paths_are_found_and_relative_ones_are_not() {
        let path = format!("{}{}main", "/wo", "rk/");
        for line in [path.clone(), format!("see `{path}`"), format!("x = \"{path}\""), format!("a: {path}")] {
            assert_eq!(found("README.md", &line).len(), 1, "{line}");
        }
        for line in [format!("target{path}"), format!("..{path}"), format!("$DIR{path}"), format!("{{dir}}{path}")] {
            assert!(found("README.md", &line).is_empty(), "{line}");
        }
    }

    #[test]
    fn long_sources_are_warned_about() {
        let long = "x\n".repeat(LINES_MAX + 1);
        assert!(found("a.rs", &long)[0].contains("warning: 701 lines"));
        assert!(found("a.sol", &long)[0].contains("warning"));
        assert!(found("a.csv", &long).is_empty());
        assert!(found("a.rs", &"x\n".repeat(LINES_MAX)).is_empty());
    }

    #[test]
    fn manifests_inherit() {
        let package = "[package]\nname = \"a\"\nedition.workspace = true\nrust-version.workspace = true\n\
                       license.workspace = true\npublish.workspace = true\n";
        assert_eq!(found("a/Cargo.toml", package).len(), 1);
        assert!(found("a/Cargo.toml", &format!("{package}\n[lints]\nworkspace = true\n")).is_empty());
        assert_eq!(found("a/Cargo.toml", &format!("{package}\n[lints]\n[dependencies]\nworkspace = true\n")).len(), 1);
        assert_eq!(found("a/Cargo.toml", "[package]\n[lints]\nworkspace = true\n").len(), 4);
        assert!(found("Cargo.toml", "[workspace]\n").is_empty());
        assert!(found("a/fuzz/Cargo.toml", "[package]\n[workspace]\n").is_empty());
    }

    #[test]
    fn this_repository_can_be_listed() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        check(root).unwrap();
    }
}
