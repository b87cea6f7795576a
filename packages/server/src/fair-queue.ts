/** The groups of an entry, from the widest to the narrowest. No path is a prefix of another. */
export type FairPath = readonly string[]

/** A waiting entry. */
export interface FairEntry<T> {
  readonly path: FairPath
  readonly value: T
  readonly cost: number
}

/** Groups within a group, in the order of their turns; or, in the narrowest group, the entries. */
interface Group<T> {
  readonly groups: Map<string, Group<T>>
  readonly entries: FairEntry<T>[]
  /** Entries in this group and in all groups within. */
  size: number
  /** Turns that the group must let pass, because its last entries cost more than one. */
  debt: number
}

/**
 * A hierarchical fair queue: at each level the groups take turns (deficit round robin with a
 * quantum of 1), and the narrowest group is first in, first out. A group that was empty takes the
 * last place of the round, so that no group gains by leaving and returning. Only groups with
 * entries are kept: memory is bounded by the number of entries times the length of a path. Pure.
 */
export class FairQueue<T> {
  readonly #root: Group<T> = emptyGroup()

  /** Number of entries. */
  get size(): number {
    return this.#root.size
  }

  /**
   * Adds an entry behind the others of its narrowest group.
   *
   * @param cost Turns that the entry uses up: a whole number, at least 1.
   * @returns The entry, for `remove`.
   */
  add(path: FairPath, value: T, cost = 1): FairEntry<T> {
    const entry = { path, value, cost }
    let group = this.#root
    group.size += 1
    for (const key of path) {
      const inner = group.groups.get(key) ?? emptyGroup()
      group.groups.set(key, inner)
      group = inner
      group.size += 1
    }
    group.entries.push(entry)
    return entry
  }

  /**
   * Removes the entry whose turn it is and returns its value; `undefined` when the queue is empty.
   */
  take(): T | undefined {
    const passed: Group<T>[] = []
    let group = this.#root
    while (group.groups.size > 0) {
      group = takeTurn(group.groups)
      passed.push(group)
    }
    const entry = group.entries[0]
    if (entry === undefined) return undefined
    for (const payer of passed) payer.debt += entry.cost - 1
    this.remove(entry)
    return entry.value
  }

  /** Removes an entry; does nothing when it is no longer in the queue. */
  remove(entry: FairEntry<T>): void {
    const chain = this.#chainOf(entry.path)
    const entries = chain.at(-1)?.entries ?? []
    const at = entries.indexOf(entry)
    if (at < 0) return
    entries.splice(at, 1)
    for (const group of chain) group.size -= 1
    for (const [depth, key] of entry.path.entries()) {
      if (chain[depth + 1]?.size === 0) chain[depth]?.groups.delete(key)
    }
  }

  /**
   * Removes the newest entry of the largest group (longest-queue drop), where the largest group is
   * looked for level by level, and returns its value; `undefined` when the queue is empty.
   */
  dropNewest(): T | undefined {
    let group = this.#root
    while (group.groups.size > 0) group = largest(group.groups)
    const entry = group.entries.at(-1)
    if (entry !== undefined) this.remove(entry)
    return entry?.value
  }

  /**
   * Returns whether an entry with this path, once added, would be the newest entry of the largest
   * group. Of equally large groups the one of the new entry counts as the largest.
   */
  wouldDrop(path: FairPath): boolean {
    let group: Group<T> | undefined = this.#root
    for (const key of path) {
      if (group === undefined) return true
      const next: Group<T> | undefined = group.groups.get(key)
      const sizeThen = (next?.size ?? 0) + 1
      for (const other of group.groups.values()) if (other !== next && other.size > sizeThen) return false
      group = next
    }
    return true
  }

  /** Returns the groups of a path, the root first. */
  #chainOf(path: FairPath): Group<T>[] {
    const chain = [this.#root]
    for (const key of path) {
      const inner = chain.at(-1)?.groups.get(key)
      if (inner === undefined) return []
      chain.push(inner)
    }
    return chain
  }
}

function emptyGroup<T>(): Group<T> {
  return { groups: new Map(), entries: [], size: 0, debt: 0 }
}

/**
 * Moves the group whose turn it is to the end of the round and returns it; groups in debt pay a
 * turn.
 */
function takeTurn<T>(round: Map<string, Group<T>>): Group<T> {
  // The map is the round: it keeps the order of insertion, and iteration includes new entries.
  for (const [key, group] of round) {
    round.delete(key)
    round.set(key, group)
    if (group.debt === 0) return group
    group.debt -= 1
  }
  throw new RangeError('A round must have at least one group.')
}

/** Returns the largest group; of equally large ones that whose turn comes last. */
function largest<T>(groups: Map<string, Group<T>>): Group<T> {
  return [...groups.values()].reduce((found, group) => (group.size >= found.size ? group : found))
}
