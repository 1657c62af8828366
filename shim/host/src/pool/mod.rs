//! The instances of one component, and which of them gets a request.
//!
//! Wasmtime's own `ProxyHandler` does much the same. This one differs where it matters here: it
//! bounds the number of instances, it passes over an instance that stands in a blocking host
//! call, it fills instances before it makes more, it runs them on a runtime of its choice, and what
//! has to wait for an instance waits in turns, client by client.

mod early;
mod instance;
mod run;
mod streamed;
mod turns;

use self::instance::{Call, Instance};
use self::turns::Turns;
use crate::error::Error;
use crate::state::{ComponentState, InstanceState};
use std::net::IpAddr;
use std::sync::atomic::{
    AtomicU64, AtomicUsize,
    Ordering::{Relaxed, SeqCst},
    fence,
};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime::Engine;
use wasmtime_wasi_http::handler::{ProxyPre, Request, Response};

/// How many instances there may be, what each takes on, and how long it may take.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Instances at once that requests share.
    pub instances_max: usize,
    /// Instances among which requests are spread before they queue behind each other: about as
    /// many as can run at once.
    pub spread: usize,
    /// Instances beside these that serve one request each, and nothing else.
    pub alone_max: usize,
    /// Requests that one instance has in hand at once.
    pub requests_per_instance: usize,
    /// Requests that one instance takes on in its life, while another may take its place.
    pub reuse_max: usize,
    /// Bytes of memory of all instances with which no more than `spread` are made, if there is a
    /// limit. What comes then is served by those that live.
    pub memory_bytes_max: Option<usize>,
    /// How long an instance without work is kept.
    pub idle: Duration,
    /// How long an instance may owe a response, if there is a limit.
    pub response_max: Option<Duration>,
    /// How long an instance may work on after its last response, if there is a limit.
    pub tail_max: Option<Duration>,
}

impl Policy {
    /// Requests that all instances that are shared can have in hand at once.
    pub fn requests_max(&self) -> usize {
        self.instances_max
            .saturating_mul(self.requests_per_instance)
    }
}

/// Where a call goes.
enum Choice {
    /// To this instance, which takes it up at once.
    Ready(usize),
    /// To an instance that is to be started.
    New,
    /// To the first instance that can take it up, in its turn.
    Later,
    /// Nowhere: each instance has its one call, and there may be no more of them.
    Nowhere,
}

/// The instances of one component.
#[derive(Clone)]
pub struct Pool(Arc<Inner>);

struct Inner {
    engine: Engine,
    component: Arc<ComponentState>,
    pre: ProxyPre<InstanceState>,
    policy: Policy,
    runtime: Handle,
    /// Instances that take requests. One that has taken its last is not here, though it may live on.
    open: Mutex<Vec<Arc<Instance>>>,
    /// Calls that no instance could take up when they came. Locked within `open`.
    turns: Mutex<Turns<Call>>,
    /// How many these are.
    waiting: AtomicUsize,
    /// Instances that live and share requests.
    alive: AtomicUsize,
    /// Instances that live and have one request each.
    alone: AtomicUsize,
    /// Room for more of those, which is given in the order in which it is asked for.
    alone_room: Arc<Semaphore>,
    /// Instances that failed.
    failures: AtomicU64,
}

