import type { Clock } from '../clock.js'

/** Credentials of a client of the issuer, sent as HTTP Basic (RFC 6749 §2.3.1). */
export interface ClientCredentials {
  readonly clientId: string | undefined
  readonly clientSecret: string | undefined
}

/** An access token of the issuer that permits introspection, sent as a bearer token (RFC 6750). */
export interface BearerCredentials {
  readonly token: string | undefined
}

/** Limits and transport of `introspection`. */
export interface IntrospectionLimits {
  /**
   * The introspection endpoint of the issuer: an https URL; http only on this machine, or with
   * `allowHttp`.
   */
  readonly url: string | URL
  /**
   * Milliseconds for which an answer is used again, counted from the start of its request, from 0
   * to 60,000; 0 sends a request for each verification. A revocation takes effect here after the
   * bound of the issuer and this time.
   *
   * @defaultValue `2000`
   */
  readonly cacheTtl?: number
  /**
   * Largest number of answers in memory, from 1 to 1,000,000.
   *
   * @defaultValue `10_000`
   */
  readonly maxCached?: number
  /**
   * Largest number of requests at once, from 1 to 1,000. Further verifications wait for at most
   * `timeout`, and are refused with 503 if 20 times as many wait already.
   *
   * @defaultValue `50`
   */
  readonly maxConcurrent?: number
  /**
   * Time limit of a request in milliseconds, from 1 to 60,000. Together with the wait for a place
   * it should be less than the `verifyTimeout` of the Latchkey.
   *
   * @defaultValue `2000`
   */
  readonly timeout?: number
  /**
   * Longest lifetime of a token in seconds (`exp` − `iat`), from 1 to 31,536,000; tokens that live
   * longer are refused with `claim_invalid`.
   *
   * @defaultValue no limit: the issuer decides
   */
  readonly maxTokenTtl?: number
  /**
   * Whether plain http to other machines is allowed, as inside a cluster. An attacker who can
   * change that traffic then decides which tokens are accepted, and one who can read it has the
   * credentials and all tokens.
   *
   * @defaultValue `false`
   */
  readonly allowHttp?: boolean
  /**
   * The source of the time.
   *
   * @defaultValue the clocks of the machine
   */
  readonly clock?: Clock
}

/** Options of `introspection`: the endpoint, the limits, and one kind of credentials. */
export type IntrospectionOptions = IntrospectionLimits & (ClientCredentials | BearerCredentials)
