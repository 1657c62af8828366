//! A system that runs, and what of it is alike for all.

use std::any::Any;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;

use crate::processor_time;

/// A running system, which ends with all its processes when it is dropped.
pub struct System {
    pub name: &'static str,
    pub keeps: Keeps,
    pub address: SocketAddr,
    pub exchange: Exchange,
    process_ids: Vec<u32>,
    /// Those processes, and the directories that they keep data in.
    held: Vec<Box<dyn Any>>,
}

/// What is left after a crash of what was answered with 202.
#[derive(Clone, Copy)]
pub enum Keeps {
    /// The order, and that it is to be worked on.
    Work,
    /// The order, and nobody works on it any more.
    Order,
    Nothing,
    /// It takes no orders.
    NoOrders,
}

/// How orders are submitted, and by what one tells that one has ended.
#[derive(Clone, Copy)]
pub struct Exchange {
    /// Where orders are sent.
    pub submit: &'static str,
    /// The status of an answer that tells of an open order, and of one that has ended.
    pub open: u16,
    pub ended: u16,
}

/// What the service answers.
pub const OURS: Exchange = Exchange {
    submit: "/orders",
    open: 200,
    ended: 303,
};

/// What Restate's ingress answers: the output, which is the result, once there is one.
pub const RESTATE: Exchange = Exchange {
    submit: "/orders/work/send",
    open: 470,
    ended: 200,
};

impl System {
    pub fn new(name: &'static str, keeps: Keeps, address: SocketAddr) -> Self {
        Self {
            name,
            keeps,
            address,
            exchange: OURS,
            process_ids: Vec::new(),
            held: Vec::new(),
        }
    }

    /// It is answered otherwise.
    pub fn speaking(mut self, exchange: Exchange) -> Self {
        self.exchange = exchange;
        self
    }

    /// These processes are part of it, with those that they start; `held` ends them.
    pub fn with(mut self, process_ids: impl IntoIterator<Item = u32>, held: impl Any) -> Self {
        self.process_ids.extend(process_ids);
        self.held.push(Box::new(held));
        self
    }

    /// The processor time that all of it has taken so far.
    pub fn processor_time(&self) -> Result<Duration> {
        processor_time::of(&self.process_ids)
    }

    pub fn takes_orders(&self) -> bool {
        !matches!(self.keeps, Keeps::NoOrders)
    }
}

impl Keeps {
    /// As the page's table has it.
    pub fn as_text(self) -> &'static str {
        match self {
            Self::Work => "order and work",
            Self::Order => "order",
            Self::Nothing => "nothing",
            Self::NoOrders => "",
        }
    }
}
