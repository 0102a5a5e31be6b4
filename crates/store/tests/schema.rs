//! The two schemas say the same: every table, column, key and rule of one is in the other.

use futures::future::poll_immediate;
use muster_store::{Options, Sql, Store, Url};
use std::collections::BTreeMap;

/// A column as both databases can be asked about it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Clone)]
struct Column {
    kind: String,
    required: bool,
    default: String,
}

type Schema = BTreeMap<String, BTreeMap<String, Column>>;

async fn sqlite() -> (Store, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let url = Url::Sqlite(folder.path().join("schema.db"));
    let store = Store::open(&url, &Options::default())
        .await
        .expect("SQLite opens");
    (store, folder)
}

/// A database of its own on the server that `TEST_POSTGRES` names.
async fn postgres(name: &str) -> Store {
    #[expect(
        clippy::disallowed_methods,
        reason = "where the tests' PostgreSQL is comes from outside"
    )]
    let server = std::env::var("TEST_POSTGRES")
        .expect("TEST_POSTGRES must name a PostgreSQL server: run `make test`");
    let admin = sqlx::PgPool::connect(&server)
        .await
        .expect("PostgreSQL answers");
    for statement in [
        format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
        format!("CREATE DATABASE {name}"),
    ] {
        sqlx::query(sqlx::AssertSqlSafe(statement))
            .execute(&admin)
            .await
            .expect("a database is made");
    }
    let (base, _) = server.rsplit_once('/').expect("a URL with a database");
    let query = server.split_once('?').map_or("", |(_, query)| query);
    let url: Url = format!("{base}/{name}?{query}")
        .trim_end_matches('?')
        .parse()
        .expect("a good URL");
    Store::open(&url, &Options::default())
        .await
        .expect("PostgreSQL opens")
}

#[tokio::test]
async fn both_schemas_have_the_same_tables_columns_and_defaults() {
    let (lite, _folder) = sqlite().await;
    let rows: Vec<(String, String, String, bool, Option<String>)> = lite
        .all(&Sql::new(
            "SELECT t.name, c.name, c.type, c.\"notnull\" = 1 OR c.pk > 0, c.dflt_value \
             FROM sqlite_master AS t, pragma_table_info(t.name) AS c \
             WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND t.name NOT LIKE '\\_sqlx%' ESCAPE '\\'",
            [],
        ))
        .await
        .expect("read");
    let in_sqlite = schema(rows);

    let server = postgres("muster_schema").await;
    let rows: Vec<(String, String, String, bool, Option<String>)> = server
        .all(&Sql::new(
            "SELECT table_name::text, column_name::text, data_type::text, is_nullable = 'NO', column_default::text \
             FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT LIKE '\\_sqlx%' \
             AND NOT (SELECT relispartition FROM pg_class WHERE oid = table_name::regclass)",
            [],
        ))
        .await
        .expect("read");
    let in_postgres = schema(rows);

    assert!(in_sqlite.len() > 25, "the whole model is there");
    let names = |schema: &Schema| schema.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&in_sqlite), names(&in_postgres));
    for (table, columns) in &in_sqlite {
        assert_eq!(columns, &in_postgres[table], "table {table}");
    }
}

fn schema(rows: Vec<(String, String, String, bool, Option<String>)>) -> Schema {
    let mut schema = Schema::new();
    for (table, column, kind, required, default) in rows {
        let default = default
            .filter(|default| !default.starts_with("nextval"))
            .map(|default| {
                default
                    .split("::")
                    .next()
                    .unwrap_or_default()
                    .to_lowercase()
            })
            .unwrap_or_default();
        let column_of = Column {
            kind: family(&kind).to_owned(),
            required,
            default,
        };
        schema.entry(table).or_default().insert(column, column_of);
    }
    schema
}

