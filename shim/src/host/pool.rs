//! The instances of one component, and which of them gets a request.
//!
//! Wasmtime's own `ProxyHandler` does much the same. This one differs where it matters here: it
//! bounds the number of instances, it passes over an instance that stands in a blocking host
//! call, it fills instances before it makes more, and it runs them on a runtime of its choice.

use super::instance::{Component, State};
use super::job::Job;
use super::worker::Worker;
use std::fmt;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime::Engine;
use wasmtime_wasi_http::handler::{ProxyPre, Request, Response};

/// How many instances there may be, what each takes on, and how long it may take.
#[derive(Clone, Debug)]
pub(crate) struct Policy {
    /// Instances at once that requests share.
    pub(crate) instances_max: usize,
    /// Instances among which requests are spread before they queue behind each other: about as
    /// many as can run at once.
    pub(crate) spread: usize,
    /// Instances beside these that serve one request each, and nothing else.
    pub(crate) alone_max: usize,
    /// Requests that one instance has in hand at once.
    pub(crate) requests_per_instance: usize,
    /// Requests that one instance takes on in its life, while another may take its place.
    pub(crate) reuse_max: usize,
    /// Bytes of memory of all instances with which no more than `spread` are made, if there is a
    /// limit. What comes then is served by those that live.
    pub(crate) memory_bytes_max: Option<usize>,
    /// How long an instance without work is kept.
    pub(crate) idle: Duration,
    /// How long an instance may owe a response, if there is a limit.
    pub(crate) response_max: Option<Duration>,
    /// How long an instance may work on after its last response, if there is a limit.
    pub(crate) tail_max: Option<Duration>,
}

impl Policy {
    /// Requests that all instances that are shared can have in hand at once.
    pub(crate) fn requests_max(&self) -> usize {
        self.instances_max
            .saturating_mul(self.requests_per_instance)
    }
}

/// Why a component did not answer.
#[derive(Clone, Debug)]
pub(crate) enum Failure {
    /// Its instance trapped, perhaps on behalf of another request; the text is Wasmtime's.
    Trapped(Arc<str>),
    /// It took too long.
    TimedOut,
    /// No instance could be made now.
    Exhausted(Arc<str>),
    /// It answered with an error code of `wasi:http` instead of a response.
    Refused(Arc<str>),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Trapped(cause) => write!(f, "the guest trapped: {cause}"),
            Self::TimedOut => f.write_str("the guest did not answer in time"),
            Self::Exhausted(cause) => write!(f, "no instance could be made: {cause}"),
            Self::Refused(cause) => write!(f, "the guest answered with an error: {cause}"),
        }
    }
}

/// Where a job goes.
enum Choice {
    /// To this worker, which takes it up at once.
    Ready(usize),
    /// To this worker, which takes it up when it comes to it.
    Queue(usize),
    /// To a worker that is to be started.
    New,
    /// Nowhere: each worker has its one job, and there may be no more of them.
    Nowhere,
}

/// The instances of one component.
#[derive(Clone)]
pub(crate) struct Pool(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) engine: Engine,
    pub(super) component: Arc<Component>,
    pub(super) pre: ProxyPre<State>,
    pub(super) policy: Policy,
    runtime: Handle,
    /// Workers that take requests. One that has taken its last is not here, though it may live on.
    workers: Mutex<Vec<Arc<Worker>>>,
    /// Workers that live and share requests.
    alive: AtomicUsize,
    /// Workers that live and have one request each.
    alone: AtomicUsize,
    /// Room for more of those, which is given in the order in which it is asked for.
    alone_room: Arc<Semaphore>,
    /// Workers whose instance failed.
    failures: AtomicU64,
}

impl Pool {
    pub(super) fn new(
        engine: Engine,
        component: Arc<Component>,
        pre: ProxyPre<State>,
        policy: Policy,
        runtime: Handle,
    ) -> Self {
        let alone_room = Arc::new(Semaphore::new(policy.alone_max));
        Self(Arc::new(Inner {
            engine,
            component,
            pre,
            policy,
            runtime,
            workers: Mutex::default(),
            alive: AtomicUsize::new(0),
            alone: AtomicUsize::new(0),
            alone_room,
            failures: AtomicU64::new(0),
        }))
    }

    /// How many instances it may have, and what each takes on.
    pub(crate) fn policy(&self) -> &Policy {
        &self.0.policy
    }

    /// Instances that live.
    pub(crate) fn instances(&self) -> usize {
        self.0.alive.load(Relaxed) + self.0.alone.load(Relaxed)
    }

    /// Whether each request is alone in its instance however it comes.
    pub(crate) fn isolates(&self) -> bool {
        self.0.policy.requests_per_instance == 1
    }

    /// Instances that failed.
    pub(crate) fn failures(&self) -> u64 {
        self.0.failures.load(Relaxed)
    }

    /// Has an instance answer `request`.
    pub(crate) async fn call(&self, request: Request) -> Result<Response, Failure> {
        let (job, ticket) = Job::new(request);
        self.0.place(job)?;
        ticket.response().await
    }

    /// Has an instance answer `request` that was made for it and does nothing else; waits for room
    /// as long as it takes.
    pub(crate) async fn call_alone(&self, request: Request) -> Result<Response, Failure> {
        if self.isolates() {
            return self.call(request).await;
        }
        let room = self.0.alone_room.clone().acquire_owned().await;
        // OK because the semaphore is never closed.
        let room = room.expect("there is room again");
        let (job, ticket) = Job::new(request);
        self.0.start_alone(job, room);
        ticket.response().await
    }
}

