//! What only shows with a disk or a queue that is full, made so on purpose.

use super::super::open;
use super::{WAITING_BYTES_MAX, WAITING_WRITES_MAX, WriteError, Writer};
use crate::{Error, ErrorKind};
use futures::FutureExt;
use futures::future::join_all;
use std::sync::mpsc;
use tempfile::TempDir;

/// A writer on a fresh file, whose connection was first given to `prepare`.
fn writer(prepare: impl FnOnce(&rusqlite::Connection)) -> (TempDir, Writer) {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("test.db");
    let connection = open::writer(&path).unwrap();
    prepare(&connection);
    let second = open::checkpointer(&path).unwrap();
    (
        directory,
        Writer::start(connection, second, "a test".into()),
    )
}

async fn set(writer: &Writer, key: &str, value: Vec<u8>) -> Result<(), Error> {
    let key = key.to_owned();
    writer
        .submit(key.len() + value.len(), move |statements| {
            Ok(statements.set("default", &key, &value)?)
        })
        .await
}

/// Makes the writer wait until the sender is dropped, and returns once it does.
async fn pause(writer: &Writer) -> (mpsc::Sender<()>, impl Future<Output = Result<(), Error>>) {
    let (resume, resumed) = mpsc::channel::<()>();
    let (paused, pausing) = tokio::sync::oneshot::channel();
    let mut paused = Some(paused);
    let mut pause = Box::pin(writer.submit(0, move |_| {
        if let Some(paused) = paused.take() {
            paused.send(()).unwrap();
        }
        assert!(resumed.recv().is_err(), "the sender is only ever dropped");
        Ok(())
    }));
    assert!(pause.as_mut().now_or_never().is_none());
    pausing.await.unwrap();
    (resume, pause)
}

#[tokio::test]
async fn a_full_disk_fails_writes_and_the_writer_goes_on() {
    let (_directory, writer) = writer(|connection| {
        connection
            .pragma_update(None, "max_page_count", 20)
            .unwrap();
    });
    set(&writer, "small", vec![1]).await.unwrap();
    let error = set(&writer, "large", vec![1; 200_000]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(
        error.to_string(),
        "a test failed to write: database or disk is full",
    );
    set(&writer, "small", vec![2]).await.unwrap();
}

#[tokio::test]
async fn a_write_that_sqlite_refuses_fails_alone() {
    let (_directory, writer) = writer(|_| {});
    let (resume, paused) = pause(&writer).await;
    let bad = writer.submit(0, |statements| -> Result<(), WriteError> {
        statements.set("default", "traceless", &[1])?;
        Err(rusqlite::Error::InvalidQuery.into())
    });
    let (before, bad, after, ()) = tokio::join!(
        set(&writer, "before", vec![1]),
        bad,
        set(&writer, "after", vec![1]),
        async { drop(resume) },
    );
    before.unwrap();
    assert_eq!(bad.unwrap_err().kind(), ErrorKind::Unavailable);
    after.unwrap();
    paused.await.unwrap();
    let created = writer.submit(0, |statements| {
        Ok(statements.compare_and_swap("default", "traceless", None, &[2])?)
    });
    assert_eq!(created.await.unwrap(), crate::SwapOutcome::Applied);
}

#[tokio::test]
async fn a_full_queue_is_busy_and_what_waits_is_still_written() {
    let (_directory, writer) = writer(|_| {});
    let (resume, paused) = pause(&writer).await;
    let mut waiting: Vec<_> = (0..=WAITING_WRITES_MAX)
        .map(|_| Box::pin(set(&writer, "a", vec![1])))
        .collect();
    let refused = waiting.iter_mut().filter_map(FutureExt::now_or_never);
    let refused: Vec<Error> = refused.map(Result::unwrap_err).collect();
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0].kind(), ErrorKind::Busy);
    assert_eq!(
        refused[0].to_string(),
        "a test has too many writes waiting, expected at most 16384 writes or 64 MiB; \
         try again later",
    );
    waiting.pop();
    drop(resume);
    paused.await.unwrap();
    assert!(join_all(waiting).await.iter().all(Result::is_ok));
}

#[tokio::test]
async fn waiting_bytes_are_bounded_too() {
    let (_directory, writer) = writer(|_| {});
    let (resume, paused) = pause(&writer).await;
    let large = writer.submit(WAITING_BYTES_MAX, |_| Ok(()));
    let mut large = Box::pin(large);
    assert!(large.as_mut().now_or_never().is_none());
    let refused = set(&writer, "a", vec![1]).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Busy);
    drop(resume);
    paused.await.unwrap();
    large.await.unwrap();
    set(&writer, "a", vec![1]).await.unwrap();
}

#[tokio::test]
async fn writes_are_applied_in_the_order_of_their_submission() {
    let (_directory, writer) = writer(|_| {});
    let sums = join_all(
        (0..5000).map(|_| writer.submit(0, |statements| statements.increment("default", "n", 1))),
    );
    let sums: Vec<i64> = sums.await.into_iter().map(Result::unwrap).collect();
    assert_eq!(sums, (1..=5000).collect::<Vec<i64>>());
}

#[tokio::test]
async fn a_close_first_commits_what_waits() {
    let (_directory, writer) = writer(|_| {});
    let mut waiting: Vec<_> = (0..100)
        .map(|n: u8| Box::pin(set(&writer, "a", vec![n])))
        .collect();
    assert!(
        waiting
            .iter_mut()
            .all(|write| write.now_or_never().is_none())
    );
    writer.close();
    assert!(join_all(waiting).await.iter().all(Result::is_ok));
}
