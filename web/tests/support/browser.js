// Debian's Chromium at the host that ORDERS_URL names, watched for errors.

import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { after } from 'node:test';

// By `require`, which looks where NODE_PATH says, so that nothing is installed among the sources.
const require = createRequire(import.meta.url);
const { chromium } = require('playwright-core');
const AXE = await readFile(require.resolve('axe-core/axe.min.js'), 'utf8');

const url = process.env.ORDERS_URL;
if (!url) throw new Error('set ORDERS_URL to a host that serves the page, started with simulate_controls=true');
/** Where the page is. */
export const HOST = new URL('/', url);
const { info } = await (await fetch(new URL('openapi.json', HOST))).json();
/** How the host calls its orders. */
export const COLLECTION = info['x-collection'] ?? { path: 'orders', name: 'order' };
export const EXAMPLE = JSON.parse(await readFile(new URL('../../../orders/example.json', import.meta.url), 'utf8'));

const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
/** Chromium reports each answer with an error status as an error; these are part of what is tested. */
const EXPECTED = /^Failed to load resource: the server responded with a status of (401|409|410|422|500) /;

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS });
after(() => browser.close());

/**
 * Opens the page in a browser of its own, and closes it when the test has ended, which fails if
 * the page logged an error or asked anyone but the host for anything.
 */
export async function openPage(test, { width = 1280, height = 860, colorScheme = 'light', at = HOST.href, prepare } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme, reducedMotion: 'reduce' });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const { origin } = new URL(at);
  const faults = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type()) && !EXPECTED.test(message.text())) faults.push(message.text());
  });
  page.on('pageerror', (error) => faults.push(error.stack));
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== origin) faults.push(`asked for ${request.url()}`);
  });
  test.after(async () => {
    await context.close();
    if (faults.length > 0) throw new Error(`the page is at fault:\n${faults.join('\n')}`);
  });
  await prepare?.(page);
  await page.goto(at);
  await page.locator('main').waitFor();
  return page;
}

/** Opens the page once more, in another tab of the same browser. */
export async function openTab(page) {
  const tab = await page.context().newPage();
  tab.setDefaultTimeout(20_000);
  await tab.goto(page.url());
  await tab.locator('main').waitFor();
  return tab;
}

/** A name that no other order has, as the host is shared. */
export function unique(name) {
  return `${name} ${Math.random().toString(36).slice(2, 8)}`;
}

/** The field by whose text an order is called: the first of the form. */
export function nameField(page) {
  return page.locator('#payload input[type=text]').first();
}

/** Fills in the form and submits it; returns the card of the order, which was accepted. */
export async function submit(page, { name, method = 'poll', outcome = 'complete', seconds = 0.5 }) {
  await nameField(page).fill(name);
  await page.locator('form#order details').evaluate((details) => { details.open = true; });
  await page.getByLabel('Outcome').selectOption(outcome);
  await page.getByLabel('Seconds').fill(String(seconds));
  await page.locator(`input[name=method][value=${method}]`).check();
  await page.getByRole('button', { name: 'Submit' }).click();
  const card = page.locator('#orders > li').filter({ hasText: name });
  await card.waitFor();
  return card;
}

/** Resolves when the card says so. */
export async function becomes(card, status) {
  await card.and(card.page().locator(`[data-status=${status}]`)).waitFor();
}

/** What axe finds wrong with the page as it is, one line each. */
export async function violations(page) {
  // Through the debugger, as the page's own policy admits no script but the host's.
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }));
  return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html} ${node.failureSummary}`));
}

/** How far the page can be scrolled sideways, in pixels. */
export function sidewaysScroll(page) {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}
