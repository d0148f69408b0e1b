use super::*;

struct Fake(&'static str, fn() -> Result<Option<&'static str>, LoginError>);

impl Source for Fake {
    fn name(&self) -> &'static str {
        self.0
    }

    fn token(&self) -> BoxFuture<'_, Result<Option<Secret<String>>, LoginError>> {
        let found = (self.1)().map(|token| token.map(|text| Secret::new(text.to_owned())));
        Box::pin(async { found })
    }
}

fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

fn unreadable() -> Result<Option<&'static str>, LoginError> {
    Err(LoginError::Unreadable { path: "/n".into(), source: std::io::ErrorKind::Other.into() })
}

#[tokio::test]
async fn the_place_is_told_and_what_was_passed_over() {
    let netrc = || Box::new(Fake("netrc", || Ok(Some("n")))) as Box<dyn Source>;
    let broken = || Box::new(Fake("keyring", unreadable)) as Box<dyn Source>;
    let login = Login::new(None, vec![broken(), netrc()]);
    let found = login.find().await.unwrap();
    assert_eq!(found.place, Place::Kept("netrc"));
    assert!(matches!(found.obstacle, Some(LoginError::Unreadable { .. })));

    let login = Login::new(Some(secret("own")), vec![broken()]);
    assert_eq!(login.find().await.unwrap().place, Place::OwnEnvironment);
    login.hand_over(secret("client"));
    let found = login.find().await.unwrap();
    assert_eq!(found.place, Place::HandedOver);
    assert!(found.obstacle.is_none() && !format!("{found:?}").contains("client"));
}

async fn found(login: &Login) -> String {
    login.token().await.unwrap().expose().clone()
}

#[tokio::test]
async fn the_order() {
    let netrc = || Box::new(Fake("netrc", || Ok(Some("netrc")))) as Box<dyn Source>;
    let nothing = || Box::new(Fake("keyring", || Ok(None))) as Box<dyn Source>;
    assert_eq!(found(&Login::new(None, vec![nothing(), netrc()])).await, "netrc");

    let login = Login::new(Some(secret("own")), vec![netrc()]);
    assert_eq!(found(&login).await, "own");
    assert!(login.hand_over(secret("client\n")));
    assert!(!login.hand_over(secret("client\n")), "the same key is no change");
    for none in [" ", "your key here", "Bearer HRKU-1"] {
        assert!(!login.hand_over(secret(none)), "{none:?} is no key");
    }
    assert_eq!(found(&login).await, "client");
    assert!(login.hand_over(secret("another")));
}

#[tokio::test(start_paused = true)]
async fn a_code_is_fresh_for_half_a_minute() {
    let login = Login::new(None, vec![]);
    assert!(!login.hand_over_code(secret("1 2")) && login.code().is_none());
    assert!(login.hand_over_code(secret(" 123456\n")));
    assert_eq!(login.code().unwrap().expose(), "123456");
    tokio::time::advance(CODE_LIFETIME).await;
    assert!(login.code().is_none());
    login.hand_over_code(secret("123456"));
    login.forget_code(&secret("654321"));
    assert!(login.code().is_some(), "another one was refused");
    login.forget_code(&secret("123456"));
    assert!(login.code().is_none());
}

#[tokio::test]
async fn a_key_that_heroku_refuses_stands_behind_all_other_places() {
    let netrc = || Box::new(Fake("netrc", || Ok(Some("netrc")))) as Box<dyn Source>;
    let login = Login::new(Some(secret("own\n")), vec![netrc()]);
    login.hand_over(secret("own"));
    assert_eq!(login.find().await.unwrap().place, Place::HandedOver);
    login.refuse(&secret("own"));
    assert_eq!(found(&login).await, "netrc");

    let alone = Login::new(Some(secret("own")), vec![]);
    alone.refuse(&secret("own"));
    assert_eq!(found(&alone).await, "own", "there is no other to say no to");
}

#[tokio::test]
async fn an_obstacle_does_not_hide_the_next_place_and_is_told_if_there_is_none() {
    let broken = || Box::new(Fake("keyring", unreadable)) as Box<dyn Source>;
    let netrc = Box::new(Fake("netrc", || Ok(Some("netrc"))));
    assert_eq!(found(&Login::new(None, vec![broken(), netrc])).await, "netrc");
    let error = Login::new(None, vec![broken()]).token().await.unwrap_err();
    assert!(matches!(error, LoginError::Unreadable { .. }));
    let error = Login::new(None, vec![]).token().await.unwrap_err();
    assert!(matches!(error, LoginError::NotLoggedIn));
}

#[tokio::test]
async fn what_cannot_stand_in_a_header_is_no_token() {
    for text in ["two words", "ü", "a\r\nx: y"] {
        let error = Login::new(Some(secret(text)), vec![]).token().await.unwrap_err();
        assert_eq!(error.to_string(), "the Heroku login from HEROKU_API_KEY is not a token");
    }
    assert!(!format!("{:?}", Login::new(Some(secret("canary")), vec![])).contains("canary"));
}
