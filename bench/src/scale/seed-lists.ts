import type { SqlStore } from 'latchkey/sql'

/** A user of the seed, with one session and one audit entry. */
export interface SeededUser {
  readonly id: string
  readonly email: string
  readonly name: string
  readonly address: string
}

const firstNames = ['Ada', 'Grace', 'Alan', 'Edsger', 'Barbara', 'Donald', 'Ken', 'Linus', 'Zoë', 'Yuki', 'Ольга']
const lastNames = [
  'Lovelace',
  'Hopper',
  'Turing',
  'Liskov',
  'Knuth',
  'Ritchie',
  'Perlman',
  'Müller',
  'Tanaka',
  'Иванова',
]
const domains = ['example.com', 'mail.example', 'example.net', 'post.example.org']

const batch = 2000
const startMs = 1_700_000_000_000

/** Returns user number `n`: always the same one. */
export function seededUser(n: number): SeededUser {
  const random = Math.imul(n + 1, 2_654_435_761) >>> 0
  const hex = random.toString(16).padStart(8, '0')
  const time = (startMs + n * 60).toString(16).padStart(12, '0')
  const pick = <T>(from: readonly T[], divisor: number) => from[Math.floor(random / divisor) % from.length]
  return {
    id: `${time.slice(0, 8)}-${time.slice(8)}-7${hex.slice(0, 3)}-a${hex.slice(3, 6)}-${n.toString(16).padStart(12, '0')}`,
    email: `u${hex}.${n}@${pick(domains, 7)}`,
    name: `${pick(firstNames, 97)} ${pick(lastNames, 3571)}`,
    address: `198.51.${Math.floor(n / 250) % 250}.${n % 250}`,
  }
}

/**
 * Fills the tables of an empty server, whose indexes exist already. The caller updates the
 * statistics of the database.
 */
export async function seedLists(store: SqlStore, users: number): Promise<void> {
  const source =
    store.dialect === 'postgres'
      ? 'json_to_recordset($1::json) as r(n bigint, id text, email text, name text, address text, at bigint, text text)'
      : `(select value ->> 'n' as n, value ->> 'id' as id, value ->> 'email' as email, value ->> 'name' as name,
          value ->> 'address' as address, value ->> 'at' as at, value ->> 'text' as text from json_each($1)) as r`
  for (let from = 0; from < users; from += batch) {
    const rows = Array.from({ length: Math.min(batch, users - from) }, (_, at) => {
      const user = seededUser(from + at)
      const text = `${user.name.toLowerCase()}\n${user.email}`
      return { ...user, n: from + at, at: startMs + (from + at) * 60, text }
    })
    const values = [JSON.stringify(rows)]
    await store.transaction(async (client) => {
      for (const insert of inserts) await client.query(`${insert} from ${source}`, values)
    })
  }
}

const year = 31_536_000_000

const inserts = [
  'insert into latchkey_tenants (tenant_id, version, created_at, changed_at) select id, n, at, at',
  // Of 1,000 accounts 1 is an administrator, 10 are disabled, 50 not verified, 200 have a factor.
  `insert into server_accounts (id, email, name, role, password_hash, created_at, search_text,
     disabled_at, email_verified_at, second_factor, signed_in_at)
   select id, email, name, case when n % 1000 = 1 then 'admin' else 'user' end, 'no hash', at, text,
     case when n % 100 = 2 then at end, case when n % 20 <> 3 then at end, case when n % 5 = 4 then 1 else 0 end,
     case when n % 3 <> 0 then at end`,
  `insert into server_sessions (id, account_id, salt, counter, user_agent, address, created_at, last_used_at, rotated_at, expires_at)
   select id, id, 'salt', 1, 'Mozilla/5.0', address, at, at + ${10 * year}, at, at + ${20 * year}`,
  // Numbers that the chain of the server does not reach.
  `insert into server_audit (id, at, event, outcome, actor, account_id, session_id, address, tag, seq, link)
   select id, at, case when n % 10 = 0 then 'login' else 'logout' end, case when n % 50 = 0 then 'refused' else 'done' end,
     id, id, id, address, 'tag', n + 1000000000, 'link'`,
]
