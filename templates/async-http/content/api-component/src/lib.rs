//! The HTTP surface of the app, as a component.

guest::serve!(api::answer::<app::App>);
