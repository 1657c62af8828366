// Sends requests for one order: repeats those that may be repeated, and ends with the caller's
// signal or the deadline, whichever comes first.

import { NetworkError, WaitTimeoutError } from './errors.js';
import { backOffMs, isTransient, limited, retryAfterMs, sleep } from './retry.js';

/** How long a server may take to begin its answer, beyond what it was asked to wait. */
const ANSWER_MS_MAX = 30_000;
/** The longest that is waited for a result, unless the caller says otherwise. */
const TIMEOUT_MS = 600_000;
/** How often in a row a request is repeated: with the back-off's pauses, over about half a minute. */
const RETRIES = 8;

/**
 * @typedef {object} SessionOptions
 * @property {AbortSignal | null | undefined} [signal] ends the waiting; the promise rejects with its reason
 * @property {number | undefined} [timeout] the longest time until the result, in milliseconds; default 600,000
 * @property {number | undefined} [retries] how often in a row a request is repeated that got no answer, or `429`,
 *   `502`, `503` or `504`; default 8
 * @property {typeof globalThis.fetch | undefined} [fetch] used instead of the global `fetch`
 */

/**
 * @typedef {object} Answer
 * @property {Response} response
 * @property {boolean} isRedirected whether the server led from the request's URL to another
 */

/** What one order's requests share. */
export class Session {
  #limit;
  #retries;
  #fetch;
  #base;
  /** The latest attempt's limit. @type {ReturnType<typeof limited> | undefined} */
  #latest;

  /** @param {SessionOptions & { base?: import('./base-url.js').BaseUrl | undefined }} options */
  constructor({ signal, timeout = TIMEOUT_MS, retries = RETRIES, fetch, base }) {
    this.#limit = limited(signal, timeout, () => new WaitTimeoutError(`there is no result after ${timeout} ms`));
    this.#retries = retries;
    this.#base = base;
    // Looked up late, so that what replaces the global one is used.
    this.#fetch = fetch ?? ((/** @type {Request} */ request) => globalThis.fetch(request));
  }

  /** Leaves nothing behind on the caller's signal, and no timer. */
  end() {
    this.#latest?.release();
    this.#limit.release();
  }

  /** @param {number} ms */
  pause(ms) {
    return sleep(ms, this.#limit.signal);
  }

  /**
   * The answer to a request, whatever its status; after repetition, if it may be repeated. The next
   * request ends what is left of this one.
   *
   * @param {(failures: number) => Request} makeRequest is called for each attempt
   * @param {{ waitMs?: number, mayRepeat?: boolean }} [how]
   */
  async send(makeRequest, { waitMs = 0, mayRepeat = true } = {}) {
    for (let failures = 0; ; ) {
      const isLast = !mayRepeat || failures >= this.#retries;
      const { answer, limit, error } = await this.#attempt(makeRequest(failures), ANSWER_MS_MAX + waitMs);
      if (answer && (isLast || !isTransient(answer.response))) return { ...answer, limit };
      if (isLast) throw unanswered(error, failures);
      failures += 1;
      // No sooner than the server asks for.
      const leastMs = (answer && retryAfterMs(answer.response.headers)) ?? 0;
      await answer?.response.body?.cancel();
      await this.pause(leastMs + backOffMs(failures));
    }
  }

  /**
   * @param {Request} request
   * @param {number} answerMs
   */
  async #attempt(request, answerMs) {
    // One at a time, so that an order of any length leaves no more than one listener behind.
    this.#latest?.release();
    const limit = limited(this.#limit.signal, answerMs, () => new NetworkError(`there is no answer after ${answerMs} ms`));
    this.#latest = limit;
    try {
      return { answer: await this.#follow(request, limit.signal), limit };
    } catch (error) {
      this.#limit.signal.throwIfAborted();
      return { error, limit };
    } finally {
      // The body is bounded by the deadline alone.
      limit.lift();
    }
  }

  /**
   * A redirect is followed here: a browser shows a script nothing of one that is not.
   *
   * @param {Request} request
   * @param {AbortSignal} signal
   * @returns {Promise<Answer>}
   */
  async #follow(request, signal) {
    const response = await this.#fetch(new Request(request, { signal, redirect: 'follow' }));
    const url = response.redirected ? new URL(response.url) : undefined;
    if (!url || !this.#base?.isAstray(url)) return { response, isRedirected: response.redirected };
    await response.body?.cancel();
    const { headers, credentials, cache } = request;
    const found = await this.#fetch(new Request(this.#base.place(url), { headers, credentials, cache, signal }));
    return { response: found, isRedirected: true };
  }

  /** Rejects if the caller or the deadline ended the waiting. */
  check() {
    this.#limit.signal.throwIfAborted();
  }
}

/**
 * @param {unknown} error
 * @param {number} failures
 */
function unanswered(error, failures) {
  if (error instanceof NetworkError) return error;
  return new NetworkError(`there is no answer, after ${failures} repetition(s)`, { cause: error });
}
