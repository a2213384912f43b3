//! Cluster: what several replicas share within milliseconds, through Redis.
pub mod share;
