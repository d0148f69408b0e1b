//! Arrays as Postgres prints them: `{1,NULL,"a \"b\""}`, nested, with bounds before them if these
//! are not the usual ones. JSON has no place for bounds: they are left out.

/// More dimensions Postgres does not have.
const DIMENSIONS: usize = 6;

/// What an array is made of, in the order of its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Open,
    Close,
    Null,
    Element(String),
}

/// The tokens of an array's text; none if it is no array.
pub(super) fn tokens(text: &str, delimiter: u8) -> Option<Vec<Token>> {
    let mut reader = Reader { rest: without_bounds(text)?, delimiter: char::from(delimiter) };
    let mut tokens = Vec::new();
    reader.array(&mut tokens, 1)?;
    reader.rest.is_empty().then_some(tokens)
}

/// `[0:2][-1:0]={{…` without what stands before the brace.
fn without_bounds(text: &str) -> Option<&str> {
    match text.strip_prefix('[') {
        Some(bounds) => bounds.split_once('=').map(|(_, array)| array),
        None => Some(text),
    }
}

struct Reader<'a> {
    rest: &'a str,
    delimiter: char,
}

impl Reader<'_> {
    fn array(&mut self, tokens: &mut Vec<Token>, depth: usize) -> Option<()> {
        self.eat('{')?;
        tokens.push(Token::Open);
        if self.eat('}').is_none() {
            loop {
                match self.rest.chars().next()? {
                    '{' if depth < DIMENSIONS => self.array(tokens, depth + 1)?,
                    '{' => return None,
                    '"' => tokens.push(Token::Element(self.quoted()?)),
                    _ => tokens.push(self.bare()?),
                }
                if self.eat('}').is_some() {
                    break;
                }
                self.eat(self.delimiter)?;
            }
        }
        tokens.push(Token::Close);
        Some(())
    }

    fn eat(&mut self, expected: char) -> Option<()> {
        self.rest = self.rest.strip_prefix(expected)?;
        Some(())
    }

    fn quoted(&mut self) -> Option<String> {
        self.eat('"')?;
        let mut text = String::new();
        let mut chars = self.rest.chars();
        loop {
            match chars.next()? {
                '"' => break,
                '\\' => text.push(chars.next()?),
                c => text.push(c),
            }
        }
        self.rest = chars.as_str();
        Some(text)
    }

    /// `NULL` without quotes is NULL, with quotes a text.
    fn bare(&mut self) -> Option<Token> {
        let end = self.rest.find([self.delimiter, '}'])?;
        let (text, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        if text.is_empty() || text.contains(['{', '"', '\\']) {
            return None;
        }
        Some(if text == "NULL" { Token::Null } else { Token::Element(text.to_owned()) })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(text: &str, delimiter: u8) -> Option<String> {
        let word = |token: Token| match token {
            Token::Open => "(".to_owned(),
            Token::Close => ")".to_owned(),
            Token::Null => "∅ ".to_owned(),
            Token::Element(text) => format!("<{text}>"),
        };
        tokens(text, delimiter).map(|tokens| tokens.into_iter().map(word).collect())
    }

    #[test]
    fn every_form_of_an_array() {
        let table = [
            ("{}", b',', "()"),
            ("{1,2}", b',', "(<1><2>)"),
            ("{NULL,\"NULL\",null}", b',', "(∅ <NULL><null>)"),
            (r#"{"a \"b\"","\\",""}"#, b',', r#"(<a "b"><\><>)"#),
            ("{{1,2},{3,4}}", b',', "((<1><2>)(<3><4>))"),
            ("[0:1]={1,2}", b',', "(<1><2>)"),
            ("[1:1][-2:-1]={{1,2}}", b',', "((<1><2>))"),
            ("{(1,1),(0,0);(2,2),(1,1)}", b';', "(<(1,1),(0,0)><(2,2),(1,1)>)"),
            ("{鉄火,\"a,b\"}", b',', "(<鉄火><a,b>)"),
        ];
        for (text, delimiter, tokens) in table {
            assert_eq!(shown(text, delimiter).as_deref(), Some(tokens), "{text}");
        }
    }

    #[test]
    fn what_is_none() {
        for text in ["", "{", "1,2", "{1,}", "{,1}", "{1}2", "{\"a}", "[1:2]", "{{{{{{{1}}}}}}}"] {
            assert_eq!(tokens(text, b','), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn quoted_elements_come_back(elements in prop::collection::vec(any::<String>(), 1..5)) {
            let quote = |text: &String| {
                format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
            };
            let text = format!("{{{}}}", elements.iter().map(quote).collect::<Vec<_>>().join(","));
            let mut expected = vec![Token::Open];
            expected.extend(elements.into_iter().map(Token::Element));
            expected.push(Token::Close);
            prop_assert_eq!(tokens(&text, b','), Some(expected));
        }

        #[test]
        fn no_text_breaks_the_reader(text in "[{}\\[\\]\",;=\\\\a0N]{0,20}") {
            tokens(&text, b',');
        }
    }
}
