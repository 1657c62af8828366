// Goal: the client and a running host agree. Method: orders at the host that ORDERS_URL names,
// started with simulate_controls=true; skipped where it is not set.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { NotFoundError, OrderCancelledError, OrderFailedError, InvalidRequestError, OrdersClient, fetchAndWait, fetchResult, waitFor } from '../src/client.js';
import { published } from './support/published.js';
import { ORDER } from './support/service.js';

const url = process.env['ORDERS_URL'];
const live = { skip: url ? false : 'ORDERS_URL is not set' };
const { path: collection, name, required } = await describe();
const ORDERS = `${url}/${collection}`;
const demanding = { skip: live.skip || (required.length > 0 ? false : 'the service takes any order') };

/** What the service says of its orders. @returns {Promise<{ path: string, name: string, required: string[] }>} */
async function describe() {
  const { info, components } = url ? await (await fetch(`${url}/openapi.json`)).json() : {};
  return { path: 'orders', name: 'order', ...info?.['x-collection'], required: components?.schemas.Order.required ?? [] };
}

/** @param {object} [simulate] @param {object} [order] */
function submission(simulate = { ms: 300, outcome: 'complete' }, order = ORDER) {
  return { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ ...order, simulate }) };
}

test('the published client gets the result, pasted or ours', live, async () => {
  for (const client of [published, fetchAndWait]) {
    /** @type {string[]} */
    const told = [];

    const result = await client(ORDERS, submission({ ms: 1500, outcome: 'complete' }), async ({ response, retryAfter }) => {
      told.push((await response.json()).status);
      assert.ok(Number.isInteger(retryAfter) && retryAfter >= 1 && retryAfter <= 10);
    });

    assert.equal(result.status, 'completed');
    assert.ok(result[name].completedAt);
    assert.ok(told.length > 0 && told.every((status) => ['pending', 'processing'].includes(status)), told.join());
  }
});

test('the published client tells what is refused, pasted or ours', demanding, async () => {
  for (const client of [published, fetchAndWait]) {
    await assert.rejects(client(ORDERS, submission({}, {})), /invalid-order/);
  }
});

test('the published client tells how an order failed, pasted or ours', live, async () => {
  assert.equal((await published(ORDERS, submission({ ms: 0, outcome: 'fail' }))).status, 'failed');
  await assert.rejects(fetchAndWait(ORDERS, submission({ ms: 0, outcome: 'fail' })), /"status":"failed"/);
});

test('every way of waiting gets the result', live, async () => {
  for (const method of [{}, { stream: false }, { stream: false, wait: 0 }, { wait: 20 }]) {
    const response = await fetchResult(ORDERS, submission(), method);

    assert.equal((await response.json()).status, 'completed', JSON.stringify(method));
  }
});

test('each status is told, in order, and only of that order', live, async () => {
  /** @type {any[]} */
  const statuses = [];

  await fetchResult(ORDERS, submission({ ms: 1500, outcome: 'retry:1' }), { onStatus: (status) => statuses.push(status) });

  assert.equal(new Set(statuses.map(({ id }) => id)).size, 1);
  // A stream may tell of the end too; polls are redirected then.
  const open = statuses.filter(({ status }) => status !== 'completed');
  assert.ok(open.length > 0 && open.every(({ status }) => ['pending', 'processing'].includes(status)));
  const attempts = statuses.map(({ attempt }) => attempt);
  assert.deepEqual(attempts, [...attempts].sort((a, b) => a - b));
  assert.equal(attempts.at(-1), 2);
});

test('one key is one order', live, async () => {
  const orders = new OrdersClient({ baseUrl: String(url), collection });
  const order = JSON.parse(submission().body);
  const idempotencyKey = `live-${process.pid}-${Date.now()}`;

  const [first, second] = await Promise.all([orders.submit(order, { idempotencyKey }), orders.submit(order, { idempotencyKey })]);

  assert.equal(first.id, second.id);
  assert.equal((await orders.wait(first)).id, first.id);
});

test('an order that fails rejects with its failure', live, async () => {
  await assert.rejects(fetchResult(ORDERS, submission({ ms: 0, outcome: 'fail' }), {}), (/** @type {any} */ error) => {
    assert.ok(error instanceof OrderFailedError);
    assert.equal(error.failure.code, 'permanent');
    return true;
  });
});

test('an abort cancels the order', live, async () => {
  const controller = new AbortController();
  let statusUrl = '';

  const waiting = fetchResult(ORDERS, submission({ ms: 60_000 }), {
    signal: controller.signal,
    cancelOnAbort: true,
    onStatus: ({ links }) => {
      statusUrl = new URL(links.status, ORDERS).href;
      controller.abort();
    },
  });

  await assert.rejects(waiting, { name: 'AbortError' });
  await assert.rejects(waitFor(statusUrl), OrderCancelledError);
});

test('what is refused is told with its faults', demanding, async () => {
  await assert.rejects(fetchResult(ORDERS, submission({}, {}), {}), (/** @type {any} */ error) => {
    assert.ok(error instanceof InvalidRequestError);
    assert.deepEqual(error.faults.map((fault) => fault.pointer), required.map((member) => `/${member}`));
    return true;
  });
});

test('an order that is not there is told as such', live, async () => {
  await assert.rejects(waitFor(`${ORDERS}/status/0198c1f0-6f0a-7c4e-9d3b-5a1e2f3c4d5e`), NotFoundError);
});
