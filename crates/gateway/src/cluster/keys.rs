//! What things are called in Redis.
//!
//! Promises: everything of one cluster begins alike, and lies together where Redis is partitioned.

use waybill_model::{
    id::AccountId,
    limits::{Consumer, Window},
    time::UnixMillis,
};

/// The names of one cluster.
#[derive(Debug, Clone)]
pub struct Keys {
    prefix: String,
}

impl Keys {
    /// Of the cluster `namespace`.
    pub fn of(namespace: &str) -> Keys {
        Keys {
            prefix: format!("waybill:{{{namespace}}}"),
        }
    }

    /// Since when Redis remembers.
    pub fn memory(&self) -> String {
        self.named("memory")
    }

    /// Who holds how many slots of an account.
    pub fn slots(&self, account: AccountId) -> String {
        self.named(&format!("slots:{account}"))
    }

    /// Who is there.
    pub fn replicas(&self) -> String {
        self.named("replicas")
    }

    /// What one consumer used in one window, by replica.
    pub fn used(&self, consumer: Consumer, window: Window, started_at: UnixMillis) -> String {
        let of = consumer_name(consumer);
        self.named(&format!("used:{of}:{}:{}", window.as_str(), started_at.0))
    }

    /// What one consumer has in flight, by replica.
    pub fn in_flight(&self, consumer: Consumer) -> String {
        self.named(&format!("in-flight:{}", consumer_name(consumer)))
    }

    /// The newest changes of accounts' states, by id.
    pub fn events(&self) -> String {
        self.named("events")
    }

    /// The states of a replica's accounts, in short.
    pub fn states(&self, replica: &str) -> String {
        self.named(&format!("states:{replica}"))
    }

    /// Where the judge says who has which part.
    pub fn slots_channel(&self) -> String {
        self.named("slots")
    }

    /// Where changes of accounts' states are told.
    pub fn events_channel(&self) -> String {
        self.named("events")
    }

    fn named(&self, name: &str) -> String {
        format!("{}:{name}", self.prefix)
    }
}

fn consumer_name(consumer: Consumer) -> String {
    match consumer {
        Consumer::User(id) => format!("user:{id}"),
        Consumer::Key(id) => format!("key:{id}"),
        Consumer::Account(id) => format!("account:{id}"),
    }
}
