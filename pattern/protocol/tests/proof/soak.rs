//! Everything at once: many clients, processors and replicas over one store, with lost and
//! repeated dispatches, cancellations, and processes that die anywhere.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::rc::Rc;

use protocol::{Digest, Idempotency, OrderId, Status, SweepTurn, UpdateError, cancel};

use crate::support::conditions::{Conditions, under};
use crate::support::faulty::Death;
use crate::support::mortal::mortal;
use crate::support::roles::{
    End, Work, process, recover, submit, submit_once_until_accepted, sweep,
};
use crate::support::sample::{BODY, LEASE_MS, SWEEPS};
use crate::support::world::World;

const ORDERS: u64 = 30;
const REPLICAS: u64 = 3;
/// How long the trouble lasts, in milliseconds.
const TROUBLE_MS: u64 = 240_000;

/// What clients were told.
#[derive(Default)]
struct Told {
    accepted: RefCell<Vec<OrderId>>,
    keys: RefCell<BTreeMap<Digest, OrderId>>,
    cancelled: RefCell<Vec<OrderId>>,
    deaths: Cell<u64>,
}

#[test]
fn whatever_goes_wrong_every_accepted_order_ends_once() {
    let total = Total::default();
    under(&Conditions::all(), 10, |world| {
        world.told_percent.set(70);
        world.deaf_percent.set(30);
        let told = trouble(world);
        world.complete(recover(world.clone()));
        assert_promises_are_kept(world, &told);
        total.add(world, &told);
    });
    println!("{total}");
    // Else it would prove little.
    assert!(total.deaths.get() > 1_000 && total.faults.get() > 50_000);
    assert!(total.heard.get() > total.notifications.get());
}

/// Lets everything happen at once.
fn trouble(world: &World) -> Rc<Told> {
    let told = Rc::new(Told::default());
    for number in 0..ORDERS {
        world.spawn(client(world.clone(), Rc::clone(&told), number));
    }
    for _ in 0..REPLICAS {
        world.spawn(replica(world.clone(), Rc::clone(&told)));
    }
    world.run();
    told
}

fn assert_promises_are_kept(world: &World, told: &Told) {
    let accepted = told.accepted.borrow();
    assert_eq!(
        accepted.len() as u64,
        ORDERS,
        "every client is told at last"
    );
    for id in accepted.iter() {
        assert!(world.status(*id).is_terminal(), "order `{id}` did not end");
    }
    for id in told.cancelled.borrow().iter() {
        assert_eq!(world.status(*id), Status::Cancelled, "order `{id}`");
    }
    assert_eq!(world.open(), []);
    for id in accepted.iter() {
        let is_told_of = world.record(*id).notification.is_some();
        let heard = world.store.inner().heard(*id);
        assert_eq!(
            heard > 0,
            is_told_of,
            "order `{id}` was heard of {heard} times"
        );
    }
}

/// What all runs came to.
#[derive(Default)]
struct Total {
    runs: Cell<u64>,
    orders: Cell<u64>,
    faults: Cell<u64>,
    deaths: Cell<u64>,
    notifications: Cell<u64>,
    heard: Cell<u64>,
}

impl Total {
    fn add(&self, world: &World, told: &Told) {
        let orders: BTreeSet<_> = told.accepted.borrow().iter().copied().collect();
        for id in &orders {
            let heard = world.store.inner().heard(*id);
            self.notifications.update(|sum| sum + u64::from(heard > 0));
            self.heard.update(|sum| sum + heard);
        }
        self.runs.update(|runs| runs + 1);
        self.orders.update(|sum| sum + orders.len() as u64);
        self.faults.update(|faults| faults + world.store.struck());
        self.deaths.update(|deaths| deaths + told.deaths.get());
    }
}

impl fmt::Display for Total {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} runs: {} orders accepted, {} faults, {} processes died; 0 orders lost, 0 ended twice; {} \
             ends to be told, heard {} times, 0 never, 0 wrongly",
            self.runs.get(),
            self.orders.get(),
            self.faults.get(),
            self.deaths.get(),
            self.notifications.get(),
            self.heard.get(),
        )
    }
}

/// Submits an order, with or without a key that others race for, and may cancel it.
async fn client(world: World, told: Rc<Told>, number: u64) {
    world.clock.sleep(world.random.below(TROUBLE_MS / 2)).await;
    let id = if number.is_multiple_of(2) {
        submit(world.clone()).await
    } else {
        let key = Idempotency::new(None, &(number / 6).to_string(), BODY);
        let id = submit_once_until_accepted(world.clone(), key).await;
        let known = *told.keys.borrow_mut().entry(key.key).or_insert(id);
        assert_eq!(known, id, "one key stands for one order");
        id
    };
    told.accepted.borrow_mut().push(id);
    dispatch(&world, &told, id);
    if world.random.chance(20) {
        world.clock.sleep(world.random.below(2 * LEASE_MS)).await;
        match cancel(&world.connect(), id, world.token(), world.now()).await {
            Ok(_) => told.cancelled.borrow_mut().push(id),
            Err(UpdateError::Refused(_) | UpdateError::Store(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

/// Asks for sweeps as long as the trouble lasts, and dispatches what they find.
async fn replica(world: World, told: Rc<Told>) {
    let until = world.now().plus_ms(TROUBLE_MS);
    while world.now() < until {
        world
            .clock
            .sleep(world.random.below(SWEEPS.interval_ms))
            .await;
        if let Ok(SweepTurn::Taken(swept)) = sweep(&world, &world.connect()).await {
            swept.due.iter().for_each(|id| dispatch(&world, &told, *id));
        }
    }
}

/// Dispatches an order never, once or twice; who works on it may die.
fn dispatch(world: &World, told: &Rc<Told>, id: OrderId) {
    for _ in 0..world.random.below(3) {
        let world = world.clone();
        let told = Rc::clone(told);
        world.clone().spawn(async move {
            world.clock.sleep(world.random.below(1_000)).await;
            let mut line = world.connect();
            if world.random.chance(30) {
                line = line.dying_at(Death {
                    operation: world.random.index(12),
                    applied: world.random.chance(50),
                });
            }
            let work = Work {
                ms: world.random.below(3 * LEASE_MS),
                end: match world.random.below(4) {
                    0 => End::Permanent,
                    1 => End::Retryable,
                    _ => End::Completed,
                },
            };
            let task = world.clone();
            let worked = mortal(
                line.life(),
                async move { process(&task, &line, id, work).await },
            );
            if worked.await.is_none() {
                told.deaths.update(|deaths| deaths + 1);
            }
        });
    }
}
