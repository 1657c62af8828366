//! What looking costs: a sweep what is open, a page of the list a page.

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use protocol::{Key, ListQuery, OrderId, Record, Timestamp, list};

use super::Mutant;
use crate::support::faulty::Spent;
use crate::support::roles::{self, cancel_until_told, rest_after_sweep, submit};
use crate::support::sample::SWEEPS;
use crate::support::world::{Line, World};

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "a sweep reads every record there is",
        breaks: "a sweep costs what is open",
        test: || a_sweep_costs_what_is_open(sweep_everything),
    },
    Mutant {
        name: "a page of the list reads every record there is",
        breaks: "a page costs a page",
        test: || a_page_costs_a_page(list_everything),
    },
    Mutant {
        name: "the next sweep is due after the interval, however long the last one took",
        breaks: "a tenth of the time is spent on sweeps",
        test: || sweeps_take_a_tenth_of_the_time(false),
    },
];

type Look = fn(World, Line) -> LocalBoxFuture<'static, ()>;

fn sweep(world: World, line: Line) -> LocalBoxFuture<'static, ()> {
    async move {
        let swept = roles::sweep(&world, &line).await;
        assert!(matches!(swept, Ok(protocol::SweepTurn::Taken(_))));
    }
    .boxed_local()
}

fn sweep_everything(world: World, line: Line) -> LocalBoxFuture<'static, ()> {
    async move {
        for id in world.orders() {
            let _record = protocol::find(&line, id).await;
        }
    }
    .boxed_local()
}

/// So many records of orders that have ended, of nobody in particular and of others in turn, a second apart.
fn plant_ended(world: &World, count: usize) {
    let id = world.complete(submit(world.clone()));
    let task = world.clone();
    world.complete(async move { cancel_until_told(&task, id).await.expect("it is open") });
    let ended = world.record(id);
    for number in 0..count {
        let owner = [None, Some("ada"), Some("grace")][number % 3];
        let at_ms = world.now().as_unix_ms() - 1_000 * (number as u64 + 1);
        let at = Timestamp::from_unix_ms(at_ms);
        let record = Record {
            id: OrderId::new(at, world.random.bytes(), owner),
            owner: owner.map(str::to_owned),
            ..ended.clone()
        };
        world.store.inner().plant(Key::Ended(record.id), &record);
    }
}

fn spent_by(world: &World, look: Look) -> Spent {
    world.store.spent();
    world.complete(look(world.clone(), world.connect()));
    world.store.spent()
}

fn a_sweep_costs_what_is_open(sweep: Look) {
    let [few, many] = [100, 10_000].map(|ended| {
        let world = World::calm();
        world.store.inner().page_by(100);
        plant_ended(&world, ended);
        for _ in 0..100 {
            world.complete(submit(world.clone()));
        }
        let spent = spent_by(&world, sweep);
        (spent.reads, spent.keys, spent.orders.len())
    });
    assert_eq!(few, many, "values read, keys listed, and orders looked at");
}

#[test]
fn a_sweep_costs_the_same_however_much_has_ended() {
    a_sweep_costs_what_is_open(sweep);
}

/// How many orders a page has here.
const LIMIT: usize = 20;

fn list_page(_world: World, line: Line) -> LocalBoxFuture<'static, ()> {
    async move {
        let query = ListQuery {
            owner: Some("ada".to_owned()),
            status: None,
            before: None,
            limit: LIMIT,
        };
        let page = list(&line, query).await.expect("calm");
        assert_eq!(page.records.len(), LIMIT);
    }
    .boxed_local()
}

fn list_everything(world: World, line: Line) -> LocalBoxFuture<'static, ()> {
    sweep_everything(world, line)
}

fn a_page_costs_a_page(list: Look) {
    const ENDED: usize = 10_000;
    let world = World::calm();
    world.store.inner().page_by(100);
    plant_ended(&world, ENDED);
    let spent = spent_by(&world, list);
    assert!(spent.keys < 2_000, "{} keys were listed", spent.keys);
    assert!(spent.reads <= 3 * LIMIT, "{} values were read", spent.reads);
    for id in spent.orders {
        let owner = world.record(id).owner;
        assert_eq!(owner.as_deref(), Some("ada"), "another's order is read");
    }
}

#[test]
fn a_page_of_the_list_costs_a_page_and_reads_nobody_elses_orders() {
    a_page_costs_a_page(list_page);
}

fn sweeps_take_a_tenth_of_the_time(rests: bool) {
    const TOOK_MS: u64 = 20_000;
    let world = World::calm();
    world.complete(submit(world.clone()));
    let task = world.clone();
    let next_at = world.complete(async move {
        let world = task;
        let line = world.connect();
        let began = world.clock.now();
        let turn = protocol::sweep(&line, SWEEPS, world.token(), world.now()).await;
        let Ok(protocol::SweepTurn::Taken(swept)) = turn else {
            panic!("the first turn of all")
        };
        // With all that is to be dispatched.
        world.clock.sleep(TOOK_MS).await;
        if rests {
            rest_after_sweep(&world, &line, &swept, began).await;
        }
        protocol::next_sweep_at(&line, world.now())
            .await
            .expect("calm")
    });
    let wait_ms = next_at.map_or(0, |next_at| next_at.ms_since(world.now()));
    assert!(wait_ms >= 9 * TOOK_MS, "the next begins after {wait_ms} ms");
}

#[test]
fn sweeps_of_a_backlog_take_a_tenth_of_the_time() {
    sweeps_take_a_tenth_of_the_time(true);
}