impl Pool {
    pub(crate) fn new(
        engine: Engine,
        component: Arc<ComponentState>,
        pre: ProxyPre<InstanceState>,
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
            open: Mutex::default(),
            turns: Mutex::default(),
            waiting: AtomicUsize::new(0),
            alive: AtomicUsize::new(0),
            alone: AtomicUsize::new(0),
            alone_room,
            failures: AtomicU64::new(0),
        }))
    }

    /// How many instances it may have, and what each takes on.
    pub fn policy(&self) -> &Policy {
        &self.0.policy
    }

    /// Instances that live.
    pub fn instances(&self) -> usize {
        self.0.alive.load(Relaxed) + self.0.alone.load(Relaxed)
    }

    /// Whether each request is alone in its instance however it comes.
    pub fn isolates(&self) -> bool {
        self.0.policy.requests_per_instance == 1
    }

    /// Instances that failed.
    pub fn failures(&self) -> u64 {
        self.0.failures.load(Relaxed)
    }

    /// Has an instance answer `request`.
    pub async fn call(&self, request: Request) -> Result<Response, Error> {
        self.call_for(None, request).await
    }

    /// Has an instance answer what `client` requests. Where requests have to wait, those of each client
    /// have their turns, so that none waits behind all that another sends.
    pub async fn call_for(
        &self,
        client: Option<IpAddr>,
        request: Request,
    ) -> Result<Response, Error> {
        let (call, ticket) = Call::new(client, request);
        self.0.place(call)?;
        ticket.response().await
    }

    /// Has an instance answer `request` that was made for it and does nothing else; waits for room
    /// as long as it takes.
    pub async fn call_alone(&self, request: Request) -> Result<Response, Error> {
        if self.isolates() {
            return self.call(request).await;
        }
        // The semaphore is never closed.
        let room = self.0.alone_room.clone().acquire_owned().await;
        let room = room.map_err(|closed| Error::Exhausted(closed.to_string().into()))?;
        let (call, ticket) = Call::new(None, request);
        self.0.start_alone(call, room);
        ticket.response().await
    }
}

impl Inner {
    /// Hands a call to an instance, which may have to be started, or has it wait for one.
    fn place(self: &Arc<Self>, call: Call) -> Result<(), Error> {
        let mut open = self.open();
        let choice = if self.has_waiting() {
            Choice::Later
        } else {
            self.choose(&open)
        };
        let instance = match choice {
            Choice::Ready(place) => open[place].clone(),
            Choice::New => self.start(&mut open),
            Choice::Later => {
                self.wait(call);
                self.serve_waiting(&mut open);
                return Ok(());
            }
            Choice::Nowhere => {
                return Err(Error::Exhausted(
                    "every instance that the component may have is serving a request".into(),
                ));
            }
        };
        self.hand(&mut open, &instance, call);
        self.serve_waiting(&mut open);
        Ok(())
    }

    /// Has a call wait for its turn. Whoever does that looks afterwards for an instance that is ready, and
    /// an instance that gets ready looks for what waits: so one of the two finds the other.
    fn wait(&self, call: Call) {
        self.waiting.fetch_add(1, Relaxed);
        self.turns().push(call.client, call);
        fence(SeqCst);
    }

    /// Whether any call waits.
    fn has_waiting(&self) -> bool {
        fence(SeqCst);
        self.waiting.load(Relaxed) > 0
    }

    /// The next call that waits and is still awaited.
    fn next_waiting(&self) -> Option<Call> {
        let mut turns = self.turns();
        loop {
            let call = turns.pop()?;
            self.waiting.fetch_sub(1, Relaxed);
            if call.is_awaited() {
                return Some(call);
            }
        }
    }

    /// Hands what waits to instances, as far as there are any that can take it up now or may be started.
    fn serve_waiting(self: &Arc<Self>, open: &mut Vec<Arc<Instance>>) {
        while self.has_waiting() {
            let choice = self.choose(open);
            if matches!(choice, Choice::Later | Choice::Nowhere) {
                return;
            }
            let Some(call) = self.next_waiting() else {
                return;
            };
            let instance = match choice {
                Choice::Ready(place) => open[place].clone(),
                _ => self.start(open),
            };
            self.hand(open, &instance, call);
        }
    }

    /// The next call that waits, for an instance that takes it up now.
    fn take_turn(self: &Arc<Self>, instance: &Arc<Instance>) -> Option<Call> {
        if !self.has_waiting() {
            return None;
        }
        let mut open = self.open();
        if !open.iter().any(|other| Arc::ptr_eq(other, instance)) {
            return None;
        }
        let call = self.next_waiting()?;
        let taken = instance.take(&call);
        self.retire_used(&mut open, instance, taken);
        self.serve_waiting(&mut open);
        Some(call)
    }

    /// Has others serve what waits, and what `instance` was handed and cannot take up soon.
    fn pass_on(self: &Arc<Self>, calls: impl Iterator<Item = Call>) {
        let mut open = self.open();
        calls.for_each(|call| self.wait(call));
        self.serve_waiting(&mut open);
    }

