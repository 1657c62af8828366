// Goal: pauses are as long as they should be. Method: the functions that decide them, without a clock.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { backOffMs, limited, retryAfterMs, sleep } from '../src/retry.js';

const NOW = Date.parse('2026-11-22T09:00:00Z');

test('Retry-After is seconds or an HTTP date, and anything else is as if it were not there', () => {
  const table = [
    ['0', 0],
    ['120', 120_000],
    [' 7 ', 7_000],
    ['Sun, 22 Nov 2026 09:00:05 GMT', 5_000],
    ['Sunday, 22-Nov-26 09:00:05 GMT', 5_000],
    ['Sun, 22 Nov 2026 08:59:00 GMT', 0],
    ['-1', undefined],
    ['1.5', undefined],
    ['soon', undefined],
    ['2026-11-22', undefined],
    ['', undefined],
  ];
  for (const [value, expected] of table) {
    assert.equal(retryAfterMs(new Headers({ 'retry-after': String(value) }), NOW), expected, `\`${value}\``);
  }
  assert.equal(retryAfterMs(new Headers(), NOW), undefined);
});

test('a date is taken by the server\'s clock', () => {
  const headers = new Headers({ date: 'Sun, 22 Nov 2020 09:00:00 GMT', 'retry-after': 'Sun, 22 Nov 2020 09:00:03 GMT' });
  assert.equal(retryAfterMs(headers, NOW), 3_000);
});

test('back-off doubles from half a second to ten, and is spread from nothing to that', () => {
  assert.deepEqual([1, 2, 3, 4, 5, 6, 100].map((failures) => backOffMs(failures, 1)), [500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
  assert.equal(backOffMs(3, 0), 0);
  assert.equal(backOffMs(3, 0.5), 1000);
});

test('a sleep ends with its signal', async () => {
  const controller = new AbortController();
  const sleeping = sleep(2 ** 40, controller.signal);
  controller.abort(new Error('up'));
  await assert.rejects(sleeping, { message: 'up' });
  await assert.rejects(sleep(0, controller.signal), { message: 'up' });
});

test('an endless limit has no timer', () => {
  const limit = limited(undefined, Infinity, () => new Error('never'));
  assert.equal(limit.signal.aborted, false);
  limit.release();
});
