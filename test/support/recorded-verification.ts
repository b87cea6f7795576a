import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { type Verification, type VerifyOptions, verify } from './spin.js'

type Recorded = Record<string, Verification>

/**
 * The results of long searches. A search depends on the text of the model and its definitions
 * alone, so that its result holds until one of them changes.
 */
export class VerificationRecord {
  readonly #file: URL
  readonly #model: URL
  readonly #modelHash: string
  readonly #isWritten: boolean
  readonly #before: Recorded
  readonly #used: Recorded = {}

  /** With `isWritten`, every search is made, and `close` replaces the file. */
  constructor(file: URL, { model, isWritten }: { readonly model: URL; readonly isWritten: boolean }) {
    this.#file = file
    this.#model = model
    this.#modelHash = sha256(readFileSync(model))
    this.#isWritten = isWritten
    const { modelHash, results } = JSON.parse(readFileSync(file, 'utf8'))
    this.#before = modelHash === this.#modelHash && !isWritten ? results : {}
  }

  /** Whether the file is that of this text of the model. */
  get isCurrent(): boolean {
    return this.#isWritten || Object.keys(this.#before).length > 0
  }

  /** Returns the recorded result, or that of a search. */
  async verify(options: VerifyOptions): Promise<Verification> {
    const key = options.definitions.join(' ')
    const result = this.#before[key] ?? (await verify(this.#model, options))
    this.#used[key] = result
    return result
  }

  /** The recorded searches that were not asked for. */
  get unused(): readonly string[] {
    return Object.keys(this.#before).filter((key) => this.#used[key] === undefined)
  }

  close(): void {
    if (!this.#isWritten) return
    const results = Object.fromEntries(Object.entries(this.#used).toSorted(([one], [other]) => (one < other ? -1 : 1)))
    writeFileSync(this.#file, `${JSON.stringify({ modelHash: this.#modelHash, results }, null, 2)}\n`)
  }
}

function sha256(data: Buffer): string {
  return createHash('sha256').update(data).digest('hex')
}
