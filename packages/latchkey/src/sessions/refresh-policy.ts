/**
 * The rotation of refresh tokens: pure functions of the state of a session and of a request.
 *
 * At any time one token of a session is current. Its parent, the token that it replaced, is
 * accepted until the current one is used. The use of any other token ends the session. See
 * docs/decisions/0020-replaced-refresh-tokens.md.
 */

/** The state of a session on which the decision depends. Times are milliseconds since 1970. */
export interface RefreshState {
  /** The number of the current token. */
  readonly counter: number
  /** The number of successors of the parent that were superseded by a later one. */
  readonly forks: number
  /** Whether the parent was used again since the last rotation. */
  readonly isRepeated: boolean
  /** The number of consecutive rotations, before the last one, whose parent was used again. */
  readonly repeatedRun: number
  /**
   * The binding to the client's device (`deviceBinding`); `null` before the client has named one.
   */
  readonly device: string | null
  /** The user agent and the network of the request that the current token was issued to. */
  readonly userAgent: string | null
  readonly network: string | null
  /** The time at which the current token became current. */
  readonly rotatedAt: number
}

/** The presentation of a genuine refresh token by a request. */
export interface Presentation {
  /** The number of the token. */
  readonly counter: number
  readonly device: string | null
  readonly userAgent: string | null
  readonly network: string | null
  /** Milliseconds since 1970. */
  readonly nowMs: number
}

/**
 * - `rotate`: the current token; its successor becomes current.
 * - `repeat`: the parent again; the response is the current token again.
 * - `fork`: the parent again; a new successor replaces the current token, whose use then ends the
 *   session.
 * - `reused`: an older token; the session ends.
 * - `elsewhere`: a token from another client than that of the session; the session ends.
 */
export type RefreshVerdict = 'rotate' | 'repeat' | 'fork' | 'reused' | 'elsewhere'

/** The verdicts on a token that is accepted. */
export type AcceptedVerdict = Exclude<RefreshVerdict, 'reused' | 'elsewhere'>

/**
 * Requests within this time after a rotation can come from parallel tabs. It decides between
 * `repeat` and `fork` only.
 */
const parallelMs = 10_000

/** Consecutive rotations whose parent may be used again for the same successor. */
const maxRunLate = 1
const maxRunParallel = 3

/**
 * Returns the number of the replaced token that is still accepted.
 *
 * @example
 * ```ts
 * import { parentOf } from 'latchkey/sessions'
 *
 * parentOf({ counter: 7, forks: 0 }) // 6
 * ```
 */
export function parentOf({ counter, forks }: Pick<RefreshState, 'counter' | 'forks'>): number {
  return counter - 1 - forks
}

/**
 * Returns the decision on a genuine token.
 *
 * @example
 * ```ts
 * import { decideRefresh, type Presentation, type RefreshState } from 'latchkey/sessions'
 *
 * export function isAccepted(state: RefreshState, shown: Presentation): boolean {
 *   return !['reused', 'elsewhere'].includes(decideRefresh(state, shown))
 * }
 * ```
 */
export function decideRefresh(state: RefreshState, shown: Presentation): RefreshVerdict {
  const isCurrent = shown.counter === state.counter
  if (!isCurrent && shown.counter !== parentOf(state)) return 'reused'
  if (state.device !== null && state.device !== shown.device) return 'elsewhere'
  if (isCurrent) return 'rotate'
  if (state.device === null && (shown.device !== null || shown.userAgent !== state.userAgent)) return 'elsewhere'
  return mayRepeat(state, shown) ? 'repeat' : 'fork'
}

/**
 * Returns the state of the session after it has accepted a token. A store must write it only if the
 * session still has the `counter` and the `isRepeated` of `state`.
 *
 * @example
 * ```ts
 * import { applyRefresh, type Presentation, type RefreshState } from 'latchkey/sessions'
 *
 * export function rotated(state: RefreshState, shown: Presentation): RefreshState {
 *   return applyRefresh(state, 'rotate', shown)
 * }
 * ```
 */
export function applyRefresh(state: RefreshState, verdict: AcceptedVerdict, shown: Presentation): RefreshState {
  const { counter, forks, repeatedRun, isRepeated, device, rotatedAt } = state
  const { userAgent, network, nowMs } = shown
  const used = { userAgent, network, repeatedRun, device }
  switch (verdict) {
    case 'rotate':
      return {
        ...used,
        counter: counter + 1,
        forks: 0,
        isRepeated: false,
        repeatedRun: isRepeated ? repeatedRun + 1 : 0,
        device: shown.device ?? device,
        rotatedAt: nowMs,
      }
    case 'repeat':
      return { ...used, counter, forks, isRepeated: true, rotatedAt }
    case 'fork':
      return { ...used, counter: counter + 1, forks: forks + 1, isRepeated: true, rotatedAt: nowMs }
  }
}

/**
 * Returns whether the same successor may be returned again. Two clients that hold the same
 * successor cannot be distinguished; two that hold different ones are detected at the next use of
 * either. A fork does not affect a client that has lost responses, but it can affect parallel tabs,
 * whose responses may arrive in another order.
 */
function mayRepeat(state: RefreshState, shown: Presentation): boolean {
  // The absolute difference, because clocks of servers differ and may be set back.
  const isParallel = Math.abs(shown.nowMs - state.rotatedAt) < parallelMs
  if (state.device !== null) return isParallel || state.repeatedRun < maxRunLate
  return shown.network === state.network && state.repeatedRun < (isParallel ? maxRunParallel : maxRunLate)
}
