import fc from 'fast-check'
import {
  applyRefresh,
  decideRefresh,
  parentOf,
  type RefreshState,
  type RefreshVerdict,
} from '../../src/sessions/refresh-policy.js'

/** The properties of a request beside its refresh token. */
export interface ModelClient {
  readonly device: string | null
  readonly userAgent: string | null
  readonly network: string
}

/** The answer to a refresh token. */
export interface ModelAnswer {
  readonly verdict: RefreshVerdict | 'ended'
  /** The counter of the token in the answer; `undefined` for a refusal. */
  readonly successor: number | undefined
}

/** The refresh tokens of one session in memory, for comparison with those in a database. */
export class RefreshModel {
  state: RefreshState
  graceUses = 0
  ended = false

  constructor({ userAgent, network }: ModelClient, nowMs: number) {
    const first = { counter: 1, forks: 0, isRepeated: false, repeatedRun: 0, device: null }
    this.state = { ...first, userAgent, network, rotatedAt: nowMs }
  }

  present(counter: number, client: ModelClient, nowMs: number): ModelAnswer {
    if (this.ended) return { verdict: 'ended', successor: undefined }
    const shown = { counter, ...client, nowMs }
    const verdict = decideRefresh(this.state, shown)
    if (verdict === 'reused' || verdict === 'elsewhere') {
      this.ended = true
      return { verdict, successor: undefined }
    }
    this.state = applyRefresh(this.state, verdict, shown)
    if (verdict !== 'rotate') this.graceUses += 1
    return { verdict, successor: this.state.counter }
  }

  /** Returns the counters of all tokens for which this client would get a successor. */
  accepted(client: ModelClient, nowMs: number): number[] {
    const all = Array.from({ length: this.state.counter + 2 }, (_, counter) => counter)
    const isAccepted = (counter: number) =>
      ['rotate', 'repeat', 'fork'].includes(decideRefresh(this.state, { counter, ...client, nowMs }))
    return this.ended ? [] : all.filter(isAccepted)
  }
}

/** One step of the owner or the thief of a session's token. `lost`: the answer does not arrive. */
export type RefreshStep =
  | { readonly kind: 'refresh'; readonly by: 'owner' | 'thief'; readonly lost: boolean }
  | { readonly kind: 'steal' }
  | { readonly kind: 'move'; readonly by: 'owner' | 'thief'; readonly network: string }
  | { readonly kind: 'wait'; readonly ms: number }

export const networks = ['192.0.2.1', '198.51.100.1'] as const

const party = fc.constantFrom('owner', 'thief')
const refresh = fc.record({ kind: fc.constant('refresh'), by: party, lost: fc.boolean() })
const move = fc.record({ kind: fc.constant('move'), by: party, network: fc.constantFrom(...networks) })
// A clock is sometimes set back.
const wait = fc.record({ kind: fc.constant('wait'), ms: fc.constantFrom(0, 50, 9_999, 10_000, 600_000, -20_000) })

/** Generates steps of an owner and a thief in any order. */
export const refreshSteps: fc.Arbitrary<RefreshStep[]> = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: refresh },
    fc.constant({ kind: 'steal' } as const),
    move,
    wait,
  ) as fc.Arbitrary<RefreshStep>,
  { maxLength: 40 },
)

export { parentOf }
