//! The examples of `docs/API.md`, run as they are printed.

mod support;

use support::{World, run};

const DOC: &str = include_str!("../../docs/API.md");

/// The shell blocks of the page, in order.
fn examples() -> Vec<&'static str> {
    DOC.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

#[tokio::test]
async fn every_example_of_the_api_page_works() {
    let world = World::new().await;
    let session = world.up(&["sushi/DATABASE"]).await;
    let examples = examples();
    assert!(examples.len() >= 8, "{}", examples.len());
    for example in &examples {
        // A status that is not a success fails the example.
        let strict = example.replace("curl -s", "curl -f -s");
        let mut shell = world.command("sh");
        shell.args(["-e", "-c", &strict]);
        shell.env("SOCKET", world.var("BOREALIS_SOCKET")).env("ID", session.id.as_str());
        let out = run(shell).await.ok();
        assert!(!out.is_empty(), "{example}");
        let mut lines = serde_json::Deserializer::from_str(&out).into_iter::<serde_json::Value>();
        assert!(lines.all(|line| line.is_ok()), "{example}\n{out}");
    }
    assert!(world.ls().await.is_empty(), "the last example closes the session");
    world.finish().await;
}
