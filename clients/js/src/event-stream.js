// Reads server-sent events from a response. `EventSource` cannot send headers, so it can neither
// carry a token nor ask for JSON where there is no stream.

import { ProtocolError } from './errors.js';

/** The most characters of one event. A bound on memory; a status document has some hundred. */
const EVENT_CHARS_MAX = 1_000_000;

/**
 * @typedef {object} StreamEvent
 * @property {string} type `message` if the server did not name it
 * @property {string} data
 * @property {string | undefined} id the last id that the stream has given, for `Last-Event-ID`
 */

/**
 * The events of a stream, as the WHATWG's HTML standard §9.2.6 interprets it, without `retry`.
 *
 * @param {ReadableStream<Uint8Array>} body
 * @returns {AsyncGenerator<StreamEvent | undefined, void>} `undefined` stands for a comment: the server is alive
 */
export async function* readEvents(body) {
  const decoder = new TextDecoder();
  // By its reader, as not every browser lets one iterate over a stream.
  const reader = body.getReader();
  let rest = '';
  let event = newEvent(undefined);
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      rest += decoder.decode(value, { stream: true });
      // A carriage return at the end may be the first half of a line's end.
      const complete = rest.endsWith('\r') ? rest.slice(0, -1) : rest;
      const lines = complete.split(/\r\n|\r|\n/);
      rest = (lines.pop() ?? '') + rest.slice(complete.length);
      for (const line of lines) {
        if (line === '') {
          if (event.data.length > 0) yield { type: event.type, data: event.data.join('\n'), id: event.id };
          event = newEvent(event.id);
        } else if (line.startsWith(':')) {
          yield undefined;
        } else {
          take(event, line);
        }
      }
      if (rest.length + event.chars > EVENT_CHARS_MAX) throw new ProtocolError('the event stream has an event that is too long');
    }
  } finally {
    // Ends the request if the stream has not ended; if it broke, there is nothing left to end.
    await reader.cancel().catch(() => {});
  }
}

/** @param {string | undefined} id */
function newEvent(id) {
  return { type: 'message', data: /** @type {string[]} */ ([]), id, chars: 0 };
}

/**
 * Takes one `field: value`; fields of other names are ignored.
 * @param {ReturnType<typeof newEvent>} event
 * @param {string} line
 */
function take(event, line) {
  const colon = line.indexOf(':');
  const field = colon < 0 ? line : line.slice(0, colon);
  const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
  if (field === 'data') {
    event.data.push(value);
    event.chars += value.length;
  } else if (field === 'event') {
    event.type = value;
  } else if (field === 'id' && !value.includes('\0')) {
    event.id = value;
  }
}