/// SQLite keeps times as text and has one size of integer: what is compared is the kind of value.
fn family(kind: &str) -> &'static str {
    match kind.to_lowercase().as_str() {
        "integer" | "bigint" | "smallint" => "integer",
        "boolean" => "boolean",
        "real" | "double precision" => "real",
        "blob" | "bytea" => "bytes",
        "text" | "date" | "timestamp with time zone" | "timestamp without time zone" => "text",
        _ => "unknown",
    }
}

#[tokio::test]
async fn both_schemas_have_the_same_indexes() {
    let (lite, _folder) = sqlite().await;
    let of_sqlite: Vec<(String, String)> = lite
        .all(&Sql::new(
            "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL ORDER BY name",
            [],
        ))
        .await
        .expect("read");
    let server = postgres("muster_indexes").await;
    let of_postgres: Vec<(String, String)> = server
        .all(&Sql::new(
            "SELECT i.relname::text, \
                 CASE WHEN x.indisunique THEN 'UNIQUE ' ELSE '' END || t.relname || ' (' || \
                 (SELECT string_agg(a.attname, ', ' ORDER BY k.place) \
                  FROM unnest(x.indkey) WITH ORDINALITY AS k (number, place) \
                  JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = k.number) || ')' || \
                 CASE WHEN x.indpred IS NULL THEN '' ELSE ' WHERE' END \
             FROM pg_index AS x JOIN pg_class AS i ON i.oid = x.indexrelid JOIN pg_class AS t ON t.oid = x.indrelid \
             JOIN pg_namespace AS n ON n.oid = t.relnamespace \
             WHERE n.nspname = 'public' AND NOT x.indisprimary AND NOT t.relispartition AND t.relname NOT LIKE '\\_sqlx%' ORDER BY 1",
            [],
        ))
        .await
        .expect("read");
    let shape = |sql: &str| {
        let words: Vec<&str> = sql.split_whitespace().collect();
        let sql = words.join(" ");
        let unique = if sql.starts_with("CREATE UNIQUE") {
            "UNIQUE "
        } else {
            ""
        };
        let (_, rest) = sql.split_once(" ON ").expect("an index is on a table");
        match rest.split_once(" WHERE ") {
            Some((columns, _)) => format!("{unique}{columns} WHERE"),
            None => format!("{unique}{rest}"),
        }
    };
    let mut in_sqlite: BTreeMap<String, String> = of_sqlite
        .into_iter()
        .map(|(name, sql)| (name, shape(&sql)))
        .collect();
    let mut in_postgres: BTreeMap<String, String> = of_postgres.into_iter().collect();
    assert!(in_sqlite.len() > 40, "indexes were found");
    // On PostgreSQL punches lie in parts: a key would have to hold the time, and the counter gives no id twice. An index of one
    // column is read where one of several would be thought to be out of order.
    for (index, sqlite, postgres) in [
        (
            "punch_transaction",
            "UNIQUE punch (transaction_id) WHERE",
            "punch (transaction_id) WHERE",
        ),
        (
            "punch_time",
            "punch (punch_local, id, transaction_id, hidden_at, employee_id, punch_state)",
            "punch (punch_local)",
        ),
        ("punch_upload", "punch (upload_at, id)", "punch (upload_at)"),
    ] {
        let before = in_sqlite.insert(index.into(), postgres.into());
        assert_eq!(before.as_deref(), Some(sqlite));
    }
    // And it looks for parts of texts by an index of its own kind.
    let whole = in_sqlite.remove("employee_search");
    assert_eq!(
        whole.as_deref(),
        Some("employee (status, search_text, search_more)")
    );
    for (index, of) in [
        ("employee_parts", "employee (search_text)"),
        ("employee_more_parts", "employee (search_more)"),
    ] {
        let parts = in_postgres.remove(index);
        assert_eq!(parts.as_deref(), Some(of));
    }
    assert_eq!(in_sqlite, in_postgres);
}

