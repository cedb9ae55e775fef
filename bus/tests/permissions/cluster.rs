//! The deployed cluster on the loopback interface.

use std::fs;
use std::net::TcpListener;
use std::time::Duration;

use proofyard_bus::nats::{NatsAccess, NatsFarm, Role};
use proofyard_bus::{BusError, BusOptions, FarmName};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::certificates::Certificates;
use crate::common::NatsServer;
use crate::users::{Users, deployed};

/// Time enough for a cluster to find itself, on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(90);
const NODES: usize = 3;
const ROUTE_PASSWORD: &str = "pw-route-0123456789";

/// Three nodes with the deployed files. Only addresses, folders and the place of certificates are the test's.
pub struct Cluster {
    nodes: Vec<NatsServer>,
    pub users: Users,
    certificates: Option<Certificates>,
    _files: TempDir,
}

impl Cluster {
    /// Without TLS, as the base is.
    pub fn start() -> Self {
        Self::with(None)
    }

    /// With the files of the component tls.
    pub fn with_tls() -> Self {
        Self::with(Some(Certificates::new()))
    }

    fn with(certificates: Option<Certificates>) -> Self {
        let files = tempfile::tempdir().expect("a folder");
        for name in ["nats.conf", "accounts.conf", "client-tls.conf", "cluster-tls.conf"] {
            let mut from = deployed();
            if certificates.is_some() && name.ends_with("-tls.conf") {
                from = from.join("../../components/tls");
            }
            let mut text = fs::read_to_string(from.join(name)).expect("a deployed file");
            if let Some(certificates) = &certificates {
                text = text.replace("/etc/nats/tls/", &format!("{}/", certificates.folder().display()));
            }
            fs::write(files.path().join(name), text).expect("written");
        }
        // Ports that were free a moment ago, for the nodes among themselves.
        let free: Vec<_> = (0..NODES).map(|_| TcpListener::bind("127.0.0.1:0").expect("a port")).collect();
        let ports: Vec<_> = free.iter().map(|port| port.local_addr().expect("an address").port()).collect();
        drop(free);
        let routes: Vec<_> =
            ports.iter().map(|port| format!("nats://route:{ROUTE_PASSWORD}@127.0.0.1:{port}")).collect();
        let configuration = files.path().join("nats.conf").display().to_string();
        let node = |(index, port): (usize, &u16)| {
            let listen = format!("nats://127.0.0.1:{port}");
            let routes = routes.join(",");
            let arguments = ["-c", &configuration, "-m", "-1", "--cluster_listen", &listen, "--routes", &routes];
            let mut environment = Users::environment();
            environment.push(("POD_NAME".to_owned(), format!("nats-{index}")));
            environment.push(("NATS_ROUTE_PASSWORD".to_owned(), ROUTE_PASSWORD.to_owned()));
            NatsServer::start_in(&arguments, environment)
        };
        let nodes = ports.iter().enumerate().map(node).collect();
        Self { nodes, users: Users::new(), certificates, _files: files }
    }

    /// The address of a node.
    pub fn url(&self, node: usize) -> String {
        self.nodes[node].url()
    }

    /// A way to a node as one of the users.
    pub fn access(&self, node: usize, user: &str) -> NatsAccess {
        let access = self.users.access(&self.url(node), user);
        match &self.certificates {
            Some(certificates) => NatsAccess { ca_file: certificates.authority(), ..access },
            None => access,
        }
    }

    /// The coordinator's connection, once the cluster has found itself. Streams are kept on all three nodes.
    pub async fn coordinator(&self) -> NatsFarm {
        let options = BusOptions { replicas: NODES, ..BusOptions::default() };
        let started = Instant::now();
        loop {
            let access = self.access(0, "coordinator");
            let name = FarmName::default();
            match NatsFarm::connect(&access, &name, "coordinator", Role::Coordinator, options.clone()).await {
                Ok(farm) => return farm,
                Err(error @ BusError::JetStream { .. }) => assert!(started.elapsed() < PATIENCE, "{error}"),
                Err(error) => panic!("{error}"),
            }
            sleep(Duration::from_millis(200)).await;
        }
    }

    /// A worker's connection to a node.
    pub async fn worker(&self, node: usize) -> NatsFarm {
        let access = self.access(node, "worker");
        let options = BusOptions { replicas: NODES, ..BusOptions::default() };
        NatsFarm::connect(&access, &FarmName::default(), "worker", Role::Worker, options).await.expect("a connection")
    }

    /// Ends a node with SIGKILL.
    pub fn kill(&mut self, node: usize) {
        self.nodes[node].stop();
    }
}
