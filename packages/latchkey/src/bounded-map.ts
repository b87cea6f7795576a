/** What `BoundedMap` needs of its values: a mark that a hit sets. Plain data on the value, because a hit must not write to the map. */
export interface Evictable {
  /** Set by whoever uses the value; cleared when the value is passed over for eviction. */
  recentlyUsed: boolean
}

/** Most entries that a bounded map may be made for: well below the 2^24 that a `Map` can hold. */
export const maxCapacity = 10_000_000

/**
 * A map that never holds more than `capacity` entries, evicting by second chance (the CLOCK algorithm): an entry that was
 * used since the hand last passed is spared once. A hit costs one boolean instead of the two map writes of an LRU.
 */
export class BoundedMap<K, V extends Evictable> {
  readonly #entries = new Map<K, V>()
  readonly #capacity: number
  readonly #evicted: (key: K, value: V) => void
  // One live iterator is the clock's hand: asking for a new one at each eviction would walk over the holes that deletes leave. It begins with the first
  // eviction, because an iterator that stands still while its map grows keeps all the smaller tables that the map has outgrown.
  #hand: MapIterator<[K, V]> | undefined

  /** `capacity`: at most `maxCapacity`. `evicted` is called for each entry that must make room, after it has left. */
  constructor(capacity: number, evicted: (key: K, value: V) => void = () => {}) {
    this.#capacity = capacity
    this.#evicted = evicted
  }

  get size(): number {
    return this.#entries.size
  }

  /** Whether the next new entry makes another one leave. */
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
