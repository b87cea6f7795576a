import { isLatchkeyError } from 'latchkey'
import type { Account } from '../accounts/account-table.js'
import { isProblem } from '../problem.js'
import type { Administration, ChangeChecks } from './administration.js'
import type { Administrator } from './administrator.js'

/** The actions that can be carried out on many accounts. */
export const bulkActions = ['rotate', 'revoke', 'disable', 'enable', 'verify'] as const

/** The name of such an action. */
export type BulkAction = (typeof bulkActions)[number]

/** All values of `BulkResult.outcome`. */
export const bulkOutcomes = ['done', 'skipped', 'refused'] as const

/** The result of an action for one account. */
export interface BulkResult {
  readonly id: string
  /** `skipped`: the account was already as the action makes it. */
  readonly outcome: (typeof bulkOutcomes)[number]
  /** The code of the refusal. */
  readonly code: string | null
}

/** The accounts of an action, and whether to only find out what it would do. */
export interface BulkRequest {
  readonly action: BulkAction
  readonly ids: readonly string[]
  readonly dryRun: boolean
}

/** Ends the transaction of a change that is not needed. */
class NotNeeded extends Error {}

/** Ends the transaction of a change that was only tried. */
class OnlyTried extends Error {}

type Act = (administration: Administration, by: Administrator, id: string, checks: ChangeChecks) => Promise<Account>

const acts: Readonly<Record<BulkAction, Act>> = {
  rotate: (administration, ...change) => administration.rotate(...change),
  revoke: (administration, ...change) => administration.revoke(...change),
  disable: (administration, ...change) => administration.disable(...change),
  enable: (administration, ...change) => administration.enable(...change),
  verify: (administration, ...change) => administration.verifyEmail(...change),
}

/** Returns whether the account is already as the action makes it. A secret never is. */
const isAsWanted: Readonly<Record<BulkAction, (account: Account) => boolean>> = {
  rotate: () => false,
  revoke: () => false,
  disable: ({ disabledAt }) => disabledAt !== null,
  enable: ({ disabledAt }) => disabledAt === null,
  verify: ({ emailVerifiedAt }) => emailVerifiedAt !== null,
}

/**
 * Carries out an action on many accounts, each in a transaction of its own, with the checks and the
 * audit entry of the single action.
 */
export class BulkActions {
  readonly #administration: Administration

  constructor(administration: Administration) {
    this.#administration = administration
  }

  /**
   * Returns what has happened with each account, in the order of the IDs. A refusal of one does not
   * stop the others.
   *
   * A dry run makes each change and rolls it back, so that every rule is asked. It judges each
   * account alone: of two last administrators it says of both that they can be disabled.
   */
  async run(by: Administrator, { action, ids, dryRun }: BulkRequest): Promise<readonly BulkResult[]> {
    const results: BulkResult[] = []
    for (const id of ids) results.push(await this.#runOne(by, id, action, dryRun))
    return results
  }

  async #runOne(by: Administrator, id: string, action: BulkAction, dryRun: boolean): Promise<BulkResult> {
    const checks: ChangeChecks = {
      before: (account) => {
        if (isAsWanted[action](account)) throw new NotNeeded()
      },
      after: () => {
        if (dryRun) throw new OnlyTried()
      },
    }
    try {
      await acts[action](this.#administration, by, id, checks)
    } catch (error) {
      if (error instanceof NotNeeded) return { id, outcome: 'skipped', code: null }
      if (isProblem(error) || isLatchkeyError(error)) return { id, outcome: 'refused', code: error.code }
      if (!(error instanceof OnlyTried)) throw error
    }
    return { id, outcome: 'done', code: null }
  }
}
