// The form: an order as the user fills it in, and the service's faults beside what they are about.

import { InvalidRequestError } from './client.js';
import { byId, make, setText } from './dom.js';

/** What is submitted if the user changes nothing. */
const FIRST_ITEM = { name: 'tea', quantity: 2 };
const NEXT_ITEM = { name: '', quantity: 1 };
/** The service takes 1,000; more than these are not entered by hand. */
const ITEMS_MAX = 20;

/** The form that submits an order. */
export class OrderForm {
  #form = byId('order');
  #items = byId('items');
  #add = byId('add-item');
  #error = byId('order-error');
  #nextId = 0;

  /** @param {(order: import('./client.js').Order, method: import('./order.js').Method) => Promise<void>} onSubmit */
  constructor(onSubmit) {
    this.#addItem(FIRST_ITEM);
    this.#add.addEventListener('click', () => this.#addItem(NEXT_ITEM).focus());
    this.#form.addEventListener('submit', async (/** @type {Event} */ event) => {
      event.preventDefault();
      this.#clearFaults();
      const data = new FormData(this.#form);
      await onSubmit(this.#order(data), /** @type {import('./order.js').Method} */ (data.get('method')));
    });
  }

  /** Says why an order was not accepted. @param {unknown} error */
  showError(error) {
    const faults = error instanceof InvalidRequestError ? error.faults : [];
    const elsewhere = faults.filter(({ pointer, detail }) => !this.#showFault(pointer, detail));
    const text = error instanceof Error ? error.message : String(error);
    setText(this.#error, [faults.length > 0 ? 'The order was not accepted:' : text, ...elsewhere.map(({ pointer, detail }) => `${pointer} ${detail}`)].join(' ')
      + (faults.length > elsewhere.length ? ' see the marked fields.' : ''));
    this.#form.querySelector('[aria-invalid]')?.focus();
  }

  /** @param {FormData} data */
  #order(data) {
    const items = [...this.#items.children].map((row) => {
      const [name, quantity] = row.querySelectorAll('input');
      return { name: name.value, quantity: Number(quantity.value) };
    });
    const outcome = String(data.get('outcome'));
    const seconds = String(data.get('seconds'));
    const simulate = { ...(seconds && { ms: Math.round(Number(seconds) * 1000) }), ...(outcome && { outcome }) };
    return { customer: String(data.get('customer')), items, ...((seconds || outcome) && { simulate }) };
  }

  /** @param {{ name: string, quantity: number }} item @returns {HTMLInputElement} the first field */
  #addItem({ name, quantity }) {
    const id = `item-${this.#nextId++}`;
    const field = (/** @type {string} */ label, /** @type {object} */ attributes, /** @type {string} */ part) => make('div', { className: 'field' },
      make('label', { htmlFor: `${id}-${part}` }, label),
      make('input', { id: `${id}-${part}`, autocomplete: 'off', ...attributes }),
      make('p', { id: `${id}-${part}-fault`, className: 'fault' }));
    const row = make('li', {},
      field('Name', { value: name }, 'name'),
      field('Quantity', { value: quantity, type: 'number', min: 1, max: 1_000_000, inputMode: 'numeric' }, 'quantity'),
      make('button', { type: 'button', className: 'quiet', ariaLabel: 'Remove this item', onclick: () => this.#remove(row) }, '×'));
    this.#items.append(row);
    this.#renumber();
    return row.querySelector('input');
  }

  /** @param {HTMLElement} row */
  #remove(row) {
    row.remove();
    this.#renumber();
    this.#add.focus();
  }

  /** Keeps each field's JSON Pointer true, by which the service names it. */
  #renumber() {
    for (const [index, row] of [...this.#items.children].entries()) {
      const [name, quantity] = row.querySelectorAll('input');
      name.dataset.pointer = `/items/${index}/name`;
      quantity.dataset.pointer = `/items/${index}/quantity`;
    }
    this.#add.disabled = this.#items.children.length >= ITEMS_MAX;
  }

  /** @param {string} pointer @param {string} detail */
  #showFault(pointer, detail) {
    const field = this.#form.querySelector(`[data-pointer="${CSS.escape(pointer)}"]`);
    if (!field) return false;
    const fault = byId(`${field.id}-fault`);
    field.setAttribute('aria-invalid', 'true');
    field.setAttribute('aria-describedby', fault.id);
    setText(fault, detail);
    return true;
  }

  #clearFaults() {
    setText(this.#error, '');
    for (const field of this.#form.querySelectorAll('[aria-invalid]')) {
      field.removeAttribute('aria-invalid');
      field.removeAttribute('aria-describedby');
      setText(byId(`${field.id}-fault`), '');
    }
  }
}
