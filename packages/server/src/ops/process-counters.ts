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

/** Outcomes of a first step that leads to a second one: neither a sign-in nor a refusal. */
const pending: readonly unknown[] = ['second_factor_required', 'device_confirmation_required']

/** Reads the counters from the metrics of this process. */
export async function readCounters(metrics: Metrics): Promise<Counters> {
  const { values: verified } = await metrics.verifications.get()
  const { values: logins } = await metrics.logins.get()
  const { values: introspected } = await metrics.introspections.get()
  const { values: checked } = await metrics.forwardAuth.get()
  const { values: limited } = await metrics.limiterRefusals.get()
  const { values: letters } = await metrics.mail.get()
  const requests = (await metrics.requests.get()).values.filter(({ metricName }) => metricName?.endsWith('_count'))
  const answered = ['active', 'inactive']
  const mailOf = (outcome: string) => sum(letters, ({ labels }) => labels.outcome === outcome)
  return {
    verificationsMemory: sum(verified, ({ labels }) => labels.outcome === 'accepted' && labels.level === 'memory'),
    verificationsRead: sum(verified, ({ labels }) => labels.outcome === 'accepted' && labels.level !== 'memory'),
    verificationsRefused: sum(verified, ({ labels }) => labels.outcome !== 'accepted'),
    signIns: sum(logins, ({ labels }) => labels.outcome === 'done'),
    signInsRefused: sum(logins, ({ labels }) => labels.outcome !== 'done' && !pending.includes(labels.outcome)),
    introspections: sum(introspected, ({ labels }) => answered.includes(String(labels.outcome))),
    introspectionsRefused: sum(introspected, ({ labels }) => !answered.includes(String(labels.outcome))),
    forwardAuth: sum(checked, ({ labels }) => labels.outcome === 'allowed'),
    forwardAuthRefused: sum(checked, ({ labels }) => labels.outcome !== 'allowed'),
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

/** Returns rates: the differences between two reads of the counters. */
export class RateMeter {
  #last: { readonly atMs: number; readonly totals: Counters } | undefined

  /** Returns events per second since the last call; 0 after a call that is long ago, or none. */
  rates(totals: Counters, nowMs: number): Counters {
    const last = this.#last
    this.#last = { atMs: nowMs, totals }
    const elapsedMs = last === undefined ? 0 : nowMs - last.atMs
    if (last === undefined || !(elapsedMs > 0 && elapsedMs < maxIntervalMs)) return countersBy(() => 0)
    return countersBy((name) => Math.round(((totals[name] - last.totals[name]) / elapsedMs) * 100_000) / 100)
  }
}
