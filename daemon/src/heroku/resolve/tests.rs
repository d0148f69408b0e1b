use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use borealis_proto::ErrorCode;
use serde_json::Value;

use super::*;
use crate::heroku::Login;
use crate::http;
use crate::http::test_server::{reply, serve};
use crate::secret::Secret;

const UUID: &str = "01234567-89ab-cdef-0123-456789abcdef";

/// A small Heroku, with one request in each line that it saw.
struct World {
    heroku: Heroku,
    seen: Arc<Mutex<Vec<String>>>,
    _server: Box<dyn Send>,
}

impl World {
    async fn new() -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let note = seen.clone();
        let router = Router::new().fallback(async move |request: Request| {
            let (parts, body) = request.into_parts();
            let body = axum::body::to_bytes(body, 1000).await.unwrap();
            let path = parts.uri.path().to_owned();
            note.lock().unwrap().push(path.clone());
            let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
            answer(&path, &body)
        });
        let (base, server) = serve(router).await;
        let login = Login::new(Some(Secret::new("key".to_owned())), Vec::new());
        let heroku = Heroku::new(http::client(&[&base]).unwrap(), base, Arc::new(login));
        Self { heroku, seen, _server: Box::new(server) }
    }

    async fn resolve(&self, target: &str) -> Result<String, Error> {
        let found = self.heroku.resolve(&target.parse().unwrap()).await?;
        assert!(!found.addon_id.is_empty());
        Ok(format!("{}/{} {}", found.app, found.attachment, found.addon))
    }
}

fn attachment(app: &str, name: &str, addon: &str) -> Value {
    json!({"id": "x", "name": name, "app": {"id": "x", "name": app},
        "addon": {"id": format!("id-{addon}"), "name": addon}})
}

fn addon(name: &str, service: &str, app: &str) -> Value {
    json!({"id": format!("id-{name}"), "name": name, "state": "provisioned",
        "addon_service": {"id": "x", "name": service}, "app": {"id": "x", "name": app}})
}

fn answer(path: &str, body: &Value) -> Response {
    let one = attachment("sushi", "DATABASE", "borealis-pg-one");
    let shared = attachment("ramen", "SHARED", "borealis-pg-one");
    let ours = |name: &str, app: &str| addon(name, "borealis-pg", app);
    let found = match path {
        "/actions/addon-attachments/resolve" => {
            match (body["app"].as_str().unwrap(), body["addon_attachment"].as_str().unwrap()) {
                ("sushi", "DATABASE") => json!([shared, one]),
                ("sushi", "ODD_URL") => json!([attachment("sushi", "ODD_URL", "borealis-pg-one")]),
                ("sushi", "OTHER") => json!([attachment("sushi", "OTHER", "postgresql-x")]),
                ("sushi", "ELSEWHERE") => json!([shared]),
                ("sushi", "NAMELESS") => json!([{"name": "NAMELESS", "app": {"name": "sushi"}}]),
                ("sushi", "LIMITED") => return reply(429, &[("retry-after", "9")], ""),
                _ => {
                    return reply(404, &[], r#"{"id":"not_found","message":"Couldn't find that"}"#);
                }
            }
        }
        "/addons/borealis-pg-one" => ours("borealis-pg-one", "sushi"),
        "/addons/01234567-89ab-cdef-0123-456789abcdef" => ours("borealis-pg-one", "sushi"),
        "/addons/named" => ours("borealis-pg-one", "sushi"),
        "/addons/hidden" => ours("borealis-pg-one", "gone"),
        "/addons/lonely" => ours("lonely", "sushi"),
        "/addons/postgresql-x" => addon("postgresql-x", "heroku-postgresql", "sushi"),
        "/apps/sushi/addons" => {
            json!([addon("r", "heroku-redis", "sushi"), ours("borealis-pg-one", "sushi")])
        }
        "/apps/bare/addons" => json!([addon("r", "heroku-redis", "bare")]),
        "/apps/rich/addons" => json!([ours("a", "rich"), ours("b", "rich")]),
        "/apps/hidden/addons" | "/apps/secret/addons" => {
            return reply(403, &[], r#"{"id":"forbidden","message":"You do not have access"}"#);
        }
        "/addons/id-borealis-pg-one/addon-attachments" => json!([shared, one]),
        "/addons/id-lonely/addon-attachments" => json!([]),
        "/addons/id-a/addon-attachments" => json!([attachment("rich", "DATABASE", "a")]),
        "/addons/id-b/addon-attachments" => json!([attachment("rich", "GOLD", "b")]),
        _ => return reply(404, &[], r#"{"id":"not_found","message":"Couldn't find that"}"#),
    };
    reply(200, &[], &found.to_string())
}

#[tokio::test]
async fn what_targets_mean() {
    let world = World::new().await;
    let one = "sushi/DATABASE borealis-pg-one";
    let table = [
        ("sushi/DATABASE", one),
        ("sushi::DATABASE", one),
        ("sushi/DATABASE_URL", one),
        ("sushi/ODD_URL", "sushi/ODD_URL borealis-pg-one"),
        ("sushi/ELSEWHERE", "ramen/SHARED borealis-pg-one"),
        ("sushi", one),
        ("borealis-pg-one", one),
        (UUID, one),
        ("named", one),
        ("hidden", "ramen/SHARED borealis-pg-one"),
    ];
    for (target, meant) in table {
        assert_eq!(world.resolve(target).await.unwrap(), meant, "{target}");
    }
}

#[tokio::test]
async fn what_targets_do_not_mean() {
    let world = World::new().await;
    let table = [
        ("sushi/NONE", ErrorCode::TargetNotFound, "attached to app sushi as NONE"),
        ("sushi/NONE_URL", ErrorCode::TargetNotFound, "as NONE_URL"),
        ("sushi/OTHER", ErrorCode::TargetNotFound, "not a Borealis Isolated Postgres add-on"),
        ("postgresql-x", ErrorCode::TargetNotFound, "not a Borealis Isolated Postgres add-on"),
        ("sushi/NAMELESS", ErrorCode::ServiceUnavailable, "temporarily unavailable"),
        ("sushi/LIMITED", ErrorCode::RateLimited, "wait 9 s"),
        ("bare", ErrorCode::TargetNotFound, "app bare has no Borealis"),
        ("lonely", ErrorCode::TargetNotFound, "attached to no app"),
        ("rich", ErrorCode::TargetAmbiguous, "rich/DATABASE, rich/GOLD"),
        ("secret", ErrorCode::LoginRequired, "You do not have access"),
        ("nothing", ErrorCode::TargetNotFound, "nothing is neither an app nor an add-on"),
        ("ses_7k2m", ErrorCode::SessionNotFound, "ses_7k2m"),
    ];
    for (target, code, said) in table {
        let failure = world.resolve(target).await.unwrap_err().failure();
        assert_eq!(failure.reason.code, code, "{target}");
        assert!(failure.reason.message.contains(said), "{target}: {failure:?}");
    }
}

#[tokio::test]
async fn names_are_tried_first_as_what_they_look_like() {
    let table = [
        ("borealis-pg-no", ["/addons/borealis-pg-no", "/apps/borealis-pg-no/addons"]),
        ("no", ["/apps/no/addons", "/addons/no"]),
    ];
    for (target, asked) in table {
        let world = World::new().await;
        world.resolve(target).await.unwrap_err();
        assert_eq!(*world.seen.lock().unwrap(), asked, "{target}");
    }
}
