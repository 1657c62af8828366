// An editor of any JSON, as text.

import { absent, labelText, newId, notes } from './editor.js';
import { make } from './dom.js';

/** The fewest and the most lines that are shown at once. */
const LINES = { min: 3, max: 16 };

/** @typedef {import('./editor.js').Editor} Editor */

/** A text area for it. @implements {Editor} */
export class JsonEditor {
  element;
  #field;
  #area;
  /** @type {import('./editor.js').Place} */
  #place;

  /** @param {import('./schema.js').Field} field @param {unknown} value */
  constructor(field, value) {
    const { hint, fault, describedBy } = notes(field);
    const text = value === undefined ? '' : JSON.stringify(value, null, 2);
    const rows = Math.min(Math.max(text.split('\n').length + 1, LINES.min), LINES.max);
    this.#field = field;
    this.#area = make('textarea', { id: newId(), rows, value: text, autocomplete: 'off', spellcheck: false, 'aria-describedby': describedBy });
    this.#place = { control: this.#area, fault, isGroup: false };
    this.element = make('div', { className: 'field' }, make('label', { htmlFor: this.#area.id }, labelText(field)), this.#area, hint, fault);
  }

  /** @param {string} pointer @param {import('./editor.js').Fault[]} faults */
  read(pointer, faults) {
    const { isOptional, isNullable } = this.#field;
    const text = this.#area.value.trim();
    if (text === '' && (isOptional || isNullable)) return absent(this.#field);
    try {
      return JSON.parse(text);
    } catch (error) {
      faults.push({ pointer, detail: text === '' ? 'expected JSON, found nothing' : `this is not JSON: ${/** @type {Error} */ (error).message}` });
      return undefined;
    }
  }

  /** @param {string[]} rest */
  find(rest) {
    return { place: this.#place, rest };
  }
}
