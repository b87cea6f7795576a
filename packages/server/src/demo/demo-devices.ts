import type { RequestOrigin } from '../request-origin.js'
import { Dice } from './dice.js'

const userAgents = [
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Safari/605.1.15',
  'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Mobile/15E148 Safari/604.1',
  'Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0',
] as [string, ...string[]]

/** Networks that are reserved for documentation (RFC 5737, RFC 3849). */
const networks = ['192.0.2.', '198.51.100.', '203.0.113.', '2001:db8:51:'] as [string, ...string[]]

/** Returns a device at an address that no network uses. */
export function demoOrigin(dice: Dice): RequestOrigin {
  const network = dice.pick(networks)
  const host = dice.whole(1, 254)
  const address = network.includes(':') ? `${network}${host.toString(16)}::${dice.whole(1, 99)}` : `${network}${host}`
  return { address, userAgent: dice.pick(userAgents) }
}

/** Returns the device that always is that of this account. */
export function ownOrigin(email: string): RequestOrigin {
  let seed = 0
  for (const character of email) seed = Math.imul(seed, 31) + character.charCodeAt(0)
  return demoOrigin(new Dice(seed))
}
