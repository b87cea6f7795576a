import type { Configuration } from '../../config/configuration.js'
import { type Finding, ok, warn } from './finding.js'

/** What the settings say of the way from a client to this server. Whether each can be used at all is found when they are read. */
export function checkConfiguration({ issuer, trustedProxies }: Configuration): Finding[] {
  return [checkIssuer(issuer), checkProxies(issuer, trustedProxies)]
}

function checkIssuer(issuer: string): Finding {
  const { protocol, hostname } = new URL(issuer)
  const isHere = hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.')
  if (protocol === 'https:') return ok('issuer', `${issuer}; cookies are sent over TLS alone`)
  if (isHere) return ok('issuer', `${issuer}, for this machine alone`)
  const remedy = 'Put a proxy with TLS in front, and set LATCHKEY_ISSUER to its https URL.'
  return warn('issuer', `${issuer}: passwords and tokens are sent in the clear`, remedy)
}

function checkProxies(issuer: string, trustedProxies: readonly string[]): Finding {
  if (trustedProxies.length > 0) return ok('proxies', `X-Forwarded-For is believed from ${trustedProxies.join(', ')}`)
  if (!issuer.startsWith('https:')) return ok('proxies', 'none')
  const remedy = 'Set TRUSTED_PROXIES to the addresses of the proxy: without it all clients share its limits.'
  return warn('proxies', 'the issuer is https, so a proxy stands in front, and none is declared', remedy)
}
