import type { Clock, TenantSecrets } from 'latchkey'
import type { SqlClient, SqlStore } from 'latchkey/sql'
import { findAccountByEmail, isIdTaken } from '../accounts/account-table.js'
import { type ImportedUser, type ImportFault, parseImportedUser } from '../accounts/imported-user.js'
import { insertDraft, newAccount } from '../accounts/new-account.js'
import type { AuditTrail } from '../audit/audit-trail.js'
import { Problem } from '../problem.js'

/** What `importUsers` works with. */
export interface ImportParts {
  readonly store: SqlStore
  readonly keys: TenantSecrets<SqlClient>
  readonly audit: AuditTrail
  readonly clock: Clock
}

/** One line of what is imported. */
export interface ImportLine {
  /** From 1. */
  readonly number: number
  /** The parsed line; `undefined` when it could not be parsed. */
  readonly value: unknown
}

/** How it is done. */
export interface ImportOptions {
  /** Finds out what would happen, and changes nothing. */
  readonly dryRun: boolean
  /** Stops it between two batches. */
  readonly signal: AbortSignal
  /** Called for each line that makes no account. */
  readonly onFault: (line: number, fault: ImportFault) => void
  /** Called after each batch. */
  readonly onProgress: (tally: ImportTally) => void
}

/** How many lines there were, by what became of them. */
export interface ImportTally {
  readonly imported: number
  /** They have an account already. */
  readonly present: number
  readonly invalid: number
}

/** Accounts per transaction: few enough that nobody who signs in waits long. */
const batchSize = 100

/** Times that a batch is tried again because somebody has registered one of its addresses meanwhile. */
const maxAttempts = 5

interface Candidate {
  readonly number: number
  readonly user: ImportedUser
}

/** One that has an account already, and what says so. */
interface Present extends Candidate {
  readonly fault: 'email_present' | 'id_present'
}

/**
 * Makes accounts of what another system has kept, each with a secret of its own, a batch in one transaction. An address or an ID that has an account already is passed
 * over, so that whatever ended an import, the same one goes on where it stopped.
 */
export async function importUsers(
  parts: ImportParts,
  lines: AsyncIterable<ImportLine>,
  { dryRun, signal, onFault, onProgress }: ImportOptions,
): Promise<ImportTally> {
  const tally = { imported: 0, present: 0, invalid: 0 }
  let batch: Candidate[] = []
  const flush = async () => {
    const present = await settle(parts, batch, dryRun)
    for (const { number, fault } of present) onFault(number, fault)
    tally.present += present.length
    tally.imported += batch.length - present.length
    batch = []
    onProgress(tally)
  }
  for await (const { number, value } of lines) {
    const user = parseImportedUser(value, parts.clock.now())
    if (typeof user === 'string') {
      tally.invalid += 1
      onFault(number, user)
    } else {
      batch.push({ number, user })
    }
    if (batch.length === batchSize) await flush()
    // What is not in a whole batch yet is read again when the import is repeated.
    if (signal.aborted) return tally
  }
  if (batch.length > 0) await flush()
  return tally
}

/** Returns those that had an account already. */
async function settle(parts: ImportParts, batch: readonly Candidate[], dryRun: boolean): Promise<readonly Present[]> {
  if (dryRun) return findPresent(parts.store, batch)
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await parts.store.transaction((client) => insertBatch(parts, client, batch))
    } catch (error) {
      const raced = error instanceof Problem && error.code === 'email_taken'
      if (!raced || attempt === maxAttempts) throw error
    }
  }
}

async function insertBatch(
  { keys, audit }: ImportParts,
  client: SqlClient,
  batch: readonly Candidate[],
): Promise<readonly Present[]> {
  const present: Present[] = []
  // In one order: two imports of the same accounts wait for each other instead of deadlocking.
  for (const candidate of batch.toSorted(byEmail)) {
    const fault = await presenceOf(client, candidate.user)
    if (fault !== undefined) {
      present.push({ ...candidate, fault })
      continue
    }
    const { id: givenId, ...user } = candidate.user
    const { id } = await insertDraft(client, { keys }, newAccount(user, givenId))
    const entry = { event: 'account_import', outcome: 'done', actor: 'cli', account: id, address: null } as const
    await audit.append(client, { ...entry, detail: { role: user.role } })
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

/** Returns what of a user is there already. */
async function presenceOf(client: SqlClient, { id, email }: ImportedUser): Promise<Present['fault'] | undefined> {
  if ((await findAccountByEmail(client, email)) !== undefined) return 'email_present'
  return id !== undefined && (await isIdTaken(client, id)) ? 'id_present' : undefined
}
