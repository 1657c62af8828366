// How many answers may be held at once. A browser has six connections to a host that speaks
// HTTP/1.1, for all its tabs together; what waits for a seventh waits for another's end. So those who
// find no slot ask for answers at once, and look for a slot again with each poll.

/** For all tabs: two connections stay free for all else. */
const SLOTS = 4;
/** For each tab where tabs cannot agree: Web Locks are there in secure contexts alone. */
const SLOTS_ALONE = 1;

/** Elsewhere connections are not scarce. */
const isBrowser = () => globalThis.document !== undefined || 'WorkerGlobalScope' in globalThis;

/** How many slots this tab has taken by itself, by origin. @type {Map<string, number>} */
const taken = new Map();

/** @typedef {() => void} Release gives the slot back; again is as good as once */

/**
 * Takes a slot for a request whose answer is to be held.
 *
 * @param {string} url
 * @returns {Promise<Release | undefined>} nothing if all are taken
 */
export async function takeSlot(url) {
  if (!isBrowser()) return () => {};
  const { origin } = new URL(url);
  if (!globalThis.navigator?.locks) return takeAlone(origin);
  for (let slot = 0; slot < SLOTS; slot += 1) {
    const release = await takeLock(`async-orders: answer ${slot} held by ${origin}`);
    if (release) return release;
  }
  return undefined;
}

/**
 * Takes a lock if it is free. It is given back when its tab is closed, too.
 *
 * @param {string} name
 * @returns {Promise<Release | undefined>}
 */
function takeLock(name) {
  return new Promise((resolve, reject) => {
    const held = navigator.locks.request(name, { ifAvailable: true }, (lock) => {
      if (!lock) return resolve(undefined);
      return new Promise((release) => resolve(() => release(undefined)));
    });
    held.catch(reject);
  });
}

/** @param {string} origin @returns {Release | undefined} */
function takeAlone(origin) {
  const count = taken.get(origin) ?? 0;
  if (count >= SLOTS_ALONE) return undefined;
  taken.set(origin, count + 1);
  let isTaken = true;
  return () => {
    if (isTaken) taken.set(origin, (taken.get(origin) ?? 1) - 1);
    isTaken = false;
  };
}
