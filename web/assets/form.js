// The form: what the user submits, as fields or as JSON, and what is wrong with it.

import { InvalidRequestError } from './client.js';
import { byId, setText } from './dom.js';
import { wholeEditor } from './editors.js';
import { FaultMarks } from './faults.js';
import { JsonEditor } from './json-editor.js';
import { fieldOf, fits } from './schema.js';
import { Simulation } from './simulation.js';
import { capitalised, fill } from './words.js';

/** @typedef {import('./editor.js').Fault} Fault */

/** The form that submits. */
export class OrderForm {
  #form = byId('order');
  #error = byId('order-error');
  #place = byId('payload');
  #modes = byId('mode');
  #marks = new FaultMarks();
  #words;
  #field;
  /** @type {import('./editor.js').Editor} */
  #editor;

  /**
   * @param {import('./contract.js').Contract} contract
   * @param {import('./words.js').Words} words
   * @param {(payload: unknown, method: import('./order.js').Method) => Promise<void>} onSubmit
   */
  constructor({ schema, definitions, example, collection }, words, onSubmit) {
    this.#words = words;
    this.#field = fieldOf(schema, definitions, collection.name, example);
    const hasFields = this.#field.kind !== 'json';
    const isForm = hasFields && fits(this.#field, example);
    this.#modes.hidden = !hasFields;
    this.#form.elements.mode.value = isForm ? 'form' : 'json';
    this.#editor = this.#show(isForm, example);
    this.#modes.addEventListener('change', () => this.#turn());
    const simulation = new Simulation(schema);
    this.#form.addEventListener('submit', async (/** @type {Event} */ event) => {
      event.preventDefault();
      const payload = this.#read();
      if (payload === undefined) return;
      const method = new FormData(this.#form).get('method');
      await onSubmit(simulation.addTo(payload), /** @type {import('./order.js').Method} */ (method));
    });
  }

  /** Says why it was not accepted. @param {unknown} error */
  showError(error) {
    const faults = error instanceof InvalidRequestError ? error.faults : [];
    if (faults.length > 0) this.#showFaults(fill('The {one} was not accepted:', this.#words), faults);
    else setText(this.#error, error instanceof Error ? error.message : String(error));
  }

  /** @param {string} text @param {Fault[]} faults */
  #showFaults(text, faults) {
    const elsewhere = this.#marks.show(faults, this.#editor);
    const told = elsewhere.map(({ pointer, detail }) => `${pointer} ${detail}`.trim());
    if (faults.length > elsewhere.length) told.push('see the marked fields.');
    setText(this.#error, `${text} ${told.join('; ')}`);
    this.#marks.focus();
  }

  /** What is there now, or `undefined` if something is no value at all, which is then said. */
  #read() {
    this.#marks.clear();
    setText(this.#error, '');
    /** @type {Fault[]} */
    const faults = [];
    const payload = this.#editor.read('', faults);
    if (faults.length === 0) return payload;
    this.#showFaults(fill('The {one} cannot be read:', this.#words), faults);
    return undefined;
  }

  /** Shows the same as fields or as JSON, if it can be shown so. */
  #turn() {
    const choice = this.#form.elements.mode;
    const isForm = choice.value === 'form';
    const payload = this.#read();
    const isPossible = payload !== undefined && (!isForm || fits(this.#field, payload));
    if (isPossible) {
      this.#editor = this.#show(isForm, payload);
      return;
    }
    choice.value = isForm ? 'json' : 'form';
    if (payload !== undefined) setText(this.#error, 'The form has no fields for what this JSON holds.');
  }

  /** @param {boolean} isForm @param {unknown} payload */
  #show(isForm, payload) {
    /** @type {import('./schema.js').JsonField} */
    const whole = { kind: 'json', label: `${capitalised(this.#words.one)} as JSON`, hint: '', isOptional: false, isNullable: false, fallback: undefined };
    const editor = isForm ? wholeEditor(this.#field, payload) : new JsonEditor(whole, payload);
    this.#place.replaceChildren(editor.element);
    return editor;
  }
}
