//! PostgreSQL databases for tests, each copied from a template, gone when the test is.

use muster_store::Store;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

const NO_SERVER: &str = "these tests need a PostgreSQL server: run them with scripts/with-postgres, \
     or set TEST_POSTGRES to the URL of a role that may create databases";

fn admin_url() -> String {
    #[expect(
        clippy::disallowed_methods,
        reason = "where the tests' server is, is told by the script that starts it"
    )]
    std::env::var("TEST_POSTGRES").expect(NO_SERVER)
}

async fn admin() -> PgConnection {
    PgConnection::connect(&admin_url())
        .await
        .expect("the server of TEST_POSTGRES answers")
}

/// The URL of another database on the same server.
fn url_of(name: &str) -> String {
    let mut url = url::Url::parse(&admin_url()).expect("TEST_POSTGRES is a URL");
    url.set_path(name);
    url.to_string()
}

/// A PostgreSQL database of one test's own.
pub struct Database {
    name: String,
    pub url: String,
}

impl Database {
    pub async fn remove(self) {
        let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        run(&mut admin().await, drop).await;
    }
}

/// A new one with nothing in it.
pub async fn empty() -> Database {
    let name = format!("muster_test_{}", uuid::Uuid::new_v4().simple());
    run(&mut admin().await, format!("CREATE DATABASE {name}")).await;
    let url = url_of(&name);
    Database { name, url }
}

async fn run(admin: &mut PgConnection, sql: String) {
    sqlx::query(AssertSqlSafe(sql))
        .execute(admin)
        .await
        .expect("the server of TEST_POSTGRES may create databases");
}

/// A new one with the schema in it: copied from one that was made once per schema.
pub async fn new() -> Database {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../store/migrations/postgres");
    let mut steps: Vec<_> = fs::read_dir(folder)
        .expect("the migrations")
        .map(|entry| entry.expect("readable").path())
        .collect();
    steps.sort();
    let mut hasher = DefaultHasher::new();
    for step in steps {
        fs::read(step).expect("readable").hash(&mut hasher);
    }
    let template = format!("muster_template_{:016x}", hasher.finish());
    let mut admin = admin().await;
    // Tests run as processes of their own: one of them makes the template, the others wait.
    run(&mut admin, "SELECT pg_advisory_lock(7331)".into()).await;
    let made: Option<(String,)> =
        sqlx::query_as("SELECT datname::text FROM pg_database WHERE datname = $1")
            .bind(&template)
            .fetch_optional(&mut admin)
            .await
            .expect("asked");
    if made.is_none() {
        let half = format!("{template}_half");
        run(
            &mut admin,
            format!("DROP DATABASE IF EXISTS {half} WITH (FORCE)"),
        )
        .await;
        run(&mut admin, format!("CREATE DATABASE {half}")).await;
        let url = url_of(&half).parse().expect("a URL");
        let store = Store::open(&url, &muster_store::Options::default())
            .await
            .expect("migrated");
        store.close().await;
        run(
            &mut admin,
            format!("ALTER DATABASE {half} RENAME TO {template}"),
        )
        .await;
    }
    let name = format!("muster_test_{}", uuid::Uuid::new_v4().simple());
    run(
        &mut admin,
        // With the file that spares its first connection looking up all there is.
        format!("CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY"),
    )
    .await;
    run(&mut admin, "SELECT pg_advisory_unlock(7331)".into()).await;
    let url = url_of(&name);
    Database { name, url }
}
