import type { Connection, Libp2p, Stream } from '@libp2p/interface';
import { Admission } from './admission.js';
import type { Clock } from './clock.js';
import { P2pError } from './errors.js';
import type { Hello } from './handshake.js';

export interface DoorsParts {
  readonly host: Libp2p;
  readonly clock: Clock;
  readonly handshakeId: string;
  readonly handshakeTimeoutMs: number;
  readonly ownHello: () => Hello;
  /** As in `AdmissionParts`. */
  readonly admit: (connection: Connection, hello: Hello) => void;
  readonly refused: (connection: Connection, error: P2pError) => void;
  /** A connection has ended. */
  readonly closed: (connection: Connection) => void;
}

/** Lets connections in by the handshake, and serves protocols to those alone that have come in. */
export class Doors {
  readonly #parts: DoorsParts;
  readonly #admissions = new Map<Connection, Admission>();
  #isShut = false;

  constructor(parts: DoorsParts) {
    this.#parts = parts;
  }

  /** Before the host is started. */
  async open(): Promise<void> {
    const { host, handshakeId } = this.#parts;
    host.addEventListener('connection:open', ({ detail }) => {
      if (this.#isShut) detail.abort(new P2pError('NETWORK_STOPPED', 'stopping'));
      else this.#admission(detail);
    });
    host.addEventListener('connection:close', ({ detail }) => {
      this.#closed(detail);
    });
    await host.handle(
      handshakeId,
      (stream, connection) => {
        this.#admission(connection).answer(stream);
      },
      { maxInboundStreams: 2, maxOutboundStreams: 2 },
    );
  }

  /** Nobody comes in any more. */
  shut(): void {
    this.#isShut = true;
    for (const admission of this.#admissions.values()) admission.cancel();
  }

  /** Has streams of a protocol handed over; those that come before the handshake has succeeded wait for it. */
  async serve(
    protocolId: string,
    maxStreams: number,
    take: (peer: string, stream: Stream) => Promise<void> | void,
  ): Promise<void> {
    await this.#parts.host.handle(
      protocolId,
      async (stream, connection) => {
        const isAdmitted = await this.#admission(connection).result;
        if (isAdmitted && stream.status === 'open') await take(connection.remotePeer.toString(), stream);
        else stream.abort(new P2pError('HANDSHAKE_FAILED', 'nothing is served before the handshake'));
      },
      { maxInboundStreams: maxStreams, maxOutboundStreams: maxStreams },
    );
  }

  #admission(connection: Connection): Admission {
    const known = this.#admissions.get(connection);
    if (known !== undefined) return known;
    const { clock, handshakeTimeoutMs, handshakeId, ownHello, admit, refused } = this.#parts;
    const admission = new Admission(
      {
        ...{ clock, timeoutMs: handshakeTimeoutMs, protocolId: handshakeId, ownHello, admit },
        refuse: (of, error, lastWord) => {
          refused(of, error);
          void lastWord.then(() => close(of, error));
        },
      },
      connection,
    );
    this.#admissions.set(connection, admission);
    // A connection that ended before anybody asked for it gives no further event.
    if (connection.status !== 'open') this.#closed(connection);
    return admission;
  }

  #closed(connection: Connection): void {
    this.#admissions.get(connection)?.cancel();
    this.#admissions.delete(connection);
    this.#parts.closed(connection);
  }
}

const CLOSE_TIMEOUT_MS = 1000;

/** Lets go of a connection in order, so that what was said last arrives, but not for long. */
async function close(connection: Connection, error: Error): Promise<void> {
  try {
    await connection.close({ signal: AbortSignal.timeout(CLOSE_TIMEOUT_MS) });
  } catch {
    connection.abort(error);
  }
}
