import { isIP } from 'node:net'

/**
 * Returns the network that one subscriber has: an IPv4 address itself, or the /64 of an IPv6
 * address. Other text is returned as it is.
 */
export function networkOf(address: string): string {
  const [bare = ''] = address.split('%')
  if (isIP(bare) !== 6) return address
  const mapped = /^::ffff:([0-9.]+)$/i.exec(bare)
  if (mapped?.[1] !== undefined) return mapped[1]
  const [head = '', tail] = bare.split('::')
  const groups = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  // An IPv4 address at the end stands for two groups.
  const afterCount = after.length + (after.at(-1)?.includes('.') === true ? 1 : 0)
  const zeros = tail === undefined ? 0 : 8 - groups.length - afterCount
  const all = [...groups, ...Array.from({ length: zeros }, () => '0'), ...after]
  const network = all.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16))
  return `${network.join(':')}::/64`
}
