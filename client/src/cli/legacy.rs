//! The existing client's command names: `borealis-pg:users:reset` is `users reset`.

use std::ffi::OsString;

const PREFIX: &str = "borealis-pg:";

/// Alone, it shows the add-on.
const TOPIC: &str = "borealis-pg";

/// The command line with a colon name taken apart; any other unchanged.
#[must_use]
pub fn from_colon_names(argv: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut argv = argv.into_iter();
    let mut rewritten: Vec<OsString> = argv.by_ref().take(1).collect();
    for word in argv.by_ref() {
        // What stands before the verb takes no value.
        let flag = word.to_str().is_some_and(|text| text.starts_with('-') && text != "--");
        if flag {
            rewritten.push(word);
            continue;
        }
        match word.to_str().map(|text| (text, text.strip_prefix(PREFIX))) {
            Some((_, Some(names))) => rewritten.extend(names.split(':').map(OsString::from)),
            Some((TOPIC, None)) => rewritten.push("info".into()),
            Some((_, None)) | None => rewritten.push(word),
        }
        break;
    }
    rewritten.extend(argv);
    rewritten
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewrite(line: &str) -> String {
        let argv = from_colon_names(line.split(' ').map(OsString::from));
        argv.join(" ".as_ref()).into_string().unwrap()
    }

    #[test]
    fn only_the_verb_is_rewritten() {
        let table = [
            ("b borealis-pg:psql -a sushi", "b psql -a sushi"),
            ("b borealis-pg:users:reset sushi", "b users reset sushi"),
            ("b psql borealis-pg:psql", "b psql borealis-pg:psql"),
            ("b borealis-pg -a sushi", "b info -a sushi"),
            ("b --quiet borealis-pg:users -a sushi", "b --quiet users -a sushi"),
            ("b -- borealis-pg", "b -- borealis-pg"),
            ("b", "b"),
        ];
        for (typed, meant) in table {
            assert_eq!(rewrite(typed), meant);
        }
    }
}
