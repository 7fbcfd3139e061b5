//! The packet engine: every packet through queues, transports and link layers, in whole picoseconds.
