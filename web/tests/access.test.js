// Goal: the page is usable by anyone on anything. Method: axe, the keyboard, and narrow screens.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { COLLECTION, becomes, nameField, openPage, sidewaysScroll, submit, violations } from './support/browser.js';

/** Orders of every kind, one of them still at work, with parts of the exchange unfolded. */
async function fill(page) {
  const long = 'Wolfeschlegelsteinhausenbergerdorff'.repeat(4);
  await becomes(await submit(page, { name: `${long} done`, seconds: 0 }), 'completed');
  await becomes(await submit(page, { name: 'Failing', outcome: 'fail', seconds: 0 }), 'failed');
  const cancelled = await submit(page, { name: 'Taken back', seconds: 120 });
  await cancelled.getByRole('button', { name: /^Cancel …/ }).click();
  await becomes(cancelled, 'cancelled');
  const working = await submit(page, { name: 'Working', seconds: 120 });
  await becomes(working, 'processing');
  await page.locator('.exchanges summary').first().click();
  return working;
}

for (const colorScheme of ['light', 'dark']) {
  for (const width of [390, 1280]) {
    test(`nothing stands in anyone's way: ${colorScheme}, ${width} px`, async (t) => {
      const page = await openPage(t, { width, colorScheme });
      assert.deepEqual(await violations(page), []);
      assert.equal(await sidewaysScroll(page), 0);

      const working = await fill(page);

      assert.deepEqual(await violations(page), []);
      assert.equal(await sidewaysScroll(page), 0);

      await nameField(page).fill('');
      await page.getByRole('button', { name: 'Submit' }).click();
      await page.locator('#payload .fault:not(:empty)').waitFor();
      assert.deepEqual(await violations(page), []);
      await working.getByRole('button', { name: /^Cancel …/ }).click();
      await becomes(working, 'cancelled');
    });
  }
}

test('the narrowest phone needs no scrolling sideways', async (t) => {
  const page = await openPage(t, { width: 320 });
  const working = await fill(page);

  assert.equal(await sidewaysScroll(page), 0);
  await working.getByRole('button', { name: /^Cancel …/ }).click();
  await becomes(working, 'cancelled');
});

test('the keyboard is enough', async (t) => {
  const page = await openPage(t);
  const focused = () => page.evaluate(() => document.activeElement?.textContent?.trim() || document.activeElement?.id);

  await page.keyboard.press('Tab');
  assert.equal(await focused(), `Skip to the ${COLLECTION.path}`);
  await nameField(page).focus();
  await page.keyboard.type('Keyboard');
  await page.keyboard.press('Enter');
  const card = page.locator('#orders > li').filter({ hasText: 'Keyboard' }).first();
  await card.waitFor();
  await card.locator('button.open').focus();
  await page.keyboard.press('Enter');

  assert.match(await focused(), /^History of …/);
  assert.equal(await card.locator('button.open').getAttribute('aria-current'), 'true');
});

test('a theme that was chosen stays', async (t) => {
  const page = await openPage(t, { colorScheme: 'light' });
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await background();

  await page.getByRole('button', { name: 'Theme: auto' }).click();
  assert.equal(await background(), light);
  await page.getByRole('button', { name: 'Theme: light' }).click();
  const dark = await background();
  assert.notEqual(dark, light);
  await page.reload();

  await page.getByRole('button', { name: 'Theme: dark' }).waitFor();
  assert.equal(await background(), dark);
});
