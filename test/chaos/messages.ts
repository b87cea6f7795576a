import type { ChangeKind } from './history.js'

/** How long a verifier waits for Redis: longer than the library's default, or a machine that is busy with the rest of the tests would seldom hear from it. */
export const redisTimeoutMs = 200

/** How a verifier is to be set up. */
export interface VerifierSetup {
  readonly databaseUrl: string
  readonly listenUrl: string
  readonly redisUrl: string | undefined
  readonly masterKeys: string
  readonly maxStalenessMs: number
  /** A bug to plant, so that the checker can be seen to catch it. */
  readonly plant: Plant | undefined
}

/** A bug of planted-bugs.mjs. */
export type Plant = 'feed-ignored' | 'age-ignored' | 'versions-ignored' | 'history-ignored' | 'silent-not-awaited'

export type Question =
  | { readonly kind: 'issue'; readonly tenant: string }
  | { readonly kind: 'verify'; readonly token: string }
  | {
      readonly kind: 'change'
      readonly change: ChangeKind
      readonly tenant: string
      readonly sessionId: string
      readonly everywhere: boolean
    }

export interface Asked {
  readonly id: number
  readonly question: Question
}

/** `outcome` is `done`, `accepted` or the code of a failure. */
export interface Answer {
  readonly id: number
  readonly outcome: string
  readonly beganAt: number
  readonly endedAt: number
  readonly token?: string
  readonly sessionId?: string
}
