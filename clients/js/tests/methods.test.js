// Goal: with options, the best means that the server offers is used, and plain polls where it
// offers none. Method: a service that offers a stream, held answers, or neither.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { fetchResult } from '../src/client.js';
import { answer, lines, serve } from './support/server.js';
import { POST, startService } from './support/service.js';

test('an event stream tells each change, and costs three requests', async (t) => {
  const service = await startService(t);
  /** @type {string[]} */
  const told = [];
  const onStatus = (/** @type {any} */ { status }, /** @type {any} */ { via }) => {
    told.push(`${status} by ${via}`);
    if (via === 'stream' && status === 'pending') service.move({ status: 'processing' });
    if (status === 'processing') service.move({ status: 'completed' });
  };

  const response = await fetchResult(`${service.origin}/orders`, POST, { onStatus });

  assert.equal((await response.json()).status, 'completed');
  assert.deepEqual(told, ['pending by submit', 'pending by stream', 'processing by stream']);
  assert.deepEqual(lines(service.requests), ['POST /orders', `GET ${service.STATUS}`, `GET ${service.RESULT}`]);
});

test('a stream that is cut is taken up where it broke off', async (t) => {
  const service = await startService(t);
  const onStatus = (/** @type {any} */ { attempt }, /** @type {any} */ { via }) => {
    if (via !== 'stream') return;
    if (attempt === 0) service.move({ attempt: 1 });
    else service.cutStream();
  };
  service.sees('streamed').then(() => service.sees('streamed')).then(() => service.move({ status: 'completed' }));

  const response = await fetchResult(`${service.origin}/orders`, POST, { onStatus });

  assert.equal(response.status, 200);
  const streams = service.requests.filter(({ path }) => path === service.STATUS);
  assert.deepEqual(streams.map(({ headers }) => headers['last-event-id']), [undefined, '2']);
});

test('without a stream, the server holds its answer until there is a result', async (t) => {
  const service = await startService(t, { stream: false, retryAfter: '10' });
  service.sees('held').then(() => service.move({ status: 'completed' }));

  const response = await fetchResult(`${service.origin}/orders`, POST, { timeout: 5000 });

  assert.equal(response.status, 200);
  assert.deepEqual(service.requests.map(({ headers }) => headers.prefer), [undefined, 'wait=30', 'wait=30']);
});

test('wait is also wished of the submission, which may be answered by the result', async (t) => {
  const server = await serve(t, ({ method }, response) => {
    if (method === 'POST') answer(response, 303, { location: '/result', 'preference-applied': 'wait=5' });
    else answer(response, 200, {}, { status: 'completed' });
  });

  const response = await fetchResult(`${server.origin}/orders`, POST, { wait: 5 });

  assert.deepEqual(await response.json(), { status: 'completed' });
  assert.equal(server.requests[0]?.headers.prefer, 'wait=5');
});

test('where the server offers neither, it is polled as far apart as it asks for', async (t) => {
  const service = await startService(t, { stream: false, wait: false, retryAfter: '1' });
  service.sees('polled').then(() => service.move({ status: 'completed' }));

  await fetchResult(`${service.origin}/orders`, POST, {});

  const [first, second] = service.requests.filter(({ path }) => path === service.STATUS);
  assert.ok(first && second && second.at - first.at >= 999);
});

test('nothing is wished for that the caller excludes', async (t) => {
  const service = await startService(t);
  service.sees('polled').then(() => service.move({ status: 'completed' }));

  await fetchResult(`${service.origin}/orders`, POST, { stream: false, wait: 0 });

  for (const { headers } of service.requests) {
    assert.equal(headers.prefer, undefined);
    assert.doesNotMatch(headers.accept ?? '', /event-stream/);
  }
});

test('a server or proxy that lets no answer be held is asked for answers at once', async (t) => {
  let polls = 0;
  const server = await serve(t, ({ path, headers }, response) => {
    if (path === '/orders') answer(response, 202, { location: '/status', 'retry-after': '0' }, {});
    else if (path === '/result') answer(response, 200, {}, {});
    else if (headers.prefer) response.destroy();
    else if (polls++ < 4) answer(response, 200, { 'retry-after': '0' }, {});
    else answer(response, 303, { location: '/result' });
  });

  const response = await fetchResult(`${server.origin}/orders`, POST, {});

  assert.equal(response.status, 200);
  const held = server.requests.filter(({ path, headers }) => path === '/status' && headers.prefer);
  assert.equal(held.length, 2);
});

test('a server that says it waited but did not is not asked without pause', async (t) => {
  const server = await serve(t, ({ path }, response, { requests }) => {
    if (path === '/orders') answer(response, 202, { location: '/status' }, {});
    else if (path === '/result') answer(response, 200, {}, {});
    else if (requests.length > 2) answer(response, 303, { location: '/result' });
    else answer(response, 200, { 'preference-applied': 'wait=30', 'retry-after': '1' }, {});
  });

  await fetchResult(`${server.origin}/orders`, POST, { stream: false });

  const [, first, second] = server.requests;
  assert.ok(first && second && second.at - first.at >= 900);
});

test('an order that had ended when it was accepted is not polled', async (t) => {
  const service = await startService(t);
  service.move({ status: 'completed' });

  await fetchResult(`${service.origin}/orders`, POST, {});

  assert.deepEqual(lines(service.requests), ['POST /orders', `GET ${service.RESULT}`]);
});
