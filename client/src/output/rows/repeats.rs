//! Whether an object in a JSON text has a key twice: Postgres' `json` keeps both, YAML takes none.

use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// Says so of the text and of all that is in it. A text that is no JSON has none.
pub(super) fn any(json: &str) -> bool {
    match serde_json::from_str::<Single>(json) {
        Ok(Single) => false,
        Err(error) => error.is_data(),
    }
}

/// A value whose objects have each key once.
struct Single;

impl<'de> Deserialize<'de> for Single {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Look)
    }
}

struct Look;

impl<'de> Visitor<'de> for Look {
    type Value = Single;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value whose objects have each key once")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Single, A::Error> {
        let mut keys = HashSet::new();
        while let Some((key, Single)) = map.next_entry::<String, Single>()? {
            if !keys.insert(key) {
                return Err(A::Error::custom("a key stands twice"));
            }
        }
        Ok(Single)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Single, A::Error> {
        while let Some(Single) = elements.next_element()? {}
        Ok(Single)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Single, E> {
        Ok(Single)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Single, E> {
        Ok(Single)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Single, E> {
        Ok(Single)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Single, E> {
        Ok(Single)
    }

    fn visit_str<E>(self, _: &str) -> Result<Single, E> {
        Ok(Single)
    }

    fn visit_unit<E>(self) -> Result<Single, E> {
        Ok(Single)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_any_depth_and_only_in_one_object() {
        for (json, repeats) in [
            (r#"{"a":1,"a":2}"#, true),
            (r#"[{"b":{"a":1,"c":[],"a":null}}]"#, true),
            (r#"{"a":1,"b":{"a":2}}"#, false),
            (r#"{"a":1,"\u0061":2}"#, true),
            ("[1, 2.5e300, \"a\", \"a\", true, null]", false),
            ("no json", false),
        ] {
            assert_eq!(any(json), repeats, "{json}");
        }
    }
}
