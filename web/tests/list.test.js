// Goal: the list stays of use with any number of orders, for those who use a keyboard, too. Method: the
// page in a browser, at a real host whose store was filled over HTTP.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { COLLECTION, EXAMPLE, HOST, becomes, nameField, openPage, submit, unique } from './support/browser.js';

/** How many orders a page has. */
const PAGE_ORDERS = 10;

/** Submits orders past the page. */
async function fill(count, simulate = { ms: 0, outcome: 'complete' }) {
  const body = JSON.stringify({ ...EXAMPLE, simulate });
  for (let n = 0; n < count; n += 1) {
    const response = await fetch(new URL(COLLECTION.path, HOST), { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    assert.equal(response.status, 202);
    await response.body.cancel();
  }
}

/** The ids of the orders that are listed. */
function ids(page) {
  return page.locator('#orders > li button.open').evaluateAll((buttons) => buttons.map((button) => button.title));
}

/** Does something and waits until the list has turned. */
async function turn(page, action) {
  const [first] = await ids(page);
  await action();
  await page.waitForFunction((first) => document.querySelector('#orders > li button.open')?.title !== first && document.querySelector('#orders').ariaBusy === 'false', first);
}

test('all orders are reached page by page, and the last page says that it is', async (t) => {
  await fill(2 * PAGE_ORDERS + 1);
  const page = await openPage(t);
  await page.locator('#orders > li').nth(PAGE_ORDERS - 1).waitFor();
  const newest = await ids(page);
  const older = page.getByRole('button', { name: 'Older' });
  const seen = [...newest];

  while (await older.isEnabled()) {
    await turn(page, () => older.click());
    assert.ok((await page.locator('#orders > li').count()) <= PAGE_ORDERS);
    seen.push(...(await ids(page)));
  }

  assert.ok(seen.length > 2 * PAGE_ORDERS);
  assert.equal(new Set(seen).size, seen.length);
  assert.deepEqual(seen, [...seen].sort().reverse());
  assert.match(await page.locator('#place').textContent(), /^Page \d+, the last$/);
  for (let n = Math.ceil(seen.length / PAGE_ORDERS); n > 1; n -= 1) await turn(page, () => page.getByRole('button', { name: 'Newer' }).click());
  assert.deepEqual(await ids(page), newest);
});

test('a submission brings the newest orders back, and is the first of them', async (t) => {
  await fill(PAGE_ORDERS + 1);
  const page = await openPage(t);
  await page.locator('#orders > li').first().waitFor();
  await turn(page, () => page.getByRole('button', { name: 'Older' }).click());

  const card = await submit(page, { name: unique('Newest'), seconds: 0 });
  await becomes(card, 'completed');

  await page.locator('#place').getByText('Page 1').waitFor();
  assert.equal((await ids(page))[0], await card.locator('button.open').getAttribute('title'));
  assert.equal((await ids(page)).length, PAGE_ORDERS);
});

test('orders of one status are listed', async (t) => {
  await fill(1, { ms: 0, outcome: 'fail' });
  const page = await openPage(t);
  await page.locator('#orders > li').first().waitFor();

  await page.getByLabel('Show').selectOption('failed');

  await page.waitForFunction(() => {
    const cards = [...document.querySelectorAll('#orders > li')];
    return cards.length > 0 && cards.every((card) => card.dataset.status === 'failed');
  });
});

test('a name survives a reload, and an order without one is called by its id until that is known', async (t) => {
  await fill(1);
  const page = await openPage(t);
  const name = unique('Remembered');
  const card = await submit(page, { name, seconds: 0 });
  await becomes(card, 'completed');

  await page.reload();

  await card.waitFor();
  const unknown = page.locator('#orders > li').nth(1);
  assert.match(await unknown.locator('.name').textContent(), /^…[0-9a-f]{6}…$/);
  assert.match(await unknown.locator('.facts').textContent(), /^\w+ \d+, \d\d:\d\d · /);
  await unknown.locator('button.open').click();
  await unknown.getByText(await nameField(page).inputValue()).waitFor();
});

test('focus stays with an order that is cancelled or ends', async (t) => {
  const page = await openPage(t);
  const focused = () => page.evaluate(() => document.activeElement?.className);

  const cancelled = await submit(page, { name: unique('Cancelled'), seconds: 120 });
  await cancelled.getByRole('button', { name: /^Cancel …/ }).press('Enter');
  await becomes(cancelled, 'cancelled');
  assert.equal(await focused(), 'open');
  assert.ok(await cancelled.locator('button.open').evaluate((button) => button === document.activeElement));

  const ended = await submit(page, { name: unique('Ended'), seconds: 1.5 });
  await ended.getByRole('button', { name: /^Cancel …/ }).focus();
  await becomes(ended, 'completed');
  assert.ok(await ended.locator('button.open').evaluate((button) => button === document.activeElement));
});

test('focus stays with the list where the button that turned it has no more to do', async (t) => {
  await fill(PAGE_ORDERS + 1);
  const page = await openPage(t);
  await page.locator('#orders > li').first().waitFor();
  await turn(page, () => page.getByRole('button', { name: 'Older' }).press('Enter'));

  await turn(page, () => page.getByRole('button', { name: 'Newer' }).press('Enter'));

  assert.equal(await page.evaluate(() => document.activeElement?.id), 'orders-heading');
});
