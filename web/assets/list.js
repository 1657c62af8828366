// The list of orders: one page of them at a time, newest first, of all or of one status.

import { Card } from './card.js';
import { announce, byId, setText } from './dom.js';

/** @typedef {import('./order.js').FollowedOrder} FollowedOrder */
/** @typedef {import('./client.js').OrderPage} OrderPage */
/** @typedef {import('./client.js').Status} Status */

/** How many orders a page has. */
const PAGE_ORDERS = 10;
/** The most that the newest page grows to by submissions; then it is fetched anew. */
const CARDS_MAX = 30;
/** One page of the service looks at so many orders at most, and may find none of a status among them. */
const EMPTY_PAGES_MAX = 10;

/**
 * @typedef {object} Source where the orders come from, and what is done with them
 * @property {(query: { status?: Status, limit: number, cursor?: string }) => Promise<OrderPage>} fetchPage
 * @property {(document: import('./client.js').StatusDocument) => FollowedOrder} orderOf
 * @property {(order: FollowedOrder) => void} onOpen
 * @property {(order: FollowedOrder) => void} onCancel
 * @property {() => void} onTurned there are other orders in the list now
 */

/** The orders that are shown. */
export class OrderList {
  #source;
  #words;
  /** @type {Map<FollowedOrder, Card>} */
  #cards = new Map();
  /** Where each page begins from the newest to the one that is shown. @type {(string | undefined)[]} */
  #cursors = [undefined];
  /** @type {string | undefined} */
  #nextCursor;
  /** Counts what was asked for, as only the latest is shown. */
  #turns = 0;
  #heading = byId('orders-heading');
  #list = byId('orders');
  #filter = byId('filter');
  #newer = byId('newer');
  #older = byId('older');

  /** @param {Source} source @param {import('./words.js').Words} words */
  constructor(source, words) {
    this.#source = source;
    this.#words = words;
    this.#filter.addEventListener('change', () => this.#turnTo([undefined]));
    this.#newer.addEventListener('click', () => this.#turnTo(this.#cursors.slice(0, -1)));
    this.#older.addEventListener('click', () => this.#turnTo([...this.#cursors, this.#nextCursor]));
    this.#turnTo([undefined]);
  }

  /** @param {FollowedOrder} order */
  has(order) {
    return this.#cards.has(order);
  }

  /** @param {FollowedOrder} order */
  update(order) {
    this.#cards.get(order)?.update();
  }

  /** Shows what changes with time alone. */
  tick() {
    for (const [order, card] of this.#cards) {
      if (order.isOpen) card.tick();
    }
  }

  /** @param {FollowedOrder} selected */
  select(selected) {
    for (const [order, card] of this.#cards) card.select(order === selected);
  }

  /** Shows an order that was just accepted; where it has no place, the newest orders of all come back. @param {FollowedOrder} order */
  add(order) {
    const isNewest = this.#filter.value === '' && this.#cursors.length === 1;
    this.#list.prepend(this.#cardOf(order).element);
    byId('no-orders').hidden = true;
    if (isNewest && this.#cards.size <= CARDS_MAX) return;
    this.#filter.value = '';
    this.#turnTo([undefined]);
  }

  /** @param {FollowedOrder} order */
  #cardOf(order) {
    let card = this.#cards.get(order);
    if (!card) {
      card = new Card(order, { onOpen: () => this.#source.onOpen(order), onCancel: () => this.#source.onCancel(order) });
      this.#cards.set(order, card);
    }
    return card;
  }

  /** @param {(string | undefined)[]} cursors */
  async #turnTo(cursors) {
    const turn = ++this.#turns;
    this.#list.ariaBusy = 'true';
    try {
      const page = await this.#fetch(cursors.at(-1));
      if (turn !== this.#turns) return;
      this.#cursors = cursors;
      this.#nextCursor = page.nextCursor;
      this.#show(page.orders.map(this.#source.orderOf));
      setText(byId('orders-error'), '');
    } catch (error) {
      if (turn === this.#turns) setText(byId('orders-error'), error instanceof Error ? error.message : String(error));
    } finally {
      if (turn === this.#turns) this.#list.ariaBusy = 'false';
    }
  }

  /** @param {string | undefined} cursor @returns {Promise<OrderPage>} */
  async #fetch(cursor) {
    const status = this.#filter.value;
    for (let empty = 0; ; empty += 1) {
      const page = await this.#source.fetchPage({ limit: PAGE_ORDERS, ...(status && { status }), ...(cursor && { cursor }) });
      if (page.orders.length > 0 || page.nextCursor === undefined || empty >= EMPTY_PAGES_MAX) return page;
      cursor = page.nextCursor;
    }
  }

  /** @param {FollowedOrder[]} orders */
  #show(orders) {
    const focused = document.activeElement;
    const hadFocus = [this.#list, this.#newer, this.#older].some((element) => element.contains(focused));
    const shown = [...this.#newerThan(orders[0]), ...orders];
    const cards = new Map(shown.map((order) => [order, this.#cardOf(order)]));
    this.#cards = cards;
    this.#list.replaceChildren(...[...cards.values()].map(({ element }) => element));
    this.#source.onTurned();
    this.#tellPlace(shown.length);
    if (!hadFocus) return;
    // Who reads by keyboard stays, or begins at the top of what is new.
    const stays = focused instanceof HTMLElement && focused.isConnected && !focused.matches(':disabled');
    /** @type {HTMLElement} */ (stays ? focused : this.#heading).focus();
  }

  /** Orders of the newest page that were accepted while it was fetched. @param {FollowedOrder} [first] @returns {FollowedOrder[]} */
  #newerThan(first) {
    if (this.#cursors.length > 1 || this.#filter.value !== '') return [];
    // Ids are UUIDs of version 7, which begin with the time.
    return [...this.#cards.keys()].reverse().filter(({ isOurs, document }) => isOurs && document && document.id > (first?.document?.id ?? ''));
  }

  /** @param {number} count */
  #tellPlace(count) {
    const status = this.#filter.value;
    const number = this.#cursors.length;
    const isLast = this.#nextCursor === undefined;
    this.#newer.disabled = number === 1;
    this.#older.disabled = isLast;
    byId('pager').hidden = number === 1 && isLast && count === 0;
    const place = number === 1 && isLast ? `${count === 1 ? 'This is the only one' : 'These are all'}` : `Page ${number}${isLast ? ', the last' : ''}`;
    setText(byId('place'), place);
    const none = byId('no-orders');
    none.hidden = count > 0;
    if (count === 0) setText(none, this.#emptyText(status, number, isLast));
    if (number > 1) announce(place);
  }

  /** @param {string} status @param {number} number @param {boolean} isLast */
  #emptyText(status, number, isLast) {
    const { one, some } = this.#words;
    if (!isLast) return `None of the latest ${some} is ${status}.`;
    if (status) return `No ${one} is ${status}.`;
    return number > 1 ? `There are no earlier ${some}.` : 'None yet. Submit one, or several.';
  }
}
