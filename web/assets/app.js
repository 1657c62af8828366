// The page: joins the form, the list of orders, and the history of the one that is open.

import { OrdersClient } from './client.js';
import { Card } from './card.js';
import { announce, byId, duration, setText, shortId } from './dom.js';
import { HistoryPanel } from './exchange.js';
import { OrderForm } from './form.js';
import { FollowedOrder } from './order.js';
import { currentToken, withToken } from './token.js';

/** The most orders that the list shows; a page that stays open for days stays small. */
const CARDS_MAX = 100;
/** How many earlier orders are shown at a time. */
const LIST_LIMIT = 10;
/** How often what changes with time is shown anew. */
const TICK_MS = 200;

/** @type {Map<FollowedOrder, Card>} in the order in which this page learnt of them */
const cards = new Map();
const list = byId('orders');
const more = byId('more');
const history = new HistoryPanel();
const client = new OrdersClient({ baseUrl: location.origin, token: currentToken });
/** @type {string | undefined} */
let nextCursor;

const form = new OrderForm(async (order, method) => {
  const followed = new FollowedOrder(currentToken, changed);
  open(followed);
  await stay(followed, () => followed.submit(order, method));
});

more.addEventListener('click', showEarlier);
setInterval(() => {
  for (const [order, card] of cards) {
    if (order.isOpen) card.tick();
  }
  history.tick();
}, TICK_MS);
showEarlier();

/** Shows an order's history. @param {FollowedOrder} order */
function open(order) {
  history.show(order);
  select(order);
}

/** @param {FollowedOrder} selected */
function select(selected) {
  for (const [order, card] of cards) card.select(order === selected);
}

/** Shows a change of an order; by the first one, it was accepted. @param {FollowedOrder} order */
function changed(order) {
  if (!cards.has(order)) {
    list.prepend(add(order).element);
    if (history.shows(order)) select(order);
    announce(`Order ${nameOf(order)} was accepted`);
  }
  cards.get(order)?.update();
  if (history.shows(order)) history.update();
}

/** @param {FollowedOrder} order */
function add(order) {
  const card = new Card(order, {
    onOpen: () => openAndRead(order),
    onCancel: () => withToken(() => order.cancel()).catch(showTrouble),
  });
  cards.set(order, card);
  byId('no-orders').hidden = true;
  for (const [oldest, { element }] of cards) {
    if (cards.size <= CARDS_MAX) break;
    if (oldest.isOpen) continue;
    element.remove();
    cards.delete(oldest);
  }
  return card;
}

/** @param {FollowedOrder} order */
async function openAndRead(order) {
  open(order);
  history.focus();
  // An order of the list that had ended was never asked after.
  if (!order.isOpen && order.log.exchanges.length === 0) await withToken(() => order.fetchResult()).catch(showTrouble);
}

/**
 * Tells how an order ends that is being waited for.
 *
 * @param {FollowedOrder} order
 * @param {() => Promise<void>} wait
 */
async function stay(order, wait) {
  try {
    await withToken(wait);
    announce(`Order ${nameOf(order)} ${order.document?.status} after ${duration(order.elapsedMs)}`);
  } catch (error) {
    // Of an order that was accepted, its card says what is in the way.
    if (!order.document) form.showError(error);
  }
}

/** @param {FollowedOrder} order */
function nameOf({ document }) {
  return document ? shortId(document.id) : '';
}

/** Shows orders that were submitted before this page was opened. */
async function showEarlier() {
  more.disabled = true;
  try {
    const page = await withToken(() => client.list({ limit: LIST_LIMIT, ...(nextCursor && { cursor: nextCursor }) }));
    nextCursor = page.nextCursor;
    const known = new Set([...cards.keys()].map((order) => order.document?.id));
    for (const document of page.orders.filter(({ id }) => !known.has(id))) {
      const order = new FollowedOrder(currentToken, changed);
      list.append(add(order).element);
      order.adopt(document);
      if (order.isOpen) stay(order, () => order.follow('poll'));
    }
    more.hidden = nextCursor === undefined || cards.size >= CARDS_MAX;
  } catch (error) {
    showTrouble(error);
  } finally {
    more.disabled = false;
  }
}

/** @param {unknown} error */
function showTrouble(error) {
  setText(byId('orders-error'), error instanceof Error ? error.message : String(error));
}
