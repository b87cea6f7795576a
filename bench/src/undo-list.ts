/** The steps that must run at the end of a program, also when a signal ends it. */
export class UndoList {
  readonly #undo: (() => Promise<unknown>)[] = []
  #undoing: Promise<void> | undefined
  #isInterrupted = false

  /** Undoes everything and exits when the process receives SIGINT (Ctrl-C) or SIGTERM. */
  constructor() {
    for (const [signal, code] of [
      ['SIGINT', 130],
      ['SIGTERM', 143],
    ] as const) {
      process.once(signal, () => {
        this.#isInterrupted = true
        void this.dispose().finally(() => process.exit(code))
      })
    }
  }

  /** Whether a signal has ended the program, so that failures of running work mean nothing. */
  get isInterrupted(): boolean {
    return this.#isInterrupted
  }

  /** Adds a step, which must tolerate a second call. The last one that was added runs first. */
  add(undo: () => Promise<unknown>): void {
    this.#undo.push(undo)
  }

  /** Runs all steps once. A step that fails does not prevent the others. */
  dispose(): Promise<void> {
    this.#undoing ??= this.#disposeNow()
    return this.#undoing
  }

  async #disposeNow(): Promise<void> {
    for (let undo = this.#undo.pop(); undo !== undefined; undo = this.#undo.pop()) {
      await undo().catch((error: unknown) => console.error(error))
    }
  }
}
