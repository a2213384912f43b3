//! The store part.
