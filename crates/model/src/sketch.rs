//! A distribution of durations that can be added up: how many fell into which of a fixed set of ranges.
//!
//! Numbers below 128 are counted exactly. Above, each power of two is cut into 64 ranges, and a range stands for
//! the number in its middle: whatever is read from a sketch is within [`MOST_ERROR_PER_MILLE`] of what was put in.
//! The ranges are the same everywhere, so that sketches of parts make up the sketch of the whole by addition alone,
//! in any order, and nothing is lost by it.
//!
//! Promises: pure, whole numbers only; bytes that are no sketch are refused. Must not know: what is measured.

#[cfg(test)]
mod tests;

/// How far a number that is read may be from the one that was put in, in thousandths of it: half of a 64th.
pub const MOST_ERROR_PER_MILLE: u64 = 8;

/// Numbers below this are exact.
const EXACT: u64 = 128;

/// Ranges per power of two.
const PER_POWER: u64 = 64;

/// Bits of a number that tell ranges of one power apart.
const BITS: u32 = 6;

/// The last range: that of `u64::MAX`.
const LAST: u64 = EXACT + (63 - 7) * PER_POWER + (PER_POWER - 1);

/// The form that is written.
const VERSION: u8 = 1;

/// Counts by range, and what is exact: count, sum, least and greatest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sketch {
    /// Ranges with something in them, in order.
    ranges: Vec<(u16, u64)>,
    count: u64,
    sum: u64,
    /// Of nothing: 0.
    min: u64,
    max: u64,
}

/// Bytes that are no sketch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("these bytes are no sketch")]
pub struct BadSketch;

impl Sketch {
    /// Puts a number in.
    pub fn add(&mut self, value: u64) {
        self.min = match self.count {
            0 => value,
            _ => self.min.min(value),
        };
        self.max = self.max.max(value);
        self.count += 1;
        self.sum = self.sum.saturating_add(value);
        let range = range_of(value);
        match self.ranges.binary_search_by_key(&range, |(at, _)| *at) {
            Ok(at) => self.ranges[at].1 += 1,
            Err(at) => self.ranges.insert(at, (range, 1)),
        }
    }

    /// Adds another one: as if all of its numbers had been put in here.
    pub fn merge(&mut self, other: &Sketch) {
        if other.is_empty() {
            return;
        }
        self.min = match self.count {
            0 => other.min,
            _ => self.min.min(other.min),
        };
        self.max = self.max.max(other.max);
        self.count = self.count.saturating_add(other.count);
        self.sum = self.sum.saturating_add(other.sum);
        if self.ranges.is_empty() {
            self.ranges.clone_from(&other.ranges);
            return;
        }
        let mut merged = Vec::with_capacity(self.ranges.len() + other.ranges.len());
        let mut own = self.ranges.iter().copied().peekable();
        for &(range, count) in &other.ranges {
            while let Some(before) = own.next_if(|(at, _)| *at < range) {
                merged.push(before);
            }
            let same = own.next_if(|(at, _)| *at == range);
            merged.push((
                range,
                count.saturating_add(same.map_or(0, |(_, count)| count)),
            ));
        }
        merged.extend(own);
        self.ranges = merged;
    }

    /// How many numbers were put in.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Whether none was.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Their sum, exact.
    pub fn sum(&self) -> u64 {
        self.sum
    }

    /// The least, exact.
    pub fn min(&self) -> Option<u64> {
        (!self.is_empty()).then_some(self.min)
    }

    /// The greatest, exact.
    pub fn max(&self) -> Option<u64> {
        (!self.is_empty()).then_some(self.max)
    }

    /// Their mean, rounded down.
    pub fn mean(&self) -> Option<u64> {
        self.sum.checked_div(self.count)
    }

    /// The least number that at least so many thousandths of all do not exceed, within
    /// [`MOST_ERROR_PER_MILLE`]: 500 is the median.
    pub fn quantile(&self, per_mille: u64) -> Option<u64> {
        let rank = u128::from(self.count) * u128::from(per_mille.min(1_000));
        let rank = rank.div_ceil(1_000).max(1);
        let mut passed: u128 = 0;
        for &(range, count) in &self.ranges {
            passed += u128::from(count);
            if passed >= rank {
                return Some(middle_of(range).clamp(self.min, self.max));
            }
        }
        None
    }

