//! The digest of all that decides what the fatbin holds: it says without a compiler whether the fatbin is of the sources.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use super::{DIGEST, SOURCES, build, wheels};

/// The digest of a tree's sources, with the compiler's options and the versions of the wheels.
pub fn of_tree(root: &Path) -> Result<String> {
    let mut sources = BTreeMap::new();
    collect(&root.join(SOURCES), "", &mut sources)?;
    let settings = build::options().into_iter().chain(wheels::versions().map(str::to_owned));
    Ok(digest(settings, &sources))
}

/// Whether the digest beside the fatbin is that of the tree's sources; false when there is none.
pub fn is_current(root: &Path) -> Result<bool> {
    let expected = of_tree(root)?;
    Ok(fs::read_to_string(root.join(DIGEST)).is_ok_and(|written| written.trim_end() == expected))
}

/// All `.cu` and `.cuh` files under a folder, by their names relative to it.
fn collect(folder: &Path, prefix: &str, sources: &mut BTreeMap<String, Vec<u8>>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("listing {}", folder.display()))? {
        let path = entry.with_context(|| format!("listing {}", folder.display()))?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.with_context(|| format!("the name of {} is not UTF-8", path.display()))?;
        let name = format!("{prefix}{name}");
        if path.is_dir() {
            collect(&path, &format!("{name}/"), sources)?;
        } else if name.ends_with(".cu") || name.ends_with(".cuh") {
            sources.insert(name, fs::read(&path).with_context(|| format!("reading {}", path.display()))?);
        }
    }
    Ok(())
}

fn digest(settings: impl Iterator<Item = String>, sources: &BTreeMap<String, Vec<u8>>) -> String {
    let mut hash = Sha256::new();
    // Lengths before contents: no two trees give the same bytes.
    let mut add = |part: &[u8]| {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    };
    let settings: Vec<String> = settings.collect();
    add(settings.join("\n").as_bytes());
    for (name, content) in sources {
        add(name.as_bytes());
        add(content);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(settings: &[&str], sources: &[(&str, &str)]) -> String {
        let sources = sources.iter().map(|(name, content)| (name.to_string(), content.as_bytes().to_vec())).collect();
        digest(settings.iter().map(|setting| setting.to_string()), &sources)
    }

    #[test]
    fn names_contents_and_settings_count() {
        let one = of(&["-O3"], &[("a.cu", "x"), ("b.cuh", "y")]);
        assert_eq!(one.len(), 64);
        assert_eq!(one, of(&["-O3"], &[("b.cuh", "y"), ("a.cu", "x")]), "the order of files does not count");
        for other in [
            of(&["-O2"], &[("a.cu", "x"), ("b.cuh", "y")]),
            of(&["-O3"], &[("a.cu", "x"), ("b.cuh", "z")]),
            of(&["-O3"], &[("a.cu", "x"), ("c.cuh", "y")]),
            of(&["-O3"], &[("a.cu", "x")]),
            of(&["-O3"], &[("a.cu", "xb"), (".cuh", "y")]),
        ] {
            assert_ne!(one, other);
        }
    }

    #[test]
    fn sources_in_folders_count_and_other_files_do_not() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join(SOURCES);
        fs::create_dir_all(folder.join("field")).unwrap();
        fs::write(folder.join("kernels.cu"), "a").unwrap();
        let before = of_tree(root.path()).unwrap();
        fs::write(folder.join("lib.rs"), "b").unwrap();
        assert_eq!(of_tree(root.path()).unwrap(), before);
        fs::write(folder.join("field/words.cuh"), "c").unwrap();
        assert_ne!(of_tree(root.path()).unwrap(), before);
    }
}
