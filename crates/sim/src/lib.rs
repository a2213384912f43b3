//! The sim part.
