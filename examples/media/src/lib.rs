//! Two kinds of work in one app: thumbnails of pictures, and transcripts of what is spoken.

use serde::{Deserialize, Serialize};
use work::{Context, JsonSchema, Sent, Variables, Work, WorkError, schemars};

/// What clients send: the member `kind` says which work it is.
#[derive(Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Input {
    /// A small picture of a large one.
    Thumbnail(Thumbnail),
    /// The text of what is spoken.
    Transcript(Transcript),
}

/// How large a small picture is to be.
#[derive(Deserialize, JsonSchema)]
pub struct Thumbnail {
    /// In pixels.
    #[schemars(range(min = 1, max = 4096))]
    width: u32,
    /// In pixels.
    #[schemars(range(min = 1, max = 4096))]
    height: u32,
}

/// Which words to write down.
#[derive(Deserialize, JsonSchema)]
pub struct Transcript {
    /// What is spoken, one sentence after the other.
    #[schemars(length(min = 1, max = 1000))]
    sentences: Vec<String>,
}

/// What clients get as `result`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Output {
    /// How many pixels the small picture has.
    Pixels(u64),
    /// The text.
    Text(String),
}

/// The app.
pub struct App;

impl Work for App {
    const COLLECTION: &'static str = "jobs";
    const NAME: &'static str = "job";
    const EXAMPLE: &'static str = include_str!("../example.json");

    type Input = Input;
    type Output = Output;

    async fn from_variables(_: &mut Variables) -> Self {
        Self
    }

    async fn run(&self, sent: &Sent<Input>, context: &Context) -> Result<Output, WorkError> {
        match sent.read()? {
            Input::Thumbnail(thumbnail) => Ok(thumbnail.draw()),
            Input::Transcript(transcript) => Ok(transcript.write(context).await),
        }
    }
}

impl Thumbnail {
    fn draw(&self) -> Output {
        Output::Pixels(u64::from(self.width) * u64::from(self.height))
    }
}

impl Transcript {
    async fn write(&self, context: &Context) -> Output {
        let mut text = String::new();
        for (number, sentence) in (1_u32..).zip(&self.sentences) {
            if context.is_cancelled() {
                break;
            }
            text.push_str(sentence);
            text.push('\n');
            context.set_progress(f64::from(number) / self.sentences.len() as f64);
            // Others have a turn, and the lease is renewed.
            context.pause().await;
        }
        Output::Text(text)
    }
}

#[cfg(test)]
mod tests {
    use work::Rules;

    use super::*;

    fn is_accepted(json: &str) -> bool {
        Rules::of::<App>().read::<App>(json.as_bytes()).is_ok()
    }

    #[test]
    fn either_kind_is_accepted_and_no_other() {
        assert!(is_accepted(App::EXAMPLE));
        assert!(is_accepted(r#"{"kind": "transcript", "sentences": ["Hello."]}"#));
        for json in [
            r#"{"kind": "film"}"#,
            r#"{"kind": "thumbnail", "width": 0, "height": 1}"#,
            r#"{"sentences": ["Hello."]}"#,
        ] {
            assert!(!is_accepted(json), "`{json}`");
        }
    }
}
