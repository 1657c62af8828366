// What the orders are called that this tab has seen. A status never holds the order, so that a list
// names nobody; names are kept as long as the tab, and not on the disk for the next user.

const KEY = 'names';
/** The most that are kept; then the oldest go. */
const NAMES_MAX = 300;
/** Members beside those of the user: when it was completed, and how the work was to go. */
const ADDED = ['completedAt', 'simulate'];
const names = new Map(stored());

/** What it is called by itself: the first text in it. @param {unknown} payload @returns {string} */
export function nameIn(payload) {
  if (typeof payload === 'string') return payload.trim();
  if (typeof payload !== 'object' || payload === null) return '';
  for (const [member, value] of Object.entries(payload)) {
    const name = ADDED.includes(member) ? '' : nameIn(value);
    if (name) return name;
  }
  return '';
}

/** @param {string} id @returns {string | undefined} */
export function nameOf(id) {
  return names.get(id);
}

/** @param {string} id @param {string} name */
export function rememberName(id, name) {
  if (names.get(id) === name) return;
  names.set(id, name);
  for (const oldest of names.keys()) {
    if (names.size <= NAMES_MAX) break;
    names.delete(oldest);
  }
  try {
    sessionStorage.setItem(KEY, JSON.stringify([...names]));
  } catch {
    // Storage is forbidden or full: they then last as long as the page.
  }
}

/** @returns {[string, string][]} */
function stored() {
  try {
    const found = JSON.parse(sessionStorage.getItem(KEY) ?? '[]');
    return found.filter((/** @type {unknown} */ entry) => Array.isArray(entry) && entry.length === 2 && entry.every((part) => typeof part === 'string'));
  } catch {
    return [];
  }
}
