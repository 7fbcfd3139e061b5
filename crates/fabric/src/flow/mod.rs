//! The flow engine: rates shared among whole messages, max-min fair.
