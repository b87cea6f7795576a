import type { Configuration } from '../../config/configuration.js'
import { type Finding, ok, warn } from './finding.js'

/**
 * Checks the settings of the path from clients to the server. Reading them has checked each by
 * itself.
 */
export function checkConfiguration({
  issuer,
  trustedProxies,
}: Pick<Configuration, 'issuer' | 'trustedProxies'>): Finding[] {
  return [checkIssuer(issuer), checkProxies(issuer, trustedProxies)]
}

function checkIssuer(issuer: string): Finding {
  const { protocol, hostname } = new URL(issuer)
  const isLocal = hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.')
  if (protocol === 'https:') return ok('issuer', `${issuer}; cookies are sent over TLS only`)
  if (isLocal) return ok('issuer', `${issuer}, for this machine only`)
  const remedy = 'Put a proxy with TLS in front of the server, and set LATCHKEY_ISSUER to its https URL.'
  return warn('issuer', `${issuer}: passwords and tokens are sent without encryption`, remedy)
}

function checkProxies(issuer: string, trustedProxies: readonly string[]): Finding {
  if (trustedProxies.length > 0) return ok('proxies', `X-Forwarded-For is trusted from ${trustedProxies.join(', ')}`)
  if (!issuer.startsWith('https:')) return ok('proxies', 'none declared')
  const remedy = 'Set TRUSTED_PROXIES to the addresses of the proxy: without it, all clients share one rate limit.'
  return warn(
    'proxies',
    'the issuer is https, so there is a proxy in front of the server, but none is declared',
    remedy,
  )
}
