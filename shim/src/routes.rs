//! Which component a path belongs to. Private routes are not here: no path leads to them.

use std::fmt;

/// The public routes of an app.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Routes {
    /// The longest first, and before a wildcard the exact route of the same length, so that the
    /// first match is the best.
    routes: Vec<Route>,
}

/// One public route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    pattern: Pattern,
    /// The component that serves it.
    pub component: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Pattern {
    Exact(String),
    /// The part before `/...`.
    Prefix(String),
}

impl Route {
    /// Reads a route as the manifest writes it, or says what is wrong with it.
    pub(crate) fn parse(route: &str, component: String) -> Result<Self, &'static str> {
        if !route.starts_with('/') {
            return Err("does not start with `/`; add it");
        }
        let (pattern, fixed): (fn(String) -> Pattern, &str) = match route
            .strip_suffix("/...")
            .or_else(|| route.strip_suffix("/*"))
        {
            Some(prefix) => (Pattern::Prefix, prefix),
            None => (Pattern::Exact, route),
        };
        if fixed.contains(['*', ':']) || fixed.contains("...") {
            return Err(
                "has a wildcard before its end, which this host does not know; end it in `/...`",
            );
        }
        let fixed = fixed.strip_suffix('/').unwrap_or(fixed);
        Ok(Self {
            pattern: pattern(fixed.to_owned()),
            component,
        })
    }

    fn matches(&self, path: &str) -> bool {
        // As in Spin, one slash at the end makes no difference.
        let path = path.strip_suffix('/').unwrap_or(path);
        match &self.pattern {
            Pattern::Exact(exact) => path == exact,
            Pattern::Prefix(prefix) => path
                .strip_prefix(prefix.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
        }
    }

    fn rank(&self) -> (usize, bool) {
        match &self.pattern {
            Pattern::Exact(exact) => (exact.len(), true),
            Pattern::Prefix(prefix) => (prefix.len(), false),
        }
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.pattern {
            Pattern::Exact(exact) if exact.is_empty() => f.write_str("/"),
            Pattern::Exact(exact) => f.write_str(exact),
            Pattern::Prefix(prefix) => write!(f, "{prefix}/..."),
        }
    }
}

impl Routes {
    /// Adds a route, or returns the one that already has its pattern.
    pub(crate) fn add(&mut self, route: Route) -> Result<(), &Route> {
        let twin = self
            .routes
            .iter()
            .position(|other| other.pattern == route.pattern);
        if let Some(twin) = twin {
            return Err(&self.routes[twin]);
        }
        self.routes.push(route);
        self.routes
            .sort_by_key(|route| std::cmp::Reverse(route.rank()));
        Ok(())
    }

    /// The route that serves `path`, if one does.
    pub fn find(&self, path: &str) -> Option<&Route> {
        self.routes.iter().find(|route| route.matches(path))
    }

    /// Every route, the most specific first.
    pub fn iter(&self) -> impl Iterator<Item = &Route> {
        self.routes.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(patterns: &[&str]) -> Routes {
        let mut routes = Routes::default();
        for pattern in patterns {
            let route = Route::parse(pattern, (*pattern).to_owned()).expect("a valid route");
            routes.add(route).expect("no twin");
        }
        routes
    }

    fn found<'a>(routes: &'a Routes, path: &str) -> Option<&'a str> {
        routes.find(path).map(|route| route.component.as_str())
    }

    #[test]
    fn a_wildcard_takes_every_path_below_it_and_itself() {
        let routes = routes(&["/...", "/shop/..."]);
        assert_eq!(found(&routes, "/"), Some("/..."));
        assert_eq!(found(&routes, "/shopping"), Some("/..."));
        assert_eq!(found(&routes, "/shop"), Some("/shop/..."));
        assert_eq!(found(&routes, "/shop/cart/1"), Some("/shop/..."));
    }

    #[test]
    fn an_exact_route_wins_over_a_wildcard_and_takes_only_itself() {
        let routes = routes(&["/shop/...", "/shop"]);
        assert_eq!(found(&routes, "/shop"), Some("/shop"));
        assert_eq!(found(&routes, "/shop/"), Some("/shop"));
        assert_eq!(found(&routes, "/shop/cart"), Some("/shop/..."));
        assert_eq!(found(&routes, "/"), None);
    }

    #[test]
    fn the_root_alone_can_be_a_route() {
        let routes = routes(&["/"]);
        assert_eq!(found(&routes, "/"), Some("/"));
        assert_eq!(found(&routes, "/else"), None);
    }

    #[test]
    fn unsupported_patterns_and_twins_are_refused() {
        assert!(Route::parse("shop", String::new()).is_err());
        assert!(Route::parse("/users/:id", String::new()).is_err());
        assert!(Route::parse("/*/x", String::new()).is_err());
        let mut routes = routes(&["/shop/..."]);
        let twin = Route::parse("/shop/*", "other".to_owned()).expect("a valid route");
        assert_eq!(routes.add(twin).expect_err("a twin").component, "/shop/...");
    }
}
