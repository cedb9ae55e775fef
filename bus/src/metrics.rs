//! What an end of a bus on NATS shows of it.

use proofyard_telemetry::metrics::{Counter, Gauge, Registrar};

use crate::nats::NatsFarm;

/// Metrics of a connection to NATS.
#[derive(Debug, Clone)]
pub struct BusMetrics {
    connected: Gauge,
    reconnects: Counter,
    not_stored: Counter,
    refused: Counter,
    received: [Counter; 2],
    sent: [Counter; 2],
}

impl BusMetrics {
    /// Makes them.
    pub fn new(registrar: &mut Registrar) -> Self {
        Self {
            connected: registrar.gauge("proofyard_bus_connected", "1 while connected to NATS, 0 while not"),
            reconnects: registrar.counter("proofyard_bus_reconnects", "Connections to NATS made after the first"),
            not_stored: registrar.counter("proofyard_bus_publish_failures", "Messages that NATS did not store"),
            refused: registrar.counter("proofyard_bus_refused_messages", "Messages received that do not decode"),
            received: [
                registrar.counter("proofyard_bus_received_messages", "Messages received from NATS, all kinds"),
                registrar.counter("proofyard_bus_received_bytes", "Bytes received from NATS, without its protocol"),
            ],
            sent: [
                registrar.counter("proofyard_bus_sent_messages", "Messages sent to NATS, all kinds"),
                registrar.counter("proofyard_bus_sent_bytes", "Bytes sent to NATS, without its protocol"),
            ],
        }
    }

    /// Takes over what a connection has counted; `refused` is [`crate::Deliveries::refused`] of its end.
    pub fn look(&self, farm: &NatsFarm, refused: u64) {
        let figures = farm.figures();
        self.connected.set(if figures.connected { 1.0 } else { 0.0 });
        self.reconnects.set(figures.reconnects);
        self.not_stored.set(figures.not_stored);
        self.refused.set(refused);
        for (counters, (messages, bytes)) in [(&self.received, figures.received), (&self.sent, figures.sent)] {
            counters[0].set(messages);
            counters[1].set(bytes);
        }
    }
}
