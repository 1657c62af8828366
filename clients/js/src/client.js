// What this package offers.

export { fetchAndWait } from './fetch-and-wait.js';
export { fetchResult, waitFor } from './fetch-result.js';
export { OrdersClient } from './orders-client.js';
export {
  AsyncOrdersError,
  ConflictError,
  InvalidRequestError,
  NetworkError,
  NotFoundError,
  OrderCancelledError,
  OrderFailedError,
  ProtocolError,
  ResponseError,
  UnauthorizedError,
  UnavailableError,
  WaitTimeoutError,
} from './errors.js';

/**
 * @template Input
 * @template Result
 * @typedef {import('./orders-client.js').Completed<Input, Result>} Completed
 */
/**
 * @typedef {import('./fetch-and-wait.js').OnStatusPoll} OnStatusPoll
 * @typedef {import('./fetch-and-wait.js').StatusPoll} StatusPoll
 * @typedef {import('./fetch-result.js').FetchResultOptions} FetchResultOptions
 * @typedef {import('./fetch-result.js').WaitOptions} WaitOptions
 * @typedef {import('./wait.js').Poll} Poll
 * @typedef {import('./types.d.ts').Order} Order
 * @typedef {import('./types.d.ts').Status} Status
 * @typedef {import('./types.d.ts').StatusDocument} StatusDocument
 * @typedef {import('./types.d.ts').CompletedOrder} CompletedOrder
 * @typedef {import('./types.d.ts').FailedOrder} FailedOrder
 * @typedef {import('./types.d.ts').CancelledOrder} CancelledOrder
 * @typedef {import('./orders-client.js').OrderPage} OrderPage
 * @typedef {import('./errors.js').Problem} Problem
 * @typedef {import('./types.d.ts').Failure} Failure
 */
