// The documents that the service exchanges with its clients, as the HTTP contract has them.
// Nothing else is declared here, so that these types can be made from the OpenAPI document.

/** Where an order stands; the last three are terminal. */
export type Status = 'pending' | 'processing' | 'completed' | 'failed' | 'cancelled';

/** One position of an order. Members that the service does not know are kept as sent. */
export interface Item {
  /** 1 to 200 characters. */
  name: string;
  /** 1 to 1,000,000. */
  quantity: number;
  [member: string]: unknown;
}

/** What a client submits. Members that the service does not know are kept as sent. */
export interface Order {
  /** 1 to 200 characters. */
  customer: string;
  /** 1 to 1,000 of them. */
  items: Item[];
  [member: string]: unknown;
}

/** Why an order, or its latest attempt, failed. */
export interface Failure {
  code: 'permanent' | 'retryable' | 'leaseExpired';
  message: string;
}

/** Where an order stands. It never holds the order itself. */
export interface StatusDocument {
  id: string;
  status: Status;
  /** The number of the latest attempt; 0 before the first. */
  attempt: number;
  maxAttempts: number;
  /** RFC 3339, UTC. */
  createdAt: string;
  /** RFC 3339, UTC. */
  updatedAt: string;
  /** When a retry is due, if one is. RFC 3339, UTC. */
  nextAttemptAt?: string;
  /** How much of the work is done, 0 to 1, if the work says so. */
  progress?: number;
  error?: Failure;
  links: {
    status: string;
    result: string;
    /** Only while the order can be cancelled. */
    cancel?: string;
  };
}

/** The body of the redirect to the result, and the last event of a stream. */
export interface EndedDocument {
  id: string;
  status: 'completed' | 'failed' | 'cancelled';
  links: { result: string };
}

/** The result of a completed order. */
export interface CompletedDocument {
  id: string;
  status: 'completed';
  /** The order as it was sent, with the time of its completion (RFC 3339, UTC). */
  order: Order & { completedAt: string };
  /** What the work gave, beyond its being done. */
  result?: unknown;
}

/** The result of a failed order. */
export interface FailedDocument {
  id: string;
  status: 'failed';
  error: Failure;
}

/** The result of a cancelled order. */
export interface CancelledDocument {
  id: string;
  status: 'cancelled';
  /** RFC 3339, UTC. */
  cancelledAt: string;
}

/** A page of the orders, newest first. */
export interface OrderList {
  orders: StatusDocument[];
  /** Leads to the next page; absent on the last. */
  nextCursor?: string;
}

/** One fault of a submitted order. */
export interface Fault {
  /** A JSON Pointer (RFC 6901) to the faulty value. */
  pointer: string;
  detail: string;
}

/** A problem document (RFC 9457). */
export interface Problem {
  /** Leads to the problem's page. */
  type?: string;
  title?: string;
  status?: number;
  detail?: string;
  /** Every fault of an invalid order. */
  errors?: Fault[];
  links?: { status: string };
}
