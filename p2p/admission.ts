import type { Connection, Stream } from '@libp2p/interface';
import type { Alarm, Clock } from './clock.js';
import { P2pError } from './errors.js';
import { streamError } from './frame-stream.js';
import { answerGreeting, greet, type Hello } from './handshake.js';

export interface AdmissionParts {
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly protocolId: string;
  readonly ownHello: () => Hello;
  /** Judges what a peer has said beyond what every peer must. Throws a P2pError to refuse it. */
  readonly admit: (connection: Connection, hello: Hello) => void;
  /** The connection is to end once `lastWord` has resolved, which it does soon. */
  readonly refuse: (connection: Connection, error: P2pError, lastWord: Promise<void>) => void;
}

/** The handshake of one connection. Who waits for it learns whether it succeeded; it always ends. */
export class Admission {
  readonly #parts: AdmissionParts;
  readonly #connection: Connection;
  readonly #deadline: Alarm;
  readonly #settle: (isAdmitted: boolean) => void;
  #isSettled = false;
  #isAnswering = false;

  /** Whether the peer was admitted. Never rejects. */
  readonly result: Promise<boolean>;

  constructor(parts: AdmissionParts, connection: Connection) {
    this.#parts = parts;
    this.#connection = connection;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.result = promise;
    this.#settle = resolve;
    this.#deadline = parts.clock.setTimer(parts.timeoutMs, () => {
      this.#refuse(new P2pError('HANDSHAKE_TIMEOUT', 'no handshake in time', { timeoutMs: parts.timeoutMs }));
    });
    if (connection.direction === 'outbound') void this.#greet();
  }

  /** A stream on which the peer wants to say hello. Only who dialled does, and once. */
  answer(stream: Stream): void {
    if (this.#connection.direction === 'outbound' || this.#isAnswering) {
      const error = new P2pError('HANDSHAKE_MALFORMED', 'a second handshake on one connection');
      stream.abort(error);
      this.#refuse(error);
      return;
    }
    this.#isAnswering = true;
    void this.#finish(stream, answerGreeting(stream, this.#parts.ownHello()));
  }

  /** The connection has ended. */
  cancel(): void {
    this.#conclude(false);
  }

  async #greet(): Promise<void> {
    try {
      const stream = await this.#connection.newStream(this.#parts.protocolId);
      await this.#finish(stream, greet(stream, this.#parts.ownHello()));
    } catch (error) {
      this.#refuse(failure(error));
    }
  }

  async #finish(stream: Stream, greeting: Promise<Hello>): Promise<void> {
    try {
      const hello = await greeting;
      if (this.#isSettled) return;
      this.#parts.admit(this.#connection, hello);
      this.#conclude(true);
      await stream.close();
    } catch (error) {
      this.#refuse(failure(error), this.#lastWord(stream));
    }
  }

  /** Leaves the peer a moment to read an answer that was written: what is on its way is lost when the connection ends. */
  async #lastWord(stream: Stream): Promise<void> {
    if (this.#connection.direction === 'outbound' || stream.status !== 'open') return;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const alarm = this.#parts.clock.setTimer(LAST_WORD_MS, () => {
      resolve(undefined);
    });
    stream.addEventListener('close', () => {
      resolve(undefined);
    });
    await promise;
    alarm.cancel();
  }

  #refuse(error: P2pError, lastWord = Promise.resolve()): void {
    if (this.#conclude(false)) this.#parts.refuse(this.#connection, error, lastWord);
  }

  #conclude(isAdmitted: boolean): boolean {
    if (this.#isSettled) return false;
    this.#isSettled = true;
    this.#deadline.cancel();
    this.#settle(isAdmitted);
    return true;
  }
}

/** What a refused peer has to read the reason: a round trip on any link. */
const LAST_WORD_MS = 500;

function failure(error: unknown): P2pError {
  if (error instanceof Error && error.name === 'UnsupportedProtocolError') {
    return new P2pError('HANDSHAKE_CHAIN', 'the peer has no handshake of this chain', {}, { cause: error });
  }
  const typed = streamError(error);
  if (typed.code !== 'STREAM_CLOSED') return typed;
  return new P2pError('HANDSHAKE_FAILED', `no handshake: ${typed.message}`, {}, { cause: error });
}
