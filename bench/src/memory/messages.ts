/** What the process is to keep, and how many of it. */
export interface MemoryTask {
  readonly kept: 'tenants' | 'verdicts'
  readonly count: number
}

/** Bytes that all of it took, by two measures that need not agree. */
export interface MemoryResult {
  /** On the heap and in buffers, once garbage was collected. */
  readonly liveBytes: number
  /** Of the machine's memory, by which the process grew: with the room that the heap keeps for itself. */
  readonly residentBytes: number
}
