// Goal: a user submits, watches, cancels and looks up orders, and sees the exchange. Method: the
// page in a browser, at a real host.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { COLLECTION, EXAMPLE, HOST, becomes, nameField, openPage, submit, unique } from './support/browser.js';

/** The lines of the exchange: `POST /orders 202 Accepted`. */
function exchange(page) {
  return page.locator('.exchanges .line').evaluateAll((lines) =>
    lines.map((line) => `${line.querySelector('.request').textContent} ${line.querySelector('.status').textContent}`));
}

test('an order is watched by polls until it completes, and the exchange tells the pattern', async (t) => {
  const page = await openPage(t);

  const card = await submit(page, { name: unique('Ada'), seconds: 3 });
  await card.getByText(/next poll in \d+ s/).waitFor();
  await card.getByText(/attempt 1 of \d/).waitFor();
  await becomes(card, 'completed');

  const lines = await exchange(page);
  const id = (await card.locator('code').textContent()).trim();
  assert.equal(lines[0], `POST /${COLLECTION.path} 202 Accepted`);
  assert.ok(lines.slice(1, -2).length > 0 && lines.slice(1, -2).every((line) => line === `GET /${COLLECTION.path}/status/${id} 200 OK`), lines.join('\n'));
  assert.deepEqual(lines.slice(-2), [`GET /${COLLECTION.path}/status/${id} 303 See Other`, `GET /${COLLECTION.path}/${id} 200 OK`]);
  assert.match(await page.locator('.exchanges > li').last().locator('pre').last().textContent(), /"completedAt"/);
  assert.match(await page.locator('#announcer').textContent(), /completed after/);
  assert.equal(await card.getByRole('progressbar').evaluate((bar) => bar.value), 1);
});

test('an order is watched by answers that the host holds', async (t) => {
  const page = await openPage(t);

  const card = await submit(page, { name: unique('Grace'), method: 'wait', seconds: 1 });
  await becomes(card, 'completed');

  const lines = await exchange(page);
  assert.equal(lines.length, 3, lines.join('\n'));
  assert.match(lines[1], /303 See Other$/);
});

test('an order is watched by a stream, whose events are shown as they come', async (t) => {
  const page = await openPage(t);

  const card = await submit(page, { name: unique('Barbara'), method: 'stream', seconds: 2 });
  const stream = page.locator('.exchanges > li').nth(1);
  await stream.locator('summary').click();
  await stream.getByText(/event: status/).waitFor();
  await becomes(card, 'completed');

  await stream.getByText(/event: ended/).waitFor();
  assert.match((await exchange(page)).at(-1), new RegExp(`^GET /${COLLECTION.path}/…[0-9a-f]+… 200 OK$`));
});

test('an order that fails says why', async (t) => {
  const page = await openPage(t);

  const card = await submit(page, { name: unique('Edsger'), outcome: 'fail' });
  await becomes(card, 'failed');

  assert.match(await card.textContent(), /the simulated work fails/);
  assert.match((await exchange(page)).at(-1), /500 Internal Server Error$/);
  assert.match(await page.locator('.states').textContent(), /failed: the simulated work fails/);
});

test('an order that is retried shows its attempts', async (t) => {
  const page = await openPage(t);

  const card = await submit(page, { name: unique('Alan'), outcome: 'retry:1', method: 'stream' });
  await becomes(card, 'completed');

  assert.match(await card.textContent(), /attempt 2 of \d/);
  assert.match(await page.locator('.states').textContent(), /attempt 2, after: the simulated work fails/);
});

test('an order is cancelled', async (t) => {
  const page = await openPage(t);

  const card = await submit(page, { name: unique('Tony'), seconds: 120 });
  await card.getByRole('button', { name: /^Cancel …/ }).click();
  await becomes(card, 'cancelled');

  await page.locator('.exchanges .status').getByText('410 Gone').waitFor();
  assert.equal(await card.getByRole('button', { name: /^Cancel …/ }).count(), 0);
});

