// How the work is to go, where the host simulates it: a member beside those of what is submitted.

import { byId } from './dom.js';
import { isObject } from './schema.js';

/** The choice of an outcome and a time. */
export class Simulation {
  #outcome = byId('outcome');
  #seconds = byId('seconds');

  /** Hides it where one more member would be refused. @param {import('./schema.js').Schema} schema */
  constructor(schema) {
    byId('simulation').hidden = isObject(schema) && schema['additionalProperties'] === false;
  }

  /** @param {unknown} payload */
  addTo(payload) {
    const [outcome, seconds] = [this.#outcome.value, this.#seconds.value];
    if (!isObject(payload) || !(outcome || seconds)) return payload;
    const simulate = { ...(seconds && { ms: Math.round(Number(seconds) * 1000) }), ...(outcome && { outcome }) };
    return { ...payload, simulate };
  }
}
