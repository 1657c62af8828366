// Made from the OpenAPI document by `npm run types`. Do not edit.

export type paths = Record<string, never>;
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /**
         * Format: uuid
         * @description A UUID of version 7
         */
        OrderId: string;
        /** @description A place in the list of orders. Opaque: its form may change */
        Cursor: string;
        /**
         * Format: date-time
         * @description RFC 3339, in UTC, with milliseconds
         */
        Timestamp: string;
        /**
         * @description `completed`, `failed` and `cancelled` are for good
         * @enum {string}
         */
        Status: "pending" | "processing" | "completed" | "failed" | "cancelled";
        /**
         * Order
         * @description What a client orders. Members that are not named here are kept, and not looked at.
         */
        Order: {
            /** @description Who orders. */
            customer: string;
            /** @description What is ordered. */
            items: {
                /** @description What it is called. */
                name: string;
                /**
                 * Format: uint32
                 * @description How many.
                 */
                quantity: number;
            }[];
        };
        /** @description Where an order stands. It never holds the order */
        StatusDocument: {
            id: components["schemas"]["OrderId"];
            status: components["schemas"]["Status"];
            /** @description The number of the latest attempt; 0 before the first */
            attempt: number;
            /** @description How many there may be */
            maxAttempts: number;
            /** @description When the order was accepted */
            createdAt: components["schemas"]["Timestamp"];
            /** @description When its record was last written */
            updatedAt: components["schemas"]["Timestamp"];
            /** @description While the order is pending for a retry: not before this time */
            nextAttemptAt?: components["schemas"]["Timestamp"];
            /** @description How much of the work is done, if the work says so */
            progress?: number;
            /** @description Of the latest attempt that ended, if it failed */
            error?: components["schemas"]["Failure"];
            notification?: components["schemas"]["Notification"];
            links: {
                status: components["schemas"]["Path"];
                result: components["schemas"]["Path"];
                /** @description While the order is open: what to `DELETE` */
                cancel?: components["schemas"]["Path"];
            };
        };
        /** @description How telling of the order's end stands, if somebody is to be told */
        Notification: {
            /** @description How often it was tried */
            deliveries: number;
            /** @description What the receiver answered the last time, if it did */
            lastStatus?: number;
            /** @description While something is to be told: not before this time */
            nextDeliveryAt?: components["schemas"]["Timestamp"];
            /**
             * @description Once nothing more is to be told. `delivered`: the receiver has it. `gone`: the receiver wants to hear nothing more. `givenUp`: a day was over before it had it
             * @enum {string}
             */
            outcome?: "delivered" | "gone" | "givenUp";
            /** @description When that was */
            settledAt?: components["schemas"]["Timestamp"];
        };
        /** @description That an order has ended, and where its result is */
        EndedDocument: {
            id: components["schemas"]["OrderId"];
            /** @enum {string} */
            status: "completed" | "failed" | "cancelled";
            notification?: components["schemas"]["Notification"];
            links: {
                result: components["schemas"]["Path"];
            };
        };
        OrderPage: {
            orders: components["schemas"]["StatusDocument"][];
            /** @description Where the next page begins; absent on the last */
            nextCursor?: components["schemas"]["Cursor"];
        };
        CompletedOrder: {
            id: components["schemas"]["OrderId"];
            /** @constant */
            status: "completed";
            /** @description The order as it was sent, with `completedAt` */
            order: components["schemas"]["Order"] & ({
                completedAt: components["schemas"]["Timestamp"];
            } & {
                [key: string]: unknown;
            });
            /** @description What the work gave, if it gave something: any JSON */
            result?: unknown;
        };
        FailedOrder: {
            id: components["schemas"]["OrderId"];
            /** @constant */
            status: "failed";
            error: components["schemas"]["Failure"];
            /** @description What the part of the work that was done gave, if some of it was: any JSON */
            result?: unknown;
        };
        CancelledOrder: {
            id: components["schemas"]["OrderId"];
            /** @constant */
            status: "cancelled";
            cancelledAt: components["schemas"]["Timestamp"];
        };
        Failure: {
            /**
             * @description `permanent`: another attempt is of no use. `partial`: some of the work was done, and another attempt at the rest is of no use. `retryable`: another attempt may help. `leaseExpired`: the attempt was never finished, because its processor died or lost its store
             * @enum {string}
             */
            code: "permanent" | "partial" | "retryable" | "leaseExpired";
            /** @description For people */
            message: string;
            /** @description For programs, if the work tells more: any JSON */
            details?: unknown;
        };
        Health: {
            /**
             * @description `alive` if the host answers while the service is too busy to
             * @enum {string}
             */
            status: "ok" | "alive";
            /**
             * @description There if the service is too busy to answer
             * @constant
             */
            guest?: "busy";
        };
        /**
         * Format: uri-reference
         * @description Relative to the service
         */
        Path: string;
        /** @description An error (RFC 9457) */
        Problem: {
            /**
             * Format: uri-reference
             * @description The kind of problem, and the path of its page
             */
            type: string;
            /** @description The kind of problem, for people */
            title: string;
            /** @description The status code of the answer */
            status: number;
            /** @description This problem, for people */
            detail: string;
            /** @description With `invalid-order`: every fault */
            errors?: components["schemas"]["Fault"][];
            /** @description With `misconfigured`: every variable that is not what it must be */
            faults?: {
                /** @description Its name */
                variable: string;
                /** @description What it must be */
                detail: string;
            }[];
            /** @description With `result-not-ready`: where the order's status is */
            links?: {
                status: components["schemas"]["Path"];
            };
        };
        Fault: {
            /**
             * Format: json-pointer
             * @description Where in the order (RFC 6901)
             */
            pointer: string;
            /** @description What was expected there, and what was found */
            detail: string;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type OrderId = components['schemas']['OrderId'];
export type Cursor = components['schemas']['Cursor'];
export type Timestamp = components['schemas']['Timestamp'];
export type Status = components['schemas']['Status'];
export type Order = components['schemas']['Order'];
export type StatusDocument = components['schemas']['StatusDocument'];
export type Notification = components['schemas']['Notification'];
export type EndedDocument = components['schemas']['EndedDocument'];
export type OrderPage = components['schemas']['OrderPage'];
export type CompletedOrder = components['schemas']['CompletedOrder'];
export type FailedOrder = components['schemas']['FailedOrder'];
export type CancelledOrder = components['schemas']['CancelledOrder'];
export type Failure = components['schemas']['Failure'];
export type Health = components['schemas']['Health'];
export type Path = components['schemas']['Path'];
export type Problem = components['schemas']['Problem'];
export type Fault = components['schemas']['Fault'];
export type $defs = Record<string, never>;
export type operations = Record<string, never>;
