// Goal: server-sent events are read as the HTML standard has it, however the network cuts them.
// Method: streams of bytes, in pieces of one byte and as a whole.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { readEvents } from '../src/event-stream.js';

/** @param {string} text @param {number} size */
async function read(text, size) {
  const bytes = new TextEncoder().encode(text);
  const body = new ReadableStream({
    start(controller) {
      for (let at = 0; at < bytes.length; at += size) controller.enqueue(bytes.slice(at, at + size));
      controller.close();
    },
  });
  const events = [];
  for await (const event of readEvents(body)) {
    if (event) events.push(`${event.id}/${event.type}/${event.data}`);
  }
  return events;
}

test('events are read whole, by any kind of line end', async () => {
  const table = [
    ['id: 1\nevent: status\ndata: {"a":1}\n\n', ['1/status/{"a":1}']],
    ['data: a\r\ndata: b\r\n\r\ndata: c\r\rdata: d\n\n', ['undefined/message/a\nb', 'undefined/message/c', 'undefined/message/d']],
    [': keep-alive\n\ndata:no space\n\n', ['undefined/message/no space']],
    ['id: 7\ndata: a\n\ndata: b\n\nid\ndata: c\n\n', ['7/message/a', '7/message/b', '/message/c']],
    ['data\n\ndata: é🎉\n\n', ['undefined/message/', 'undefined/message/é🎉']],
    ['event: status\n\nretry: 10\nnonsense: x\ndata: a\n\n', ['undefined/message/a']],
    ['data: broken off', []],
  ];
  for (const [text, expected] of table) {
    for (const size of [1, 2, 1000]) assert.deepEqual(await read(String(text), size), expected, `${JSON.stringify(text)} by ${size}`);
  }
});

test('an event without an end is an error, not a leak', async () => {
  await assert.rejects(read(`data: ${'x'.repeat(1_100_000)}`, 100_000), { name: 'ProtocolError' });
  await assert.rejects(read('data: 0123456789\n'.repeat(200_000), 100_000), { name: 'ProtocolError' });
});
