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
