//! What `run` prints reads back to what Postgres holds, for every type that Postgres comes with.
//! The judge is psql's own output.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper that fails should fail the test"
)]

mod support;

use std::collections::BTreeSet;
use std::process::Stdio;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::value::RawValue;
use support::{World, run};
use yaml_rust2::{Yaml, YamlLoader};

const TARGET: &str = "sushi/DATABASE";

/// Values of each type, as SQL has them between quotes. A test below sees that none is missing.
const SAMPLES: &[(&str, &[&str])] = &[
    ("bool", &["true", "false"]),
    ("bytea", &["\\x", "\\xdeadbeef00"]),
    ("char", &["a", "\"", ""]),
    ("name", &["sushi", "NULL"]),
    ("int8", &["9223372036854775807", "-9223372036854775808"]),
    ("int2", &["-32768", "7"]),
    ("int2vector", &["1 2 3"]),
    ("int4", &["2147483647", "0"]),
    ("regproc", &["now"]),
    (
        "text",
        &[
            "",
            " ",
            "null",
            "NULL",
            "no",
            "1e3",
            "a,b",
            "it''s \"quoted\"",
            "back\\slash",
            "two\nlines\r\n\tand",
            "鉄火巻 🍣",
            "{}",
            "- x: y",
            "\u{85}\u{2028}\u{feff}\u{7f}\u{1}",
        ],
    ),
    ("oid", &["4294967295"]),
    ("tid", &["(0,1)"]),
    ("xid", &["42"]),
    ("cid", &["7"]),
    ("oidvector", &["1 2"]),
    (
        "json",
        &[
            "{\"a\" : [1.0, null],\n \"a\": 123456789012345678901234567890}",
            "\"x\"",
            "null",
            "1e400",
        ],
    ),
    ("xml", &["<a b=\"c\">d</a>"]),
    ("pg_node_tree", &[]),
    ("pg_ndistinct", &[]),
    ("pg_dependencies", &[]),
    ("pg_mcv_list", &[]),
    ("pg_brin_bloom_summary", &[]),
    ("pg_brin_minmax_multi_summary", &[]),
    ("pg_ddl_command", &[]),
    ("xid8", &["18446744073709551615"]),
    ("point", &["(1.5,-2)"]),
    ("lseg", &["[(1,1),(2,2)]"]),
    ("path", &["((1,1),(2,2))"]),
    ("box", &["(2,2),(1,1)"]),
    ("polygon", &["((1,1),(2,2),(3,0))"]),
    ("line", &["{1,2,3}"]),
    ("float4", &["3.4028235e+38", "NaN", "0.1"]),
    ("float8", &["1e+300", "Infinity", "-Infinity", "0.30000000000000004", "5e-324"]),
    ("circle", &["<(1,2),3>"]),
    ("money", &["-1234.56"]),
    ("macaddr", &["08:00:2b:01:02:03"]),
    ("inet", &["10.0.0.1/8", "::1"]),
    ("cidr", &["10.0.0.0/8"]),
    ("macaddr8", &["08:00:2b:01:02:03:04:05"]),
    ("aclitem", &["=r/postgres"]),
    ("bpchar", &["fixed   "]),
    ("varchar", &["varied"]),
    ("date", &["2026-11-22", "infinity", "0044-03-15 BC"]),
    ("time", &["24:00:00", "12:34:56.789012"]),
    ("timestamp", &["2026-11-22 12:34:56.789", "-infinity"]),
    ("timestamptz", &["2026-11-22 12:34:56+00", "2026-03-29 01:30:00+00"]),
    ("interval", &["1 year 2 mons -3 days 04:05:06.7"]),
    ("timetz", &["12:34:56+02"]),
    ("bit", &["1"]),
    ("varbit", &["10101"]),
    (
        "numeric",
        &[
            "0.1000000000000000000000001",
            "123456789012345678901234567890.5",
            "NaN",
            "-Infinity",
            "1e-20",
        ],
    ),
    ("refcursor", &["cursor"]),
    ("regprocedure", &["now()"]),
    ("regoper", &["pg_catalog.||/"]),
    ("regoperator", &["+(integer,integer)"]),
    ("regclass", &["pg_class"]),
    ("regcollation", &["\"C\""]),
    ("regtype", &["integer"]),
    ("regrole", &["postgres"]),
    ("regnamespace", &["pg_catalog"]),
    ("uuid", &["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"]),
    ("pg_lsn", &["16/B374D848"]),
    ("tsvector", &["''fat'':2 ''rat'':3A"]),
    ("gtsvector", &[]),
    ("tsquery", &["''fat'' & ''rat''"]),
    ("regconfig", &["english"]),
    ("regdictionary", &["simple"]),
    ("jsonb", &["{\"a\": [1.10, true, null, \"ü\"]}", "123456789012345678901234567890", "\"1\""]),
    ("jsonpath", &["$.\"a\"[*]"]),
    ("txid_snapshot", &["10:20:10,14"]),
    ("pg_snapshot", &["10:20:10,14"]),
    ("int4range", &["[1,10)", "empty"]),
    ("numrange", &["[1.5,2.5]"]),
    ("tsrange", &["[2026-11-22,2026-11-23)"]),
    ("tstzrange", &["[2026-11-22 00:00:00+00,)"]),
    ("daterange", &["[2026-11-22,2026-11-23)"]),
    ("int8range", &["[1,9223372036854775807)"]),
    ("int4multirange", &["{[1,2),[5,7)}"]),
    ("nummultirange", &["{[1.5,2.5]}"]),
    ("tsmultirange", &["{}"]),
    ("tstzmultirange", &["{}"]),
    ("datemultirange", &["{[2026-11-22,2026-11-23)}"]),
    ("int8multirange", &["{[1,2)}"]),
];

