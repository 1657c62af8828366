//! Who uses the protocol, as the components do: clients that try again, processors that renew
//! and settle, and recovery by sweeps alone.

use std::pin::pin;

use futures::future::{Either, select};
use protocol::{
    AttemptEnd, ClaimError, Claimant, DeliveryEnd, Expired, ExpiryTurn, Held, Idempotency, OrderId,
    Record, Refusal, RenewError, SettleError, Store, StoreError, SubmitError, SweepTurn, Swept,
    Timestamp, UpdateError, redelivery_ms,
};
use serde_json::value::to_raw_value;

use super::sample::{BODY, DELIVERY_LEASE_MS, EXPIRY, LEASE_MS, SWEEPS};
use super::world::{Line, World};

/// How long everybody waits before trying a failed operation again, in milliseconds.
const AGAIN_MS: u64 = 500;
/// More sweeps than any recovery needs.
const SWEEPS_MAX: usize = 2_000;

/// Submits an order, again and again until it is accepted.
pub async fn submit(world: World) -> OrderId {
    loop {
        match protocol::submit(&world.connect(), world.submission(BODY)).await {
            Ok(record) => {
                world.store.inner().tell(record.id);
                return record.id;
            }
            Err(_) => world.clock.sleep(AGAIN_MS).await,
        }
    }
}

/// Submits an order with its key, once.
pub async fn submit_once(
    world: &World,
    line: &Line,
    body: &[u8],
    idempotency: Idempotency,
) -> Result<Record, SubmitError> {
    let pause = async |ms| world.clock.sleep(ms).await;
    let submitted = protocol::submit_once(
        line,
        world.submission(body),
        idempotency,
        world.token(),
        pause,
    )
    .await;
    if let Ok(record) = &submitted {
        world.store.inner().tell(record.id);
    }
    submitted
}

/// Submits an order with its key, again and again until it is accepted.
pub async fn submit_once_until_accepted(world: World, idempotency: Idempotency) -> OrderId {
    loop {
        match submit_once(&world, &world.connect(), BODY, idempotency).await {
            Ok(record) => return record.id,
            Err(SubmitError::Store(_)) => world.clock.sleep(AGAIN_MS).await,
            Err(error) => panic!("the key is refused: {error}"),
        }
    }
}

/// What an attempt comes to, and how long it takes.
#[derive(Clone, Copy, Debug)]
pub struct Work {
    /// How long, in milliseconds.
    pub ms: u64,
    /// To what.
    pub end: End,
}

/// What an attempt comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The work is done.
    Completed,
    /// The work failed for good.
    Permanent,
    /// The work failed, and may be tried again.
    Retryable,
}

/// Work that is soon done.
pub const SHORT_WORK: Work = Work {
    ms: 100,
    end: End::Completed,
};

/// The end that the holder of `claimant` reports. Its token is in it, so that what is recorded
/// says whose it is.
pub fn end(claimant: Claimant, end: End) -> AttemptEnd {
    let message = claimant.token.to_string();
    match end {
        // OK because a string is always JSON.
        End::Completed => AttemptEnd::Completed {
            result: Some(to_raw_value(&message).expect("a string is JSON")),
        },
        End::Permanent => AttemptEnd::Permanent {
            error: message.into(),
        },
        End::Retryable => AttemptEnd::Retryable {
            error: message.into(),
            delay_ms: 1_000,
        },
    }
}

/// Claims `id` once.
pub async fn claim(
    world: &World,
    line: &impl Store,
    id: OrderId,
    claimant: Claimant,
) -> Result<Held, ClaimError> {
    protocol::claim(line, id, claimant, world.token(), world.now()).await
}

