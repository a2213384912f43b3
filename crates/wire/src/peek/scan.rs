//! A walk over one JSON document: checks all of it, keeps none of it.
//!
//! Promises: accepts the JSON grammar and nothing else; one pass, no allocation, no recursion but into
//! what the caller asks to see the inside of, and it sees the nesting, which a derived reader that
//! ignores what it does not need does not.
//!
//! Must not know: what members mean.

use std::ops::Range;

/// Arrays and objects inside each other, the outermost included. A full parser reads as many, so no
/// later reader of the body meets one that it cannot.
pub(super) const MAX_NESTING: u32 = 127;

/// What is wrong, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fault {
    pub offset: usize,
    pub what: &'static str,
}

/// A place in the text. A caller that is handed a scanner at a value takes exactly that value from it:
/// with [`Scanner::value`], [`Scanner::members`] or [`Scanner::items`].
pub(super) struct Scanner<'a> {
    json: &'a [u8],
    at: usize,
    /// Arrays and objects around this place that the caller looks into.
    around: u32,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Scanner {
            json: text.as_bytes(),
            at: 0,
            around: 0,
        }
    }

    /// The one object that the text is. See [`Scanner::members`].
    pub(super) fn object(
        mut self,
        member: impl FnMut(&mut Self, Range<usize>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        if self.next() != Some(b'{') {
            return self.fault("an object was expected");
        }
        self.members(member)?;
        self.white();
        match self.at == self.json.len() {
            true => Ok(()),
            false => self.fault("nothing was expected after the object"),
        }
    }

    /// The first byte of what comes next.
    pub(super) fn next(&mut self) -> Option<u8> {
        self.white();
        self.byte()
    }

    /// Calls `member` at every value of an object, with the span of its key (quotes included). The
    /// answer is the object's own span.
    pub(super) fn members(
        &mut self,
        mut member: impl FnMut(&mut Self, Range<usize>) -> Result<(), Fault>,
    ) -> Result<Range<usize>, Fault> {
        self.inside(b'{', "`,` or `}` was expected", |this| {
            let key = this.key()?;
            member(this, key)
        })
    }

    /// Calls `item` at every value of an array. The answer is the array's own span.
    pub(super) fn items(
        &mut self,
        item: impl FnMut(&mut Self) -> Result<(), Fault>,
    ) -> Result<Range<usize>, Fault> {
        self.inside(b'[', "`,` or `]` was expected", item)
    }

    /// Calls `part` at every part of the array or object that begins here.
    fn inside(
        &mut self,
        bracket: u8,
        missing: &'static str,
        mut part: impl FnMut(&mut Self) -> Result<(), Fault>,
    ) -> Result<Range<usize>, Fault> {
        self.white();
        let start = self.at;
        self.expect(bracket, "a value was expected")?;
        self.around += 1;
        self.white();
        if !self.eat(bracket + 2) {
            loop {
                part(self)?;
                self.white();
                if self.eat(bracket + 2) {
                    break;
                }
                self.expect(b',', missing)?;
            }
        }
        self.around -= 1;
        Ok(start..self.at)
    }

    /// A key and its colon.
    fn key(&mut self) -> Result<Range<usize>, Fault> {
        self.white();
        let start = self.at;
        if self.byte() != Some(b'"') {
            return self.fault("a quoted key was expected");
        }
        self.string()?;
        let span = start..self.at;
        self.white();
        self.expect(b':', "`:` was expected")?;
        Ok(span)
    }

    /// A value of any depth, and its span.
    pub(super) fn value(&mut self) -> Result<Range<usize>, Fault> {
        self.white();
        let start = self.at;
        let mut open = Open::default();
        let room = MAX_NESTING.saturating_sub(self.around);
        loop {
            self.white();
            match self.byte() {
                Some(b'"') => self.string()?,
                Some(b'-' | b'0'..=b'9') => self.number()?,
                Some(b't') => self.word(b"true")?,
                Some(b'f') => self.word(b"false")?,
                Some(b'n') => self.word(b"null")?,
                Some(bracket @ (b'[' | b'{')) => {
                    if !open.push(bracket == b'{', room) {
                        return self.fault("arrays and objects are nested more than 127 deep");
                    }
                    self.at += 1;
                    self.white();
                    if self.byte() != Some(bracket + 2) {
                        if bracket == b'{' {
                            self.key()?;
                        }
                        continue;
                    }
                }
                _ => return self.fault("a value was expected"),
            }
            // A value ended, or an empty array or object is about to.
            loop {
                let Some(in_object) = open.top() else {
                    return Ok(start..self.at);
                };
                self.white();
                match (self.byte(), in_object) {
                    (Some(b'}'), true) | (Some(b']'), false) => {
                        self.at += 1;
                        open.pop();
                    }
                    (Some(b','), true) => {
                        self.at += 1;
                        self.key()?;
                        break;
                    }
                    (Some(b','), false) => {
                        self.at += 1;
                        break;
                    }
                    (_, true) => return self.fault("`,` or `}` was expected"),
                    (_, false) => return self.fault("`,` or `]` was expected"),
                }
            }
        }
    }

    /// A string, from its opening quote on.
    fn string(&mut self) -> Result<(), Fault> {
        self.at += 1;
        loop {
            self.at = plain_end(self.json, self.at);
            match self.byte() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => self.escape()?,
                Some(_) => return self.fault("a control character must be escaped in a string"),
                None => return self.fault("a string is not closed"),
            }
        }
    }

    fn escape(&mut self) -> Result<(), Fault> {
        let length = match self.json.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 2,
            Some(b'u') => match self.json.get(self.at + 2..self.at + 6) {
                Some(digits) if digits.iter().all(u8::is_ascii_hexdigit) => 6,
                _ => return self.fault("four hexadecimal digits were expected after `\\u`"),
            },
            _ => return self.fault("there is no such escape"),
        };
        self.at += length;
        Ok(())
    }

    fn number(&mut self) -> Result<(), Fault> {
        self.eat(b'-');
        if !self.eat(b'0') {
            self.digits()?;
        }
        if self.eat(b'.') {
            self.digits()?;
        }
        if self.eat(b'e') || self.eat(b'E') {
            let _ = self.eat(b'+') || self.eat(b'-');
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Fault> {
        let start = self.at;
        while self.byte().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if start == self.at {
            self.fault("a digit was expected")
        } else {
            Ok(())
        }
    }

    fn word(&mut self, word: &[u8]) -> Result<(), Fault> {
        if !self.json[self.at..].starts_with(word) {
            return self.fault("a value was expected");
        }
        self.at += word.len();
        Ok(())
    }

    fn white(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.byte() {
            self.at += 1;
        }
    }

    fn byte(&self) -> Option<u8> {
        self.json.get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.byte() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, byte: u8, what: &'static str) -> Result<(), Fault> {
        if self.eat(byte) {
            Ok(())
        } else {
            self.fault(what)
        }
    }

    fn fault<T>(&self, what: &'static str) -> Result<T, Fault> {
        Err(Fault {
            offset: self.at.min(self.json.len()),
            what,
        })
    }
}

/// The arrays (0) and objects (1) that are open, the innermost in the lowest bit, below a mark.
struct Open(u128);

impl Default for Open {
    fn default() -> Self {
        Open(1)
    }
}

impl Open {
    /// Whether there is room: at most `most` (below 128) may be open.
    fn push(&mut self, is_object: bool, most: u32) -> bool {
        let room = u128::BITS - 1 - self.0.leading_zeros() < most;
        if room {
            self.0 = self.0 << 1 | u128::from(is_object);
        }
        room
    }

    fn pop(&mut self) {
        self.0 >>= 1;
    }

    fn top(&self) -> Option<bool> {
        (self.0 != 1).then_some(self.0 & 1 == 1)
    }
}

/// The first byte from `at` on that a string cannot simply contain: quote, backslash or control
/// character; eight at a time. In each lane a borrow can only reach lanes above one that already
/// matched, so the lowest match is always true.
fn plain_end(json: &[u8], mut at: usize) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = ONES << 7;
    const fn is_zero(lanes: u64) -> u64 {
        lanes.wrapping_sub(ONES) & !lanes
    }
    while let Some(eight) = json.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let lanes = u64::from_le_bytes(*eight);
        let control = lanes.wrapping_sub(ONES * 0x20) & !lanes;
        let quote = is_zero(lanes ^ (ONES * 0x22));
        let backslash = is_zero(lanes ^ (ONES * 0x5c));
        let found = (control | quote | backslash) & HIGHS;
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    while json
        .get(at)
        .is_some_and(|byte| !matches!(byte, b'"' | b'\\' | 0..0x20))
    {
        at += 1;
    }
    at
}
