//! What the operating system says of this process, under the names that Prometheus' own clients use.
//!
//! Promises: what cannot be read is left out.

use super::{family::Families, table};

/// Reads `/proc/self`.
pub fn families(families: &mut Families) {
    if let Some(stat) = read("stat").as_deref().and_then(Stat::parse) {
        let per_second = rustix::param::clock_ticks_per_second().max(1) as f64;
        families.one(&table::CPU, stat.ticks as f64 / per_second);
        families.one(&table::VIRTUAL, stat.virtual_bytes);
        let page = rustix::param::page_size() as u64;
        families.one(&table::RESIDENT, stat.resident_pages.saturating_mul(page));
    }
    if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
        // The folder that is being read is among them.
        families.one(&table::OPEN_FDS, open.count().saturating_sub(1));
    }
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    if let Some(most) = limit.current {
        families.one(&table::MAX_FDS, most);
    }
}

fn read(name: &str) -> Option<String> {
    std::fs::read_to_string(format!("/proc/self/{name}")).ok()
}

struct Stat {
    /// User and system.
    ticks: u64,
    virtual_bytes: u64,
    resident_pages: u64,
}

impl Stat {
    /// The fields behind the name, which is in parentheses and may hold anything (proc(5)).
    fn parse(line: &str) -> Option<Stat> {
        let (_, fields) = line.rsplit_once(") ")?;
        let fields: Vec<&str> = fields.split_whitespace().collect();
        // The third field of the line is the first here.
        let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
        Some(Stat {
            ticks: number(14)? + number(15)?,
            virtual_bytes: number(23)?,
            resident_pages: number(24)?,
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::Stat;

    #[test]
    fn a_name_with_parentheses_does_not_shift_the_fields() {
        let mut fields: Vec<String> = (3..=52).map(|field| field.to_string()).collect();
        fields[0] = "S".to_owned();
        let stat = Stat::parse(&format!("1 (a) b) {}", fields.join(" "))).unwrap();
        assert_eq!(
            (stat.ticks, stat.virtual_bytes, stat.resident_pages),
            (29, 23, 24)
        );
    }
}
