//! Embeddings of OpenAI and Gemini: unit vectors that depend on the text alone.

use crate::{
    ask::Ask,
    json::{Json, obj},
    seed::Seed,
    words::tokens,
};

/// `POST /v1/embeddings`.
pub fn openai(ask: &Ask) -> Json {
    let data: Vec<Json> = ask
        .inputs
        .iter()
        .enumerate()
        .map(|(index, text)| {
            let vector = vector(text, ask.dimensions);
            if ask.base64 {
                obj! { "object": "embedding", "index": index, "embedding": base64_floats(&vector) }
            } else {
                obj! { "object": "embedding", "index": index, "embedding": vector }
            }
        })
        .collect();
    let count: u64 = ask.inputs.iter().map(|text| tokens(text)).sum();
    obj! {
        "object": "list",
        "data": data,
        "model": ask.model,
        "usage": obj! { "prompt_tokens": count, "total_tokens": count },
    }
}

/// `…:embedContent` and `…:batchEmbedContents`.
pub fn gemini(ask: &Ask, batch: bool) -> Json {
    let mut all: Vec<Json> = ask
        .inputs
        .iter()
        .map(|text| obj! { "values": vector(text, ask.dimensions) })
        .collect();
    match all.pop() {
        Some(only) if !batch => obj! { "embedding": only },
        last => {
            all.extend(last);
            obj! { "embeddings": all }
        }
    }
}

fn vector(text: &str, dimensions: usize) -> Vec<f32> {
    let mut seed = Seed::of(&[text]);
    let raw: Vec<f64> = (0..dimensions).map(|_| seed.unit() - 0.5).collect();
    let length = raw.iter().map(|x| x * x).sum::<f64>().sqrt();
    raw.iter().map(|x| (x / length) as f32).collect()
}

/// Little-endian floats in base64, as the OpenAI SDKs ask for them by default.
fn base64_floats(vector: &[f32]) -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let bytes: Vec<u8> = vector.iter().flat_map(|x| x.to_le_bytes()).collect();
    STANDARD.encode(bytes)
}
