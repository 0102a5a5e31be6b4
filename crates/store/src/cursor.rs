//! Rows of a query as they come, a few at a time: memory is the same for ten rows and ten million.

use crate::server::within;
use crate::{Error, Pools, Record, Result, Statement, Store, reviewed};
use futures::{TryFutureExt, TryStreamExt};
use sea_query_sqlx::SqlxValues;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::timeout;

/// Whoever takes no rows for so long gets none any more: a cursor holds a connection, and on
/// SQLite the write-ahead log grows while it does.
const STALL: Duration = Duration::from_secs(60);

/// A query that is running. Dropped, it ends.
#[derive(Debug)]
pub struct Cursor<T>(mpsc::Receiver<Result<Vec<T>>>);

impl<T> Cursor<T> {
    /// The next rows, at most as many as the cursor was made for; none at the end.
    pub async fn next(&mut self) -> Result<Option<Vec<T>>> {
        self.0.recv().await.transpose()
    }
}

impl Store {
    /// The rows of a query as they were when it began, up to `at_once` together.
    pub fn cursor<T: Record + 'static>(
        &self,
        statement: &impl Statement,
        at_once: usize,
    ) -> Cursor<T> {
        let (sql, values) = statement.build(self.dialect());
        let (sql, values) = (reviewed(sql), SqlxValues(values));
        let (to, from) = mpsc::channel(1);
        let pools = self.pools.clone();
        tokio::spawn(async move {
            let sent = match &pools {
                Pools::Sqlite { read, .. } => {
                    let rows = sqlx::query_as_with(sql, values).fetch(read);
                    send(rows, at_once, Duration::MAX, &to).await
                }
                Pools::Postgres { server, .. } => match server.hold().await {
                    Ok(mut held) => {
                        let rows = sqlx::query_as_with(sql, values).fetch(&mut *held);
                        send(rows, at_once, server.patience * 10, &to).await
                    }
                    Err(error) => Err(error),
                },
            };
            if let Err(error) = sent {
                // Nobody may be there to hear it.
                let _ = timeout(STALL, to.send(Err(error))).await;
            }
        });
        Cursor(from)
    }
}

async fn send<T>(
    rows: impl futures::Stream<Item = std::result::Result<T, sqlx::Error>>,
    at_once: usize,
    patience: Duration,
    to: &mpsc::Sender<Result<Vec<T>>>,
) -> Result<()> {
    let chunks = rows.try_chunks(at_once);
    futures::pin_mut!(chunks);
    loop {
        let chunk = within(patience, chunks.try_next().map_err(|error| error.1)).await?;
        let Some(chunk) = chunk else {
            return Ok(());
        };
        match timeout(STALL, to.send(Ok(chunk))).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Ok(()),
            Err(_) => return Err(Error::Unavailable("nobody took the rows".into())),
        }
    }
}
