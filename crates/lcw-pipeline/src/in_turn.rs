//! Work done side by side within a budget, whose outcomes come in the order of its items.

use std::sync::Arc;

use futures_util::{Stream, StreamExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinError, JoinHandle};

/// What an item takes of the budget until its outcome is dropped.
pub(crate) type Share = Option<OwnedSemaphorePermit>;

/// Runs `work` on at most `concurrency` items at once, each on a worker of its own.
///
/// Shares of the budget are handed out before a worker starts, one after the other: whoever waits
/// for an outcome waits for one that has its share, whatever the workers behind it hold. Workers
/// would come for their shares in any order, and hold them while the first one waits.
pub(crate) fn in_turn<I, T, W>(
    items: impl Stream<Item = I>,
    concurrency: usize,
    budget: Arc<Semaphore>,
    share: impl Fn(&I) -> u32,
    work: impl Fn(I, Share) -> W,
) -> impl Stream<Item = Result<T, JoinError>>
where
    T: Send + 'static,
    W: Future<Output = T> + Send + 'static,
{
    items
        .then(move |item| {
            let asked = Arc::clone(&budget).acquire_many_owned(share(&item));
            async move { (item, asked.await.ok()) }
        })
        .map(move |(item, share)| Worker(tokio::spawn(work(item, share))))
        .map(Worker::outcome)
        .buffered(concurrency)
}

/// Work in progress; given up when nobody waits for it any more.
struct Worker<T>(JoinHandle<T>);

impl<T> Worker<T> {
    async fn outcome(mut self) -> Result<T, JoinError> {
        (&mut self.0).await
    }
}

impl<T> Drop for Worker<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::stream;
    use tokio::time::timeout;

    use super::*;

    /// Many small items among large ones, on workers that start in any order.
    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn an_item_never_waits_for_the_share_of_a_later_one() {
        const BUDGET: u32 = 8;
        for _ in 0..50 {
            let size = |item: &u32| if item % 8 == 7 { BUDGET } else { 1 + item % 3 };
            let budget = Arc::new(Semaphore::new(BUDGET as usize));
            let work = |item, share: Share| async move {
                tokio::task::yield_now().await;
                (item, share)
            };
            let outcomes = in_turn(stream::iter(0..200), 16, budget, size, work);
            let items = outcomes.map(|outcome| outcome.unwrap().0).collect();
            let items: Vec<u32> = timeout(Duration::from_secs(20), items).await.unwrap();
            assert!(items.into_iter().eq(0..200));
        }
    }
}
