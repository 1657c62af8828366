//! The world in which several submit with one idempotency key, and its steps: see `key`.

use std::collections::BTreeSet;
use std::sync::Arc;

use protocol::{
    AttemptEnd, ClaimError, Claimant, ExpiryPolicy, Idempotency, Key, OrderId, Refusal,
    Snapshot as _, Status, Store as _, Submission, SubmitError, Timestamp, Token, claim, expire,
    settle, submit_once,
};
use stateright::{Model, Property};

use super::known::Known;
use super::replay::{Answer, Asked, Contents, Progress, Replay};
use crate::support::conditions::thoroughness;
use crate::support::sample::{BODY, order};

use Quirk::{HidesNumbers, OverwritesWhenItCreates, RepeatsNumbers, SwapsLate};
use Role::{Claims, Expires, ForgetsBlindly, Submits, SubmitsByPointer};

pub const TOLD: &str = "nobody is told of, or works on, another order than the others";
pub const KEPT: &str = "an order that somebody was told of is there, and can be worked on";

/// When an order ended that the key stood for before, and when everything else happens.
const BEFORE: Timestamp = Timestamp::from_unix_ms(1_000);
const NOW: Timestamp = Timestamp::from_unix_ms(1_000_000_000);
const EXPIRY: ExpiryPolicy = ExpiryPolicy {
    interval_ms: 1_000,
    retention_ms: 1_000,
};

/// The number of an order; 0 is that which the key stood for before.
pub type Number = u8;

/// Who does something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Submits this order.
    Submits(Number),
    /// Comes to work on it.
    Claims(Number),
    /// The same without bids: one key says which order is meant, and whoever creates it is believed.
    SubmitsByPointer(Number),
    /// Removes what ended long ago.
    Expires,
    /// The same without a look at who the key stands for meanwhile.
    ForgetsBlindly,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum End {
    IsTold(OrderId),
    Works(OrderId),
    IsGone(OrderId),
    Otherwise,
}

/// What a store may do beside what it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quirk {
    /// Two who add to a number at once are told the same.
    RepeatsNumbers,
    /// A swap that creates a key replaces what another created meanwhile.
    OverwritesWhenItCreates,
    /// A swap is applied long after it was reported failed.
    SwapsLate,
    /// Who looks at a number sees what it last made of it itself. No store does: it is as if nobody looked
    /// for later bids.
    HidesNumbers,
}

/// A world.
pub struct Race {
    pub roles: Vec<Role>,
    pub quirks: &'static [Quirk],
    /// Whether the key stood for an order before, which ended long ago.
    after_another: bool,
    /// How often it is bid in all, after which who would bid again stands still.
    bids_max: i64,
    /// Whether an order can be worked on, with some contents.
    workable: Known<bool>,
    /// How far a role is that was answered some log.
    progress: Known<Progress<End>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    contents: Contents,
    processes: Vec<Arc<Process>>,
    late: Option<Asked>,
    told: BTreeSet<OrderId>,
    worked_on: BTreeSet<OrderId>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Process {
    log: Vec<Answer>,
    progress: Progress<End>,
    /// How much it had been answered when it bid first.
    bids_from: Option<usize>,
    /// Whether it has added to a number, and is yet to be told what it is then.
    has_added: bool,
}

/// One step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// What a process asks for is done.
    Goes(usize),
    /// A swap that a process asks for is reported failed, and may happen later.
    SwapsLate(usize),
    LateSwapLands,
}

impl Process {
    /// Is answered. Who bids again, or goes on with a later bid, knows no more than if that number had been its
    /// first, so what came of its earlier bids is left out.
    fn note(&mut self, answer: Answer) {
        match &self.progress {
            Progress::Asks(Asked::Increment(_, 1)) => {
                let first = *self.bids_from.get_or_insert(self.log.len());
                self.log.truncate(first);
            }
            Progress::Asks(Asked::Snapshot(Key::Bid(_, number))) => self.goes_on_with(*number),
            _ => {}
        }
        self.log.push(answer);
    }