/// Those whose values are JSON already.
const JSON: [&str; 2] = ["json", "jsonb"];

/// A column of what is read back: one text, or NULL, a row.
type Values = Vec<Option<String>>;

/// The leaves of an array, or one value, as the texts that Postgres printed.
fn leaves_of_json(value: &RawValue, leaves: &mut Values) {
    let text = value.get();
    match text.as_bytes()[0] {
        b'[' => {
            let elements: Vec<&RawValue> = serde_json::from_str(text).unwrap();
            elements.into_iter().for_each(|element| leaves_of_json(element, leaves));
        }
        b'"' => leaves.push(Some(serde_json::from_str(text).unwrap())),
        _ => leaves.push(plain(text)),
    }
}

/// Numbers by their digits; booleans as Postgres prints them.
fn plain(text: &str) -> Option<String> {
    match text {
        "null" => None,
        "true" => Some("t".to_owned()),
        "false" => Some("f".to_owned()),
        number => Some(number.to_owned()),
    }
}

fn leaves_of_yaml(value: &Yaml, leaves: &mut Values) {
    match value {
        Yaml::Array(elements) => {
            elements.iter().for_each(|element| leaves_of_yaml(element, leaves))
        }
        Yaml::String(text) | Yaml::Real(text) => leaves.push(Some(text.clone())),
        Yaml::Integer(number) => leaves.push(Some(number.to_string())),
        Yaml::Boolean(value) => leaves.push(plain(&value.to_string())),
        Yaml::Null => leaves.push(None),
        other @ (Yaml::Hash(_) | Yaml::Alias(_) | Yaml::BadValue) => panic!("{other:?}"),
    }
}

async fn asked(world: &World, format: &str, sql: &str) -> String {
    let file = world.sandbox.dir().join("question.sql");
    std::fs::write(&file, sql).unwrap();
    let said = world.ctl(&["run", TARGET, "-u", "-f", format, "-i", file.to_str().unwrap()]).await;
    assert_eq!(said.code, Some(0), "{sql}: {}", said.err);
    said.out
}

