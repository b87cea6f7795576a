import { parseWhole, type Setting } from './setting.js'

/** Kinds of routes, each with its own limits. */
export type RouteClass = 'login' | 'register' | 'refresh' | 'recovery' | 'token' | 'introspection' | 'admin' | 'general'

/**
 * What a limit counts requests by: the client address (for IPv6 its /64 network), the signed-in
 * account, or the pair of a client address and the account that the request names. No limit counts
 * by the named account alone: anyone could then lock its owner out.
 */
export type LimitScope = 'address' | 'account' | 'pair'

/** A number of requests in a number of seconds, counted from the first request. */
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

/** The settings of the limits; their defaults fit an office behind one address. */
export const limitSettings = {
  login: limitSetting('login', 'Limits how often a client may sign in', { address: per(60, 60), pair: per(20, 300) }),
  register: limitSetting('register', 'Limits how often a client may register', { address: per(60, 3600) }),
  refresh: limitSetting('refresh', 'Limits how often a client may refresh its tokens', {
    address: per(600, 60),
    pair: per(60, 60),
  }),
  recovery: limitSetting('recovery', 'Limits how often a client may request mailed links, and use them', {
    address: per(30, 3600),
    pair: per(5, 3600),
  }),
  token: limitSetting(
    'token',
    'Limits how often a client may request tokens at /oauth/token or revoke them at /oauth/revoke',
    {
      address: per(600, 60),
      pair: per(60, 60),
    },
  ),
  introspection: limitSetting('introspection', 'Limits how often a client may introspect tokens at /oauth/introspect', {
    address: per(12_000, 60),
    pair: per(6000, 60),
  }),
  admin: limitSetting('admin', 'Limits the requests of administrators', {
    address: per(600, 60),
    account: per(600, 60),
  }),
  general: limitSetting('general', 'Limits the requests to all other routes', {
    address: per(1200, 60),
    account: per(600, 60),
  }),
} as const satisfies Record<RouteClass, Setting<ClassLimits>>

/**
 * Parses a text such as `address:60/60,pair:20/300`. A scope that it does not name keeps its
 * default.
 *
 * @returns `undefined` if the text names a scope twice, or one that has no limit there
 */
function parseLimits(text: string, defaults: ClassLimits): ClassLimits | undefined {
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

/** Returns the text that `parseLimits` reads as these limits. */
function formatLimits(limits: ClassLimits): string {
  const named = scopes.flatMap((scope) => {
    const limit = limits[scope]
    return limit === undefined ? [] : [`${scope}:${limit.requests}/${limit.windowSec}`]
  })
  return named.join(',')
}

function limitSetting(
  routeClass: RouteClass,
  purpose: string,
  defaults: ClassLimits,
): Setting<ClassLimits, ClassLimits> {
  const counted = Object.keys(defaults).join(' and ')
  return {
    name: `LATCHKEY_LIMIT_${routeClass.toUpperCase()}`,
    description: `${purpose}: requests/seconds for each ${counted}. A part that is not named keeps its default.`,
    accepts: `a list such as "${formatLimits(defaults)}", of ${counted}`,
    default: defaults,
    parse: (text) => parseLimits(text, defaults),
    format: formatLimits,
  }
}

function per(requests: number, windowSec: number): Limit {
  return { requests, windowSec }
}
