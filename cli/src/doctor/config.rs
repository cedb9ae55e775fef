//! Configuration files: whose they are, and whether they load.

use std::path::Path;

use proofyard_coordinator::config::Config as CoordinatorConfig;
use proofyard_sidecar::config::Config as SidecarConfig;
use proofyard_worker::config::Config as WorkerConfig;

use super::report::Report;

/// A configuration that loads.
pub enum Loaded {
    /// A coordinator's.
    Coordinator(Box<CoordinatorConfig>),
    /// A worker's.
    Worker(Box<WorkerConfig>),
    /// A sidecar's.
    Sidecar(Box<SidecarConfig>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Coordinator,
    Worker,
    Sidecar,
}

/// Why a file was taken for what it was taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Because {
    Keys,
    Name,
    Nothing,
}

const KINDS: [Kind; 3] = [Kind::Coordinator, Kind::Worker, Kind::Sidecar];

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Coordinator => "coordinator",
            Self::Worker => "worker",
            Self::Sidecar => "sidecar",
        }
    }

    /// Keys at the top of a file, or `section.key`, that no other process has.
    fn own_keys(self) -> &'static [&'static str] {
        match self {
            Self::Coordinator => &["intake", "statement", "schedule", "settlement", "market", "setup.rows_log2"],
            Self::Worker => &["id", "threads", "capacity", "sessions_max", "drain_ms", "device"],
            Self::Sidecar => &[
                "public_listen",
                "public_url",
                "blocks_max",
                "state",
                "keep_files_hours",
                "deployment",
                "vrf_key_file",
                "persona",
                "block",
                "tip",
                "bids",
                "proving",
                "waiting",
                "farm",
                "coordinators",
            ],
        }
    }
}

/// Loads a file as its process does; the subject of all that is found about it.
pub fn load(path: &Path, report: &mut Report) -> (String, Option<Loaded>) {
    let (kind, because) = kind_of(&std::fs::read_to_string(path).unwrap_or_default(), path);
    let subject = format!("{} ({})", path.display(), kind.name());
    let loaded = match kind {
        Kind::Coordinator => CoordinatorConfig::load(path)
            .map(|config| {
                let CoordinatorConfig { bus, setup, listen, l1, .. } = &config;
                let on_l1 = if l1.is_some() { "on L1" } else { "without L1" };
                let seen = format!("farm {}, 2^{} rows, listens on {listen}, {on_l1}", bus.farm, setup.rows_log2);
                (Loaded::Coordinator(Box::new(config.clone())), seen)
            })
            .map_err(|error| error.to_string()),
        Kind::Worker => WorkerConfig::load(path)
            .map(|config| {
                let seen =
                    format!("farm {}, {} threads, {} sessions", config.bus.farm, config.threads(), config.sessions_max);
                (Loaded::Worker(Box::new(config)), seen)
            })
            .map_err(|error| error.to_string()),
        Kind::Sidecar => SidecarConfig::load(path)
            .map(|config| {
                let seen =
                    format!("{:?}, 2^{} rows, listens on {}", config.persona, config.block.rows_log2, config.listen);
                (Loaded::Sidecar(Box::new(config)), seen)
            })
            .map_err(|error| error.to_string()),
    };
    let taken = match because {
        Because::Keys => format!("a {}'s, by its keys", kind.name()),
        Because::Name => format!("a {}'s, by its name", kind.name()),
        Because::Nothing => format!("taken for a {}'s; nothing in it says", kind.name()),
    };
    let mut about = report.about(&subject);
    match loaded {
        Ok((loaded, seen)) => {
            about.ok("config", format!("{taken}: {seen}"));
            (subject, Some(loaded))
        }
        Err(error) => {
            let name = kind.name();
            let remedy =
                format!("correct it: {name}/proofyard-{name}.toml of the release has every key with its default");
            about.fail("config", format!("{taken}: {}", error.trim_end()), remedy);
            (subject, None)
        }
    }
}

/// Whose file it is: by the keys that only one process has, else by the file's name.
fn kind_of(text: &str, path: &Path) -> (Kind, Because) {
    let table: toml::Table = text.parse().unwrap_or_default();
    let has = |key: &&&str| match key.split_once('.') {
        Some((section, key)) => table.get(section).and_then(|section| section.get(key)).is_some(),
        None => table.contains_key(**key),
    };
    let counts = KINDS.map(|kind| kind.own_keys().iter().filter(has).count());
    let most = counts.into_iter().max().unwrap_or_default();
    let mut best = KINDS.into_iter().zip(counts).filter(|(_, count)| *count == most && most > 0);
    if let (Some((kind, _)), None) = (best.next(), best.next()) {
        return (kind, Because::Keys);
    }
    let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    match KINDS.into_iter().find(|kind| name.contains(kind.name())) {
        Some(kind) => (kind, Because::Name),
        None => (Kind::Worker, Because::Nothing),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_apart_by_their_own_keys_then_by_their_name() {
        let kind = |text: &str, name: &str| kind_of(text, Path::new(name));
        assert_eq!(kind("[schedule]\nlease_ms = 1500", "a.toml"), (Kind::Coordinator, Because::Keys));
        assert_eq!(kind("[setup]\nrows_log2 = 12", "worker.toml"), (Kind::Coordinator, Because::Keys));
        assert_eq!(kind("threads = 2\n[bus]\nfarm = \"a\"", "a.toml"), (Kind::Worker, Because::Keys));
        assert_eq!(kind("persona = \"self-prove\"", "a.toml"), (Kind::Sidecar, Because::Keys));
        // A misspelled key beside others still belongs to somebody.
        assert_eq!(kind("thraeds = 2\ncapacity = 2", "a.toml"), (Kind::Worker, Because::Keys));
        assert_eq!(kind("[bus]\nfarm = \"a\"", "North-Coordinator.toml"), (Kind::Coordinator, Because::Name));
        assert_eq!(kind("= no TOML", "sidecar.toml"), (Kind::Sidecar, Because::Name));
        assert_eq!(kind("", "a.toml"), (Kind::Worker, Because::Nothing));
    }

    #[test]
    fn own_keys_are_keys_of_the_commented_examples() {
        for (kind, example) in [
            (Kind::Coordinator, include_str!("../../../coordinator/proofyard-coordinator.toml")),
            (Kind::Worker, include_str!("../../../worker/proofyard-worker.toml")),
            (Kind::Sidecar, include_str!("../../../sidecar/proofyard-sidecar.toml")),
        ] {
            assert_eq!(kind_of(example, Path::new("a")), (kind, Because::Keys));
            for key in kind.own_keys() {
                let last = key.rsplit('.').next().unwrap_or(key);
                let is_there = |line: &str| {
                    let line = line.trim_start_matches(['#', ' ', '[']);
                    line.starts_with(last)
                };
                assert!(example.lines().any(is_there), "{key} of the {}", kind.name());
            }
        }
    }
}
