//! The trigger of the app's work, as a component.

guest::serve!(processor::answer::<app::App>);
