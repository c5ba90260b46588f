import { BlockList, isIPv4, isIPv6 } from 'node:net';

/** The part of a multiaddress by which connections are counted: the address for IPv4, its /64 for IPv6, which one household holds. */
export function addressGroup(multiaddress: string): string {
  const [, family = '', address = ''] = multiaddress.split('/');
  if (family !== 'ip6') return `${family}/${address}`;
  const [head = '', tail] = address.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - before.length - after.length);
  const groups = [...before, ...Array.from({ length: zeros }, () => '0'), ...after];
  return `ip6/${groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')}`;
}

/** From where an address can be dialled: this machine, its own network, anywhere. */
export const SCOPES = ['loopback', 'private', 'public'] as const;
export type Scope = (typeof SCOPES)[number];

/** `/ip4/…/tcp/…` or `/ip6/…/tcp/…`, with or without the peer's id at its end. */
const PLAIN_ADDRESS =
  /^\/(ip4|ip6)\/([0-9a-fA-F.:]{2,45})\/tcp\/([1-9][0-9]{0,4})(?:\/p2p\/[1-9A-HJ-NP-Za-km-z]{1,64})?$/;

/** Without the peer's id. Undefined for anything that nobody can dial, or that is more than an address and a TCP port. */
export function dialable(
  multiaddress: string,
): { readonly address: string; readonly scope: Scope } | undefined {
  const [, family = '', host = '', port = ''] = PLAIN_ADDRESS.exec(multiaddress) ?? [];
  const isHost = family === 'ip4' ? isIPv4(host) : isIPv6(host);
  if (!isHost || Number(port) > 65_535) return undefined;
  const version = family === 'ip4' ? 'ipv4' : 'ipv6';
  if (NOWHERE.check(host, version) || (family === 'ip6' && MAPPED.check(host, version))) return undefined;
  const scope = LOOPBACK.check(host, version)
    ? 'loopback'
    : PRIVATE.check(host, version)
      ? 'private'
      : 'public';
  return { address: `/${family}/${host}/tcp/${port}`, scope };
}

/** Whether an address of one scope means the same to who is met at the other: what is private there is not told here, nor believed. */
export function isOfUse(scope: Scope, peer: Scope): boolean {
  return SCOPES.indexOf(scope) >= SCOPES.indexOf(peer);
}

/** IPv4 in the clothes of IPv6 would be counted apart. A list of its own: it holds every IPv4 address too. */
const MAPPED = blockList(['::ffff:0:0', 96]);
/** Unspecified, documentation, multicast, broadcast. */
const NOWHERE = blockList(
  ['0.0.0.0', 8],
  ['192.0.2.0', 24],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
  ['::', 128],
  ['64:ff9b::', 96],
  ['2001:db8::', 32],
  ['ff00::', 8],
);
const LOOPBACK = blockList(['127.0.0.0', 8], ['::1', 128]);
const PRIVATE = blockList(
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['fc00::', 7],
  ['fe80::', 10],
);

function blockList(...subnets: readonly (readonly [string, number])[]): BlockList {
  const list = new BlockList();
  for (const [net, prefix] of subnets) list.addSubnet(net, prefix, net.includes(':') ? 'ipv6' : 'ipv4');
  return list;
}