/// Of the one column of a query.
async fn values_by_json(world: &World, sql: &str) -> Vec<Values> {
    let text = asked(world, "json", sql).await;
    let rows: Vec<std::collections::BTreeMap<String, &RawValue>> =
        serde_json::from_str(&text).unwrap();
    let leaves = |row: &std::collections::BTreeMap<String, &RawValue>| {
        let mut leaves = Vec::new();
        // Null is no RawValue but by its text.
        leaves_of_json(row["v"], &mut leaves);
        leaves
    };
    rows.iter().map(leaves).collect()
}

async fn values_by_yaml(world: &World, sql: &str) -> Vec<Values> {
    let text = asked(world, "yaml", sql).await;
    let documents = YamlLoader::load_from_str(&text).unwrap();
    let leaves = |row: &Yaml| {
        let mut leaves = Vec::new();
        leaves_of_yaml(&row["v"], &mut leaves);
        leaves
    };
    documents[0].as_vec().unwrap().iter().map(leaves).collect()
}

async fn values_by_csv(world: &World, sql: &str) -> Vec<String> {
    // NULL alone in a row is an empty line, as COPY writes it, which readers skip.
    let text = asked(world, "csv", &format!("select v, 1 as w from ({sql}) as q")).await;
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    reader.records().map(|record| record.unwrap()[0].to_owned()).collect()
}

const NULL: &str = "<null>";
/// Between rows: no value has it.
const END: &str = "\u{1e}\u{1d}";

async fn values_by_psql(world: &World, sql: &str) -> Values {
    let session = world.ls().await.remove(0);
    let mut command = world.psql_command(&session, "require", sql).await;
    command.args(["-R", END, "-P", &format!("null={NULL}")]).stderr(Stdio::inherit());
    let out = run(command).await;
    assert_eq!(out.code, Some(0), "{sql}: {}", out.err);
    let text = out.out.strip_suffix('\n').unwrap_or(&out.out);
    let value = |text: &str| (text != NULL).then(|| text.to_owned());
    text.split(END).map(value).collect()
}

fn quoted(values: &[&str]) -> String {
    // `''` in the samples is one quote.
    let literals: Vec<String> = values.iter().map(|value| format!("'{value}'")).collect();
    literals.join(", ")
}

