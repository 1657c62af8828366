// What the work on an order is, for every peer.

const WORK_MS_MAX = 30_000;

/** How long the work on an order takes. */
export function workMs(order) {
  return order.simulate?.ms ?? Math.random() * WORK_MS_MAX;
}

/** The result of an order whose work has ended now. */
export function completed(order) {
  return { ...order, completedAt: new Date().toISOString() };
}
