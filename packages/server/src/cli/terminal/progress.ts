import { quantity } from '../../quantity.js'
import type { CommandContext } from '../command-context.js'

/** Options of `Progress`. */
export interface ProgressOptions {
  /** Names the work in a word or two. */
  readonly label: string
  /** The things that are counted, in the plural: `users`, `bytes`. */
  readonly unit: string
  /** The number of all; `undefined`: unknown. */
  readonly total?: number | undefined
}

const redrawMs = 100
const lineMs = 5000
const barWidth = 24

/**
 * Shows the progress of long work, its rate and the time left on standard error: a bar at a
 * terminal, else a plain line every five seconds, so that a log stays readable.
 */
export class Progress {
  readonly #output: CommandContext['stderr']
  readonly #options: ProgressOptions
  readonly #startedAt = performance.now()
  #shownAt: number
  #first: number | undefined

  constructor({ stderr }: CommandContext, options: ProgressOptions) {
    this.#output = stderr
    this.#options = options
    this.#shownAt = stderr.isTTY ? Number.NEGATIVE_INFINITY : this.#startedAt
  }

  /**
   * Shows that `done` are done. Those of the first call were done earlier, so the rate leaves them
   * out.
   */
  update(done: number): void {
    this.#first ??= done
    const now = performance.now()
    if (now - this.#shownAt < (this.#output.isTTY ? redrawMs : lineMs)) return
    this.#shownAt = now
    this.#output.write(this.#output.isTTY ? `\r\x1b[K${this.#text(done)}` : `${this.#text(done)}\n`)
  }

  /** Prints a line of its own. */
  note(text: string): void {
    this.end()
    this.#output.write(`${text}\n`)
  }

  /** Clears the bar, so that other output takes its place. */
  end(): void {
    if (this.#output.isTTY) this.#output.write('\r\x1b[K')
  }

  #text(done: number): string {
    const { label, unit, total } = this.#options
    const rate = (done - (this.#first ?? 0)) / Math.max((performance.now() - this.#startedAt) / 1000, 0.001)
    const parts = [total === undefined ? quantity(done, unit) : `${number(done, unit)} of ${quantity(total, unit)}`]
    if (rate > 0) parts.push(`${quantity(Math.round(rate), unit)}/s`)
    if (total !== undefined && rate > 0) parts.push(`${duration(Math.max(0, total - done) / rate)} left`)
    const share = total === undefined ? undefined : Math.min(1, total === 0 ? 1 : done / total)
    return `${label}${share === undefined ? '' : `  ${this.#bar(share)}${Math.floor(share * 100)}%`}  ${parts.join(', ')}`
  }

  #bar(share: number): string {
    if (!this.#output.isTTY) return ''
    const full = Math.round(share * barWidth)
    return `[${'#'.repeat(full)}${'.'.repeat(barWidth - full)}] `
  }
}

/** Returns the number without its unit, which follows later in the sentence. */
function number(count: number, unit: string): string {
  return unit === 'bytes' ? quantity(count, unit) : count.toLocaleString('en')
}

/** Returns seconds as `0:07`, `12:34` or `3:00:00`. */
export function duration(seconds: number): string {
  const whole = Math.round(seconds)
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60]
  const shown = parts[0] === 0 ? parts.slice(1) : parts
  return shown.map((part, at) => (at === 0 ? String(part) : String(part).padStart(2, '0'))).join(':')
}
