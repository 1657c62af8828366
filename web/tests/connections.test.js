// Goal: nobody waits for a connection or for the cache of the browser. Method: answers that are held
// for two minutes, in one tab and in two, at a host that speaks HTTP/1.1.

import { test } from 'node:test';

import { becomes, openPage, openTab, submit, unique } from './support/browser.js';

/** Much less than an answer is held. */
const SOON_MS = 8000;

async function cancel(card) {
  await card.getByRole('button', { name: /^Cancel …/ }).click();
  await card.and(card.page().locator('[data-status=cancelled]')).waitFor({ timeout: SOON_MS });
}

test('an order whose answer is held is cancelled at once', async (t) => {
  const page = await openPage(t);

  for (const method of ['wait', 'stream']) {
    const card = await submit(page, { name: unique(method), method, seconds: 120 });
    await page.locator('.exchanges .meaning').getByText(/^The (service holds its answer|answer stays open)/).waitFor();
    await cancel(card);
  }
});

test('orders in two tabs do not wait for each other\'s streams', async (t) => {
  const first = await openPage(t);
  const second = await openTab(first);
  const held = [];
  for (const [page, name] of [[first, 'first'], [second, 'second']]) {
    for (let n = 0; n < 4; n += 1) held.push(await submit(page, { name: unique(`${name} ${n}`), method: 'stream', seconds: 120 }));
  }

  const card = await submit(second, { name: unique('ninth'), method: 'stream', seconds: 0 });

  await becomes(card, 'completed');
  for (const open of held) await cancel(open);
});
