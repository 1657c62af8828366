// The page: joins the form, the list of orders, and the history of the one that is open.

import { OrdersClient } from './client.js';
import { BASE_URL, fetchContract } from './contract.js';
import { announce, byId, duration, setText, shortId } from './dom.js';
import { HistoryPanel } from './exchange.js';
import { OrderForm } from './form.js';
import { OrderList } from './list.js';
import { FollowedOrder } from './order.js';
import { currentToken, withToken } from './token.js';
import { capitalised, fill, wordsOf } from './words.js';

/** How often what changes with time is shown anew. */
const TICK_MS = 200;

const contract = await fetchContract().catch((error) => {
  setText(byId('trouble'), `The service does not say what it takes: ${error.message}`);
  throw error;
});
const words = wordsOf(contract.collection);
for (const element of document.querySelectorAll('[data-words]')) {
  setText(element, fill(element.getAttribute('data-words') ?? '', words));
}
byId('main').hidden = false;

/** The orders that this page knows, by their ids: those that are shown, and its own until they end. @type {Map<string, FollowedOrder>} */
const known = new Map();
const history = new HistoryPanel(contract.collection);
const client = new OrdersClient({ baseUrl: BASE_URL, collection: contract.collection.path, token: currentToken });

const form = new OrderForm(contract, words, async (payload, method) => {
  const order = newOrder();
  open(order);
  await stay(order, () => order.submit(payload, method));
});

const list = new OrderList({
  fetchPage: (query) => withToken(() => client.list(query)),
  orderOf,
  onOpen: openAndRead,
  onCancel: (order) => withToken(() => order.cancel()).catch(showTrouble),
  onTurned: forget,
}, words);

setInterval(() => {
  list.tick();
  history.tick();
}, TICK_MS);

function newOrder() {
  return new FollowedOrder(contract.collection, currentToken, changed);
}

/** Shows an order's history. @param {FollowedOrder} order */
function open(order) {
  history.show(order);
  list.select(order);
}

/** Shows a change of an order; by the first one, it was accepted. @param {FollowedOrder} order */
function changed(order) {
  if (!order.document) return;
  if (!known.has(order.document.id)) {
    known.set(order.document.id, order);
    list.add(order);
    if (history.shows(order)) list.select(order);
    announce(`${capitalised(words.one)} ${shortId(order.document.id)} was accepted`);
  }
  list.update(order);
  if (history.shows(order)) history.update();
}

/** The order of a page of the list; while it is open, it is followed. @param {import('./client.js').StatusDocument} document */
function orderOf(document) {
  const found = known.get(document.id);
  if (found) return found;
  const order = newOrder();
  known.set(document.id, order);
  order.adopt(document);
  if (order.isOpen) stay(order, () => order.follow('poll'));
  return order;
}

/** Leaves the orders alone that nobody sees any more. */
function forget() {
  for (const [id, order] of known) {
    if (list.has(order) || history.shows(order) || (order.isOurs && order.isOpen)) continue;
    order.stop();
    known.delete(id);
  }
  for (const order of known.values()) {
    if (history.shows(order)) list.select(order);
  }
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
    announce(`${capitalised(words.one)} ${shortId(order.document?.id ?? '')} ${order.document?.status} after ${duration(order.elapsedMs)}`);
  } catch (error) {
    // Of an order that was accepted, its card says what is in the way.
    if (!order.document) form.showError(error);
  }
}

/** @param {unknown} error */
function showTrouble(error) {
  setText(byId('orders-error'), error instanceof Error ? error.message : String(error));
}
