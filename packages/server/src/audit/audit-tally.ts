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

/** Events of one kind with the same account, session and actor. */
interface Group {
  readonly entry: AuditEntry
  readonly startedAt: number
  readonly maxNetworks: number
  readonly networks: Map<string | null, Count>
  /** Events from networks beyond `maxNetworks`. */
  readonly others: Count
}

/**
 * A window begins with the first event of a group. At its end, repetitions become one entry per
 * network.
 */
export const tallyWindowMs = 600_000

/**
 * Networks of one group with entries of their own. Anonymous groups are few, so they may have more.
 */
const maxNetworksAnonymous = 32
const maxNetworksIdentified = 8

/** Groups in memory; further events are counted by their kind alone. */
const maxGroups = 1024

/**
 * Counts events that clients can cause at any rate, so that they do not fill the log. The first one
 * of a window is an entry of its own; the others become one entry with their number. A window
 * writes at most 1,024 · (2 · 8 + 1) + kinds · (2 · 32 + 1) entries. The counts are in memory: a
 * crash loses those of one window.
 */
export class AuditTally {
  readonly #groups = new Map<string, Group>()

  /**
   * Returns whether the entry is the first of its group and network in this window, and must be
   * written now. All others are counted.
   */
  isFirst(entry: AuditEntry, at: Moment): boolean {
    const group = this.#groupOf(entry, at)
    const network = networkNameOf(entry)
    const known = group.networks.get(network)
    if (known !== undefined) add(known, at.now)
    else if (group.networks.size >= group.maxNetworks) add(group.others, at.now)
    else group.networks.set(network, emptyCount())
    return known === undefined && group.networks.has(network)
  }

  /**
   * Counts an entry that could not be written. If its window has been taken meanwhile, a new one
   * begins.
   */
  count(entry: AuditEntry, at: Moment): void {
    if (this.isFirst(entry, at)) this.isFirst(entry, at)
  }

  /** Removes the windows that have ended, or all of them, and returns their entries. */
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
    const isAnonymous = actor === null && account === null
    if (!isAnonymous && this.#groups.size >= maxGroups) return this.#overflowOf(entry, monotonic)
    const group = newGroup(entry, monotonic, isAnonymous ? maxNetworksAnonymous : maxNetworksIdentified)
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