    /// How many numbers do not exceed a bound. Those in the bound's own range count all or not at all, as the
    /// range's middle says: the answer is exact for a bound within [`MOST_ERROR_PER_MILLE`] of the one given.
    pub fn at_most(&self, bound: u64) -> u64 {
        if bound >= self.max {
            return self.count;
        }
        let within = self.ranges.iter();
        let within = within.take_while(|(range, _)| middle_of(*range) <= bound);
        within.map(|(_, count)| count).sum()
    }

    /// How many numbers do not exceed the first of some rising ends, how many do but not the second, and so on; the
    /// last are beyond all of them. Each is where the middle of its range is, which says the same of a part as of the
    /// whole: spreads of parts add up. ([`Sketch::at_most`] makes use of the greatest number, and does not.)
    pub fn spread(&self, ends: &[u64]) -> Vec<u64> {
        let mut counts = vec![0; ends.len() + 1];
        for (range, count) in &self.ranges {
            let middle = middle_of(*range);
            counts[ends.partition_point(|end| *end < middle)] += count;
        }
        counts
    }

    /// The numbers that ranges stand for, and how many are in each, in order.
    pub fn ranges(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        let ranges = self.ranges.iter();
        ranges.map(|(range, count)| (middle_of(*range).clamp(self.min, self.max), *count))
    }

    /// As bytes; nothing is none.
    pub fn to_bytes(&self) -> Vec<u8> {
        if self.is_empty() {
            return Vec::new();
        }
        let mut out = Vec::with_capacity(16 + self.ranges.len() * 3);
        out.push(VERSION);
        for number in [self.min, self.max, self.sum] {
            put(&mut out, number);
        }
        let mut last = 0;
        for &(range, count) in &self.ranges {
            put(&mut out, u64::from(range - last));
            put(&mut out, count);
            last = range;
        }
        out
    }

    /// From bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Sketch, BadSketch> {
        let mut rest = bytes;
        if rest.is_empty() {
            return Ok(Sketch::default());
        }
        if take_byte(&mut rest)? != VERSION {
            return Err(BadSketch);
        }
        let (min, max, sum) = (take(&mut rest)?, take(&mut rest)?, take(&mut rest)?);
        let mut sketch = Sketch {
            // Two bytes for most ranges.
            ranges: Vec::with_capacity(rest.len() / 2),
            min,
            max,
            sum,
            count: 0,
        };
        let mut last = 0;
        while !rest.is_empty() {
            let (step, count) = (take(&mut rest)?, take(&mut rest)?);
            let is_first = sketch.ranges.is_empty();
            let range: u64 = step.checked_add(last).ok_or(BadSketch)?;
            if range > LAST || count == 0 || (step == 0 && !is_first) {
                return Err(BadSketch);
            }
            last = range;
            let range = u16::try_from(range).map_err(|_| BadSketch)?;
            sketch.count = sketch.count.checked_add(count).ok_or(BadSketch)?;
            sketch.ranges.push((range, count));
        }
        let ends = (sketch.ranges.first(), sketch.ranges.last());
        match ends {
            (Some(first), Some(last)) if range_of(min) == first.0 && range_of(max) == last.0 => {
                Ok(sketch)
            }
            _ => Err(BadSketch),
        }
    }
}

fn range_of(value: u64) -> u16 {
    let range = if value < EXACT {
        value
    } else {
        let power = u64::from(63 - value.leading_zeros());
        let within = (value >> (power - u64::from(BITS))) - PER_POWER;
        EXACT + (power - 7) * PER_POWER + within
    };
    // No range is beyond `LAST`.
    u16::try_from(range).unwrap_or(u16::MAX)
}

fn middle_of(range: u16) -> u64 {
    let range = u64::from(range);
    if range < EXACT {
        return range;
    }
    let (power, within) = (
        (range - EXACT) / PER_POWER + 7,
        (range - EXACT) % PER_POWER + PER_POWER,
    );
    let width = 1_u64 << (power - u64::from(BITS));
    within * width + (width - 1) / 2
}

/// Seven bits at a time, the lowest first.
fn put(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn take(rest: &mut &[u8]) -> Result<u64, BadSketch> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = take_byte(rest)?;
        let bits = u64::from(byte & 0x7f);
        if shift == 63 && bits > 1 {
            return Err(BadSketch);
        }
        number |= bits << shift;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(BadSketch)
}

fn take_byte(rest: &mut &[u8]) -> Result<u8, BadSketch> {
    let (byte, after) = rest.split_first().ok_or(BadSketch)?;
    *rest = after;
    Ok(*byte)
}
