//! Takes jobs, keeps sessions, proves on a device, drains; a pure core and adapters.
