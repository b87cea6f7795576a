/** A limit and its remaining requests. */
interface AdvertisedQuota {
  readonly policy: string
  readonly limit: { readonly requests: number; readonly windowSec: number }
  readonly remaining: number
  readonly resetSec: number
}

/**
 * Returns `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-10 §3 and §4):
 * Lists of Structured Fields (RFC 9651), with one member for each limit that counted the request.
 */
export function rateLimitHeaders(quotas: readonly AdvertisedQuota[]): Record<string, string> {
  const policies = quotas.map(({ policy, limit }) => `"${policy}";q=${limit.requests};w=${limit.windowSec}`)
  const left = quotas.map(({ policy, remaining, resetSec }) => `"${policy}";r=${remaining};t=${resetSec}`)
  return { 'RateLimit-Policy': policies.join(', '), RateLimit: left.join(', ') }
}
