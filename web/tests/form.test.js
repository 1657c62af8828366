// Goal: any payload is submitted from the page, by fields where there are fields for it, and by JSON. Method: the
// page at a service of reports, whose schema has a bit of everything.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { becomes, openPage, sidewaysScroll, violations } from './support/browser.js';
import { EXAMPLE, serveReports } from './support/reports.js';

/** A schema that no field can show. */
const ANYTHING = { type: 'object' };

async function open(t, { width, colorScheme, ...service } = {}) {
  const { url, reports } = await serveReports(t, service);
  return { page: await openPage(t, { at: url, width, colorScheme }), reports };
}

/** The payload's area of the form. */
function payload(page) {
  return page.locator('#payload');
}

async function submit(page) {
  await page.getByRole('button', { name: 'Submit' }).click();
}

/** Submits; returns what arrived, once it has. */
async function submitted(page, reports) {
  const count = reports.length;
  await submit(page);
  await becomes(page.locator('#orders > li').first(), 'completed');
  assert.equal(reports.length, count + 1);
  return reports.at(-1);
}

async function turn(page, mode) {
  await page.locator('#mode').getByLabel(mode, { exact: true }).click();
}

test('the page speaks of what the service has', async (t) => {
  const { page, reports } = await open(t);
  assert.equal(await page.title(), 'Async Reports');
  assert.equal(await page.locator('#submit-heading').textContent(), 'Submit a report');
  assert.equal(await page.locator('#no-orders').textContent(), 'None yet. Submit one, or several.');

  await submitted(page, reports);

  assert.match(await page.locator('#announcer').textContent(), /^Report … ?.*completed/);
  assert.equal(await page.locator('#orders .name').textContent(), EXAMPLE.title);
  assert.equal(await page.locator('.exchanges .request').first().textContent(), 'POST /reports');
  await page.locator('.exchanges').getByText('The result.', { exact: true }).waitFor();
  assert.doesNotMatch(await page.locator('body').innerText(), /order/i);
});

test('each member has its field, which begins with the example or the default', async (t) => {
  const { page, reports } = await open(t);
  const fields = payload(page);

  assert.equal(await fields.getByLabel('Title').inputValue(), 'Sales');
  assert.equal(await fields.getByLabel('Kind').evaluate((select) => select.selectedOptions[0].text), 'monthly');
  assert.equal(await fields.getByRole('group', { name: 'Period' }).getByLabel('From').inputValue(), '2026-10-01');
  assert.equal(await fields.getByLabel('Max pages (optional)').getAttribute('type'), 'number');
  assert.equal(await fields.getByLabel('Is draft').isChecked(), false);
  assert.equal(await fields.getByRole('group', { name: 'Reader 1' }).getByRole('textbox', { name: 'Reader' }).inputValue(), 'ada@example.org');
  assert.equal(await fields.getByLabel('Title').getAttribute('aria-describedby').then((ids) => page.locator(`#${ids.split(' ')[0]}`).textContent()), 'What it is about');
  assert.deepEqual(await submitted(page, reports), { ...EXAMPLE, isDraft: false });
});

test('what is filled in is what is submitted', async (t) => {
  const { page, reports } = await open(t);
  const fields = payload(page);
  await fields.getByLabel('Title').fill('Costs');
  await fields.getByLabel('Kind').selectOption('special');
  await fields.getByLabel('To', { exact: true }).fill('2026-11-30');
  await fields.getByLabel('Max pages (optional)').fill('12');
  await fields.getByLabel('Is draft').check();
  await page.getByRole('button', { name: 'Add a reader' }).click();
  await page.keyboard.type('grace@example.org');
  await page.getByRole('button', { name: 'Remove reader 1' }).click();
  await page.getByRole('button', { name: 'Add a chapter' }).click();
  await page.keyboard.type('Travel');
  await fields.getByRole('group', { name: 'Chapter 1' }).getByLabel('Weight').fill('0.5');
  await page.getByRole('button', { name: 'Add printer' }).click();
  await page.keyboard.type('12a');
  await fields.getByLabel('Source (optional)').fill('{"table": "costs"}');

  assert.deepEqual(await submitted(page, reports), {
    title: 'Costs', kind: 'special', period: { from: '2026-10-01', to: '2026-11-30' }, maxPages: 12, isDraft: true,
    readers: ['grace@example.org'], chapters: [{ heading: 'Travel', text: '', weight: 0.5 }],
    printer: { room: '12a', isDuplex: true }, source: { table: 'costs' },
  });

  await page.getByRole('button', { name: 'Leave out printer' }).click();
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Add printer');
  assert.equal('printer' in (await submitted(page, reports)), false);
});

test('a list takes no more entries than it may have', async (t) => {
  const { page } = await open(t);
  const add = page.getByRole('button', { name: 'Add a reader' });

  await add.click();
  await add.click();
  assert.ok(await add.isDisabled());
  await page.getByRole('button', { name: 'Remove reader 3' }).click();
  assert.ok(await add.isEnabled());
});

test('the form turns to JSON and back, and keeps what it has no field for', async (t) => {
  const { page, reports } = await open(t);
  await payload(page).getByLabel('Title').fill('Costs');
  await turn(page, 'JSON');
  const json = payload(page).getByLabel('Report as JSON');
  const shown = JSON.parse(await json.inputValue());
  assert.equal(shown.title, 'Costs');

  await json.fill(JSON.stringify({ ...shown, kind: 'yearly', note: { by: 'hand' } }));
  await turn(page, 'Form');

  assert.equal(await payload(page).getByLabel('Kind').evaluate((select) => select.selectedOptions[0].text), 'yearly');
  assert.deepEqual(await submitted(page, reports), { ...EXAMPLE, title: 'Costs', kind: 'yearly', isDraft: false, note: { by: 'hand' } });
});

