// Goal: what goes wrong is repeated if it may be, is bounded, and is told by the right error.
// Method: servers that throttle, drop connections, never end, or answer problems.

import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';

import * as client from '../src/client.js';
import { answer, answerProblem, lines, serve } from './support/server.js';
import { POST, startService } from './support/service.js';

const { fetchResult, waitFor } = client;

/** An order that never ends. */
const endless = (/** @type {any} */ { path }, /** @type {any} */ response) => {
  answer(response, path === '/orders' ? 202 : 200, { location: '/status', 'retry-after': '0' }, {});
};

test('polls that are dropped or refused for now are repeated', async (t) => {
  const faults = [
    (/** @type {any} */ response) => response.destroy(),
    (/** @type {any} */ response) => answerProblem(response, { 'retry-after': '0' }, { status: 503 }),
    (/** @type {any} */ response) => answerProblem(response, { 'retry-after': '0' }, { status: 429 }),
  ];
  const server = await serve(t, ({ path }, response) => {
    if (path === '/orders') answer(response, 202, { location: '/status', 'retry-after': '0' }, {});
    else if (path === '/result') answer(response, 200, {}, {});
    else (faults.shift() ?? (() => answer(response, 303, { location: '/result' })))(response);
  });

  const response = await fetchResult(`${server.origin}/orders`, POST, {});

  assert.equal(response.status, 200);
});

test('throttling is waited out for as long as it asks for', async (t) => {
  const server = await serve(t, ({ path }, response, { requests }) => {
    if (path === '/orders') answer(response, 202, { location: '/status', 'retry-after': '0' }, {});
    else if (path === '/result') answer(response, 200, {}, {});
    else if (requests.length === 2) answerProblem(response, { 'retry-after': '1' }, { status: 429 });
    else answer(response, 303, { location: '/result' });
  });

  await fetchResult(`${server.origin}/orders`, POST, {});

  const [first, second] = server.requests.filter(({ path }) => path === '/status');
  assert.ok(first && second && second.at - first.at >= 999);
});

test('a submission without an idempotency key is sent once', async (t) => {
  const server = await serve(t, (_request, response) => response.destroy());

  await assert.rejects(fetchResult(`${server.origin}/orders`, POST, {}), client.NetworkError);

  assert.deepEqual(lines(server.requests), ['POST /orders']);
});

test('a submission with an idempotency key is repeated, body and key the same', async (t) => {
  const server = await serve(t, ({ method }, response, { requests }) => {
    if (requests.length === 1) response.destroy();
    else if (requests.length === 2) answerProblem(response, { 'retry-after': '0' }, { status: 503 });
    else if (method === 'POST') answer(response, 303, { location: '/result' });
    else answer(response, 200, {}, {});
  });

  await fetchResult(`${server.origin}/orders`, POST, { idempotencyKey: 'a "key"' });

  const submissions = server.requests.filter(({ method }) => method === 'POST');
  assert.equal(submissions.length, 3);
  for (const { headers, body } of submissions) {
    assert.equal(headers['idempotency-key'], '"a \\"key\\""');
    assert.equal(body, POST.body);
  }
});

test('a key can be made up, another for each submission', async (t) => {
  const server = await serve(t, (_request, response) => answer(response, 200, {}, {}));

  await fetchResult(`${server.origin}/orders`, POST, { idempotencyKey: true });
  await fetchResult(`${server.origin}/orders`, POST, { idempotencyKey: true });

  const [first, second] = server.requests.map(({ headers }) => headers['idempotency-key']);
  assert.match(String(first), /^"[0-9a-f]{32}"$/);
  assert.notEqual(first, second);
});

test('repetition is bounded, and says what the last answer was', async (t) => {
  const server = await serve(t, ({ path }, response) => {
    if (path === '/orders') answer(response, 202, { location: '/status', 'retry-after': '0' }, {});
    else answerProblem(response, { 'retry-after': '0' }, { status: 503, title: 'The store is not available' });
  });

  await assert.rejects(fetchResult(`${server.origin}/orders`, POST, { retries: 2 }), (/** @type {any} */ error) => {
    assert.ok(error instanceof client.UnavailableError);
    assert.equal(error.problem?.title, 'The store is not available');
    assert.equal(error.statusUrl, `${server.origin}/status`);
    return true;
  });
  assert.equal(server.requests.length, 4);
});

test('the time is bounded, and the error says where to go on', async (t) => {
  const server = await serve(t, endless);

  await assert.rejects(fetchResult(`${server.origin}/orders`, POST, { timeout: 300 }), (/** @type {any} */ error) => {
    assert.ok(error instanceof client.WaitTimeoutError);
    assert.equal(error.statusUrl, `${server.origin}/status`);
    return true;
  });
});

test('one can go on waiting where one stopped', async (t) => {
  const service = await startService(t);
  service.move({ status: 'completed' });

  const response = await waitFor(service.origin + service.STATUS);

  assert.equal((await response.json()).status, 'completed');
});

test('an abort rejects with its reason and leaves nothing behind', async (t) => {
  const controller = new AbortController();
  const reason = new Error('the user left');
  const server = await serve(t, (request, response) => {
    if (request.path === '/status') controller.abort(reason);
    return endless(request, response);
  });

  const waiting = fetchResult(`${server.origin}/orders`, POST, { signal: controller.signal });

  await assert.rejects(waiting, reason);
  assert.equal(getEventListeners(controller.signal, 'abort').length, 0);
  await assert.rejects(fetchResult(`${server.origin}/orders`, POST, { signal: controller.signal }), reason);
});

