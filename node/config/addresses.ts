import '../../p2p/promise-with-resolvers.js';
import { isIP } from 'node:net';
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr';
import type { StaticPeer } from '../../p2p/static-peers.js';

/** What a node can listen on and be dialled at. */
export function parseMultiaddress(text: string): string {
  checkTcp(parse(text));
  return text;
}

/** A peer's address with its id at the end. */
export function parsePeer(text: string): StaticPeer {
  const address = parse(text);
  checkTcp(address);
  const last = address.getComponents().at(-1);
  if (last?.name !== 'p2p' || last.value === undefined)
    throw new Error('the peer id is missing: add /p2p/<peer id>');
  return { id: last.value, address: text };
}

/** An origin of a web page as browsers send it, or `*` for all. */
export function parseOrigin(text: string): string {
  if (text === '*') return text;
  if (!URL.canParse(text) || new URL(text).origin !== text)
    throw new Error('not an origin: scheme, host and port alone, such as https://app.example.org');
  return text;
}

/** An IP address, or a network of them in CIDR notation. */
export function parseNetwork(text: string): string {
  const [address = '', bits, ...more] = text.split('/');
  const family = isIP(address);
  const isWhole = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
  if (family !== 0 && isWhole && more.length === 0) return text;
  throw new Error('not an IP address or network');
}

function parse(text: string): Multiaddr {
  try {
    return multiaddr(text);
  } catch {
    throw new Error('not a multiaddress');
  }
}

const HOST_PROTOCOLS = new Set(['ip4', 'ip6', 'dns', 'dns4', 'dns6', 'dnsaddr']);

function checkTcp(address: Multiaddr): void {
  const [host, transport] = address.getComponents();
  if (host === undefined || !HOST_PROTOCOLS.has(host.name)) throw new Error('it begins with no host address');
  if (transport?.name !== 'tcp') throw new Error('only /tcp/<port> after the host is spoken here');
}
