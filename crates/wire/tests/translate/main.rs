#![allow(clippy::unwrap_used, clippy::panic)]
//! Every dialect against every other: goldens of all that the fixtures say, streams cut anywhere, and round
//! trips of whatever both sides can say. A dialect joins by its row in `dialects`.

mod bounded;
mod crossing;
mod dialects;
mod ends;
mod generate;
mod goldens;
mod round_trips;
mod splits;