    fn goes_on_with(&mut self, number: i64) {
        let Some(first) = self.bids_from else { return };
        if matches!(self.log.get(first), Some(Answer::Number(own)) if *own < number) {
            self.log.truncate(first);
            self.log.push(Answer::Number(number));
        }
    }
}

impl Race {
    /// For a key that stands for nothing yet.
    pub fn new(roles: &[Role], quirks: &'static [Quirk]) -> Self {
        Self {
            roles: roles.to_vec(),
            quirks,
            after_another: false,
            bids_max: 3,
            workable: Known::default(),
            progress: Known::default(),
        }
    }

    /// For a key that stood for an order which ended long ago.
    pub fn after_another(roles: &[Role], quirks: &'static [Quirk]) -> Self {
        Self {
            after_another: true,
            ..Self::new(roles, quirks)
        }
    }

    /// In which it is bid so often in all.
    pub fn of_bids(self, bids_max: i64) -> Self {
        Self { bids_max, ..self }
    }

    fn has(&self, quirk: Quirk) -> bool {
        self.quirks.contains(&quirk)
    }

    /// Brings a process to what it asks next. What concerns nobody else is done at once.
    ///
    /// `swapped` is what it has just swapped: it looks at once what is there. (Who changes that in between
    /// could as well have done so behind the look; a long proof goes through that too, between two.)
    fn advance(&self, state: &mut State, number: usize, swapped: Option<Key>) {
        let looks_back = |asked: &Asked| {
            (thoroughness() == 1 || self.roles.len() > 2)
                && matches!(asked, Asked::Get(key) | Asked::Snapshot(key) if Some(*key) == swapped)
        };
        let role = self.roles[number];
        let process = Arc::make_mut(&mut state.processes[number]);
        loop {
            process.progress = self.progress(role, &process.log);
            match &process.progress {
                Progress::Asks(asked)
                    if !process.log.is_empty()
                        && (looks_back(asked) || self.is_settled(&state.contents, asked)) =>
                {
                    let answer = state.contents.answer(asked);
                    process.note(answer);
                }
                Progress::Asks(_) => return,
                Progress::Ends(end) => {
                    match *end {
                        End::IsTold(id) => _ = state.told.insert(id),
                        End::Works(id) => _ = state.worked_on.insert(id),
                        End::IsGone(_) | End::Otherwise => {}
                    }
                    // How it came there is no matter any more.
                    process.log.clear();
                    process.bids_from = None;
                    return;
                }
            }
        }
    }

    fn answer(&self, state: &mut State, number: usize, asked: &Asked) -> Option<Answer> {
        let process = Arc::make_mut(&mut state.processes[number]);
        Some(match asked {
            Asked::Increment(_, 0) if self.has(HidesNumbers) => {
                let own = process.bids_from.and_then(|from| process.log.get(from));
                own.cloned().unwrap_or(Answer::Number(0))
            }
            Asked::Increment(key, delta) if self.has(RepeatsNumbers) && *delta > 0 => {
                process.has_added = !process.has_added;
                if process.has_added {
                    state.contents.answer(asked);
                    return None;
                }
                Answer::Number(state.contents.number(key))
            }
            Asked::Swap(key, None, value) if self.has(OverwritesWhenItCreates) => {
                state.contents.answer(&Asked::Set(*key, value.clone()))
            }
            asked => state.contents.answer(asked),
        })
    }

    /// Whether what is asked for is answered the same whenever it is, so that it is all one what others do
    /// before: it is nobody else's, or never changes any more.
    fn is_settled(&self, contents: &Contents, asked: &Asked) -> bool {
        let key = match asked {
            Asked::KeysAfter(_) => return true,
            Asked::Get(key) | Asked::Snapshot(key) | Asked::Swap(key, ..) => *key,
            _ => return false,
        };
        let is_there = contents.values.contains_key(&key);
        match key {
            Key::Expiry => true,
            // Only that which the key stood for before is moved there.
            Key::Ended(ended) => ended != id(0),
            // Nobody looks for a candidate before it is put there, and it is put there once.
            Key::Open(_) => !is_there,
            // Where bids are removed, or replaced, they do change.
            Key::Bid(..) => {
                let is_kept = !self.after_another && !self.has(OverwritesWhenItCreates);
                is_kept && is_there
            }
            _ => false,
        }
    }

