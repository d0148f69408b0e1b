//! The name that a person typed to say "yes, this one".

use super::error::Error;

/// A name to be compared, if there is one: who asks without it has decided already.
#[derive(Clone, Debug, Default)]
pub struct Confirm(Option<String>);

impl Confirm {
    /// With what was typed.
    #[must_use]
    pub fn new(typed: Option<String>) -> Self {
        Self(typed)
    }

    /// The add-on's name is always right; so is the name of a part that goes away, as people who
    /// come from the existing client type it.
    pub(super) fn check(&self, addon: &str, part: Option<&str>) -> Result<(), Error> {
        match &self.0 {
            Some(typed) if typed != addon && Some(typed.as_str()) != part => {
                Err(Error::NotConfirmed { addon: addon.to_owned() })
            }
            Some(_) | None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_names_of_what_is_meant_are_right() {
        let confirm = |typed: Option<&str>| Confirm::new(typed.map(str::to_owned));
        let addon = "borealis-pg-hex-12345";
        assert!(confirm(None).check(addon, None).is_ok());
        assert!(confirm(Some(addon)).check(addon, None).is_ok());
        assert!(confirm(Some(addon)).check(addon, Some("hstore")).is_ok());
        assert!(confirm(Some("hstore")).check(addon, Some("hstore")).is_ok());
        for (typed, part) in
            [("sushi", None), ("hstore", None), ("", None), ("postgis", Some("hstore"))]
        {
            let refused = confirm(Some(typed)).check(addon, part);
            assert!(matches!(refused, Err(Error::NotConfirmed { .. })), "{typed}");
        }
    }
}