test('the longest of waits leaves one listener on the signal, and Node has nothing to warn of', async (t) => {
  /** @type {Error[]} */
  const warnings = [];
  const warn = (/** @type {Error} */ warning) => warnings.push(warning);
  process.on('warning', warn);
  t.after(() => process.off('warning', warn));
  const controller = new AbortController();
  /** @type {number[]} */
  const listeners = [];
  const server = await serve(t, ({ path }, response, { requests }) => {
    if (path === '/orders') return answer(response, 202, { location: '/status', 'retry-after': '0' }, {});
    listeners.push(getEventListeners(controller.signal, 'abort').length);
    if (requests.length <= 15) return answer(response, 200, { 'retry-after': '0' }, {});
    answer(response, 200, { 'retry-after': '0' }, { status: 'completed', links: {} });
  });

  await fetchResult(`${server.origin}/orders`, POST, { signal: controller.signal, stream: false, wait: 0 });

  assert.equal(Math.max(...listeners), 1);
  assert.equal(getEventListeners(controller.signal, 'abort').length, 0);
  // Warnings are told in a turn of their own.
  await new Promise(setImmediate);
  assert.deepEqual(warnings, []);
});

test('an abort cancels the order only if it is asked to', async (t) => {
  for (const cancelOnAbort of [false, true]) {
    const service = await startService(t);
    const controller = new AbortController();

    const waiting = fetchResult(`${service.origin}/orders`, POST, {
      signal: controller.signal,
      cancelOnAbort,
      onStatus: (_status, { via }) => via === 'stream' && controller.abort(),
    });

    await assert.rejects(waiting, { name: 'AbortError' });
    const cancellations = service.requests.filter(({ method }) => method === 'DELETE');
    assert.equal(cancellations.length, cancelOnAbort ? 1 : 0);
  }
});

test('the time that is up does not cancel the order', async (t) => {
  const server = await serve(t, endless);

  await assert.rejects(fetchResult(`${server.origin}/orders`, POST, { timeout: 100, cancelOnAbort: true }));

  assert.ok(server.requests.every(({ method }) => method !== 'DELETE'));
});

test('each error status is an error of its own, with the problem document', async (t) => {
  const classes = {
    400: client.InvalidRequestError,
    401: client.UnauthorizedError,
    403: client.UnauthorizedError,
    404: client.NotFoundError,
    409: client.ConflictError,
    413: client.InvalidRequestError,
    415: client.InvalidRequestError,
    418: client.ResponseError,
    422: client.InvalidRequestError,
    500: client.ResponseError,
    503: client.UnavailableError,
  };
  for (const [status, Class] of Object.entries(classes)) {
    const problem = { type: '/problems/x', title: 'A title', status: Number(status), detail: 'a detail', errors: [{ pointer: '/a', detail: 'b' }] };
    const server = await serve(t, (_request, response) => answerProblem(response, {}, problem));

    await assert.rejects(fetchResult(`${server.origin}/orders`, POST, {}), (/** @type {any} */ error) => {
      assert.equal(error.constructor, Class);
      assert.ok(error instanceof client.AsyncOrdersError);
      assert.equal(error.name, Class.name);
      assert.equal(error.status, Number(status));
      assert.equal(error.message, `${status} a detail`);
      assert.deepEqual(error.problem, problem);
      if (error instanceof client.InvalidRequestError) assert.deepEqual(error.faults, problem.errors);
      return true;
    });
  }
});

test('an error without a problem document is told by its status', async (t) => {
  const server = await serve(t, (_request, response) => {
    response.writeHead(502, { 'content-type': 'text/html' });
    response.end('<h1>Bad Gateway</h1>');
  });

  await assert.rejects(fetchResult(`${server.origin}/orders`, POST, {}), {
    name: 'UnavailableError',
    message: '502 Bad Gateway',
    problem: undefined,
    body: '<h1>Bad Gateway</h1>',
  });
});

test('orders that fail or are cancelled reject, by any way of waiting', async (t) => {
  for (const offers of [{}, { stream: false }, { stream: false, wait: false }]) {
    const failing = await startService(t, offers);
    failing.move({ status: 'failed' });
    await assert.rejects(fetchResult(`${failing.origin}/orders`, POST, {}), (/** @type {any} */ error) => {
      assert.ok(error instanceof client.OrderFailedError);
      assert.deepEqual(error.failure, { code: 'permanent', message: 'no tea' });
      assert.equal(error.message, 'the order failed: no tea');
      return true;
    });

    const cancelled = await startService(t, offers);
    cancelled.move({ status: 'cancelled' });
    await assert.rejects(fetchResult(`${cancelled.origin}/orders`, POST, {}), client.OrderCancelledError);
  }
});

test('a 202 that leads nowhere is an error', async (t) => {
  const server = await serve(t, (_request, response) => answer(response, 202, {}, {}));

  await assert.rejects(fetchResult(`${server.origin}/orders`, POST, {}), client.ProtocolError);
});

test('an error of onStatus is the caller\'s, and ends the waiting', async (t) => {
  const service = await startService(t);
  const error = new Error('mine');

  const waiting = fetchResult(`${service.origin}/orders`, POST, {
    onStatus: (_status, { via }) => {
      if (via === 'stream') throw error;
    },
  });

  await assert.rejects(waiting, error);
});
