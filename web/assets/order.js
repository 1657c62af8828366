// One order that this page knows: what it knows of it, and how it learns more. No DOM here.

import { OrderCancelledError, OrderFailedError, OrdersClient, fetchResult } from './client.js';
import { BASE_URL } from './contract.js';
import { nameIn, nameOf, rememberName } from './names.js';
import { Log } from './recorder.js';

/** @typedef {import('./client.js').StatusDocument} StatusDocument */
/** @typedef {import('./client.js').Status} Status */
/** @typedef {'poll' | 'wait' | 'stream'} Method */

/** How each method is asked of the client. Without `wait`, only the status is held, and not the submission. */
const METHODS = {
  poll: { stream: false, wait: 0 },
  wait: { stream: false },
  stream: { stream: true, wait: 0 },
};
/** The longest that the page stays with one order. */
const TIMEOUT_MS = 24 * 3600 * 1000;

/** An order, from its submission or from the list. */
export class FollowedOrder {
  log = new Log();
  /** @type {StatusDocument | undefined} as it was last learnt; none before the submission is answered */
  document;
  /** @type {{ at: number, status: Status, text: string }[]} what was seen of its life, oldest first */
  states = [];
  /** How long it took, once it has ended. @type {number | undefined} */
  tookMs;
  /** Why the page lost sight of it. @type {string | undefined} */
  trouble;
  /** What it is called, if that is known. */
  name = '';
  /** Whether it was submitted here. */
  isOurs = false;
  /** Whether it is polled though another method was chosen, as enough answers are held already. */
  isPolledInstead = false;
  #collection;
  #token;
  #client;
  #startedAt = performance.now();
  /** @type {number | undefined} */
  #nextPollAt;
  #onChange;
  #stopper = new AbortController();

  /**
   * @param {import('./contract.js').Collection} collection
   * @param {() => string | undefined} token
   * @param {(order: FollowedOrder) => void} onChange is told after each change, but for the log's
   */
  constructor(collection, token, onChange) {
    this.#collection = collection;
    this.#token = token;
    this.#client = new OrdersClient({ baseUrl: BASE_URL, collection: collection.path, token, fetch: this.log.fetch });
    this.#onChange = onChange;
  }

  /** Takes an order of the list. @param {StatusDocument} document */
  adopt(document) {
    this.name = nameOf(document.id) ?? '';
    const agoMs = Math.max(0, Date.now() - Date.parse(document.createdAt));
    this.#startedAt = performance.now() - agoMs;
    if (!isOpen(document)) this.tookMs = Date.parse(document.updatedAt) - Date.parse(document.createdAt);
    this.#learn(document);
  }

  get isOpen() {
    return this.document !== undefined && isOpen(this.document);
  }

  get elapsedMs() {
    return this.tookMs ?? performance.now() - this.#startedAt;
  }

  /** How long it is until the next poll, if one is planned. @returns {number | undefined} */
  nextPollInMs() {
    return this.#nextPollAt === undefined || !this.isOpen ? undefined : Math.max(0, this.#nextPollAt - performance.now());
  }

