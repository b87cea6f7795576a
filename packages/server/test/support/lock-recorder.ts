import { interceptQueries } from './intercept-queries.js'

/**
 * The order in which tables are locked. Rows of one table are locked in the order of their names.
 */
const ranks: Readonly<Record<string, number>> = {
  server_accounts: 1,
  server_clients: 2,
  server_mail_counts: 3,
  server_invitations: 4,
  latchkey_tenants: 5,
  server_locks: 6,
}

/** Tables whose rows belong to an account or a client. Writers hold the lock of the owner. */
const owned =
  /^server_(sessions|one_time_tokens|guess_lanes|client_secrets|factors|recovery_codes|challenges|trusted_devices|impersonations)$/

interface Held {
  readonly table: string
  readonly name: string
  /** Whether the transaction has inserted the row itself, so that no other one can wait for it. */
  readonly isNew: boolean
}

interface Transaction {
  readonly held: Held[]
  readonly statements: string[]
}

/** The result of a statement in `pg`. */
type Answer = { readonly rowCount: number | null }

/**
 * Watches every statement that this process sends to PostgreSQL, and records each transaction that
 * takes locks in another order than docs/decisions/0018-lock-order.md defines. It changes no
 * statement.
 */
export class LockRecorder {
  readonly faults: string[] = []
  readonly #tables = new Set<string>()
  readonly #open = new WeakMap<object, Transaction>()
  readonly #stop = interceptQueries((send, connection, args) => {
    const answer = send()
    const note = this.#see(connection, args)
    if (note === undefined || !(answer instanceof Promise)) return answer
    return answer.then((result: Answer) => {
      // A statement without a matching row locks none.
      if (result.rowCount !== 0) note()
      return result
    })
  })

  static start(): LockRecorder {
    return new LockRecorder()
  }

  stop(): void {
    this.#stop()
  }

  /** The tables in which a transaction has locked a row. */
  get lockedTables(): readonly string[] {
    return [...this.#tables]
  }

  /** Returns a function that records the locks of the statement after its execution. */
  #see(connection: object, [first]: readonly unknown[]): (() => void) | undefined {
    const { text, values = [] } = (typeof first === 'string' ? { text: first } : first) as {
      text: string
      values?: readonly unknown[]
    }
    if (/^\s*begin/i.test(text)) this.#open.set(connection, { held: [], statements: [] })
    else if (/^\s*(commit|rollback)/i.test(text)) this.#open.delete(connection)
    const transaction = this.#open.get(connection)
    const locks = partsOf(text, values).flatMap((part) => {
      const lock = lockedBy(part.text)
      return lock === undefined ? [] : [{ ...lock, names: namesOf(part.values) }]
    })
    // A statement that waits for no row cannot be part of a deadlock.
    if (transaction === undefined || locks.length === 0 || text.includes('skip locked')) return undefined
    return () => {
      transaction.statements.push(text.replaceAll(/\s+/g, ' ').trim())
      for (const { names, ...lock } of locks) {
        this.#tables.add(lock.table)
        for (const name of names) this.#take(transaction, { ...lock, name })
      }
    }
  }

  #take(transaction: Transaction, next: Held): void {
    const { held } = transaction
    if (held.some(({ table, name }) => table === next.table && name === next.name)) return
    held.push(next)
    const isFault = held.some((earlier) => isAfter(earlier, next)) || (held.length > 1 && hasUnowned(held))
    if (isFault) this.faults.push(`${next.table} last in: ${transaction.statements.join('; ')}`)
  }
}

/** Returns the changes of a statement of `change-together.ts`, each with its values. */
function partsOf(text: string, values: readonly unknown[]): { text: string; values: readonly unknown[] }[] {
  if (!/^\s*with change_0/.test(text)) return [{ text, values }]
  const [, ...parts] = text.split(/\bchange_\d+ as \(/)
  return parts.map((part) => {
    const first = Math.min(...[...part.matchAll(/\$(\d+)/g)].map(([, number]) => Number(number)))
    return { text: part, values: values.slice(first - 1) }
  })
}

/** Returns the table in which the statement locks rows. */
function lockedBy(text: string): Omit<Held, 'name'> | undefined {
  const [, changed] = /^\s*(?:update|delete from)\s+(\w+)/i.exec(text) ?? []
  const [, upserted] = /^\s*insert into\s+(\w+)[\s\S]*on conflict[\s\S]*do update/i.exec(text) ?? []
  const [, selected] = /\bfrom\s+(\w+)[\s\S]*for update/i.exec(text) ?? []
  const table = changed ?? upserted ?? selected
  if (table !== undefined) return { table, isNew: false }
  const [, owner] = /^\s*insert into\s+(server_accounts|server_clients|latchkey_tenants)\b/i.exec(text) ?? []
  return owner === undefined ? undefined : { table: owner, isNew: true }
}

/** Returns the names of the rows: the first value, or each one of a list. */
function namesOf([first]: readonly unknown[]): readonly string[] {
  return Array.isArray(first) ? first.map(String) : [String(first ?? '')]
}

function isAfter(earlier: Held, next: Held): boolean {
  const [rank, other] = [ranks[next.table], ranks[earlier.table]]
  if (rank === undefined || other === undefined || earlier.isNew || next.isNew) return false
  // The names of counters are blinded, so their order is that of the addresses.
  const isNameLater = next.table !== 'server_mail_counts' && earlier.name > next.name
  return other > rank || (other === rank && isNameLater)
}

/**
 * Returns whether the transaction holds a row of an account or a client without the lock of an
 * owner.
 */
function hasUnowned(held: readonly Held[]): boolean {
  const hasOwner = held.some(({ table }) => table === 'server_accounts' || table === 'server_clients')
  return !hasOwner && held.some(({ table }) => owned.test(table))
}
