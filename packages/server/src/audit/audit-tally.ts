import { networkOf } from '../ip-address.js'
import type { AuditDetail } from './audit-detail.js'
import type { AuditEntry } from './audit-record.js'

/** Times of events in milliseconds since 1970; windows are measured by the monotonic clock. */
interface Moment {
  readonly now: number
  readonly monotonic: number
}

/** Repetitions that are not in the log yet. */
interface Count {
  count: number
  first: number
  last: number
}

/** Events of one kind that concern the same account, session and actor, or none. */
interface Group {
  readonly entry: AuditEntry
  readonly startedAt: number
  readonly maxNetworks: number
  readonly networks: Map<string | null, Count>
  /** From networks beyond `maxNetworks`. */
  readonly others: Count
}

/** A window begins with the first event of a group; what repeats in it is one entry for each network when it ends. */
export const tallyWindowMs = 600_000

/** Networks of one group that have entries of their own: many where the group names nobody, few where every account can have groups. */
const maxNetworksOfNobody = 32
const maxNetworksOfSomebody = 8

/** Groups in one window; events that would need more are counted by their kind alone. */
const maxGroups = 1024

/**
 * Counts events that can be caused at any rate, so that they do not fill the log: the first one of a window is an entry of its own, the others are one entry with
 * their number. At most (1,024 · (2 · 8 + 1) + kinds · (2 · 32 + 1)) entries are written in a window, whatever happens in it. In memory: a crash loses the
 * numbers of one window.
 */
export class AuditTally {
  readonly #groups = new Map<string, Group>()

  /** Returns whether the entry is the first of its kind and network in this window, and so to be written now; otherwise it is counted. */
  isFirst(entry: AuditEntry, at: Moment): boolean {
    const group = this.#groupOf(entry, at)
    const network = networkNameOf(entry)
    const known = group.networks.get(network)
    if (known !== undefined) add(known, at.now)
    else if (group.networks.size >= group.maxNetworks) add(group.others, at.now)
    else group.networks.set(network, emptyCount())
    return known === undefined && group.networks.has(network)
  }

  /** Counts an entry that could not be written; its window may have been taken meanwhile, and is then begun anew. */
  count(entry: AuditEntry, at: Moment): void {
    if (this.isFirst(entry, at)) this.isFirst(entry, at)
  }

  /** Removes the windows that have ended, or all of them, and returns the entries that they make. */
  take(which: 'ended' | 'all', { monotonic }: Pick<Moment, 'monotonic'>): AuditEntry[] {
    const entries: AuditEntry[] = []
    for (const [key, group] of this.#groups) {
      if (which === 'ended' && monotonic - group.startedAt < tallyWindowMs) continue
      this.#groups.delete(key)
      entries.push(...entriesOf(group))
    }
    return entries
  }

  #groupOf(entry: AuditEntry, { monotonic }: Moment): Group {
    const { event, outcome, actor, account, session = null, detail } = entry
    const key = JSON.stringify([event, outcome, actor, account, session, detail])
    const known = this.#groups.get(key)
    if (known !== undefined) return known
    const namesNobody = actor === null && account === null
    if (!namesNobody && this.#groups.size >= maxGroups) return this.#overflowOf(entry, monotonic)
    const group = newGroup(entry, monotonic, namesNobody ? maxNetworksOfNobody : maxNetworksOfSomebody)
    this.#groups.set(key, group)
    return group
  }

  #overflowOf({ event, outcome }: AuditEntry, monotonic: number): Group {
    const key = JSON.stringify([event, outcome])
    const entry = {
      event,
      outcome,
      actor: null,
      account: null,
      address: null,
      detail: { accounts: 'several' },
    } as const
    const group = this.#groups.get(key) ?? newGroup(entry, monotonic, 0)
    this.#groups.set(key, group)
    return group
  }
}

function newGroup(entry: AuditEntry, startedAt: number, maxNetworks: number): Group {
  return { entry, startedAt, maxNetworks, networks: new Map(), others: emptyCount() }
}

function emptyCount(): Count {
  return { count: 0, first: 0, last: 0 }
}

function add(count: Count, now: number): void {
  if (count.count === 0) count.first = now
  count.count += 1
  count.last = now
}

function networkNameOf({ address }: AuditEntry): string | null {
  return address === null ? null : networkOf(address)
}

function entriesOf({ entry, networks, others }: Group): AuditEntry[] {
  const named = [...networks].filter(([, { count }]) => count > 0)
  const entries = named.map(([address, count]) => ({ ...entry, address, detail: counted(entry.detail, count) }))
  if (others.count === 0) return entries
  return [...entries, { ...entry, address: null, detail: { ...counted(entry.detail, others), networks: 'others' } }]
}

function counted(detail: AuditDetail | undefined, { count, first, last }: Count): AuditDetail {
  return { ...detail, count, first: new Date(first).toISOString(), last: new Date(last).toISOString() }
}