test('JSON that is none, or that the form cannot show, stays where it is, and is said so', async (t) => {
  const { page, reports } = await open(t);
  await turn(page, 'JSON');
  const json = payload(page).getByLabel('Report as JSON');

  for (const leave of [() => submit(page), () => turn(page, 'Form')]) {
    await json.fill('{"title": }');
    await leave();
    await payload(page).getByText(/^this is not JSON: /).waitFor();
    assert.equal(await json.getAttribute('aria-invalid'), 'true');
    assert.ok(await json.evaluate((area) => area === document.activeElement));
    assert.ok(await page.getByLabel('JSON', { exact: true }).isChecked());
  }
  await json.fill('{"title": 1}');
  await turn(page, 'Form');
  await page.locator('#order-error').getByText('The form has no fields for what this JSON holds.').waitFor();
  assert.deepEqual(await submitted(page, reports), { title: 1 });
});

test('where fields can show nothing, there is JSON alone', async (t) => {
  const { page, reports } = await open(t, { schema: ANYTHING, example: { any: ['thing'] }, check: ({ any }) => (any ? [] : [{ pointer: '/any', detail: 'expected something' }]) });
  const json = payload(page).getByLabel('Report as JSON');

  assert.ok(await page.locator('#mode').isHidden());
  assert.deepEqual(JSON.parse(await json.inputValue()), { any: ['thing'] });
  await json.fill('{}');
  await submit(page);
  await payload(page).getByText('/any expected something').waitFor();
  assert.equal(await json.getAttribute('aria-invalid'), 'true');
  await json.fill('{"any": "other"}');

  assert.deepEqual(await submitted(page, reports), { any: 'other' });
  assert.equal(await json.getAttribute('aria-invalid'), null);
  assert.equal(await page.locator('#orders .name').first().textContent(), 'other');
});

test('a schema may bring its own definitions', async (t) => {
  const schema = { properties: { speed: { $ref: '#/$defs/Speed' } }, $defs: { Speed: { enum: ['fast', 'slow'] } } };
  const { page, reports } = await open(t, { schema, example: {} });

  await payload(page).getByLabel('Speed (optional)').selectOption('slow');

  assert.deepEqual(await submitted(page, reports), { speed: 'slow' });
});

test('an example that no field can show is shown as JSON', async (t) => {
  const { page } = await open(t, { example: { ...EXAMPLE, title: 'Two\nlines' } });

  await payload(page).getByLabel('Report as JSON').waitFor();
  assert.ok(await page.getByLabel('JSON', { exact: true }).isChecked());
});

test('faults are shown at their fields, and the first of them has the focus', async (t) => {
  const faults = [
    { pointer: '/source/url', detail: 'no such place' },
    { pointer: '/chapters/0/weight', detail: 'too heavy' },
    { pointer: '/readers', detail: 'too few' },
    { pointer: '/chapters/0', detail: 'too dull' },
    { pointer: '/period/from', detail: 'too early' },
    { pointer: '/nobody', detail: 'not known' },
    { pointer: '', detail: 'not to our liking' },
  ];
  const { page } = await open(t, { check: () => faults });
  const fields = payload(page);
  await page.getByRole('button', { name: 'Add a chapter' }).click();

  await submit(page);

  const from = fields.getByLabel('From');
  await page.locator('#order-error').getByText('The report was not accepted: /nobody not known; not to our liking; see the marked fields.').waitFor();
  assert.ok(await from.evaluate((field) => field === document.activeElement));
  for (const [field, text] of [[from, 'too early'], [fields.getByLabel('Weight'), 'too heavy'], [fields.getByLabel('Source (optional)'), '/source/url no such place']]) {
    assert.equal(await field.getAttribute('aria-invalid'), 'true');
    assert.equal(await described(field), text);
  }
  assert.equal(await described(fields.getByRole('group', { name: 'Readers' })), 'too few');
  assert.equal(await described(fields.getByRole('group', { name: 'Chapter 1' })), 'too dull');
  assert.deepEqual(await violations(page), []);

  faults.splice(0);
  await submit(page);
  await page.locator('#orders > li').first().waitFor();
  assert.equal(await page.locator('[aria-invalid], #payload .fault:not(:empty)').count(), 0);
});

for (const colorScheme of ['light', 'dark']) {
  for (const width of [390, 1280]) {
    test(`every kind of field is there for anyone: ${colorScheme}, ${width} px`, async (t) => {
      const { page } = await open(t, { width, colorScheme });
      for (const name of ['Add a reader', 'Add a chapter', 'Add printer']) await page.getByRole('button', { name }).click();
      assert.deepEqual(await violations(page), []);
      assert.equal(await sidewaysScroll(page), 0);

      await turn(page, 'JSON');
      assert.deepEqual(await violations(page), []);
      assert.equal(await sidewaysScroll(page), 0);
    });
  }
}

/** What assistive technology says of a field. */
function described(field) {
  return field.evaluate((element) => element.getAttribute('aria-describedby').split(' ').map((id) => document.getElementById(id).textContent).join(' ').trim());
}
