//! A range of addresses, written `10.0.0.0/8`, `fd00::/8` or as one address.

use std::{fmt, net::IpAddr, str::FromStr};

use super::kind::canonical;

/// A range of IPv4 or IPv6 addresses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Range {
    base: IpAddr,
    bits: u8,
}

/// Why a range cannot be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a range of addresses, such as 10.0.0.0/8 or fd00::/8")]
pub struct NotARange(String);

impl Range {
    /// A range of the table.
    pub(super) const fn new(base: IpAddr, bits: u8) -> Range {
        Range { base, bits }
    }

    /// One address alone.
    pub fn only(address: IpAddr) -> Range {
        let bits = if address.is_ipv4() { 32 } else { 128 };
        Range {
            base: address,
            bits,
        }
    }

    /// Whether `address` lies in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.base, address) {
            (IpAddr::V4(base), IpAddr::V4(address)) => {
                let differ = u32::from(base) ^ u32::from(address);
                differ.checked_shr(32 - u32::from(self.bits)).unwrap_or(0) == 0
            }
            (IpAddr::V6(base), IpAddr::V6(address)) => {
                let differ = u128::from(base) ^ u128::from(address);
                differ.checked_shr(128 - u32::from(self.bits)).unwrap_or(0) == 0
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

impl FromStr for Range {
    type Err = NotARange;

    fn from_str(text: &str) -> Result<Range, NotARange> {
        let bad = || NotARange(text.to_owned());
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let written: IpAddr = address.trim().parse().map_err(|_| bad())?;
        let most = if written.is_ipv4() { 32 } else { 128 };
        let bits: u8 = match bits {
            None => most,
            Some(bits) => bits.trim().parse().map_err(|_| bad())?,
        };
        if bits > most {
            return Err(bad());
        }
        // `::ffff:10.0.0.0/104` is what others write for `10.0.0.0/8`; addresses are judged as IPv4.
        match canonical(written) {
            base if base.is_ipv4() == written.is_ipv4() => Ok(Range { base, bits }),
            base => Ok(Range {
                base,
                bits: bits.checked_sub(96).ok_or_else(bad)?,
            }),
        }
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.base, self.bits)
    }
}
