//! Compresses an answer; a stream is flushed after every piece, so that each arrives when it was sent.

use async_compression::tokio::write::{BrotliEncoder, GzipEncoder, ZlibEncoder, ZstdEncoder};
use bytes::Bytes;
use http::{HeaderValue, header};
use tokio::io::{AsyncWrite, AsyncWriteExt};

use crate::{body::Step, fault::Encoding, outgoing::Outgoing};

/// Compresses the body and says so in the head.
pub async fn compress(out: &mut Outgoing, encoding: Encoding) {
    let steps = std::mem::take(&mut out.steps);
    let name = match encoding {
        Encoding::Gzip => "gzip",
        Encoding::Deflate => "deflate",
        Encoding::Br => "br",
        Encoding::Zstd => "zstd",
    };
    out.steps = match encoding {
        Encoding::Gzip => through(GzipEncoder::new(Vec::new()), GzipEncoder::get_mut, steps).await,
        Encoding::Deflate => {
            through(ZlibEncoder::new(Vec::new()), ZlibEncoder::get_mut, steps).await
        }
        Encoding::Br => {
            through(
                BrotliEncoder::new(Vec::new()),
                BrotliEncoder::get_mut,
                steps,
            )
            .await
        }
        Encoding::Zstd => through(ZstdEncoder::new(Vec::new()), ZstdEncoder::get_mut, steps).await,
    };
    out.headers
        .insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
    // A stated length would be that of the plain bytes.
    out.headers.remove(header::CONTENT_LENGTH);
}

async fn through<E: AsyncWrite + Unpin>(
    mut encoder: E,
    output: fn(&mut E) -> &mut Vec<u8>,
    steps: Vec<Step>,
) -> Vec<Step> {
    const NEVER: &str = "writing to memory does not fail";
    let mut done = Vec::with_capacity(steps.len() + 1);
    let mut whole = true;
    for step in steps {
        let (piece, times) = match step {
            Step::Send(piece) => (piece, 1),
            Step::Repeat(piece, times) => (piece, times),
            other => {
                whole &= matches!(other, Step::Pause(_));
                done.push(other);
                continue;
            }
        };
        for _ in 0..times {
            encoder.write_all(&piece).await.expect(NEVER);
            encoder.flush().await.expect(NEVER);
            done.push(Step::Send(Bytes::from(std::mem::take(output(
                &mut encoder,
            )))));
        }
    }
    // A body that breaks off has no end of the compressed stream either.
    if whole {
        encoder.shutdown().await.expect(NEVER);
        done.push(Step::Send(Bytes::from(std::mem::take(output(
            &mut encoder,
        )))));
    }
    done
}
