import { encodeMessage, type Message } from '../consensus/messages.js';
import { bytesEqual, toHex } from '../protocol/bytes.js';
import type { ChainIdentity } from '../protocol/domains.js';
import { messageFrame } from './consensus-link.js';
import { isBound, type BindingCheck } from './handshake.js';
import { peerIdBytes, type Peer } from './peer.js';

/** The peers that are here, what they speak for, and what is sent to them in consensus. */
export class PeerTable {
  readonly #peers = new Map<string, Peer>();
  readonly #bindings: BindingCheck;
  readonly #chain: ChainIdentity;

  constructor(bindings: BindingCheck, chain: ChainIdentity) {
    this.#bindings = bindings;
    this.#chain = chain;
  }

  get all(): readonly Peer[] {
    return [...this.#peers.values()];
  }

  get(id: string): Peer | undefined {
    return this.#peers.get(id);
  }

  add(peer: Peer): void {
    this.#peers.set(peer.id, peer);
  }

  remove(id: string): void {
    this.#peers.delete(id);
  }

  /** The validator that has said that a peer speaks for it. A claim that could not be judged when the peer came is looked at again. */
  validatorOf(peer: Peer): Uint8Array | undefined {
    const { claim } = peer;
    if (claim === undefined) return undefined;
    peer.isBound ??= isBound(this.#bindings, this.#chain, claim, peerIdBytes(peer.id));
    return peer.isBound === true ? claim.validator : undefined;
  }

  /** Validators whose peers are here, in hex. */
  heard(): string[] {
    return this.all.flatMap((peer) => {
      const validator = this.validatorOf(peer);
      return validator === undefined ? [] : [toHex(validator)];
    });
  }

  /** Sends everybody a frame of the consensus link. */
  sendAll(frame: Uint8Array): void {
    for (const peer of this.#peers.values()) peer.link.send(frame);
  }

  send(id: string, message: Message): void {
    this.#peers.get(id)?.link.send(messageFrame(encodeMessage(message)));
  }

  sendToValidator(validator: Uint8Array, message: Message): void {
    for (const peer of this.#peers.values()) {
      // Only who claims to be the one has its claim judged.
      if (peer.claim === undefined || !bytesEqual(peer.claim.validator, validator)) continue;
      if (this.validatorOf(peer) !== undefined) this.send(peer.id, message);
    }
  }

  /** Sends a message to the peers that do not hear its signer themselves. @param make called where there is one */
  relay(signer: Uint8Array, source: string, make: () => Message): void {
    const name = toHex(signer);
    let frame: Uint8Array | undefined;
    for (const peer of this.#peers.values()) {
      if (peer.id === source || peer.hears.has(name)) continue;
      const validator = this.validatorOf(peer);
      if (validator !== undefined && bytesEqual(validator, signer)) continue;
      frame ??= messageFrame(encodeMessage(make()));
      peer.link.send(frame);
    }
  }

  /** Ends every connection of a peer. */
  disconnect(id: string, error: Error): void {
    for (const connection of this.#peers.get(id)?.connections ?? []) connection.abort(error);
  }
}
