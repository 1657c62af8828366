// Submits and waits, or waits for what was submitted before; both resolve with the result's response.

import { BaseUrl } from './base-url.js';
import { AsyncOrdersError, errorOf } from './errors.js';
import { takeSlot } from './held.js';
import { Session } from './session.js';
import { StatusResource, statusResource } from './status-resource.js';
import { Waiting } from './wait.js';

/** How long an abort waits for the order's cancellation. */
const CANCEL_MS_MAX = 5000;

/**
 * @typedef {object} CancelOption
 * @property {boolean | undefined} [cancelOnAbort] whether the order is cancelled if `signal` ends the waiting;
 *   default `false`. It cannot be if the server has not answered the submission yet
 *
 * @typedef {object} PlaceOption
 * @property {string | URL | undefined} [baseUrl] where the service is, such as `https://example.org/shop/`: needed
 *   behind a proxy that strips this prefix and leaves `Location` as it is
 *
 * @typedef {import('./session.js').SessionOptions & import('./wait.js').WaitMethod & CancelOption & PlaceOption} WaitOptions
 *
 * @typedef {object} IdempotencyOption
 * @property {string | true | undefined} [idempotencyKey] makes the submission repeatable: the same key is the same
 *   order. `true` makes one up. Without a key, a submission that gets no answer is not repeated
 *
 * @typedef {WaitOptions & IdempotencyOption} FetchResultOptions
 */

/**
 * Sends a request to an asynchronous API, as `fetch` does, and resolves with the result's response.
 *
 * It waits by the best means that the server offers, repeats what failed if it may be repeated, and
 * rejects with a {@link ResponseError} if the result, or any other answer, is an error.
 *
 * @param {RequestInfo | URL} input
 * @param {RequestInit} [init]
 * @param {FetchResultOptions} [options]
 * @returns {Promise<Response>}
 */
export async function fetchResult(input, init, options = {}) {
  const signal = options.signal ?? init?.signal ?? (input instanceof Request ? input.signal : undefined);
  const base = options.baseUrl === undefined ? undefined : new BaseUrl(options.baseUrl);
  const submission = new Request(input, { ...init, signal: null });
  const key = options.idempotencyKey === true ? randomKey() : options.idempotencyKey;
  // In quotes, as the draft of the header has it: a string of structured fields (RFC 8941 §3.3.3).
  if (key !== undefined) submission.headers.set('idempotency-key', `"${key.replace(/["\\]/g, '\\$&')}"`);

  const session = new Session({ ...options, signal, base });
  /** @type {StatusResource | undefined} */
  let resource;
  /** @type {Response} */
  let answer;
  try {
    answer = await submit(session, submission, options.wait);
    if (answer.status === 202) resource = await statusResource(submission, answer, base);
  } catch (error) {
    session.end();
    throw error;
  }
  if (!resource) {
    session.end();
    return settle(answer);
  }
  return finish(session, { ...options, signal }, resource, answer);
}

/**
 * Waits for the result of an order that was submitted before: by `fetchResult` that ended early
 * (the error's `statusUrl`), or by a page that was closed.
 *
 * @param {string | URL} statusUrl
 * @param {RequestInit} [init] headers and credentials to send along
 * @param {WaitOptions} [options]
 * @returns {Promise<Response>}
 */
export async function waitFor(statusUrl, init, options = {}) {
  const known = new Request(statusUrl, { ...init, signal: null });
  const signal = options.signal ?? init?.signal;
  const base = options.baseUrl === undefined ? undefined : new BaseUrl(options.baseUrl);
  const session = new Session({ ...options, signal, base });
  const resource = new StatusResource(known.url, known.headers, known.credentials, { base });
  return finish(session, { ...options, signal }, resource);
}

/**
 * @param {Session} session
 * @param {Request} submission
 * @param {number} [wait]
 */
async function submit(session, submission, wait) {
  // Only if it was asked for, as it keeps the order's id and its status from the caller for that long.
  const release = wait ? await takeSlot(submission.url) : undefined;
  if (release) submission.headers.set('prefer', `wait=${wait}`);
  const mayRepeat = submission.headers.has('idempotency-key') || submission.method === 'GET';
  try {
    // A copy each time, as a body can be read only once.
    const { response } = await session.send(() => submission.clone(), { waitMs: (wait ?? 0) * 1000, mayRepeat });
    return response;
  } finally {
    release?.();
  }
}

/**
 * Waits, and cleans up.
 *
 * @param {Session} session
 * @param {WaitOptions} options
 * @param {StatusResource} resource
 * @param {Response} [accepted]
 */
async function finish(session, options, resource, accepted) {
  try {
    return await settle(await new Waiting(session, resource, options).result(accepted));
  } catch (error) {
    if (error instanceof AsyncOrdersError) error.statusUrl = resource.url;
    if (options.cancelOnAbort && options.signal?.aborted) await cancel(resource, options.fetch);
    throw error;
  } finally {
    session.end();
  }
}

/** @param {Response} response */
async function settle(response) {
  if (!response.ok) throw await errorOf(response);
  return response;
}

/**
 * Cancels an order, and is content if that fails: the caller is on the way out with an error already.
 *
 * @param {StatusResource} resource
 * @param {typeof globalThis.fetch} [fetch]
 */
async function cancel(resource, fetch) {
  const session = new Session({ timeout: CANCEL_MS_MAX, fetch });
  try {
    // Goes on if the page is being left.
    await session.send(() => resource.request(resource.url, { method: 'DELETE', keepalive: true }));
  } catch {
    // The order goes on, as it would have without `cancelOnAbort`.
  } finally {
    session.end();
  }
}

/**
 * A key that nobody else makes up. `crypto.randomUUID` is there only in secure contexts, and in
 * Node 18 nothing of `crypto`; a key must be unique, and need not be secret.
 */
export function randomKey() {
  const bytes = new Uint8Array(16);
  if (globalThis.crypto) crypto.getRandomValues(bytes);
  else bytes.forEach((_, index) => (bytes[index] = Math.random() * 256));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
