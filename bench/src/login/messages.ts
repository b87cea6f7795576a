/** The task of the Argon2id process. */
export interface ArgonTask {
  readonly durationMs: number
}

export interface ArgonResult {
  readonly perSecond: number
  /** The processor time of one check, in milliseconds. */
  readonly cpuMs: number
}
