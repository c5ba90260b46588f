import { createCodec } from '../protocol/ssz/codec.js';
import { byteList, ContainerType, listOf } from '../protocol/ssz/types.js';
import { dialable, isOfUse, type Scope } from './addresses.js';
import type { RequestProtocol } from './requests.js';

/*
 * Nodes tell each other of others. Nothing of it is believed: an address is worth a try.
 */

/** A peer id and an address, as text in ASCII. */
const ContactType = new ContainerType({ id: byteList(64), address: byteList(64) });

/** Addresses of who asks. */
const OwnType = listOf(byteList(64), 4);

const ownCodec = createCodec<Uint8Array[]>('OwnAddresses', OwnType);

/** Contacts in one answer. */
export const MAX_CONTACTS = 32;

const contactsCodec = createCodec<{ id: Uint8Array; address: Uint8Array }[]>(
  'Contacts',
  listOf(ContactType, MAX_CONTACTS),
);

export interface Contact {
  readonly id: string;
  /** Multiaddress without the id. */
  readonly address: string;
}

/** Once a minute is plenty: a correct node asks one peer twice a minute at most. */
export const PEERS: RequestProtocol = {
  name: 'peers',
  maxRequestBytes: ownCodec.maxBytes + 1,
  maxPartBytes: contactsCodec.maxBytes,
  maxParts: 1,
  timeoutMs: 10_000,
  maxConcurrent: 1,
  rate: { perSecond: 0.1, burst: 4 },
};

/** @param addresses of this node */
export function encodeRequest(addresses: readonly string[]): Uint8Array {
  const own = addresses.flatMap((address) => dialable(address)?.address ?? []).slice(0, 4);
  // A frame holds at least a byte, an empty list none.
  return Uint8Array.of(0, ...ownCodec.encode(own.map(ascii)));
}

/**
 * Where a peer says it can be reached: only addresses with the host it is connected from, so that nobody can have somebody else dialled.
 *
 * @param remote multiaddress of its connection
 * @throws SszError
 */
export function claimedAddress(request: Uint8Array, remote: string): string | undefined {
  const host = hostOf(remote);
  return ownCodec
    .decode(request.subarray(1))
    .map(text)
    .flatMap((address) => dialable(address)?.address ?? [])
    .find((address) => hostOf(address) === host);
}

export function encodeContacts(contacts: readonly Contact[]): Uint8Array {
  return contactsCodec.encode(
    contacts.slice(0, MAX_CONTACTS).map(({ id, address }) => ({ id: ascii(id), address: ascii(address) })),
  );
}

/** Contacts that may be of use, of what a peer of some scope has told. @throws SszError */
export function decodeContacts(answer: Uint8Array, scope: Scope): readonly Contact[] {
  return contactsCodec.decode(answer).flatMap(({ id, address }) => {
    const found = dialable(text(address));
    const name = text(id);
    if (found === undefined || !isOfUse(found.scope, scope) || !/^[1-9A-HJ-NP-Za-km-z]+$/.test(name))
      return [];
    return [{ id: name, address: found.address }];
  });
}

function hostOf(multiaddress: string): string {
  return multiaddress.split('/').slice(1, 3).join('/');
}

function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function text(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}
