import type { Metrics } from './metrics.js'

/** The counters of a process in the live view. They begin with its start. */
export const counterNames = [
  'verificationsMemory',
  'verificationsRead',
  'verificationsRefused',
  'signIns',
  'signInsRefused',
  'introspections',
  'introspectionsRefused',
  'forwardAuth',
  'forwardAuthRefused',
  'limiterRefusals',
  'mailSent',
  'mailDelayed',
  'mailFailed',
  'requests',
  'requestsFailed',
] as const

/** A number for each counter. */
export type Counters = Readonly<Record<(typeof counterNames)[number], number>>

/** The kinds of requests whose refusals are counted by code. */
export const refusedKinds = ['verification', 'signIn', 'introspection', 'forwardAuth'] as const

export type RefusedKind = (typeof refusedKinds)[number]

/** Numbers of refusals by kind and code, such as `signIn.invalid_credentials`. */
export type Refusals = Readonly<Record<string, number>>

/** The outcomes of each kind that are no refusal. */
const noRefusals: Readonly<Record<RefusedKind, readonly string[]>> = {
  verification: ['accepted'],
  // A first step that leads to a second one is neither a sign-in nor a refusal.
  signIn: ['done', 'second_factor_required', 'device_confirmation_required'],
  introspection: ['active', 'inactive'],
  forwardAuth: ['allowed'],
}

/** Reads the refusals since the start from the metrics of this process. */
export async function readRefusals(metrics: Metrics): Promise<Refusals> {
  const counters = {
    verification: metrics.verifications,
    signIn: metrics.logins,
    introspection: metrics.introspections,
    forwardAuth: metrics.forwardAuth,
  }
  const refusals: Record<string, number> = {}
  for (const kind of refusedKinds) {
    for (const { labels, value } of (await counters[kind].get()).values) {
      const outcome = String(labels.outcome)
      const key = `${kind}.${outcome}`
      if (!noRefusals[kind].includes(outcome)) refusals[key] = (refusals[key] ?? 0) + value
    }
  }
  return refusals
}

/** Returns the sum of these refusals, by kind and code. */
export function sumRefusals(all: readonly Refusals[]): Refusals {
  const sums: Record<string, number> = {}
  for (const refusals of all) {
    for (const [key, count] of Object.entries(refusals)) sums[key] = (sums[key] ?? 0) + count
  }
  return sums
}

/** Reads the counters from the metrics of this process, and counts these refusals of it. */
export async function readCounters(metrics: Metrics, refusals: Refusals): Promise<Counters> {
  const { values: verified } = await metrics.verifications.get()
  const { values: logins } = await metrics.logins.get()
  const { values: introspected } = await metrics.introspections.get()
  const { values: checked } = await metrics.forwardAuth.get()
  const { values: limited } = await metrics.limiterRefusals.get()
  const { values: letters } = await metrics.mail.get()
  const requests = (await metrics.requests.get()).values.filter(({ metricName }) => metricName?.endsWith('_count'))
  const refusedOf = (kind: RefusedKind) =>
    Object.entries(refusals).reduce((total, [key, count]) => (key.startsWith(`${kind}.`) ? total + count : total), 0)
  const mailOf = (outcome: string) => sum(letters, ({ labels }) => labels.outcome === outcome)
  return {
    verificationsMemory: sum(verified, ({ labels }) => labels.outcome === 'accepted' && labels.level === 'memory'),
    verificationsRead: sum(verified, ({ labels }) => labels.outcome === 'accepted' && labels.level !== 'memory'),
    verificationsRefused: refusedOf('verification'),
    signIns: sum(logins, ({ labels }) => labels.outcome === 'done'),
    signInsRefused: refusedOf('signIn'),
    introspections: sum(introspected, ({ labels }) => noRefusals.introspection.includes(String(labels.outcome))),
    introspectionsRefused: refusedOf('introspection'),
    forwardAuth: sum(checked, ({ labels }) => labels.outcome === 'allowed'),
    forwardAuthRefused: refusedOf('forwardAuth'),
    limiterRefusals: sum(limited, () => true),
    mailSent: mailOf('sent'),
    mailDelayed: mailOf('delayed'),
    mailFailed: mailOf('failed'),
    requests: sum(requests, () => true),
    requestsFailed: sum(requests, ({ labels }) => String(labels.status).startsWith('5')),
  }
}

interface Value {
  readonly value: number
  readonly labels: Readonly<Partial<Record<string, string | number>>>
}

function sum(values: readonly Value[], counts: (value: Value) => boolean): number {
  return values.reduce((total, value) => (counts(value) ? total + value.value : total), 0)
}

/** Returns the counters that this function computes. */
export function countersBy(value: (name: keyof Counters) => number): Counters {
  return Object.fromEntries(counterNames.map((name) => [name, value(name)])) as Counters
}

/** A measurement from before this time says nothing about the rate of now. */
const maxIntervalMs = 10_000

/** Returns rates: the differences between two reads of the same numbers. */
export class RateMeter<Totals extends Readonly<Record<string, number>>> {
  #last: { readonly atMs: number; readonly totals: Totals } | undefined

  /** Returns events per second since the last call; 0 after a call that is long ago, or none. */
  rates(totals: Totals, nowMs: number): Totals {
    const last = this.#last
    this.#last = { atMs: nowMs, totals }
    const elapsedMs = last === undefined ? 0 : nowMs - last.atMs
    const isKnown = elapsedMs > 0 && elapsedMs < maxIntervalMs
    const rateOf = ([name, total]: [string, number]) => {
      const rate = isKnown ? (total - (last?.totals[name] ?? 0)) / elapsedMs : 0
      return [name, Math.round(rate * 100_000) / 100]
    }
    return Object.fromEntries(Object.entries(totals).map(rateOf)) as Totals
  }
}