/// Claims `id`, again and again while the store fails.
pub async fn hold(world: &World, id: OrderId) -> Result<Claimant, ClaimError> {
    loop {
        let claimant = world.claimant();
        match claim(world, &world.connect(), id, claimant).await {
            Ok(_) => return Ok(claimant),
            Err(ClaimError::Store(_)) => world.clock.sleep(AGAIN_MS).await,
            // What a claim that was not told of holds is free when its lease has run out.
            Err(ClaimError::Unavailable(refused))
                if world.conditions.may_fail() && refused.refusal != Refusal::Terminal =>
            {
                world.clock.sleep(LEASE_MS).await;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Settles once more while the store fails, under one name, for as long as a lease.
pub async fn settle(
    world: &World,
    line: &impl Store,
    id: OrderId,
    claimant: Claimant,
    end: AttemptEnd,
) -> Result<Record, SettleError> {
    let write = world.token();
    let give_up_at = world.now().plus_ms(LEASE_MS);
    loop {
        let now = world.now();
        match protocol::settle(line, id, claimant.token, end.clone(), write, now).await {
            Err(SettleError::Store(_)) if now < give_up_at => world.clock.sleep(AGAIN_MS).await,
            settled => return settled,
        }
    }
}

/// One dispatch: claims `id` if it can, works with the lease renewed, settles, and tells of the end; or
/// tells of it where it has ended before.
pub async fn process(
    world: &World,
    line: &Line,
    id: OrderId,
    work: Work,
) -> Option<Result<Record, SettleError>> {
    let claimant = world.claimant();
    match claim(world, line, id, claimant).await {
        Ok(_) => {}
        Err(error) => {
            if has_ended(&error) {
                tell(world, line, id).await;
            }
            return None;
        }
    }
    let working = pin!(world.clock.sleep(work.ms));
    let keeping = pin!(keep(world, line, id, claimant));
    if let Either::Right(((), _)) = select(working, keeping).await {
        // Lost: what the work gives is reported all the same, and is to be dropped.
    }
    let settled = settle(world, line, id, claimant, end(claimant, work.end)).await;
    if matches!(&settled, Ok(record) if record.tellable_at().is_some()) {
        tell(world, line, id).await;
    }
    Some(settled)
}

/// Whether an order cannot be claimed because it has ended, now or before.
pub fn has_ended(error: &ClaimError) -> bool {
    match error {
        ClaimError::Exhausted(_) => true,
        ClaimError::Unavailable(refused) => refused.refusal == Refusal::Terminal,
        _ => false,
    }
}

/// Tells of the end of `id`, if a delivery is due, and records what came of it.
pub async fn tell(world: &World, line: &impl Store, id: OrderId) {
    let delivery = world.token();
    let (write, now) = (world.token(), world.now());
    let begun = protocol::begin_delivery(line, id, delivery, DELIVERY_LEASE_MS, write, now).await;
    let Ok(Some(record)) = begun else { return };
    let end = deliver(world, &record).await;
    let write = world.token();
    let give_up_at = world.now().plus_ms(DELIVERY_LEASE_MS);
    loop {
        let now = world.now();
        match protocol::end_delivery(line, id, delivery, end.clone(), write, now).await {
            Err(UpdateError::Store(_)) if now < give_up_at => world.clock.sleep(AGAIN_MS).await,
            _ => return,
        }
    }
}

/// One message to the receiver, and its answer. Either may be lost.
pub async fn deliver(world: &World, record: &Record) -> DeliveryEnd {
    let deaf_percent = world.deaf_percent.get();
    let is_lost = || world.random.chance(deaf_percent);
    let lost = || DeliveryEnd::Failed {
        status: None,
        error: "nobody answered".to_owned(),
        delay_ms: redelivery_ms(1, world.random.number()),
    };
    world.clock.sleep(world.random.below(1_000)).await;
    if is_lost() {
        return lost();
    }
    world.store.inner().hear(record);
    world.clock.sleep(world.random.below(1_000)).await;
    if is_lost() {
        lost()
    } else if world.random.chance(90) {
        DeliveryEnd::Delivered { status: 204 }
    } else {
        DeliveryEnd::Gone { status: 410 }
    }
}

/// Renews the lease until the claim is lost.
async fn keep(world: &World, line: &Line, id: OrderId, claimant: Claimant) {
    loop {
        world.clock.sleep(LEASE_MS / 3).await;
        let renewed = protocol::renew(line, id, claimant, None, world.token(), world.now()).await;
        if let Err(RenewError::Lost(_)) = renewed {
            return;
        }
    }
}

/// Sweeps once, if it is time: finds what is due, moves what has ended, and says when the next is due.
/// What is due is left to the caller.
pub async fn sweep(world: &World, line: &impl Store) -> Result<SweepTurn, StoreError> {
    let began = world.clock.now();
    let turn = protocol::sweep(line, SWEEPS, world.token(), world.now()).await?;
    if let SweepTurn::Taken(swept) = &turn {
        for id in &swept.ended {
            move_ended(line, *id).await;
        }
        rest_after_sweep(world, line, swept, began).await;
    }
    Ok(turn)
}

/// Moves what ended and was left among the open orders. What fails is left to the next sweep.
async fn move_ended(line: &impl Store, id: OrderId) {
    let _left_to_the_next_sweep = protocol::move_left(line, id).await;
}

/// Says when the next sweep is due, after one that `began` at that true time.
pub async fn rest_after_sweep(
    world: &World,
    line: &impl Store,
    swept: &Swept,
    began: Timestamp,
) -> Timestamp {
    let took_ms = world.clock.now().ms_since(began);
    protocol::rest_after_sweep(line, SWEEPS, swept, took_ms, world.token(), world.now()).await
}

/// Sweeps as soon as it is time and the store lets it.
pub async fn sweep_until_done(world: World) -> Swept {
    loop {
        let asked_at = world.now();
        match sweep(&world, &world.connect()).await {
            Ok(SweepTurn::Taken(swept)) => return swept,
            Ok(SweepTurn::NotDue(at)) => world.clock.sleep(at.ms_since(asked_at).max(1)).await,
            Err(_) => world.clock.sleep(SWEEPS.interval_ms).await,
        }
    }
}

/// Removes what has had its time once, if it is time, and says when the next turn is due.
pub async fn expire(world: &World, line: &impl Store) -> Result<ExpiryTurn, StoreError> {
    let began = world.clock.now();
    let turn = protocol::expire(line, EXPIRY, world.token(), world.now()).await?;
    if let ExpiryTurn::Taken(expired) = &turn {
        let took_ms = world.clock.now().ms_since(began);
        let (write, now) = (world.token(), world.now());
        protocol::rest_after_expiry(line, EXPIRY, expired, took_ms, write, now).await;
    }
    Ok(turn)
}

/// Removes what has had its time as soon as it is time and the store lets it.
pub async fn expire_until_done(world: World) -> Expired {
    loop {
        let asked_at = world.now();
        match expire(&world, &world.connect()).await {
            Ok(ExpiryTurn::Taken(expired)) => return expired,
            Ok(ExpiryTurn::NotDue(at)) => world.clock.sleep(at.ms_since(asked_at).max(1)).await,
            Err(_) => world.clock.sleep(EXPIRY.interval_ms).await,
        }
    }
}

/// Cancels, again and again while the store fails.
pub async fn cancel_until_told(world: &World, id: OrderId) -> Result<(), String> {
    let write = world.token();
    loop {
        match protocol::cancel(&world.connect(), id, write, world.now()).await {
            Ok(_) => return Ok(()),
            Err(UpdateError::Store(_)) => world.clock.sleep(AGAIN_MS).await,
            Err(refused) => return Err(refused.to_string()),
        }
    }
}

/// Ends every open order, and tells of every end, by sweeps and what they dispatch alone, as after a crash
/// of everything.
///
/// # Panics
/// If orders are still open after a very long time.
pub async fn recover(world: World) {
    world.deaf_percent.set(0);
    for _ in 0..SWEEPS_MAX {
        let swept = sweep_until_done(world.clone()).await;
        for id in swept.due {
            let world = world.process();
            world.clone().spawn(async move {
                process(&world, &world.connect(), id, SHORT_WORK).await;
            });
        }
        if swept.open == 0 && world.open().is_empty() {
            return;
        }
    }
    panic!("still open after {SWEEPS_MAX} sweeps: {:?}", world.open());
}
