// The little that this page needs beyond the DOM itself.

/**
 * The element with that id, which `index.html` has.
 * @param {string} id
 * @returns {any}
 */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`there is no element \`${id}\``);
  return element;
}

/**
 * Makes an element. Text is set as text, so what a server says is never markup.
 *
 * @param {string} tag
 * @param {Record<string, unknown>} [attributes] a property where the element has one, else an attribute; `undefined` is left out
 * @param {(Node | string | undefined)[]} children
 * @returns {any}
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined) continue;
    if (name in element) Object.assign(element, { [name]: value });
    else element.setAttribute(name, String(value));
  }
  element.append(...children.filter((child) => child !== undefined));
  return element;
}

/** Changes a text only if it differs, so that assistive technology is not told what it knows. @param {Element} element @param {string} text */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Says something to those who do not see the page. @param {string} text */
export function announce(text) {
  setText(byId('announcer'), text);
}

/** A time as people say it: `0.4 s`, `12 s`, `2 min 5 s`. @param {number} ms */
export function duration(ms) {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** The part of an id which differs the most between orders of one minute. @param {string} id */
export function shortId(id) {
  // The last six digits are the same for all orders of one owner.
  return `…${id.slice(-12, -6)}…`;
}
