import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

type Address = ipaddr.IPv4 | ipaddr.IPv6

/**
 * The address in a text as proxies write it, in its one spelling: `192.0.2.7`, `192.0.2.7:1234`, `2001:db8::7`, `[2001:db8::7]:1234`. An IPv4
 * address in the dress of IPv6 is IPv4. `undefined` for whatever else a forwarding header may hold.
 */
export function parseAddress(text: string): string | undefined {
  return read(text)?.toString()
}

/** What one party of the network holds: an IPv4 address by itself, of IPv6 the /64 that is the least anybody is given. */
export function networkOf(address: string): string {
  const parsed = read(address)
  if (!(parsed instanceof ipaddr.IPv6)) return address
  return `${new ipaddr.IPv6([...parsed.parts.slice(0, 4), 0, 0, 0, 0]).toString()}/64`
}

/**
 * Returns the networks that an address lies in, from the widest to the narrowest: of IPv6 the /32 that
 * a provider is given, then /48, /56 and /64; of IPv4 the /16, the /24 and the address itself. Text that
 * is no address lies in one network of its own, `unknown`.
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

/** A list such as `10.0.0.0/8, 2001:db8::1`, each part in its place; `undefined` if one of them is no address and no network, or is everybody. */
export function parseNetworks(text: string): readonly string[] | undefined {
  const networks = text.split(',').map((part) => part.trim())
  return networks.every((network) => readNetwork(network) !== undefined) ? networks : undefined
}

/** Whether an address belongs to one of the networks. What is no address belongs to none. */
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
  // Only as it is written: the parser below would take 10.1 and 0x7f.1 for addresses as well.
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
