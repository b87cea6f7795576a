/** For how long to check passwords. */
export interface ArgonTask {
  readonly durationMs: number
}

export interface ArgonResult {
  readonly perSecond: number
  /** Processor time of one check. */
  readonly cpuMs: number
}
