import pg from 'pg'

/** Rows that are locked in the order of these ranks, and among one table in the order of their names. */
const ranks: Readonly<Record<string, number>> = {
  server_accounts: 1,
  server_clients: 2,
  server_mail_counts: 3,
  server_invitations: 4,
  latchkey_tenants: 5,
  server_locks: 6,
}

/** Rows that belong to an account or a client, whose lock their writers hold. */
const owned = /^server_(sessions|one_time_tokens|guess_lanes|client_secrets)$/

interface Held {
  readonly table: string
  readonly name: string
  /** A row that the transaction has made itself: nobody else can wait for it. */
  readonly isNew: boolean
}

interface Transaction {
  readonly held: Held[]
  readonly statements: string[]
}

type Query = (this: object, ...args: unknown[]) => unknown

/** What `pg` answers a statement with. */
type Answer = { readonly rowCount: number | null }

/**
 * Sees every statement that this process sends to PostgreSQL, and notes each transaction that takes locks in another order than
 * docs/decisions/0018-lock-order.md says. It changes nothing.
 */
export class LockRecorder {
  readonly faults: string[] = []
  readonly #tables = new Set<string>()
  readonly #open = new WeakMap<object, Transaction>()
  readonly #query: Query

  private constructor() {
    this.#query = pg.Client.prototype.query as unknown as Query
  }

  static start(): LockRecorder {
    const recorder = new LockRecorder()
    const query = recorder.#query
    Object.assign(pg.Client.prototype, {
      query(this: object, ...args: unknown[]) {
        const answer = query.apply(this, args)
        const note = recorder.#see(this, args)
        if (note === undefined || !(answer instanceof Promise)) return answer
        return answer.then((result: Answer) => {
          // A statement that has found no row holds none.
          if (result.rowCount !== 0) note()
          return result
        })
      },
    })
    return recorder
  }

  stop(): void {
    Object.assign(pg.Client.prototype, { query: this.#query })
  }

  /** The tables of which a transaction has locked a row. */
  get lockedTables(): readonly string[] {
    return [...this.#tables]
  }

  /** Returns what there is to note of the statement once it has been carried out. */
  #see(connection: object, [first]: readonly unknown[]): (() => void) | undefined {
    const { text, values = [] } = (typeof first === 'string' ? { text: first } : first) as {
      text: string
      values?: readonly unknown[]
    }
    if (/^\s*begin/i.test(text)) this.#open.set(connection, { held: [], statements: [] })
    else if (/^\s*(commit|rollback)/i.test(text)) this.#open.delete(connection)
    const transaction = this.#open.get(connection)
    const lock = lockedBy(text)
    // What waits for no row cannot be part of a deadlock.
    if (transaction === undefined || lock === undefined || text.includes('skip locked')) return undefined
    return () => {
      transaction.statements.push(text.replaceAll(/\s+/g, ' ').trim())
      this.#tables.add(lock.table)
      for (const name of namesOf(values)) this.#take(transaction, { ...lock, name })
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

/** The table of which the statement locks rows. */
function lockedBy(text: string): Omit<Held, 'name'> | undefined {
  const [, changed] = /^\s*(?:update|delete from)\s+(\w+)/i.exec(text) ?? []
  const [, upserted] = /^\s*insert into\s+(\w+)[\s\S]*on conflict[\s\S]*do update/i.exec(text) ?? []
  const [, selected] = /\bfrom\s+(\w+)[\s\S]*for update/i.exec(text) ?? []
  const table = changed ?? upserted ?? selected
  if (table !== undefined) return { table, isNew: false }
  const [, owner] = /^\s*insert into\s+(server_accounts|server_clients|latchkey_tenants)\b/i.exec(text) ?? []
  return owner === undefined ? undefined : { table: owner, isNew: true }
}

/** The names of the rows: the first value, or each one of a list. */
function namesOf([first]: readonly unknown[]): readonly string[] {
  return Array.isArray(first) ? first.map(String) : [String(first ?? '')]
}

function isAfter(earlier: Held, next: Held): boolean {
  const [rank, other] = [ranks[next.table], ranks[earlier.table]]
  if (rank === undefined || other === undefined || earlier.isNew || next.isNew) return false
  // The names of counts are blinded: their order is that of the addresses.
  const isNameLater = next.table !== 'server_mail_counts' && earlier.name > next.name
  return other > rank || (other === rank && isNameLater)
}

/** Whether a row is held that belongs to an account or a client, and the lock of none is. */
function hasUnowned(held: readonly Held[]): boolean {
  const hasOwner = held.some(({ table }) => table === 'server_accounts' || table === 'server_clients')
  return !hasOwner && held.some(({ table }) => owned.test(table))
}
