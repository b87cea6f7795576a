import { channel } from 'node:diagnostics_channel'
import { type FailureCode, isLatchkeyError } from './errors.js'
import { ObservedOperation } from './observed-operation.js'

/** A call of `verify` or `issue`, as its tracing channel publishes it. */
export interface TokenCall {
  /** The Latchkey that was called. */
  readonly source: object
}

/** How a call ended that was refused: a code of the library, or `internal_error` for any other error. */
export type RefusedOutcome = FailureCode | 'internal_error'

/** A message of the channel `latchkey:verify`: one verification. */
export interface VerifyMessage extends TokenCall {
  readonly outcome: 'accepted' | RefusedOutcome
  /**
   * Where the answer came from: `remembered` for a token that was verified before, `memory` where the
   * key was in memory, `read` where the caller got a promise because something had to be read.
   */
  readonly level: 'remembered' | 'memory' | 'read'
}

/** A message of the channel `latchkey:issue`: one token that was issued, or was not. */
export interface IssueMessage extends TokenCall {
  readonly outcome: 'issued' | RefusedOutcome
  /** As in `VerifyMessage`. */
  readonly level: 'memory' | 'read'
}

/** A call of a store, as its tracing channel publishes it. */
export interface StoreCall {
  /** The store that was called. */
  readonly source: object
  /** The database, by its name in the semantic conventions of OpenTelemetry. */
  readonly system: 'postgresql' | 'sqlite'
  readonly operation: 'query' | 'transaction' | 'change' | 'read_by_kid' | 'read_tenants'
}

/** A message of the channel `latchkey:store`: one call of `postgresStore` or `sqliteStore`. */
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
  /** `skipped`: Redis failed a moment ago and was not asked. */
  readonly outcome: 'done' | 'failed' | 'skipped'
  readonly durationMs: number
  /** Tenants that were found; 0 for a write. */
  readonly hits: number
  /** Tenants that were not found, or could not be; 0 for a write. */
  readonly misses: number
}

/** A message of the channel `latchkey:feed`: what the change feed delivered to one key source. */
export type FeedMessage = {
  /** The `tenantSecrets` that listen. */
  readonly source: object
} & (
  | {
      readonly event: 'change'
      /** Whether one tenant has changed, or keys that all tenants rely on. */
      readonly of: 'tenant' | 'keys'
      /**
       * Upper bound on the milliseconds between the commit and its delivery: the age of the last
       * proof, which had delivered everything committed before. `Infinity` without a proof.
       */
      readonly maxDelayMs: number
    }
  | {
      readonly event: 'proof'
      /** Milliseconds since the moment before which every commit has been delivered. */
      readonly ageMs: number
    }
  | {
      /**
       * `regained`: tokens are accepted by what is in memory from now on. `lost`: each tenant is read
       * from the store before it is used.
       */
      readonly event: 'regained' | 'lost'
    }
)

/** A message of the channel `latchkey:lifecycle`: a change of one tenant, made in this process. */
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
  /** The tenant's ID, which is personal data where tenants are people. No other message has it. */
  readonly tenant: string
  /** `unchanged`: the tenant was in that state already. */
  readonly outcome: 'done' | 'unchanged' | RefusedOutcome
  /** `false` in a transaction of the caller's, which may still roll back. */
  readonly isCommitted: boolean
}

/** Verifications of every Latchkey in this process. */
export const verifications = new ObservedOperation<TokenCall, VerifyMessage>('latchkey:verify')

/** Issues of every Latchkey in this process. */
export const issues = new ObservedOperation<TokenCall, IssueMessage>('latchkey:issue')

/** Calls of every SQL store in this process. */
export const storeCalls = new ObservedOperation<StoreCall, StoreMessage>('latchkey:store')

/** Calls of every shared cache in this process. */
export const cacheCalls = new ObservedOperation<CacheCall, CacheMessage>('latchkey:cache')

const feedEvents = channel('latchkey:feed')
const lifecycleChanges = channel('latchkey:lifecycle')

/** Publishes what the change feed delivered. `message` is called only where a subscriber exists. */
export function publishFeed(message: () => FeedMessage): void {
  if (feedEvents.hasSubscribers) feedEvents.publish(message())
}

/** Makes a change of one tenant and publishes it. `change` resolves with whether it changed anything. */
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

/** Returns the code of a refusal; `internal_error` for an error of another kind. */
export function refusedOutcome(error: unknown): RefusedOutcome {
  return isLatchkeyError(error) ? error.code : 'internal_error'
}
