//! A provider's bytes in, a client's bytes out.

use bytes::Bytes;
use waybill_model::protocol::StreamFormat;
use waybill_wire::{
    stream::{Limits, Piece, StreamReader},
    translate::{Unreadable, talk::Delta},
};

use crate::dialects::{Decode, Dialect, Encode, context};

/// What is read of a provider's stream, piece by piece.
struct Source {
    format: StreamFormat,
    reader: StreamReader,
    decoder: Box<dyn Decode>,
    pieces: Vec<Piece>,
}

impl Source {
    fn new(provider: &Dialect, format: StreamFormat) -> Self {
        Source {
            format,
            reader: StreamReader::new(format, Limits::default()),
            decoder: (provider.decoder)(),
            pieces: Vec::new(),
        }
    }

    fn feed(&mut self, bytes: &[u8], tell: impl FnMut(&Delta<'_>)) -> Result<(), Unreadable> {
        self.reader
            .feed(Bytes::copy_from_slice(bytes), &mut self.pieces);
        self.pass_on(tell)
    }

    fn finish(mut self, mut tell: impl FnMut(&Delta<'_>)) -> Result<(), Unreadable> {
        self.reader.finish(&mut self.pieces);
        self.pass_on(&mut tell)?;
        let mut deltas = Vec::new();
        self.decoder.finish(&mut deltas)?;
        deltas.iter().for_each(tell);
        Ok(())
    }

    fn pass_on(&mut self, mut tell: impl FnMut(&Delta<'_>)) -> Result<(), Unreadable> {
        for piece in std::mem::take(&mut self.pieces) {
            let text = String::from_utf8(piece.bytes.to_vec()).unwrap();
            for (name, data) in frames(self.format, &text) {
                let mut deltas = Vec::new();
                self.decoder.event(&name, &data, &mut deltas)?;
                deltas.iter().for_each(&mut tell);
            }
        }
        Ok(())
    }
}

/// A stream on its way from one dialect to another.
pub struct Crossing {
    source: Source,
    encoder: Box<dyn Encode>,
    out: Vec<u8>,
}

impl Crossing {
    pub fn new(provider: &Dialect, format: StreamFormat, client: &Dialect) -> Self {
        Crossing {
            source: Source::new(provider, format),
            encoder: (client.encoder)(context()),
            out: Vec::new(),
        }
    }

    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), Unreadable> {
        let Crossing {
            source,
            encoder,
            out,
        } = self;
        source.feed(bytes, |delta| encoder.delta(delta, out))
    }

    /// The client's bytes.
    pub fn finish(self) -> Result<Vec<u8>, Unreadable> {
        let Crossing {
            source,
            mut encoder,
            mut out,
        } = self;
        source.finish(|delta| encoder.delta(delta, &mut out))?;
        Ok(out)
    }
}

/// Everything that a stream says, whatever client it is for.
pub fn said<'a>(
    provider: &Dialect,
    format: StreamFormat,
    chunks: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Vec<Delta<'static>>, Unreadable> {
    let mut all = Vec::new();
    let mut keep = |delta: &Delta<'_>| all.push(crate::generate::owned(delta.clone()));
    let mut source = Source::new(provider, format);
    for chunk in chunks {
        source.feed(chunk, &mut keep)?;
    }
    source.finish(&mut keep)?;
    Ok(all)
}

/// All deltas of a stream.
pub fn decode(dialect: &Dialect, format: StreamFormat, stream: &str) -> Vec<Delta<'static>> {
    let mut decoder = (dialect.decoder)();
    let mut all = Vec::new();
    for (name, data) in frames(format, stream) {
        let mut deltas = Vec::new();
        decoder.event(&name, &data, &mut deltas).unwrap();
        all.extend(deltas.into_iter().map(crate::generate::owned));
    }
    decoder.finish(&mut all).unwrap();
    all
}

/// The frames of whole ones: their names and data.
fn frames(format: StreamFormat, text: &str) -> Vec<(String, String)> {
    match format {
        StreamFormat::GeminiArray => {
            let inside =
                text.trim_matches(|letter: char| letter.is_whitespace() || "[],".contains(letter));
            serde_json::from_str::<Vec<&serde_json::value::RawValue>>(&format!("[{inside}]"))
                .unwrap()
                .into_iter()
                .map(|element| (String::new(), element.get().to_owned()))
                .collect()
        }
        StreamFormat::AnthropicSse
        | StreamFormat::ChatSse
        | StreamFormat::ResponsesSse
        | StreamFormat::GeminiSse => {
            let text = text.replace("\r\n", "\n");
            let frames = text.split("\n\n").map(|frame| {
                let field = |name: &str| {
                    let values = frame.lines().filter_map(|line| line.strip_prefix(name));
                    values
                        .map(|value| value.strip_prefix(' ').unwrap_or(value))
                        .collect::<Vec<_>>()
                        .join("\n")
                };
                (field("event:"), field("data:"))
            });
            frames.filter(|(_, data)| !data.is_empty()).collect()
        }
    }
}
