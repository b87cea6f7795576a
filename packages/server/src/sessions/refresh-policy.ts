/**
 * Decides what the presentation of a genuine refresh token leads to. Pure: the state of the session and the request in, a verdict out.
 *
 * At any time one token of a session is current, and one replaced token, its parent, is honoured: the current one was made
 * from it and was never used. Every other token has been overtaken, and its use ends the session.
 * See docs/decisions/0020-replaced-refresh-tokens.md.
 */

/** The state of a session that decides about its refresh tokens. Times are milliseconds since 1970. */
export interface RefreshState {
  /** The number of the current token. */
  readonly counter: number
  /** How many successors of the parent were superseded by a later one. */
  readonly forks: number
  /** How many rotations in a row, before the last one, had their parent used again. */
  readonly repeatedRun: number
  /** The binding of the client that refreshes: see `deviceBinding`; `null` while it has shown no device token. */
  readonly device: string | null
  /** The user agent and the network of the request that the current token was issued to. */
  readonly userAgent: string | null
  readonly network: string | null
  readonly rotatedAt: number
}

/** A genuine refresh token as a request presents it. */
export interface Presentation {
  readonly counter: number
  readonly device: string | null
  readonly userAgent: string | null
  readonly network: string
  readonly nowMs: number
}

/**
 * - `rotate`: the current token; its successor becomes current.
 * - `repeat`: the parent again; the answer is the current token once more.
 * - `fork`: the parent again; a new successor takes the place of the current one, whose use would end the session.
 * - `reused`: a token that was overtaken; the session ends.
 * - `elsewhere`: a token that another client than the session's has presented; the session ends.
 */
export type RefreshVerdict = 'rotate' | 'repeat' | 'fork' | 'reused' | 'elsewhere'

/** Requests within this time after a rotation can be those of parallel tabs. Decides between `repeat` and `fork` only. */
const parallelMs = 10_000

/** Rotations in a row whose parent may be used again for the same successor. */
const maxRunLate = 1
const maxRunParallel = 3

/** Returns the number of the replaced token that is still honoured. */
export function parentOf({ counter, forks }: Pick<RefreshState, 'counter' | 'forks'>): number {
  return counter - 1 - forks
}

/** Returns what presenting this token leads to. */
export function judgeRefresh(state: RefreshState, shown: Presentation): RefreshVerdict {
  const isCurrent = shown.counter === state.counter
  if (!isCurrent && shown.counter !== parentOf(state)) return 'reused'
  if (state.device !== null && state.device !== shown.device) return 'elsewhere'
  if (isCurrent) return 'rotate'
  if (state.device === null && (shown.device !== null || shown.userAgent !== state.userAgent)) return 'elsewhere'
  return mayRepeat(state, shown) ? 'repeat' : 'fork'
}

/**
 * Whether the same successor may be given again. Two clients that both hold it cannot be told apart, two that hold
 * different ones are found out by the next use of either. A client whose answers are lost does not
 * notice a fork, but parallel tabs might: their answers can arrive in another order than they were sent.
 */
function mayRepeat(state: RefreshState, shown: Presentation): boolean {
  // The absolute difference: servers' clocks differ a little, and may be set back.
  const isParallel = Math.abs(shown.nowMs - state.rotatedAt) < parallelMs
  if (state.device !== null) return isParallel || state.repeatedRun < maxRunLate
  return shown.network === state.network && state.repeatedRun < (isParallel ? maxRunParallel : maxRunLate)
}
