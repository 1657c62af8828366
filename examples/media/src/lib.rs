//! Two kinds of work in one app: thumbnails of pictures, and transcripts of what is spoken.

use std::cell::Cell;
use std::rc::Rc;

use serde::{Deserialize, Serialize};
use work::{Context, HttpRequest, JsonSchema, Sent, Variables, Work, WorkError, schemars};

/// What clients send: the member `kind` says which work it is.
#[derive(Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Input {
    /// A small picture of a large one.
    Thumbnail(Thumbnail),
    /// The text of what is spoken.
    Transcript(Transcript),
}

/// Which picture, and how small.
#[derive(Deserialize, JsonSchema)]
pub struct Thumbnail {
    /// The picture's number in the storage: grey, a byte a pixel.
    #[schemars(range(min = 1))]
    picture: u32,
    /// Of how many pixels one is taken.
    #[schemars(range(min = 1, max = 64))]
    step: u32,
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
    /// Where the small picture is.
    Place(String),
    /// The text.
    Text(String),
}

/// The app: pictures are in the storage at this URL.
pub struct App(String);

impl Work for App {
    const COLLECTION: &'static str = "jobs";
    const NAME: &'static str = "job";
    const EXAMPLE: &'static str = include_str!("../example.json");

    type Input = Input;
    type Output = Output;

    async fn from_variables(variables: &mut Variables) -> Self {
        Self(variables.http_url("service_url").await)
    }

    async fn run(&self, sent: &Sent<Input>, context: &Context) -> Result<Output, WorkError> {
        match sent.read()? {
            Input::Thumbnail(thumbnail) => thumbnail.draw(&self.0, context).await,
            Input::Transcript(transcript) => Ok(transcript.write(context).await),
        }
    }
}

impl Thumbnail {
    /// Sends pixels on while the picture comes in, so that neither is ever in memory as a whole.
    async fn draw(&self, storage: &str, context: &Context) -> Result<Output, WorkError> {
        let picture = HttpRequest::get(format!("{storage}/pictures/{}", self.picture)).send();
        let picture = picture.await.map_err(WorkError::retryable)?;
        match picture.status() {
            200 => {}
            404 => return Err(WorkError::permanent("there is no such picture")),
            status => {
                let message = format!("the picture was answered with `{status}`");
                return Err(WorkError::retryable(message));
            }
        }
        let mut picture = picture
            .into_reader()
            .map_err(|_| WorkError::retryable("the picture has no body"))?;
        let (step, is_whole) = (self.step as usize, Rc::new(Cell::new(false)));
        let says_whole = is_whole.clone();
        let place = format!("/thumbnails/{}", context.id());
        let upload = HttpRequest::new("PUT", format!("{storage}{place}"))
            .header("content-type", "application/octet-stream")
            .stream(move |mut writer| async move {
                let mut skipped = 0;
                while let Ok(piece) = picture.read().await {
                    let Some(pixels) = piece else {
                        return says_whole.set(true);
                    };
                    let first = (step - skipped) % step;
                    let taken: Vec<_> = pixels.iter().copied().skip(first).step_by(step).collect();
                    skipped = (skipped + pixels.len()) % step;
                    if !taken.is_empty() && !writer.write(taken).await {
                        return;
                    }
                }
            });
        let answer = upload.send().await.map_err(WorkError::retryable)?;
        // What was put in place of a picture that broke off is put again by the next attempt.
        if is_whole.get() && answer.status() < 300 {
            Ok(Output::Place(place))
        } else {
            Err(WorkError::retryable("the picture was not put as a whole")
                .with_details(&serde_json::json!({"status": answer.status()})))
        }
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
            r#"{"kind": "thumbnail", "picture": 1, "step": 0}"#,
            r#"{"sentences": ["Hello."]}"#,
        ] {
            assert!(!is_accepted(json), "`{json}`");
        }
    }
}
