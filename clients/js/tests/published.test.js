// Goal: `fetchAndWait` is the client that is published with the pattern. Method: the same calls to it and
// to a copy of that algorithm, against the same servers, must send the same requests, tell the same polls,
// pause as long, and end the same way.

import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';

import { AsyncOrdersError, ProtocolError, fetchAndWait } from '../src/client.js';
import { published } from './support/published.js';
import { answer, lines, serve } from './support/server.js';

const BODY = '{"work":"any"}';
const POST = { method: 'POST', headers: { 'content-type': 'application/json' }, body: BODY };

/**
 * Is pending for two polls, then redirects to a result with that status.
 * @param {{ pending?: Record<string, string>, result?: number, end?: object }} [how]
 */
function service({ pending = { 'retry-after': '7' }, result = 200, end = { status: 'completed' } } = {}) {
  return () => {
    let polls = 0;
    return (/** @type {any} */ { method, path }, /** @type {any} */ response) => {
      const route = `${method} ${path}`;
      if (route === 'POST /work') answer(response, 202, { location: '/work/1/status' });
      else if (route === 'GET /work/1/status' && polls++ < 2) answer(response, 200, pending, { status: 'pending', polls });
      else if (route === 'GET /work/1/status') answer(response, 303, { location: '/work/1' });
      else if (route === 'GET /work/1') answer(response, result, {}, end);
      else answer(response, 404, {}, { title: 'There is nothing here' });
    };
  };
}

/** @param {number} status @param {object} [body] */
const always = (status, body = { title: 'No' }) => () => (/** @type {any} */ { method }, /** @type {any} */ response) => {
  if (method === 'POST' && status === 202) answer(response, 202, { location: '/gone' });
  else if (method === 'POST') answer(response, status, {}, body);
  else answer(response, 410, {}, body);
};

/** @type {Record<string, () => (request: any, response: any) => void>} */
const SERVERS = {
  'a result after two polls': service(),
  'no Retry-After': service({ pending: {} }),
  'a Retry-After of nothing': service({ pending: { 'retry-after': '0' } }),
  'a status that is an error': always(202),
  'a refusal': always(422),
  'a failure': always(503),
  'a result at once': always(200),
};

/**
 * Everything that can be seen of a call.
 *
 * @param {import('node:test').TestContext} t
 * @param {typeof published} client
 * @param {() => (request: any, response: any) => void} handler
 * @param {(client: typeof published, url: string, tell: (poll: any) => Promise<void>) => Promise<any>} call
 */
async function observe(t, client, handler, call) {
  const server = await serve(t, handler());
  /** @type {unknown[]} */
  const polls = [];
  /** @type {number[]} */
  const pauses = [];
  const { setTimeout: later } = globalThis;
  const clock = t.mock.method(globalThis, 'setTimeout', (/** @type {() => void} */ wake, /** @type {number} */ ms, /** @type {unknown[]} */ ...rest) => {
    // Node's own timers for a connection have arguments; those run as they are.
    if (rest.length > 0 || ms < 5000) return later(wake, ms, ...rest);
    pauses.push(ms);
    return later(wake, 0);
  });
  const outcome = await call(client, `${server.origin}/work`, async ({ response, retryAfter }) => {
    // Awaited: the pause begins after this.
    polls.push([await response.json(), retryAfter, pauses.length]);
  }).then((value) => ({ value }), (error) => ({ isError: error instanceof Error, body: error.message.match(/\{.*\}/s)?.[0] }));
  clock.mock.restore();
  return { outcome, polls, pauses, requests: lines(server.requests), bodies: server.requests.map(({ body }) => body) };
}

for (const [name, handler] of Object.entries(SERVERS)) {
  test(`it does what the published client does: ${name}`, async (t) => {
    for (const call of [
      (/** @type {typeof published} */ client, /** @type {string} */ url, /** @type {any} */ tell) => client(url, POST, tell),
      (/** @type {typeof published} */ client, /** @type {string} */ url, /** @type {any} */ tell) => client(new Request(url, POST), tell),
      (/** @type {typeof published} */ client, /** @type {string} */ url) => client(new URL(url), POST),
    ]) {
      const expected = await observe(t, published, handler, call);

      assert.deepEqual(await observe(t, fetchAndWait, handler, call), expected);
    }
  });
}

for (const [status, end] of /** @type {[number, object][]} */ ([
  [500, { status: 'failed', error: { message: 'no tea' } }],
  [410, { status: 'cancelled' }],
])) {
  test(`an end that is an error rejects with its body, where the published client takes it for a result: ${status}`, async (t) => {
    const { outcome } = await observe(t, fetchAndWait, service({ result: status, end }), (client, url, tell) => client(url, POST, tell));

    assert.deepEqual(outcome, { isError: true, body: JSON.stringify(end) });
  });
}

test('a result is parsed, and each poll is told with the pause in seconds', async (t) => {
  const { outcome, polls } = await observe(t, fetchAndWait, service(), (client, url, tell) => client(url, POST, tell));

  assert.deepEqual(outcome, { value: { status: 'completed' } });
  assert.deepEqual(polls, [[{ status: 'pending', polls: 1 }, 7, 0], [{ status: 'pending', polls: 2 }, 7, 1]]);
});

test('an error has the answer in its message, and is told apart by its class', async (t) => {
  const server = await serve(t, (_request, response) => answer(response, 422, {}, { title: 'The order is not valid' }));

  await assert.rejects(fetchAndWait(`${server.origin}/work`, POST), (/** @type {any} */ error) => {
    assert.ok(error instanceof AsyncOrdersError);
    assert.equal(error.name, 'InvalidRequestError');
    assert.match(error.message, /\{"title":"The order is not valid"\}/);
    return true;
  });
});

test('what the server demands of the submission it gets with the polls, too, but for what spoke of the body', async (t) => {
  const server = await serve(t, service({ pending: { 'retry-after': '1' } })());
  const headers = { authorization: 'Bearer t', 'content-type': 'application/json', 'idempotency-key': 'k', 'x-trace': '1' };

  await fetchAndWait(`${server.origin}/work`, { ...POST, headers });

  for (const { headers } of server.requests.slice(1)) {
    assert.equal(headers.authorization, 'Bearer t');
    assert.equal(headers['x-trace'], '1');
    for (const name of ['prefer', 'content-type', 'idempotency-key']) assert.equal(headers[name], undefined, name);
    assert.equal(headers.accept, '*/*');
  }
});

test('an abort ends the waiting, and leaves nothing on the signal', async (t) => {
  const controller = new AbortController();
  const server = await serve(t, ({ path }, response) => answer(response, path === '/work' ? 202 : 200, { location: '/status', 'retry-after': '60' }, {}));

  const waiting = fetchAndWait(`${server.origin}/work`, { ...POST, signal: controller.signal }, () => {
    setImmediate(() => controller.abort(new Error('enough')));
  });

  await assert.rejects(waiting, { message: 'enough' });
  assert.equal(getEventListeners(controller.signal, 'abort').length, 0);
});

test('a 202 that leads nowhere is an error', async (t) => {
  const server = await serve(t, (_request, response) => answer(response, 202, {}, {}));

  await assert.rejects(fetchAndWait(`${server.origin}/work`, POST), ProtocolError);
});
