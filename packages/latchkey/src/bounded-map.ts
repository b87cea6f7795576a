/** A value of a `BoundedMap`. The mark is on the value, because a hit must not write to the map. */
export interface Evictable {
  /** Set by each use of the value; cleared when the value is spared from eviction. */
  recentlyUsed: boolean
}

/** The largest capacity: well below the 2^24 entries that a `Map` can hold. */
export const maxCapacity = 10_000_000

/**
 * A map of at most `capacity` entries that evicts by second chance (the CLOCK algorithm): an entry
 * that was used since the hand last passed is spared once. A hit writes one boolean, where an LRU
 * writes to the map twice.
 */
export class BoundedMap<K, V extends Evictable> {
  readonly #entries = new Map<K, V>()
  readonly #capacity: number
  readonly #evicted: (key: K, value: V) => void
  // One iterator is the clock's hand: a new one at each eviction would walk over the holes that
  // deletes leave. It is created at the first eviction, because an iterator keeps all the smaller
  // tables that its map has outgrown.
  #hand: MapIterator<[K, V]> | undefined

  /** `capacity` is at most `maxCapacity`. `evicted` is called for each entry after its eviction. */
  constructor(capacity: number, evicted: (key: K, value: V) => void = () => {}) {
    this.#capacity = capacity
    this.#evicted = evicted
  }

  get size(): number {
    return this.#entries.size
  }

  /** Whether the next new entry evicts another one. */
  get isFull(): boolean {
    return this.#entries.size >= this.#capacity
  }

  get(key: K): V | undefined {
    return this.#entries.get(key)
  }

  set(key: K, value: V): void {
    if (this.isFull && !this.#entries.has(key)) this.#evictOne()
    this.#entries.set(key, value)
  }

  delete(key: K): boolean {
    return this.#entries.delete(key)
  }

  values(): MapIterator<V> {
    return this.#entries.values()
  }

  clear(): void {
    this.#entries.clear()
    this.#hand = undefined
  }

  #evictOne(): void {
    for (;;) {
      this.#hand ??= this.#entries.entries()
      const next = this.#hand.next()
      if (next.done === true) {
        this.#hand = undefined
        continue
      }
      const [key, value] = next.value
      this.#entries.delete(key)
      if (!value.recentlyUsed) {
        this.#evicted(key, value)
        return
      }
      value.recentlyUsed = false
      this.#entries.set(key, value)
    }
  }
}
