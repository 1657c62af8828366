//! Quality values (RFC 9110 §12.4.2): how much a client likes each of what it takes.

/// The weight that a list, such as `Accept` is, gives to `name`: 0 if it refuses it, `None` if it
/// does not name it. Names compare without case; of several the first counts.
pub fn of(list: &str, name: &str) -> Option<f32> {
    list.split(',').find_map(|element| {
        let mut parts = element.split(';').map(str::trim);
        let is_named = parts.next()?.eq_ignore_ascii_case(name);
        is_named.then(|| parts.find_map(quality).unwrap_or(1.0))
    })
}

/// The value of a parameter `q`. What is no weight says nothing.
fn quality(parameter: &str) -> Option<f32> {
    let (name, value) = parameter.split_once('=')?;
    let weight = value.trim().parse().ok()?;
    (name.trim().eq_ignore_ascii_case("q") && (0.0..=1.0).contains(&weight)).then_some(weight)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_the_weight_that_it_is_given() {
        for (list, weight) in [
            ("gzip", Some(1.0)),
            ("br, GZip ; Q=0.5", Some(0.5)),
            ("gzip;level=9;q=0", Some(0.0)),
            ("gzip;q=0.000, gzip", Some(0.0)),
            ("gzip;q=2", Some(1.0)),
            ("gzip;q=soon", Some(1.0)),
            ("gzipped", None),
            ("", None),
        ] {
            assert_eq!(of(list, "gzip"), weight, "`{list}`");
        }
    }
}
