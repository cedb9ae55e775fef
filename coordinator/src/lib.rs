//! Intake, schedule, aggregation and the endpoint; a pure core and adapters.
