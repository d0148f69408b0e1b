//! `run -f table` prints what psql prints, byte for byte. The judge is the real psql, on the same
//! session.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper that fails should fail the test"
)]

mod support;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use support::{Said, World, run};

const TARGET: &str = "sushi/DATABASE";

/// One session that both ask: the personal user's, who may write.
struct Both {
    world: World,
    url: String,
}

impl Both {
    async fn new() -> Self {
        let world = World::new().await;
        world.up(&[TARGET, "--write-access"]).await;
        let url = world.ctl(&["url", TARGET, "--write-access"]).await.ok();
        Self { world, url: format!("{url}?sslmode=require") }
    }

    async fn ours(&self, sql: &str) -> Said {
        self.world.ctl(&["run", TARGET, "-u", "-w", "-f", "table", "-i", &self.file(sql)]).await
    }

    /// With its own settings but for NULL, which we tell from the empty text.
    async fn psql(&self, sql: &str, more: &[&str]) -> Said {
        let mut command = self.world.command("psql");
        command.args(["-X", "-v", "ON_ERROR_STOP=1", "-P", "null=NULL"]).args(more);
        command.args(["-f", &self.file(sql), &self.url]);
        run(command).await
    }

    /// What may hold any character, and be longer than arguments can.
    fn file(&self, sql: &str) -> String {
        let file = self.world.sandbox.dir().join("question.sql");
        std::fs::write(&file, sql).unwrap();
        file.to_str().unwrap().to_owned()
    }

    async fn agree(&self, about: &str, sql: &str) {
        let (psql, ours) = (self.psql(sql, &[]).await, self.ours(sql).await);
        assert_eq!(psql.code, Some(0), "{about}: psql: {}", psql.err);
        assert_eq!(ours.code, Some(0), "{about}: {}", ours.err);
        let (psql, ours) = (psql.out, ours.out);
        assert!(ours == psql, "{about}: {sql}\n--- psql\n{psql}--- ours\n{ours}");
    }
}

