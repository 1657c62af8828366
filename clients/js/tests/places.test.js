// Goal: what a server calls a URL is asked for where it should be, and told no more than it should be.
// Method: servers that lead elsewhere, and proxies that strip a prefix.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { OrdersClient, ProtocolError, fetchAndWait, fetchResult } from '../src/client.js';
import { BaseUrl } from '../src/base-url.js';
import { answer, lines, serve } from './support/server.js';
import { ORDER, POST, startService } from './support/service.js';

const POLLS = { stream: false, wait: 0 };
const CLIENTS = [fetchAndWait, (/** @type {string} */ url, /** @type {RequestInit} */ init) => fetchResult(url, init, POLLS)];

/** A server that is led to, with what it was asked. @param {import('node:test').TestContext} t */
function elsewhere(t) {
  return serve(t, ({ path }, response) => {
    if (path === '/status') answer(response, 303, { location: '/result' });
    else answer(response, 200, {}, { status: 'completed' });
  });
}

test('a Location that is no URL of HTTP is told, and nothing is asked for', async (t) => {
  for (const location of ['http://', '//', 'http://[', 'javascript:alert(1)', 'data:application/json,{}', 'file:///etc/passwd', 'blob:null/1', 'mailto:a@b']) {
    for (const client of CLIENTS) {
      const server = await serve(t, (_request, response) => answer(response, 202, { location, 'retry-after': '0' }, {}));

      await assert.rejects(client(`${server.origin}/orders`, POST), (error) => {
        assert.ok(error instanceof ProtocolError, `${location}: ${error}`);
        assert.ok(error.message.includes(location), error.message);
        return true;
      });
      assert.deepEqual(lines(server.requests), ['POST /orders']);
    }
  }
});

test('a link that is no URL of HTTP is told', async (t) => {
  const server = await serve(t, (_request, response) => answer(response, 202, { location: '/status' }, { status: 'completed', links: { result: 'javascript:alert(1)' } }));

  await assert.rejects(fetchResult(`${server.origin}/orders`, POST), ProtocolError);
  const orders = new OrdersClient({ baseUrl: server.origin });
  const order = await orders.submit(ORDER);
  await assert.rejects(orders.result(order), ProtocolError);
});

test('another origin is asked, and told nothing that was meant for the first', async (t) => {
  for (const client of CLIENTS) {
    const other = await elsewhere(t);
    const server = await serve(t, (_request, response) => answer(response, 202, { location: `${other.origin}/status`, 'retry-after': '0' }));

    await client(`${server.origin}/orders`, { ...POST, headers: { authorization: 'Bearer t', 'x-key': 'k' }, credentials: 'include' });

    assert.deepEqual(lines(other.requests), ['GET /status', 'GET /result']);
    for (const { headers } of other.requests) {
      for (const name of ['authorization', 'x-key', 'cookie']) assert.equal(headers[name], undefined, name);
    }
  }
});

test('a result at another origin is not told the token, whatever led there', async (t) => {
  const other = await elsewhere(t);
  const document = { id: '1', status: 'completed', links: { status: `${other.origin}/status`, result: `${other.origin}/result` } };
  const server = await serve(t, (_request, response) => answer(response, 202, { location: '/status' }, document));
  const orders = new OrdersClient({ baseUrl: server.origin, token: 't' });

  await fetchResult(`${server.origin}/orders`, { ...POST, headers: { authorization: 'Bearer t' } });
  const order = await orders.submit(ORDER);
  await orders.result(order);
  await orders.wait(order);
  await orders.cancel(order);

  assert.ok(other.requests.length >= 5);
  assert.ok(other.requests.every(({ headers }) => headers.authorization === undefined));
});

