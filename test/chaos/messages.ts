import type { ChangeKind } from './history.js'

/**
 * The Redis timeout of a verifier. It is longer than the default of the library, because most calls
 * would time out on a machine that is busy with other tests.
 */
export const redisTimeoutMs = 200

/** The settings of a verifier process. */
export interface VerifierSetup {
  readonly databaseUrl: string
  readonly listenUrl: string
  readonly redisUrl: string | undefined
  readonly masterKeys: string
  readonly maxStalenessMs: number
  /** A bug to plant, which the checker must catch. */
  readonly plant: Plant | undefined
}

/** A bug of planted-bugs.mjs. */
export type Plant =
  | 'feed-ignored'
  | 'open-ignored'
  | 'gap-ignored'
  | 'epoch-ignored'
  | 'old-primary-read'
  | 'proof-from-end'
  | 'failed-read-counts'
  | 'acknowledged-early'
  | 'silent-not-awaited'
  | 'age-ignored'
  | 'versions-ignored'
  | 'history-ignored'

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
