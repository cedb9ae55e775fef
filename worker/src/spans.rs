//! What a worker tells of its jobs as traces: `prove`, a child of the coordinator's `job`, with `inputs`, `witness` and `round`
//! inside, and the `reply` that is put on the bus.

use std::time::{Duration, SystemTime};

use proofyard_job_schema::{JobId, Phase, PhaseTime, WorkerId};
use proofyard_telemetry::{Kind, Span, SpanId, TraceId, Traces};

/// A worker's spans. Costs nothing where no traces are sent.
#[derive(Clone)]
pub(crate) struct Spans {
    traces: Traces,
    worker: WorkerId,
}

impl Spans {
    pub fn new(traces: Traces, worker: WorkerId) -> Self {
        Self { traces, worker }
    }

    /// The id of this worker's part in a job.
    fn part(&self, job: JobId) -> SpanId {
        SpanId::of(format_args!("{job} at {}", self.worker))
    }

    fn span(&self, job: JobId, name: &'static str, since: SystemTime) -> Span {
        Span {
            trace: TraceId::of_block(&job.block.0),
            id: SpanId::of(format_args!("{name} of {job} at {}", self.worker)),
            parent: Some(self.part(job)),
            kind: Kind::Internal,
            name,
            start: since,
            end: SystemTime::now(),
            attributes: vec![
                ("proofyard.subtree", i64::from(job.subtree.0).into()),
                ("proofyard.round", i64::from(job.round.get()).into()),
                ("proofyard.worker", self.worker.to_string().into()),
            ],
            error: None,
        }
    }

    /// A job has ended: its phases, one after the other from its start on, and why it failed, if it did.
    pub fn proved(&self, job: JobId, since: SystemTime, phases: &[PhaseTime], error: Option<String>) {
        if !self.traces.is_on() {
            return;
        }
        let mut at = since;
        for (index, PhaseTime { phase, micros }) in phases.iter().enumerate() {
            let name = match phase {
                Phase::Inputs => "inputs",
                Phase::Witness => "witness",
                Phase::Round(_) => "round",
            };
            let mut span = self.span(job, name, at);
            span.id = SpanId::of(format_args!("phase {index} of {job} at {}", self.worker));
            at += Duration::from_micros(*micros);
            span.end = at;
            if let Phase::Round(round) = phase {
                span.attributes.push(("proofyard.computes", i64::from(round.get()).into()));
            }
            self.traces.tell(span);
        }
        let parent = Some(SpanId::of(job));
        let id = self.part(job);
        self.traces.tell(Span { id, parent, kind: Kind::Consumer, error, ..self.span(job, "prove", since) });
    }

    /// The bus has stored the answer to a job, or has not.
    pub fn replied(&self, job: JobId, since: SystemTime, error: Option<String>) {
        if self.traces.is_on() {
            self.traces.tell(Span { kind: Kind::Producer, error, ..self.span(job, "reply", since) });
        }
    }

    /// Sends what waits, when the process ends.
    pub async fn finish(&self) {
        self.traces.finish().await;
    }
}
