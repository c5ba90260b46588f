import assert from 'node:assert/strict';
import WebSocket from 'ws';
import { until } from './rpc-chain.js';

/** A WebSocket client that keeps what it is told. */
export class RpcSocket {
  readonly socket: WebSocket;
  readonly notifications: { method: string; subscription: string; result: never }[] = [];
  closed: { code: number; reason: string } | undefined;
  readonly #waiting = new Map<number, (answer: { result?: unknown; error?: { code: number } }) => void>();
  #next = 1;

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data: Buffer) => {
      const message = JSON.parse(data.toString()) as {
        id?: number;
        method: string;
        params: { subscription: string; result: never };
      };
      if (typeof message.id === 'number') this.#waiting.get(message.id)?.(message as never);
      else this.notifications.push({ method: message.method, ...message.params });
    });
    socket.on('close', (code, reason) => (this.closed = { code, reason: reason.toString() }));
  }

  static async open(url: string): Promise<RpcSocket> {
    const socket = new WebSocket(url.replace('http', 'ws'));
    const opened = new RpcSocket(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('error', reject);
    });
    return opened;
  }

  call(method: string, params: unknown = []): Promise<{ result?: unknown; error?: { code: number } }> {
    const id = this.#next++;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
    });
  }

  async ask<Result>(method: string, params: unknown = []): Promise<Result> {
    const { result, error } = await this.call(method, params);
    assert.equal(error, undefined, JSON.stringify(error));
    return result as Result;
  }

  /** What one subscription was told. */
  told<Result>(subscription: string): Result[] {
    return this.notifications
      .filter((each) => each.subscription === subscription)
      .map(({ result }) => result as Result);
  }

  /** Waits until a subscription was told of so much. */
  async toldAtLeast<Result>(subscription: string, count: number): Promise<Result[]> {
    await until(() => this.told(subscription).length >= count, `${count} notifications`);
    return this.told(subscription);
  }

  async close(): Promise<void> {
    this.socket.close();
    await until(() => this.closed !== undefined, 'the socket is closed');
  }
}
