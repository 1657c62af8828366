// Goal: `fetchAndWait` without options does what the pattern says against a server that knows
// nothing else. Method: servers that answer 202, 200 and 303, and keep what they were asked.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { fetchAndWait } from '../src/client.js';
import { answer, lines, serve } from './support/server.js';

/** Is pending for two polls, and then redirects. @param {Record<string, string>} [pending] headers */
function plain(pending = {}) {
  let polls = 0;
  return (/** @type {any} */ { method, path }, /** @type {any} */ response, /** @type {any} */ _server) => {
    const route = `${method} ${path}`;
    if (route === 'POST /work') answer(response, 202, { location: '/work/1/status', 'retry-after': '0' });
    else if (route === 'GET /work/1/status' && polls++ < 2) answer(response, 200, pending, { state: 'working' });
    else if (route === 'GET /work/1/status') answer(response, 303, { location: '/work/1' });
    else answer(response, 200, {}, { done: true });
  };
}

test('a 202 is polled and its redirect followed', async (t) => {
  const server = await serve(t, plain({ 'retry-after': '0' }));

  const response = await fetchAndWait(`${server.origin}/work`, { method: 'POST', body: '{}' });

  assert.deepEqual(await response.json(), { done: true });
  assert.equal(response.url, `${server.origin}/work/1`);
  assert.deepEqual(lines(server.requests), [
    'POST /work',
    'GET /work/1/status',
    'GET /work/1/status',
    'GET /work/1/status',
    'GET /work/1',
  ]);
});

test('no header is sent that the caller did not choose, and none that spoke of the body is sent again', async (t) => {
  const server = await serve(t, plain({ 'retry-after': '0' }));
  const headers = { authorization: 'Bearer t', 'content-type': 'application/json', 'idempotency-key': 'k', 'x-trace': '1' };

  await fetchAndWait(`${server.origin}/work`, { method: 'POST', body: '{}', headers });

  for (const { headers } of server.requests.slice(1)) {
    assert.equal(headers.authorization, 'Bearer t');
    assert.equal(headers['x-trace'], '1');
    for (const name of ['prefer', 'content-type', 'idempotency-key']) assert.equal(headers[name], undefined, name);
    assert.equal(headers.accept, '*/*');
  }
});

test('Retry-After is honoured, in seconds and as a date by the server\'s clock', async (t) => {
  const values = [
    { 'retry-after': '1' },
    { date: 'Sun, 22 Nov 2026 09:00:00 GMT', 'retry-after': 'Sun, 22 Nov 2026 09:00:01 GMT' },
  ];
  for (const pending of values) {
    const server = await serve(t, plain(pending));

    await fetchAndWait(`${server.origin}/work`, { method: 'POST' });

    const polls = server.requests.filter(({ path }) => path === '/work/1/status');
    for (const [index, poll] of polls.slice(1).entries()) {
      // Timers may be early by a millisecond.
      const pauseMs = poll.at - (polls[index]?.at ?? 0);
      assert.ok(pauseMs >= 999, `${pauseMs} ms passed, with ${JSON.stringify(pending)}`);
    }
  }
});

test('each answer that is not the result is given to onStatusPoll, to read as it likes', async (t) => {
  const server = await serve(t, plain({ 'retry-after': '0' }));
  /** @type {Promise<unknown>[]} */
  const polls = [];

  await fetchAndWait(`${server.origin}/work`, { method: 'POST' }, (response) => polls.push(response.json()));

  assert.deepEqual(await Promise.all(polls), [{ state: 'working' }, { state: 'working' }]);
});

test('what is not accepted for later is returned as it is, errors included', async (t) => {
  for (const status of [200, 201, 400, 503]) {
    const server = await serve(t, (_request, response) => answer(response, status, {}, { status }));

    const response = await fetchAndWait(`${server.origin}/work`, { method: 'POST' });

    assert.equal(response.status, status);
    assert.deepEqual(await response.json(), { status });
    assert.equal(server.requests.length, 1);
  }
});

test('a result with an error status is returned, as fetch does', async (t) => {
  const server = await serve(t, ({ path }, response) => {
    if (path === '/work') answer(response, 202, { location: '/status', 'retry-after': '0' });
    else if (path === '/status') answer(response, 303, { location: '/result' });
    else answer(response, 500, {}, { status: 'failed' });
  });

  const response = await fetchAndWait(`${server.origin}/work`, { method: 'POST' });

  assert.equal(response.status, 500);
});

test('a location may be relative to where the submission was redirected', async (t) => {
  const server = await serve(t, ({ path }, response) => {
    if (path === '/old') answer(response, 307, { location: '/v2/work' });
    else if (path === '/v2/work') answer(response, 202, { location: 'status', 'retry-after': '0' });
    else if (path === '/v2/status') answer(response, 302, { location: 'result' });
    else answer(response, 200, {}, { path });
  });

  const response = await fetchAndWait(`${server.origin}/old`, { method: 'POST', body: 'x' });

  assert.deepEqual(await response.json(), { path: '/v2/result' });
});

test('a token is not sent to another origin', async (t) => {
  const other = await serve(t, ({ path }, response) => {
    if (path === '/status') answer(response, 303, { location: '/result' });
    else answer(response, 200, {}, {});
  });
  const server = await serve(t, (_request, response) => answer(response, 202, { location: `${other.origin}/status`, 'retry-after': '0' }));

  await fetchAndWait(`${server.origin}/work`, { method: 'POST', headers: { authorization: 'Bearer t', 'x-key': 'k' } });

  assert.deepEqual(lines(other.requests), ['GET /status', 'GET /result']);
  for (const { headers } of other.requests) {
    assert.equal(headers.authorization, undefined);
    assert.equal(headers['x-key'], undefined);
  }
});

test('a status that has moved is still a status', async (t) => {
  let polls = 0;
  const server = await serve(t, ({ path }, response) => {
    if (path === '/work') answer(response, 202, { location: '/status', 'retry-after': '0' });
    else if (path === '/status') answer(response, 303, { location: polls++ < 1 ? '/moved' : '/result' });
    else if (path === '/moved') answer(response, 200, { 'retry-after': '0' }, {});
    else answer(response, 200, {}, { path });
  });

  const response = await fetchAndWait(`${server.origin}/work`, { method: 'POST' });

  assert.deepEqual(await response.json(), { path: '/result' });
  assert.equal(polls, 2);
});

test('a Request may be given, and its signal ends the waiting', async (t) => {
  const controller = new AbortController();
  const server = await serve(t, ({ path }, response) => {
    answer(response, path === '/work' ? 202 : 200, { location: '/status', 'retry-after': '0' }, {});
  });
  const request = new Request(`${server.origin}/work`, { method: 'POST', body: 'x', signal: controller.signal });

  const waiting = fetchAndWait(request, undefined, () => controller.abort(new Error('enough')));

  await assert.rejects(waiting, { message: 'enough' });
});
