import type { CommandContext } from '../command-context.js'

/** What a `Progress` shows. */
export interface ProgressOptions {
  /** What is being done, in a word or two. */
  readonly label: string
  /** What is counted, in the plural: `users`, `bytes`. */
  readonly unit: string
  /** How much there is in all; `undefined`: nobody knows. */
  readonly total?: number | undefined
}

const redrawMs = 100
const lineMs = 5000
const barWidth = 24

/**
 * How far long work has come, its rate and the time left, on standard error: a bar that is redrawn at a terminal, and else a plain line now and then, so
 * that a log stays readable. Work that is quickly done shows nothing in a log.
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

  /** So much is done now. What was done before the first call was done earlier, and does not count into the rate. */
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

  /** Clears the bar: what follows stands in its place. */
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

/** The number alone, where the unit follows later. */
function number(count: number, unit: string): string {
  return unit === 'bytes' ? quantity(count, unit) : count.toLocaleString('en')
}

/** A number of things, grouped by thousands, with the name of their plural; bytes as kB, MB or GB. */
export function quantity(count: number, unit: string): string {
  if (unit !== 'bytes') return `${count.toLocaleString('en')} ${count === 1 ? unit.replace(/s$/, '') : unit}`
  const [divisor, name] = count < 1e6 ? [1e3, 'kB'] : count < 1e9 ? [1e6, 'MB'] : [1e9, 'GB']
  return `${(count / divisor).toFixed(1)} ${name}`
}

/** Seconds as `0:07`, `12:34` or `3:00:00`. */
export function duration(seconds: number): string {
  const whole = Math.round(seconds)
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60]
  const shown = parts[0] === 0 ? parts.slice(1) : parts
  return shown.map((part, at) => (at === 0 ? String(part) : String(part).padStart(2, '0'))).join(':')
}
