//! The dispatcher over a runner whose attempts last until the test ends them.

use super::*;
use tokio::sync::mpsc;
use tokio::sync::oneshot;

/// Tells of each attempt that began, and ends it with what the test says.
struct Scripted(mpsc::UnboundedSender<Attempt>);

struct Attempt {
    order_id: String,
    end: oneshot::Sender<Option<Duration>>,
}

#[async_trait]
impl Runner for Scripted {
    async fn run(&self, order_id: &str, _: Uuid, _: Option<HeaderValue>) -> Option<Duration> {
        let (end, ended) = oneshot::channel();
        let order_id = order_id.to_owned();
        let told = self.0.send(Attempt { order_id, end });
        told.expect("the test listens");
        ended.await.expect("the test ends it")
    }

    async fn release(&self, _: &str, _: Uuid) {}
}

struct Attempts(mpsc::UnboundedReceiver<Attempt>);

impl Attempts {
    async fn next(&mut self) -> Attempt {
        self.0.recv().await.expect("the dispatcher lives")
    }

    /// Ends the next attempt at once, and says of which order it was.
    async fn end_next(&mut self) -> String {
        let attempt = self.next().await;
        attempt.end.send(None).expect("the attempt lasts");
        attempt.order_id
    }
}

fn dispatcher(concurrent_max: usize, queue_max: usize) -> (Dispatcher, Attempts) {
    let (began, attempts) = mpsc::unbounded_channel();
    let runner = Arc::new(Scripted(began));
    let runtime = Handle::current();
    let dispatcher = Dispatcher::new(runner, runtime, concurrent_max, queue_max);
    (dispatcher, Attempts(attempts))
}

fn accepted(dispatcher: &Dispatcher, order_id: &str) -> bool {
    dispatcher.dispatch(order_id, None) == Dispatched::Accepted
}

#[tokio::test]
async fn one_order_of_an_owner_does_not_wait_for_the_many_of_another() {
    let (dispatcher, mut attempts) = dispatcher(1, 10_000);
    for n in 0..10_000 {
        assert!(accepted(&dispatcher, &format!("{n}-aaaaaa")));
    }
    assert_eq!(attempts.end_next().await, "0-aaaaaa");
    assert!(accepted(&dispatcher, "single-bbbbbb"));
    let next = [attempts.end_next().await, attempts.end_next().await];
    assert!(next.contains(&"single-bbbbbb".to_owned()), "{next:?}");
}

#[tokio::test]
async fn a_full_queue_refuses_and_an_order_waits_in_it_once() {
    let (dispatcher, mut attempts) = dispatcher(1, 1);
    assert!(accepted(&dispatcher, "1-aaaaaa"));
    assert!(accepted(&dispatcher, "2-aaaaaa"));
    assert!(accepted(&dispatcher, "2-aaaaaa"));
    assert!(!accepted(&dispatcher, "3-aaaaaa"));
    assert_eq!((dispatcher.running(), dispatcher.queued()), (1, 1));
    assert_eq!(attempts.end_next().await, "1-aaaaaa");
    assert_eq!(attempts.end_next().await, "2-aaaaaa");
    dispatcher.quiet().await;
}

#[tokio::test]
async fn an_order_is_dispatched_again_when_its_attempt_says() {
    let (dispatcher, mut attempts) = dispatcher(8, 8);
    let began = Instant::now();
    let soon = Duration::from_millis(20);
    let late = Duration::from_millis(200);
    for (order_id, wait) in [("late", late), ("soon", soon), ("never", TIMER_MAX * 2)] {
        assert!(accepted(&dispatcher, order_id));
        let attempt = attempts.next().await;
        attempt.end.send(Some(wait)).expect("the attempt lasts");
    }
    assert_eq!(attempts.end_next().await, "soon");
    assert!(began.elapsed() >= soon);
    assert_eq!(attempts.end_next().await, "late");
    assert!(began.elapsed() >= late);
    dispatcher.quiet().await;
    assert_eq!(dispatcher.orders().timers.next(), None);
}

#[tokio::test]
async fn a_stop_forgets_what_was_to_be_dispatched_later() {
    let (dispatcher, mut attempts) = dispatcher(8, 8);
    assert!(accepted(&dispatcher, "order"));
    let attempt = attempts.next().await;
    let wait = Some(Duration::from_hours(1));
    attempt.end.send(wait).expect("the attempt lasts");
    dispatcher.quiet().await;
    dispatcher.stop(Instant::now()).await;
    assert_eq!(dispatcher.orders().timers.next(), None);
    assert!(!accepted(&dispatcher, "order"));
}
