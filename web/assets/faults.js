// The faults of what was submitted, each beside what it is about.

import { segmentsOf } from './editor.js';
import { setText } from './dom.js';

/** @typedef {import('./editor.js').Fault} Fault */
/** @typedef {import('./editor.js').Place} Place */

/** The places that are marked. */
export class FaultMarks {
  /** @type {Place[]} */
  #places = [];

  /**
   * Marks the place of each fault.
   *
   * @param {Fault[]} faults
   * @param {import('./editor.js').Editor} editor
   * @returns {Fault[]} those that are about the whole, or about nothing that can be seen
   */
  show(faults, editor) {
    return faults.filter(({ pointer, detail }) => {
      const segments = segmentsOf(pointer);
      const { place, rest } = editor.find(segments);
      if (place.isGroup && rest.length === segments.length) return true;
      this.#mark(place, rest.length > 0 ? `${pointer} ${detail}` : detail);
      return false;
    });
  }

  /** Moves the focus to the first of them, if there is one. */
  focus() {
    const [first] = [...this.#places].sort((a, b) => (a.fault.compareDocumentPosition(b.fault) & Node.DOCUMENT_POSITION_PRECEDING ? 1 : -1));
    first?.control.focus();
  }

  clear() {
    for (const { control, fault } of this.#places.splice(0)) {
      control.removeAttribute('aria-invalid');
      setText(fault, '');
    }
  }

  /** @param {Place} place @param {string} text */
  #mark(place, text) {
    const { control, fault, isGroup } = place;
    if (!isGroup) control.setAttribute('aria-invalid', 'true');
    setText(fault, fault.textContent ? `${fault.textContent}\n${text}` : text);
    this.#places.push(place);
  }
}
