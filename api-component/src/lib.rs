//! The HTTP surface of the app, as a component.

guest::serve!(api::answer::<orders::App>);
