//! Which images there are.

/// An image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// The coordinator.
    Coordinator,
    /// A worker on processors.
    Worker,
    /// A worker on a GPU; the driver's libraries come from the container runtime.
    WorkerGpu,
    /// A sequencer's sidecar.
    Sidecar,
    /// Tells Kubernetes which workers it may take away first.
    DeletionCost,
    /// The command line: setups, looking after a farm.
    Tools,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Coordinator, Self::Worker, Self::WorkerGpu, Self::Sidecar, Self::DeletionCost, Self::Tools];

    /// The image's name after `proofyard-`, and its folder.
    pub fn name(self) -> &'static str {
        match self {
            Self::Coordinator => "coordinator",
            Self::Worker => "worker",
            Self::WorkerGpu => "worker-gpu",
            Self::Sidecar => "sidecar",
            Self::DeletionCost => "deletion-cost",
            Self::Tools => "tools",
        }
    }

    /// The program in it.
    pub fn program(self) -> &'static str {
        match self {
            Self::Coordinator => "proofyard-coordinator",
            Self::Worker | Self::WorkerGpu => "proofyard-worker",
            Self::Sidecar => "proofyard-sidecar",
            Self::DeletionCost => "proofyard-deletion-cost",
            Self::Tools => "proofyard",
        }
    }

    /// What it is, for its label.
    pub fn description(self) -> &'static str {
        match self {
            Self::Coordinator => "Takes blocks, has workers prove them, submits root proofs",
            Self::Worker => "Proves subtrees of blocks on processors",
            Self::WorkerGpu => "Proves subtrees of blocks on an NVIDIA GPU",
            Self::Sidecar => "Has a sequencer's blocks bid for, committed on L1 and proven",
            Self::DeletionCost => "Tells Kubernetes which workers it may take away first",
            Self::Tools => "The proofyard command line",
        }
    }

    /// Its environment. The driver's libraries lie in the first folder with NVIDIA's container toolkit, in one of the others on some
    /// clouds.
    pub fn environment(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::WorkerGpu => &[
                ("NVIDIA_VISIBLE_DEVICES", "all"),
                ("NVIDIA_DRIVER_CAPABILITIES", "compute,utility"),
                ("LD_LIBRARY_PATH", "/usr/lib/x86_64-linux-gnu:/usr/lib64:/usr/local/nvidia/lib64"),
            ],
            _ => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Kind;

    /// The Dockerfile says the same of each image as the layout that is written here.
    #[test]
    fn the_dockerfile_fits() {
        let text = include_str!("../../../deploy/images/Dockerfile");
        for kind in Kind::ALL {
            let name = kind.name();
            let (_, stage) = text.split_once(&format!("FROM scratch AS {name}\n")).expect(name);
            let stage = stage.split("\nFROM ").next().unwrap();
            let copy = format!("COPY --from=build /images/{name}/rootfs/ /\n");
            let entry = format!("ENTRYPOINT [\"/usr/local/bin/{}\"]", kind.program());
            let title = format!("org.opencontainers.image.title=\"proofyard-{name}\"");
            let description = format!("org.opencontainers.image.description=\"{}\"", kind.description());
            for part in [&*copy, &*entry, "USER 65532:65532\n", &*title, &*description] {
                assert!(stage.contains(part), "{name}: {part}");
            }
            for (variable, value) in kind.environment() {
                assert!(stage.contains(&format!("{variable}={value}")), "{name}: {variable}");
            }
        }
    }
}
