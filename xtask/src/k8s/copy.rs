//! A copy of deploy/ with throw-away files in the place of what the operator supplies.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::tools;

/// What the operator supplies lies in folders of this name beside an overlay's kustomization; they are not in the repository.
const OPERATOR: &str = "operator";

/// The copy; removed when dropped.
pub struct Copy {
    folder: TempDir,
}

impl Copy {
    /// Copies deploy/ and adds what overlays want of the operator, and an overlay for each variant that is in none.
    pub fn new(root: &Path) -> Result<Self> {
        let copy = Self { folder: tempfile::tempdir().context("a folder for a copy of deploy")? };
        copy_tree(&root.join("deploy"), copy.folder.path())?;
        // Slices in place of whole GPUs.
        let sliced = copy.overlay("production-mig");
        fs::create_dir_all(&sliced).context("making an overlay")?;
        let kustomization = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n\
                             resources: [../production]\ncomponents: [../../components/gpu-mig]\n";
        fs::write(sliced.join("kustomization.yaml"), kustomization).context("making an overlay")?;
        for overlay in copy.overlays()? {
            copy.supply(&copy.overlay(&overlay))?;
        }
        Ok(copy)
    }

    /// A path below deploy/k8s.
    pub fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join("k8s").join(below)
    }

    /// An overlay's folder.
    pub fn overlay(&self, name: &str) -> PathBuf {
        self.path("overlays").join(name)
    }

    /// The overlays' names, in order.
    pub fn overlays(&self) -> Result<Vec<String>> {
        let folder = self.path("overlays");
        let entries = fs::read_dir(&folder).context("listing the overlays")?;
        let mut names =
            entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect::<Result<Vec<_>>>()?;
        names.retain(|name| folder.join(name).join("kustomization.yaml").is_file());
        names.sort();
        ensure!(!names.is_empty(), "deploy/k8s/overlays holds no overlay");
        Ok(names)
    }

    /// Writes what the kustomization in `overlay` names of the operator's folder.
    fn supply(&self, overlay: &Path) -> Result<()> {
        let text = fs::read_to_string(overlay.join("kustomization.yaml")).context("reading a kustomization")?;
        for named in named_of_the_operator(&text) {
            let path = overlay.join(named);
            fs::create_dir_all(path.parent().context("a folder")?).context("making the operator's folder")?;
            // Not used by anybody: the overlay is only rendered.
            fs::write(&path, format!("throw-away {named}\n")).context("supplying a file")?;
        }
        Ok(())
    }
}

/// `operator/NAME` wherever a kustomization names it.
fn named_of_the_operator(kustomization: &str) -> impl Iterator<Item = &str> {
    let lines = kustomization.lines().map(|line| line.split_once('#').map_or(line, |(before, _)| before));
    let words = lines.flat_map(|line| line.split([' ', '[', ']', '=', ',', '"']));
    words.filter(|word| word.strip_prefix("operator/").is_some_and(|name| !name.is_empty()))
}

fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("creating {}", to.display()))?;
    for entry in fs::read_dir(from).with_context(|| format!("listing {}", from.display()))? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            // The operator's own secrets are nothing for a check.
            if entry.file_name() != OPERATOR {
                copy_tree(&entry.path(), &target)?;
            }
        } else {
            fs::copy(entry.path(), &target).with_context(|| format!("copying {}", entry.path().display()))?;
        }
    }
    Ok(())
}

/// No secret is in the repository: git takes nothing of an operator's folder, and no manifest holds a Secret.
pub fn check_sources(root: &Path) -> Result<()> {
    let listed = tools::run(
        Command::new("git")
            .args(["ls-files", "--cached", "--others", "--exclude-standard", "deploy"])
            .current_dir(root),
    )?;
    for name in listed.lines() {
        ensure!(
            !name.split('/').any(|part| part == OPERATOR),
            "{name}: what the operator supplies must not be in the repository"
        );
        let Ok(text) = fs::read_to_string(root.join(name)) else { continue };
        let holds_secret = text.lines().any(|line| line.trim() == "kind: Secret");
        ensure!(!holds_secret, "{name} holds a Secret: overlays make them from the operator's files");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::named_of_the_operator;

    #[test]
    fn what_the_operator_supplies_is_found() {
        let text =
            "# `operator/none`\nfiles: [password=operator/a.password]\n  - operator/b.toml # operator/c\n  - other/d\n";
        assert_eq!(named_of_the_operator(text).collect::<Vec<_>>(), ["operator/a.password", "operator/b.toml"]);
    }
}
