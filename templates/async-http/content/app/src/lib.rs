//! What clients send, what they get, and the work in between. This crate is yours.

use serde::{Deserialize, Serialize};
use work::{Context, JsonSchema, Sent, Variables, Work, WorkError, schemars};

/// What clients send. Its bounds are what is accepted, and what `/openapi.json` and the page tell.
#[derive(Deserialize, JsonSchema)]
pub struct Input {
    /// What it is about.
    #[schemars(length(min = 1, max = 200))]
    pub title: String,
}

/// What clients get as `result`.
#[derive(Serialize)]
pub struct Output {
    /// How many words the title has.
    pub words: usize,
}

/// The app.
pub struct App;

impl Work for App {
    const COLLECTION: &'static str = "{{collection}}";
    const NAME: &'static str = "{{name}}";
    const EXAMPLE: &'static str = include_str!("../example.json");

    type Input = Input;
    type Output = Output;

    async fn from_variables(_: &mut Variables) -> Self {
        Self
    }

    async fn run(&self, sent: &Sent<Input>, context: &Context) -> Result<Output, WorkError> {
        let input = sent.read()?;
        // Your work. It may run more than once: `context.id()` is the same each time.
        context.set_progress(0.5);
        work::sleep(std::time::Duration::from_millis(500)).await;
        Ok(Output {
            words: input.title.split_whitespace().count(),
        })
    }
}

#[cfg(test)]
mod tests {
    use work::Rules;

    use super::*;

    #[test]
    fn the_example_is_accepted() {
        let read = Rules::of::<App>().read::<App>(App::EXAMPLE.as_bytes());
        assert!(read.is_ok(), "{read:?}");
    }
}