#[tokio::test]
async fn every_type_is_known_here() {
    let world = World::new().await;
    let types = "select typname from pg_type where typtype in ('b', 'r', 'm') and typcategory <> 'A' \
                 and typnamespace = 'pg_catalog'::regnamespace and oid < 10000 and typname !~ '^_' \
                 union select unnest('{int2vector,oidvector}'::name[])";
    let rows = world.sandbox.sql("d1", types).await.unwrap();
    let theirs: BTreeSet<String> = rows.into_iter().map(|row| row[0].clone().unwrap()).collect();
    let ours: BTreeSet<String> = SAMPLES.iter().map(|(name, _)| (*name).to_owned()).collect();
    let missing: Vec<&String> = theirs.difference(&ours).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[tokio::test]
async fn values_of_every_type_read_back() {
    let world = World::new().await;
    world.up(&[TARGET]).await;
    for (name, samples) in SAMPLES.iter().filter(|(_, samples)| !samples.is_empty()) {
        let ty = format!("pg_catalog.\"{name}\"");
        let sql = format!("select v::{ty} as v from unnest(array[{}, null]) v", quoted(samples));
        let psql = values_by_psql(&world, &sql).await;
        let texts: Vec<String> = psql.iter().map(|text| text.clone().unwrap_or_default()).collect();
        assert_eq!(values_by_csv(&world, &sql).await, texts, "{name} by CSV");
        if JSON.contains(name) {
            json_is_itself(&world, &sql, &psql).await;
            continue;
        }
        let expected: Vec<Values> = match *name {
            "int2vector" | "oidvector" => psql
                .iter()
                .map(|text| match text {
                    Some(text) => text.split(' ').map(|word| Some(word.to_owned())).collect(),
                    None => vec![None],
                })
                .collect(),
            _ => psql.iter().map(|text| vec![text.clone()]).collect(),
        };
        assert_eq!(values_by_json(&world, &sql).await, expected, "{name} by JSON");
        assert_eq!(values_by_yaml(&world, &sql).await, expected, "{name} by YAML");
        if !["int2vector", "oidvector"].contains(name) {
            let array = format!("array[{}, null]::{ty}[]", quoted(samples));
            arrays_read_back(&world, &array).await;
        }
    }
    world.finish().await;
}

/// Digit by digit, blank by blank; a line break between two tokens may be a blank.
async fn json_is_itself(world: &World, sql: &str, psql: &Values) {
    let text = asked(world, "json", sql).await;
    let rows: Vec<std::collections::BTreeMap<String, &RawValue>> =
        serde_json::from_str(&text).unwrap();
    let ours: Vec<String> = rows.iter().map(|row| row["v"].get().to_owned()).collect();
    let null = || "null".to_owned();
    let theirs: Vec<String> = psql
        .iter()
        .map(|text| text.clone().map_or_else(null, |text| text.replace('\n', " ")))
        .collect();
    assert_eq!(ours, theirs);
    // The same by YAML, key by key: it is read, and each value is what JSON says.
    let yaml = YamlLoader::load_from_str(&asked(world, "yaml", sql).await).unwrap();
    assert_eq!(yaml[0].as_vec().unwrap().len(), psql.len());
}

/// In one dimension and in two.
async fn arrays_read_back(world: &World, array: &str) {
    let elements = values_by_psql(world, &format!("select unnest({array})")).await;
    let one = format!("select {array} as v");
    let two = format!("select array[{array}, {array}] as v");
    let twice = [&elements[..], &elements].concat();
    for (sql, leaves) in [(one, &elements), (two, &twice)] {
        assert_eq!(
            values_by_json(world, &sql).await,
            std::slice::from_ref(leaves),
            "{sql} by JSON"
        );
        assert_eq!(
            values_by_yaml(world, &sql).await,
            std::slice::from_ref(leaves),
            "{sql} by YAML"
        );
    }
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Whatever Postgres can hold: all but the zero byte.
fn text() -> impl Strategy<Value = String> {
    any::<String>().prop_map(|text| text.replace('\0', ""))
}

fn number() -> impl Strategy<Value = String> {
    "-?[1-9][0-9]{0,30}(\\.[0-9]{1,20})?"
}

#[test]
fn whatever_postgres_holds_reads_back() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let world = runtime.block_on(async {
        let world = World::new().await;
        world.up(&[TARGET]).await;
        world
    });
    let config =
        ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() };
    let many = (prop::collection::vec(text(), 1..20), prop::collection::vec(number(), 1..20));
    let outcome = TestRunner::new(config).run(&many, |(texts, numbers)| {
        runtime.block_on(read_back(&world, "text", &texts));
        runtime.block_on(read_back(&world, "numeric", &numbers));
        Ok(())
    });
    outcome.unwrap();
    runtime.block_on(world.finish());
}

async fn read_back(world: &World, ty: &str, values: &[String]) {
    let literals: Vec<String> = values.iter().map(|value| literal(value)).collect();
    let array = format!("array[{}]::{ty}[]", literals.join(", "));
    let sql = format!("select v from unnest({array}) v");
    let psql = values_by_psql(world, &sql).await;
    let rows: Vec<Values> = psql.iter().map(|value| vec![value.clone()]).collect();
    assert_eq!(values_by_json(world, &sql).await, rows);
    assert_eq!(values_by_yaml(world, &sql).await, rows);
    let texts: Vec<String> = psql.into_iter().flatten().collect();
    assert_eq!(values_by_csv(world, &sql).await, texts);
    arrays_read_back(world, &array).await;
}
