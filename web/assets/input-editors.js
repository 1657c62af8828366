// Editors of single values: a text, a number, yes or no, one of several.

import { absent, labelText, newId, notes } from './editor.js';
import { make } from './dom.js';

/** @typedef {import('./editor.js').Editor} Editor */
/** @typedef {import('./editor.js').Fault} Fault */

/** A control between its label and its notes; each kind says how it is read. */
class InputEditor {
  element;
  /** @type {import('./editor.js').Place} */
  #place;

  /**
   * @param {import('./schema.js').Field} field
   * @param {any} control
   * @param {(label: HTMLElement, control: HTMLElement) => HTMLElement[]} [arrange]
   */
  constructor(field, control, arrange = (label, control) => [label, control]) {
    const { hint, fault, describedBy } = notes(field);
    control.id = newId();
    control.setAttribute('aria-describedby', describedBy);
    const label = make('label', { htmlFor: control.id }, labelText(field));
    this.element = make('div', { className: 'field', 'data-kind': field.kind }, ...arrange(label, control), hint, fault);
    this.#place = { control, fault, isGroup: false };
  }

  /** @param {string[]} rest */
  find(rest) {
    return { place: this.#place, rest };
  }
}

/** A line of text. @implements {Editor} */
export class TextEditor extends InputEditor {
  #field;
  #input;

  /** @param {import('./schema.js').TextField} field @param {unknown} value */
  constructor(field, value) {
    const input = make('input', { type: field.type, value: value ?? '', autocomplete: 'off' });
    super(field, input);
    this.#field = field;
    this.#input = input;
  }

  read() {
    const { isOptional, isNullable } = this.#field;
    return this.#input.value === '' && (isOptional || isNullable) ? absent(this.#field) : this.#input.value;
  }
}

/** A number. @implements {Editor} */
export class NumberEditor extends InputEditor {
  #field;
  #input;

  /** @param {import('./schema.js').NumberField} field @param {unknown} value */
  constructor(field, value) {
    const { isWhole, isOptional, isNullable, min, max } = field;
    // Who adds one more of something has at least the least of it.
    const first = isWhole && !isOptional && !isNullable ? min : undefined;
    const input = make('input', {
      type: 'number', min, max, step: isWhole ? 1 : 'any', inputMode: isWhole ? 'numeric' : 'decimal', autocomplete: 'off',
      value: value ?? first ?? '',
    });
    super(field, input);
    this.#field = field;
    this.#input = input;
  }

  /** @param {string} pointer @param {Fault[]} faults */
  read(pointer, faults) {
    if (this.#input.validity.badInput) faults.push({ pointer, detail: 'expected a number' });
    return this.#input.value === '' ? absent(this.#field) : this.#input.valueAsNumber;
  }
}

/** Yes or no. @implements {Editor} */
export class FlagEditor extends InputEditor {
  #box;

  /** @param {import('./schema.js').FlagField} field @param {unknown} value */
  constructor(field, value) {
    const box = make('input', { type: 'checkbox', checked: value === true });
    // What is not ticked is not left out, but refused.
    super({ ...field, isOptional: false }, box, (label, control) => [make('div', { className: 'tick' }, control, label)]);
    this.#box = box;
  }

  read() {
    return this.#box.checked;
  }
}

/** One of several. @implements {Editor} */
export class ChoiceEditor extends InputEditor {
  #field;
  #select;

  /** @param {import('./schema.js').ChoiceField} field @param {unknown} value */
  constructor(field, value) {
    const index = field.options.findIndex((option) => option.value === value);
    const none = field.isOptional || field.isNullable || index < 0 ? [make('option', { value: '' }, '–')] : [];
    const select = make('select', {}, ...none, ...field.options.map(({ label }, index) => make('option', { value: index }, label)));
    select.value = index < 0 ? '' : String(index);
    super(field, select);
    this.#field = field;
    this.#select = select;
  }

  read() {
    return this.#select.value === '' ? absent(this.#field) : this.#field.options[this.#select.value]?.value;
  }
}
