/** A client's connection: one HTTP request, or a WebSocket as long as it is open. */
export interface Session {
  /** For the rate limit: the address of the peer. */
  readonly client: string;
  /** Undefined over HTTP, where nothing can be sent later. */
  readonly push: PushChannel | undefined;
}

/** What a WebSocket offers beyond answers. */
export interface PushChannel {
  /** Sends text, or closes the socket when too much waits to be sent. */
  send(text: string): void;
  /** Bytes that wait to be read by the client. */
  readonly backlogBytes: number;
  readonly isOpen: boolean;
  /** Runs when the socket is closed. */
  onClose(run: () => void): void;
  /** Subscriptions by id, with how to end each. */
  readonly subscriptions: Map<string, () => void>;
}
