// The two functions of this package: submit and wait, and wait for what was submitted before.

import { AsyncOrdersError, ProtocolError, errorOf } from './errors.js';
import { Session } from './session.js';
import { StatusResource, Waiting } from './wait.js';

/** How long an abort waits for the order's cancellation. */
const CANCEL_MS_MAX = 5000;
/** Headers that speak of the submitted body, or of the submission alone. */
const SUBMISSION_HEADERS = ['content-type', 'content-length', 'content-encoding', 'content-language', 'idempotency-key', 'prefer'];

/**
 * @typedef {object} CancelOption
 * @property {boolean | undefined} [cancelOnAbort] whether the order is cancelled if `signal` ends the waiting;
 *   default `false`. It cannot be if the server has not answered the submission yet
 *
 * @typedef {import('./session.js').SessionOptions & import('./wait.js').WaitMethod & CancelOption} WaitOptions
 *
 * @typedef {object} IdempotencyOption
 * @property {string | true | undefined} [idempotencyKey] makes the submission repeatable: the same key is the same
 *   order. `true` makes one up. Without a key, a submission that gets no answer is not repeated
 *
 * @typedef {WaitOptions & IdempotencyOption} FetchAndWaitOptions
 */

/**
 * Sends a request to an asynchronous API, as `fetch` does, and resolves with the result's response.
 *
 * Without options it does as the pattern says and no more: it reads `Location` of a `202`, polls it
 * as far apart as `Retry-After` asks for, follows the redirect, and resolves with whatever comes, an
 * error status included; `onStatusPoll` is given each answer that is not the result.
 *
 * With options it may wait by other means, repeats what failed, and rejects with a
 * {@link ResponseError} if the result, or any other answer, is an error.
 *
 * @overload
 * @param {RequestInfo | URL} input
 * @param {RequestInit} [init]
 * @param {(response: Response) => void} [onStatusPoll]
 * @returns {Promise<Response>}
 */
/**
 * @overload
 * @param {RequestInfo | URL} input
 * @param {RequestInit | undefined} init
 * @param {FetchAndWaitOptions} options
 * @returns {Promise<Response>}
 */
/**
 * @param {RequestInfo | URL} input
 * @param {RequestInit} [init]
 * @param {((response: Response) => void) | FetchAndWaitOptions} [third]
 * @returns {Promise<Response>}
 */
export async function fetchAndWait(input, init, third) {
  if (typeof third === 'object') return submitAndWait(input, init, third, { doesThrow: true });
  return submitAndWait(input, init, { stream: false, wait: 0, onStatusPoll: third }, { doesThrow: false });
}

/**
 * Waits for the result of an order that was submitted before: by `fetchAndWait` that ended early
 * (the error's `statusUrl`), or by a page that was closed.
 *
 * @param {string | URL} statusUrl
 * @param {RequestInit} [init] headers and credentials to send along
 * @param {WaitOptions} [options]
 * @returns {Promise<Response>}
 */
export async function waitFor(statusUrl, init, options = {}) {
  const base = new Request(statusUrl, { ...init, signal: null });
  const callerSignal = options.signal ?? init?.signal;
  const session = new Session({ ...options, signal: callerSignal });
  const resource = new StatusResource(base.url, base.headers, base.credentials);
  return finish(session, { ...options, signal: callerSignal }, resource, true);
}

/**
 * @param {RequestInfo | URL} input
 * @param {RequestInit | undefined} init
 * @param {FetchAndWaitOptions} options
 * @param {{ doesThrow: boolean }} how
 */
async function submitAndWait(input, init, options, { doesThrow }) {
  const signal = options.signal ?? init?.signal ?? (input instanceof Request ? input.signal : undefined);
  const submission = new Request(input, { ...init, signal: null });
  const key = options.idempotencyKey === true ? randomKey() : options.idempotencyKey;
  // In quotes, as the draft of the header has it: a string of structured fields (RFC 8941 §3.3.3).
  if (key !== undefined) submission.headers.set('idempotency-key', `"${key.replace(/["\\]/g, '\\$&')}"`);
  // Only if it was asked for, as it keeps the order's id and its status from the caller for that long.
  if (options.wait) submission.headers.set('prefer', `wait=${options.wait}`);
  const mayRepeat = submission.headers.has('idempotency-key') || submission.method === 'GET';

  const session = new Session({ ...options, signal });
  /** @type {Response} */
  let answer;
  try {
    // A copy each time, as a body can be read only once.
    const sent = await session.send(() => submission.clone(), { waitMs: (options.wait ?? 0) * 1000, mayRepeat });
    answer = sent.response;
  } catch (error) {
    session.end();
    throw error;
  }
  if (answer.status !== 202) {
    session.end();
    return settle(answer, doesThrow);
  }
  const resource = await statusResource(submission, answer).catch((error) => {
    session.end();
    throw error;
  });
  return finish(session, { ...options, signal }, resource, doesThrow, answer);
}

/**
 * Waits, and cleans up.
 *
 * @param {Session} session
 * @param {WaitOptions} options
 * @param {StatusResource} resource
 * @param {boolean} doesThrow
 * @param {Response} [accepted]
 */
async function finish(session, options, resource, doesThrow, accepted) {
  try {
    return await settle(await new Waiting(session, resource, options).result(accepted), doesThrow);
  } catch (error) {
    if (error instanceof AsyncOrdersError) error.statusUrl = resource.url;
    if (options.cancelOnAbort && options.signal?.aborted) await cancel(resource, options.fetch);
    throw error;
  } finally {
    session.end();
  }
}

/** @param {Response} response @param {boolean} doesThrow */
async function settle(response, doesThrow) {
  if (doesThrow && !response.ok) throw await errorOf(response);
  return response;
}

/**
 * Where a `202` says that the status is.
 *
 * @param {Request} submission
 * @param {Response} accepted
 */
async function statusResource(submission, accepted) {
  // From other origins a browser shows `Location` only if the server exposes it; the document links it too.
  const location = accepted.headers.get('location') ?? (await linkedStatus(accepted.clone()));
  if (location === undefined) throw new ProtocolError('a 202 has neither a Location nor a link to the status');
  const url = new URL(location, accepted.url || submission.url);
  // What was meant for one origin is not told to another.
  if (url.origin !== new URL(submission.url).origin) return new StatusResource(url.href, new Headers(), 'same-origin');
  const headers = new Headers(submission.headers);
  for (const name of SUBMISSION_HEADERS) headers.delete(name);
  return new StatusResource(url.href, headers, submission.credentials);
}

/** @param {Response} response @returns {Promise<string | undefined>} */
async function linkedStatus(response) {
  const body = await response.json().catch(() => undefined);
  return body?.links?.status;
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
