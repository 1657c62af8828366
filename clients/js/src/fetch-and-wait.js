// The client as it is published with the pattern: the same calls, the same outcomes. Where that one
// would ask a nonsensical URL, leave out what the server demands, or take an error for a result, this one
// does better; nothing else.

import { errorOf } from './errors.js';
import { sleep, retryAfterMs } from './retry.js';
import { statusResource } from './status-resource.js';

/** Where the server does not say when to ask again. */
const RETRY_AFTER_SECONDS = 10;

/**
 * @typedef {object} StatusPoll
 * @property {Response} response the answer that is not the result yet, to read as one likes
 * @property {number} retryAfter how long it is until the next poll, in seconds
 *
 * @callback OnStatusPoll is awaited before the pause until the next poll
 * @param {StatusPoll} poll
 * @returns {unknown}
 */

/**
 * Sends a request to an asynchronous API, as `fetch` does, and resolves with the result, parsed from JSON.
 *
 * It reads `Location` of the `202`, polls it as far apart as `Retry-After` asks for, and takes what it
 * is redirected to. Any other answer than a `202` to the request or a `200` to a poll, and an end that is an
 * error, as of an order that failed or was cancelled, rejects with an `Error` that has the answer's body in
 * its message.
 *
 * @overload
 * @param {RequestInfo | URL} input
 * @param {RequestInit | undefined} [init]
 * @param {OnStatusPoll} [onStatusPoll]
 * @returns {Promise<any>}
 */
/**
 * @overload
 * @param {RequestInfo | URL} input
 * @param {OnStatusPoll} onStatusPoll
 * @returns {Promise<any>}
 */
/**
 * @param {RequestInfo | URL} input
 * @param {RequestInit | OnStatusPoll} [init]
 * @param {OnStatusPoll} [onStatusPoll]
 * @returns {Promise<any>}
 */
export async function fetchAndWait(input, init, onStatusPoll = () => {}) {
  if (typeof init === 'function') return fetchAndWait(input, undefined, init);
  const submission = new Request(input, init);
  const { signal } = submission;
  const accepted = await fetch(submission);
  if (accepted.status !== 202) throw await errorWithBody(accepted);

  const status = await statusResource(submission, accepted);
  for (;;) {
    const response = await fetch(status.request(status.url, { signal }));
    if (response.redirected && response.ok) return response.json();
    if (response.status !== 200) throw await errorWithBody(response);
    const retryAfter = Math.ceil((retryAfterMs(response.headers) ?? 0) / 1000) || RETRY_AFTER_SECONDS;
    await onStatusPoll({ response, retryAfter });
    await sleep(retryAfter * 1000, signal);
  }
}

/** @param {Response} response */
async function errorWithBody(response) {
  const text = await response.clone().text();
  const error = await errorOf(response);
  error.message = `something went wrong: ${response.status} ${response.statusText}\nResponse: ${text}`;
  return error;
}
