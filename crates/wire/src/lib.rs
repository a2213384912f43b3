//! The wire part.