  /**
   * Submits an order, and stays with it until it has ended. Called again after it was refused for
   * want of a token, it goes on where it was.
   *
   * @param {unknown} payload
   * @param {Method} method
   */
  async submit(payload, method) {
    if (this.document) return this.follow(method);
    this.name = nameIn(payload);
    this.isOurs = true;
    this.#startedAt = performance.now();
    const token = this.#token();
    const headers = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) };
    const init = { method: 'POST', headers, body: JSON.stringify(payload) };
    await this.#stay(method, (options) => fetchResult(new URL(this.#collection.path, BASE_URL), init, { ...options, baseUrl: BASE_URL, fetch: this.log.fetch, idempotencyKey: true }));
  }

  /** Stays with an order of the list until it has ended. @param {Method} method */
  async follow(method) {
    const document = /** @type {StatusDocument} */ (this.document);
    await this.#stay(method, async (options) => this.#learnName(await this.#client.wait(document, options)));
  }

  /** Follows it no more. */
  stop() {
    this.#stopper.abort();
  }

  /**
   * @param {Method} method
   * @param {(options: import('./client.js').WaitOptions) => Promise<unknown>} wait
   */
  async #stay(method, wait) {
    this.trouble = undefined;
    try {
      await wait({
        ...METHODS[method],
        timeout: TIMEOUT_MS,
        signal: this.#stopper.signal,
        onStatus: (status, { via, nextPollMs }) => {
          this.isPolledInstead = method !== 'poll' && (via === 'poll' || (via === 'submit' && Boolean(nextPollMs)));
          this.#nextPollAt = nextPollMs ? performance.now() + nextPollMs : undefined;
          this.#learn(status);
        },
      });
      this.#end('completed');
    } catch (error) {
      this.#endOf(error);
    }
  }

  /** Cancels it; `follow` then learns of it as of any other end. */
  async cancel() {
    this.#learn(await this.#client.cancel(/** @type {StatusDocument} */ (this.document)));
  }

  /** Fetches the result, for the log. */
  async fetchResult() {
    try {
      this.#learnName(await this.#client.result(/** @type {StatusDocument} */ (this.document)));
    } catch (error) {
      if (!isOutcome(error)) throw error;
    }
  }

  /** The result holds what was submitted; the status does not. @param {{ id: string, [member: string]: unknown }} completed */
  #learnName(completed) {
    this.name ||= nameIn(completed[this.#collection.name]);
    if (this.name) rememberName(completed.id, this.name);
    this.#onChange(this);
  }

  /** The end that an error means; any other error is thrown. @param {unknown} error */
  #endOf(error) {
    if (error instanceof OrderFailedError) return this.#end('failed', error.failure);
    if (error instanceof OrderCancelledError) return this.#end('cancelled');
    this.#nextPollAt = undefined;
    // Before it was accepted there is nothing to lose sight of.
    if (this.document && !this.#stopper.signal.aborted) {
      this.trouble = String(error instanceof Error ? error.message : error);
      this.#onChange(this);
    }
    throw error;
  }

  /** @param {Status} status @param {import('./client.js').Failure} [error] */
  #end(status, error) {
    const { cancel: _, ...links } = /** @type {StatusDocument} */ (this.document).links;
    const { progress: _progress, nextAttemptAt: _next, ...document } = /** @type {StatusDocument} */ (this.document);
    this.#learn({ ...document, status, links, ...(error && { error }) });
  }

  /** @param {StatusDocument} document */
  #learn(document) {
    const before = this.document;
    this.document = document;
    if (!before && this.name) rememberName(document.id, this.name);
    if (!isOpen(document)) {
      this.#nextPollAt = undefined;
      this.tookMs ??= performance.now() - this.#startedAt;
    }
    if (!before || before.status !== document.status || before.attempt !== document.attempt) {
      this.states.push({ at: this.elapsedMs, status: document.status, text: describe(document) });
    }
    this.#onChange(this);
  }
}

/** @param {StatusDocument} document */
function isOpen({ status }) {
  return status === 'pending' || status === 'processing';
}

/** @param {unknown} error */
function isOutcome(error) {
  return error instanceof OrderFailedError || error instanceof OrderCancelledError;
}

/** @param {StatusDocument} document */
function describe({ status, attempt, error, nextAttemptAt }) {
  if (status === 'processing') return `processing, attempt ${attempt}${error ? `, after: ${error.message}` : ''}`;
  if (status === 'failed') return `failed: ${error?.message ?? 'for a reason that is not told'}`;
  if (status === 'pending' && attempt > 0) return `pending again${nextAttemptAt ? ' until the retry' : ''}: ${error?.message ?? 'its processor ended'}`;
  return status;
}