test('a Location may be relative to where the submission was redirected', async (t) => {
  for (const client of CLIENTS) {
    const server = await serve(t, ({ path }, response) => {
      if (path === '/old') answer(response, 307, { location: '/v2/work' });
      else if (path === '/v2/work') answer(response, 202, { location: 'status', 'retry-after': '0' });
      else if (path === '/v2/status') answer(response, 302, { location: 'result' });
      else answer(response, 200, {}, { path });
    });

    await client(`${server.origin}/old`, POST);

    assert.equal(lines(server.requests).at(-1), 'GET /v2/result');
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

  const response = await fetchResult(`${server.origin}/work`, POST, POLLS);

  assert.deepEqual(await response.json(), { path: '/result' });
  assert.equal(polls, 2);
});

/**
 * A proxy that serves what is at `origin` under /shop/, and adapts no header and no body.
 *
 * @param {import('node:test').TestContext} t
 * @param {string} origin
 */
function strip(t, origin) {
  return serve(t, async ({ method, path, headers, body }, response) => {
    if (!path.startsWith('/shop/')) return answer(response, 404, {}, { title: 'This is another app' });
    const { host: _host, connection: _connection, 'content-length': _length, 'transfer-encoding': _encoding, ...rest } = headers;
    const init = { method, headers: /** @type {any} */ (rest), redirect: /** @type {const} */ ('manual'), ...(body && { body }) };
    const onward = await fetch(origin + path.slice('/shop'.length), init);
    response.writeHead(onward.status, Object.fromEntries(onward.headers));
    for await (const chunk of onward.body ?? []) response.write(chunk);
    response.end();
  });
}

test('behind a proxy that strips a prefix, every call stays below the base URL', async (t) => {
  for (const slash of ['', '/']) {
    const service = await startService(t, { token: 'secret' });
    const proxy = await strip(t, service.origin);
    const orders = new OrdersClient({ baseUrl: `${proxy.origin}/shop${slash}`, token: 'secret' });

    const accepted = await orders.submit(ORDER);
    service.sees('streamed').then(() => service.move({ status: 'completed' }));

    assert.deepEqual((await orders.wait(accepted)).order, ORDER);
    assert.deepEqual((await orders.wait(accepted, POLLS)).order, ORDER);
    assert.deepEqual((await orders.result(accepted)).order, ORDER);
    await assert.rejects(orders.cancel(accepted), { name: 'ConflictError' });
    await assert.rejects(orders.list(), { name: 'NotFoundError' });
    assert.equal(lines(service.requests).at(-1), 'GET /orders');
    // A browser follows a redirect by itself, so that one question goes astray.
    const astray = lines(proxy.requests).filter((line) => !line.includes(' /shop/'));
    assert.ok(astray.every((line) => line === `GET ${service.RESULT}`), astray.join());
  }
});

test('behind such a proxy a submission is waited for with its base URL', async (t) => {
  for (const method of [{}, POLLS]) {
    const service = await startService(t);
    const proxy = await strip(t, service.origin);
    service.sees('streamed').then(() => service.move({ status: 'completed' }));
    service.sees('polled').then(() => service.move({ status: 'completed' }));

    const response = await fetchResult(`${proxy.origin}/shop/orders`, POST, { baseUrl: `${proxy.origin}/shop/`, ...method });

    assert.deepEqual((await response.json()).order, ORDER);
  }
});

test('a reference is placed below the base URL once', () => {
  const table = [
    ['/orders/1', 'https://example.org/shop/orders/1'],
    ['/shop/orders/1', 'https://example.org/shop/orders/1'],
    ['orders?limit=1', 'https://example.org/shop/orders?limit=1'],
    ['https://example.org/orders/1?a=b', 'https://example.org/shop/orders/1?a=b'],
    ['https://other.example/orders/1', 'https://other.example/orders/1'],
    ['//other.example/1', 'https://other.example/1'],
  ];
  for (const base of ['https://example.org/shop', 'https://example.org/shop/', 'https://example.org/shop/?x#y']) {
    for (const [reference, expected] of table) assert.equal(new BaseUrl(base).resolve(String(reference)).href, expected);
  }
  assert.equal(new BaseUrl('https://example.org').resolve('/orders').href, 'https://example.org/orders');
});
