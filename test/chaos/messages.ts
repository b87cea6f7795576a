import type { ChangeKind } from './history.js'

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

/** `feed-ignored`: changes are not heard, and the feed vouches all the same. `versions-ignored`: entries of the shared cache are not compared with what changed. */
export type Plant = 'feed-ignored' | 'versions-ignored'

export type Question =
  | { readonly kind: 'issue'; readonly tenant: string }
  | { readonly kind: 'verify'; readonly token: string }
  | { readonly kind: 'change'; readonly change: ChangeKind; readonly tenant: string; readonly sessionId: string }

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