/// What each is about, and the SQL.
const QUERIES: &[(&str, &str)] = &[
    ("one row", "select 1"),
    ("no row", "select 1 as n, 'x' as \"a long name\" where false"),
    ("no column", "select"),
    ("no column, some rows", "select from generate_series(1, 3)"),
    ("no column, no row", "select where false"),
    (
        "several statements",
        "select 1 as a; select 'x' as b where false;; select null as c, '' as d",
    ),
    ("names that repeat", "select 1 as n, 'two' as n, 3.0 as n"),
    (
        "numbers stand at the right",
        "select n::int2 as a, n::int4 as b, n::int8 as c, n::float4 as d, n::float8 as e, \
         n::numeric(9, 2) as f, n::text::oid as g, n::text::xid as h, n::text::xid8 as i, \
         n::text::cid as j, n::money as k from (values (1), (-0), (12345)) v(n)",
    ),
    (
        "all else at the left",
        "select true as a, 'x'::text as b, 'x'::\"char\" as c, 'fixed'::char(9) as d, '{1,2}'::int[] as e, \
         '10.0.0.1'::inet as f, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid as g, '[1,5)'::int4range as h, \
         'pg_class'::regclass as i, b'101' as j, '(1,2)'::point as k, '16/B374D848'::pg_lsn as l \
         union all select false, '', '', '', '{}', null, null, 'empty', null, b'', null, null",
    ),
    (
        "names over the middle",
        "select 'wide value' as a, 'wide value' as ab, 1 as \"long name\", 22 as \"longer name\"",
    ),
    (
        "names without a value below",
        "select null as \"a name\", '' as \"another name\", null::int as n",
    ),
    ("values with blanks around", "select ' a ' as x, 'b  ' as y, E' \\n ' as z"),
    (
        "arrays",
        "select '{{1,NULL},{3,4}}'::int[] as a, array['a \"b\"', null, '', 'NULL', E'x\\ny'] as b, \
         '[0:1]={t,f}'::bool[] as c, array[E'\\\\'] as d",
    ),
    (
        "JSON",
        "select '{\"a\": [1, null],\n \"b\": \"ü\\n\"}'::json as a, \
         '{\"b\": {\"c\": 1e3}, \"a\": 1.0}'::jsonb as b, jsonb_pretty('{\"a\": [1, 2]}') as c",
    ),
    ("bytes", "select '\\xdeadbeef00'::bytea as a, ''::bytea as b"),
    (
        "times and money",
        "select '2026-11-22'::date as a, 'infinity'::date as b, '0044-03-15 BC'::date as c, \
         '12:34:56.789'::time as d, '12:34:56+02'::timetz as e, '2026-11-22 12:34:56.7'::timestamp as f, \
         '2026-11-22 12:34:56+00'::timestamptz as g, '1 year -3 days 04:05:06.7'::interval as h, \
         '-1234.56'::money as i",
    ),
    (
        "numbers that are none",
        "select 'NaN'::float8 as a, '-Infinity'::float8 as b, 'NaN'::numeric as c, 1e300::float8 as d",
    ),
    (
        "wide characters",
        "select '鉄火巻' as \"寿司\", 'ﾃｯｶ' as a, '한글' as b, 'ｆｕｌｌ' as c union all select 'a', 'b', 'c', 'd'",
    ),
    (
        "emoji",
        "select '🍣🍺' as \"🍣\", '❤️' as b, '🇯🇵' as c, '👍🏽' as d union all select 'a', 'b', 'c', 'd'",
    ),
    (
        "marks on characters",
        "select 'e\u{301}a\u{308}\u{323}' as a, 'কা কি' as b, 'தமிழ்' as c, 'हिन्दी' as d, \
         '\u{1112}\u{1161}\u{11ab}' as e, '\u{3164}\u{302e}' as f, 'ខ្មែរ' as g, 'שָׁלוֹם' as h, 1 as i \
         union all select 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 2",
    ),
    (
        "tabs",
        "select E'a\\tb' as a, E'\\t' as b, E'12345678\\tx' as c, E'巻\\tx\\n\\ty' as d, 1 as \"n\tm\"",
    ),
    (
        "lines within values",
        "select E'one\\ntwo three\\nfour' as a, 1 as n, E'x\\n' as b, E'\\n\\n' as c union all select 'a', 22, 'b', ''",
    ),
    (
        "lines in the last column",
        "select 1 as n, E'one\\ntwo three\\nfour' as a union all select 2, 'five'",
    ),
    ("a number beside lines", "select E'one\\ntwo' as a, 1 as n, E'x\\ny\\nz' as b, 12345 as m"),
    (
        "lines within names",
        "select 1 as \"one\ntwo three\", 'x' as n, 2 as \"\n\", 3 as \"a\nb\nc\"",
    ),
    ("lines in the last name", "select 1 as n, 'x' as \"one\ntwo\""),
    (
        "what terminals obey",
        "select E'\\x1b[31mred\\x07' as a, E'a\\r\\nb\\rc' as b, E'\\u007f\\u0085\\u009b' as c, E'\\x01\\x08' as \"\u{1b}[2J\r\"",
    ),
    ("a very long value", "select repeat('long ', 40000) as a, 1 as n union all select 'short', 2"),
    ("a plan", "explain (costs off) select * from generate_series(1, 3) n where n > 1"),
    (
        "settings",
        "show datestyle; set datestyle = german; select '2026-11-22'::date; reset datestyle",
    ),
    (
        "what was done",
        "create temp table rolls (n int, name text); insert into rolls values (1, 'maki'), (2, 'temaki'); \
         update rolls set n = n + 1 where n > 1; insert into rolls values (4, null) returning *; \
         update rolls set n = 5 where n = 4 returning n; delete from rolls where n = 5 returning n, name; \
         delete from rolls where false; truncate rolls; alter table rolls add m int; create index on rolls (n); \
         analyze rolls; comment on table rolls is 'x'; do $$ begin end $$; table rolls; drop table rolls",
    ),
    (
        "transactions and cursors",
        "begin; declare c cursor for select generate_series(1, 3) as n; fetch 2 from c; move 1 in c; fetch all from c; \
         close c; savepoint s; rollback to s; release s; prepare p as select 1 as n; execute p; deallocate p; \
         commit; start transaction; rollback",
    ),
    (
        "copies among results",
        "select 1 as n; copy (values (1, E'a\\tb'), (2, null)) to stdout; select 2 as n",
    ),
    ("nothing", ""),
    ("only a comment", "-- nothing\n"),
];

#[tokio::test]
async fn tables_are_those_of_psql() {
    let both = Both::new().await;
    for (about, sql) in QUERIES {
        both.agree(about, sql).await;
    }
    both.world.finish().await;
}

/// What came before an error is there.
#[tokio::test]
async fn an_error_leaves_what_psql_leaves() {
    let both = Both::new().await;
    let sql = "select 1 as n; select 1 / 0; select 2 as n";
    let (psql, ours) = (both.psql(sql, &[]).await, both.ours(sql).await);
    assert_eq!((psql.code, ours.code), (Some(3), Some(1)));
    assert_eq!(ours.out, psql.out);
    both.world.finish().await;
}

/// A long result is laid out batch by batch, as psql does it with `FETCH_COUNT`.
#[tokio::test]
async fn batches_are_those_of_psql() {
    let both = Both::new().await;
    let sql = "select n as \"one\ntwo\", repeat('x', n / 9000) as b, 10000000 / n as c from generate_series(1, 25000) n";
    let psql = both.psql(sql, &["-v", "FETCH_COUNT=10000"]).await;
    assert!(both.ours(sql).await.out == psql.out, "the batches differ");
    both.world.finish().await;
}

