// The requests of the orders service, for those who want more of it than one result.

import { BaseUrl } from './base-url.js';
import { errorOf } from './errors.js';
import { randomKey, waitFor } from './fetch-result.js';
import { Session } from './session.js';

/** @typedef {import('./types.d.ts').Order} Order */
/** @typedef {import('./types.d.ts').StatusDocument} StatusDocument */
/** @typedef {import('./types.d.ts').Status} Status */
/** @typedef {import('./fetch-result.js').WaitOptions} WaitOptions */

/**
 * What an order became: the document of `CompletedOrder` for orders and results of other types.
 *
 * @template Input
 * @template Result
 * @typedef {{ [Member in keyof CompletedOrder]: Member extends 'id' | 'status' ? CompletedOrder[Member] :
 *   Member extends 'result' ? Result : Input & { completedAt: import('./types.d.ts').Timestamp } }} Completed
 */
/** @typedef {import('./types.d.ts').CompletedOrder} CompletedOrder */

/**
 * A page of the list.
 *
 * @typedef {object} OrderPage
 * @property {StatusDocument[]} orders whatever the service calls them
 * @property {string | undefined} [nextCursor] where the next page begins; absent on the last
 */

/**
 * @typedef {object} RequestOptions
 * @property {AbortSignal | null | undefined} [signal]
 * @property {number | undefined} [timeout] in milliseconds; default 60,000
 */

const TIMEOUT_MS = 60_000;

/**
 * A service at one place, for one user. Every method rejects with the errors of `fetchResult`.
 *
 * @template [Input=Order] what is submitted
 * @template [Result=unknown] what the work gives
 */
export class OrdersClient {
  #base;
  #collection;
  #token;
  #fetch;

  /**
   * @param {object} options
   * @param {string | URL} options.baseUrl where the service is, such as `https://example.org/`; a path is kept
   * @param {string | undefined} [options.collection] the path of the collection, if orders are called otherwise there
   * @param {string | (() => string | undefined) | undefined} [options.token] the bearer token, or what knows it
   * @param {typeof globalThis.fetch | undefined} [options.fetch] used instead of the global `fetch`
   */
  constructor({ baseUrl, collection = 'orders', token, fetch }) {
    this.#base = new BaseUrl(baseUrl);
    this.#collection = collection;
    this.#token = token;
    this.#fetch = fetch;
  }

  /**
   * Submits an order, and does not wait for its result. Repeated with one idempotency key until it
   * is answered, so that one call makes one order.
   *
   * @param {Input} order
   * @param {RequestOptions & { idempotencyKey?: string }} [options]
   * @returns {Promise<StatusDocument>}
   */
  async submit(order, { idempotencyKey = randomKey(), ...options } = {}) {
    const headers = { 'content-type': 'application/json', 'idempotency-key': `"${idempotencyKey}"` };
    return this.#json(this.#collection, { method: 'POST', headers, body: JSON.stringify(order) }, options);
  }

  /**
   * Waits for the result of an order.
   *
   * @param {StatusDocument} order as `submit` or `list` gave it
   * @param {WaitOptions} [options]
   * @returns {Promise<Completed<Input, Result>>}
   */
  async wait(order, options = {}) {
    const url = this.#base.resolve(order.links.status);
    const baseUrl = this.#base.resolve('.');
    const response = await waitFor(url, { headers: this.#headers(url) }, { fetch: this.#fetch, baseUrl, ...options });
    return response.json();
  }

  /**
   * The result of an order that has ended.
   *
   * @param {StatusDocument} order
   * @param {RequestOptions} [options]
   * @returns {Promise<Completed<Input, Result>>}
   */
  async result(order, options) {
    return this.#json(order.links.result, {}, options);
  }

  /**
   * Cancels an order; rejects with a `ConflictError` if it has ended.
   *
   * @param {StatusDocument} order
   * @param {RequestOptions} [options]
   * @returns {Promise<StatusDocument>}
   */
  async cancel(order, options) {
    return this.#json(order.links.cancel ?? order.links.status, { method: 'DELETE' }, options);
  }

  /**
   * A page of the orders, newest first.
   *
   * @param {RequestOptions & { status?: Status, limit?: number, cursor?: string }} [options]
   * @returns {Promise<OrderPage>}
   */
  async list({ status, limit, cursor, ...options } = {}) {
    const url = this.#base.resolve(this.#collection);
    for (const [name, value] of Object.entries({ status, limit, cursor })) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    const { [this.#collection]: orders, ...page } = await this.#json(url.href, {}, options);
    return { orders, ...page };
  }

  /**
   * @param {string} reference
   * @param {RequestInit} init
   * @param {RequestOptions} [options]
   */
  async #json(reference, init, { signal, timeout = TIMEOUT_MS } = {}) {
    const url = this.#base.resolve(reference);
    const session = new Session({ signal, timeout, fetch: this.#fetch, base: this.#base });
    try {
      // Past the cache: see `StatusResource`.
      const request = new Request(url, { cache: 'no-store', ...init, headers: this.#headers(url, init.headers) });
      // Each of these requests may be repeated: all but the submission by their method, that by its key.
      const { response } = await session.send(() => request.clone());
      if (!response.ok) throw await errorOf(response);
      return await response.json();
    } finally {
      session.end();
    }
  }

  /** @param {URL} url @param {HeadersInit} [init] */
  #headers(url, init) {
    const headers = new Headers(init);
    const token = typeof this.#token === 'function' ? this.#token() : this.#token;
    // A link may lead elsewhere; the token is for the service alone.
    if (token && url.origin === this.#base.origin) headers.set('authorization', `Bearer ${token}`);
    return headers;
  }
}
