// An order in the list: where it stands, at a glance.

import { duration, make, setText, shortId } from './dom.js';

/** @typedef {import('./order.js').FollowedOrder} FollowedOrder */

/** Tells apart orders whose names are not known. */
const WHEN = new Intl.DateTimeFormat('en', { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });

/** One entry of the list of orders. */
export class Card {
  element;
  #order;
  #name = make('span', { className: 'name' });
  #id = make('code', {});
  #badge = make('span', { className: 'badge' });
  #progress = make('progress', { max: 1 });
  #facts = make('p', {});
  #pause = make('p', {});
  #error = make('p', { className: 'fault' });
  #open;
  #cancel;

  /**
   * @param {FollowedOrder} order
   * @param {{ onOpen: () => void, onCancel: () => void }} actions
   */
  constructor(order, { onOpen, onCancel }) {
    this.#order = order;
    this.#open = make('button', { type: 'button', className: 'open', onclick: onOpen }, this.#name, ' ', this.#id);
    this.#cancel = make('button', { type: 'button', className: 'quiet small', onclick: onCancel }, 'Cancel');
    this.element = make('li', { className: 'card' },
      make('div', { className: 'row' }, this.#open, this.#badge),
      this.#progress, this.#error,
      make('div', { className: 'row' }, make('div', { className: 'facts' }, this.#facts, this.#pause), this.#cancel));
    this.update();
  }

  /** @param {boolean} isSelected */
  select(isSelected) {
    this.#open.setAttribute('aria-current', String(isSelected));
  }

  /** Shows the order as it is now. */
  update() {
    const { document: known, name, trouble, isOpen } = this.#order;
    if (!known) return;
    const { id, status, progress, error } = known;
    this.element.dataset.status = status;
    setText(this.#name, name || shortId(id));
    setText(this.#id, name && shortId(id));
    setText(this.#badge, status);
    this.#open.title = id;
    this.#progress.ariaLabel = `Progress of ${shortId(id)}`;
    this.#progress.hidden = status === 'failed' || status === 'cancelled';
    const value = status === 'completed' ? 1 : status === 'processing' ? progress : 0;
    // Without a value it shows that something goes on, and not how much of it is done.
    if (value === undefined) this.#progress.removeAttribute('value');
    else this.#progress.value = value;
    const fault = trouble ?? (status === 'failed' || isOpen ? error?.message : undefined) ?? '';
    setText(this.#error, fault);
    this.#hideCancel(!known.links.cancel);
    this.#cancel.ariaLabel = `Cancel ${shortId(id)}`;
    this.tick();
  }

  /** Focus that was on the button stays with its order. @param {boolean} isHidden */
  #hideCancel(isHidden) {
    const hadFocus = document.activeElement === this.#cancel;
    this.#cancel.hidden = isHidden;
    if (isHidden && hadFocus) this.#open.focus();
  }

  /** Shows what changes with time alone. */
  tick() {
    const order = this.#order;
    if (!order.document) return;
    const { attempt, maxAttempts, status, nextAttemptAt, createdAt } = order.document;
    const pauseMs = order.nextPollInMs();
    const facts = [duration(order.elapsedMs)];
    if (!order.name) facts.unshift(WHEN.format(new Date(createdAt)));
    if (attempt > 0) facts.push(`attempt ${attempt} of ${maxAttempts}`);
    if (status === 'pending' && nextAttemptAt) facts.push(`retry in ${duration(Date.parse(nextAttemptAt) - Date.now())}`);
    setText(this.#facts, facts.join(' · '));
    const why = order.isPolledInstead ? ', as enough other answers are held' : '';
    setText(this.#pause, pauseMs === undefined ? '' : `next poll in ${Math.ceil(pauseMs / 1000)} s${why}`);
  }
}
