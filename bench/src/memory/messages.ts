/** The kind and the number of entries that the process keeps. */
export interface MemoryTask {
  readonly kept: 'tenants' | 'verdicts'
  readonly count: number
}

/** The bytes of all entries, by two measures that can differ. */
export interface MemoryResult {
  /** Bytes on the heap and in buffers after a garbage collection. */
  readonly liveBytes: number
  /** The growth of the resident set, including free heap. */
  readonly residentBytes: number
}