/// Characters of which every psql thinks alike.
fn character() -> impl Strategy<Value = char> {
    let range = |from, to| prop::char::range(from, to);
    prop_oneof![
        4 => range(' ', '~'),
        2 => prop::sample::select(vec!['\n', '\t', '\r', '\u{1b}', '\u{7f}', '\u{80}', '\u{9f}', '|', '+']),
        1 => range('¡', '¬'),
        1 => range('À', 'ͯ'),
        1 => range('А', 'я'),
        1 => range('א', 'ת'),
        1 => range('अ', 'ह'),
        1 => range('ぁ', 'ゖ'),
        1 => range('一', '鿆'),
        1 => range('가', '힣'),
        1 => range('！', '～'),
        1 => range('🌀', '🌠'),
        1 => range('😀', '🙄'),
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(character(), 0..12).prop_map(|text| text.into_iter().collect())
}

/// A column: its type, and the values that it may have.
#[derive(Clone, Debug)]
struct Column {
    name: String,
    ty: &'static str,
    values: Vec<Option<String>>,
}

/// The most rows that a result has.
const ROWS: usize = 6;

fn column() -> impl Strategy<Value = Column> {
    let of = |ty: &'static str, value: BoxedStrategy<String>| (Just(ty), many(value));
    let columns = prop_oneof![
        4 => of("text", text().boxed()),
        1 => of("int2", any::<i16>().prop_map(|n| n.to_string()).boxed()),
        1 => of("int8", any::<i64>().prop_map(|n| n.to_string()).boxed()),
        1 => of("oid", any::<u32>().prop_map(|n| n.to_string()).boxed()),
        1 => of("float8", any::<f64>().prop_map(|n| n.to_string()).boxed()),
        1 => of("numeric", "-?[1-9][0-9]{0,30}(\\.[0-9]{1,20})?".boxed()),
        1 => of("money", "-?[1-9][0-9]{0,9}\\.[0-9]{2}".boxed()),
        1 => of("bool", any::<bool>().prop_map(|value| value.to_string()).boxed()),
        1 => of("bytea", "\\\\x([0-9a-f]{2}){0,9}".boxed()),
        1 => of("date", "[12][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9])".boxed()),
        1 => of("timestamptz", "20[0-9]{2}-0[1-9]-1[0-9] [01][0-9]:[0-5][0-9]:[0-5][0-9]\\.[0-9]{1,6}".boxed()),
        1 => of("interval", "-?[0-9]{1,4} days [0-9]{1,6} seconds".boxed()),
        1 => of("jsonb", text().prop_map(|text| serde_json::json!([{ "t": text }]).to_string()).boxed()),
        1 => of("int4[]", "\\{(NULL|-?[0-9]{1,9})(,(NULL|[0-9]{1,9})){0,3}\\}".boxed()),
    ];
    // The empty name is none to Postgres.
    let name = text().prop_map(|name| if name.is_empty() { "n".to_owned() } else { name });
    (name, columns).prop_map(|(name, (ty, values))| Column { name, ty, values })
}

fn many(value: BoxedStrategy<String>) -> impl Strategy<Value = Vec<Option<String>>> {
    prop::collection::vec(prop::option::weighted(0.9, value), ROWS)
}

/// The first rows of these columns.
fn query(columns: &[Column], rows: usize) -> String {
    let literal = |text: &str| format!("'{}'", text.replace('\'', "''"));
    let cell = |column: &Column, row: usize| {
        let value = column.values[row].as_deref().map_or("null".to_owned(), literal);
        format!("{value}::{}", column.ty)
    };
    let row = |row: usize| {
        let cells: Vec<String> = columns.iter().map(|column| cell(column, row)).collect();
        format!("({row}, {})", cells.join(", "))
    };
    let rows_of_all: Vec<String> = (0..ROWS).map(row).collect();
    let numbered: Vec<String> = (0..columns.len()).map(|index| format!("c{index}")).collect();
    let name = |(number, column): (&String, &Column)| {
        format!("{number} as \"{}\"", column.name.replace('"', "\"\""))
    };
    let names: Vec<String> = numbered.iter().zip(columns).map(name).collect();
    format!(
        "select {} from (values {}) v(row, {}) where row < {rows} order by row",
        names.join(", "),
        rows_of_all.join(", "),
        numbered.join(", ")
    )
}

#[test]
fn whatever_is_asked_looks_as_in_psql() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let both = runtime.block_on(Both::new());
    let config =
        ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() };
    let tables = (prop::collection::vec(column(), 1..6), 0..=ROWS);
    let outcome = TestRunner::new(config).run(&tables, |(columns, rows)| {
        runtime.block_on(both.agree("any", &query(&columns, rows)));
        Ok(())
    });
    outcome.unwrap();
    runtime.block_on(both.world.finish());
}
