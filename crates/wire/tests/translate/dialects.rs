//! The dialects there are, as a table of their functions.

use std::{fs, path::PathBuf};

use waybill_model::protocol::StreamFormat;
use waybill_wire::translate::{
    self, Context, Spot, Target, Unreadable, Untranslatable,
    talk::{Answer, Delta, Prompt},
};

use crate::generate::{self, Can};

/// A dialect's row.
pub struct Dialect {
    /// As its module and its folder of fixtures are called.
    pub name: &'static str,
    /// What it can say.
    pub can: Can,
    /// How it streams.
    pub format: StreamFormat,
    /// A model that its providers know.
    pub model: &'static str,
    pub read_prompt: for<'a> fn(&'a str) -> Result<Prompt<'a>, Untranslatable>,
    pub write_prompt: fn(&Prompt<'_>, Target<'_>) -> Result<Vec<u8>, Untranslatable>,
    pub spell: fn(&Spot) -> String,
    pub read_answer: for<'a> fn(&'a str) -> Result<Answer<'a>, Unreadable>,
    pub write_answer: fn(&Answer<'_>, &Context) -> Vec<u8>,
    pub decoder: fn() -> Box<dyn Decode>,
    pub encoder: fn(Context) -> Box<dyn Encode>,
}

/// A reader of a provider's stream.
pub trait Decode {
    fn event<'d>(
        &mut self,
        name: &str,
        data: &'d str,
        out: &mut Vec<Delta<'d>>,
    ) -> Result<(), Unreadable>;
    fn finish(&mut self, out: &mut Vec<Delta<'static>>) -> Result<(), Unreadable>;
}

/// A writer of a client's stream.
pub trait Encode {
    fn delta(&mut self, delta: &Delta<'_>, out: &mut Vec<u8>);
}

/// A row: the module, what it can say, how it streams, a model; what else its encoder wants to know.
macro_rules! dialect {
    ($module:ident, $can:ident, $format:expr, $model:literal $(, $more:expr)?) => {
        impl Decode for translate::$module::Decoder {
            fn event<'d>(&mut self, name: &str, data: &'d str, out: &mut Vec<Delta<'d>>) -> Result<(), Unreadable> {
                self.event(name, data, out)
            }
            fn finish(&mut self, out: &mut Vec<Delta<'static>>) -> Result<(), Unreadable> {
                self.finish(out)
            }
        }
        impl Encode for translate::$module::Encoder {
            fn delta(&mut self, delta: &Delta<'_>, out: &mut Vec<u8>) {
                self.delta(delta, out);
            }
        }
        fn $module() -> Dialect {
            Dialect {
            name: stringify!($module),
            can: generate::$can,
            format: $format,
            model: $model,
            read_prompt: translate::$module::read_prompt,
            write_prompt: translate::$module::write_prompt,
            spell: translate::$module::spell,
            read_answer: translate::$module::read_answer,
            write_answer: translate::$module::write_answer,
            decoder: || Box::<translate::$module::Decoder>::default(),
            encoder: |context| Box::new(translate::$module::Encoder::new(context $(, $more)?)),
            }
        }
    };
}

dialect!(
    messages,
    MESSAGES,
    StreamFormat::AnthropicSse,
    "claude-sonnet-4-6"
);
dialect!(chat, CHAT, StreamFormat::ChatSse, "gpt-5.2");
dialect!(responses, RESPONSES, StreamFormat::ResponsesSse, "gpt-5.2");
dialect!(
    gemini,
    GEMINI,
    StreamFormat::GeminiSse,
    "gemini-3-pro-preview",
    StreamFormat::GeminiSse
);

/// All of them.
pub fn all() -> Vec<Dialect> {
    vec![messages(), chat(), responses(), gemini()]
}

/// Every ordered pair of two.
pub fn pairs(all: &[Dialect]) -> impl Iterator<Item = (&Dialect, &Dialect)> {
    all.iter().flat_map(|one| {
        let others = all.iter().filter(|other| other.name != one.name);
        others.map(move |other| (one, other))
    })
}

impl Dialect {
    /// What a writer of requests for it is told.
    pub fn target(&self) -> Target<'_> {
        Target {
            model: self.model,
            max_tokens: 8_192,
        }
    }

    /// The fixtures of a kind: `request`, `answer` or `stream`; by name, with their extension.
    pub fn fixtures(&self, kind: &str) -> Vec<(String, String)> {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("tests/fixtures")
            .join(self.name)
            .join(kind);
        let mut all = fs::read_dir(&folder)
            .into_iter()
            .flatten()
            .map(|entry| {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                (name, fs::read_to_string(path).unwrap())
            })
            .collect::<Vec<_>>();
        all.sort();
        all
    }
}

/// A request's facts, the same in every test.
pub fn context() -> Context {
    Context {
        request_id: "w7".to_owned(),
        model: "the-clients-model".to_owned(),
        created: 1_767_225_600,
        stream_usage: true,
    }
}