    /// Whether who asks can go on.
    fn can_go(&self, state: &State, number: usize, asked: &Asked) -> bool {
        match (asked, self.roles[number]) {
            (Asked::Increment(key, 1), _) => state.contents.number(key) < self.bids_max,
            // It is dispatched as soon as it is there.
            (Asked::Snapshot(key), Claims(order)) if state.processes[number].log.is_empty() => {
                *key != Key::Open(id(order)) || state.contents.values.contains_key(key)
            }
            _ => true,
        }
    }

    fn progress(&self, role: Role, log: &[Answer]) -> Progress<End> {
        self.progress.of(&(role, log), || {
            Replay::run(log, &async |store: &Replay<'_>| act(store, role).await)
        })
    }

    fn is_workable(&self, contents: &Contents, id: OrderId) -> bool {
        self.workable.of(&(contents, id), || {
            let end = contents.clone().run(&async |store| work(store, id).await);
            end == End::Works(id)
        })
    }
}

fn id(number: Number) -> OrderId {
    let at = if number == 0 { BEFORE } else { NOW };
    OrderId::new(at, [number; 10], None)
}

fn token(number: Number) -> Token {
    Token::new([number; 16])
}

fn key() -> Idempotency {
    Idempotency::new(None, "a client's key", BODY)
}

async fn act(store: &Replay<'_>, role: Role) -> End {
    match role {
        Submits(number) => match submit(store, number).await {
            Ok(id) => End::IsTold(id),
            Err(_) => End::Otherwise,
        },
        SubmitsByPointer(number) => submit_by_pointer(store, number).await,
        Claims(number) => work(store, id(number)).await,
        Expires => {
            let _expired = expire(store, EXPIRY, token(100), NOW).await;
            End::Otherwise
        }
        ForgetsBlindly => forget_blindly(store).await,
    }
}

async fn submit(store: &Replay<'_>, number: Number) -> Result<OrderId, SubmitError> {
    let id = id(number);
    let submission = Submission {
        id,
        write: token(number),
        order: order(BODY),
        owner: None,
        max_attempts: 2,
        traceparent: None,
        tracestate: None,
        baggage: None,
        notification: None,
        now: id.created_at(),
    };
    let pause = async |_| ();
    Ok(
        submit_once(store, submission, key(), token(50 + number), pause)
            .await?
            .id,
    )
}

async fn work(store: &Replay<'_>, id: OrderId) -> End {
    let now = id.created_at();
    let claimant = Claimant {
        token: token(101),
        lease_ms: 1_000,
        alone: true,
        tenure: None,
    };
    match claim(store, id, claimant, token(102), now).await {
        Ok(held) => End::Works(held.record.id),
        // A candidate that was discarded; nobody cancels here.
        Err(ClaimError::Unavailable(refused)) if refused.status == Status::Cancelled => {
            End::IsGone(id)
        }
        // By another, or it is done.
        Err(ClaimError::Unavailable(refused)) if refused.refusal != Refusal::Undecided => {
            End::Works(id)
        }
        Err(ClaimError::NotFound(id)) => End::IsGone(id),
        Err(_) => End::Otherwise,
    }
}

/// What would do if a swap that creates a key were to be relied upon.
async fn submit_by_pointer(store: &Replay<'_>, number: Number) -> End {
    let id = id(number);
    let pointer = Key::Bid(key().key, 1);
    let told = async {
        let snapshot = store.snapshot(&pointer).await?;
        if snapshot.value().is_none() {
            store.set(&Key::Open(id), b"a record").await?;
            store.swap(snapshot, id.to_string().as_bytes()).await?;
        }
        store.get(&pointer).await
    };
    let told = told.await.ok().flatten();
    // OK because nothing else is written there.
    let told = told.and_then(|value| String::from_utf8(value).ok()?.parse().ok());
    told.map_or(End::Otherwise, End::IsTold)
}

/// What would do if nobody submitted while a key is forgotten.
async fn forget_blindly(store: &Replay<'_>) -> End {
    let key = key().key;
    let latest = store
        .increment(&Key::Bids(key), 0)
        .await
        .unwrap_or_default();
    for place in (1..=latest).map(|number| Key::Bid(key, number)) {
        let _done = store.delete(&place).await;
    }
    let _done = store.delete(&Key::Bids(key)).await;
    let _done = store.delete(&Key::Ended(id(0))).await;
    End::Otherwise
}

impl Model for Race {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let mut contents = Contents::default();
        if self.after_another {
            contents.run(&async |store| {
                let id = submit(store, 0).await.expect("it is told");
                assert_eq!(work(store, id).await, End::Works(id));
                let end = AttemptEnd::Completed { result: None };
                settle(store, id, token(101), end, token(103), BEFORE)
                    .await
                    .expect("it is settled");
            });
        }
        let process = Process {
            log: Vec::new(),
            progress: Progress::Ends(End::Otherwise),
            bids_from: None,
            has_added: false,
        };
        let mut state = State {
            contents,
            processes: self
                .roles
                .iter()
                .map(|_| Arc::new(process.clone()))
                .collect(),
            late: None,
            told: BTreeSet::new(),
            worked_on: BTreeSet::new(),
        };
        for number in 0..self.roles.len() {
            self.advance(&mut state, number, None);
        }
        vec![state]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for (number, process) in state.processes.iter().enumerate() {
            let Progress::Asks(asked) = &process.progress else {
                continue;
            };
            if self.can_go(state, number, asked) {
                actions.push(Action::Goes(number));
            }
            let may_be_late = self.has(SwapsLate) && state.late.is_none();
            if may_be_late && matches!(asked, Asked::Swap(..)) {
                actions.push(Action::SwapsLate(number));
            }
        }
        if state.late.is_some() {
            actions.push(Action::LateSwapLands);
        }
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        let mut next = state.clone();
        let (number, answer) = match action {
            Action::Goes(number) => {
                let Progress::Asks(asked) = &state.processes[number].progress else {
                    return None;
                };
                (number, self.answer(&mut next, number, asked))
            }
            Action::SwapsLate(number) => {
                let Progress::Asks(asked) = &state.processes[number].progress else {
                    return None;
                };
                next.late = Some(asked.clone());
                (number, Some(Answer::Failed))
            }
            Action::LateSwapLands => {
                let late = next.late.take()?;
                next.contents.answer(&late);
                return Some(next);
            }
        };
        if let Some(answer) = answer {
            let swapped = match &next.processes[number].progress {
                Progress::Asks(Asked::Swap(key, ..)) => Some(*key),
                _ => None,
            };
            Arc::make_mut(&mut next.processes[number]).note(answer);
            self.advance(&mut next, number, swapped);
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        // Of that which the key stood for before, who came early enough is still told.
        fn new(ids: &BTreeSet<OrderId>) -> impl Iterator<Item = &OrderId> {
            ids.iter().filter(|known| **known != id(0))
        }
        vec![
            Property::always(TOLD, |_, state: &State| {
                let all: BTreeSet<_> = new(&state.told).chain(new(&state.worked_on)).collect();
                all.len() <= 1
            }),
            Property::always(KEPT, |race: &Race, state: &State| {
                new(&state.told).all(|id| race.is_workable(&state.contents, *id))
            }),
            Property::sometimes("somebody is told", |_, state: &State| {
                new(&state.told).next().is_some()
            }),
        ]
    }
}
