// Goal: the page works below a prefix that a proxy strips. Method: such a proxy, which adapts neither
// headers nor bodies, and has another app at its root.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request as send } from 'node:http';
import { test } from 'node:test';

import { COLLECTION, HOST, becomes, openPage, submit, unique } from './support/browser.js';

/** Serves the host under /shop/ while the test runs. */
async function strip(t) {
  const paths = [];
  const server = createServer((request, response) => {
    paths.push(request.url);
    // What another app says is no concern of ours.
    if (!request.url.startsWith('/shop/')) return response.end('{}');
    const onward = send(new URL(request.url.slice('/shop'.length), HOST), { method: request.method, headers: request.headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    response.on('close', () => onward.destroy());
    request.pipe(onward);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${server.address().port}/shop/`, paths };
}

test('orders are submitted, watched, cancelled and listed below a prefix', async (t) => {
  const proxy = await strip(t);
  const page = await openPage(t, { at: proxy.url });

  for (const method of ['poll', 'wait', 'stream']) {
    const card = await submit(page, { name: unique(method), method, seconds: 0.5 });
    await becomes(card, 'completed');
    await page.locator('.exchanges .meaning').getByText('The result.', { exact: true }).last().waitFor();
  }
  const card = await submit(page, { name: unique('Tony'), method: 'poll', seconds: 120 });
  await card.getByRole('button', { name: /^Cancel …/ }).click();
  await becomes(card, 'cancelled');
  await page.reload();
  await card.waitFor();

  // A browser follows a redirect by itself; nothing else goes astray.
  const astray = proxy.paths.filter((path) => !path.startsWith('/shop/'));
  assert.ok(astray.every((path) => new RegExp(`^/${COLLECTION.path}/[0-9a-f-]{36}$`).test(path)), astray.join());
});
