import { parseWhole } from './setting.js'

/** Kinds of routes, each with limits of its own. */
export type RouteClass = 'login' | 'register' | 'refresh' | 'recovery' | 'token' | 'introspection' | 'admin' | 'general'

/**
 * Whose requests are counted together: those of one client address (of IPv6 a /64), of one signed-in account, or of one address for one account
 * that it merely names. No limit counts what others say of an account: it would let anybody lock its owner out.
 */
export type LimitScope = 'address' | 'account' | 'pair'

/** So many requests in so many seconds, counted from the first one. */
export interface Limit {
  readonly requests: number
  readonly windowSec: number
}

/** The limits of one kind of routes. */
export type ClassLimits = Readonly<Partial<Record<LimitScope, Limit>>>

/** All limits. */
export type Limits = Readonly<Record<RouteClass, ClassLimits>>

const scopes = ['address', 'account', 'pair'] as const satisfies readonly LimitScope[]
const maxRequests = 1_000_000_000
const maxWindowSec = 86_400

/** What holds unless the operator says otherwise: room for an office behind one address, and for no program that guesses. */
export const defaultLimits: Limits = {
  login: { address: per(60, 60), pair: per(20, 300) },
  register: { address: per(60, 3600) },
  refresh: { address: per(600, 60), pair: per(60, 60) },
  recovery: { address: per(30, 3600), pair: per(5, 3600) },
  token: { address: per(600, 60), pair: per(60, 60) },
  introspection: { address: per(12_000, 60), pair: per(6000, 60) },
  admin: { address: per(600, 60), account: per(600, 60) },
  general: { address: per(1200, 60), account: per(600, 60) },
}

/**
 * The limits in a text such as `address:60/60,pair:20/300`: what it does not name stays as `defaults` have it. `undefined` if it names what has no
 * limit there, or names it twice.
 */
export function parseLimits(text: string, defaults: ClassLimits): ClassLimits | undefined {
  const parts = text.split(',').map((part) => /^ *([a-z]+) *: *([0-9]+) *\/ *([0-9]+) *$/.exec(part))
  const limits = new Map<LimitScope, Limit>()
  for (const part of parts) {
    const scope = scopes.find((known) => known === part?.[1] && defaults[known] !== undefined)
    const requests = parseWhole(part?.[2] ?? '', 1, maxRequests)
    const windowSec = parseWhole(part?.[3] ?? '', 1, maxWindowSec)
    if (scope === undefined || requests === undefined || windowSec === undefined) return undefined
    limits.set(scope, { requests, windowSec })
  }
  return limits.size === parts.length ? { ...defaults, ...Object.fromEntries(limits) } : undefined
}

/** The text that gives these limits. */
export function formatLimits(limits: ClassLimits): string {
  const named = scopes.flatMap((scope) => {
    const limit = limits[scope]
    return limit === undefined ? [] : [`${scope}:${limit.requests}/${limit.windowSec}`]
  })
  return named.join(',')
}

function per(requests: number, windowSec: number): Limit {
  return { requests, windowSec }
}
