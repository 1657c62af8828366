// Shows one order's history: the states it went through, and the HTTP exchange.

import { byId, duration, make, setText, shortId } from './dom.js';
import { isResult, meaning } from './meaning.js';

/** @typedef {import('./recorder.js').Exchange} Exchange */
/** @typedef {import('./order.js').FollowedOrder} FollowedOrder */

/** The reason phrases of the statuses that this service uses; HTTP/2 and later send none. */
const REASONS = /** @type {Record<number, string>} */ ({
  200: 'OK', 202: 'Accepted', 303: 'See Other', 304: 'Not Modified', 400: 'Bad Request', 401: 'Unauthorized',
  404: 'Not Found', 405: 'Method Not Allowed', 409: 'Conflict', 410: 'Gone', 413: 'Content Too Large',
  415: 'Unsupported Media Type', 422: 'Unprocessable Content', 429: 'Too Many Requests',
  500: 'Internal Server Error', 503: 'Service Unavailable',
});

/** The panel that shows one order at a time. */
export class HistoryPanel {
  #collection;
  #heading = byId('exchange-heading');
  #panel = byId('exchange');
  /** @type {FollowedOrder | undefined} */
  #order;
  /** @type {Map<Exchange, any>} */
  #rows = new Map();
  #states = make('ol', { className: 'states' });
  #exchanges = make('ol', { className: 'exchanges' });
  #dropped = make('p', { className: 'hint', hidden: true });
  #pause = make('p', { className: 'pause', hidden: true });

  /** @param {import('./contract.js').Collection} collection */
  constructor(collection) {
    this.#collection = collection;
  }

  /** Whether this order is the one that is shown. @param {FollowedOrder} order */
  shows(order) {
    return this.#order === order;
  }

  /** @param {FollowedOrder} order */
  show(order) {
    if (this.#order) this.#order.log.onChange = () => {};
    this.#order = order;
    this.#rows.clear();
    this.#states.replaceChildren();
    this.#exchanges.replaceChildren();
    this.#panel.replaceChildren(
      make('h3', {}, 'States'), this.#states,
      make('h3', {}, 'HTTP'), this.#exchanges, this.#pause, this.#dropped,
    );
    for (const exchange of order.log.exchanges) this.#showExchange(exchange);
    order.log.onChange = (exchange) => this.#showExchange(exchange);
    this.update();
  }

  /** Moves the reader's place here. */
  focus() {
    this.#heading.focus();
  }

  /** Shows what has changed about the order, apart from its exchanges. */
  update() {
    const order = this.#order;
    if (!order) return;
    setText(this.#heading, order.document ? `History of ${shortId(order.document.id)}` : 'History');
    for (const state of order.states.slice(this.#states.children.length)) {
      this.#states.append(make('li', { 'data-status': state.status },
        make('span', { className: 'when' }, duration(state.at)),
        make('span', {}, state.text),
      ));
    }
    this.#dropped.hidden = order.log.dropped === 0;
    setText(this.#dropped, `${order.log.dropped} earlier polls are not shown`);
    this.tick();
  }

  /** Shows the time until the next poll. */
  tick() {
    const pauseMs = this.#order?.nextPollInMs();
    this.#pause.hidden = pauseMs === undefined;
    if (pauseMs !== undefined) setText(this.#pause, `asks again in ${Math.ceil(pauseMs / 1000)} s, as Retry-After says`);
  }

  /** @param {Exchange} exchange */
  #showExchange(exchange) {
    let row = this.#rows.get(exchange);
    if (!row) {
      row = make('li', {}, makeRow());
      this.#rows.set(exchange, row);
      this.#exchanges.append(row);
      this.#forget();
    }
    fillRow(row.firstElementChild, exchange, this.#collection);
    // The result is what it was all for.
    if (exchange.answeredAt && isResult(exchange, this.#collection)) row.firstElementChild.open ||= !row.dataset.seen;
    if (exchange.body) row.dataset.seen = 'yes';
  }

  /** Takes away the rows of exchanges that the log has dropped. */
  #forget() {
    const kept = new Set(this.#order?.log.exchanges);
    for (const [exchange, row] of this.#rows) {
      if (kept.has(exchange)) continue;
      row.remove();
      this.#rows.delete(exchange);
    }
  }
}

function makeRow() {
  return make('details', {},
    make('summary', {},
      make('span', { className: 'line' },
        make('span', { className: 'when' }), make('span', { className: 'request' }), make('span', { className: 'status' })),
      make('span', { className: 'meaning' })),
    make('pre', { tabIndex: 0, role: 'group', ariaLabel: 'Request' }),
    make('pre', { tabIndex: 0, role: 'group', ariaLabel: 'Answer' }));
}

/** @param {HTMLElement} row @param {Exchange} exchange @param {import('./contract.js').Collection} collection */
function fillRow(row, exchange, collection) {
  const set = (/** @type {string} */ selector, /** @type {string} */ text) => setText(/** @type {Element} */ (row.querySelector(selector)), text);
  set('.when', duration(exchange.at));
  set('.request', `${exchange.method} ${shortPath(exchange.path)}`);
  set('.status', exchange.error ? 'no answer' : exchange.status ? statusLine(exchange.status) : '…');
  set('.meaning', meaning(exchange, collection));
  const status = /** @type {HTMLElement} */ (row.querySelector('.status'));
  status.dataset['class'] = exchange.error ? 'error' : String(exchange.status ?? '').charAt(0);
  set('pre:first-of-type', message(`${exchange.method} ${exchange.path}`, exchange.sent, exchange.sentBody));
  const answer = exchange.status ? message(statusLine(exchange.status), exchange.headers, exchange.body) : exchange.error ?? '';
  set('pre:last-of-type', exchange.isInferred ? `${answer}\n\n(the browser follows this by itself and shows\nscripts nothing of it but where it led)` : answer);
}

/** @param {string} start @param {[string, string][]} headers @param {string} body */
function message(start, headers, body) {
  const lines = [start, ...headers.map(([name, value]) => `${name}: ${value}`)];
  return body ? `${lines.join('\n')}\n\n${body}` : lines.join('\n');
}

/** @param {number} status */
function statusLine(status) {
  return `${status} ${REASONS[status] ?? ''}`.trim();
}

/** With ids cut to their ends. @param {string} path */
function shortPath(path) {
  return path.replace(/[0-9a-f-]{24}([0-9a-f]{6})[0-9a-f]{6}/g, '…$1…');
}
