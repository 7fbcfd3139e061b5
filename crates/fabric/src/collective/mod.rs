//! Collective operations: which algorithm sends what to whom, and what that takes in closed form.
