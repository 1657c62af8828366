// Writes down what is said over HTTP: a `fetch` that keeps an account of each request, for one
// order. It only looks on; what it cannot see, it infers, and says so.

/**
 * @typedef {object} Exchange one request and its answer
 * @property {string} method
 * @property {string} path
 * @property {[string, string][]} sent headers
 * @property {string} sentBody
 * @property {number} at when it was sent, in milliseconds since the log began
 * @property {number} [answeredAt]
 * @property {number} [status]
 * @property {boolean} isInferred the browser followed this redirect by itself, and showed nothing of it
 * @property {[string, string][]} headers
 * @property {string} body grows while a stream goes on
 * @property {string} [error] why there was no answer
 */

/** The most exchanges that one log keeps; then the oldest polls are dropped. */
const EXCHANGES_MAX = 60;
/** The most characters that are kept of a body. */
const BODY_CHARS_MAX = 6000;
/** The headers that the pattern is about, in the order in which they are told. */
const TOLD = ['location', 'operation-location', 'retry-after', 'preference-applied', 'etag', 'allow', 'www-authenticate', 'content-type', 'cache-control'];

/** What was said about one order. */
export class Log {
  /** @type {Exchange[]} */
  exchanges = [];
  /** How many were dropped. */
  dropped = 0;
  /** @type {(exchange: Exchange) => void} is told each exchange that is new or has changed */
  onChange = () => {};
  #start = performance.now();

  /** A `fetch` that writes to this log. @type {typeof globalThis.fetch} */
  fetch = async (input, init) => {
    const request = new Request(input, init);
    const exchange = this.#add(request.method, request.url, tellRequest(request.headers));
    if (request.method === 'POST') exchange.sentBody = pretty(await request.clone().text());
    try {
      const response = await fetch(request);
      const final = response.redirected ? this.#followed(exchange, response) : exchange;
      this.#answered(final, response.status, tellResponse(response.headers));
      this.#readBody(final, response.clone());
      return response;
    } catch (error) {
      exchange.error = request.signal.aborted ? 'stopped by this page' : String(error);
      this.onChange(exchange);
      throw error;
    }
  };

  /**
   * @param {string} method
   * @param {string} url
   * @param {[string, string][]} sent
   */
  #add(method, url, sent) {
    const { pathname, search } = new URL(url);
    /** @type {Exchange} */
    const exchange = { method, path: pathname + search, sent, sentBody: '', at: this.#now(), isInferred: false, headers: [], body: '' };
    this.exchanges.push(exchange);
    if (this.exchanges.length > EXCHANGES_MAX) {
      // The submission stays.
      this.exchanges.splice(1, 1);
      this.dropped += 1;
    }
    this.onChange(exchange);
    return exchange;
  }

  /**
   * The request that the browser made on its own, after a redirect that it does not show.
   *
   * @param {Exchange} exchange
   * @param {Response} response
   */
  #followed(exchange, response) {
    const { pathname, search } = new URL(response.url);
    exchange.isInferred = true;
    this.#answered(exchange, 303, [['location', pathname + search]]);
    const followed = this.#add('GET', response.url, exchange.sent);
    followed.at = exchange.at;
    return followed;
  }

  /**
   * @param {Exchange} exchange
   * @param {number} status
   * @param {[string, string][]} headers
   */
  #answered(exchange, status, headers) {
    Object.assign(exchange, { status, headers, answeredAt: this.#now() });
    this.onChange(exchange);
  }

  /**
   * Reads along, chunk by chunk: a stream's body takes as long as the order.
   *
   * @param {Exchange} exchange
   * @param {Response} copy
   */
  async #readBody(exchange, copy) {
    const decoder = new TextDecoder();
    const reader = copy.body?.getReader();
    let text = '';
    try {
      for (;;) {
        const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
        if (done) break;
        text = (text + decoder.decode(value, { stream: true })).slice(-BODY_CHARS_MAX);
        exchange.body = pretty(text);
        this.onChange(exchange);
      }
    } catch {
      // It broke off, or was stopped: what was read is shown.
    }
  }

  #now() {
    return performance.now() - this.#start;
  }
}

/** @param {Headers} headers @returns {[string, string][]} */
function tellRequest(headers) {
  // A token is for the service's eyes, and this page may be shown to others.
  return [...headers].map(([name, value]) => [name, name === 'authorization' ? 'Bearer ••••••' : value]);
}

/** @param {Headers} headers @returns {[string, string][]} */
function tellResponse(headers) {
  return TOLD.flatMap((name) => {
    const value = headers.get(name);
    /** @type {[string, string][]} */
    const told = value === null ? [] : [[name, value]];
    return told;
  });
}

/** JSON with line breaks; anything else as it is. @param {string} text */
function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2).slice(0, BODY_CHARS_MAX);
  } catch {
    return text;
  }
}
