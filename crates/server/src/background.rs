//! Work that nobody waits for. It ends where it is when the server stops: what it stores is there whole, or not at all.

use std::future::Future;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

#[derive(Debug, Default)]
pub struct Background {
    ends: CancellationToken,
    under_way: TaskTracker,
}

impl Background {
    /// Begins some work; it comes to nothing when the server stops before.
    pub fn begin<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<Option<T>> {
        let ends = self.ends.clone();
        self.under_way
            .spawn(async move { ends.run_until_cancelled(work).await })
    }

    /// Drops what is under way. Nothing begins after that.
    pub async fn end(&self) {
        self.ends.cancel();
        self.under_way.close();
        self.under_way.wait().await;
    }
}