impl Inner {
    /// Hands a job to a worker, which may have to be started.
    pub(super) fn place(self: &Arc<Self>, job: Job) -> Result<(), Failure> {
        let mut workers = self.workers();
        let worker = match self.choose(&workers, None) {
            Choice::Ready(place) | Choice::Queue(place) => workers[place].clone(),
            Choice::New => self.start(&mut workers),
            Choice::Nowhere => {
                return Err(Failure::Exhausted(
                    "every instance that the component may have is serving a request".into(),
                ));
            }
        };
        self.hand(&mut workers, &worker, job);
        Ok(())
    }

    /// Moves one job that `worker` has not taken up to a worker that can take it up at once, if
    /// there is one; `take` fetches the job. Returns whether one was moved.
    pub(super) fn pass_on(
        self: &Arc<Self>,
        worker: &Worker,
        take: impl FnOnce() -> Option<Job>,
    ) -> bool {
        let mut workers = self.workers();
        let choice = self.choose(&workers, Some(worker));
        if matches!(choice, Choice::Queue(_) | Choice::Nowhere) {
            return false;
        }
        let Some(job) = take() else { return false };
        let other = match choice {
            Choice::Ready(place) => workers[place].clone(),
            _ => self.start(&mut workers),
        };
        self.hand(&mut workers, &other, job);
        true
    }

    /// Takes an idle worker out, unless it was just handed a job.
    pub(super) fn retire_idle(&self, worker: &Worker) -> bool {
        let mut workers = self.workers();
        let idle = worker.load() == 0;
        if idle {
            remove(&mut workers, worker);
        }
        idle
    }

    /// Takes a worker out, so that it is handed nothing more.
    pub(super) fn retire(&self, worker: &Worker) {
        remove(&mut self.workers(), worker);
    }

    /// Notes that a worker's instance has failed.
    pub(super) fn failed(&self) {
        self.failures.fetch_add(1, Relaxed);
    }

    /// Notes that a worker has ended.
    pub(super) fn ended(&self, worker: &Worker) {
        self.retire(worker);
        let living = if worker.is_alone() {
            &self.alone
        } else {
            &self.alive
        };
        living.fetch_sub(1, Relaxed);
    }

    fn workers(&self) -> MutexGuard<'_, Vec<Arc<Worker>>> {
        // OK because nothing panics while it holds the lock.
        self.workers.lock().expect("the workers are never poisoned")
    }

    /// Where a job is answered soonest.
    ///
    /// In this order: a worker that does nothing at this moment; a new one, while there are fewer
    /// than can run at once; one that runs but is not held up, because it will be done soon; a new
    /// one, while there may be more; and at last the one with the least in hand.
    fn choose(&self, workers: &[Arc<Worker>], but: Option<&Worker>) -> Choice {
        let mut soon: Option<(usize, usize)> = None;
        let mut late: Option<(usize, usize)> = None;
        for (place, worker) in workers.iter().enumerate() {
            if but.is_some_and(|but| std::ptr::eq(but, Arc::as_ptr(worker))) {
                continue;
            }
            let load = worker.load();
            let has_room = load < self.policy.requests_per_instance;
            if has_room && worker.waiting() == 0 && worker.meter.is_ready() {
                return Choice::Ready(place);
            }
            let least = if has_room && !worker.meter.is_held_up() {
                &mut soon
            } else {
                &mut late
            };
            if least.is_none_or(|(_, least)| load < least) {
                *least = Some((place, load));
            }
        }
        let may_add = self.may_add();
        if may_add && workers.len() < self.policy.spread {
            return Choice::New;
        }
        if !may_add && self.policy.reuse_max == 1 {
            return Choice::Nowhere;
        }
        let least = match soon {
            // All that live may have taken their last job: then one more is made than there
            // should be, rather than none.
            None if may_add || late.is_none() => None,
            soon => soon.or(late),
        };
        least.map_or(Choice::New, |(place, _)| Choice::Queue(place))
    }

    /// Whether there may be another instance.
    fn may_add(&self) -> bool {
        let alive = self.alive.load(Relaxed);
        let memory_bytes = self.component.memory_bytes.load(Relaxed);
        let memory_bytes_max = self.policy.memory_bytes_max;
        alive < self.policy.instances_max
            && (alive < self.policy.spread
                || memory_bytes_max.is_none_or(|most| memory_bytes < most))
    }

    fn start(self: &Arc<Self>, workers: &mut Vec<Arc<Worker>>) -> Arc<Worker> {
        let (worker, inbox) = Worker::new(self.clone(), None);
        self.alive.fetch_add(1, Relaxed);
        workers.push(worker.clone());
        self.runtime.spawn(worker.clone().run(inbox));
        worker
    }

    /// Starts a worker that nobody else can hand anything.
    fn start_alone(self: &Arc<Self>, job: Job, room: OwnedSemaphorePermit) {
        let (worker, inbox) = Worker::new(self.clone(), Some(room));
        self.alone.fetch_add(1, Relaxed);
        worker.hand(job);
        worker.close();
        self.runtime.spawn(worker.run(inbox));
    }

    fn hand(&self, workers: &mut Vec<Arc<Worker>>, worker: &Arc<Worker>, job: Job) {
        let handed = worker.hand(job);
        // One that is retired lives on for as long as anybody reads what it streams: where there is
        // no room for one in its place, it goes on.
        if handed >= self.policy.reuse_max && (self.policy.reuse_max == 1 || self.may_add()) {
            remove(workers, worker);
        }
    }
}

fn remove(workers: &mut Vec<Arc<Worker>>, worker: &Worker) {
    if let Some(place) = workers
        .iter()
        .position(|other| std::ptr::eq(Arc::as_ptr(other), worker))
    {
        workers.swap_remove(place).close();
    }
}
