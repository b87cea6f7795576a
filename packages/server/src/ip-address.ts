import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

type Address = ipaddr.IPv4 | ipaddr.IPv6

/**
 * Parses an address as proxies write it: `192.0.2.7`, `192.0.2.7:1234`, `2001:db8::7` or
 * `[2001:db8::7]:1234`. Returns its canonical spelling, in which an IPv4-mapped IPv6 address is
 * IPv4; `undefined` for other text.
 */
export function parseAddress(text: string): string | undefined {
  return read(text)?.toString()
}

/**
 * Returns the network that one subscriber has: an IPv4 address itself, or the /64 of an IPv6
 * address.
 */
export function networkOf(address: string): string {
  const parsed = read(address)
  if (!(parsed instanceof ipaddr.IPv6)) return address
  return `${new ipaddr.IPv6([...parsed.parts.slice(0, 4), 0, 0, 0, 0]).toString()}/64`
}

/**
 * Returns the networks that contain an address, from the widest to the narrowest: for IPv6 the /32
 * of a provider, /48, /56 and /64; for IPv4 the /16, the /24 and the address itself. Text that is
 * not an address belongs to one network, `unknown`.
 */
export function enclosingNetworks(address: string): readonly string[] {
  const parsed = read(address)
  if (parsed === undefined) return ['unknown']
  const bytes = parsed.toByteArray()
  const lengths = bytes.length === 4 ? [16, 24, 32] : [32, 48, 56, 64]
  return lengths.map((bits) => {
    const kept = bytes.map((byte, index) => (index < bits / 8 ? byte : 0))
    return `${ipaddr.fromByteArray(kept).toString()}/${bits}`
  })
}

/**
 * Parses a list such as `10.0.0.0/8, 2001:db8::1`. Returns `undefined` if an entry is not an
 * address or a network, or is a network of all addresses.
 */
export function parseNetworks(text: string): readonly string[] | undefined {
  const networks = text.split(',').map((part) => part.trim())
  return networks.every((network) => readNetwork(network) !== undefined) ? networks : undefined
}

/**
 * Returns a function that reports whether an address belongs to one of the networks. Other text
 * belongs to none.
 */
export function networkMatcher(networks: readonly string[]): (address: string | undefined) => boolean {
  const ranges = networks.map(readNetwork).filter((range) => range !== undefined)
  return (text) => {
    const address = text === undefined ? undefined : read(text)
    return address !== undefined && ranges.some((range) => isWithin(address, range))
  }
}

function isWithin(address: Address, [base, bits]: [Address, number]): boolean {
  return address.kind() === base.kind() && address.match(base, bits)
}

function readNetwork(text: string): [Address, number] | undefined {
  const [, base = '', , bits] = /^([^/]+)(\/([0-9]{1,3}))?$/.exec(text) ?? []
  // Only canonical forms: the parser below also accepts 10.1 and 0x7f.1.
  const kind = isIP(base)
  const longest = kind === 4 ? 32 : 128
  const length = bits === undefined ? longest : Number(bits)
  if (kind === 0 || !(length >= 1 && length <= longest)) return undefined
  const address = ipaddr.parse(base)
  const mapped = address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress()
  return mapped ? undefined : [address, length]
}

function read(text: string): Address | undefined {
  const [, ipv4 = undefined] = /^([0-9.]+):[0-9]{1,5}$/.exec(text) ?? []
  const [, ipv6 = undefined] = /^\[([^\]]+)\](?::[0-9]{1,5})?$/.exec(text) ?? []
  const bare = ipv4 ?? ipv6 ?? text
  return isIP(bare) === 0 ? undefined : ipaddr.process(bare)
}