test('many orders at once do not use up the browser\'s connections', async (t) => {
  const page = await openPage(t);
  const cards = [];
  for (let n = 0; n < 8; n += 1) cards.push(await submit(page, { name: unique(`Many ${n}`), method: 'stream', seconds: 4 }));

  for (const card of cards) await becomes(card, 'completed');
});

test('an order that is refused says what is wrong beside the field', async (t) => {
  const page = await openPage(t);
  const field = nameField(page);
  await field.fill('');

  await page.getByRole('button', { name: 'Submit' }).click();

  await page.locator('#payload .fault:not(:empty)').waitFor();
  assert.equal(await field.getAttribute('aria-invalid'), 'true');
  assert.ok(await field.evaluate((field) => field === document.activeElement));
  assert.deepEqual(await exchange(page), [`POST /${COLLECTION.path} 422 Unprocessable Content`]);
});

test('the form begins with the example, and what is submitted is what it shows', async (t) => {
  const page = await openPage(t);
  await page.getByRole('button', { name: 'Submit' }).click();
  await becomes(page.locator('#orders > li').first(), 'completed');

  const result = page.locator('.exchanges > li').last().locator('pre').last();
  await result.getByText('completedAt').waitFor();
  const { completedAt, ...submitted } = JSON.parse((await result.textContent()).split('\n\n').pop())[COLLECTION.name];
  assert.ok(completedAt);
  assert.deepEqual(submitted, EXAMPLE);
});

test('orders are found again after the page was left, and open ones are watched on', async (t) => {
  const page = await openPage(t);
  const done = await submit(page, { name: unique('Done'), seconds: 0 });
  await becomes(done, 'completed');
  const id = (await done.locator('code').textContent()).trim();
  const running = await submit(page, { name: unique('Running'), seconds: 4 });
  const runningId = (await running.locator('code').textContent()).trim();

  await page.reload();

  const found = page.locator('#orders > li').filter({ hasText: id });
  await found.locator('button.open').click();
  await page.locator('.exchanges').getByText(`GET /${COLLECTION.path}/${id}`).waitFor();
  assert.match(await page.locator('#exchange-heading').textContent(), new RegExp(id));
  await becomes(page.locator('#orders > li').filter({ hasText: runningId }), 'completed');
});

test('a token is asked for when the host demands one, and kept for the tab', async (t) => {
  // As a host with tokens does, before the real one sees the request.
  const refuse = async (route) => {
    if (route.request().headers().authorization === 'Bearer right') return route.continue({ headers: { ...route.request().headers(), authorization: '' } });
    return route.fulfill({ status: 401, contentType: 'application/problem+json', headers: { 'www-authenticate': 'Bearer' }, body: '{"title":"A token is needed","status":401}' });
  };
  const page = await openPage(t, { prepare: (page) => page.route((url) => url.pathname.startsWith(`/${COLLECTION.path}`), refuse) });
  const dialog = page.getByRole('dialog');

  await dialog.getByLabel('Token').fill('wrong');
  await dialog.getByRole('button', { name: 'Use it' }).click();
  await dialog.getByLabel('Token').and(page.locator(':focus')).waitFor();
  await dialog.getByLabel('Token').fill('right');
  await dialog.getByLabel('Token').press('Enter');
  await dialog.waitFor({ state: 'hidden' });
  const card = await submit(page, { name: unique('Ada'), seconds: 0 });
  await becomes(card, 'completed');
  await page.locator('.exchanges > li').first().locator('summary').click();

  const said = await page.locator('.exchanges').textContent();
  assert.match(said, /authorization: Bearer •+/);
  assert.doesNotMatch(said, /right/);
  await page.reload();
  await page.locator('#orders > li').first().waitFor();
  assert.equal(await dialog.count(), 0);
});

test('the page is served as one who is careful would', async () => {
  const response = await fetch(HOST);

  assert.equal(response.status, 200);
  assert.match(response.headers.get('content-type'), /^text\/html/);
  assert.match(response.headers.get('content-security-policy') ?? '', /script-src 'self'/);
});
