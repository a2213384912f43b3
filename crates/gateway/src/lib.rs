//! The gateway: the way of a request, then what operators do with its records.
//!
//! In the order of the flow: [`config`] becomes an [`app`]; the [`server`] takes connections and gives
//! each request to the [`pipeline`], which calls [`ingress`], [`auth`], [`quota`], [`routing`], [`upstream`] and
//! [`relay`]; [`record`] writes down what happened; [`respond`] alone makes error answers; [`telemetry`] counts and sends what was recorded. [`ops`],
//! [`admin`], [`console`] and [`cli`] are for operators.

pub mod admin;
pub mod alerts;
pub mod app;
pub mod auth;
pub mod cli;
pub mod clock;
pub mod cluster;
pub mod config;
pub mod console;
pub mod credential;
pub mod demo;
pub mod doctor;
pub mod egress;
pub mod folder;
pub mod home;
pub mod hop;
pub mod in_flight;
pub mod ingress;
pub mod jobs;
pub mod live;
pub mod notify;
pub mod ops;
pub mod people;
pub mod pipeline;
pub mod quota;
pub mod record;
pub mod relay;
pub mod replay;
pub mod replication;
pub mod report;
pub mod respond;
pub mod routing;
pub mod run;
pub mod secrets;
pub mod seed;
pub mod server;
pub mod standing;
pub mod system;
pub mod telemetry;
pub mod upkeep;
pub mod upstream;
pub mod vault;
pub mod whatif;
