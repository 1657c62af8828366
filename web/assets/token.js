// The token, if the service demands one: asked for when it is first refused, kept for this tab.

import { UnauthorizedError } from './client.js';
import { byId } from './dom.js';

const KEY = 'token';
/** @type {string | undefined} */
let token = stored();
/** One question at a time, however many requests were refused. @type {Promise<boolean> | undefined} */
let question;

/** The token to send, if there is one. */
export function currentToken() {
  return token;
}

/**
 * Does something that may need a token, and asks for one as long as it is refused and the user gives one.
 *
 * @template T
 * @param {() => Promise<T>} action
 * @returns {Promise<T>}
 */
export async function withToken(action) {
  for (;;) {
    const used = token;
    try {
      return await action();
    } catch (error) {
      if (!(error instanceof UnauthorizedError)) throw error;
      // Another request may have got a new one meanwhile.
      if (token === used && !(await (question ??= ask()))) throw error;
    }
  }
}

/** @returns {Promise<boolean>} whether the user gave one */
function ask() {
  const dialog = byId('token');
  const field = byId('token-value');
  field.value = '';
  byId('token-cancel').onclick = () => dialog.close('');
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => {
      question = undefined;
      const isGiven = dialog.returnValue === 'use' && field.value.trim() !== '';
      if (isGiven) keep(field.value.trim());
      dialog.returnValue = '';
      resolve(isGiven);
    }, { once: true });
    dialog.showModal();
  });
}

/** @param {string} value */
function keep(value) {
  token = value;
  try {
    sessionStorage.setItem(KEY, value);
  } catch {
    // Storage is forbidden: it then lasts as long as the page.
  }
}

/** @returns {string | undefined} */
function stored() {
  try {
    return sessionStorage.getItem(KEY) ?? undefined;
  } catch {
    return undefined;
  }
}
