import type { SqlClient } from 'latchkey/sql'
import { findAccountByEmail, isIdTaken } from '../accounts/account-table.js'
import { type ImportedUser, type ImportFault, parseImportedUser } from '../accounts/imported-user.js'
import { insertDraft, newAccount } from '../accounts/new-account.js'
import { operator } from '../audit/operator.js'
import type { Core } from '../core.js'
import { isProblem } from '../problem.js'

/** One line of an import. */
export interface ImportLine {
  /** The line number, from 1. */
  readonly number: number
  /** The parsed line; `undefined` when it could not be parsed. */
  readonly value: unknown
}

/** Options of an import. */
export interface ImportOptions {
  /** Counts the outcomes and changes nothing. */
  readonly dryRun: boolean
  /** Stops it between two batches. */
  readonly signal: AbortSignal
  /** Called for each line that creates no account. */
  readonly onFault: (line: number, fault: ImportFault) => void
  /** Called after each batch. */
  readonly onProgress: (tally: ImportTally) => void
}

/** The numbers of lines, by outcome. */
export interface ImportTally {
  readonly imported: number
  /** Lines whose account exists already. */
  readonly present: number
  readonly invalid: number
}

/** Accounts per transaction: few, so that sign-ins do not wait long. */
const batchSize = 100

/** Attempts of a batch whose addresses are being registered at the same time. */
const maxAttempts = 5

interface Candidate {
  readonly number: number
  readonly user: ImportedUser
}

/** A line whose account exists already, and the reason. */
interface Present extends Candidate {
  readonly fault: 'email_present' | 'id_present'
}

/**
 * Imports accounts of another system, each with a secret of its own, in batches of one transaction.
 * A line whose address or ID has an account already is skipped, so that a repeated import continues
 * where the last one stopped.
 */
export async function importUsers(
  core: Core,
  lines: AsyncIterable<ImportLine>,
  { dryRun, signal, onFault, onProgress }: ImportOptions,
): Promise<ImportTally> {
  const tally = { imported: 0, present: 0, invalid: 0 }
  let batch: Candidate[] = []
  const flush = async () => {
    const present = await importBatch(core, batch, dryRun)
    for (const { number, fault } of present) onFault(number, fault)
    tally.present += present.length
    tally.imported += batch.length - present.length
    batch = []
    onProgress(tally)
  }
  for await (const { number, value } of lines) {
    const user = parseImportedUser(value, core.clock.now())
    if (typeof user === 'string') {
      tally.invalid += 1
      onFault(number, user)
    } else {
      batch.push({ number, user })
    }
    if (batch.length === batchSize) await flush()
    // An incomplete batch is read again when the import is repeated.
    if (signal.aborted) return tally
  }
  if (batch.length > 0) await flush()
  return tally
}

/** Inserts the batch, unless `dryRun`; returns the lines whose account existed already. */
async function importBatch(core: Core, batch: readonly Candidate[], dryRun: boolean): Promise<readonly Present[]> {
  if (dryRun) return findPresent(core.store, batch)
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await core.store.transaction((client) => insertBatch(core, client, batch))
    } catch (error) {
      const raced = isProblem(error) && error.code === 'email_taken'
      if (!raced || attempt === maxAttempts) throw error
    }
  }
}

async function insertBatch(
  { keys, audit }: Core,
  client: SqlClient,
  batch: readonly Candidate[],
): Promise<readonly Present[]> {
  const present: Present[] = []
  // Sorted, so that two imports of the same accounts do not deadlock.
  for (const candidate of batch.toSorted(byEmail)) {
    const fault = await presenceOf(client, candidate.user)
    if (fault !== undefined) {
      present.push({ ...candidate, fault })
      continue
    }
    const { id: givenId, ...user } = candidate.user
    const { id } = await insertDraft(client, { keys }, newAccount(user, givenId))
    await audit.done(client, 'account_import', operator, { account: id, detail: { role: user.role } })
  }
  return present.toSorted((one, other) => one.number - other.number)
}

function byEmail({ user: one }: Candidate, { user: other }: Candidate): number {
  if (one.email === other.email) return 0
  return one.email < other.email ? -1 : 1
}

async function findPresent(client: SqlClient, batch: readonly Candidate[]): Promise<readonly Present[]> {
  const present: Present[] = []
  for (const candidate of batch) {
    const fault = await presenceOf(client, candidate.user)
    if (fault !== undefined) present.push({ ...candidate, fault })
  }
  return present
}

/** Returns the member of a user by which an account exists already. */
async function presenceOf(client: SqlClient, { id, email }: ImportedUser): Promise<Present['fault'] | undefined> {
  if ((await findAccountByEmail(client, email)) !== undefined) return 'email_present'
  return id !== undefined && (await isIdTaken(client, id)) ? 'id_present' : undefined
}
