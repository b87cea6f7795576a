import { channel } from 'node:diagnostics_channel'
import { type FailureCode, isLatchkeyError } from './errors.js'
import { ObservedOperation } from './observed-operation.js'

/** A call of `verify` or `issue`, as its tracing channel publishes it. */
export interface TokenCall {
  /** The Latchkey that was called. */
  readonly source: object
}

/**
 * The outcome of a refused call: a code of the library, or `internal_error` for any other error.
 */
export type RefusedOutcome = FailureCode | 'internal_error'

/** A message of the channel `latchkey:verify`: one verification. */
export interface VerifyMessage extends TokenCall {
  readonly outcome: 'accepted' | RefusedOutcome
  /**
   * The source of the result: `remembered` for a token that was verified before, `memory` for a key
   * in memory, `read` if the call returned a promise because of a read.
   */
  readonly level: 'remembered' | 'memory' | 'read'
}

/** A message of the channel `latchkey:issue`: one call of `issue`. */
export interface IssueMessage extends TokenCall {
  readonly outcome: 'issued' | RefusedOutcome
  /** As in `VerifyMessage`. */
  readonly level: 'memory' | 'read'
}

/** A call of a store, as its tracing channel publishes it. */
export interface StoreCall {
  /** The store that was called. */
  readonly source: object
  /** The name of the database system in the semantic conventions of OpenTelemetry. */
  readonly system: 'postgresql' | 'sqlite' | 'mysql'
  readonly operation: 'query' | 'transaction' | 'change' | 'read_by_kid' | 'read_tenants'
}

/** A message of the channel `latchkey:store`: one call of a store in an SQL database. */
export interface StoreMessage extends StoreCall {
  readonly outcome: 'done' | 'failed'
  readonly durationMs: number
}

/** A call of a shared cache, as its tracing channel publishes it. */
export interface CacheCall {
  /** The cache that was called. */
  readonly source: object
  readonly system: 'redis'
  readonly operation: 'read' | 'write'
}

/** A message of the channel `latchkey:cache`: one call of `redisCache`. */
export interface CacheMessage extends CacheCall {
  /** `skipped`: Redis failed a moment ago and was not called. */
  readonly outcome: 'done' | 'failed' | 'skipped'
  readonly durationMs: number
  /** Tenants that were found; 0 for a write. */
  readonly hits: number
  /** Tenants that were not found, or could not be read; 0 for a write. */
  readonly misses: number
}

/** A message of the channel `latchkey:feed`: an event of the change feed of one key source. */
export type FeedMessage = {
  /** The `tenantSecrets` that consume the feed. */
  readonly source: object
} & (
  | {
      readonly event: 'change'
      /** The changed object: one tenant, or keys that all tenants depend on. */
      readonly of: 'tenant' | 'keys'
      /**
       * The upper bound on the milliseconds between a commit and its delivery: the age of the
       * previous proof, which delivered all earlier commits. `Infinity` without a proof.
       */
      readonly maxDelayMs: number
    }
  | {
      readonly event: 'proof'
      /** The milliseconds since the time before which every commit has been delivered. */
      readonly ageMs: number
    }
  | {
      /**
       * `regained`: tokens are accepted from memory again. `lost`: each tenant is read from the
       * store before it is used.
       */
      readonly event: 'regained' | 'lost'
    }
)

/** A message of the channel `latchkey:lifecycle`: a change of one tenant by this process. */
export interface LifecycleMessage {
  /** The `tenantSecrets` that made the change. */
  readonly source: object
  readonly action:
    | 'provision'
    | 'rotate'
    | 'revoke'
    | 'revoke_session'
    | 'require_reissue'
    | 'set_grants'
    | 'disable'
    | 'enable'
    | 'forget'
    | 'replace_keys'
  /**
   * The ID of the tenant, which is personal data where tenants are people. Of the other messages,
   * only a `SessionMessage` contains it.
   */
  readonly tenant: string
  /** `unchanged`: the tenant already had that state. */
  readonly outcome: 'done' | 'unchanged' | RefusedOutcome
  /** `false` in a transaction of the caller, which may still roll back. */
  readonly isCommitted: boolean
}

/** A message of the channel `latchkey:session`: an event of one session in this process. */
export interface SessionMessage {
  /** The result of `createSessions`. */
  readonly source: object
  /**
   * `grace_used`: a replaced refresh token was accepted. `reused`, `elsewhere`: a refresh token was
   * used again after its successor, or by another client, and its session has been ended.
   * `stepped_up`: the owner has authenticated again, and the session has a new ID.
   */
  readonly event: 'started' | 'stepped_up' | 'refreshed' | 'grace_used' | 'reused' | 'elsewhere' | 'ended'
  /** The subject of the session, which is personal data where subjects are people. */
  readonly subject: string
  /** `false` in a transaction of the caller, which may still roll back. */
  readonly isCommitted: boolean
}

/** The verifications of all `Latchkey` objects in this process. */
export const verifications = new ObservedOperation<TokenCall, VerifyMessage>('latchkey:verify')

/** The calls of `issue` of all `Latchkey` objects in this process. */
export const issues = new ObservedOperation<TokenCall, IssueMessage>('latchkey:issue')

/** The calls of all SQL stores in this process. */
export const storeCalls = new ObservedOperation<StoreCall, StoreMessage>('latchkey:store')

/** The calls of all shared caches in this process. */
export const cacheCalls = new ObservedOperation<CacheCall, CacheMessage>('latchkey:cache')

const feedEvents = channel('latchkey:feed')
const lifecycleChanges = channel('latchkey:lifecycle')
const sessionEvents = channel('latchkey:session')

/** Publishes an event of the change feed. `message` is called only if there is a subscriber. */
export function publishFeed(message: () => FeedMessage): void {
  if (feedEvents.hasSubscribers) feedEvents.publish(message())
}

/** Publishes an event of a session. `message` is called only if there is a subscriber. */
export function publishSession(message: () => SessionMessage): void {
  if (sessionEvents.hasSubscribers) sessionEvents.publish(message())
}

/**
 * Runs a change of one tenant and publishes its outcome. `change` resolves to whether the tenant
 * has changed.
 */
export async function publishChange(
  about: Omit<LifecycleMessage, 'outcome'>,
  change: () => Promise<boolean>,
): Promise<void> {
  const publish = (outcome: LifecycleMessage['outcome']) => {
    if (lifecycleChanges.hasSubscribers) lifecycleChanges.publish({ ...about, outcome } satisfies LifecycleMessage)
  }
  try {
    publish((await change()) ? 'done' : 'unchanged')
  } catch (error) {
    publish(refusedOutcome(error))
    throw error
  }
}

/** Returns the code of a library error, or `internal_error` for any other error. */
export function refusedOutcome(error: unknown): RefusedOutcome {
  return isLatchkeyError(error) ? error.code : 'internal_error'
}