    /// Takes an idle instance out, unless it was just handed a call.
    fn retire_idle(&self, instance: &Instance) -> bool {
        let mut open = self.open();
        let idle = instance.load() == 0;
        if idle {
            remove(&mut open, instance);
        }
        idle
    }

    /// Takes an instance out, so that it is handed nothing more.
    fn retire(self: &Arc<Self>, instance: &Instance) {
        let mut open = self.open();
        remove(&mut open, instance);
        self.serve_waiting(&mut open);
    }

    /// Notes that an instance has failed.
    fn failed(&self) {
        self.failures.fetch_add(1, Relaxed);
    }

    /// Notes that an instance has ended.
    fn ended(self: &Arc<Self>, instance: &Instance) {
        let living = if instance.is_alone() {
            &self.alone
        } else {
            &self.alive
        };
        living.fetch_sub(1, Relaxed);
        self.retire(instance);
    }

    fn open(&self) -> MutexGuard<'_, Vec<Arc<Instance>>> {
        // OK because nothing panics while it holds the lock.
        self.open.lock().expect("the instances are never poisoned")
    }

    fn turns(&self) -> MutexGuard<'_, Turns<Call>> {
        // OK because nothing panics while it holds the lock.
        self.turns.lock().expect("turns are never poisoned")
    }

    /// Where a call is answered soonest.
    ///
    /// In this order: an instance that does nothing at this moment; a new one, while there are fewer
    /// than can run at once; the first that runs and is not held up, because it will be done soon; a
    /// new one, while there may be more; and at last whichever has room first.
    fn choose(&self, open: &[Arc<Instance>]) -> Choice {
        let mut is_soon = false;
        for (place, instance) in open.iter().enumerate() {
            if !instance.has_room() {
                continue;
            }
            if instance.waiting() == 0 && instance.meter.is_ready() {
                return Choice::Ready(place);
            }
            is_soon |= !instance.meter.is_held_up();
        }
        let may_add = self.may_add();
        if may_add && open.len() < self.policy.spread {
            return Choice::New;
        }
        if !may_add && self.policy.reuse_max == 1 {
            return Choice::Nowhere;
        }
        // All that live may have taken their last call: then one more is made than there should be,
        // rather than none.
        if is_soon || (!may_add && !open.is_empty()) {
            return Choice::Later;
        }
        Choice::New
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

    fn start(self: &Arc<Self>, open: &mut Vec<Arc<Instance>>) -> Arc<Instance> {
        let (instance, inbox) = Instance::new(self.clone(), None);
        self.alive.fetch_add(1, Relaxed);
        open.push(instance.clone());
        self.runtime.spawn(instance.clone().run(inbox));
        instance
    }

    /// Starts an instance that nobody else can hand anything.
    fn start_alone(self: &Arc<Self>, call: Call, room: OwnedSemaphorePermit) {
        let (instance, inbox) = Instance::new(self.clone(), Some(room));
        self.alone.fetch_add(1, Relaxed);
        instance.hand(call);
        instance.close();
        self.runtime.spawn(instance.run(inbox));
    }

    fn hand(&self, open: &mut Vec<Arc<Instance>>, instance: &Arc<Instance>, call: Call) {
        let taken = instance.hand(call);
        self.retire_used(open, instance, taken);
    }

    /// Takes an instance out that has `taken` as many calls as it may. One that is retired lives on for
    /// as long as anybody reads what it streams: where there is no room for one in its place, it goes on.
    fn retire_used(&self, open: &mut Vec<Arc<Instance>>, instance: &Instance, taken: usize) {
        if taken >= self.policy.reuse_max && (self.policy.reuse_max == 1 || self.may_add()) {
            remove(open, instance);
        }
    }
}

fn remove(open: &mut Vec<Arc<Instance>>, instance: &Instance) {
    if let Some(place) = open
        .iter()
        .position(|other| std::ptr::eq(Arc::as_ptr(other), instance))
    {
        open.swap_remove(place).close();
    }
}