#[tokio::test]
async fn ids_rise_and_are_never_used_again() {
    let (lite, _folder) = sqlite().await;
    let server = postgres("muster_ids").await;
    for store in [lite, server] {
        let mut tx = store.write().await.expect("a transaction");
        tx.run(&Sql::new(
            "INSERT INTO company (id, name, created_at) VALUES ('c', 'c', $1)",
            [chrono::DateTime::UNIX_EPOCH.into()],
        ))
        .await
        .expect("inserted");
        let mut ids = Vec::new();
        for code in ["a", "b", "c"] {
            let (id,): (i64,) = tx
                .one(&Sql::new(
                    "INSERT INTO area (company_id, area_code, area_name, search_text, created_at, changed_at) \
                     VALUES ('c', $1, $1, $1, $2, $2) RETURNING id",
                    [code.into(), chrono::DateTime::UNIX_EPOCH.into()],
                ))
                .await
                .expect("inserted");
            tx.run(&Sql::new("DELETE FROM area WHERE id = $1", [id.into()]))
                .await
                .expect("deleted");
            ids.push(id);
        }
        tx.commit().await.expect("committed");
        assert_eq!(ids, [1_000_001, 1_000_002, 1_000_003]);
    }
}

#[tokio::test]
async fn a_transaction_that_is_dropped_leaves_nothing() {
    let (lite, _folder) = sqlite().await;
    let server = postgres("muster_rollback").await;
    for store in [lite, server] {
        let insert = Sql::new(
            "INSERT INTO company (id, name, created_at) VALUES ('x', 'x', $1)",
            [chrono::DateTime::UNIX_EPOCH.into()],
        );
        let mut tx = store.write().await.expect("a transaction");
        tx.run(&insert).await.expect("inserted");
        drop(tx);
        let mut tx = store.write().await.expect("the next one begins");
        let twice = tx.run(&insert).await.and(tx.run(&insert).await);
        assert!(twice.expect_err("a second row of one key").is_duplicate());
        drop(tx);
        let (count,): (i64,) = store
            .one(&Sql::new("SELECT COUNT(*) FROM company", []))
            .await
            .expect("counted");
        assert_eq!(count, 0);
    }
}

#[tokio::test]
async fn a_search_takes_wildcards_as_letters() {
    use sea_query::{Expr, Query};
    let (lite, _folder) = sqlite().await;
    let server = postgres("muster_search").await;
    for store in [lite, server] {
        let mut tx = store.write().await.expect("a transaction");
        for name in [
            "100% wool",
            "100 percent",
            "under_score",
            "underscore",
            "back\\slash",
        ] {
            tx.run(&Sql::new(
                "INSERT INTO company (id, name, created_at) VALUES ($1, $1, $2)",
                [name.into(), chrono::DateTime::UNIX_EPOCH.into()],
            ))
            .await
            .expect("inserted");
        }
        tx.commit().await.expect("committed");
        for (needle, found) in [("%", 1), ("r_s", 1), ("\\", 1), ("under", 2), ("00", 2)] {
            let rows: Vec<(String,)> = store
                .all(
                    &Query::select()
                        .column("name")
                        .from("company")
                        .and_where(muster_store::contains(
                            store.dialect(),
                            Expr::col("name"),
                            needle,
                        ))
                        .to_owned(),
                )
                .await
                .expect("read");
            assert_eq!(rows.len(), found, "{needle} on {:?}", store.dialect());
        }
    }
}

#[tokio::test]
async fn who_waits_to_write_leaves_connections_to_whoever_reads() {
    let store = postgres("muster_turns").await;
    let most = Options::default().connections / 2;
    let mut writing = Vec::new();
    for _ in 0..most {
        writing.push(store.write().await.expect("a transaction"));
    }
    let mut next = Box::pin(store.write());
    assert!(poll_immediate(&mut next).await.is_none());
    store.ping().await.expect("read meanwhile");
    writing.pop();
    next.await.expect("its turn");
}
