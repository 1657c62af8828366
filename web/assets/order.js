// One order that this page knows: what it knows of it, and how it learns more. No DOM here.

import { OrderCancelledError, OrderFailedError, OrdersClient, fetchResult } from './client.js';
import { nameOf, rememberName } from './names.js';
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
/** Where the service is: this page is its front door, below whatever prefix a proxy gives it. */
export const BASE_URL = new URL('.', document.baseURI).href;

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
  customer = '';
  /** Whether it was submitted here. */
  isOurs = false;
  /** Whether it is polled though another method was chosen, as enough answers are held already. */
  isPolledInstead = false;
  #token;
  #client;
  #startedAt = performance.now();
  /** @type {number | undefined} */
  #nextPollAt;
  #onChange;
  #stopper = new AbortController();

  /**
   * @param {() => string | undefined} token
   * @param {(order: FollowedOrder) => void} onChange is told after each change, but for the log's
   */
  constructor(token, onChange) {
    this.#token = token;
    this.#client = new OrdersClient({ baseUrl: BASE_URL, token, fetch: this.log.fetch });
    this.#onChange = onChange;
  }

  /** Takes an order of the list. @param {StatusDocument} document */
  adopt(document) {
    this.customer = nameOf(document.id) ?? '';
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
   * @param {import('./client.js').Order} order
   * @param {Method} method
   */
  async submit(order, method) {
    if (this.document) return this.follow(method);
    this.customer = order.customer;
    this.isOurs = true;
    this.#startedAt = performance.now();
    const token = this.#token();
    const headers = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) };
    const init = { method: 'POST', headers, body: JSON.stringify(order) };
    await this.#stay(method, (options) => fetchResult(new URL('orders', BASE_URL), init, { ...options, baseUrl: BASE_URL, fetch: this.log.fetch, idempotencyKey: true }));
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

  /** The result holds the order; its status does not. @param {import('./client.js').CompletedOrder} completed */
  #learnName({ id, order }) {
    this.customer = order.customer;
    rememberName(id, order.customer);
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
    if (!before && this.customer) rememberName(document.id, this.customer);
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
