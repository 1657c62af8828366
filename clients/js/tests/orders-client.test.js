// Goal: the service's requests are made as its contract has them. Method: the service of the tests.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ConflictError, OrdersClient, UnauthorizedError } from '../src/client.js';
import { answer, lines, serve } from './support/server.js';
import { ORDER, startService } from './support/service.js';

test('an order is submitted, waited for and read again', async (t) => {
  const service = await startService(t, { token: 'secret' });
  const orders = new OrdersClient({ baseUrl: service.origin, token: 'secret' });

  const accepted = await orders.submit(ORDER);
  service.move({ status: 'completed' });

  assert.deepEqual((await orders.wait(accepted)).order, ORDER);
  assert.deepEqual((await orders.result(accepted)).order, ORDER);
  await assert.rejects(orders.cancel(accepted), ConflictError);
});

test('an order is cancelled by its link', async (t) => {
  const service = await startService(t);
  const orders = new OrdersClient({ baseUrl: service.origin });

  const cancelled = await orders.cancel(await orders.submit(ORDER));

  assert.equal(cancelled.status, 'cancelled');
  assert.deepEqual(lines(service.requests), ['POST /orders', `DELETE ${service.STATUS}`]);
});

test('a token is asked for when it is needed', async (t) => {
  const service = await startService(t, { token: 'secret' });
  let token = '';
  const orders = new OrdersClient({ baseUrl: service.origin, token: () => token });

  await assert.rejects(orders.submit(ORDER), UnauthorizedError);
  token = 'secret';
  assert.equal((await orders.submit(ORDER)).status, 'pending');
});

test('a list is asked for by status, limit and cursor', async (t) => {
  const server = await serve(t, (_request, response) => answer(response, 200, {}, { orders: [], nextCursor: 'b/c' }));
  const orders = new OrdersClient({ baseUrl: `${server.origin}/` });

  const page = await orders.list({ status: 'failed', limit: 5 });
  await orders.list({ cursor: page.nextCursor });

  assert.deepEqual(lines(server.requests), ['GET /orders?status=failed&limit=5', 'GET /orders?cursor=b%2Fc']);
});

test('orders that are called otherwise are asked for by that name', async (t) => {
  const server = await serve(t, (_request, response) => answer(response, 200, {}, { reports: [], nextCursor: 'b' }));
  const reports = new OrdersClient({ baseUrl: `${server.origin}/shop/`, collection: 'reports' });

  await reports.submit(ORDER);
  assert.deepEqual(await reports.list(), { orders: [], nextCursor: 'b' });

  assert.deepEqual(lines(server.requests), ['POST /shop/reports', 'GET /shop/reports']);
});
